//! The prompt, and what is said while somebody types.

use std::io::{self, Write as _};

use parking_lot::Mutex;

/// Where commands are typed, if anywhere.
#[derive(Debug)]
pub(crate) struct Terminal {
    by_hand: bool,
    /// Whether the cursor stands behind a prompt.
    is_prompted: Mutex<bool>,
}

impl Terminal {
    /// A terminal where people type if `by_hand`; otherwise there are no prompts.
    pub(crate) fn new(by_hand: bool) -> Self {
        Self {
            by_hand,
            is_prompted: Mutex::new(false),
        }
    }

    /// Asks for a command.
    pub(crate) fn prompt(&self) {
        if self.by_hand {
            *self.is_prompted.lock() = true;
            show(PROMPT);
        }
    }

    /// A line was typed: the cursor is below the prompt.
    pub(crate) fn handle_line(&self) {
        *self.is_prompted.lock() = false;
    }

    /// Says what nobody asked for on a line of its own, and asks again if it came in between.
    pub(crate) fn notice(&self, words: &str) {
        let is_prompted = self.is_prompted.lock();
        show(&noticed(words, *is_prompted));
    }

    /// Leaves the line of the prompt, so that the shell's own begins a new one.
    pub(crate) fn leave(&self) {
        let mut is_prompted = self.is_prompted.lock();
        if *is_prompted {
            show("\n");
        }
        *is_prompted = false;
    }
}

/// A notice as it is written: over the prompt if there is one, which then comes again.
fn noticed(words: &str, is_prompted: bool) -> String {
    if is_prompted {
        format!("\r{CLEAR_LINE}  {words}\n{PROMPT}")
    } else {
        format!("  {words}\n")
    }
}

fn show(text: &str) {
    say!("{text}");
    // A terminal that takes no output will not give input either.
    let _ = io::stdout().flush();
}

const PROMPT: &str = "steadfast> ";

/// ECMA-48, "EL": erases to the end of the line.
const CLEAR_LINE: &str = "\x1b[K";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_leaves_a_prompt_behind_only_where_there_was_one() {
        assert_eq!(noticed("web2 is down", false), "  web2 is down\n");
        assert_eq!(
            noticed("web2 is down", true),
            "\r\x1b[K  web2 is down\nsteadfast> "
        );
    }
}
