//! What `-h`, `-V` and `-i` print.

use std::fmt::{self, Write};

use super::flags::{self, Flag};
use super::suboptions::{self, Suboption, Value};
use super::tls;

/// Returns what `-V` prints: one line in memcached's form.
pub fn version() -> String {
    format!(
        "memcached {}\n",
        steadfast_engine::Settings::default().version
    )
}

/// Returns what `-i` prints.
pub fn licence() -> String {
    format!(
        "{}steadfast-cached is free software, under the MIT licence or the Apache licence 2.0,\n\
         at your choice. It is no part of memcached and contains none of its code.\n",
        version()
    )
}

/// Returns what `-h` prints: memcached's options, then ours.
pub fn help() -> String {
    let mut text = version();
    text.push_str(
        "A cache for small values, in memory. Takes memcached's place, and its options.\n\n\
         Usage: steadfast-cached [options]\n\
         For example: steadfast-cached -m 256 -l 10.0.0.94 -u nobody\n\n",
    );
    // Writing to a String can't fail.
    let _ = write_options(&mut text);
    text
}

fn write_options(text: &mut String) -> fmt::Result {
    flags(text, flags::MEMCACHED)?;
    words(text, "memcached's", suboptions::MEMCACHED)?;
    words(text, "about TLS (-Z)", tls::WORDS)?;
    text.push_str("\nNot memcached's, but ours:\n");
    flags(text, flags::OURS)?;
    words(text, "ours", suboptions::OURS)?;
    text.push_str(
        "\nSignals: TERM and INT end at once, USR1 after the replies that are due and with\n\
         the items kept (-e); HUP reads certificates and users again.\n\
         Exit status: 0 ended as asked, 1 bad option, 64 options that can't be had\n\
         together, 67 unknown user, 71 the system refused (port taken, say).\n",
    );
    Ok(())
}

fn flags(text: &mut String, flags: &[Flag]) -> fmt::Result {
    flags
        .iter()
        .try_for_each(|flag| row(text, &synopsis(flag), flag.help))
}

fn words(text: &mut String, whose: &str, words: &[Suboption]) -> fmt::Result {
    write!(text, "\nWords for -o, with commas between them, {whose}:\n")?;
    words
        .iter()
        .try_for_each(|word| row(text, &word.to_string(), word.help))
}

fn synopsis(flag: &Flag) -> String {
    let indent = if flag.letter.is_none() { "    " } else { "" };
    match flag.value {
        Some(value) => format!("{indent}{flag}={value}"),
        None => format!("{indent}{flag}"),
    }
}

impl fmt::Display for Suboption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        match self.value {
            Value::Absent => Ok(()),
            Value::Needed(value) => write!(f, "={value}"),
            Value::Optional(value) => write!(f, "[={value}]"),
        }
    }
}

fn row(text: &mut String, head: &str, help: &str) -> fmt::Result {
    let mut head = head;
    if head.len() > HEAD_WIDTH {
        writeln!(text, "  {head}")?;
        head = "";
    }
    for part in help.lines() {
        for line in wrap(part.split(' '), LINE_WIDTH - HEAD_WIDTH - 3) {
            writeln!(text, "  {head:HEAD_WIDTH$} {line}")?;
            head = "";
        }
    }
    Ok(())
}

/// Puts words together to lines of at most `width` columns.
fn wrap<'a>(words: impl Iterator<Item = &'a str>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns for the flags, before their explanation.
const HEAD_WIDTH: usize = 26;
/// A terminal's 80, less one: some break a line that is full.
const LINE_WIDTH: usize = 79;
