//! The lines of meta commands and of their answers.

use std::fmt::Write;

use super::{Choices, KEYS};

/// A meta command in the making.
pub(super) struct Line {
    verb: &'static str,
    pub(super) key: &'static str,
    pub(super) is_base64: bool,
    pub(super) flags: Vec<Flag>,
    /// Further flags, of which no answer speaks.
    pub(super) words: Vec<String>,
    pub(super) data: Option<&'static str>,
}

pub(super) struct Flag {
    pub(super) letter: char,
    word: String,
    pub(super) number: i64,
}

impl Line {
    /// A command with some of these flags, in any order.
    pub(super) fn new(verb: &'static str, choices: &mut Choices<'_>, flags: &[&str]) -> Self {
        let (key, _) = choices.choose(KEYS);
        let mut line = Self {
            verb,
            key,
            is_base64: choices.below(4) == 0,
            flags: Vec::new(),
            words: Vec::new(),
            data: None,
        };
        for _ in 0..choices.below(flags.len() + 1) {
            line.add(choices.choose(flags), "");
        }
        line
    }

    /// Adds a flag with a number, once in so many times.
    pub(super) fn push(
        &mut self,
        choices: &mut Choices<'_>,
        times: usize,
        flag: &str,
        from: &[i64],
    ) {
        if choices.below(times) == 0 {
            self.add(flag, &choices.choose(from).to_string());
        }
    }

    fn add(&mut self, flag: &str, token: &str) {
        let letter = flag.chars().next().unwrap_or('?');
        if !self.has(letter) {
            self.flags.push(Flag {
                letter,
                word: format!("{flag}{token}"),
                number: token.parse().unwrap_or(0),
            });
        }
    }

    pub(super) fn has(&self, letter: char) -> bool {
        self.flags.iter().any(|flag| flag.letter == letter)
    }

    pub(super) fn number(&self, letter: char) -> Option<i64> {
        let flag = self.flags.iter().find(|flag| flag.letter == letter);
        flag.map(|flag| flag.number)
    }

    pub(super) fn text(&self) -> String {
        let key = self.name();
        let mut text = format!("{} {key}", self.verb);
        if let Some(data) = self.data {
            write!(text, " {}", data.len()).unwrap_or_default();
        }
        if self.is_base64 {
            text.push_str(" b");
        }
        for word in self.flags.iter().map(|flag| &flag.word).chain(&self.words) {
            text = text + " " + word;
        }
        text.push_str("\r\n");
        if let Some(data) = self.data {
            text = text + data + "\r\n";
        }
        text
    }

    fn name(&self) -> &'static str {
        let name = KEYS.iter().find(|(key, _)| *key == self.key);
        match name {
            Some((_, base64)) if self.is_base64 => base64,
            _ => self.key,
        }
    }

    pub(super) fn echo(&self, code: &str) -> String {
        self.echo_with(code, '?', 0)
    }

    pub(super) fn echo_with(&self, code: &str, letter: char, number: i64) -> String {
        let mut answer = code.to_owned();
        for flag in &self.flags {
            match flag.letter {
                'k' => put_key(&mut answer, self.key, self.is_base64),
                other if other == letter => put(&mut answer, letter, number),
                _ => {}
            }
        }
        answer + "\r\n"
    }
}

pub(super) fn put(answer: &mut String, letter: char, number: i64) {
    write!(answer, " {letter}{number}").unwrap_or_default();
}

pub(super) fn put_key(answer: &mut String, key: &str, is_base64: bool) {
    let name = KEYS.iter().find(|(known, _)| *known == key);
    let (_, base64) = name.copied().unwrap_or_default();
    if is_base64 {
        *answer = format!("{answer} k{base64} b");
    } else {
        *answer = format!("{answer} k{key}");
    }
}
