//! The first line of a section of a proxy, or of defaults.

use super::diagnostic::{Complaints, Diagnostic};
use super::section::{Kind, odd_character};
use super::statement::Statement;

/// `KEYWORD NAME [ADDRESS] [from DEFAULTS]`.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    /// What the keyword says.
    pub(super) kind: Kind,
    /// Empty for anonymous defaults.
    pub(super) name: &'a str,
    /// The old form's address, and which word it is.
    pub(super) address: Option<(usize, &'a str)>,
    /// The name of the defaults to start from, and which word it is.
    pub(super) from: Option<(usize, &'a str)>,
}

impl<'a> Header<'a> {
    /// Reads the words after the keyword.
    ///
    /// # Errors
    ///
    /// A word is missing or too many. What is wrong with the name goes to `complaints`: the section
    /// is read all the same, so that its statements are looked at.
    pub(super) fn parse(
        kind: Kind,
        statement: &Statement<'a>,
        complaints: &mut Complaints,
    ) -> Result<Self, Diagnostic> {
        let keyword = kind.name();
        let (name, mut at) = match (kind, statement.word(1)) {
            (Kind::Defaults, None | Some("from")) => ("", 1),
            (_, Some(name)) => (name, 2),
            (_, None) => {
                return Err(statement.error(0, format!("'{keyword}' expects an <id> argument")));
            }
        };
        if let Some(complaint) = odd_name(kind, name, statement) {
            complaints.push(complaint);
        }
        let mut address = None;
        if kind != Kind::Defaults && !matches!(statement.word(at), None | Some("from")) {
            address = statement.word(at).map(|word| (at, word));
            at += 1;
        }
        let mut from = None;
        if statement.word(at) == Some("from") {
            let message = "'from' expects the name of a 'defaults' section";
            from = Some((at + 1, statement.require(at + 1, message)?));
            at += 2;
        }
        statement.check_arguments_max(at - 1, keyword)?;
        Ok(Self {
            kind,
            name,
            address,
            from,
        })
    }
}

/// The complaint about a name with characters that HAProxy does not like in names of proxies.
///
/// HAProxy 2.6 refuses all of them, later ones load the file. A name that could not be told from
/// what surrounds it in a log line or in `show stat` is refused here.
fn odd_name(kind: Kind, name: &str, statement: &Statement<'_>) -> Option<Diagnostic> {
    if kind == Kind::Defaults {
        return None;
    }
    let character = odd_character(name)?;
    let message = format!(
        "character '{character}' is not permitted in '{}' name '{name}'.",
        kind.name()
    );
    let breaks_lines = |character: char| {
        character.is_control() || character.is_whitespace() || "\"',/[]{}".contains(character)
    };
    if name.contains(breaks_lines) {
        Some(statement.error(1, message))
    } else {
        Some(Diagnostic::warning(&statement.position_of(1), message))
    }
}
