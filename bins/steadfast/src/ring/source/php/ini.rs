//! The lines of a `php.ini` that are about sessions and memcached.

use std::collections::BTreeMap;

use super::super::super::fault::{Fault, Place, Text, shown};

/// The settings of one or several files: the last of a name counts.
#[derive(Debug, Default)]
pub(super) struct Ini(BTreeMap<String, Setting>);

/// A setting and where its value stands.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) value: String,
    text: Text,
    /// Where the value begins, inside its quotes.
    start: usize,
}

impl Ini {
    /// Adds the settings of a text.
    pub(super) fn read(&mut self, text: &Text) -> Result<(), Fault> {
        let content = &text.content;
        // Under a section for one path or host, settings count only there.
        let mut section = None;
        let mut at = 0;
        while at < content.len() {
            let end = content[at..]
                .find('\n')
                .map_or(content.len(), |len| at + len);
            let line = &content[at..end];
            let start = at + (line.len() - line.trim_start().len());
            let line = line.trim();
            at = end + 1;
            if line.is_empty() || line.starts_with([';', '#']) {
                continue;
            }
            if line.starts_with('[') {
                let name = line.trim_start_matches('[').to_ascii_uppercase();
                let is_special = name.starts_with("PATH=") || name.starts_with("HOST=");
                section = is_special.then(|| line.to_owned());
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let value_start = start + name.len() + 1 + (value.len() - value.trim_start().len());
            let name = name.trim();
            let (value, start, rest) = value_at(text, value_start)?;
            at = at.max(rest);
            if !["session.save_", "memcache.", "memcached."]
                .iter()
                .any(|of| name.starts_with(of))
            {
                continue;
            }
            if let Some(section) = &section {
                let message =
                    format!("{name} under {section} counts only there, which is not read");
                return Err(Fault::at(&text.place(value_start), message));
            }
            check_plain(text, value_start, name, value)?;
            let setting = Setting {
                value: value.into(),
                text: text.clone(),
                start,
            };
            self.0.insert(name.into(), setting);
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    pub(super) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.get(name).map_or(default, |setting| &setting.value)
    }

    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, Fault> {
        let Some(setting) = self.get(name) else {
            return Ok(default);
        };
        setting.value.parse().map_err(|_| {
            let found = shown(&setting.value);
            setting.fault(format!("{name} is {found}, allowed are whole numbers"))
        })
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Fault> {
        let Some(setting) = self.get(name) else {
            return Ok(default);
        };
        match setting.value.to_ascii_lowercase().as_str() {
            "1" | "on" | "yes" | "true" => Ok(true),
            "" | "0" | "off" | "no" | "false" | "none" => Ok(false),
            found => Err(setting.fault(format!(
                "{name} is {}, allowed are On and Off",
                shown(found)
            ))),
        }
    }
}

impl Setting {
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::at(&self.place_of(0), message)
    }

    /// The place of a byte of the value.
    pub(super) fn place_of(&self, offset: usize) -> Place {
        self.text.place(self.start + offset)
    }

    /// Whether the value says the same as a number in digits; `Off` is 0.
    pub(super) fn is(&self, number: &str) -> bool {
        let value = self.value.to_ascii_lowercase();
        let is_off = matches!(value.as_str(), "" | "off" | "no" | "false" | "none");
        value == number || (number == "0" && is_off)
    }
}

/// The value that begins at an offset, where it begins inside its quotes, and where to read on.
fn value_at(text: &Text, start: usize) -> Result<(&str, usize, usize), Fault> {
    let content = &text.content;
    let rest = &content[start..];
    let Some(quote) = rest.chars().next().filter(|c| ['"', '\''].contains(c)) else {
        let line = rest.split('\n').next().unwrap_or_default();
        let value = line.split(';').next().unwrap_or_default().trim_end();
        return Ok((value, start, start + line.len() + 1));
    };
    let Some(len) = rest[1..].find(quote) else {
        return Err(Fault::at(
            &text.place(start),
            format!("a quote {quote} that nothing ends"),
        ));
    };
    let after = rest[len + 2..].split('\n').next().unwrap_or_default();
    let behind = after.split(';').next().unwrap_or_default();
    if !behind.trim().is_empty() {
        let at = start + len + 2 + (behind.len() - behind.trim_start().len());
        let message = format!("{} behind the quoted value", shown(behind.trim()));
        return Err(Fault::at(&text.place(at), message));
    }
    Ok((&rest[1..=len], start + 1, start + len + 2 + after.len() + 1))
}

/// Refuses what PHP would compute with, rather than take for itself.
fn check_plain(text: &Text, start: usize, name: &str, value: &str) -> Result<(), Fault> {
    let is_quoted = text.content[start..].starts_with(['"', '\'']);
    let found = if is_quoted {
        value
            .contains("${")
            .then_some("${")
            .or_else(|| value.contains('\\').then_some("\\"))
    } else {
        ["${", "?", "&", "|", "^", "~", "!", "(", "{"]
            .into_iter()
            .find(|what| value.contains(what))
    };
    match found {
        Some(found) => {
            let message =
                format!("{name} holds {found}, which PHP does not take as it is: quote it");
            let message = if is_quoted {
                format!("{name} holds {found}, which is not read here")
            } else {
                message
            };
            Err(Fault::at(&text.place(start), message))
        }
        None => Ok(()),
    }
}
