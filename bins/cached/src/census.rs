//! Who is connected, how many may be, and what `stats` tells about them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts clients and knows each of them; shared by all workers.
///
/// Taken only when a connection comes or goes, never per request.
#[derive(Debug)]
pub(crate) struct Census {
    clients_max: usize,
    clients: AtomicUsize,
    clients_peak: AtomicUsize,
    clients_total: AtomicU64,
    rejected: AtomicU64,
    idle_kicks: AtomicU64,
    pauses: Mutex<Pauses>,
    places: Vec<Place>,
    residents: Mutex<BTreeMap<u64, Arc<Resident>>>,
}

/// A place that is listened on, as `stats conns` shows it.
#[derive(Debug)]
pub(crate) struct Place {
    /// The descriptor number of the first worker's socket.
    pub(crate) id: u64,
    /// `tcp:127.0.0.1:11211`, say.
    pub(crate) address: Arc<str>,
}

/// Workers that do not accept for the moment, and what came of it so far.
#[derive(Debug, Default)]
struct Pauses {
    workers: usize,
    since: Option<Instant>,
    count: u64,
    time: Duration,
}

/// The numbers of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) clients: u64,
    pub(crate) clients_peak: u64,
    pub(crate) clients_total: u64,
    pub(crate) rejected: u64,
    pub(crate) idle_kicks: u64,
    pub(crate) accepting: bool,
    pub(crate) pauses: u64,
    pub(crate) paused: Duration,
}

impl Census {
    /// Begins with nobody, at the listening `places`.
    pub(crate) fn new(clients_max: usize, places: Vec<Place>) -> Self {
        Self {
            clients_max,
            clients: AtomicUsize::new(0),
            clients_peak: AtomicUsize::new(0),
            clients_total: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            idle_kicks: AtomicU64::new(0),
            pauses: Mutex::default(),
            places,
            residents: Mutex::default(),
        }
    }

    /// Takes one of the limited seats, or returns `None` when all are taken.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let taken = self
            .clients
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |clients| {
                (clients < self.clients_max).then_some(clients + 1)
            });
        taken.ok().map(|_| Seat {
            census: Arc::clone(self),
            resident: None,
        })
    }

    /// Counts a client that was turned away.
    pub(crate) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client that was silent for too long.
    pub(crate) fn count_idle_kick(&self) {
        self.idle_kicks.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker has stopped accepting.
    pub(crate) fn pause(&self) {
        let mut pauses = lock(&self.pauses);
        pauses.workers += 1;
        if pauses.workers == 1 {
            pauses.count += 1;
            pauses.since = Some(Instant::now());
        }
    }

    /// A worker accepts again after [`Census::pause`].
    pub(crate) fn resume(&self) {
        let mut pauses = lock(&self.pauses);
        pauses.workers = pauses.workers.saturating_sub(1);
        if pauses.workers == 0 {
            let paused = pauses
                .since
                .take()
                .map_or(Duration::ZERO, |since| since.elapsed());
            pauses.time += paused;
        }
    }

    /// Returns the numbers of this moment.
    pub(crate) fn counts(&self) -> Counts {
        let pauses = lock(&self.pauses);
        Counts {
            clients: self.clients.load(Ordering::Relaxed) as u64,
            clients_peak: self.clients_peak.load(Ordering::Relaxed) as u64,
            clients_total: self.clients_total.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            idle_kicks: self.idle_kicks.load(Ordering::Relaxed),
            accepting: pauses.workers == 0,
            pauses: pauses.count,
            paused: pauses.time,
        }
    }

    /// Returns the places that are listened on.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns everybody who is connected now.
    pub(crate) fn residents(&self) -> Vec<Arc<Resident>> {
        lock(&self.residents).values().cloned().collect()
    }

    /// Forgets what was counted; who is connected stays.
    pub(crate) fn reset(&self) {
        for count in [&self.clients_total, &self.rejected, &self.idle_kicks] {
            count.store(0, Ordering::Relaxed);
        }
        lock(&self.pauses).count = 0;
    }
}

/// One of the limited seats; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Seat {
    census: Arc<Census>,
    resident: Option<Arc<Resident>>,
}

impl Seat {
    /// Enters who sits here, and counts the connection.
    pub(crate) fn settle(&mut self, resident: Resident) -> Arc<Resident> {
        let resident = Arc::new(resident);
        self.census.clients_total.fetch_add(1, Ordering::Relaxed);
        let clients = self.census.clients.load(Ordering::Relaxed);
        self.census
            .clients_peak
            .fetch_max(clients, Ordering::Relaxed);
        lock(&self.census.residents).insert(resident.id, Arc::clone(&resident));
        self.resident = Some(Arc::clone(&resident));
        resident
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(resident) = &self.resident {
            lock(&self.census.residents).remove(&resident.id);
        }
        self.census.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connected client, as `stats conns` shows it.
#[derive(Debug)]
pub(crate) struct Resident {
    id: u64,
    address: String,
    listen_address: Arc<str>,
    state: AtomicU8,
    active_at: AtomicU32,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    /// Waits for a command.
    Waiting,
    /// Receives a value.
    Receiving,
    /// Has replies that the client does not take.
    Sending,
    /// Tells what happens.
    Watching,
}

impl Resident {
    /// Describes a client by its descriptor number and the two ends of its connection.
    pub(crate) fn new(id: u64, address: String, listen_address: Arc<str>, now_secs: u32) -> Self {
        Self {
            id,
            address,
            listen_address,
            state: AtomicU8::new(Doing::Waiting as u8),
            active_at: AtomicU32::new(now_secs),
        }
    }

    /// Notes what the connection did last, and when.
    pub(crate) fn note(&self, doing: Doing, now_secs: u32) {
        self.state.store(doing as u8, Ordering::Relaxed);
        self.active_at.store(now_secs, Ordering::Relaxed);
    }

    /// Returns its descriptor number.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the client's end, `tcp:127.0.0.1:40000`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns our end.
    pub(crate) fn listen_address(&self) -> &str {
        &self.listen_address
    }

    /// Returns what it is doing, in memcached's words.
    pub(crate) fn state(&self) -> &'static str {
        match self.state.load(Ordering::Relaxed) {
            state if state == Doing::Receiving as u8 => "conn_nread",
            state if state == Doing::Sending as u8 => "conn_mwrite",
            state if state == Doing::Watching as u8 => "conn_watch",
            _ => "conn_read",
        }
    }

    /// Tells whether it waits for a command since `now_secs - secs` or longer.
    pub(crate) fn is_idle(&self, secs: u32, now_secs: u32) -> bool {
        self.state.load(Ordering::Relaxed) == Doing::Waiting as u8
            && self.idle_secs(now_secs) > secs
    }

    /// Returns how long ago it last did something.
    pub(crate) fn idle_secs(&self, now_secs: u32) -> u32 {
        now_secs.saturating_sub(self.active_at.load(Ordering::Relaxed))
    }
}

/// No code panics while it holds one of these locks, and if it did, counts would still be counts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident(id: u64) -> Resident {
        Resident::new(
            id,
            format!("tcp:127.0.0.1:{id}"),
            "tcp:127.0.0.1:11211".into(),
            10,
        )
    }

    #[test]
    fn seats_are_limited_and_given_back() {
        let census = Arc::new(Census::new(2, Vec::new()));
        let first = census.seat().unwrap();
        let second = census.seat().unwrap();
        assert!(census.seat().is_none());
        drop(first);
        assert!(census.seat().is_some());
        drop(second);
        assert_eq!(census.counts().clients, 0);
    }

    #[test]
    fn residents_are_listed_while_they_sit() {
        let census = Arc::new(Census::new(9, Vec::new()));
        let mut seats: Vec<_> = (0..3).map(|_| census.seat().unwrap()).collect();
        for (id, seat) in (5..).zip(&mut seats) {
            seat.settle(resident(id));
        }
        drop(seats.remove(1));
        let ids: Vec<_> = census
            .residents()
            .iter()
            .map(|resident| resident.id())
            .collect();
        assert_eq!(ids, [5, 7]);
        let counts = census.counts();
        assert_eq!(
            (counts.clients, counts.clients_peak, counts.clients_total),
            (2, 3, 3)
        );
    }

    #[test]
    fn reset_keeps_who_is_there() {
        let census = Arc::new(Census::new(9, Vec::new()));
        let mut seat = census.seat().unwrap();
        seat.settle(resident(1));
        census.count_rejected();
        census.reset();
        let counts = census.counts();
        assert_eq!(
            (counts.clients, counts.clients_total, counts.rejected),
            (1, 0, 0)
        );
    }

    #[test]
    fn pauses_of_several_workers_are_one_pause() {
        let census = Census::new(1, Vec::new());
        census.pause();
        census.pause();
        census.resume();
        assert!(!census.counts().accepting);
        census.resume();
        assert!(census.counts().accepting);
        assert_eq!(census.counts().pauses, 1);
    }

    #[test]
    fn only_a_client_between_commands_is_idle() {
        let client = resident(1);
        assert!(!client.is_idle(2, 12));
        assert!(client.is_idle(2, 13));
        client.note(Doing::Receiving, 13);
        assert!(!client.is_idle(2, 99));
    }
}
