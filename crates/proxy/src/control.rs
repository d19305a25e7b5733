//! The commands of the stats socket: bytes in, answers out.
//!
//! The protocol is HAProxy's: a client sends one line; each command of it, parted by `;`, is
//! answered with text and an empty line; then the connection ends. `prompt` keeps it open, line
//! after line, until `quit`. All commands are read-only so far.

mod command;

use crate::config::Level;
use crate::state::State;
use crate::stats::Process;
use crate::time::Now;

/// One connection to a stats socket.
///
/// Invariant: at most [`LINE_BYTES_MAX`] bytes are kept, and none of a line that has ended.
#[derive(Debug, Clone)]
pub struct Control {
    level: Level,
    line: Vec<u8>,
    is_interactive: bool,
    is_over: bool,
}

/// Whether a connection to a stats socket goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it goes on or it ends")]
pub enum Next {
    /// Read on.
    Read,
    /// Write what is left of the answers, then close.
    Close,
}

/// What a command may look at.
struct Context<'a> {
    state: &'a State,
    process: &'a Process,
    now: Now,
    /// The length of the answers at which no further command is taken.
    answers_end: usize,
}

impl Control {
    /// A new connection, which may do what `level` allows.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            line: Vec::new(),
            is_interactive: false,
            is_over: false,
        }
    }

    /// Takes bytes from the client and appends answers to `out`.
    ///
    /// Lines may arrive in pieces. A line of more than [`LINE_BYTES_MAX`] bytes ends the
    /// connection without an answer, and so does a command after [`ANSWERS_BYTES_MAX`] bytes of
    /// answers to the same `bytes`. After [`Next::Close`] further bytes are ignored. When the
    /// client ends its side without a line feed, there is nothing to answer: close.
    pub fn handle_input(
        &mut self,
        bytes: &[u8],
        state: &State,
        process: &Process,
        now: Now,
        out: &mut Vec<u8>,
    ) -> Next {
        let context = Context {
            state,
            process,
            now,
            answers_end: out.len() + ANSWERS_BYTES_MAX,
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.is_over {
                break;
            }
            if self.line.len() + part.len() > LINE_BYTES_MAX {
                self.line = Vec::new();
                self.is_over = true;
                break;
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                self.handle_line(&String::from_utf8_lossy(&line), &context, out);
            }
        }
        if self.is_over {
            Next::Close
        } else {
            Next::Read
        }
    }

    fn handle_line(&mut self, line: &str, context: &Context<'_>, out: &mut Vec<u8>) {
        let mut commands = split_commands(line);
        // A trailing `;` is no command of its own; an empty line is one, which gets the list.
        if commands.len() > 1 && commands.last().is_some_and(|last| last.is_empty()) {
            commands.pop();
        }
        for words in commands.iter().take(COMMANDS_MAX) {
            if out.len() > context.answers_end {
                self.is_over = true;
                return;
            }
            self.handle_command(words, context, out);
            if self.is_over {
                return;
            }
            out.push(b'\n');
            if self.is_interactive {
                out.extend_from_slice(b"> ");
            }
        }
        self.is_over = !self.is_interactive;
    }

    /// Answers one command, without the empty line.
    fn handle_command(&mut self, words: &[String], context: &Context<'_>, out: &mut Vec<u8>) {
        let Some(command) = command::find(words) else {
            command::write_unknown(words, out);
            return;
        };
        let arguments = &words[command.words().count()..];
        (command.run)(self, arguments, context, out);
    }
}

/// Commands to words: `;` parts commands, blanks part words, a backslash protects either.
fn split_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut is_escaped = false;
    for character in line.chars().chain(['\n']) {
        match character {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            ';' | ' ' | '\t' | '\r' | '\n' if !is_escaped => {
                let words = commands.last_mut().expect("one command at least");
                if !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
                if character == ';' {
                    commands.push(Vec::new());
                }
            }
            _ => word.push(character),
        }
        is_escaped = false;
    }
    commands
}

/// Bytes of a line, its line feed included; HAProxy's buffer holds as many.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// Commands of a line; later ones are dropped. Tools send two or three, and each can cost as much
/// as `show stat`.
pub const COMMANDS_MAX: usize = 64;

/// Bytes of answers to what was read at once, but for the last answer, which is whole. A few bytes
/// of `show stat`, over and over, ask for thousands of times as many.
pub const ANSWERS_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
