//! The model's commands and replies in the words of the protocol.

use steadfast_tests::key::{Claim, Command, Reply};

/// Which words a command is put in, where there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Classic,
    Meta,
}

/// In a value, stands for so many bytes that it is stored as a large one.
const LARGE: char = '~';
const LARGE_BYTES: usize = 20_000;

/// Returns the request, and the dialect that it is in.
pub(crate) fn request(key: &str, command: &Command, dialect: Dialect) -> (Vec<u8>, Dialect) {
    let is_classic = dialect == Dialect::Classic;
    let line = |line: String| format!("{line}\r\n").into_bytes();
    let verb = |verb: &str, rest: &str, value: &str| {
        let value = expanded(value);
        let line = format!("{verb} {key} 0 0 {}{rest}\r\n", value.len());
        [line.as_bytes(), &value, b"\r\n"].concat()
    };
    let meta = |flags: &str, value: &str| {
        let value = expanded(value);
        let line = format!("ms {key} {} c{flags}\r\n", value.len());
        [line.as_bytes(), &value, b"\r\n"].concat()
    };
    let classic = match command {
        Command::Look => line(format!("gets {key}")),
        Command::Set(value) if is_classic => verb("set", "", value),
        Command::Add(value) if is_classic => verb("add", "", value),
        Command::Replace(value) if is_classic => verb("replace", "", value),
        Command::Append(value) if is_classic => verb("append", "", value),
        Command::SetIf(id, value) if is_classic => verb("cas", &format!(" {id}"), value),
        Command::Increment(delta) if is_classic => line(format!("incr {key} {delta}")),
        Command::Decrement(delta) if is_classic => line(format!("decr {key} {delta}")),
        Command::Delete if is_classic => line(format!("delete {key}")),
        _ => Vec::new(),
    };
    if !classic.is_empty() {
        return (classic, Dialect::Classic);
    }
    let meta = match command {
        Command::Set(value) => meta("", value),
        Command::Add(value) => meta(" ME", value),
        Command::Replace(value) => meta(" MR", value),
        Command::Append(value) => meta(" MA", value),
        Command::SetIf(id, value) => meta(&format!(" C{id}"), value),
        Command::Get | Command::Look => line(format!("mg {key} v c")),
        Command::GetOrMake => line(format!("mg {key} v c N60")),
        Command::Increment(delta) => line(format!("ma {key} v c D{delta}")),
        Command::Decrement(delta) => line(format!("ma {key} v c MD D{delta}")),
        Command::Delete => line(format!("md {key}")),
        Command::DeleteIf(id) => line(format!("md {key} C{id}")),
        Command::Invalidate => line(format!("md {key} I")),
    };
    (meta, Dialect::Meta)
}

/// Reads the answer to a command that was sent in that dialect.
pub(crate) fn reply(command: &Command, dialect: Dialect, answer: &[u8]) -> Reply {
    let end = answer.windows(2).position(|pair| pair == b"\r\n").unwrap();
    let line = std::str::from_utf8(&answer[..end]).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let value = |bytes: &str| {
        let start = end + 2;
        compact(&answer[start..start + bytes.parse::<usize>().unwrap()])
    };
    match dialect {
        Dialect::Classic => match words[..] {
            ["VALUE", _, _, bytes, id] => found(value(bytes), id.parse().ok()),
            ["STORED" | "DELETED"] => Reply::Done(None),
            ["NOT_STORED"] => Reply::NotStored,
            ["EXISTS"] => Reply::Exists,
            ["NOT_FOUND" | "END"] => Reply::Missing,
            [number] if number.parse::<u64>().is_ok() => found(number.into(), None),
            _ if line.contains("non-numeric") => Reply::NotANumber,
            _ => panic!("{command:?}: {line}"),
        },
        Dialect::Meta => {
            let id = |word: &&str| word.strip_prefix('c')?.parse().ok();
            let id = words.iter().find_map(id);
            match words[0] {
                "VA" => meta_value(&words, value(words[1]), id),
                "HD" => Reply::Done(id),
                "NS" => Reply::NotStored,
                "EX" => Reply::Exists,
                "EN" | "NF" => Reply::Missing,
                _ if line.contains("non-numeric") => Reply::NotANumber,
                _ => panic!("{command:?}: {line}"),
            }
        }
    }
}

fn meta_value(words: &[&str], value: String, id: Option<u64>) -> Reply {
    let claim = match (words.contains(&"W"), words.contains(&"Z")) {
        (true, false) => Claim::Won,
        (false, true) => Claim::Lost,
        (false, false) => Claim::None,
        (true, true) => panic!("won and lost: {words:?}"),
    };
    Reply::Found {
        value,
        id,
        claim,
        is_stale: words.contains(&"X"),
    }
}

fn found(value: String, id: Option<u64>) -> Reply {
    Reply::Found {
        value,
        id,
        claim: Claim::None,
        is_stale: false,
    }
}

fn expanded(value: &str) -> Vec<u8> {
    value.replace(LARGE, &".".repeat(LARGE_BYTES)).into_bytes()
}

fn compact(value: &[u8]) -> String {
    let large = ".".repeat(LARGE_BYTES);
    let value = String::from_utf8_lossy(value).replace(&large, &LARGE.to_string());
    assert!(!value.contains('.'), "a value is torn");
    value
}
