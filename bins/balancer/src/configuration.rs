//! The configuration's files: which, in which order, and what is said about them.

use std::path::{Path, PathBuf};

use steadfast_proxy::config::{self, Config};

use crate::bind::system_text;
use crate::messages::Messages;
use crate::options::Options;

/// Reads all files and parses them as one configuration; tells everything that is wrong with it.
///
/// `None` if it can't be used.
pub(crate) fn read(options: &Options, messages: &Messages) -> Option<Config> {
    let mut files = Vec::new();
    for path in &options.files {
        let read = if path.is_dir() {
            read_directory(path)
        } else {
            read_file(path)
        };
        match read {
            Ok(read) => files.extend(read),
            Err((path, error)) => {
                let (path, why) = (path.display(), system_text(&error));
                messages.alert(&format!(
                    "config : Cannot open configuration file/directory {path} : {why}"
                ));
                return None;
            }
        }
    }
    let texts: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_slice()))
        .collect();
    let parsed = config::parse(&texts, &|name| std::env::var(name).ok());
    for diagnostic in &parsed.diagnostics {
        messages.diagnostic(diagnostic);
    }
    let mut config = parsed.config?;
    if let Some(count) = options.proxy_connections_max {
        for frontend in &mut config.frontends {
            frontend.maxconn.get_or_insert(count);
        }
    }
    Some(config)
}

type Files = Vec<(String, Vec<u8>)>;

fn read_file(path: &Path) -> Result<Files, (PathBuf, std::io::Error)> {
    let text = std::fs::read(path).map_err(|error| (path.to_owned(), error))?;
    Ok(vec![(path.display().to_string(), text)])
}

/// The `*.cfg` files of a directory that are not hidden, in the order of their bytes.
fn read_directory(path: &Path) -> Result<Files, (PathBuf, std::io::Error)> {
    let fail = |error| (path.to_owned(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".cfg") && !text.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    let mut files = Vec::new();
    for name in names {
        files.extend(read_file(&path.join(name))?);
    }
    Ok(files)
}
