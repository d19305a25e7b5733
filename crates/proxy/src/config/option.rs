//! The statement `option`.

use super::address::NOT_IMPLEMENTED;
use super::diagnostic::{Complaints, Diagnostic};
use super::keyword::{FOREIGN_OPTIONS, unknown};
use super::logging::TrafficFormat;
use super::model::{ConnectionMode, ForwardFor, Redispatch};
use super::network::parse_network;
use super::proxy::Handler;
use super::rule::check_name;
use super::section::{Section, Settings, Side};
use super::statement::{Modifier, Statement, parse_integer};

/// An option: its name, the side that it belongs to, and how its statement is read.
type Opt = (&'static str, Side, Handler);

const OPTIONS: &[Opt] = &[
    ("dontlog-normal", Side::Frontend, switch),
    ("dontlognull", Side::Frontend, switch),
    ("forceclose", Side::Both, old_forceclose),
    ("forwardfor", Side::Both, forwardfor),
    ("http-keep-alive", Side::Both, connection_mode),
    ("http-server-close", Side::Both, connection_mode),
    ("httpclose", Side::Both, connection_mode),
    ("httplog", Side::Frontend, httplog),
    ("log-health-checks", Side::Backend, switch),
    ("log-separate-errors", Side::Frontend, switch),
    ("redispatch", Side::Backend, redispatch),
];

/// Reads `[no] option NAME ...`.
pub(super) fn option(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    let name = statement.require(1, "'option' expects an option name.")?;
    let Some((_, side, read)) = OPTIONS.iter().find(|(known, ..)| *known == name) else {
        let known = OPTIONS.iter().map(|(name, ..)| *name);
        return Err(statement.error(1, unknown("option", name, "", known, FOREIGN_OPTIONS)));
    };
    if side.is_in(section.kind) {
        read(section, statement, warnings)
    } else {
        warnings.push(section.ignored(statement, &format!("option {name}"), *side));
        Ok(())
    }
}

/// An option that is on or off.
fn switch(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let name = statement.word(1).unwrap_or_default();
    statement.check_arguments_max(1, &format!("option {name}"))?;
    let Settings {
        dont_log_null,
        dont_log_normal,
        separate_errors,
        log_health_checks,
        ..
    } = &mut section.settings;
    let field = match name {
        "dontlognull" => dont_log_null,
        "dontlog-normal" => dont_log_normal,
        "log-separate-errors" => separate_errors,
        _ => log_health_checks,
    };
    *field = statement.modifier == Modifier::Set;
    Ok(())
}

/// One of three: the last in a section wins, and takes the place of an inherited one.
fn connection_mode(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let name = statement.word(1).unwrap_or_default();
    statement.check_arguments_max(1, &format!("option {name}"))?;
    let named = match name {
        "httpclose" => ConnectionMode::Close,
        "http-server-close" => ConnectionMode::ServerClose,
        _ => ConnectionMode::KeepAlive,
    };
    let mode = &mut section.settings.connection_mode;
    if statement.modifier == Modifier::Set {
        *mode = named;
    } else if *mode == named {
        *mode = ConnectionMode::default();
    }
    Ok(())
}

/// `option forceclose`: HAProxy's form of before 1.6, removed in 2.0.
fn old_forceclose(
    section: &mut Section,
    statement: &Statement<'_>,
    warnings: &mut Complaints,
) -> Result<(), Diagnostic> {
    statement.check_not_negated("option 'forceclose'")?;
    statement.check_arguments_max(1, "option forceclose")?;
    section.settings.connection_mode = ConnectionMode::Close;
    let message = "'option forceclose' is an old form; write 'option httpclose' today.";
    warnings.push(Diagnostic::warning(&statement.position(), message));
    Ok(())
}

/// A section's own statement takes the place of an inherited one entirely.
fn forwardfor(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    statement.check_not_negated("option 'forwardfor'")?;
    let mut forward_for = ForwardFor {
        except: None,
        header: String::from("x-forwarded-for"),
        if_none: false,
    };
    let mut at = 2;
    while let Some(word) = statement.word(at) {
        at += forwardfor_setting(&mut forward_for, word, statement, at)?;
    }
    section.settings.forward_for = Some(forward_for);
    Ok(())
}

/// Reads the setting `word` at the index `at`. Gives the number of words that it has.
fn forwardfor_setting(
    forward_for: &mut ForwardFor,
    word: &str,
    statement: &Statement<'_>,
    at: usize,
) -> Result<usize, Diagnostic> {
    match word {
        "if-none" => {
            forward_for.if_none = true;
            Ok(1)
        }
        "except" => {
            let expects = "'option forwardfor except' expects <address>[/mask] as argument.";
            let text = statement.require(at + 1, expects)?;
            let network = parse_network(text)
                .ok_or_else(|| statement.error(at + 1, format!("{expects} (got '{text}')")))?;
            forward_for.except = Some(network);
            Ok(2)
        }
        "header" => {
            let expects = "'option forwardfor header' expects <header_name> as argument.";
            let name = statement.require(at + 1, expects)?;
            check_name(statement, at + 1, name)?;
            forward_for.header = name.to_owned();
            Ok(2)
        }
        _ => {
            let message = "'option forwardfor' only supports optional values: 'except', 'header' \
                           and 'if-none'.";
            Err(statement.error(at, message))
        }
    }
}

fn httplog(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    statement.check_not_negated("option 'httplog'")?;
    match statement.word(2) {
        None => {
            section.settings.format = TrafficFormat::Http;
            Ok(())
        }
        Some("clf") => Err(statement.error(2, format!("'option httplog clf' {NOT_IMPLEMENTED}"))),
        Some(_) => Err(statement.error(2, "keyword 'httplog' only supports option 'clf'.")),
    }
}

fn redispatch(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    statement.check_arguments_max(2, "option redispatch")?;
    let number: i32 = match statement.word(2) {
        None => -1,
        Some(text) => parse_integer(text, "option redispatch", -INTERVAL_MAX, INTERVAL_MAX)
            .map_err(|text| statement.error(2, text))?,
    };
    section.settings.redispatch = match (statement.modifier, number) {
        (Modifier::Set, 1..) => Redispatch::Every(number.unsigned_abs()),
        (Modifier::Set, ..=-1) => Redispatch::FromLast(number.unsigned_abs()),
        _ => Redispatch::Never,
    };
    Ok(())
}

/// As many as there can be retries.
const INTERVAL_MAX: i32 = 100_000;
