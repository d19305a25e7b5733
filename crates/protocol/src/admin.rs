//! What operators turn: the arguments of `lru`, `slabs`, `lru_crawler`, `watch` and `shutdown`.

use core::fmt::{self, Write};

use bytes::BufMut;

use crate::number::{parse_u32, put_decimal, put_signed};
use crate::words::Words;

/// What follows `shutdown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the two ways to end, or neither")]
pub enum ShutdownMode<'a> {
    /// At once.
    Now,
    /// `graceful`: what is to be kept is saved.
    Graceful,
    /// Other words, which are refused, but only where `shutdown` is allowed.
    Other(&'a [u8]),
}

/// What follows `lru`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LruCommand {
    /// `mode flat` or `mode segmented`.
    Mode {
        /// Whether there is more than one list for each class.
        segmented: bool,
    },
    /// `tune`: the shares of the hot and the warm list, and how old their items may become beside
    /// those of the cold one.
    Tune {
        /// The share of the hot list in percent.
        hot_percent: u32,
        /// The share of the warm list in percent.
        warm_percent: u32,
        /// The age of hot items, as a part of the cold ones' age.
        hot_factor: Factor,
        /// The age of warm items, as a part of the cold ones' age.
        warm_factor: Factor,
    },
    /// `temp_ttl`: up to this time to live an item goes to a list of its own.
    TempTtl {
        /// In seconds; negative switches the list off.
        seconds: i32,
    },
}

/// What follows `slabs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlabsCommand {
    /// `reassign`: move a page from one class to another.
    Reassign {
        /// The class that gives; -1 for any.
        source: i32,
        /// The class that takes; 0 for none.
        destination: i32,
    },
    /// `automove`: whether pages are moved without being asked.
    Automove {
        /// 0 never, 1 with care, 2 at once.
        level: u32,
    },
    /// `automove ratio`: how much older the oldest items of a class must be.
    AutomoveRatio {
        /// The ratio of ages.
        ratio: Factor,
    },
    /// `automove freeratio`: how much is to be kept free.
    AutomoveFreeRatio {
        /// The part of all memory.
        ratio: Factor,
    },
    /// `automove window`: over how many looks a class is judged.
    AutomoveWindow {
        /// The number of looks, which come once a second.
        seconds: u32,
    },
}

/// What follows `lru_crawler`, but for the dumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrawlerCommand<'a> {
    /// `enable`
    Enable,
    /// `disable`
    Disable,
    /// `sleep`: the pause between two items.
    Sleep {
        /// The pause.
        microseconds: u32,
    },
    /// `tocrawl`: how many items of a list are looked at in a run.
    ToCrawl {
        /// The number of items; 0 for all.
        items: u32,
    },
    /// `crawl`: begin a run.
    Crawl {
        /// Where, for [`SlabClasses::parse`].
        classes: &'a [u8],
    },
}

/// A dump of `lru_crawler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the protocol's two dumps")]
pub enum DumpForm {
    /// `metadump`: all that is known of each item but its value.
    Metadata,
    /// `mgdump`: each key as the request that reads it.
    Keys,
}

impl ShutdownMode<'_> {
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        put_word(b"shutdown", out);
        match self {
            Self::Now => {}
            Self::Graceful => put_argument(b"graceful", out),
            Self::Other(words) => put_words(words, out),
        }
    }
}

impl LruCommand {
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        put_word(b"lru", out);
        match self {
            Self::Mode { segmented: true } => put_words(b"mode segmented", out),
            Self::Mode { segmented: false } => put_words(b"mode flat", out),
            Self::Tune {
                hot_percent,
                warm_percent,
                hot_factor,
                warm_factor,
            } => {
                put_argument(b"tune", out);
                put_number(hot_percent, out);
                put_number(warm_percent, out);
                hot_factor.encode(out);
                warm_factor.encode(out);
            }
            Self::TempTtl { seconds } => {
                put_argument(b"temp_ttl", out);
                out.put_u8(b' ');
                put_signed(seconds.into(), out);
            }
        }
    }
}

impl SlabsCommand {
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        put_word(b"slabs", out);
        match self {
            Self::Reassign {
                source,
                destination,
            } => {
                put_argument(b"reassign", out);
                for class in [source, destination] {
                    out.put_u8(b' ');
                    put_signed(class.into(), out);
                }
            }
            Self::Automove { level } => {
                put_argument(b"automove", out);
                put_number(level, out);
            }
            Self::AutomoveRatio { ratio } => {
                put_words(b"automove ratio", out);
                ratio.encode(out);
            }
            Self::AutomoveFreeRatio { ratio } => {
                put_words(b"automove freeratio", out);
                ratio.encode(out);
            }
            Self::AutomoveWindow { seconds } => {
                put_words(b"automove window", out);
                put_number(seconds, out);
            }
        }
    }
}

impl CrawlerCommand<'_> {
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        put_word(b"lru_crawler", out);
        match self {
            Self::Enable => put_argument(b"enable", out),
            Self::Disable => put_argument(b"disable", out),
            Self::Sleep { microseconds } => {
                put_argument(b"sleep", out);
                put_number(microseconds, out);
            }
            Self::ToCrawl { items } => {
                put_argument(b"tocrawl", out);
                put_number(items, out);
            }
            Self::Crawl { classes } => {
                put_argument(b"crawl", out);
                put_words(classes, out);
            }
        }
    }
}

impl DumpForm {
    /// The name in `lru_crawler`.
    #[must_use]
    pub const fn name(&self) -> &'static [u8] {
        match self {
            Self::Metadata => b"metadump",
            Self::Keys => b"mgdump",
        }
    }
}

/// A finite number with a fraction: a share or a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    bits: u64,
}

impl Factor {
    /// A number; none if it is infinite or none at all.
    #[must_use]
    pub const fn new(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        Some(Self {
            bits: value.to_bits(),
        })
    }

    /// Reads a decimal number of at most 31 characters, with or without an exponent.
    ///
    /// ```
    /// # use steadfast_protocol::Factor;
    /// assert_eq!(Factor::parse(b"0.20"), Factor::new(0.2));
    /// assert_eq!(Factor::parse(b"much"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > FACTOR_CHARS_MAX {
            return None;
        }
        Self::new(core::str::from_utf8(text).ok()?.parse().ok()?)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// Writes the shortest text that is read as the same number.
    fn encode(self, out: &mut impl BufMut) {
        let mut text = Text {
            chars: [0; FACTOR_CHARS_MAX],
            len: 0,
        };
        let written = write!(text, "{:e}", self.value());
        written.expect("17 digits, an exponent and two signs are no more than 31 characters");
        put_argument(&text.chars[..text.len], out);
    }
}

/// A short text that is being written.
struct Text {
    chars: [u8; FACTOR_CHARS_MAX],
    len: usize,
}

impl fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        let room = self.chars.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Which items a crawl or a dump is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "all there is to be said")]
pub enum SlabClasses {
    /// `all`: class by class.
    All,
    /// `hash`: all, in the order of the table.
    Hash,
    /// A list of numbers with commas: the bit of each class from 1 to 63.
    List(u64),
}

impl SlabClasses {
    /// Reads the last argument of `crawl`, `metadump` and `mgdump`; none if it is none of these or
    /// names a class that cannot be.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"all" => return Some(Self::All),
            b"hash" => return Some(Self::Hash),
            _ => {}
        }
        let mut classes = 0;
        for number in word.split(|&byte| byte == b',') {
            if !number.is_empty() {
                let class = parse_u32(number).filter(|class| (1..=CLASS_MAX).contains(class))?;
                classes |= 1 << class;
            }
        }
        Some(Self::List(classes))
    }

    /// Whether items of `class` are meant.
    #[must_use]
    pub const fn contains(&self, class: u32) -> bool {
        match self {
            Self::All | Self::Hash => true,
            Self::List(classes) => class <= CLASS_MAX && *classes >> class & 1 != 0,
        }
    }
}

/// The streams of `watch`: a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WatchStreams(u32);

impl WatchStreams {
    /// `fetchers`: what is looked up.
    pub const FETCHERS: Self = Self(1);
    /// `mutations`: what is stored.
    pub const MUTATIONS: Self = Self(1 << 1);
    /// `evictions`: what is displaced.
    pub const EVICTIONS: Self = Self(1 << 2);
    /// `connevents`: who comes and goes.
    pub const CONNECTIONS: Self = Self(1 << 3);
    /// `sysevents`: what the server does by itself.
    pub const SYSTEM: Self = Self(1 << 4);
    /// `rawcmds`: what is asked, word for word.
    pub const RAW_COMMANDS: Self = Self(1 << 5);
    /// `deletions`: what is deleted.
    pub const DELETIONS: Self = Self(1 << 6);
    /// `proxyreqs`: of a proxy, which we are not.
    pub const PROXY_REQUESTS: Self = Self(1 << 7);
    /// `proxyevents`: of a proxy, which we are not.
    pub const PROXY_EVENTS: Self = Self(1 << 8);
    /// `proxyuser`: of a proxy, which we are not.
    pub const PROXY_USER: Self = Self(1 << 9);

    /// Reads the words behind `watch`: without any, the fetchers. None if a word names no stream.
    ///
    /// ```
    /// # use steadfast_protocol::WatchStreams;
    /// let streams = WatchStreams::parse(b"evictions deletions").unwrap();
    /// assert!(streams.contains(WatchStreams::DELETIONS));
    /// assert_eq!(WatchStreams::parse(b""), Some(WatchStreams::FETCHERS));
    /// assert_eq!(WatchStreams::parse(b"birds"), None);
    /// ```
    #[must_use]
    pub fn parse(words: &[u8]) -> Option<Self> {
        let mut streams = Self::default();
        for word in Words::new(words) {
            streams = streams.with(match word {
                b"fetchers" => Self::FETCHERS,
                b"mutations" => Self::MUTATIONS,
                b"evictions" => Self::EVICTIONS,
                b"connevents" => Self::CONNECTIONS,
                b"sysevents" => Self::SYSTEM,
                b"rawcmds" => Self::RAW_COMMANDS,
                b"deletions" => Self::DELETIONS,
                b"proxyreqs" => Self::PROXY_REQUESTS,
                b"proxyevents" => Self::PROXY_EVENTS,
                b"proxyuser" => Self::PROXY_USER,
                _ => return None,
            });
        }
        if streams.is_empty() {
            return Some(Self::FETCHERS);
        }
        Some(streams)
    }

    /// These streams and `others`.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `others` are among them.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as the ten lowest bits of a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

fn put_word(word: &[u8], out: &mut impl BufMut) {
    out.put_slice(word);
}

fn put_argument(word: &[u8], out: &mut impl BufMut) {
    out.put_u8(b' ');
    out.put_slice(word);
}

pub(crate) fn put_words(words: &[u8], out: &mut impl BufMut) {
    for word in Words::new(words) {
        put_argument(word, out);
    }
}

fn put_number(number: u32, out: &mut impl BufMut) {
    out.put_u8(b' ');
    put_decimal(number.into(), out);
}

const FACTOR_CHARS_MAX: usize = 31;
/// memcached's bound, whatever classes there are.
const CLASS_MAX: u32 = 63;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn classes_are_a_list_or_a_word() {
        assert_eq!(SlabClasses::parse(b"all"), Some(SlabClasses::All));
        assert_eq!(SlabClasses::parse(b"hash"), Some(SlabClasses::Hash));
        let some = SlabClasses::parse(b"1,,5,63").unwrap();
        assert_eq!(some, SlabClasses::List(1 << 1 | 1 << 5 | 1 << 63));
        assert!(some.contains(5) && !some.contains(4) && !some.contains(64));
        for word in [&b"0"[..], b"64", b"1,x", b"-1", b"ALL"] {
            assert_eq!(SlabClasses::parse(word), None, "{}", word.escape_ascii());
        }
    }

    #[test]
    fn factors_are_finite_numbers() {
        for (text, value) in [
            (&b"1"[..], 1.0),
            (b"+.5", 0.5),
            (b"2e3", 2000.0),
            (b"-1.", -1.0),
        ] {
            assert_eq!(Factor::parse(text), Factor::new(value));
        }
        for text in [&b""[..], b"nan", b"inf", b"1e400", b"1x", b"\xff"] {
            assert_eq!(Factor::parse(text), None, "{}", text.escape_ascii());
        }
        assert_eq!(Factor::parse(&[b'1'; 32]), None);
    }

    #[test]
    fn factors_are_read_as_written() {
        for value in [
            0.2,
            -1.0 / 3.0,
            f64::MAX,
            f64::MIN_POSITIVE,
            -f64::EPSILON,
            5e-324,
        ] {
            let factor = Factor::new(value).unwrap();
            let mut text = Vec::new();
            factor.encode(&mut text);
            assert_eq!(Factor::parse(&text[1..]), Some(factor));
        }
    }

    #[test]
    fn streams_need_their_full_names() {
        assert_eq!(WatchStreams::parse(b"fetch"), None);
        let both = WatchStreams::parse(b" sysevents  rawcmds ").unwrap();
        assert_eq!(both, WatchStreams::SYSTEM.with(WatchStreams::RAW_COMMANDS));
    }
}
