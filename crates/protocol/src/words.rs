//! A line cut into words.

use crate::scan::find_space;

/// The words of a line: separated by one or more spaces, never empty. A tab is no separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self(line)
    }

    /// The length of what is left of the line, spaces included.
    pub(crate) const fn left_bytes(&self) -> usize {
        self.0.len()
    }

    /// What is left of the line, without the spaces around it.
    pub(crate) fn rest(&self) -> &'a [u8] {
        trim_spaces(self.0)
    }
}

impl<'a> Words<'a> {
    /// The next word, for those that are mostly one to a few bytes long: flags.
    #[inline]
    pub(crate) fn next_short(&mut self) -> Option<&'a [u8]> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        let end = self.0.iter().position(|&byte| byte == b' ');
        let (word, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        if self.0.is_empty() {
            return None;
        }
        let end = find_space(self.0).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

/// The last word of `line`, if there is one.
pub(crate) fn last_word(line: &[u8]) -> Option<&[u8]> {
    let line = trim_spaces(line);
    let start = memchr::memrchr(b' ', line).map_or(0, |at| at + 1);
    Some(&line[start..]).filter(|word| !word.is_empty())
}

fn trim_spaces(mut line: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = line {
        line = rest;
    }
    while let [rest @ .., b' '] = line {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn spaces_separate_and_tabs_do_not() {
        let words: Vec<&[u8]> = Words::new(b"  get  a\tb c ").collect();
        assert_eq!(words, [&b"get"[..], b"a\tb", b"c"]);
        let mut words = Words::new(b" a  bc\t  d");
        for word in [&b"a"[..], b"bc\t", b"d"] {
            assert_eq!(words.next_short(), Some(word));
        }
        assert_eq!(words.next_short(), None);
        assert_eq!(last_word(b"a b  "), Some(&b"b"[..]));
        assert_eq!(last_word(b"   "), None);
    }
}
