//! What is wrong with what the operator gave, and where.

use std::fmt;
use std::rc::Rc;

/// A line and column of a named text, both from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One thing that is wrong: the place, where there is one, and what was found and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    place: Option<String>,
    message: String,
}

/// A text that is read, and the name under which faults in it are told.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) name: Rc<str>,
    pub(crate) content: String,
}

impl Fault {
    /// A fault of the command line, which has no line and column.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
        }
    }

    /// A fault of a whole file.
    pub(crate) fn of_file(name: &str, message: impl Into<String>) -> Self {
        Self {
            place: Some(name.into()),
            message: message.into(),
        }
    }

    pub(crate) fn at(place: &Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place.to_string()),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Text {
    pub(crate) fn new(name: &str, content: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            content: content.into(),
        }
    }

    /// The place of the byte at `offset`; an offset inside a character means the character.
    ///
    /// Counts from the beginning: for faults and for what few nodes a list has.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let bytes = self.content.as_bytes();
        let before = &bytes[..offset.min(bytes.len())];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let characters = before[line_start..]
            .iter()
            .filter(|&&byte| byte & 0xc0 != 0x80);
        Place {
            file: Rc::clone(&self.name),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: characters.count() + 1,
        }
    }
}

/// A text from outside, quoted: controls escaped, what is too long cut.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Of a longer text from outside, a message shows only so much.
const SHOWN_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = Text::new("f", "ab\nxéy\n");
        assert_eq!(text.place(0).to_string(), "f:1:1");
        assert_eq!(text.place(3).to_string(), "f:2:1");
        assert_eq!(text.place(6).to_string(), "f:2:3");
        assert_eq!(text.place(99).to_string(), "f:3:1");
    }

    #[test]
    fn controls_of_a_foreign_text_are_escaped() {
        assert_eq!(shown("a\x1b[1m"), r#""a\u{1b}[1m""#);
        assert_eq!(shown(&"x".repeat(90)).chars().count(), 83);
    }
}
