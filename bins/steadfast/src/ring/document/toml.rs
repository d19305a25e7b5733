//! TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, Kind, Text, Value};

/// Reads a whole document.
pub(crate) fn parse(text: &Text) -> Result<Value, Fault> {
    let table = DeTable::parse(&text.content).map_err(|error| {
        let place = text.place(error.span().map_or(0, |span| span.start));
        let message = error.message().replace('\n', ", ");
        Fault::at(&place, format!("no TOML: {message}"))
    })?;
    Ok(Value {
        place: text.place(table.span().start),
        kind: map(text, table.get_ref()),
    })
}

fn map(text: &Text, table: &DeTable<'_>) -> Kind {
    let mut entries: Vec<_> = table.iter().collect();
    // The parser keeps names sorted; the order of the document is that of their places.
    entries.sort_by_key(|(name, _)| name.span().start);
    let entries = entries.into_iter();
    Kind::Map(
        entries
            .map(|(name, item)| (name.get_ref().to_string(), value(text, item)))
            .collect(),
    )
}

fn value(text: &Text, item: &Spanned<DeValue<'_>>) -> Value {
    let kind = match item.get_ref() {
        DeValue::String(found) => Kind::Scalar(found.to_string()),
        DeValue::Array(items) => Kind::List(items.iter().map(|item| value(text, item)).collect()),
        DeValue::Table(table) => map(text, table),
        // Numbers, truth values and dates stay as they are written.
        _ => Kind::Scalar(
            text.content
                .get(item.span())
                .unwrap_or_default()
                .to_string(),
        ),
    };
    Value {
        place: text.place(item.span().start),
        kind,
    }
}
