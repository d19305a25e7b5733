//! A JSON, YAML or TOML document as one tree whose values know where they stand.

mod json;
mod toml;
mod yaml;

use super::fault::{Fault, Place, Text, shown};

pub(crate) use json::parse as parse_json;
pub(crate) use toml::parse as parse_toml;
pub(crate) use yaml::parse as parse_yaml;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A text, number, truth value or null, as written; YAML does not tell them apart before its
    /// reader does.
    Scalar(String),
    List(Vec<Value>),
    /// In the order of the document; no name twice.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The text of a scalar.
    pub(crate) fn text(&self, what: &str) -> Result<&str, Fault> {
        match &self.kind {
            Kind::Scalar(text) => Ok(text),
            Kind::List(_) | Kind::Map(_) => Err(self.wrong(what, "a single value")),
        }
    }

    pub(crate) fn list(&self, what: &str) -> Result<&[Self], Fault> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            Kind::Scalar(_) | Kind::Map(_) => Err(self.wrong(what, "a list")),
        }
    }

    pub(crate) fn map(&self, what: &str) -> Result<&[(String, Self)], Fault> {
        match &self.kind {
            Kind::Map(entries) => Ok(entries),
            Kind::Scalar(_) | Kind::List(_) => Err(self.wrong(what, "a map")),
        }
    }

    /// The entry of that name, of a map; nothing for whatever else this is.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::at(&self.place, message)
    }

    fn wrong(&self, what: &str, allowed: &str) -> Fault {
        let found = match &self.kind {
            Kind::Scalar(text) => shown(text),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
        };
        self.fault(format!("{what} is {found}, allowed is {allowed}"))
    }
}

/// Adds an entry unless its name is there already.
fn insert(
    entries: &mut Vec<(String, Value)>,
    name: String,
    value: Value,
    place: &Place,
) -> Result<(), Fault> {
    if entries.iter().any(|(known, _)| *known == name) {
        return Err(Fault::at(place, format!("{} stands twice", shown(&name))));
    }
    entries.push((name, value));
    Ok(())
}

/// How deep lists and maps may nest, so that no document exhausts the stack.
const DEPTH_MAX: usize = 64;

fn too_deep(place: &Place) -> Fault {
    Fault::at(
        place,
        format!("lists and maps nest deeper than {DEPTH_MAX}"),
    )
}

/// The byte offset of a line and column, both from 1; the column counts bytes.
fn offset(text: &Text, line: usize, column: usize) -> usize {
    let lines = text
        .content
        .split_inclusive('\n')
        .take(line.saturating_sub(1));
    lines.map(str::len).sum::<usize>() + column.saturating_sub(1)
}

#[cfg(test)]
mod tests;
