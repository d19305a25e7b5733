//! What a client asks for.

mod encode;

use super::header::{Header, incomplete};
use super::{BODY_BYTES_MAX, Key, Opcode, REQUEST_MAGIC, RequestError, RequestErrorKind};
use crate::{Arithmetic, Parsed};

/// A request up to its value, borrowing from the buffer that it was parsed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the fields of a request, built by clients"
)]
pub struct Request<'a> {
    /// What is to be done.
    pub command: Command<'a>,
    /// Whether to be silent unless there is something to tell. Means nothing where the command
    /// has no quiet form.
    pub quiet: bool,
    /// Comes back in the answer.
    pub opaque: u32,
    /// Do it only to the item with this cas id; 0 for any. Honoured by the commands that change
    /// an item, but for touch.
    pub cas: u64,
}

/// What is to be done.
///
/// Expiry times are as in text, but unsigned: 0 is never, up to 30 days are seconds from now,
/// beyond that it is a Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// Answer the value under a key.
    Get {
        /// The item.
        key: Key<'a>,
        /// Whether the answer names the key.
        with_key: bool,
    },
    /// Answer the value under a key, and give the item a new expiry time.
    GetAndTouch {
        /// The item.
        key: Key<'a>,
        /// The new expiry time.
        exptime: u32,
        /// Whether the answer names the key.
        with_key: bool,
    },
    /// Give an item a new expiry time, and answer its flags.
    Touch {
        /// The item.
        key: Key<'a>,
        /// The new expiry time.
        exptime: u32,
    },
    /// Store a value, which follows in the stream.
    Store(Storage<'a>),
    /// Remove an item.
    Delete {
        /// The item.
        key: Key<'a>,
    },
    /// Calculate with a number, and answer the new one.
    Arithmetic {
        /// Which way.
        operation: Arithmetic,
        /// The item.
        key: Key<'a>,
        /// The difference.
        delta: u64,
        /// The number that an item begins with if there is none.
        initial: u64,
        /// The expiry time of an item that begins so; [`NO_INITIAL`] for none to begin.
        exptime: u32,
    },
    /// Forget all items.
    Flush {
        /// When to; 0 and none for now.
        exptime: Option<u32>,
    },
    /// Answer, after all that came before.
    Noop,
    /// Answer the server's version.
    Version,
    /// Answer and close.
    Quit,
    /// Answer a report, the general one without a topic.
    Stat {
        /// Which report.
        topic: Option<Key<'a>>,
    },
    /// Set how much the server logs.
    Verbosity {
        /// The level.
        level: u32,
    },
    /// Answer the mechanisms by which one can authenticate.
    SaslListMechanisms,
    /// Authenticate.
    SaslStart {
        /// By which mechanism.
        mechanism: Key<'a>,
        /// The length of what the mechanism says first, which follows in the stream.
        data_bytes: usize,
    },
    /// Go on with it.
    SaslStep {
        /// By which mechanism.
        mechanism: Key<'a>,
        /// The length of what the mechanism says next, which follows in the stream.
        data_bytes: usize,
    },
    /// An opcode that is not known. A server says so and drops the body.
    Unknown {
        /// The opcode.
        opcode: Opcode,
        /// The length of the body, all of which follows in the stream.
        body_bytes: usize,
    },
}

/// The head of a command that stores a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the fields of a request, built by clients"
)]
pub struct Storage<'a> {
    /// What to do with the value.
    pub verb: StorageVerb,
    /// The item.
    pub key: Key<'a>,
    /// The client's own number. Append and prepend have none: 0, and not sent.
    pub flags: u32,
    /// The expiry time. Append and prepend have none: 0, and not sent.
    pub exptime: u32,
    /// The length of the value, which follows in the stream.
    pub value_bytes: usize,
}

/// What to do with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the protocol has these five")]
pub enum StorageVerb {
    /// Store it, whatever is there.
    Set,
    /// Store it if there is no item.
    Add,
    /// Store it if there is an item.
    Replace,
    /// Add it behind the item's value.
    Append,
    /// Add it in front of the item's value.
    Prepend,
}

impl StorageVerb {
    const fn has_extras(self) -> bool {
        matches!(self, Self::Set | Self::Add | Self::Replace)
    }
}

/// The expiry time by which an increment says that it does not begin an item.
pub const NO_INITIAL: u32 = u32::MAX;

impl<'a> Request<'a> {
    /// A loud request for any version of the item, with an opaque number of 0.
    #[must_use]
    pub const fn new(command: Command<'a>) -> Self {
        Self {
            command,
            quiet: false,
            opaque: 0,
            cas: 0,
        }
    }

    /// The opcode on the wire.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        let loud = self.command.opcode();
        if self.quiet { loud.quiet() } else { loud }
    }

    /// Reads the request at the start of `input`; its value follows behind what is consumed.
    ///
    /// Beyond what text servers know, this is strict: a value where the opcode has none is an
    /// error, whereas memcached would take what follows touch and stat for the next request.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if that is no request, as soon as the header tells.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Parsed<Self>, RequestError> {
        let Some(header) = Header::parse(input) else {
            return match input.first() {
                Some(&found) if found != REQUEST_MAGIC => Err(bad_magic(found)),
                _ => Ok(incomplete(input, Header::BYTES)),
            };
        };
        let value_bytes = check(&header)?;
        let opcode = Opcode::new(header.opcode);
        let Some(shape) = Shape::of(opcode.loud()) else {
            let body_bytes = header.body_bytes;
            let command = Command::Unknown { opcode, body_bytes };
            return Ok(complete(&header, command, Header::BYTES));
        };
        if !shape.fits(&header, value_bytes) {
            return Err(fault(&header, RequestErrorKind::BadArguments));
        }
        let Some((extras, key)) = header.split(input) else {
            return Ok(incomplete(input, header.head_bytes()));
        };
        match command(opcode.loud(), extras, key, value_bytes) {
            Some(command) => Ok(complete(&header, command, header.head_bytes())),
            None => Err(fault(&header, RequestErrorKind::BadArguments)),
        }
    }
}

impl<'a> Command<'a> {
    /// The item that it is about, if it is about one.
    #[must_use]
    pub const fn key(&self) -> Option<Key<'a>> {
        match *self {
            Self::Get { key, .. }
            | Self::GetAndTouch { key, .. }
            | Self::Touch { key, .. }
            | Self::Store(Storage { key, .. })
            | Self::Delete { key }
            | Self::Arithmetic { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The length of what follows the request in the stream.
    #[must_use]
    pub const fn value_bytes(&self) -> usize {
        match *self {
            Self::Store(Storage { value_bytes, .. }) => value_bytes,
            Self::SaslStart { data_bytes, .. } | Self::SaslStep { data_bytes, .. } => data_bytes,
            Self::Unknown { body_bytes, .. } => body_bytes,
            _ => 0,
        }
    }
}

/// Checks what every opcode has in common, in memcached's order; returns the length of the value.
fn check(header: &Header) -> Result<usize, RequestError> {
    if header.magic != REQUEST_MAGIC {
        return Err(bad_magic(header.magic));
    }
    let bytes = header.body_bytes;
    let Some(value_bytes) = header.value_bytes() else {
        return Err(fault(header, RequestErrorKind::BodyTooShort { bytes }));
    };
    if bytes > BODY_BYTES_MAX {
        return Err(fault(header, RequestErrorKind::BodyTooLong { bytes }));
    }
    if header.key_bytes > Key::BYTES_MAX {
        let bytes = header.key_bytes;
        return Err(fault(header, RequestErrorKind::KeyTooLong { bytes }));
    }
    Ok(value_bytes)
}

#[cold]
const fn bad_magic(found: u8) -> RequestError {
    RequestError {
        kind: RequestErrorKind::BadMagic { found },
        opcode: Opcode::new(0),
        opaque: 0,
    }
}

#[cold]
const fn fault(header: &Header, kind: RequestErrorKind) -> RequestError {
    RequestError {
        kind,
        opcode: Opcode::new(header.opcode),
        opaque: header.opaque,
    }
}

const fn complete<'a>(
    header: &Header,
    command: Command<'a>,
    consumed: usize,
) -> Parsed<Request<'a>> {
    let message = Request {
        command,
        quiet: Opcode::new(header.opcode).is_quiet(),
        opaque: header.opaque,
        cas: header.cas,
    };
    Parsed::Complete { message, consumed }
}

/// Which parts a request has (protocol-binary.txt, "Commands").
struct Shape {
    extras_bytes: usize,
    key: Presence,
    value: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Never,
    Maybe,
    Always,
}

impl Shape {
    const fn of(loud: Opcode) -> Option<Self> {
        use Presence::{Always, Maybe, Never};
        let (extras_bytes, key, value) = match loud {
            Opcode::GET | Opcode::GETK | Opcode::DELETE => (0, Always, Never),
            Opcode::SET | Opcode::ADD | Opcode::REPLACE => (8, Always, Maybe),
            Opcode::INCREMENT | Opcode::DECREMENT => (20, Always, Never),
            Opcode::APPEND | Opcode::PREPEND => (0, Always, Maybe),
            Opcode::TOUCH | Opcode::GAT | Opcode::GATK => (4, Always, Never),
            Opcode::FLUSH | Opcode::VERBOSITY => (4, Never, Never),
            Opcode::QUIT | Opcode::NOOP | Opcode::VERSION | Opcode::SASL_LIST_MECHS => {
                (0, Never, Never)
            }
            Opcode::STAT => (0, Maybe, Never),
            Opcode::SASL_AUTH | Opcode::SASL_STEP => (0, Always, Maybe),
            _ => return None,
        };
        Some(Self {
            extras_bytes,
            key,
            value,
        })
    }

    fn fits(&self, header: &Header, value_bytes: usize) -> bool {
        let extras_fit = header.extras_bytes == self.extras_bytes
            || (header.opcode_is(Opcode::FLUSH) && header.extras_bytes == 0);
        extras_fit & self.key.admits(header.key_bytes) & self.value.admits(value_bytes)
    }
}

impl Presence {
    fn admits(self, bytes: usize) -> bool {
        match self {
            Self::Never => bytes == 0,
            Self::Maybe => true,
            Self::Always => bytes > 0,
        }
    }
}

impl Header {
    fn opcode_is(&self, loud: Opcode) -> bool {
        Opcode::new(self.opcode).loud() == loud
    }
}

/// The command, if its parts are as its shape says.
fn command<'a>(
    loud: Opcode,
    extras: &[u8],
    key: &'a [u8],
    value_bytes: usize,
) -> Option<Command<'a>> {
    let key = Key::new(key);
    let number = |at: usize| {
        let bytes = extras.get(at..at + 4)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let long = |at: usize| Some(u64::from(number(at)?) << 32 | u64::from(number(at + 4)?));
    let store = |verb: StorageVerb| {
        let has_extras = verb.has_extras();
        Some(Command::Store(Storage {
            verb,
            key: key.ok()?,
            flags: if has_extras { number(0)? } else { 0 },
            exptime: if has_extras { number(4)? } else { 0 },
            value_bytes,
        }))
    };
    let calculate = |operation| {
        Some(Command::Arithmetic {
            operation,
            key: key.ok()?,
            delta: long(0)?,
            initial: long(8)?,
            exptime: number(16)?,
        })
    };
    let with_key = matches!(loud, Opcode::GETK | Opcode::GATK);
    Some(match loud {
        Opcode::GET | Opcode::GETK => {
            let key = key.ok()?;
            Command::Get { key, with_key }
        }
        Opcode::GAT | Opcode::GATK => Command::GetAndTouch {
            key: key.ok()?,
            exptime: number(0)?,
            with_key,
        },
        Opcode::TOUCH => Command::Touch {
            key: key.ok()?,
            exptime: number(0)?,
        },
        Opcode::SET => return store(StorageVerb::Set),
        Opcode::ADD => return store(StorageVerb::Add),
        Opcode::REPLACE => return store(StorageVerb::Replace),
        Opcode::APPEND => return store(StorageVerb::Append),
        Opcode::PREPEND => return store(StorageVerb::Prepend),
        Opcode::DELETE => Command::Delete { key: key.ok()? },
        Opcode::INCREMENT => return calculate(Arithmetic::Increment),
        Opcode::DECREMENT => return calculate(Arithmetic::Decrement),
        Opcode::FLUSH => Command::Flush { exptime: number(0) },
        Opcode::NOOP => Command::Noop,
        Opcode::VERSION => Command::Version,
        Opcode::QUIT => Command::Quit,
        Opcode::STAT => Command::Stat { topic: key.ok() },
        Opcode::VERBOSITY => Command::Verbosity { level: number(0)? },
        Opcode::SASL_LIST_MECHS => Command::SaslListMechanisms,
        Opcode::SASL_AUTH => Command::SaslStart {
            mechanism: key.ok()?,
            data_bytes: value_bytes,
        },
        Opcode::SASL_STEP => Command::SaslStep {
            mechanism: key.ok()?,
            data_bytes: value_bytes,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
