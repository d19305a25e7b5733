//! What a client asks.

mod encode;

use bytes::BufMut;

use crate::words::Words;
use crate::{CrawlerCommand, DumpForm, Key, LruCommand, Meta, ShutdownMode, SlabsCommand};

/// A request of the text protocol, borrowing from the buffer that it was parsed from: the classic
/// commands, the meta commands, and those for operators.
///
/// Open for commands to come: match with a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// `get`, or `gets` with the cas ids.
    Get {
        /// The keys in the order asked, repeated ones included; at least one.
        keys: Keys<'a>,
        /// Whether the answer has cas ids (`gets`).
        cas: bool,
    },
    /// `gat`, or `gats`: a retrieval that also sets the expiry time.
    GetAndTouch {
        /// The new expiry time, as in [`Storage::exptime`].
        exptime: i32,
        /// The keys in the order asked; at least one.
        keys: Keys<'a>,
        /// Whether the answer has cas ids (`gats`).
        cas: bool,
    },
    /// `set`, `add`, `replace`, `append`, `prepend` or `cas`; a data block follows.
    Store(Storage<'a>),
    /// `delete`.
    Delete {
        /// The item to remove.
        key: Key<'a>,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `incr` or `decr`.
    Arithmetic {
        /// Up or down.
        operation: Arithmetic,
        /// The item that holds the number.
        key: Key<'a>,
        /// By how much.
        delta: u64,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `touch`.
    Touch {
        /// The item.
        key: Key<'a>,
        /// The new expiry time, as in [`Storage::exptime`].
        exptime: i32,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `flush_all`.
    FlushAll {
        /// When, as in [`Storage::exptime`]; now if absent, 0 or negative.
        exptime: Option<i32>,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `verbosity`.
    Verbosity {
        /// The level of logging asked for.
        level: u32,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `stats`, the general report or a special one.
    Stats {
        /// The first argument, such as `settings`; empty for the general report.
        topic: &'a [u8],
        /// What follows it, without the spaces around; empty for most topics.
        rest: &'a [u8],
    },
    /// `version`.
    Version,
    /// `quit`.
    Quit,
    /// `mg`, a retrieval.
    MetaGet(Meta<'a>),
    /// `ms`, a storage command of any mode; a data block follows.
    MetaSet {
        /// The key and the flags.
        meta: Meta<'a>,
        /// The length of the value in bytes, at most 2147483645.
        value_bytes: usize,
    },
    /// `md`, a deletion or a mark.
    MetaDelete(Meta<'a>),
    /// `ma`, up or down.
    MetaArithmetic(Meta<'a>),
    /// `me`, a look at what is known of an item.
    MetaDebug(Meta<'a>),
    /// `mn`, which only makes the server say that it has come so far.
    MetaNoop,
    /// `cache_memlimit`.
    CacheMemlimit {
        /// The memory for items, in megabytes.
        megabytes: u32,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `shutdown`.
    Shutdown {
        /// How.
        mode: ShutdownMode<'a>,
    },
    /// `refresh_certs`.
    RefreshCertificates {
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `lru`.
    Lru {
        /// What is turned.
        command: LruCommand,
        /// Whether the client wants no answer.
        noreply: bool,
    },
    /// `slabs`.
    Slabs {
        /// What is done or turned.
        command: SlabsCommand,
        /// Whether the client wants no answer. `reassign` knows no such thing.
        noreply: bool,
    },
    /// `lru_crawler`, but for the dumps. It knows no `noreply`.
    Crawler(CrawlerCommand<'a>),
    /// `lru_crawler metadump` or `mgdump`.
    Dump {
        /// Which of them.
        form: DumpForm,
        /// A word for [`SlabClasses::parse`](crate::SlabClasses::parse).
        classes: &'a [u8],
    },
    /// `watch`.
    Watch {
        /// Words for [`WatchStreams::parse`](crate::WatchStreams::parse).
        words: &'a [u8],
    },
}

/// The direction of [`Request::Arithmetic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "up and down")]
pub enum Arithmetic {
    /// `incr`, modulo 2^64.
    Increment,
    /// `decr`, down to 0.
    Decrement,
}

/// The header of a storage command. Its data block, `value_bytes` bytes and CRLF, follows in the
/// stream: see [`DataBlock`](crate::DataBlock).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the command line, built by clients"
)]
pub struct Storage<'a> {
    /// What to do.
    pub verb: StorageVerb,
    /// The item's name.
    pub key: Key<'a>,
    /// The client's own number, returned with the value. Ignored by append and prepend.
    pub flags: u32,
    /// When the item expires: 0 never, up to 2592000 seconds from now, above that a Unix time,
    /// negative at once (protocol.txt, "Expiration times"). Ignored by append and prepend.
    pub exptime: i32,
    /// The length of the value in bytes, at most 2147483645.
    pub value_bytes: usize,
    /// Whether the client wants no answer.
    pub noreply: bool,
}

/// Which storage command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the protocol's six storage commands"
)]
pub enum StorageVerb {
    /// Store whatever is there.
    Set,
    /// Store if the key is absent.
    Add,
    /// Store if the key is present.
    Replace,
    /// Put the value behind the one that is there.
    Append,
    /// Put the value before the one that is there.
    Prepend,
    /// Store if the item still has this cas id.
    Cas(u64),
}

impl Request<'_> {
    /// The length of the value that follows the line, if a data block does: see
    /// [`DataBlock`](crate::DataBlock).
    #[must_use]
    pub const fn value_bytes(&self) -> Option<usize> {
        match self {
            Self::Store(Storage { value_bytes, .. }) | Self::MetaSet { value_bytes, .. } => {
                Some(*value_bytes)
            }
            _ => None,
        }
    }
}

impl StorageVerb {
    /// The command's name.
    #[must_use]
    pub const fn name(&self) -> &'static [u8] {
        match self {
            Self::Set => b"set",
            Self::Add => b"add",
            Self::Replace => b"replace",
            Self::Append => b"append",
            Self::Prepend => b"prepend",
            Self::Cas(_) => b"cas",
        }
    }
}

/// The keys of a retrieval: an iterator over the words of its line, or over a client's list.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a>(Source<'a>);

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    /// Words whose lengths were checked by the parser.
    Line(Words<'a>),
    One(Option<Key<'a>>),
    List(&'a [Key<'a>]),
}

impl<'a> Keys<'a> {
    /// One key.
    #[must_use]
    pub const fn one(key: Key<'a>) -> Self {
        Self(Source::One(Some(key)))
    }

    /// Many keys, at least one.
    ///
    /// # Panics
    ///
    /// If `keys` is empty: a retrieval of nothing is no request.
    #[must_use]
    pub const fn list(keys: &'a [Key<'a>]) -> Self {
        assert!(!keys.is_empty(), "a retrieval names a key");
        Self(Source::List(keys))
    }

    /// Takes up a retrieval again that was answered in part, without another look at all its keys.
    ///
    /// `line` is the end of a line that was parsed as a retrieval: as many bytes as
    /// [`unread_bytes`](Self::unread_bytes) said, without the line's own end.
    ///
    /// # Panics
    ///
    /// The iterator does, at a word of more than 250 bytes: no such line was parsed.
    #[must_use]
    pub const fn resume(line: &'a [u8]) -> Self {
        Self::checked(Words::new(line))
    }

    /// How much of the line, without its end, is behind the last key that was taken; for keys that
    /// are not from a line, of a line that is as short as can be.
    #[must_use]
    pub fn unread_bytes(&self) -> usize {
        match &self.0 {
            Source::Line(words) => words.left_bytes(),
            Source::One(key) => key.map_or(0, |key| key.as_bytes().len()),
            Source::List(keys) => keys.iter().map(|key| 1 + key.as_bytes().len()).sum(),
        }
    }

    /// The only key left, where that is plain to see: of a parsed `get` with one key, or of
    /// [`Keys::one`]. `None` says nothing.
    #[must_use]
    pub const fn only(&self) -> Option<Key<'a>> {
        match self.0 {
            Source::One(key) => key,
            Source::Line(_) | Source::List(_) => None,
        }
    }

    /// The keys of a line, all of which were checked.
    pub(crate) const fn checked(words: Words<'a>) -> Self {
        Self(Source::Line(words))
    }

    fn encode(self, out: &mut impl BufMut) {
        for key in self {
            out.put_u8(b' ');
            key.encode(out);
        }
    }
}

impl<'a> Iterator for Keys<'a> {
    type Item = Key<'a>;

    fn next(&mut self) -> Option<Key<'a>> {
        match &mut self.0 {
            Source::Line(words) => words
                .next()
                .map(|word| Key::from_word(word).expect("the parser checked the keys")),
            Source::One(key) => key.take(),
            Source::List(keys) => {
                let (first, rest) = keys.split_first()?;
                *keys = rest;
                Some(*first)
            }
        }
    }
}

/// Equal if the same keys follow, wherever they come from.
impl PartialEq for Keys<'_> {
    fn eq(&self, other: &Self) -> bool {
        Iterator::eq(*self, *other)
    }
}

impl Eq for Keys<'_> {}
