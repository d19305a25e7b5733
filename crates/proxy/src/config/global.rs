//! Keywords of `global`.

use super::address::parse_stats_socket;
use super::diagnostic::Diagnostic;
use super::keyword::{FOREIGN_BIND, FOREIGN_GLOBAL, SECTIONS, unknown};
use super::logging::parse_target;
use super::model::{Account, Global, Level, LogHostname, StatsSocket};
use super::proxy::LOG_TARGETS_MAX;
use super::statement::{Modifier, Statement, parse_integer};

/// A keyword: its name, and how its statement is read.
type Keyword = (
    &'static str,
    fn(&mut Global, &Statement<'_>) -> Result<(), Diagnostic>,
);

const KEYWORDS: &[Keyword] = &[
    ("chroot", |global, statement| {
        text(&mut global.chroot, statement, "a directory")
    }),
    ("daemon", |global, statement| {
        global.daemon = true;
        statement.check_arguments_max(0, "daemon")
    }),
    ("gid", |global, statement| {
        number(&mut global.group, statement)
    }),
    ("group", |global, statement| {
        name(&mut global.group, statement)
    }),
    ("hard-stop-after", |global, statement| {
        global.hard_stop_after = Some(statement.time(1, "hard-stop-after")?);
        Ok(())
    }),
    ("log", log),
    ("log-send-hostname", |global, statement| {
        global.log_send_hostname = Some(match statement.word(1) {
            None => LogHostname::System,
            Some(name) => LogHostname::Name(name.to_owned()),
        });
        statement.check_arguments_max(1, "log-send-hostname")
    }),
    ("log-tag", |global, statement| {
        let tag = statement.require(1, "'log-tag' expects a tag for use in syslog.")?;
        tag.clone_into(&mut global.log_tag);
        statement.check_arguments_max(1, "log-tag")
    }),
    ("maxconn", |global, statement| {
        let limit = statement.integer(1, "maxconn", 0, i32::MAX.unsigned_abs())?;
        global.maxconn = (limit > 0).then_some(limit);
        Ok(())
    }),
    ("nbthread", |global, statement| {
        global.nbthread = Some(statement.integer(1, "nbthread", 1, THREADS_MAX)?);
        Ok(())
    }),
    ("pidfile", |global, statement| {
        text(&mut global.pidfile, statement, "a file name")
    }),
    ("stats", stats),
    ("uid", |global, statement| {
        number(&mut global.user, statement)
    }),
    ("ulimit-n", |global, statement| {
        global.ulimit_n = Some(statement.integer(1, "ulimit-n", 1, i32::MAX.unsigned_abs())?);
        Ok(())
    }),
    ("user", |global, statement| {
        name(&mut global.user, statement)
    }),
];

/// Reads a statement of `global`.
///
/// # Errors
///
/// The fault of the statement.
pub(super) fn handle(global: &mut Global, statement: &Statement<'_>) -> Result<(), Diagnostic> {
    let word = statement.keyword();
    let Some((_, read)) = KEYWORDS.iter().find(|(name, _)| *name == word) else {
        let known = KEYWORDS.iter().map(|(name, _)| *name).chain(SECTIONS);
        let text = unknown(
            "keyword",
            word,
            " in 'global' section",
            known,
            FOREIGN_GLOBAL,
        );
        return Err(statement.error(0, text));
    };
    if statement.modifier != Modifier::Set && word != "log" {
        let message = "negation/default currently supported only for options and log.";
        return Err(statement.error(0, message));
    }
    read(global, statement)
}

fn text(
    field: &mut Option<String>,
    statement: &Statement<'_>,
    what: &str,
) -> Result<(), Diagnostic> {
    let keyword = statement.keyword();
    let value = statement.require(1, &format!("'{keyword}' expects {what} as argument."))?;
    *field = Some(value.to_owned());
    statement.check_arguments_max(1, keyword)
}

fn name(field: &mut Option<Account>, statement: &Statement<'_>) -> Result<(), Diagnostic> {
    let keyword = statement.keyword();
    let value = statement.require(1, &format!("'{keyword}' expects a name as argument."))?;
    *field = Some(Account::Name(value.to_owned(), statement.position_of(1)));
    statement.check_arguments_max(1, keyword)
}

fn number(field: &mut Option<Account>, statement: &Statement<'_>) -> Result<(), Diagnostic> {
    let id = statement.integer(1, statement.keyword(), 0, ACCOUNT_ID_MAX)?;
    *field = Some(Account::Id(id));
    Ok(())
}

fn log(global: &mut Global, statement: &Statement<'_>) -> Result<(), Diagnostic> {
    if statement.modifier != Modifier::Set {
        if statement.word(1).is_some() {
            return Err(statement.error(1, "log : 'no log' does not expect arguments"));
        }
        global.log.clear();
        return Ok(());
    }
    if global.log.len() == LOG_TARGETS_MAX {
        return Err(statement.error(0, format!("more than {LOG_TARGETS_MAX} log targets")));
    }
    global.log.push(parse_target(statement)?);
    Ok(())
}

fn stats(global: &mut Global, statement: &Statement<'_>) -> Result<(), Diagnostic> {
    match statement.word(1) {
        Some("socket") => {
            let socket = stats_socket(statement)?;
            if global.stats_sockets.len() == STATS_SOCKETS_MAX {
                let message = format!("more than {STATS_SOCKETS_MAX} stats sockets");
                return Err(statement.error(0, message));
            }
            global.stats_sockets.push(socket);
        }
        Some("timeout") => {
            let timeout = statement.time(2, "stats timeout")?;
            if timeout.is_zero() {
                return Err(statement.error(2, "'stats timeout' has to be > 0."));
            }
            global.stats_timeout = timeout;
        }
        Some("maxconn") => {
            global.stats_maxconn =
                statement.integer(2, "stats maxconn", 1, i32::MAX.unsigned_abs())?;
        }
        other => {
            let message = format!(
                "'stats' only supports 'socket', 'maxconn' and 'timeout' (got '{}')",
                other.unwrap_or_default()
            );
            return Err(statement.error(1, message));
        }
    }
    Ok(())
}

fn stats_socket(statement: &Statement<'_>) -> Result<StatsSocket, Diagnostic> {
    let expects = "'stats socket' in global section expects an address or a path to a UNIX socket";
    let address = statement.require(2, expects)?;
    let address = parse_stats_socket(address)
        .map_err(|text| statement.error(2, format!("'stats socket' : {text}")))?;
    let mut socket = StatsSocket {
        address,
        mode: None,
        user: None,
        group: None,
        level: Level::default(),
        position: statement.position(),
    };
    let mut at = 3;
    while let Some(word) = statement.word(at) {
        let Some((_, read)) = SOCKET_SETTINGS.iter().find(|(name, _)| *name == word) else {
            let known = SOCKET_SETTINGS.iter().map(|(name, _)| *name);
            let text = unknown("keyword", word, "", known, FOREIGN_BIND);
            return Err(statement.error(at, format!("'stats socket' : {text}")));
        };
        let expects = format!("'stats socket' : '{word}' expects an argument");
        let value = statement.require(at + 1, &expects)?;
        read(&mut socket, value, statement, at + 1)
            .map_err(|text| statement.error(at + 1, format!("'stats socket' : {text}")))?;
        at += 2;
    }
    Ok(socket)
}

/// A setting of `stats socket`: its name, and how its value, the word at the index, is read.
type SocketSetting = (
    &'static str,
    fn(&mut StatsSocket, &str, &Statement<'_>, usize) -> Result<(), String>,
);

const SOCKET_SETTINGS: &[SocketSetting] = &[
    ("gid", |socket, value, _, _| {
        socket.group = Some(Account::Id(parse_integer(value, "gid", 0, ACCOUNT_ID_MAX)?));
        Ok(())
    }),
    ("group", |socket, value, statement, index| {
        socket.group = Some(Account::Name(
            value.to_owned(),
            statement.position_of(index),
        ));
        Ok(())
    }),
    ("level", |socket, value, _, _| {
        socket.level = match value {
            "user" => Level::User,
            "operator" => Level::Operator,
            "admin" => Level::Admin,
            _ => {
                return Err(format!(
                    "'level' only supports 'user', 'operator', and 'admin' (got '{value}')"
                ));
            }
        };
        Ok(())
    }),
    ("mode", |socket, value, _, _| {
        let mode = u32::from_str_radix(value, 8)
            .ok()
            .filter(|mode| *mode <= MODE_MAX);
        let text =
            || format!("'mode' : missing or invalid mode '{value}' (octal integer expected)");
        socket.mode = Some(mode.ok_or_else(text)?);
        Ok(())
    }),
    ("uid", |socket, value, _, _| {
        socket.user = Some(Account::Id(parse_integer(value, "uid", 0, ACCOUNT_ID_MAX)?));
        Ok(())
    }),
    ("user", |socket, value, statement, index| {
        socket.user = Some(Account::Name(
            value.to_owned(),
            statement.position_of(index),
        ));
        Ok(())
    }),
];

/// HAProxy's limit on machines with 64-bit words.
const THREADS_MAX: u32 = 64;

/// All bits set means "no such account" to the system.
const ACCOUNT_ID_MAX: u32 = u32::MAX - 1;

/// Permission bits, with set-id and sticky bits.
const MODE_MAX: u32 = 0o7777;

/// Stats sockets; each is a listener.
const STATS_SOCKETS_MAX: usize = 64;
