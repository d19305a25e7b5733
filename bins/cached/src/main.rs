//! The daemon: options, privileges, background, signals; around the server of the lib.
//!
//! Order: options, limits, look up the user, bind (ports below 1024 need root), background, pid
//! file, give up root, memory and threads, readiness. memcached gives up root before it binds; in
//! all that can be seen from outside the orders agree, except that ours can have such ports.

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;
use steadfast_cached::options::{self, Options, Request};
use steadfast_cached::settings::{Listen, Settings};
use steadfast_cached::{PROGRAM, Running, Server, StartError, descriptors_reserved};
use steadfast_host::daemonise::{self, Announcer};
use steadfast_host::exit::{self, Status, reason};
use steadfast_host::pid_file::PidFile;
use steadfast_host::privilege::{self, Identity, UserId};
use steadfast_host::{limits, log, readiness};

fn main() -> ExitCode {
    match options::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => print!("{}", options::help()),
        Ok(Request::Version) => print!("{}", options::version()),
        Ok(Request::Licence) => print!("{}", options::licence()),
        Ok(Request::Check) => println!("the options are good"),
        Ok(Request::Run(options)) => {
            return match run(*options) {
                Ok(()) => Status::Success.into(),
                Err(Failure { status, message }) => exit::fail(PROGRAM, status, message),
            };
        }
        Err(error) => return exit::fail(PROGRAM, error.status(), error),
    }
    Status::Success.into()
}

/// Why the daemon ends before it serves.
struct Failure {
    status: Status,
    message: String,
}

impl Failure {
    fn new(status: Status, message: impl Display) -> Self {
        Self {
            status,
            message: message.to_string(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let status = match error {
            StartError::Store(_) => Status::Usage,
            _ => Status::OsError,
        };
        Self::new(status, error)
    }
}

fn run(options: Options) -> Result<(), Failure> {
    for warning in &options.warnings {
        log::line(PROGRAM, format_args!("warning: {warning}"));
    }
    let identity = identity(options.user.as_deref())?;
    raise_limits(&options)?;
    let server = Server::bind(options.settings.clone())?;
    if let Some(user) = &identity.user {
        give_sockets(&options.settings, user)?;
    }
    let announcer = match options.daemon {
        true => Some(daemonise::daemonise().map_err(|cause| {
            Failure::new(
                Status::OsError,
                format_args!("cannot go to the background: {cause}"),
            )
        })?),
        false => None,
    };
    match serve(&options, server, &identity, announcer) {
        Ok(pid_file) => {
            // Without -d memcached leaves the file, so whoever wrote the unit expects it there.
            if let (Some(file), true) = (pid_file, options.daemon) {
                // After giving up root the folder may refuse; the next start copes with the file.
                let _ = file.remove();
            }
            Ok(())
        }
        Err((failure, announcer)) => {
            if let Some(announcer) = announcer {
                announcer.fail(failure.status);
            }
            Err(failure)
        }
    }
}

/// Runs the bound server until a signal ends it; gives the announcer back if it came to nothing.
fn serve(
    options: &Options,
    server: Server,
    identity: &Identity,
    announcer: Option<Announcer>,
) -> Result<Option<PidFile>, (Failure, Option<Announcer>)> {
    let started = start(options, server, identity);
    let (running, signals, pid_file) = match started {
        Ok(started) => started,
        Err(failure) => return Err((failure, announcer)),
    };
    if let Some(announcer) = announcer {
        let folder = (!options.core_dumps).then_some(Path::new("/"));
        announcer
            .ready(folder, options.settings.verbosity > 0)
            .map_err(|cause| {
                (
                    Failure::new(
                        Status::OsError,
                        format_args!("cannot leave the terminal: {cause}"),
                    ),
                    None,
                )
            })?;
    }
    readiness::ready();
    let end = wait(signals, options.settings.verbosity)
        .map_err(|cause| (Failure::new(Status::OsError, cause), None))?;
    readiness::stopping();
    match end {
        End::AtOnce => running.stop(),
        End::Gracefully => running.stop_gracefully(),
    }
    Ok(pid_file)
}

type Started = (Running, (Poll, Signals), Option<PidFile>);

/// Everything between the fork and being ready.
fn start(options: &Options, server: Server, identity: &Identity) -> Result<Started, Failure> {
    let pid_file = options.pid_file.as_deref().and_then(write_pid_file);
    if options.lock_memory {
        if let Err(cause) = limits::lock_memory() {
            log::line(
                PROGRAM,
                format_args!("warning: cannot lock memory: {}", reason(&cause)),
            );
        }
    }
    identity
        .assume()
        .map_err(|error| Failure::new(Status::OsError, error))?;
    let signals = watch_signals().map_err(|cause| Failure::new(Status::OsError, cause))?;
    let running = server.run()?;
    if let Some(path) = env::var_os("MEMCACHED_PORT_FILENAME").map(PathBuf::from) {
        if let Err(cause) = write_ports(&path, running.addresses()) {
            let path = path.display();
            log::line(
                PROGRAM,
                format_args!("warning: cannot write the ports to {path}: {cause}"),
            );
        }
    }
    Ok((running, signals, pid_file))
}

/// Decides whom to become: only root may become another, and must say whom.
fn identity(user: Option<&str>) -> Result<Identity, Failure> {
    let mut identity = Identity::default();
    if privilege::is_root() {
        let user =
            user.ok_or_else(|| Failure::new(Status::Usage, "must add '-u root' to start as root"))?;
        identity.user = Some(UserId::find(user).map_err(|error| {
            let status = if error.is_unknown() {
                Status::NoUser
            } else {
                Status::OsError
            };
            Failure::new(status, error)
        })?);
    }
    Ok(identity)
}

fn raise_limits(options: &Options) -> Result<(), Failure> {
    if options.core_dumps {
        limits::allow_core_dumps().map_err(|cause| {
            Failure::new(
                Status::OsError,
                format_args!("cannot allow core files: {cause}"),
            )
        })?;
    }
    let settings = &options.settings;
    let files = settings.connections_max as u64 + descriptors_reserved(settings);
    limits::raise_open_files(files).map(drop).map_err(|cause| {
        let clients = settings.connections_max;
        let reason = reason(&cause);
        let what = format_args!("cannot have {files} open files for {clients} clients (-c)");
        Failure::new(Status::OsError, format_args!("{what}: {reason}"))
    })
}

/// Gives a Unix socket to the user who will serve it, as if that user had made it.
fn give_sockets(settings: &Settings, user: &UserId) -> Result<(), Failure> {
    for place in &settings.listen {
        let Listen::Unix { path, .. } = place else {
            continue;
        };
        lchown(path, Some(user.uid()), Some(user.gid())).map_err(|cause| {
            let path = path.display();
            Failure::new(
                Status::OsError,
                format_args!("cannot give away {path}: {cause}"),
            )
        })?;
    }
    Ok(())
}

/// A pid file that can't be written is a warning only, as in memcached.
fn write_pid_file(path: &Path) -> Option<PidFile> {
    let shown = path.display();
    if let Some(owner) = PidFile::live_owner(path) {
        let line = format_args!("warning: the pid file {shown} names a live process, {owner}");
        log::line(PROGRAM, line);
    }
    PidFile::write(path)
        .inspect_err(|cause| {
            let reason = reason(cause);
            log::line(
                PROGRAM,
                format_args!("warning: cannot write the pid file {shown}: {reason}"),
            );
        })
        .ok()
}

/// Tells the chosen ports, in the form that memcached's test suite reads.
fn write_ports(path: &Path, addresses: &[SocketAddr]) -> io::Result<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for address in addresses {
        let family = if address.is_ipv4() { "INET" } else { "INET6" };
        lines.push_str(&format!("TCP {family}: {}\n", address.port()));
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".lck");
    fs::write(&new, lines)?;
    fs::rename(new, path)
}

fn watch_signals() -> io::Result<(Poll, Signals)> {
    let poll = Poll::new()?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1, SIGHUP])?;
    poll.registry()
        .register(&mut signals, Token(0), Interest::READABLE)?;
    Ok((poll, signals))
}

enum End {
    AtOnce,
    Gracefully,
}

/// Waits for a signal that ends the daemon.
fn wait((mut poll, mut signals): (Poll, Signals), verbosity: u8) -> io::Result<End> {
    let mut events = Events::with_capacity(4);
    let tell = |line: &str| {
        if verbosity > 0 {
            log::line(PROGRAM, line);
        }
    };
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for signal in signals.pending() {
            match signal {
                SIGHUP => tell("HUP: there is nothing to reload"),
                SIGUSR1 => {
                    tell("USR1: stopping gracefully");
                    return Ok(End::Gracefully);
                }
                _ => {
                    tell("stopping");
                    return Ok(End::AtOnce);
                }
            }
        }
    }
}
