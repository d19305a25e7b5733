//! The daemon: options, privileges, background, signals; around the server of the lib.
//!
//! Order: options, limits, look up the user, bind (ports below 1024 need root), background, pid
//! file, give up root, memory and threads, readiness. memcached gives up root before it binds; in
//! all that can be seen from outside the orders agree, except that ours can have such ports.

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::lchown;
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;
use steadfast_cached::options::{self, Options, Request};
use steadfast_cached::settings::{Authentication, Listen, Settings};
use steadfast_cached::{
    PROGRAM, Running, Server, StartError, clients_within, descriptors_reserved,
};
use steadfast_engine::{Credentials, Shutdown};
use steadfast_host::daemonise::{self, Announcer};
use steadfast_host::exit::{self, Status, reason};
use steadfast_host::pid_file::PidFile;
use steadfast_host::privilege::{self, Identity, UserId};
use steadfast_host::{limits, log, readiness};

fn main() -> ExitCode {
    match options::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => answer(&options::help()),
        Ok(Request::Version) => answer(&options::version()),
        Ok(Request::Licence) => answer(&options::licence()),
        Ok(Request::Check) => answer("the options are good\n"),
        Ok(Request::Run(options)) => match run(*options) {
            Ok(()) => Status::Success.into(),
            Err(failure) => failure.report(),
        },
        Err(error) => exit::fail(PROGRAM, error.status(), error),
    }
}

/// Prints on standard output; a reader that has seen enough (`--help | head`) is no failure.
fn answer(text: &str) -> ExitCode {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and(output.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            let line = format_args!("cannot write to standard output: {}", reason(&cause));
            exit::fail(PROGRAM, Status::OsError, line)
        }
        _ => Status::Success.into(),
    }
}

/// Why the daemon ends before it serves, and who waits to hear of it.
struct Failure {
    status: Status,
    message: String,
    announcer: Option<Announcer>,
}

impl Failure {
    fn new(status: Status, message: impl Display) -> Self {
        Self {
            status,
            message: message.to_string(),
            announcer: None,
        }
    }

    /// For what the operating system refuses: `what: why`.
    fn system(what: &str, cause: &io::Error) -> Self {
        Self::new(Status::OsError, format_args!("{what}: {}", reason(cause)))
    }

    /// Says why, then lets the waiting process end: the line is there before the prompt is.
    fn report(self) -> ExitCode {
        let status = exit::fail(PROGRAM, self.status, self.message);
        if let Some(announcer) = self.announcer {
            announcer.fail(self.status);
        }
        status
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let status = match error {
            StartError::Store(_) | StartError::Tls(_) => Status::Usage,
            StartError::Users(_) => Status::Failure,
            _ => Status::OsError,
        };
        Self::new(status, error)
    }
}

fn warn(warning: impl Display) {
    log::line(PROGRAM, format_args!("warning: {warning}"));
}

fn run(mut options: Options) -> Result<(), Failure> {
    for warning in &options.warnings {
        warn(warning);
    }
    find_files(&mut options.settings)?;
    let identity = identity(options.user.as_deref())?;
    raise_limits(&mut options)?;
    let server = Server::bind(options.settings.clone())?;
    if let Some(user) = &identity.user {
        give_sockets(&options.settings, user)?;
    }
    let mut announcer = match options.daemon {
        true => Some(
            daemonise::daemonise()
                .map_err(|cause| Failure::system("cannot go to the background", &cause))?,
        ),
        false => None,
    };
    let pid_file = options.pid_file.as_deref().and_then(write_pid_file);
    let ended = serve(&options, server, &identity, &mut announcer);
    // Without -d memcached leaves the file, so whoever wrote the unit expects it there. A start
    // that came to nothing leaves none.
    if let (Some(file), true) = (pid_file, options.daemon || ended.is_err()) {
        // After giving up root the folder may refuse; the next start copes with the file.
        let _ = file.remove();
    }
    ended.map_err(|failure| Failure {
        announcer,
        ..failure
    })
}

/// Runs the bound server until a signal ends it; takes the announcer when that is sure.
fn serve(
    options: &Options,
    server: Server,
    identity: &Identity,
    announcer: &mut Option<Announcer>,
) -> Result<(), Failure> {
    if options.lock_memory {
        if let Err(cause) = limits::lock_memory() {
            warn(format_args!("cannot lock memory: {}", reason(&cause)));
        }
    }
    identity
        .assume()
        .map_err(|error| Failure::new(Status::OsError, error))?;
    let unwatched = |cause| Failure::system("cannot watch for signals", &cause);
    let mut watch = Watch::start(options).map_err(unwatched)?;
    let mut patience = Patience::default();
    let server = server.on_shutdown(watch.hook());
    let mut running = server.run(&mut || patience.ask())?;
    if let Some(recovery) = running.recovery() {
        log::line(PROGRAM, recovery);
        readiness::status(&recovery.to_string());
    }
    if let Some(path) = env::var_os("MEMCACHED_PORT_FILENAME").map(PathBuf::from) {
        if let Err(cause) = write_ports(&path, &running) {
            let (path, reason) = (path.display(), reason(&cause));
            warn(format_args!("cannot write the ports to {path}: {reason}"));
        }
    }
    if let Some(announcer) = announcer.take() {
        let folder = (!options.core_dumps).then_some(Path::new("/"));
        announcer
            .ready(folder, options.settings.verbosity > 0)
            .map_err(|cause| Failure::system("cannot leave the terminal", &cause))?;
    }
    readiness::ready();
    let mut end = None;
    while end.is_none() {
        end = watch.wait(None).map_err(unwatched)?;
        if std::mem::take(&mut watch.reloads) {
            reload(&running, options.settings.verbosity);
        }
    }
    readiness::stopping();
    if end == Some(End::Gracefully) {
        running.drain();
        // Whoever loses patience meanwhile is heard.
        while end != Some(End::AtOnce) && !running.has_ended() {
            end = watch.wait(Some(DRAIN_STEP)).map_err(unwatched)?;
        }
    }
    match watch.keeps_items {
        true => save(running, &mut watch),
        false => {
            running.stop();
            Ok(())
        }
    }
}

/// Reads again what can be read again: certificates and users. What can't be used stays as it was.
fn reload(running: &Running, verbosity: u8) {
    let tell = |line: &str| {
        if verbosity > 0 {
            log::line(PROGRAM, line);
        }
    };
    let certificates = running.refresh_certificates();
    let users = running.refresh_users();
    if certificates.is_none() && users.is_none() {
        tell("HUP: there is nothing to reload");
    }
    match certificates {
        Some(Ok(())) => tell("HUP: new connections get the certificates as they are now"),
        Some(Err(error)) => warn(format_args!(
            "HUP: the certificates stay as they were: {error}"
        )),
        None => {}
    }
    match users {
        Some(Ok(0)) => tell("HUP: new connections are asked for the users as they are now"),
        Some(Ok(ignored)) => warn(format_args!(
            "HUP: {ignored} lines of the users are ignored, {} is as many as there can be",
            Credentials::USERS_MAX
        )),
        Some(Err(error)) => warn(format_args!("HUP: the users stay as they were: {error}")),
        None => {}
    }
}

/// Keeps the items for the next start, if options say where. A further TERM does not cut that short
/// (service managers send one behind their stop command), INT does.
fn save(running: Running, watch: &mut Watch) -> Result<(), Failure> {
    let mut patience = Patience::default();
    let mut pulse = || {
        patience.ask();
        watch.pending();
        match watch.keeps_items {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    let saved = running.save(&mut pulse);
    let saved = saved.map_err(|error| Failure::new(Status::OsError, error))?;
    if let Some(saved) = saved {
        log::line(PROGRAM, saved);
    }
    Ok(())
}

/// Asks the service manager for more time, every few seconds.
#[derive(Default)]
struct Patience {
    asked: Option<Instant>,
}

impl Patience {
    fn ask(&mut self) {
        let now = Instant::now();
        if self.asked.is_none_or(|asked| now - asked > PATIENCE / 4) {
            self.asked = Some(now);
            readiness::extend_timeout(PATIENCE);
        }
    }
}

/// Makes the names of files absolute: in the background the working folder is another. Finds the
/// file for SASL where memcached looks for it.
fn find_files(settings: &mut Settings) -> Result<(), Failure> {
    let absolute = |file: PathBuf| {
        path::absolute(file)
            .map_err(|cause| Failure::system("cannot tell the working folder", &cause))
    };
    if let Some(file) = settings.memory_file.take() {
        settings.memory_file = Some(absolute(file)?);
    }
    if let Some(authentication) = settings.authentication.take() {
        let file = match &authentication {
            Authentication::Text(file) => file.clone(),
            Authentication::Sasl(_) => env::var_os("MEMCACHED_SASL_PWDB")
                .filter(|file| !file.is_empty())
                .ok_or_else(|| Failure::new(Status::Usage, SASL_NEEDS_A_FILE))?
                .into(),
        };
        settings.authentication = Some(authentication.with_file(absolute(file)?));
    }
    Ok(())
}

const SASL_NEEDS_A_FILE: &str = "-S, --enable-sasl: the environment's MEMCACHED_SASL_PWDB must \
     name a file of users, with lines user:password";

/// memcached's words, and the better choice.
const ROOT_NEEDS_A_USER: &str =
    "must add '-u root' to start as root; better '-u USER', one without rights (nobody, say)";

/// Decides whom to become: only root may become another, and must say whom.
fn identity(user: Option<&str>) -> Result<Identity, Failure> {
    let mut identity = Identity::default();
    if privilege::is_root() {
        let user = user.ok_or_else(|| Failure::new(Status::Usage, ROOT_NEEDS_A_USER))?;
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

/// Makes room for the descriptors of all clients, or for fewer clients where memcached would.
fn raise_limits(options: &mut Options) -> Result<(), Failure> {
    if options.core_dumps {
        limits::allow_core_dumps()
            .map_err(|cause| Failure::system("cannot allow core files", &cause))?;
    }
    let settings = &mut options.settings;
    let clients = settings.connections_max;
    let files = (clients as u64).saturating_add(descriptors_reserved(settings));
    let Err(cause) = limits::raise_open_files(files) else {
        return Ok(());
    };
    let granted = limits::open_files_max().and_then(limits::raise_open_files);
    match granted
        .ok()
        .and_then(|files| clients_within(settings, files))
    {
        Some(fewer) => {
            warn(format_args!(
                "the limit of open files leaves room for {fewer} clients, not {clients} (-c)"
            ));
            settings.connections_max = fewer;
            Ok(())
        }
        None => {
            let what = format!("cannot have {files} open files for {clients} clients (-c)");
            Err(Failure::system(&what, &cause))
        }
    }
}

/// Gives a Unix socket to the user who will serve it, as if that user had made it.
fn give_sockets(settings: &Settings, user: &UserId) -> Result<(), Failure> {
    for place in &settings.listen {
        let Listen::Unix { path, .. } = &place.place else {
            continue;
        };
        lchown(path, Some(user.uid()), Some(user.gid())).map_err(|cause| {
            let what = format!("cannot give the user {}", path.display());
            Failure::system(&what, &cause)
        })?;
    }
    Ok(())
}

/// A pid file that can't be written is a warning only, as in memcached.
fn write_pid_file(path: &Path) -> Option<PidFile> {
    let shown = path.display();
    if let Some(owner) = PidFile::live_owner(path) {
        warn(format_args!(
            "the pid file {shown} names a live process, {owner}"
        ));
    }
    PidFile::write(path)
        .inspect_err(|cause| {
            let reason = reason(cause);
            warn(format_args!("cannot write the pid file {shown}: {reason}"));
        })
        .ok()
}

/// Tells the chosen ports, in the form that memcached's test suite reads.
fn write_ports(path: &Path, running: &Running) -> io::Result<()> {
    let (tcp, udp) = (running.addresses(), running.udp_addresses());
    if tcp.is_empty() && udp.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for (transport, addresses) in [("TCP", tcp), ("UDP", udp)] {
        for address in addresses {
            let family = if address.is_ipv4() { "INET" } else { "INET6" };
            lines.push_str(&format!("{transport} {family}: {}\n", address.port()));
        }
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".lck");
    fs::write(&new, lines)?;
    fs::rename(new, path)
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    AtOnce,
    Gracefully,
}

/// What ends the daemon: signals, and clients that may.
struct Watch {
    poll: Poll,
    signals: Signals,
    asked: Arc<Asked>,
    events: Events,
    verbosity: u8,
    /// TERM ends as USR1 does.
    saves_on_term: bool,
    /// HUP has come.
    reloads: bool,
    /// A planned stop has begun, and nobody has interrupted it.
    keeps_items: bool,
}

impl Watch {
    fn start(options: &Options) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1, SIGHUP])?;
        poll.registry()
            .register(&mut signals, Token(0), Interest::READABLE)?;
        let asked = Asked {
            how: AtomicU8::new(ASKED_NOTHING),
            waker: Waker::new(poll.registry(), Token(1))?,
        };
        Ok(Self {
            poll,
            signals,
            asked: Arc::new(asked),
            events: Events::with_capacity(4),
            verbosity: options.settings.verbosity,
            saves_on_term: options.save_on_term,
            reloads: false,
            keeps_items: false,
        })
    }

    /// Returns what a client's `shutdown` is to call.
    fn hook(&self) -> impl Fn(Shutdown) + Send + Sync + 'static {
        let asked = Arc::clone(&self.asked);
        move |how| {
            asked.how.fetch_max(
                match how {
                    Shutdown::Graceful => ASKED_GRACEFULLY,
                    Shutdown::Now => ASKED_AT_ONCE,
                },
                Ordering::Relaxed,
            );
            // Who can't be woken is awake, or past waiting.
            let _ = asked.waker.wake();
        }
    }

    /// Waits for a signal; returns `None` when none within `patience` ends the daemon.
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<Option<End>> {
        loop {
            match self.poll.poll(&mut self.events, patience) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let end = self.pending();
            if end.is_some() || self.reloads || patience.is_some() {
                return Ok(end);
            }
        }
    }

    /// Tells of all signals that have come, and returns the most urgent end. A client's wish counts
    /// as the signal that has its effect.
    fn pending(&mut self) -> Option<End> {
        let mut end = None;
        let asked = match self.asked.how.swap(ASKED_NOTHING, Ordering::Relaxed) {
            ASKED_NOTHING => None,
            ASKED_GRACEFULLY => Some(SIGUSR1),
            _ => Some(SIGINT),
        };
        for signal in self.signals.pending().chain(asked) {
            let line = match signal {
                SIGHUP => {
                    self.reloads = true;
                    continue;
                }
                SIGUSR1 => {
                    self.keeps_items = true;
                    end = end.or(Some(End::Gracefully));
                    "USR1: stopping gracefully"
                }
                // Once only: a second one means what it says.
                SIGTERM if self.saves_on_term => {
                    self.saves_on_term = false;
                    self.keeps_items = true;
                    end = end.or(Some(End::Gracefully));
                    "TERM: stopping gracefully"
                }
                _ => {
                    self.keeps_items &= signal != SIGINT;
                    end = Some(End::AtOnce);
                    "stopping"
                }
            };
            if self.verbosity > 0 {
                log::line(PROGRAM, line);
            }
        }
        end
    }
}

/// What a client has asked for.
struct Asked {
    how: AtomicU8,
    waker: Waker,
}

const ASKED_NOTHING: u8 = 0;
const ASKED_GRACEFULLY: u8 = 1;
const ASKED_AT_ONCE: u8 = 2;

/// How much longer than usual a start or stop may take, from each moment that it goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon the end of a graceful stop is noticed.
const DRAIN_STEP: Duration = Duration::from_millis(20);
