//! The life of the daemon: from the command line to its end.
//!
//! The order is HAProxy's, so that low ports, sockets and files outside the jail are within reach: read the
//! configuration, resolve names, bind, raise limits, go to the background, write the pid file, change the root, give
//! up privileges, serve. The runtime and its threads come into being after the fork.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use steadfast_host::daemonise::{self, Announcer};
use steadfast_host::exit::Status;
use steadfast_host::limits;
use steadfast_host::pid_file::PidFile;
use steadfast_host::privilege::{Identity, PrivilegeError};
use steadfast_host::readiness::Manager;
use steadfast_proxy::config::Config;

use crate::balancer::{Balancer, Embedding, Sink};
use crate::bind::{self, Addresses, system_text};
use crate::configuration;
use crate::messages::{self, Messages};
use crate::options::{Command, Options, help};
use crate::signals::{Signals, hand_over};

/// Runs the daemon with the words after the program's name, to its end.
///
/// Returns 0 after a soft stop, `-c`, `-v` and `--help`, and 1 when it could not start. TERM and INT end the process
/// by that signal.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Command::parse(words) {
        Ok(Command::Run(options)) => {
            let messages = Messages::new(options.quiet);
            match Daemon::prepare(*options, &messages) {
                Ok(Some(daemon)) => daemon.live(&messages),
                Ok(None) => ExitCode::SUCCESS,
                Err(Failed) => ExitCode::FAILURE,
            }
        }
        Ok(Command::Help) => print(&help(), ExitCode::SUCCESS),
        Ok(Command::Version) => print(VERSION, ExitCode::SUCCESS),
        Ok(Command::BuildInfo) => print(&format!("{VERSION}{BUILD_INFO}"), ExitCode::SUCCESS),
        Ok(Command::Usage(None)) => {
            messages::print(help().trim_end());
            print(VERSION, ExitCode::FAILURE)
        }
        Ok(Command::Usage(Some(word))) => {
            let text = format!("unknown option '{word}'; --help lists those that there are");
            Messages::new(false).alert(&text);
            ExitCode::FAILURE
        }
        Err(error) => {
            Messages::new(false).alert(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Standard output without a reader is no reason to panic.
fn print(text: &str, status: ExitCode) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    status
}

const VERSION: &str = concat!(
    "steadfast-balancer version ",
    env!("CARGO_PKG_VERSION"),
    ", in the place of HAProxy\n"
);

const BUILD_INFO: &str = "\
Protocols  : HTTP/1.0 and 1.1 in the clear
Balancing  : roundrobin
Checks     : TCP
Log targets: UDP, unix datagram
Polling    : epoll
";

/// The reason has been told already.
struct Failed;

/// A balancer that is bound, and what remains to be done before it serves.
struct Daemon {
    balancer: Balancer,
    identity: Identity,
    background: bool,
    pid_file: Option<PathBuf>,
    threads: usize,
    options: Options,
}

impl Daemon {
    /// Does everything up to the fork. `None` if checking was all that was asked for.
    fn prepare(options: Options, messages: &Messages) -> Result<Option<Self>, Failed> {
        let refuse = |text: String| {
            messages.alert(&text);
            Failed
        };
        if let Some(directory) = &options.directory {
            std::env::set_current_dir(directory).map_err(|error| {
                let (directory, why) = (directory.display(), system_text(&error));
                refuse(format!("Could not change to directory {directory} : {why}"))
            })?;
        }
        let config = configuration::read(&options, messages).ok_or(Failed)?;
        let identity = identity(&config).map_err(|error| refuse(error.to_string()))?;
        if options.check {
            Addresses::resolve(&config).map_err(|error| refuse(error.to_string()))?;
            return check_warnings(&options, messages).map(|()| {
                if messages.warned() {
                    print("Warnings were found.\n", ExitCode::SUCCESS);
                }
                if options.verbose {
                    print("Configuration file is valid\n", ExitCode::SUCCESS);
                }
                None
            });
        }
        if config
            .frontends
            .iter()
            .all(|frontend| frontend.disabled || frontend.binds.is_empty())
        {
            let text = "config : configuration has no listener: there is nothing to do";
            return Err(refuse(String::from(text)));
        }
        check_warnings(&options, messages)?;
        let background = (options.daemon || config.global.daemon) && !options.foreground;
        let pid_file = options
            .pid_file
            .clone()
            .or_else(|| config.global.pidfile.clone().map(PathBuf::from));
        if config.global.maxconn.is_none() {
            // The limit of connections follows from what is granted here; what it was before is no failure.
            raise_towards(FILES_UNASKED);
        }
        let threads = config.global.nbthread.map(|threads| threads as usize);
        let ulimit = config.global.ulimit_n;
        let embedding = Embedding {
            notices: (!options.quiet).then(|| Arc::new(messages::print) as Sink),
            connections_max: options.process_connections_max,
            share_addresses: !(options.finish.is_empty() && options.terminate.is_empty()),
            ..Embedding::default()
        };
        let mut balancer =
            Balancer::bind(config, embedding).map_err(|error| refuse(error.to_string()))?;
        raise_limits(&mut balancer, ulimit, messages);
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(available);
        Ok(Some(Self {
            balancer,
            identity,
            background,
            pid_file,
            threads,
            options,
        }))
    }

    /// Goes to the background if asked to, and serves until the end.
    fn live(self, messages: &Messages) -> ExitCode {
        let announcer = if self.background {
            match daemonise::daemonise() {
                Ok(announcer) => Some(announcer),
                Err(error) => {
                    messages.alert(&format!("Cannot fork: {}", system_text(&error)));
                    return ExitCode::FAILURE;
                }
            }
        } else {
            None
        };
        let mut announcer = announcer;
        match self.serve(&mut announcer, messages) {
            Ok(status) => status,
            Err(text) => {
                messages.alert(&text);
                if let Some(announcer) = announcer {
                    announcer.fail(Status::Failure);
                }
                ExitCode::FAILURE
            }
        }
    }

    fn serve(
        self,
        announcer: &mut Option<Announcer>,
        messages: &Messages,
    ) -> Result<ExitCode, String> {
        let Self {
            balancer,
            identity,
            background,
            pid_file,
            threads,
            options,
        } = self;
        // A foreground process leaves pid files alone, as HAProxy does. It is left behind at the end: by then the
        // process is in a jail, and not root.
        if let Some(path) = pid_file.filter(|_| background) {
            PidFile::write(&path).map_err(|error| {
                let why = system_text(&error);
                format!("Cannot create pidfile {} : {why}", path.display())
            })?;
        }
        // As everything else outside the jail: before the root changes.
        let manager = Manager::connect();
        identity
            .assume()
            .map_err(|error| privilege_text(&identity, &error))?;
        // One thread needs nothing of what lets several share their work.
        let mut runtime = match threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = runtime
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start the runtime: {}", system_text(&error)))?;
        runtime.block_on(async move {
            let watch = |error| format!("cannot watch sockets and signals: {error}");
            let signals = Signals::new().map_err(watch)?;
            let running = balancer.serve().map_err(watch)?;
            // While there is still somebody to be told of a failure.
            hand_over(&options, messages);
            if let Some(announcer) = announcer.take() {
                announcer
                    .ready(Some(Path::new("/")), false)
                    .map_err(watch)?;
            }
            manager.ready();
            Ok(signals.obey(running, &manager).await)
        })
    }
}

fn check_warnings(options: &Options, messages: &Messages) -> Result<(), Failed> {
    if options.warnings_are_errors && messages.warned() {
        messages.alert("config : Some warnings were found and 'zero-warning' is set. Aborting.");
        return Err(Failed);
    }
    Ok(())
}

fn identity(config: &Config) -> Result<Identity, bind::StartError> {
    let mut identity = Identity::default();
    identity.user = config.global.user.as_ref().map(bind::user).transpose()?;
    identity.group = config.global.group.as_ref().map(bind::group).transpose()?;
    identity.chroot = config.global.chroot.as_ref().map(PathBuf::from);
    Ok(identity)
}

fn privilege_text(identity: &Identity, error: &PrivilegeError) -> String {
    match &identity.chroot {
        Some(folder) if !folder.is_dir() => format!("Cannot chroot({}).", folder.display()),
        _ => error.to_string(),
    }
}

/// Asks for as many open files as the connections need: one for the client and one for the server of each.
fn raise_limits(balancer: &mut Balancer, ulimit: Option<u32>, messages: &Messages) {
    let spare = balancer.spare_files();
    let needed = u64::from(balancer.connections_max()) * 2 + spare;
    if ulimit.is_none() {
        // Room for idle connections to servers is welcome and no promise.
        raise_towards(needed + u64::from(balancer.connections_max()));
    }
    let wanted = ulimit.map_or(needed, u64::from);
    if limits::raise_open_files(wanted).is_ok() && wanted >= needed {
        return;
    }
    let files = limits::open_files().unwrap_or(wanted);
    let affordable = u32::try_from(files.saturating_sub(spare) / 2).unwrap_or(u32::MAX);
    if affordable < balancer.connections_max() {
        messages.warning(&format!(
            "{} connections need {needed} open files and the limit is {files}: \
             at most {affordable} are served at once.",
            balancer.connections_max()
        ));
        balancer.limit_connections(affordable);
    }
}

/// Raises the limit of open files to `count`, or as far as it goes.
fn raise_towards(count: u64) {
    if limits::raise_open_files(count).is_err() {
        let _ = limits::open_files_max().and_then(limits::raise_open_files);
    }
}

/// Open files that are asked for where the configuration has no `maxconn`.
const FILES_UNASKED: u64 = 65_536;
