//! What can be typed at the prompt of `steadfast up`, or written into its script.

use core::fmt;
use core::str::FromStr;

/// One line of a script or of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Stop the named node.
    Stop(String),
    /// Start the named node.
    Start(String),
    /// Fetch the page once as the named visitor and print it.
    Visit(String),
    /// Say what runs where.
    Status,
    /// List the commands.
    Help,
    /// End the cluster.
    Quit,
    /// An empty line or a comment.
    Nothing,
}

/// Why a line is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// The first word is not a command; the second field is the nearest one.
    Unknown(String, &'static str),
    /// `start` and `stop` need the name of a node.
    NodeMissing(&'static str),
    /// More words than the command takes.
    Surplus(String),
}

/// What `help` prints.
pub(crate) const HELP: &str = "  stop NODE       stop a node: cache1, cache2, web1, web2 or balancer (a stopped cache loses its content)
  start NODE      start it again
  visit [NAME]    fetch the page as a browser of that name would, with a cookie jar of its own
  status          what runs where
  help            this list
  quit            stop everything and leave
";

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(verb) = words.next() else {
            return Ok(Self::Nothing);
        };
        let name = words.next();
        let node = |verb| {
            name.map(str::to_owned)
                .ok_or(CommandError::NodeMissing(verb))
        };
        let command = match verb {
            "stop" => Self::Stop(node("stop")?),
            "start" => Self::Start(node("start")?),
            "visit" => Self::Visit(name.unwrap_or("browser").to_owned()),
            "status" => Self::Status,
            "help" | "?" => Self::Help,
            "quit" | "exit" => Self::Quit,
            other => return Err(CommandError::Unknown(other.to_owned(), nearest(other))),
        };
        let takes_name = matches!(command, Self::Stop(_) | Self::Start(_) | Self::Visit(_));
        match if takes_name { words.next() } else { name } {
            Some(word) => Err(CommandError::Surplus(word.to_owned())),
            None => Ok(command),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word, nearest) => {
                write!(
                    f,
                    "unknown command '{}'; did you mean '{nearest}'? ('help' lists all)",
                    word.escape_debug()
                )
            }
            Self::NodeMissing(verb) => write!(f, "{verb} what? for example: {verb} cache1"),
            Self::Surplus(word) => write!(f, "'{word}' is one word too many"),
        }
    }
}

impl core::error::Error for CommandError {}

const VERBS: [&str; 6] = ["stop", "start", "visit", "status", "help", "quit"];

/// The command whose spelling is closest to `word`.
fn nearest(word: &str) -> &'static str {
    VERBS
        .into_iter()
        .min_by_key(|verb| edit_distance(word, verb))
        .unwrap_or("help")
}

/// Levenshtein distance over bytes; quadratic, for words typed by hand.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_commands() {
        assert_eq!("stop cache1".parse(), Ok(Command::Stop("cache1".into())));
        assert_eq!(
            "  start   web2 # again".parse(),
            Ok(Command::Start("web2".into()))
        );
        assert_eq!("visit".parse(), Ok(Command::Visit("browser".into())));
        assert_eq!("visit anna".parse(), Ok(Command::Visit("anna".into())));
        assert_eq!("# only a comment".parse(), Ok(Command::Nothing));
    }

    #[test]
    fn help_is_a_column() {
        assert_eq!(HELP.lines().count(), VERBS.len());
        for (line, verb) in HELP
            .lines()
            .zip(["stop", "start", "visit", "status", "help", "quit"])
        {
            assert!(line.starts_with(&format!("  {verb} ")), "{line}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let message = |line: &str| line.parse::<Command>().unwrap_err().to_string();
        assert_eq!(
            message("stp cache1"),
            "unknown command 'stp'; did you mean 'stop'? ('help' lists all)"
        );
        assert_eq!(message("start"), "start what? for example: start cache1");
        assert_eq!(message("quit now"), "'now' is one word too many");
        assert_eq!(message("stop cache1 web1"), "'web1' is one word too many");
    }
}
