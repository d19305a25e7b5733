//! What is said in an answer, and what of it may differ.

use std::collections::HashMap;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A word of a line, a line's end, or a value.
    Exact(&'a [u8]),
    /// A cas id. Each peer counts in its own way.
    Id { letter: &'a [u8], id: u64 },
    /// Seconds, which go by at other moments in each peer.
    Seconds { letter: &'a [u8], seconds: i64 },
}

/// Takes an answer of the text protocol to pieces.
pub(crate) fn tokens(mut answer: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(end) = answer.iter().position(|&byte| byte == b'\n') {
        let (line, rest) = answer.split_at(end + 1);
        answer = rest;
        let words: Vec<_> = line.trim_ascii_end().split(|&byte| byte == b' ').collect();
        let value_bytes = match words[0] {
            b"VALUE" => words.get(3).and_then(|word| number(word)),
            b"VA" => words.get(1).and_then(|word| number(word)),
            _ => None,
        };
        let is_meta = matches!(
            words[0],
            b"HD" | b"VA" | b"EN" | b"NF" | b"NS" | b"EX" | b"ME"
        );
        for (at, word) in words.iter().enumerate() {
            tokens.push(match words[0] {
                b"VALUE" if at == 4 => id(b"", word),
                _ if is_meta && at > 0 => flag(word),
                _ => Token::Exact(word),
            });
        }
        tokens.push(Token::Exact(&line[line.trim_ascii_end().len()..]));
        if let Some(block) = value_bytes.and_then(|bytes| answer.get(..bytes + 2)) {
            tokens.push(Token::Exact(block));
            answer = &answer[block.len()..];
        }
    }
    tokens.push(Token::Exact(answer));
    tokens
}

fn flag(word: &[u8]) -> Token<'_> {
    for name in [&b"exp="[..], b"la=", b"t", b"l"] {
        let seconds = word.strip_prefix(name).and_then(number);
        if let Some(seconds) = seconds.and_then(|seconds| i64::try_from(seconds).ok()) {
            return Token::Seconds {
                letter: name,
                seconds,
            };
        }
    }
    for name in [&b"cas="[..], b"c"] {
        if let Some(rest) = word.strip_prefix(name) {
            return id(name, rest);
        }
    }
    Token::Exact(word)
}

fn id<'a>(letter: &'a [u8], word: &'a [u8]) -> Token<'a> {
    match number(word) {
        // None was given.
        None | Some(0) => Token::Exact(word),
        Some(id) => Token::Id {
            letter,
            id: id as u64,
        },
    }
}

fn number(word: &[u8]) -> Option<usize> {
    str::from_utf8(word).ok()?.parse().ok()
}

/// Which id of the one peer is which of the other.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    from_left: HashMap<u64, u64>,
    from_right: HashMap<u64, u64>,
}

impl Pairs {
    /// Whether both answers say the same. Ids that are new in both are one.
    pub(crate) fn agree(&mut self, left: &[Token<'_>], right: &[Token<'_>]) -> bool {
        left.len() == right.len()
            && left
                .iter()
                .zip(right)
                .all(|(left, right)| self.agree_token(left, right))
    }

    fn agree_token(&mut self, left: &Token<'_>, right: &Token<'_>) -> bool {
        match (left, right) {
            (
                Token::Id { letter, id },
                Token::Id {
                    letter: other,
                    id: other_id,
                },
            ) => letter == other && self.agree_id(*id, *other_id),
            (
                Token::Seconds { letter, seconds },
                Token::Seconds {
                    letter: other,
                    seconds: other_seconds,
                },
            ) => letter == other && (seconds - other_seconds).abs() <= SECONDS_APART_MAX,
            _ => left == right,
        }
    }

    fn agree_id(&mut self, left: u64, right: u64) -> bool {
        match (self.from_left.get(&left), self.from_right.get(&right)) {
            (Some(&known), _) => known == right,
            (None, Some(_)) => false,
            (None, None) => {
                self.from_left.insert(left, right);
                self.from_right.insert(right, left);
                true
            }
        }
    }
}

/// The last id in an answer.
pub(crate) fn last_id(tokens: &[Token<'_>]) -> Option<u64> {
    tokens.iter().rev().find_map(|token| match token {
        Token::Id { id, .. } => Some(*id),
        _ => None,
    })
}

/// Both clocks tick once a second, at moments of their own, and a batch takes its time.
const SECONDS_APART_MAX: i64 = 3;
