//! JSON, with the comments that mcrouter allows.

use std::fmt;

use serde::de::{Deserialize, MapAccess, Visitor};
use serde_json::de::Deserializer;
use serde_json::value::RawValue;

use super::{DEPTH_MAX, Fault, Kind, Text, Value, insert, offset, too_deep};

/// Reads a whole document. `//` and `/* */` outside texts are comments, and a comma may end a list or
/// a map.
pub(crate) fn parse(text: &Text) -> Result<Value, Fault> {
    let plain = without_commas(&without_comments(&text.content));
    let reader = Reader {
        text,
        plain: &plain,
    };
    reader.value(&plain, 0)
}

struct Reader<'a> {
    text: &'a Text,
    /// As long as the text: offsets in it are those of the text.
    plain: &'a str,
}

impl Reader<'_> {
    /// Reads one value, leaving those inside it as they are written, to know where they begin.
    fn value(&self, source: &str, depth: usize) -> Result<Value, Fault> {
        let start = self.offset(source) + (source.len() - source.trim_start().len());
        let place = self.text.place(start);
        if depth > DEPTH_MAX {
            return Err(too_deep(&place));
        }
        let kind = match source.trim_start().as_bytes().first() {
            Some(b'{') => {
                let mut entries = Vec::new();
                for (name, raw) in self.parsed::<Entries<'_>>(source)?.0 {
                    let value = self.value(raw.get(), depth + 1)?;
                    let at = value.place.clone();
                    insert(&mut entries, name, value, &at)?;
                }
                Kind::Map(entries)
            }
            Some(b'[') => {
                let items = self.parsed::<Vec<&RawValue>>(source)?.into_iter();
                let items = items.map(|raw| self.value(raw.get(), depth + 1));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Kind::Scalar(self.parsed::<String>(source)?),
            _ => Kind::Scalar(self.parsed::<&RawValue>(source)?.get().into()),
        };
        Ok(Value { place, kind })
    }

    fn parsed<'de, T: Deserialize<'de>>(&self, source: &'de str) -> Result<T, Fault> {
        let mut reader = Deserializer::from_str(source);
        let value = T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map_err(|error| {
            let inner = Text::new("", source);
            let at = self.offset(source) + offset(&inner, error.line(), error.column());
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            Fault::at(&self.text.place(at), format!("no JSON: {message}"))
        })
    }

    /// Where a part of the plain text begins in it.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.plain.as_ptr() as usize)
    }
}

/// The entries of a map in order, names that stand twice included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        reader.deserialize_map(Collect)
    }
}

/// The text with blanks in place of comments, so that all else keeps its offset.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.find(['"', '/']) {
        plain.push_str(&rest[..next]);
        rest = &rest[next..];
        let (len, is_comment) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), true)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            (comment.find("*/").map_or(rest.len(), |end| end + 4), true)
        } else if rest.starts_with('"') {
            (quoted_len(rest), false)
        } else {
            (1, false)
        };
        if is_comment {
            plain.extend(
                rest[..len]
                    .bytes()
                    .map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
            );
        } else {
            plain.push_str(&rest[..len]);
        }
        rest = &rest[len..];
    }
    plain.push_str(rest);
    plain
}

/// The text with blanks in place of commas before what ends a list or a map.
fn without_commas(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.find(['"', ',']) {
        let (before, found) = rest.split_at(next);
        plain.push_str(before);
        let len = if found.starts_with('"') {
            quoted_len(found)
        } else {
            1
        };
        let is_last = found.starts_with(',') && found[1..].trim_start().starts_with([']', '}']);
        // One that follows nothing stays, and is told as what is wrong.
        let is_after_value = !plain.trim_end().ends_with([',', '[', '{', ':']);
        let is_blank = is_last && is_after_value;
        plain.push_str(if is_blank { " " } else { &found[..len] });
        rest = &found[len..];
    }
    plain.push_str(rest);
    plain
}

/// The length of a text that begins with its quotation mark, both marks included.
fn quoted_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
