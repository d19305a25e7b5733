use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::config;

const FILE: &str = "\
defaults
 mode http
 timeout connect 1s
 timeout client 1s
 timeout server 1s
listen http
 bind :80
 server web1 10.0.0.94:80 check inter 3s rise 2 fall 1
 server web2 10.0.0.95:80 maxconn 5 maxqueue 3
backend be
 server s1 10.0.0.96:80 disabled
";

#[allow(clippy::disallowed_methods, reason = "a test has no other clock")]
fn now() -> Now {
    Now::new(Instant::now(), 1_795_350_723_126)
}

/// The answers to `input` on a new connection of `level`, and whether it goes on.
fn converse(level: Level, input: &[&str]) -> (String, Next) {
    let config = config::parse(&[("f", FILE.as_bytes())], &|_| None)
        .config
        .unwrap();
    let address = |host: &config::Host, port: u16| match host {
        config::Host::Ip(ip) => (*ip, port).into(),
        _ => unreachable!("the file has numeric addresses"),
    };
    let state = State::new(Arc::new(config), &address, 100, 1, now());
    let process = Process {
        version: "2.6.12-x".into(),
        pid: 42,
        ..Process::default()
    };
    let mut control = Control::new(level);
    let mut out = Vec::new();
    let mut next = Next::Read;
    for bytes in input {
        next = control.handle_input(bytes.as_bytes(), &state, &process, now(), &mut out);
    }
    (String::from_utf8(out).unwrap(), next)
}

fn answer(line: &str) -> String {
    let (answer, next) = converse(Level::Operator, &[line, "\n"]);
    assert_eq!(next, Next::Close);
    answer
}

/// Proxy and service of each row.
fn rows(line: &str) -> Vec<String> {
    let answer = answer(line);
    let lines = answer.strip_suffix("\n\n").unwrap().lines().skip(1);
    lines
        .map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join("/"))
        .collect()
}

#[test]
fn one_command_is_answered_and_ends_the_connection() {
    assert_eq!(answer("show version"), "2.6.12-x\n\n");
    assert_eq!(answer(" show \t version foo\r"), "2.6.12-x\n\n");
    assert_eq!(answer("show backend"), "# name\nhttp\nbe\n\n");
    assert_eq!(answer("quit"), "");
    let (answer, next) = converse(Level::User, &["show version\nshow version\n"]);
    assert_eq!((answer.as_str(), next), ("2.6.12-x\n\n", Next::Close));
}

#[test]
fn a_line_may_come_in_pieces() {
    assert_eq!(
        converse(Level::User, &["show ver", "sion"]),
        (String::new(), Next::Read)
    );
    let (answer, next) = converse(Level::User, &["show ver", "sion", "\n"]);
    assert_eq!((answer.as_str(), next), ("2.6.12-x\n\n", Next::Close));
}

#[test]
fn semicolons_chain_commands() {
    assert_eq!(
        answer("show version;show version"),
        "2.6.12-x\n\n2.6.12-x\n\n"
    );
    assert_eq!(
        answer("show version ; show version;"),
        "2.6.12-x\n\n2.6.12-x\n\n"
    );
    assert_eq!(answer("show version;quit;show version"), "2.6.12-x\n\n");
    assert!(answer("show\\;version").starts_with("Unknown command: 'show;version', but maybe"));
    let both = answer("show info;show stat");
    let (info, stat) = both.split_once("\n\n").unwrap();
    assert!(info.starts_with("Name: HAProxy\nVersion: 2.6.12-x\n"));
    assert!(stat.starts_with("# pxname,svname,"));
    assert_eq!(
        answer(&"quit2;".repeat(100))
            .matches("Unknown command")
            .count(),
        COMMANDS_MAX
    );
}

#[test]
fn prompt_keeps_the_connection() {
    let lines = ["prompt\nshow version\n", "nothing\n"];
    let (answer, next) = converse(Level::Operator, &lines);
    let expected = "\n> 2.6.12-x\n\n> Unknown command: 'nothing', but maybe";
    assert!(answer.starts_with(expected), "{answer}");
    assert!(answer.ends_with("\n\n> "));
    assert_eq!(next, Next::Read);
    let (answer, next) = converse(Level::Operator, &["prompt\nquit\nshow version\n"]);
    assert_eq!((answer.as_str(), next), ("\n> ", Next::Close));
    let (answer, next) = converse(Level::Operator, &["prompt\nprompt\n"]);
    assert_eq!((answer.as_str(), next), ("\n> \n", Next::Close));
}

#[test]
fn levels_are_told_and_only_fall() {
    let line = "show cli level;operator;show cli level;user;operator;show cli level\n";
    let (answer, _) = converse(Level::Admin, &[line]);
    assert_eq!(answer, "admin\n\n\noperator\n\n\n\nuser\n\n");
}

#[test]
fn unknown_commands_get_the_near_ones() {
    let expected = "\
Unknown command: 'user2', but maybe one of the following ones is a better match:
  help [<command>]                        : list matching or all commands
  prompt                                  : toggle interactive mode with prompt
  quit                                    : disconnect

";
    assert_eq!(answer("user2"), expected);
    let near = answer("show foo");
    assert!(
        near.contains("\n  show info  ") && near.contains("\n  show stat "),
        "{near}"
    );
    assert!(!near.contains("operator"));
    let all = answer("");
    assert!(all.starts_with("Unknown command. Please enter one of the following commands only:\n"));
    assert_eq!(all.lines().count(), 12);
    assert!(answer("\u{1b}[2J").starts_with("Unknown command: '\\u{1b}[2J', but"));
}

#[test]
fn help_lists_all_or_matching_commands() {
    let all = answer("help");
    assert!(all.starts_with("The following commands are valid at this level:\n  operator  "));
    assert_eq!(all.lines().count(), 12);
    let expected = "\
The following commands are valid at this level:
  show version                            : show version of the current process
  help [<command>]                        : list matching or all commands
  prompt                                  : toggle interactive mode with prompt
  quit                                    : disconnect

";
    assert_eq!(answer("help show version"), expected);
}

#[test]
fn show_stat_has_rows_in_the_order_of_the_file() {
    let all = [
        "http/FRONTEND",
        "http/web1",
        "http/web2",
        "http/BACKEND",
        "be/s1",
        "be/BACKEND",
    ];
    assert_eq!(rows("show stat"), all);
    assert_eq!(rows("show stat foo"), all);
    assert_eq!(
        rows("show stat -1 4 -1"),
        ["http/web1", "http/web2", "be/s1"]
    );
    assert_eq!(rows("show stat 2 3 -1"), ["http/FRONTEND", "http/BACKEND"]);
    assert_eq!(rows("show stat be 2 -1"), ["be/BACKEND"]);
    assert_eq!(rows("show stat 2 4 2"), ["http/web2"]);
    assert_eq!(rows("show stat no-maint"), [&all[..4], &all[5..]].concat());
    assert_eq!(rows("show stat up"), [&all[..4], &all[5..]].concat());
    assert_eq!(answer("show stat nosuch 3 -1"), "No such proxy.\n\n");
    assert_eq!(answer("show stat 0 3 -1"), "No such proxy.\n\n");

    assert_eq!(
        answer("show stat json"),
        "'json' is not implemented by steadfast\n\n"
    );
}

#[test]
fn an_endless_line_ends_the_connection() {
    let over = (String::new(), Next::Close);
    let longest = format!("show version {}", "x".repeat(LINE_BYTES_MAX - 14));
    let (answer, next) = converse(Level::User, &[&longest, "\n"]);
    assert_eq!((answer.as_str(), next), ("2.6.12-x\n\n", Next::Close));
    assert_eq!(converse(Level::User, &[&longest, "x\n"]), over);
    let whole = format!("{longest}x\n");
    assert_eq!(converse(Level::User, &[&whole]), over);
    assert_eq!(converse(Level::User, &[&whole, "show version\n"]), over);
}

#[test]
fn answers_to_one_input_are_limited() {
    let one = answer("show stat").len();
    let endless = "show stat\n".repeat(2 * ANSWERS_BYTES_MAX / one);
    let (answers, next) = converse(Level::User, &["prompt\n", &endless]);
    assert_eq!(next, Next::Close);
    assert!(answers.len() > ANSWERS_BYTES_MAX);
    assert!(answers.len() < ANSWERS_BYTES_MAX + 2 * one);
}
