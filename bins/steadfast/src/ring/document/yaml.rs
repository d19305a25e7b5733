//! YAML, as much of it as nutcracker reads: no aliases, one document.

use saphyr_parser::{Event, Parser, ScanError, Span, StrInput};

use super::{DEPTH_MAX, Fault, Kind, Place, Text, Value, insert, too_deep};

/// Reads the only document of a text; every scalar is a text.
pub(crate) fn parse(text: &Text) -> Result<Value, Fault> {
    let mut reader = Reader {
        text,
        events: Parser::new_from_str(&text.content),
    };
    let mut document = None;
    while let Some((event, place)) = reader.next()? {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) if document.is_none() => {}
            Event::DocumentStart(_) => {
                return Err(Fault::at(&place, "a second document, allowed is one"));
            }
            event => document = Some(reader.value(event, place, 0)?),
        }
    }
    document.ok_or_else(|| Fault::of_file(&text.name, "the file is empty"))
}

struct Reader<'a> {
    text: &'a Text,
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Place)>, Fault> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.place(span)))),
            Some(Err(error)) => Err(self.fault(&error)),
        }
    }

    /// Reads the value that begins with `event`.
    fn value(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Value, Fault> {
        if depth > DEPTH_MAX {
            return Err(too_deep(&place));
        }
        let kind = match event {
            Event::Scalar(text, ..) => Kind::Scalar(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                while let Some((event, place)) = self.unless(&Event::SequenceEnd)? {
                    items.push(self.value(event, place, depth + 1)?);
                }
                Kind::List(items)
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                while let Some((event, place)) = self.unless(&Event::MappingEnd)? {
                    let name = self.value(event, place, depth + 1)?;
                    let Some((event, place)) = self.next()? else {
                        break;
                    };
                    let value = self.value(event, place, depth + 1)?;
                    insert(
                        &mut entries,
                        name.text("a name")?.into(),
                        value,
                        &name.place,
                    )?;
                }
                Kind::Map(entries)
            }
            _ => return Err(Fault::at(&place, "an alias, which is not read here")),
        };
        Ok(Value { place, kind })
    }

    /// The next event, or nothing if it is the one that ends the list or map.
    fn unless(&mut self, end: &Event<'_>) -> Result<Option<(Event<'a>, Place)>, Fault> {
        Ok(self.next()?.filter(|(event, _)| event != end))
    }

    fn place(&self, span: Span) -> Place {
        Place {
            file: self.text.name.clone(),
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }

    fn fault(&self, error: &ScanError) -> Fault {
        let place = self.place(Span::empty(*error.marker()));
        Fault::at(&place, format!("no YAML: {}", error.info()))
    }
}
