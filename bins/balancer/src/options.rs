//! The command line: HAProxy's flags, read from one table that also prints the help.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "main handles every case")]
pub enum Command {
    /// Run, or with [`Options::check`] only check, the balancer.
    Run(Box<Options>),
    /// `--help`: print the help on standard output and leave with 0.
    Help,
    /// `-v`: print the version on standard output and leave with 0.
    Version,
    /// `-vv`: print the version and what this build can do, and leave with 0.
    BuildInfo,
    /// Nothing or `-h`: version and usage, exit status 1, as HAProxy does it. With a word: that it is unknown.
    Usage(Option<String>),
}

/// How the daemon was asked to run.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Configuration files and directories, in the order given.
    pub files: Vec<PathBuf>,
    /// `-c`: check the configuration and leave.
    pub check: bool,
    /// `-D`: leave the terminal.
    pub daemon: bool,
    /// `-db` or `-d`: stay in the foreground, whatever the configuration says.
    pub foreground: bool,
    /// `-p`: where the process id is written; beats the configuration's `pidfile`.
    pub pid_file: Option<PathBuf>,
    /// `-n`: connections of the whole process; beats the configuration's `maxconn`.
    pub process_connections_max: Option<u32>,
    /// `-N`: connections of each proxy that says nothing itself.
    pub proxy_connections_max: Option<u32>,
    /// `-C`: the directory to go to before any file is read.
    pub directory: Option<PathBuf>,
    /// `-q`: no messages at start.
    pub quiet: bool,
    /// `-V`: say it when all is well.
    pub verbose: bool,
    /// `-dW`: a warning is an error.
    pub warnings_are_errors: bool,
    /// `-sf`: processes that are asked to finish (USR1) after a good start.
    pub finish: Vec<i32>,
    /// `-st`: processes that are ended (TERM) after a good start.
    pub terminate: Vec<i32>,
}

/// A command line that can't be followed.
///
/// Its text is one line without the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError(String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}

impl Command {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    ///
    /// Names the flag whose value is missing or wrong, or that asks for something this balancer does not do. A flag
    /// that HAProxy does not know either is [`Command::Usage`].
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, OptionError> {
        let mut words: Vec<OsString> = words.into_iter().collect();
        let mut options = Box::new(Options::default());
        let files = match words.iter().position(|word| word == "--") {
            Some(at) => words.split_off(at).split_off(1),
            None => Vec::new(),
        };
        let mut parser = lexopt::Parser::from_args(words);
        while let Some(argument) = parser.next()? {
            let spelling = match argument {
                lexopt::Arg::Long("help") => return Ok(Self::Help),
                lexopt::Arg::Long("version") => return Ok(Self::Version),
                lexopt::Arg::Long("check-config") => String::from("-c"),
                lexopt::Arg::Long(name) => return Ok(Self::Usage(Some(format!("--{name}")))),
                lexopt::Arg::Value(word) => {
                    return Ok(Self::Usage(Some(word.to_string_lossy().into_owned())));
                }
                lexopt::Arg::Short(letter) => spelling(letter, &mut parser),
            };
            match spelling.as_str() {
                "-v" => return Ok(Self::Version),
                "-vv" => return Ok(Self::BuildInfo),
                "-h" => return Ok(Self::Usage(None)),
                _ => {}
            }
            let Some(flag) = Flag::find(&spelling) else {
                return Ok(Self::Usage(Some(spelling)));
            };
            flag.apply(&spelling, &mut options, &mut parser)?;
        }
        options.files.extend(files.into_iter().map(PathBuf::from));
        if options.files.is_empty() {
            return Ok(Self::Usage(None));
        }
        Ok(Self::Run(options))
    }
}

/// HAProxy's flags are a dash and one or two letters; the second belongs to the name and is no value.
fn spelling(letter: char, parser: &mut lexopt::Parser) -> String {
    let mut spelling = format!("-{letter}");
    if matches!(letter, 'c' | 'd' | 's' | 'v' | 'W') {
        if let Some(rest) = parser.optional_value() {
            spelling.push_str(&rest.to_string_lossy());
        }
    }
    spelling
}

/// A row of the table: what a flag is called, takes, means and does.
struct Flag {
    name: &'static str,
    value: &'static str,
    help: &'static str,
    effect: Effect,
}

enum Effect {
    Set(fn(&mut Options)),
    Path(fn(&mut Options, PathBuf)),
    Count(fn(&mut Options, u32)),
    Pids(fn(&mut Options, Vec<i32>)),
    /// Taken, with its value if it has one, because scripts pass it; there is nothing here for it to change.
    Accepted,
    /// Known, and refused with the reason.
    Refused(&'static str),
}

const FLAGS: &[Flag] = &[
    Flag {
        name: "-f",
        value: "FILE|DIR",
        help: "configuration file, or directory of *.cfg files; repeatable",
        effect: Effect::Path(|options, path| options.files.push(path)),
    },
    Flag {
        name: "-c",
        value: "",
        help: "check the configuration and leave (or --check-config): status 0 if valid, 1 if not",
        effect: Effect::Set(|options| options.check = true),
    },
    Flag {
        name: "-D",
        value: "",
        help: "run in the background",
        effect: Effect::Set(|options| options.daemon = true),
    },
    Flag {
        name: "-db",
        value: "",
        help: "stay in the foreground, even if the configuration says 'daemon'",
        effect: Effect::Set(|options| options.foreground = true),
    },
    Flag {
        name: "-d",
        value: "",
        help: "as -db (traffic is not dumped)",
        effect: Effect::Set(|options| options.foreground = true),
    },
    Flag {
        name: "-p",
        value: "FILE",
        help: "write the background process's id there",
        effect: Effect::Path(|options, path| options.pid_file = Some(path)),
    },
    Flag {
        name: "-n",
        value: "N",
        help: "connections of the whole process at once",
        effect: Effect::Count(|options, count| options.process_connections_max = Some(count)),
    },
    Flag {
        name: "-N",
        value: "N",
        help: "connections of each proxy that has no 'maxconn'",
        effect: Effect::Count(|options, count| options.proxy_connections_max = Some(count)),
    },
    Flag {
        name: "-C",
        value: "DIR",
        help: "go to this directory before files are read",
        effect: Effect::Path(|options, path| options.directory = Some(path)),
    },
    Flag {
        name: "-q",
        value: "",
        help: "no messages at start",
        effect: Effect::Set(|options| options.quiet = true),
    },
    Flag {
        name: "-V",
        value: "",
        help: "say it when all is well",
        effect: Effect::Set(|options| options.verbose = true),
    },
    Flag {
        name: "-dW",
        value: "",
        help: "a warning is an error",
        effect: Effect::Set(|options| options.warnings_are_errors = true),
    },
    Flag {
        name: "-sf",
        value: "PID...",
        help: "after a good start, let these processes finish (signal USR1)",
        effect: Effect::Pids(|options, pids| options.finish.extend(pids)),
    },
    Flag {
        name: "-st",
        value: "PID...",
        help: "after a good start, end these processes (signal TERM)",
        effect: Effect::Pids(|options, pids| options.terminate.extend(pids)),
    },
    Flag {
        name: "-L",
        value: "NAME",
        help: "peer name; accepted, nothing here depends on it",
        effect: Effect::Accepted,
    },
    accepted("-dD"),
    accepted("-dG"),
    accepted("-dI"),
    accepted("-dM"),
    accepted("-dS"),
    accepted("-dV"),
    accepted("-de"),
    accepted("-dp"),
    refused(
        "-m",
        "limit memory with the service manager instead (MemoryMax= in systemd)",
    ),
    refused(
        "-W",
        "there is no master process; run in the foreground under a service manager",
    ),
    refused(
        "-Ws",
        "there is no master process; run in the foreground under a service manager",
    ),
    refused("-S", "there is no master process to command"),
    refused(
        "-x",
        "listening sockets are not taken over; the new process shares the ports",
    ),
    refused("-cc", "conditions are not evaluated"),
    refused("-dr", "a server's name has to resolve at start"),
];

const fn accepted(name: &'static str) -> Flag {
    Flag {
        name,
        value: "",
        help: "",
        effect: Effect::Accepted,
    }
}

const fn refused(name: &'static str, why: &'static str) -> Flag {
    Flag {
        name,
        value: "",
        help: "",
        effect: Effect::Refused(why),
    }
}

impl Flag {
    fn find(spelling: &str) -> Option<&'static Self> {
        // `-dM` may carry the byte to poison memory with.
        let spelling = if spelling.starts_with("-dM") {
            "-dM"
        } else {
            spelling
        };
        FLAGS.iter().find(|flag| flag.name == spelling)
    }

    fn apply(
        &self,
        spelling: &str,
        options: &mut Options,
        parser: &mut lexopt::Parser,
    ) -> Result<(), OptionError> {
        match self.effect {
            Effect::Set(set) => set(options),
            Effect::Path(set) => set(options, PathBuf::from(self.value(parser)?)),
            Effect::Count(set) => {
                let word = self.value(parser)?;
                let count = word.to_string_lossy().parse().map_err(|_| {
                    let word = word.to_string_lossy();
                    OptionError(format!("'{spelling}' takes a number, not '{word}'"))
                })?;
                set(options, count);
            }
            Effect::Pids(set) => set(options, pids(spelling, parser)?),
            Effect::Accepted => {
                if !self.value.is_empty() {
                    self.value(parser)?;
                }
            }
            Effect::Refused(why) => {
                return Err(OptionError(format!("'{spelling}' is not supported: {why}")));
            }
        }
        Ok(())
    }

    fn value(&self, parser: &mut lexopt::Parser) -> Result<OsString, OptionError> {
        parser
            .value()
            .map_err(|_| OptionError(format!("'{}' needs {}", self.name, self.value)))
    }
}

/// The process ids after `-sf` or `-st`: none at all is fine, as with `-sf $(cat pidfile)` at the first start.
fn pids(spelling: &str, parser: &mut lexopt::Parser) -> Result<Vec<i32>, OptionError> {
    let mut pids = Vec::new();
    let Ok(mut words) = parser.raw_args() else {
        return Ok(pids);
    };
    while let Some(word) = words.next_if(|word| !word.to_string_lossy().starts_with('-')) {
        let pid = word.to_string_lossy().parse().ok().filter(|pid| *pid > 0);
        pids.push(pid.ok_or_else(|| {
            let word = word.to_string_lossy();
            OptionError(format!("'{spelling}' takes process ids, not '{word}'"))
        })?);
    }
    Ok(pids)
}

impl From<lexopt::Error> for OptionError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// The help text: every flag with its meaning.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "steadfast-balancer: a load balancer that takes the place of HAProxy\n\n\
         Usage: steadfast-balancer -f FILE|DIR [options] [-- FILE...]\n\n",
    );
    for flag in FLAGS.iter().filter(|flag| !flag.help.is_empty()) {
        let left = format!("{} {}", flag.name, flag.value);
        text.push_str(&format!("  {left:<13}  {}\n", flag.help));
    }
    text.push_str(
        "  -v, --version  version; -vv adds what this build can do\n  \
           --help         this text\n\n\
         Accepted for scripts, without effect: -dD -dG -dI -dM -dS -dV -de -dp\n\n\
         Try it:\n  steadfast-balancer -c -V -f /etc/haproxy/haproxy.cfg\n\n\
         Signals: TERM and INT end it at once; USR1 finishes what runs, takes nothing new and\n\
         leaves; HUP writes the state of every server to the logs.\n\
         Exit status: 0 a clean end, 1 a wrong flag, configuration or environment; ended by TERM\n\
         or INT the process dies of that signal (143 or 130 in a shell), as HAProxy does.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, OptionError> {
        Command::parse(line.split_ascii_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> Options {
        match parse(line) {
            Ok(Command::Run(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn two_letters_make_one_flag() {
        let options = run("-D -db -dW -dM0x50 -de -dS -f a");
        assert!(options.daemon && options.foreground && options.warnings_are_errors);
        let options = run("-d -c -f a");
        assert!(options.foreground && options.check && !options.warnings_are_errors);
        assert!(matches!(parse("-vv"), Ok(Command::BuildInfo)));
        assert!(matches!(parse("-v"), Ok(Command::Version)));
    }

    #[test]
    fn files_come_in_order_and_after_two_dashes_without_a_flag() {
        let options = run("-f a -f b -q -- c -f");
        let files: Vec<_> = options
            .files
            .iter()
            .map(|file| file.to_str().unwrap())
            .collect();
        assert_eq!(files, ["a", "b", "c", "-f"]);
    }

    #[test]
    fn processes_end_at_the_next_flag_and_may_be_none() {
        let options = run("-st 7 8 -p pid -sf -f a");
        assert_eq!((options.terminate, options.finish), (vec![7, 8], vec![]));
        let options = run("-f a -sf 12");
        assert_eq!(options.finish, [12]);
        for line in ["-f a -sf x", "-f a -sf 0", "-f a -n many", "-f a -p"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn numbers_are_kept() {
        let options = run("-n 100 -N 50 -f a");
        let limits = (
            options.process_connections_max,
            options.proxy_connections_max,
        );
        assert_eq!(limits, (Some(100), Some(50)));
    }
}
