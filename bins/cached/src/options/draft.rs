//! The options while they are being read: their order does not matter, so sense is made at the end.

use std::path::PathBuf;
use std::str::FromStr;

use super::address::Place;
use super::{Options, Request, UsageError};
use crate::settings::{Listen, PORT, Settings};

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) settings: Settings,
    /// `None` is off (`-p 0`); port 0 is any free one (`-p -1`).
    pub(super) port: Option<u16>,
    pub(super) places: Vec<Place>,
    pub(super) unix_socket: Option<PathBuf>,
    pub(super) unix_mode: u32,
    pub(super) daemon: bool,
    pub(super) user: Option<String>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) core_dumps: bool,
    pub(super) lock_memory: bool,
    pub(super) save_on_term: bool,
    pub(super) check_only: bool,
    pub(super) warnings: Vec<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            port: Some(PORT),
            places: Vec::new(),
            unix_socket: None,
            unix_mode: 0o700,
            daemon: false,
            user: None,
            pid_file: None,
            core_dumps: false,
            lock_memory: false,
            save_on_term: false,
            check_only: false,
            warnings: Vec::new(),
        }
    }
}

impl Draft {
    /// Makes sense of the whole.
    pub(super) fn finish(mut self) -> Result<Request, UsageError> {
        self.settings.listen = self.listen()?;
        let half = self.settings.memory_bytes / 2;
        if self.settings.item_bytes_max as u64 > half {
            let largest = self.settings.item_bytes_max;
            return Err(UsageError::usage(format!(
                "the item size limit of {largest} bytes (-I) exceeds half of the memory (-m), {half} bytes"
            )));
        }
        if self.save_on_term && self.settings.memory_file.is_none() {
            return Err(UsageError::usage(
                "--save-on-term needs a memory file (-e) to save to",
            ));
        }
        if self.check_only {
            return Ok(Request::Check);
        }
        Ok(Request::Run(Box::new(Options {
            settings: self.settings,
            daemon: self.daemon,
            user: self.user,
            pid_file: self.pid_file,
            core_dumps: self.core_dumps,
            lock_memory: self.lock_memory,
            save_on_term: self.save_on_term,
            warnings: self.warnings,
        })))
    }

    fn listen(&mut self) -> Result<Vec<Listen>, UsageError> {
        if let Some(path) = self.unix_socket.take() {
            return Ok(vec![Listen::Unix {
                path,
                mode: self.unix_mode,
            }]);
        }
        let Some(port) = self.port else {
            return Err(UsageError::usage(
                "nothing to listen on: -p 0 switches TCP off and there is no -s",
            ));
        };
        if self.places.is_empty() {
            return Ok(vec![Listen::Everywhere(port)]);
        }
        let mut listen = Vec::new();
        for place in self.places.iter().map(|place| place.listen(port)) {
            // A repeated address is asked for once; binding it twice would only fail.
            if !listen.contains(&place) {
                listen.push(place);
            }
        }
        Ok(listen)
    }
}

/// Reads a number of at least `least`.
pub(super) fn number<N>(text: &str, least: N) -> Result<N, UsageError>
where
    N: FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(UsageError::value(format!(
            "'{text}' is not a number of {least} or more"
        ))),
    }
}

/// Reads `4096`, `512k` or `1m`.
pub(super) fn size(text: &str) -> Result<usize, UsageError> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        _ => (text, 0),
    };
    digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| {
            UsageError::value(format!("'{text}' is not a size such as 4096, 512k or 1m"))
        })
}
