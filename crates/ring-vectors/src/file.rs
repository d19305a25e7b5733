use std::sync::Arc;

use crate::data::{EDGE_KEYS, FILES, KEYS, unpacked};

/// One recorded run of one client with one list of servers, in several of its dialects.
#[derive(Clone, Debug)]
pub struct File {
    name: &'static str,
    about: String,
    keys: Arc<Vec<Vec<u8>>>,
    list: List,
    columns: Vec<Column>,
}

/// The answers of one dialect, key by key.
#[derive(Clone, Debug)]
pub struct Column {
    dialect: String,
    configuration: Configuration,
    /// In the order of the keys; a key without an answer is left out of the comparison.
    answers: Vec<Option<Vec<usize>>>,
}

/// What a client was told before it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    file: &'static str,
    list: List,
    count: usize,
    nodes: Vec<Node>,
}

/// What was recorded for each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "three kinds were recorded")]
pub enum List {
    /// The server that has the key.
    Owner,
    /// The servers that pecl-memcache's pool writes to, with as many copies as there are servers.
    Pool,
    /// The servers that pecl-memcache's session handler asks, one after the other.
    Session,
}

/// A server, as the client was given it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Weight: a whole number from 1, or for mcrouter's `wch3` a fraction from 0 to 1.
    pub weight: f64,
    /// The server's name in the configuration, if it has one.
    pub alias: Option<String>,
}

/// Every file, unpacked one by one as they are taken.
pub fn files() -> impl Iterator<Item = File> {
    files_named(|_| true)
}

pub(crate) fn files_named(wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = File> {
    let common = Arc::new(lines(&unpacked(KEYS)));
    let edge = lines(&unpacked(EDGE_KEYS));
    let edge = Arc::new(edge.iter().map(|hex| bytes(hex)).collect());
    FILES
        .iter()
        .filter(move |(name, _)| wanted(name))
        .map(move |(name, packed)| File::read(name, packed, &common, &edge))
}

impl File {
    /// The file's name: client and list of servers.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Which program was asked, in which version, and how.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The keys, as the application has them: before a client changes or cuts them.
    #[must_use]
    pub fn keys(&self) -> &[Vec<u8>] {
        &self.keys
    }

    /// The dialects and their answers.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(
        name: &'static str,
        packed: &[u8],
        common: &Arc<Vec<Vec<u8>>>,
        edge: &Arc<Vec<Vec<u8>>>,
    ) -> Self {
        let text = String::from_utf8(unpacked(packed)).expect("the files are text");
        let mut file = Self {
            name,
            about: String::new(),
            keys: Arc::clone(common),
            list: List::Owner,
            columns: Vec::new(),
        };
        let mut nodes = Vec::new();
        let mut count = 0;
        for line in text.lines() {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            match first {
                "#" => rest.clone_into(&mut file.about),
                "keys" => file.keys = keys(rest, common, edge),
                "list" => file.list = list(rest),
                "forget" => nodes.clear(),
                "nodes" => count = number(rest),
                "node" => nodes.push(node(rest)),
                "column" => {
                    let configuration = Configuration {
                        file: name,
                        list: file.list,
                        count: if nodes.is_empty() { count } else { nodes.len() },
                        nodes: nodes.clone(),
                    };
                    file.columns.push(column(rest, configuration));
                }
                _ => panic!("{name} has a line that starts with {first}"),
            }
        }
        file
    }
}

impl Column {
    /// The dialect, `client:configuration`: `libmemcached:consistent-default`.
    #[must_use]
    pub fn dialect(&self) -> &str {
        &self.dialect
    }

    /// What the client was told.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// For each key the indexes of its servers, one for [`List::Owner`]; `None` where no answer was
    /// recorded.
    #[must_use]
    pub fn answers(&self) -> &[Option<Vec<usize>>] {
        &self.answers
    }
}

impl Configuration {
    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// What was recorded.
    #[must_use]
    pub fn list(&self) -> List {
        self.list
    }

    /// How many servers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The servers in the order in which they were added. Answers are indexes into it.
    ///
    /// Where only the number of servers matters ([`count`](Self::count), up to 8,388,608), they are
    /// made up one by one.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        let made_up = self.count - self.nodes.len();
        let made_up = (0..made_up).map(|index| Node {
            host: format!("node{index}"),
            port: 11211,
            weight: 1.0,
            alias: None,
        });
        self.nodes.iter().cloned().chain(made_up)
    }
}

fn column(line: &str, configuration: Configuration) -> Column {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().expect("a column has three parts");
    let (dialect, form, answers) = (word(), word(), word());
    let answers = match form {
        "owners" => answers
            .bytes()
            .map(|digit| (digit != b'-').then(|| vec![index(digit)]))
            .collect(),
        "numbers" => answers
            .split(' ')
            .map(|word| Some(vec![number(word)]))
            .collect(),
        "lists" => answers
            .split(' ')
            .map(|word| Some(word.bytes().map(index).collect()))
            .collect(),
        _ => panic!("{dialect} has answers of the form {form}"),
    };
    Column {
        dialect: dialect.to_owned(),
        configuration,
        answers,
    }
}

fn keys(rule: &str, common: &Arc<Vec<Vec<u8>>>, edge: &Arc<Vec<Vec<u8>>>) -> Arc<Vec<Vec<u8>>> {
    match rule.split_once(' ') {
        Some(("every", "1")) => Arc::clone(common),
        Some(("every", step)) => Arc::new(common.iter().step_by(number(step)).cloned().collect()),
        Some(("first", count)) => Arc::new(common[..number(count)].to_vec()),
        Some(("these", keys)) => {
            Arc::new(keys.split(' ').map(|key| key.as_bytes().to_vec()).collect())
        }
        None if rule == "edge" => Arc::clone(edge),
        _ => panic!("no such rule for keys: {rule}"),
    }
}

fn list(name: &str) -> List {
    match name {
        "owner" => List::Owner,
        "pool" => List::Pool,
        "session" => List::Session,
        _ => panic!("no such list: {name}"),
    }
}

fn node(line: &str) -> Node {
    let words: Vec<&str> = line.split(' ').collect();
    Node {
        host: words[0].to_owned(),
        port: words[1].parse().expect("a port is a number"),
        weight: words[2].parse().expect("a weight is a number"),
        alias: words.get(3).map(|&alias| alias.to_owned()),
    }
}

fn number(word: &str) -> usize {
    word.parse().expect("a number is written in digits")
}

fn index(digit: u8) -> usize {
    usize::from(digit - b'0')
}

/// One key a line; a key may hold any byte but the end of a line.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec())
        .collect()
}

fn bytes(hex: &[u8]) -> Vec<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16).expect("hexadecimal digits") as u8;
    hex.chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_whole_and_every_answer_a_server() {
        let (mut count, mut columns, mut answers) = (0, 0, 0);
        for file in files() {
            count += 1;
            assert!(!file.about().is_empty(), "{}", file.name());
            for column in file.columns() {
                columns += 1;
                assert_eq!(column.answers().len(), file.keys().len(), "{}", file.name());
                let nodes = column.configuration().count();
                for answer in column.answers().iter().flatten() {
                    answers += 1;
                    assert!(!answer.is_empty());
                    assert!(answer.iter().all(|&index| index < nodes), "{}", file.name());
                }
            }
        }
        assert_eq!((count, columns, answers), (54, 395, 2_627_841));
    }
}
