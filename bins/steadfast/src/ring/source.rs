//! The configuration files of clients and proxies that name nodes.
//!
//! They are read here rather than in a crate of their own: so far nobody else asks. The readers
//! take a text and give a pool, without touching a file, so that they can move as they are when a
//! router wants them.

mod mcrouter;
mod nutcracker;
mod php;
mod settings;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::fault::{Fault, Text, shown};
use super::pool::Pool;

/// Whose configuration a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Php,
    Nutcracker,
    Mcrouter,
    Settings,
}

/// Reads the nodes and rules from files. Several only for PHP, whose settings stand in php.ini and
/// its conf.d: what comes later counts.
///
/// # Errors
/// A file that cannot be opened or read as what it is, with the place; more or fewer than one pool
/// that could be meant.
pub(crate) fn read(files: &[String], pool: Option<&str>) -> Result<Pool, Fault> {
    let mut texts = Vec::new();
    let mut form = None;
    for file in files {
        let (found, path) = form_of(file)?;
        if form.is_some_and(|form| form != found || found != Form::Php) {
            return Err(Fault::of_file(
                path,
                "a second file, allowed are several only of PHP's settings",
            ));
        }
        form = Some(found);
        texts.push(load(path)?);
    }
    let (Some(form), Some(text)) = (form, texts.first()) else {
        return Err(Fault::new("no file to read nodes from"));
    };
    if let (Some(pool), Form::Php | Form::Settings) = (pool, form) {
        let message = format!("the file has one list, and no pool {}", shown(pool));
        return Err(Fault::of_file(&text.name, message));
    }
    let mut found = match form {
        Form::Php => php::read(&texts)?,
        Form::Nutcracker => nutcracker::read(text, pool)?,
        Form::Mcrouter => mcrouter::read(text, pool)?,
        Form::Settings => settings::read(text)?,
    };
    found.origin = files.join(",");
    if found.nodes.is_empty() {
        return Err(Fault::of_file(
            &text.name,
            "no node at all, a ring needs at least one",
        ));
    }
    found.check_distinct()?;
    Ok(found)
}

/// Whose a file is, by the word before its name (`php:FILE`) or the ending of the name.
fn form_of(file: &str) -> Result<(Form, &str), Fault> {
    for (word, form) in [
        ("php:", Form::Php),
        ("nutcracker:", Form::Nutcracker),
        ("mcrouter:", Form::Mcrouter),
        ("toml:", Form::Settings),
    ] {
        if let Some(path) = file.strip_prefix(word) {
            return Ok((form, path));
        }
    }
    let ending = Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("ini") => Ok((Form::Php, file)),
        Some("yml" | "yaml") => Ok((Form::Nutcracker, file)),
        Some("json") => Ok((Form::Mcrouter, file)),
        Some("toml") => Ok((Form::Settings, file)),
        _ => Err(Fault::of_file(
            file,
            "the name does not tell what it is: end it in .ini, .yml, .json or .toml, \
             or write php:FILE, nutcracker:FILE, mcrouter:FILE, toml:FILE",
        )),
    }
}

/// Whether there is a file of that name, with or without the word that says what it is.
pub(crate) fn is_file(file: &str) -> bool {
    Path::new(file).exists() || form_of(file).is_ok_and(|(_, path)| Path::new(path).exists())
}

fn load(path: &str) -> Result<Text, Fault> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Fault::of_file(path, error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("larger than {FILE_BYTES_MAX} bytes, which are allowed");
        return Err(Fault::of_file(path, message));
    }
    String::from_utf8(bytes).map_or_else(
        |error| {
            let valid = error.utf8_error().valid_up_to();
            let text = Text::new(path, String::from_utf8_lossy(&error.as_bytes()[..valid]));
            Err(Fault::at(&text.place(valid), "no UTF-8 from here on"))
        },
        |content| Ok(Text::new(path, content)),
    )
}

/// The pool that is meant: the one of that name, or the only one.
fn chosen<'a, T>(
    text: &Text,
    pools: &'a [(String, T)],
    name: Option<&str>,
) -> Result<&'a (String, T), Fault> {
    let names = || {
        let names: Vec<String> = pools.iter().map(|(name, _)| shown(name)).collect();
        names.join(", ")
    };
    match (name, pools) {
        (_, []) => Err(Fault::of_file(&text.name, "no pool at all")),
        (None, [pool]) => Ok(pool),
        (None, _) => {
            let message = format!("several pools, choose one with --pool: {}", names());
            Err(Fault::of_file(&text.name, message))
        }
        (Some(name), _) => pools
            .iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| {
                let message = format!("no pool {}, there is {}", shown(name), names());
                Fault::of_file(&text.name, message)
            }),
    }
}

/// No list of nodes is that large; a wrong file may be.
const FILE_BYTES_MAX: u64 = 4 << 20;

#[cfg(test)]
mod tests;
