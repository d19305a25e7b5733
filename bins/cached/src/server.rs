//! A whole server: binding, starting, stopping.

use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{self, Sender};
use mio::{Poll, Waker};
use steadfast_engine::{Allowance, Engine, Shutdown};
use steadfast_host::listen::ListenError;
use steadfast_host::memory;
use steadfast_store::snapshot::Clocks;
use steadfast_store::{SettingsError, Store};

use crate::budget::Budget;
use crate::census::Census;
use crate::clock::Clock;
use crate::facts::Facts;
use crate::hook::ShutdownHook;
use crate::listener::Bound;
use crate::maintenance;
use crate::memory_file::{MemoryFile, MemoryFileError, Recovery, Saved};
use crate::pages;
use crate::reported::engine_settings;
use crate::settings::Settings;
use crate::shared::{Phase, Shared};
use crate::tls::{self, TlsError};
use crate::udp::UdpPorts;
use crate::users::{self, UsersError};
use crate::worker::{WAKER_TOKEN, Worker};

/// A server that is bound and not running yet.
///
/// Between binding and running a daemon forks and gives up root: see `main`. Everybody else calls
/// [`Server::start`]. Clients are refused meanwhile.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    bound: Bound,
    shutdown: ShutdownHook,
}

impl Server {
    /// Binds and runs a server, in threads of its own.
    ///
    /// Keeps no state outside of what it returns, so that any number of servers can run in one
    /// process; handles no signals.
    ///
    /// # Errors
    ///
    /// When a place can't be listened on, the memory settings make no sense, the memory file can't be
    /// had, or the operating system refuses a thread.
    pub fn start(settings: Settings) -> Result<Running, StartError> {
        Self::bind(settings)?.run(&mut || ())
    }

    /// Binds all places, or none. Starts no thread.
    ///
    /// # Errors
    ///
    /// When a place can't be listened on.
    pub fn bind(settings: Settings) -> Result<Self, StartError> {
        let mut settings = settings;
        settings.threads = settings.threads.max(1);
        let bound = Bound::bind(&settings)?;
        Ok(Self {
            settings,
            bound,
            shutdown: ShutdownHook::default(),
        })
    }

    /// Calls `hook` when a client asks the process to end, which only those of a server with
    /// [`shutdown_enabled`](steadfast_engine::Settings::shutdown_enabled) can. It is called by a worker
    /// and must return at once; without one, such a client is closed and nothing else happens.
    #[must_use]
    pub fn on_shutdown(mut self, hook: impl Fn(Shutdown) + Send + Sync + 'static) -> Self {
        self.shutdown = ShutdownHook::new(hook);
        self
    }

    /// Returns the TCP addresses, with the ports that the kernel chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.bound.addresses
    }

    /// Allocates the store, fills it from the memory file if there is one, lets clients in, and starts
    /// the threads.
    ///
    /// `pulse` is called every few milliseconds while the file is read. A file that can't be used is
    /// no error: [`Running::recovery`] tells of it.
    ///
    /// From then on all threads of the process share one heap (`steadfast_host::memory`).
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn run(self, pulse: &mut dyn FnMut()) -> Result<Running, StartError> {
        let Self {
            settings,
            bound,
            shutdown,
        } = self;
        let authentication = settings.authentication.as_ref();
        let users = authentication
            .map(|authentication| users::read(authentication.file()))
            .transpose()?;
        let clock = Arc::new(Clock::start());
        // Workers free what others have allocated: with a heap each, the budget would not hold.
        memory::share_one_heap();
        let memory_file = settings.memory_file.as_deref();
        let memory_file = memory_file.map(MemoryFile::claim).transpose()?;
        let (store, recovery) = open_store(&settings, &bound, memory_file.as_ref(), &clock, pulse)?;
        let census = Arc::new(Census::new(settings.connections_max, bound.places));
        let (polls, wakers) = polls(settings.threads).map_err(StartError::system)?;
        let long_requests = Arc::new(Budget::new(settings.long_request_bytes_max));
        let facts = Facts {
            census: Arc::clone(&census),
            clock: Arc::clone(&clock),
            descriptors_reserved: descriptors_reserved(&settings),
            long_requests: Arc::clone(&long_requests),
            wakers: Arc::clone(&wakers),
            tls: bound.tls.clone(),
            shutdown,
        };
        let engine = Engine::new(
            store,
            engine_settings(&settings, &bound.addresses, &bound.udp_addresses),
            Box::new(facts),
        );
        engine.set_credentials(users);
        let shared = Arc::new(Shared {
            engine: Arc::new(engine),
            clock,
            census,
            long_requests,
            idle_secs: settings
                .idle_timeout
                .map(|idle| u32::try_from(idle.as_secs()).unwrap_or(u32::MAX)),
            refuse_when_full: settings.refuse_when_full,
            phase: AtomicU8::new(Phase::Serve as u8),
        });
        let mut running = Running {
            addresses: bound.addresses,
            udp_addresses: bound.udp_addresses,
            tls: bound.tls,
            users_file: authentication.map(|authentication| authentication.file().to_owned()),
            shared,
            wakers,
            threads: Vec::new(),
            maintenance: None,
            memory_file,
            recovery,
        };
        // Returning early drops `running`, which stops what has been started.
        let allowance = Allowance::new(settings.udp_bytes_per_sec, random());
        let allowance = Arc::new(allowance);
        let sockets = bound.by_worker.into_iter().zip(bound.udp_by_worker);
        for (index, ((listeners, udp), poll)) in sockets.zip(polls).enumerate() {
            let udp = UdpPorts::new(udp, index, Arc::clone(&allowance));
            let worker = Worker::new(index, poll, listeners, udp, Arc::clone(&running.shared));
            let worker = worker.map_err(StartError::system)?;
            running.spawn(format!("worker-{index}"), move || worker.run())?;
        }
        running.maintain()?;
        Ok(running)
    }
}

/// A server at work. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    udp_addresses: Vec<SocketAddr>,
    tls: Option<Arc<tls::Context>>,
    users_file: Option<PathBuf>,
    shared: Arc<Shared>,
    wakers: Arc<[Waker]>,
    threads: Vec<JoinHandle<()>>,
    /// Hung up to stop the maintenance thread.
    maintenance: Option<Sender<()>>,
    memory_file: Option<MemoryFile>,
    recovery: Option<Recovery>,
}

impl Running {
    /// Returns the TCP addresses, with the ports that the kernel chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns where datagrams are taken, with the ports that the kernel chose.
    pub fn udp_addresses(&self) -> &[SocketAddr] {
        &self.udp_addresses
    }

    /// Returns what came of the memory file at the start; `None` if the settings name none.
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    /// Reads the certificates anew, for connections to come; `None` without TLS.
    ///
    /// # Errors
    ///
    /// When one of the files can't be used. Everything stays as it was then.
    pub fn refresh_certificates(&self) -> Option<Result<(), TlsError>> {
        self.tls.as_ref().map(|tls| tls.refresh())
    }

    /// Reads the users and passwords anew, for clients that are yet to say who they are; `None`
    /// where nobody has to. Returns how many lines were one too many.
    ///
    /// # Errors
    ///
    /// When the file can't be used. Everything stays as it was then.
    pub fn refresh_users(&self) -> Option<Result<usize, UsersError>> {
        let file = self.users_file.as_deref()?;
        Some(users::read(file).map(|users| {
            let ignored = users.ignored_lines();
            self.shared.engine.set_credentials(Some(users));
            ignored
        }))
    }

    /// Stops at once, and moves all items to the memory file; does only the former, and returns
    /// `None`, if the settings name none.
    ///
    /// `pulse` is called every few milliseconds and may end it, which leaves no file. To let clients
    /// take the replies that are due, [`drain`](Self::drain) first.
    ///
    /// # Errors
    ///
    /// When the file can't be written. There is none then, and the items are gone.
    pub fn save(
        mut self,
        pulse: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Saved>, MemoryFileError> {
        self.enter(Phase::Stop);
        self.join();
        let Some(file) = self.memory_file.take() else {
            return Ok(None);
        };
        self.shared.clock.advance();
        let clocks = clocks(&self.shared.clock);
        file.save(self.shared.engine.store(), clocks, pulse)
            .map(Some)
    }

    /// Stops at once: closes all connections, ends the threads and gives up the store with
    /// everything in it. Returns when that is done, well within a second.
    pub fn stop(self) {
        drop(self);
    }

    /// Stops accepting, lets clients take the replies that are due (five seconds at most), then
    /// stops.
    pub fn stop_gracefully(mut self) {
        self.drain();
        self.join();
    }

    /// Begins a graceful stop and returns at once; [`Running::has_ended`] tells when it is done,
    /// and [`Running::stop`] cuts it short.
    pub fn drain(&mut self) {
        self.enter(Phase::Drain);
    }

    /// Tells whether all threads have ended.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    fn maintain(&mut self) -> Result<(), StartError> {
        let (stop, stopped) = channel::bounded(1);
        let engine = Arc::clone(&self.shared.engine);
        let clock = Arc::clone(&self.shared.clock);
        self.maintenance = Some(stop);
        self.spawn("maintenance".to_owned(), move || {
            maintenance::run(&engine, &clock, &stopped)
        })
    }

    fn spawn(
        &mut self,
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = thread::Builder::new()
            .name(name)
            .spawn(work)
            .map_err(StartError::system)?;
        self.threads.push(thread);
        Ok(())
    }

    fn enter(&mut self, phase: Phase) {
        self.shared.enter(phase);
        self.maintenance = None;
        for waker in self.wakers.iter() {
            // A worker that can't be woken has ended already.
            let _ = waker.wake();
        }
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; its connections are closed all the same.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.enter(Phase::Stop);
        self.join();
    }
}

/// Why a server can't start, in one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A place can't be listened on.
    Listen(ListenError),
    /// A certificate can't be used.
    Tls(TlsError),
    /// The file of users and passwords can't be used.
    Users(UsersError),
    /// The store can't be made from these settings.
    Store(SettingsError),
    /// The memory file can't be had.
    MemoryFile(MemoryFileError),
    /// The operating system refuses threads or polls.
    System(io::Error),
}

impl StartError {
    fn system(cause: io::Error) -> Self {
        Self::System(cause)
    }
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        Self::Listen(error)
    }
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<UsersError> for StartError {
    fn from(error: UsersError) -> Self {
        Self::Users(error)
    }
}

impl From<MemoryFileError> for StartError {
    fn from(error: MemoryFileError) -> Self {
        Self::MemoryFile(error)
    }
}

impl From<SettingsError> for StartError {
    fn from(error: SettingsError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Users(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::MemoryFile(error) => error.fmt(f),
            Self::System(cause) => {
                write!(
                    f,
                    "cannot start threads: {}",
                    steadfast_host::exit::reason(cause)
                )
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen(error) => error.source(),
            Self::Tls(error) => error.source(),
            Self::Users(error) => error.source(),
            Self::Store(_) => None,
            Self::MemoryFile(error) => error.source(),
            Self::System(cause) => Some(cause),
        }
    }
}

/// Descriptors that are not clients: per worker a poll, a waker and its listeners; and some for
/// the process.
pub fn descriptors_reserved(settings: &Settings) -> u64 {
    // A host name or "everywhere" may mean two addresses.
    let per_worker = 2 + 2 * (settings.listen.len() + settings.udp.len());
    (settings.threads * per_worker + PROCESS_DESCRIPTORS) as u64
}

/// Returns how many clients can be served with `files` open files at most.
///
/// `None` when that makes no sense: memcached, which counts descriptors where we count clients, would
/// not start either with `-c` above the limit.
pub fn clients_within(settings: &Settings, files: u64) -> Option<usize> {
    let wanted = settings.connections_max;
    let room = usize::try_from(files.saturating_sub(descriptors_reserved(settings)));
    let clients = wanted.min(room.unwrap_or(usize::MAX));
    (clients > 0 && files >= wanted as u64).then_some(clients)
}

/// Makes the store, with what the memory file holds, and lets clients in.
///
/// Before the first is served, the file is gone; before the ports are ours for sure, it is there.
fn open_store(
    settings: &Settings,
    bound: &Bound,
    memory_file: Option<&MemoryFile>,
    clock: &Clock,
    pulse: &mut dyn FnMut(),
) -> Result<(Store, Option<Recovery>), StartError> {
    let store_settings = store_settings(settings);
    let empty = || {
        let pages = pages::for_budget(store_settings.memory_bytes_max);
        Store::with_memory(store_settings, pages)
    };
    let Some(file) = memory_file else {
        let store = empty()?;
        bound.open(settings.backlog)?;
        return Ok((store, None));
    };
    let (store, recovery) = file.recover(empty, clocks(clock), pulse)?;
    bound.open(settings.backlog)?;
    clock.advance();
    if recovery.is_loaded() {
        if let Err(refused) = file.consume() {
            drop(store);
            return Ok((empty()?, Some(refused)));
        }
    }
    Ok((store, Some(recovery)))
}

/// What the workers wait at, and how to wake them.
fn polls(workers: usize) -> io::Result<(Vec<Poll>, Arc<[Waker]>)> {
    let polls = (0..workers)
        .map(|_| Poll::new())
        .collect::<io::Result<Vec<_>>>()?;
    let waker = |poll: &Poll| Waker::new(poll.registry(), WAKER_TOKEN);
    let wakers = polls.iter().map(waker).collect::<io::Result<_>>()?;
    Ok((polls, wakers))
}

fn clocks(clock: &Clock) -> Clocks {
    let now = clock.now();
    Clocks::new(now.timestamp, now.unix_secs)
}

fn store_settings(settings: &Settings) -> steadfast_store::Settings {
    let mut store = steadfast_store::Settings::default();
    store.memory_bytes_max = usize::try_from(settings.memory_bytes).unwrap_or(usize::MAX);
    store.item_bytes_max = settings.item_bytes_max;
    store.evict = settings.evict;
    store.cas = settings.cas;
    store.hash_seed = random();
    store.stripes = stripes(settings);
    store
}

/// Returns a number from the operating system's random source, as every HashMap has one.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// Four stripes per worker, as far as the memory is worth dividing.
fn stripes(settings: &Settings) -> usize {
    let wanted = (4 * settings.threads).next_power_of_two();
    let sensible = settings.memory_bytes / STRIPE_BYTES_MIN;
    let largest = usize::try_from(sensible)
        .unwrap_or(usize::MAX)
        .clamp(1, STRIPES_MAX);
    wanted.min(1 << largest.ilog2())
}

/// Standard streams, pid file, log socket, clients that are about to be turned away.
const PROCESS_DESCRIPTORS: usize = 16;
/// The store's own bounds on stripes.
const STRIPE_BYTES_MIN: u64 = 1 << 20;
const STRIPES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_files_mean_fewer_clients_down_to_what_memcached_takes() {
        let mut settings = Settings {
            connections_max: 1024,
            ..Settings::default()
        };
        let reserved = descriptors_reserved(&settings) as usize;
        for (files, clients) in [
            (u64::MAX, Some(1024)),
            (1024 + reserved as u64, Some(1024)),
            (1024, Some(1024 - reserved)),
            (1023, None),
        ] {
            assert_eq!(clients_within(&settings, files), clients, "{files}");
        }
        settings.connections_max = 10;
        assert_eq!(clients_within(&settings, 10), None);
    }
}
