//! Keywords of `defaults`, `frontend`, `backend` and `listen`.

use super::address::{NOT_IMPLEMENTED, parse_bind};
use super::diagnostic::{Complaints, Diagnostic};
use super::keyword::{FOREIGN_BALANCE, FOREIGN_BIND, FOREIGN_PROXY, SECTIONS, unknown};
use super::logging::{LogSource, parse_target};
use super::model::{Balance, Bind, Redispatch, Timeouts};
use super::option;
use super::rule;
use super::section::{Kind, Section, Side};
use super::server;
use super::statement::{Modifier, Statement};

/// Reads a statement into a section; warnings go to the list.
pub(super) type Handler =
    fn(&mut Section, &Statement<'_>, &mut Complaints) -> Result<(), Diagnostic>;

/// A keyword: its name, the side that it belongs to, and how its statement is read.
type Keyword = (&'static str, Side, Handler);

const KEYWORDS: &[Keyword] = &[
    ("balance", Side::Backend, balance),
    ("bind", Side::Frontend, bind),
    ("clitimeout", Side::Frontend, old_timeout),
    ("contimeout", Side::Backend, old_timeout),
    ("default-server", Side::Backend, server::default_server),
    ("default_backend", Side::Frontend, default_backend),
    ("disabled", Side::Both, disabled),
    ("enabled", Side::Both, enabled),
    ("http-request", Side::Both, rule::http_request),
    ("id", Side::Both, id),
    ("log", Side::Both, log),
    ("maxconn", Side::Frontend, maxconn),
    ("mode", Side::Both, mode),
    ("option", Side::Both, option::option),
    ("redispatch", Side::Backend, old_redispatch),
    ("retries", Side::Backend, retries),
    ("server", Side::Backend, server::server),
    ("srvtimeout", Side::Backend, old_timeout),
    ("timeout", Side::Both, timeout),
];

/// Reads a statement of a proxy's section.
///
/// # Errors
///
/// The fault of the statement, which then has had no effect.
pub(super) fn handle(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    let word = statement.keyword();
    let Some((_, side, read)) = KEYWORDS.iter().find(|(name, ..)| *name == word) else {
        let known = KEYWORDS.iter().map(|(name, ..)| *name).chain(SECTIONS);
        let place = format!(" in '{}' section", section.kind.name());
        let text = unknown("keyword", word, &place, known, FOREIGN_PROXY);
        return Err(statement.error(0, text));
    };
    if statement.modifier != Modifier::Set && !matches!(word, "option" | "log") {
        let message = "negation/default currently supported only for options and log.";
        return Err(statement.error(0, message));
    }
    if section.kind == Kind::Defaults && matches!(word, "bind" | "server" | "id") {
        return Err(statement.error(0, format!("'{word}' not allowed in 'defaults' section.")));
    }
    if !side.is_in(section.kind) {
        if matches!(word, "server" | "default-server") {
            let name = &section.name;
            let message = format!(
                "'{word}' not allowed because frontend '{name}' has no backend capability."
            );
            return Err(statement.error(0, message));
        }
        warnings.push(section.ignored(statement, word, *side));
        return Ok(());
    }
    read(section, statement, warnings)
}

fn balance(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    match statement.require(1, "'balance' expects an algorithm: 'roundrobin'")? {
        "roundrobin" => {
            section.settings.balance = Balance::RoundRobin;
            statement.check_arguments_max(1, "balance roundrobin")
        }
        other => {
            let known = ["roundrobin"].into_iter();
            let text = unknown(
                "algorithm",
                other,
                " after 'balance'",
                known,
                FOREIGN_BALANCE,
            );
            let hint = if text.ends_with(NOT_IMPLEMENTED) {
                "; 'roundrobin' is"
            } else {
                ""
            };
            Err(statement.error(1, format!("{text}{hint}")))
        }
    }
}

fn bind(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let expects =
        "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.";
    let addresses = statement.require(1, expects)?;
    add_binds(section, statement, 1, addresses)?;
    match statement.word(2) {
        None => Ok(()),
        Some(word) => {
            let place = format!("'bind {addresses}' in section '{}': ", section.kind.name());
            let text = unknown("keyword", word, "", core::iter::empty(), FOREIGN_BIND);
            Err(statement.error(2, format!("{place}{text}")))
        }
    }
}

/// Adds the listeners of the word at `index`, which is `addresses`.
pub(super) fn add_binds(
    section: &mut Section,
    statement: &Statement<'_>,
    index: usize,
    addresses: &str,
) -> Result<(), Diagnostic> {
    let ranges =
        parse_bind(addresses).map_err(|text| statement.error(index, format!("'bind' : {text}")))?;
    for (host, ports) in ranges {
        if section.binds.len() + ports.len() > BINDS_MAX {
            let message = format!("'bind' : more than {BINDS_MAX} listeners in a section");
            return Err(statement.error(index, message));
        }
        let position = statement.position();
        section.binds.extend(ports.map(|port| Bind {
            host: host.clone(),
            port,
            position: position.clone(),
        }));
    }
    Ok(())
}

fn default_backend(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let name = statement.require(1, "'default_backend' expects a backend name.")?;
    section.settings.default_backend = Some((name.to_owned(), statement.position_of(1)));
    statement.check_arguments_max(1, "default_backend")
}

fn disabled(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    section.settings.disabled = true;
    statement.check_arguments_max(0, "disabled")
}

fn enabled(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    section.settings.disabled = false;
    statement.check_arguments_max(0, "enabled")
}

fn id(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let id = statement.integer(1, "id", 1, i32::MAX.unsigned_abs())?;
    section.id = Some((id, statement.position_of(1)));
    Ok(())
}

fn log(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let targets = &mut section.settings.log;
    if statement.modifier != Modifier::Set {
        if statement.word(1).is_some() {
            return Err(statement.error(1, "log : 'no log' does not expect arguments"));
        }
        targets.clear();
    } else if statement.word(1) == Some("global") {
        statement.check_arguments_max(1, "log global")?;
        if !targets.contains(&LogSource::Global) {
            targets.push(LogSource::Global);
        }
    } else {
        let target = LogSource::Target(parse_target(statement)?);
        if targets.len() == LOG_TARGETS_MAX {
            return Err(statement.error(0, format!("more than {LOG_TARGETS_MAX} log targets")));
        }
        targets.push(target);
    }
    Ok(())
}

fn maxconn(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let limit = statement.integer(1, "maxconn", 0, i32::MAX.unsigned_abs())?;
    section.settings.maxconn = (limit > 0).then_some(limit);
    Ok(())
}

fn mode(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    // Whatever it says, it has been said: no second complaint about a missing mode.
    section.settings.has_mode = true;
    match statement.require(1, "'mode' expects 'http'")? {
        "http" => statement.check_arguments_max(1, "mode http"),
        word @ ("tcp" | "log" | "spop" | "haterm") => Err(statement.error(
            1,
            format!("'mode {word}' {NOT_IMPLEMENTED}; 'mode http' is"),
        )),
        word => {
            let known = ["http"].into_iter();
            Err(statement.error(1, unknown("proxy mode", word, "", known, "")))
        }
    }
}

fn retries(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    section.settings.retries = Some(statement.integer(1, "retries", 0, RETRIES_MAX)?);
    Ok(())
}

fn timeout(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    let name = statement.word(1).unwrap_or_default();
    let Some((_, side, field)) = TIMEOUTS.iter().find(|(known, ..)| *known == name) else {
        if name == "tarpit" {
            return Err(statement.error(1, format!("'timeout tarpit' {NOT_IMPLEMENTED}")));
        }
        let names: Vec<_> = TIMEOUTS
            .iter()
            .map(|(name, ..)| format!("'{name}'"))
            .collect();
        let message = format!("'timeout' supports {} (got '{name}')", names.join(", "));
        return Err(statement.error(1, message));
    };
    let of = format!("timeout {name}");
    let value = statement.time(2, &of)?;
    if side.is_in(section.kind) {
        *field(&mut section.settings.timeouts) = (!value.is_zero()).then_some(value);
    } else {
        warnings.push(section.ignored(statement, &of, *side));
    }
    Ok(())
}

/// A time limit: its name, its side, and where it is kept.
type TimeoutField = (
    &'static str,
    Side,
    fn(&mut Timeouts) -> &mut Option<core::time::Duration>,
);

const TIMEOUTS: &[TimeoutField] = &[
    ("client", Side::Frontend, |timeouts| &mut timeouts.client),
    ("server", Side::Backend, |timeouts| &mut timeouts.server),
    ("connect", Side::Backend, |timeouts| &mut timeouts.connect),
    ("check", Side::Backend, |timeouts| &mut timeouts.check),
    ("queue", Side::Backend, |timeouts| &mut timeouts.queue),
    ("http-keep-alive", Side::Both, |timeouts| {
        &mut timeouts.http_keep_alive
    }),
    ("http-request", Side::Both, |timeouts| {
        &mut timeouts.http_request
    }),
    ("tunnel", Side::Backend, |timeouts| &mut timeouts.tunnel),
    ("client-fin", Side::Frontend, |timeouts| {
        &mut timeouts.client_fin
    }),
    ("server-fin", Side::Backend, |timeouts| {
        &mut timeouts.server_fin
    }),
];

/// `clitimeout`, `contimeout`, `srvtimeout`: HAProxy's words of before 1.3.14, removed in 2.1.
fn old_timeout(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    let word = statement.keyword();
    let value = statement.time(1, word)?;
    let value = (!value.is_zero()).then_some(value);
    let timeouts = &mut section.settings.timeouts;
    let today = match word {
        "clitimeout" => {
            timeouts.client = value;
            "client"
        }
        "contimeout" => {
            timeouts.connect = value;
            "connect"
        }
        _ => {
            timeouts.server = value;
            "server"
        }
    };
    let message = format!("'{word}' is an old form; write 'timeout {today}' today.");
    warnings.push(Diagnostic::warning(&statement.position(), message));
    Ok(())
}

/// `redispatch`: HAProxy's form of before 1.3, removed in 2.1.
fn old_redispatch(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    statement.check_arguments_max(0, "redispatch")?;
    section.settings.redispatch = Redispatch::FromLast(1);
    let message = "'redispatch' is an old form; write 'option redispatch' today.";
    warnings.push(Diagnostic::warning(&statement.position(), message));
    Ok(())
}

/// Listeners of one section. A port range is the only way to get there.
const BINDS_MAX: usize = 4096;

/// Log targets of one section; each line is sent to all of them.
pub(super) const LOG_TARGETS_MAX: usize = 64;

/// More attempts would never end.
const RETRIES_MAX: u32 = 100_000;
