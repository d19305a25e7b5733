//! What the daemon says on standard error, in the shape that programs which watch HAProxy know.
//!
//! One line per fault and nothing around it: HAProxy's lines before (its version and path) and after (that there were
//! errors) tell nothing that the exit status and `-v` do not, and bury the cause.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast_proxy::config::{Diagnostic, Severity};

/// The messages of one process: `[LEVEL]    (pid) : text`.
#[derive(Debug)]
pub(crate) struct Messages {
    quiet: bool,
    warned: AtomicBool,
}

/// How urgent a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    Warning,
    Alert,
}

impl Messages {
    /// Messages that are printed unless `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            warned: AtomicBool::new(false),
        }
    }

    /// Whether a warning has been said.
    pub(crate) fn warned(&self) -> bool {
        self.warned.load(Ordering::Relaxed)
    }

    /// Says why the process can't go on.
    pub(crate) fn alert(&self, text: &str) {
        self.say(&format(Urgency::Alert, text));
    }

    /// Says what is probably not meant.
    pub(crate) fn warning(&self, text: &str) {
        self.warned.store(true, Ordering::Relaxed);
        self.say(&format(Urgency::Warning, text));
    }

    /// Says what is wrong with the configuration.
    pub(crate) fn diagnostic(&self, diagnostic: &Diagnostic) {
        if diagnostic.severity == Severity::Warning {
            self.warned.store(true, Ordering::Relaxed);
        }
        self.say(&diagnostic.to_haproxy(std::process::id()));
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            print(line);
        }
    }
}

/// `text` as one message of this process, without line end.
pub(crate) fn format(urgency: Urgency, text: &str) -> String {
    let level = match urgency {
        Urgency::Warning => "[WARNING] ",
        Urgency::Alert => "[ALERT]   ",
    };
    format!("{level} ({}) : {text}", std::process::id())
}

/// Prints one line in one write. Without a reader it is lost, as it has to be.
pub(crate) fn print(line: &str) {
    let _ = std::io::stderr()
        .lock()
        .write_all(format!("{line}\n").as_bytes());
}
