//! What `-h`, `-V` and `-i` print.

use std::fmt::{self, Write};

use super::flags::{self, Flag};
use super::suboptions::{self, Suboption};

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
         Usage: steadfast-cached [options]\n",
    );
    // Writing to a String can't fail.
    let _ = write_options(&mut text);
    text
}

fn write_options(text: &mut String) -> fmt::Result {
    section(text, "Network", flags::NETWORK)?;
    section(text, "Memory", flags::MEMORY)?;
    section(text, "Work", flags::WORK)?;
    section(text, "Process", flags::PROCESS)?;
    text.push_str("\nWords for -o, with commas between them:\n");
    for suboption in suboptions::WITH_EFFECT {
        row(text, &suboption.to_string(), suboption.help)?;
    }
    text.push_str(
        "\nWords for -o that are accepted and have no effect here, each also with no_:\n",
    );
    paragraph(text, suboptions::WITHOUT_EFFECT)?;
    section(text, "Not memcached's, but ours", flags::OURS)?;
    let letters: Vec<_> = flags::LATER
        .iter()
        .filter_map(|flag| flag.letter)
        .map(|letter| format!("-{letter}"))
        .collect();
    let letters = letters.join(" ");
    write!(text, "\nNot implemented yet, and an error: {letters}\n")?;
    text.push_str(
        "\nSignals: TERM and INT end at once, USR1 after the replies that are due; HUP does nothing.\n\
         Exit status: 0 ended as asked, 1 bad option, 64 options that can't be had together,\n\
         67 unknown user, 71 the system refused (port taken, too few files).\n",
    );
    Ok(())
}

fn section(text: &mut String, title: &str, flags: &[Flag]) -> fmt::Result {
    write!(text, "\n{title}:\n")?;
    flags
        .iter()
        .try_for_each(|flag| row(text, &synopsis(flag), flag.help))
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
        match self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => f.write_str(self.name),
        }
    }
}

fn row(text: &mut String, head: &str, help: &str) -> fmt::Result {
    let mut head = head;
    if head.len() > HEAD_WIDTH {
        writeln!(text, "  {head}")?;
        head = "";
    }
    for line in help.lines() {
        writeln!(text, "  {head:HEAD_WIDTH$} {line}")?;
        head = "";
    }
    Ok(())
}

fn paragraph(text: &mut String, words: &[&str]) -> fmt::Result {
    let mut column = 0;
    for word in words.iter().filter(|word| !word.starts_with("no_")) {
        if column == 0 || column + word.len() + 1 > LINE_WIDTH {
            text.push_str(if column == 0 { " " } else { "\n " });
            column = 1;
        }
        write!(text, " {word}")?;
        column += word.len() + 1;
    }
    text.push('\n');
    Ok(())
}

/// Columns for the flags, before their explanation.
const HEAD_WIDTH: usize = 31;
const LINE_WIDTH: usize = 88;
