//! The memory file (`-e`): the items, between one life of the daemon and the next.
//!
//! While we live there is no file of that name: it is taken away before the first client is served,
//! and comes back by a rename when it is whole. So what a crash leaves behind is nothing, never
//! an old state; and what an interrupted writing leaves is never taken for a file. Beside it,
//! `FILE.new` is held open and locked: it proves at the start that we shall be able to write,
//! and keeps a second daemon off. What cannot be read is moved to `FILE.refused`.

mod report;

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::fcntl::{FallocateFlags, Flock, FlockArg, OFlag, fallocate};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use steadfast_host::exit::reason;
use steadfast_store::Store;
use steadfast_store::snapshot::{Clocks, Loaded, Loader, Parsed, Reader, Saver, SnapshotError};

use self::report::Found;
pub use self::report::{MemoryFileError, Recovery, Saved};

/// A memory file that is ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    path: PathBuf,
    new_path: PathBuf,
    new: Flock<File>,
}

impl MemoryFile {
    /// Makes sure that the file can be written at the end, and that nobody else will.
    pub(crate) fn claim(path: &Path) -> Result<Self, MemoryFileError> {
        let failed = |cause| MemoryFileError::new(path, "use", cause);
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                let cause = io::Error::new(ErrorKind::InvalidInput, "it is not a regular file");
                return Err(failed(cause));
            }
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(failed(cause)),
            // Not damaged, only not for us to read: whoever starts us can mend that, and would lose
            // the items if we started without them.
            Ok(_) => drop(File::open(path).map_err(failed)?),
            Err(_) => {}
        }
        let new_path = beside(path, "new");
        let new = lock(&new_path).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            new_path,
            new,
        })
    }

    /// Fills a store that `empty` makes with what the file holds, or returns it empty.
    ///
    /// The file stays where it is: see [`MemoryFile::consume`].
    pub(crate) fn recover<E>(
        &self,
        empty: impl Fn() -> Result<Store, E>,
        clocks: Clocks,
        pulse: &mut dyn FnMut(),
    ) -> Result<(Store, Recovery), E> {
        let started = Instant::now();
        let store = empty()?;
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                return Ok((store, self.tell(Found::Nothing)));
            }
            Err(cause) => {
                let why = format!("cannot open it: {}", reason(&cause));
                return Ok((store, self.refuse(why)));
            }
        };
        let loaded = check(&file, pulse).and_then(|()| self.load(&file, &store, clocks, pulse));
        match loaded {
            Ok(loaded) => {
                let found = Found::Items {
                    kept: store.stats().items,
                    age_secs: clocks.unix_secs.saturating_sub(loaded.written_unix_secs),
                    loaded,
                    took: started.elapsed(),
                };
                Ok((store, self.tell(found)))
            }
            Err(refusal) => {
                drop(store);
                Ok((empty()?, self.refuse(refusal.to_string())))
            }
        }
    }

    /// Takes the file away, so that a crash cannot bring back an old state.
    ///
    /// If that fails, its items must not be served: after a crash they would come again.
    pub(crate) fn consume(&self) -> Result<(), Recovery> {
        match fs::remove_file(&self.path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                let reason = reason(&cause);
                let why = format!("cannot remove it ({reason}), and a crash would bring it back");
                Err(self.tell(Found::Refused(why)))
            }
            _ => Ok(()),
        }
    }

    /// Moves all items from the store to the file.
    ///
    /// `pulse` is called every few milliseconds and may end it, which leaves no file.
    pub(crate) fn save(
        self,
        store: &Store,
        clocks: Clocks,
        pulse: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Saved, MemoryFileError> {
        let started = Instant::now();
        let mut saver = Saver::new(store, CREATOR, clocks);
        let written = write(&mut saver, &self.new, pulse).and_then(|bytes| {
            self.new.sync_data()?;
            fs::rename(&self.new_path, &self.path)?;
            Ok(bytes)
        });
        let bytes = written.map_err(|cause| MemoryFileError::new(&self.path, "save", cause))?;
        // The name, too, should outlive a power failure. Where folders can't be synchronised it will
        // all the same, a moment later.
        let folder = self.path.parent().map(File::open);
        if let Some(Ok(folder)) = folder {
            let _ = folder.sync_all();
        }
        Ok(Saved {
            items: saver.items(),
            bytes,
            path: self.path.clone(),
            took: started.elapsed(),
        })
    }

    fn load(
        &self,
        file: &File,
        store: &Store,
        clocks: Clocks,
        pulse: &mut dyn FnMut(),
    ) -> Result<Loaded, Refusal> {
        let mut hole = Hole::new(&self.path, file);
        let mut loader = Loader::new(store, clocks);
        let unread = read_through(file, |input, at| {
            pulse();
            hole.grow(at);
            loader.handle_input(input)
        })?;
        Ok(loader.finish(unread)?)
    }

    /// Moves the file out of the way: whatever it is, it is not ours to destroy, and a later start
    /// must not find it.
    fn refuse(&self, why: String) -> Recovery {
        let aside = beside(&self.path, "refused");
        let outcome = match fs::rename(&self.path, &aside) {
            Ok(()) => format!("moved to {}", aside.display()),
            Err(cause) => format!("and it cannot be moved away: {}", reason(&cause)),
        };
        self.tell(Found::Refused(format!("{why}; {outcome}")))
    }

    fn tell(&self, found: Found) -> Recovery {
        Recovery {
            path: self.path.clone(),
            found,
        }
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        // After a rename the name is gone, or another process's.
        if is_at(&self.new, &self.new_path).unwrap_or(false) {
            let _ = fs::remove_file(&self.new_path);
        }
    }
}

/// Why a file is not read.
#[derive(Debug)]
enum Refusal {
    Form(SnapshotError),
    Io(io::Error),
}

impl From<SnapshotError> for Refusal {
    fn from(error: SnapshotError) -> Self {
        Self::Form(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => error.fmt(f),
            Self::Io(cause) => write!(f, "cannot read it: {}", reason(cause)),
        }
    }
}

/// The part of a file that was read already, given back to the system where the file is in memory.
///
/// Else a file on a tmpfs and the store that is filled from it would need twice the memory.
struct Hole {
    file: Option<File>,
    bytes: u64,
}

impl Hole {
    fn new(path: &Path, file: &File) -> Self {
        let is_in_memory = fstatfs(file).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC);
        let file = is_in_memory.then(|| File::options().write(true).open(path).ok());
        Self {
            file: file.flatten(),
            bytes: 0,
        }
    }

    /// Lets the hole reach to `end`, in coarse steps.
    fn grow(&mut self, end: u64) {
        let grown = end - end % HOLE_STEP_BYTES;
        let Some(file) = self.file.as_ref().filter(|_| grown > self.bytes) else {
            return;
        };
        let mode = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let (start, length) = (self.bytes as i64, (grown - self.bytes) as i64);
        // Where that is not possible it costs memory, nothing else.
        let _ = fallocate(file, mode, start, length);
        self.bytes = grown;
    }
}

/// Opens a file for us alone.
fn lock(path: &Path) -> io::Result<Flock<File>> {
    for _ in 0..LOCK_ATTEMPTS_MAX {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits() | OFlag::O_NONBLOCK.bits())
            .open(path)?;
        let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let file = locked.map_err(|(_, cause)| match io::Error::from(cause) {
            cause if cause.kind() == ErrorKind::WouldBlock => {
                io::Error::new(ErrorKind::WouldBlock, "another process uses it")
            }
            cause => cause,
        })?;
        // Its last owner may have renamed it meanwhile.
        if is_at(&file, path)? {
            file.set_len(0)?;
            return Ok(file);
        }
    }
    Err(io::Error::new(
        ErrorKind::WouldBlock,
        "others keep replacing it",
    ))
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(identity(found) == identity(file.metadata()?)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new("."));
    name.push(ending);
    name.into()
}

/// Reads the whole file without using it: nothing is loaded before all of it is known to be good.
fn check(mut file: &File, pulse: &mut dyn FnMut()) -> Result<(), Refusal> {
    let mut reader = Reader::new();
    let unread = read_through(file, |input, _| {
        pulse();
        let mut total = 0;
        while let Parsed::Complete { consumed, .. } = reader.parse(&input[total..])? {
            total += consumed;
        }
        Ok(total)
    })?;
    reader.finish(unread)?;
    io::Seek::rewind(&mut file).map_err(Refusal::Io)
}

/// Shows the file to `take`, which says how much it took, together with where in the file that is;
/// returns how many bytes at the end were not taken.
fn read_through(
    mut file: &File,
    mut take: impl FnMut(&[u8], u64) -> Result<usize, SnapshotError>,
) -> Result<usize, Refusal> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut at, mut filled) = (0, 0);
    loop {
        let bytes = match file.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(filled),
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(Refusal::Io(cause)),
        };
        filled += bytes;
        let taken = take(&buffer[..filled], at)?;
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
        at += taken as u64;
    }
}

fn write(
    saver: &mut Saver<'_>,
    mut file: &File,
    pulse: &mut dyn FnMut() -> ControlFlow<()>,
) -> io::Result<u64> {
    let mut buffer = Vec::with_capacity(2 * BUFFER_BYTES);
    let (mut total, mut synchronised) = (0, 0);
    loop {
        let goes_on = saver.poll_output(&mut buffer);
        if goes_on && buffer.len() < BUFFER_BYTES {
            continue;
        }
        file.write_all(&buffer)?;
        total += buffer.len() as u64;
        buffer.clear();
        if !goes_on {
            return Ok(total);
        }
        if total - synchronised >= SYNC_STEP_BYTES {
            file.sync_data()?;
            synchronised = total;
        }
        if pulse().is_break() {
            return Err(io::Error::new(ErrorKind::Interrupted, "it was interrupted"));
        }
    }
}

/// Who writes our files.
const CREATOR: &str = concat!("steadfast-cached ", env!("CARGO_PKG_VERSION"));
/// Room for what a reader needs at once, several times.
const BUFFER_BYTES: usize = 1 << 20;
const _: () = assert!(BUFFER_BYTES >= 2 * Reader::INPUT_BYTES_MAX);
/// Each step costs the kernel a look at that much memory.
const HOLE_STEP_BYTES: u64 = 16 << 20;
/// How much is written before it goes to the disk: so that the last synchronisation is no long silence.
const SYNC_STEP_BYTES: u64 = 256 << 20;
/// A file that is renamed each time we have opened it is an attack or a joke.
const LOCK_ATTEMPTS_MAX: usize = 8;
