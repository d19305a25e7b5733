//! Reading decisions from the fuzzer's bytes.

/// The unread rest of an input; reads of an exhausted input give zeros, so that every input is
/// a whole run.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Reads decisions from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// Up to `len` bytes.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Splits an input into a list of piece lengths (its first bytes, up to a zero) and the stream that
/// is to be cut so; whatever the lengths leave over is the last piece.
pub fn cut(data: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let header = data
        .iter()
        .take(SPLITS_MAX)
        .position(|&byte| byte == 0)
        .unwrap_or(0);
    let stream = data.get(header + 1..).unwrap_or_default();
    let mut pieces = Vec::new();
    let mut rest = stream;
    for &length in &data[..header] {
        let (piece, behind) = rest.split_at(usize::from(length).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    (pieces, stream)
}

const SPLITS_MAX: usize = 32;
