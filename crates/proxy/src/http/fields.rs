//! Header lines: parsed as ranges of the head, kept in order, written anew.

use core::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};

use super::error::{HeadError, HeadErrorKind};
use super::{is_blank, is_token, trim};

/// The headers of a message, in order. Names are compared without regard to case and written as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    raw: Bytes,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: Text,
    value: Text,
}

/// A part of the head as received, or something of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Raw(u16, u16),
    Own(Bytes),
}

impl Text {
    fn bytes<'a>(&'a self, raw: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Raw(start, end) => &raw[usize::from(*start)..usize::from(*end)],
            Self::Own(bytes) => bytes,
        }
    }
}

impl Headers {
    /// How many header lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields
            .iter()
            .map(|field| (field.name.bytes(&self.raw), field.value.bytes(&self.raw)))
    }

    /// The values of every line called `name`, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The comma-separated members of every line called `name`, trimmed, empty ones left out.
    pub fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(trim)
            .filter(|member| !member.is_empty())
    }

    /// Whether a line called `name` is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// Whether `token` is a member of a line called `name`; case does not matter.
    #[must_use]
    pub fn has_member(&self, name: &str, token: &str) -> bool {
        self.members(name)
            .any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Removes every line whose name is wanted gone.
    pub fn remove(&mut self, mut unwanted: impl FnMut(&[u8]) -> bool) {
        let raw = &self.raw;
        self.fields.retain(|field| !unwanted(field.name.bytes(raw)));
    }

    /// Removes every line called `name`.
    pub fn remove_name(&mut self, name: &str) {
        self.remove(|found| found.eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Removes `tokens` from the lists of every line called `name`, and lines that become empty.
    pub fn strip_members(&mut self, name: &str, tokens: &[&str]) {
        let raw = &self.raw;
        self.fields.retain_mut(|field| {
            if !field.name.bytes(raw).eq_ignore_ascii_case(name.as_bytes()) {
                return true;
            }
            let value = field.value.bytes(raw);
            let members = || value.split(|byte| *byte == b',').map(trim);
            let is_unwanted = |member: &&[u8]| {
                tokens
                    .iter()
                    .any(|token| member.eq_ignore_ascii_case(token.as_bytes()))
            };
            if !members().any(|member| is_unwanted(&member)) {
                return true;
            }
            let rest: Vec<_> = members().filter(|member| !is_unwanted(member)).collect();
            let rest = rest.join(&b", "[..]);
            let stays = !rest.is_empty();
            field.value = Text::Own(Bytes::from(rest));
            stays
        });
    }

    /// Adds a line at the end. `name` and `value` must be fit to be written.
    pub fn append(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.fields.push(Field {
            name: Text::Own(name.into()),
            value: Text::Own(value.into()),
        });
    }

    /// Leaves one line called `name`, at the place of the first, with `value`; no line is added.
    pub(super) fn merge(&mut self, name: &str, value: Bytes) {
        let raw = &self.raw;
        let mut value = Some(value);
        self.fields.retain_mut(|field| {
            if !field.name.bytes(raw).eq_ignore_ascii_case(name.as_bytes()) {
                return true;
            }
            match value.take() {
                Some(value) => {
                    field.value = Text::Own(value);
                    true
                }
                None => false,
            }
        });
    }

    /// Bytes that [`encode`](Self::encode) writes.
    pub(super) fn encoded_len(&self) -> usize {
        self.iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum()
    }

    /// Writes all lines, each with its line end, without the blank line.
    pub fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.encoded_len());
        for (name, value) in self.iter() {
            out.put_slice(name);
            out.put_slice(b": ");
            out.put_slice(value);
            out.put_slice(b"\r\n");
        }
    }
}

/// Collects header lines while a head is being received: values as they stand, blanks around them included.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldLines {
    fields: Vec<Field>,
}

impl FieldLines {
    /// Takes one line, not empty, at `line` of `input`. The line end before a folded one becomes blanks.
    pub(super) fn add(
        &mut self,
        input: &mut [u8],
        line: Range<usize>,
        headers_max: usize,
    ) -> Result<(), HeadError> {
        let text = &input[line.clone()];
        if is_blank(text[0]) {
            check_value(text, line.start)?;
            let Some(Text::Raw(_, end)) = self.fields.last_mut().map(|field| &mut field.value)
            else {
                return Err(HeadError::new(HeadErrorKind::HeaderName, line.start));
            };
            input[usize::from(*end)..line.start].fill(b' ');
            *end = place(line.end);
            return Ok(());
        }
        let colon = memchr(b':', text).unwrap_or(text.len());
        let bad = text[..colon].iter().position(|byte| !is_token(*byte));
        let bad = bad.or((colon == 0 || colon == text.len()).then_some(colon));
        if let Some(bad) = bad {
            return Err(HeadError::new(HeadErrorKind::HeaderName, line.start + bad));
        }
        check_value(&text[colon + 1..], line.start + colon + 1)?;
        if self.fields.len() == headers_max {
            return Err(HeadError::new(HeadErrorKind::TooManyHeaders, line.start));
        }
        if self.fields.is_empty() {
            self.fields.reserve(USUAL_FIELDS);
        }
        let colon = line.start + colon;
        self.fields.push(Field {
            name: span(line.start..colon),
            value: span(colon + 1..line.end),
        });
        Ok(())
    }

    /// The headers, as parts of `raw`, the whole head.
    pub(super) fn finish(mut self, raw: &Bytes) -> Headers {
        for field in &mut self.fields {
            if let Text::Raw(start, end) = field.value {
                field.value = span(trimmed(raw, usize::from(start)..usize::from(end)));
            }
        }
        Headers {
            fields: self.fields,
            raw: raw.clone(),
        }
    }
}

fn check_value(value: &[u8], offset: usize) -> Result<(), HeadError> {
    match memchr2(0, b'\r', value) {
        Some(bad) => Err(HeadError::new(HeadErrorKind::HeaderValue, offset + bad)),
        None => Ok(()),
    }
}

fn trimmed(raw: &[u8], mut range: Range<usize>) -> Range<usize> {
    let text = &raw[range.clone()];
    let lead = text.iter().take_while(|byte| is_blank(**byte)).count();
    range.start += lead;
    range.end = range.start + trim(text).len();
    range
}

fn span(range: Range<usize>) -> Text {
    Text::Raw(place(range.start), place(range.end))
}

/// A head has at most 65535 bytes, see `Limits`.
fn place(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// Header lines that most heads do not exceed, ours included: room for them is made at once.
const USUAL_FIELDS: usize = 16;
