//! The statement `http-request`.

use super::address::NOT_IMPLEMENTED;
use super::diagnostic::{Complaints, Diagnostic};
use super::keyword::{FOREIGN_HTTP_REQUEST, unknown};
use super::model::{HeaderMatch, HttpRequestRule};
use super::section::{Kind, Section};
use super::statement::Statement;

/// Reads `http-request ACTION ...`.
pub(super) fn http_request(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    if section.kind == Kind::Defaults && section.name.is_empty() {
        let message = "'http-request' not allowed in anonymous 'defaults' section.";
        return Err(statement.error(0, message));
    }
    let action = statement.require(1, "'http-request' expects an action as argument")?;
    let Some((_, read)) = ACTIONS.iter().find(|(name, _)| *name == action) else {
        let known = ACTIONS.iter().map(|(name, _)| *name);
        let text = unknown(
            "action",
            action,
            " after 'http-request'",
            known,
            FOREIGN_HTTP_REQUEST,
        );
        return Err(statement.error(1, text));
    };
    let (rule, end) = read(statement)?;
    check_end(statement, action, end)?;
    if section.settings.http_request.len() == RULES_MAX {
        return Err(statement.error(0, format!("more than {RULES_MAX} rules in a section")));
    }
    section.settings.http_request.push(rule);
    Ok(())
}

/// An action: its name, and how its arguments are read. Gives the rule, and the index after it.
type Action = (
    &'static str,
    fn(&Statement<'_>) -> Result<(HttpRequestRule, usize), Diagnostic>,
);

const ACTIONS: &[Action] = &[
    ("add-header", |statement| {
        let (name, value) = header_and_literal(statement)?;
        Ok((HttpRequestRule::AddHeader { name, value }, 4))
    }),
    ("del-header", del_header),
    ("set-header", |statement| {
        let (name, value) = header_and_literal(statement)?;
        Ok((HttpRequestRule::SetHeader { name, value }, 4))
    }),
];

fn del_header(statement: &Statement<'_>) -> Result<(HttpRequestRule, usize), Diagnostic> {
    let expects = "'http-request del-header' expects a header name as argument";
    let name = statement.require(2, expects)?.to_owned();
    if statement.word(3) != Some("-m") {
        check_name(statement, 2, &name)?;
        return Ok((HttpRequestRule::DelHeader(HeaderMatch::Name(name)), 3));
    }
    let method = statement.require(4, "'-m' expects a matching method: str, beg, end or sub")?;
    let header = match method {
        "str" => HeaderMatch::Name(name),
        "beg" => HeaderMatch::Prefix(name),
        "end" => HeaderMatch::Suffix(name),
        "sub" => HeaderMatch::Contains(name),
        "reg" => return Err(statement.error(4, format!("'-m reg' {NOT_IMPLEMENTED}"))),
        _ => {
            let message =
                format!("unknown matching method '{method}'; str, beg, end and sub exist");
            return Err(statement.error(4, message));
        }
    };
    Ok((HttpRequestRule::DelHeader(header), 5))
}

fn header_and_literal(statement: &Statement<'_>) -> Result<(String, String), Diagnostic> {
    let expects = "expects a header name and a value as arguments";
    let name = statement.require(2, expects)?;
    check_name(statement, 2, name)?;
    let value = statement.require(3, expects)?;
    if value.contains('%') {
        let message = format!("a value with '%' (a log format) {NOT_IMPLEMENTED}: '{value}'");
        return Err(statement.error(3, message));
    }
    if value
        .bytes()
        .any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
    {
        return Err(statement.error(3, "a header's value can't hold control characters"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Refuses names that no header can have, so that rules never make an invalid message.
pub(super) fn check_name(
    statement: &Statement<'_>,
    index: usize,
    name: &str,
) -> Result<(), Diagnostic> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.bytes().all(is_token) {
        return Ok(());
    }
    Err(statement.error(index, format!("'{name}' is not a header name")))
}

fn check_end(statement: &Statement<'_>, action: &str, end: usize) -> Result<(), Diagnostic> {
    match statement.word(end) {
        None => Ok(()),
        Some(word @ ("if" | "unless")) => {
            let message = format!("'{word}': a condition (ACL) {NOT_IMPLEMENTED}");
            Err(statement.error(end, message))
        }
        Some(word) => {
            let message = format!(
                "'http-request {action}' expects either 'if' or 'unless' followed by a condition \
                 but found '{word}'."
            );
            Err(statement.error(end, message))
        }
    }
}

/// Rules of one section: each request runs all of them.
const RULES_MAX: usize = 1024;
