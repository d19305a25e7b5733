//! The table of commands, and what they answer.

use std::io::Write;

use super::{Context, Control};
use crate::config::Level;
use crate::stats::{RowFilter, write_csv, write_info};

/// A command of the stats socket.
pub(super) struct Command {
    /// The words that call it, and its arguments, as `help` shows them.
    usage: &'static str,
    /// The first words of `usage`, those that must be typed.
    name: &'static str,
    /// What it does, as `help` shows it.
    help: &'static str,
    /// Writes the answer to the arguments.
    pub(super) run: fn(&mut Control, &[String], &Context<'_>, &mut Vec<u8>),
}

impl Command {
    /// The words that call it.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.name.split(' ')
    }

    fn is_called_by(&self, words: &[String]) -> bool {
        let mut typed = words.iter();
        self.words()
            .all(|word| typed.next().is_some_and(|typed| typed == word))
    }
}

/// All commands: first by name, then those that HAProxy's `help` lists last.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        usage: "operator",
        name: "operator",
        help: "lower the level of the current CLI session to operator",
        run: |control, _, _, out| lower(control, Level::Operator, out),
    },
    Command {
        usage: "show backend",
        name: "show backend",
        help: "list backends in the current running config",
        run: |_, _, context, out| show_backend(context, out),
    },
    Command {
        usage: "show cli level",
        name: "show cli level",
        help: "display the level of the current CLI session",
        run: |control, _, _, out| {
            let level = match control.level {
                Level::User => "user",
                Level::Operator => "operator",
                Level::Admin => "admin",
            };
            out.extend_from_slice(level.as_bytes());
            out.push(b'\n');
        },
    },
    Command {
        usage: "show info",
        name: "show info",
        help: "report information about the running process",
        run: show_info,
    },
    Command {
        usage: "show stat [no-maint|up]*",
        name: "show stat",
        help: "report counters for each proxy and server",
        run: show_stat,
    },
    Command {
        usage: "show version",
        name: "show version",
        help: "show version of the current process",
        run: |_, _, context, out| {
            out.extend_from_slice(context.process.version.as_bytes());
            out.push(b'\n');
        },
    },
    Command {
        usage: "user",
        name: "user",
        help: "lower the level of the current CLI session to user",
        run: |control, _, _, out| lower(control, Level::User, out),
    },
    Command {
        usage: "help [<command>]",
        name: "help",
        help: "list matching or all commands",
        run: |_, arguments, _, out| help(arguments, out),
    },
    Command {
        usage: "prompt",
        name: "prompt",
        help: "toggle interactive mode with prompt",
        run: |control, _, _, _| control.is_interactive = !control.is_interactive,
    },
    Command {
        usage: "quit",
        name: "quit",
        help: "disconnect",
        run: |control, _, _, _| control.is_over = true,
    },
];

/// The command that `words` call.
pub(super) fn find(words: &[String]) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.is_called_by(words))
}

/// Says that there is no such command, and which ones come near.
pub(super) fn write_unknown(words: &[String], out: &mut Vec<u8>) {
    let near = |command: &&Command| {
        is_basic(command)
            || words
                .first()
                .is_some_and(|word| command.words().next() == Some(word))
    };
    if words.is_empty() {
        out.extend_from_slice(
            b"Unknown command. Please enter one of the following commands only:\n",
        );
        list(COMMANDS.iter(), out);
    } else {
        let typed: String = words.join(" ").chars().take(ECHO_CHARS_MAX).collect();
        let typed = typed.escape_debug();
        writeln!(
            out,
            "Unknown command: '{typed}', but maybe one of the following ones is a better match:"
        )
        .expect("a Vec takes all bytes");
        list(COMMANDS.iter().filter(near), out);
    }
}

/// Characters of an unknown command that the answer repeats.
const ECHO_CHARS_MAX: usize = 60;

/// The commands that every list ends with.
fn is_basic(command: &Command) -> bool {
    matches!(command.name, "help" | "prompt" | "quit")
}

fn help(arguments: &[String], out: &mut Vec<u8>) {
    let matches = |command: &&Command| {
        let mut words = command.words();
        is_basic(command)
            || arguments
                .iter()
                .all(|word| words.next().is_none_or(|name| name == word))
    };
    out.extend_from_slice(b"The following commands are valid at this level:\n");
    list(COMMANDS.iter().filter(matches), out);
}

fn list<'a>(commands: impl Iterator<Item = &'a Command>, out: &mut Vec<u8>) {
    for Command { usage, help, .. } in commands {
        writeln!(out, "  {usage:<40}: {help}").expect("a Vec takes all bytes");
    }
}

/// Lowers the level; it never rises.
fn lower(control: &mut Control, level: Level, _: &mut Vec<u8>) {
    control.level = control.level.min(level);
}

fn show_backend(context: &Context<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# name\n");
    for backend in &context.state.config().backends {
        writeln!(out, "{}", backend.name).expect("a Vec takes all bytes");
    }
}

fn show_info(_: &mut Control, arguments: &[String], context: &Context<'_>, out: &mut Vec<u8>) {
    if refuse_formats(arguments, out) {
        return;
    }
    write_info(context.process, context.state, context.now, out);
}

/// `show stat [PROXY|IID TYPE SID] [no-maint] [up]`; other words are ignored, as in HAProxy.
fn show_stat(_: &mut Control, arguments: &[String], context: &Context<'_>, out: &mut Vec<u8>) {
    if refuse_formats(arguments, out) {
        return;
    }
    let mut filter = RowFilter {
        up_only: arguments.iter().any(|word| word == "up"),
        no_maintenance: arguments.iter().any(|word| word == "no-maint"),
        ..RowFilter::default()
    };
    if let [proxy, kinds, server, ..] = arguments {
        // Negative numbers, -1 above all, mean all; 0 is no id, and so a name.
        let number = |word: &String| word.parse::<u32>().ok();
        filter.kinds = number(kinds);
        filter.server = number(server);
        filter.proxy = number(proxy);
        if proxy.parse::<i64>().unwrap_or(0) == 0 {
            let Some(id) = proxy_id(context, proxy) else {
                out.extend_from_slice(b"No such proxy.\n");
                return;
            };
            filter.proxy = Some(id);
        }
    }
    write_csv(context.state, filter, context.now, out);
}

fn proxy_id(context: &Context<'_>, name: &str) -> Option<u32> {
    let config = context.state.config();
    let frontends = config
        .frontends
        .iter()
        .map(|frontend| (&frontend.name, frontend.id));
    let backends = config
        .backends
        .iter()
        .map(|backend| (&backend.name, backend.id));
    frontends
        .chain(backends)
        .find(|(known, _)| &***known == name)
        .map(|(_, id)| id)
}

/// Refuses the forms that we can't write; silence would be taken for the plain form.
fn refuse_formats(arguments: &[String], out: &mut Vec<u8>) -> bool {
    let is_format = |word: &&String| matches!(word.as_str(), "typed" | "json" | "desc" | "float");
    let Some(word) = arguments.iter().find(is_format) else {
        return false;
    };
    writeln!(out, "'{word}' is not implemented by steadfast").expect("a Vec takes all bytes");
    true
}
