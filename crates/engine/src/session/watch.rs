//! Watching: a session that only listens, and what other sessions have to tell it.

use std::boxed::Box;
use std::io::Write;
use std::vec::Vec;

use steadfast_protocol::{Refusal, Response, Storage, StorageVerb, WatchStreams, encode_uri};
use steadfast_store::{Entry, Lookup, Outcome, PutError, size_class};

use super::execute::Turn;
use super::{Next, Session, State, Step};
use crate::watch::{Deletion, Fetch, Storing, Watching, is_watched};

impl Session {
    /// `watch`: from here on the session tells what happens, and hears nothing.
    #[inline(never)]
    pub(super) fn begin_watch(&mut self, words: &[u8], turn: &mut Turn<'_>) {
        if !turn.engine.settings().watch_enabled {
            return turn.respond(&Response::ClientError(b"watch commands not allowed"));
        }
        if !turn.out.is_empty() {
            let refusal = b"cannot pipeline other commands before watch";
            return turn.respond(&Response::Error(refusal));
        }
        let Some(streams) = WatchStreams::parse(words) else {
            return turn.respond(&Response::ERROR);
        };
        let Some(watching) = turn.engine.watchers().join(streams, turn.worker()) else {
            return turn.respond(&Response::Refused {
                reason: Refusal::WatcherTooMany,
                text: b"log watcher limit reached",
            });
        };
        turn.respond(&Response::Ok);
        self.state = State::Watch(Box::new(watching));
    }

    /// Whether the session watches. It then has something to say at any time, without input: call
    /// [`handle_input`](Self::handle_input), with whatever there is, when
    /// [`Process::wake`](crate::Process::wake) asks for it. Such a session is not idle.
    #[must_use]
    pub const fn is_watching(&self) -> bool {
        matches!(self.state, State::Watch(_))
    }
}

/// Swallows the input and says what there is to say. After that comes more, when it is written.
pub(super) fn step(watching: &Watching, input: &[u8], turn: &mut Turn<'_>) -> Step {
    let next = if turn.is_full() || watching.drain_to(turn.out.text()) {
        Next::Write
    } else {
        Next::Read
    };
    Step::stop(input.len(), next)
}

/// What is told to those who watch. Asked for only where [`Turn::attention`] is not 0.
impl Turn<'_> {
    /// A command line has come. memcached knows this stream and never writes to it; the form is
    /// ours.
    #[cold]
    pub(super) fn tell_command(&self, line: &[u8]) {
        let line = line.trim_ascii_end();
        let line = &line[..line.len().min(COMMAND_BYTES_MAX)];
        let connection = self.connection();
        self.tell(WatchStreams::RAW_COMMANDS, |text| {
            write!(text, "rawcmd cfd={connection} cmd=").expect("a vector takes all bytes");
            encode_uri(line, text);
        });
    }

    /// An item was looked up.
    #[cold]
    pub(super) fn tell_fetch<R>(&self, key: &[u8], found: Lookup<R>) {
        if is_watched(self.attention, WatchStreams::FETCHERS) {
            // Rather another look than one at its length each time that nobody watches.
            let again = || self.peek(key).hit().unwrap_or_default();
            let found = match found {
                Lookup::Hit(_) => Lookup::Hit(again()),
                Lookup::Miss => Lookup::Miss,
                Lookup::Expired => Lookup::Expired,
                Lookup::Flushed => Lookup::Flushed,
            };
            let connection = self.connection();
            let fetch = Fetch {
                key,
                found,
                connection,
            };
            self.tell(WatchStreams::FETCHERS, |text| fetch.write(text));
        }
    }

    /// An item is about to be looked up by a command that is no retrieval.
    #[cold]
    pub(super) fn tell_lookup(&self, key: &[u8]) {
        if is_watched(self.attention, WatchStreams::FETCHERS) {
            self.tell_fetch(key, self.peek(key));
        }
    }

    /// The size class of an item and the length of its value.
    fn peek(&self, key: &[u8]) -> Lookup<(usize, usize)> {
        let shape = |entry: &Entry<'_>| (entry.size_class(), entry.value().len());
        self.engine.store().peek(key, self.now.timestamp, shape)
    }

    /// A classic storage command was executed.
    #[cold]
    pub(super) fn tell_stored(&self, header: &Storage<'_>, outcome: &Result<Outcome, PutError>) {
        let command = match header.verb {
            StorageVerb::Set => "set",
            StorageVerb::Add => "add",
            StorageVerb::Replace => "replace",
            StorageVerb::Append => "append",
            StorageVerb::Prepend => "prepend",
            StorageVerb::Cas(_) => "cas",
        };
        let expiry = self.now.expiry(header.exptime);
        let ttl = match expiry.time() {
            None => 0,
            Some(_) if expiry.is_past(self.now.timestamp) => -1,
            Some(time) => i64::from(time.as_secs()) - i64::from(self.now.timestamp.as_secs()),
        };
        let key = header.key.as_bytes();
        self.tell_store(key, command, ttl, header.value_bytes, outcome);
    }

    /// A command of that name was executed, which had so many bytes to store for so many seconds (0
    /// for ever, -1 if over already).
    #[cold]
    pub(super) fn tell_store(
        &self,
        key: &[u8],
        command: &str,
        ttl: i64,
        value_bytes: usize,
        outcome: &Result<Outcome, PutError>,
    ) {
        if !is_watched(self.attention, WatchStreams::MUTATIONS) {
            return;
        }
        let status = match outcome {
            Ok(Outcome::Stored(_)) => "stored",
            Ok(Outcome::NotStored) => "not_stored",
            Ok(Outcome::Exists) => "exists",
            Ok(_) => "not_found",
            Err(PutError::NoRoom { .. }) => "no_memory",
            Err(_) => "too_large",
        };
        // What became of an item that was added to is known only by another look.
        let is_extended = status == "stored" && matches!(command, "append" | "prepend");
        let found = if is_extended {
            self.peek(key).hit()
        } else {
            None
        };
        let counts_cas = self.engine.store().settings().cas;
        let made = steadfast_store::item_bytes(key.len(), 0, value_bytes, counts_cas);
        let (class, value_bytes) = match found {
            Some(shape) => shape,
            None if outcome.is_err() => (0, value_bytes),
            None => (size_class(made), value_bytes),
        };
        let storing = Storing {
            key,
            status,
            command,
            ttl,
            class,
            value_bytes,
            connection: self.connection(),
        };
        self.tell(WatchStreams::MUTATIONS, |text| storing.write(text));
    }

    /// An item of `item_bytes` by memcached's formula was deleted, by `delete` or `md`.
    #[cold]
    pub(super) fn tell_deleted(
        &self,
        key: &[u8],
        command: &str,
        item_bytes: usize,
        value_bytes: usize,
    ) {
        if is_watched(self.attention, WatchStreams::DELETIONS) {
            let deletion = Deletion {
                key,
                command,
                class: size_class(item_bytes),
                value_bytes,
            };
            self.tell(WatchStreams::DELETIONS, |text| deletion.write(text));
        }
    }

    fn tell(&self, stream: WatchStreams, write: impl FnOnce(&mut Vec<u8>)) {
        let watchers = self.engine.watchers();
        watchers.tell(Some(self.worker()), stream, write);
    }
}

/// So much of a command line is told; that of a retrieval may be millions of bytes long.
const COMMAND_BYTES_MAX: usize = 512;
