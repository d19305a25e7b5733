//! The peers of a run: which programs, which versions.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program to compare with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Peer {
    /// What the tables call it, version included: `memcached 1.6.45`.
    pub label: String,
    /// Where it is; a bare name is looked up in `PATH`.
    pub path: PathBuf,
}

/// The peers of this `kind` among `entries`, in their order.
///
/// An entry is `KIND`, `KIND=PATH`, or a path alone, which is a further version of the kind before
/// it: `memcached,/opt/memcached-1.6.45/memcached`.
#[must_use]
pub fn of_kind(entries: &[String], kind: &str) -> Vec<Peer> {
    paths_of_kind(entries, kind)
        .into_iter()
        .map(|path| Peer {
            label: label(kind, Path::new(path)),
            path: path.into(),
        })
        .collect()
}

fn paths_of_kind<'a>(entries: &'a [String], kind: &str) -> Vec<&'a str> {
    let mut current = "";
    let mut paths = Vec::new();
    for entry in entries {
        let path = match entry.split_once('=') {
            Some((name, path)) => {
                current = name;
                path
            }
            None if entry.contains('/') => entry,
            None => {
                current = entry;
                entry
            }
        };
        if current == kind {
            paths.push(path);
        }
    }
    paths
}

/// The kind and the version that the program says it has; else the kind and the path.
fn label(kind: &str, path: &Path) -> String {
    let flag = if kind == "memcached" { "-V" } else { "-v" };
    let output = Command::new(path).arg(flag).output();
    let text = output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    );
    match version(&text) {
        Some(version) => format!("{kind} {version}"),
        None => format!("{kind} ({})", path.display()),
    }
}

/// The first word that looks like a version, without what a distribution added to it.
fn version(text: &str) -> Option<&str> {
    text.split_ascii_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'))
        .and_then(|word| word.split(['-', '+']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_alone_is_a_further_version_of_the_kind_before_it() {
        let entries = ["memcached=/a/m", "/b/m", "haproxy", "memcached"].map(str::to_owned);
        assert_eq!(
            paths_of_kind(&entries, "memcached"),
            ["/a/m", "/b/m", "memcached"]
        );
        assert_eq!(paths_of_kind(&entries, "haproxy"), ["haproxy"]);
    }

    #[test]
    fn versions_are_read_from_what_peers_print() {
        assert_eq!(version("memcached 1.6.18\n"), Some("1.6.18"));
        let haproxy = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/";
        assert_eq!(version(haproxy), Some("2.6.12"));
        assert_eq!(version("no number"), None);
    }
}
