use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::hash::Hash;
use crate::placement::Layout;

mod families;

pub(crate) use families::{NameRule, ROWS, Row};

/// The rules by which one client, in one configuration, places keys.
///
/// A dialect is a value with a name, `family:column`: `pecl-memcache:consistent-crc32`. It parses
/// from that name and prints as it. It is a place in a table: a client, which says what happens to
/// keys and how further copies are found, one of its layouts, and one of its hashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    row: u8,
    layout: u8,
    hash: u8,
}

/// What a dialect makes of the weights of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "there is no fourth kind of number")]
pub enum Weights {
    /// They do not matter.
    Ignored,
    /// Whole numbers from 1: a node of weight 2 gets about twice the keys.
    Whole,
    /// Fractions from 0 to 1: a node gives the rest of its keys to the others.
    Fraction,
}

/// A client, and all its dialects.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    row: u8,
}

impl Dialect {
    /// pecl-memcache, `memcache.hash_strategy = standard`, `hash_function = crc32`.
    pub const PECL_STANDARD_CRC32: Self = Self::known("pecl-memcache", "standard", "crc32");

    /// pecl-memcache, `memcache.hash_strategy = standard`, `hash_function = fnv`.
    pub const PECL_STANDARD_FNV: Self = Self::known("pecl-memcache", "standard", "fnv");

    /// pecl-memcache, `memcache.hash_strategy = consistent`, `hash_function = crc32`: its default.
    pub const PECL_CONSISTENT_CRC32: Self = Self::known("pecl-memcache", "consistent", "crc32");

    /// pecl-memcache, `memcache.hash_strategy = consistent`, `hash_function = fnv`.
    pub const PECL_CONSISTENT_FNV: Self = Self::known("pecl-memcache", "consistent", "fnv");

    /// libmemcached's own default: one-at-a-time modulo the number of nodes. Weights are ignored.
    pub const LIBMEMCACHED_MODULA_DEFAULT: Self = Self::known("libmemcached", "modula", "default");

    /// libmemcached's consistent distribution with its default hash: php-memcached's sessions.
    ///
    /// A weight above 1 anywhere turns the points into those of the weighted MD5 ring, as
    /// libmemcached does; keys are still hashed with one-at-a-time.
    /// php-memcached's *sessions* heed no weights: give them 1.
    pub const LIBMEMCACHED_CONSISTENT_DEFAULT: Self =
        Self::known("libmemcached", "consistent", "default");

    /// libmemcached with `OPT_LIBKETAMA_COMPATIBLE`: weighted MD5 points, keys hashed with MD5.
    pub const LIBMEMCACHED_COMPATIBLE_MD5: Self = Self::known("libmemcached", "compatible", "md5");

    /// Every known dialect, those of one client together.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::families().flat_map(Family::dialects)
    }

    /// Every client, in the order of [`all`](Self::all).
    pub fn families() -> impl Iterator<Item = Family> {
        (0..).zip(ROWS).map(|(row, _)| Family { row })
    }

    /// The whole name, as parsed and printed: `pecl-memcache:consistent-crc32`.
    #[must_use]
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The client's name: what stands before the colon.
    #[must_use]
    pub fn family(self) -> &'static str {
        self.row().name
    }

    /// Whether a change of one node moves the keys of that node only (or little more).
    ///
    /// False for the dialects that count modulo the number of nodes, where one node more or less
    /// moves nearly every key. [`only_appends`](Self::only_appends) names those for which it must be
    /// the last node of the list.
    #[must_use]
    pub fn is_consistent(self) -> bool {
        !matches!(
            self.layout(),
            Layout::Slots | Layout::Modulo | Layout::Repeated
        )
    }

    /// Whether the dialect is consistent for nodes added to, or taken from, the *end* of the list
    /// only, because it numbers nodes and does not look at their names: Ch3 and jump.
    #[must_use]
    pub fn only_appends(self) -> bool {
        matches!(
            self.layout(),
            Layout::Ch3 | Layout::WeightedCh3 | Layout::Jump
        )
    }

    /// What weights mean here.
    #[must_use]
    pub fn weights(self) -> Weights {
        match self.layout() {
            Layout::Slots
            | Layout::Repeated
            | Layout::Buckets
            | Layout::Ketama
            | Layout::WeightedKetama
            | Layout::UhashringKetama
            | Layout::Uhashring => Weights::Whole,
            Layout::WeightedCh3 => Weights::Fraction,
            Layout::Modulo
            | Layout::SpyKetama
            | Layout::PymemcacheRendezvous
            | Layout::McrouterRendezvous
            | Layout::Ch3
            | Layout::Jump
            | Layout::Maglev => Weights::Ignored,
        }
    }

    pub(crate) fn row(self) -> &'static Row {
        &ROWS[usize::from(self.row)]
    }

    pub(crate) fn layout(self) -> Layout {
        self.row().layouts[usize::from(self.layout)].1
    }

    pub(crate) fn names(self) -> NameRule {
        self.row().layouts[usize::from(self.layout)].2
    }

    pub(crate) fn hash(self) -> Hash {
        self.row().hashes[usize::from(self.hash)].1
    }

    /// The row of the table with these names; does not compile for a name that is not there.
    const fn known(family: &str, layout: &str, hash: &str) -> Self {
        let mut row = 0;
        while !is_same(ROWS[row].name, family) {
            row += 1;
        }
        let mut at = 0;
        while !is_same(ROWS[row].layouts[at].0, layout) {
            at += 1;
        }
        let mut which = 0;
        while !is_same(ROWS[row].hashes[which].0, hash) {
            which += 1;
        }
        Self {
            row: row as u8,
            layout: at as u8,
            hash: which as u8,
        }
    }
}

impl Family {
    /// The client's name: what stands before the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// In a line, which client it is and which of its settings choose the dialect.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.row().about
    }

    /// The names of its layouts.
    pub fn layouts(self) -> impl Iterator<Item = &'static str> {
        self.row().layouts.iter().map(|&(name, ..)| name)
    }

    /// The names of its hashes; none when the layout's name is all that follows the colon.
    pub fn hashes(self) -> impl Iterator<Item = &'static str> {
        let names = self.row().hashes.iter().map(|&(name, _)| name);
        names.filter(|name| !name.is_empty())
    }

    /// Its dialects: each layout with each hash.
    pub fn dialects(self) -> impl Iterator<Item = Dialect> {
        let row = self.row;
        let layouts = (0..).zip(self.row().layouts);
        layouts.flat_map(move |(layout, _)| {
            let hashes = (0..).zip(self.row().hashes);
            hashes.map(move |(hash, _)| Dialect { row, layout, hash })
        })
    }

    fn row(self) -> &'static Row {
        &ROWS[usize::from(self.row)]
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        let text: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        let mut name = String::new();
        let known = Self::all().find(|dialect| {
            name.clear();
            dialect.write(&mut name).is_ok() && name == text
        });
        known.ok_or_else(|| UnknownDialect {
            nearest: nearest(&text),
            is_random: text.starts_with("twemproxy:random"),
            found: text.chars().flat_map(char::escape_default).collect(),
        })
    }
}

impl Dialect {
    fn write(self, to: &mut impl fmt::Write) -> fmt::Result {
        let row = self.row();
        let (layout, ..) = row.layouts[usize::from(self.layout)];
        let (hash, _) = row.hashes[usize::from(self.hash)];
        let dash = if hash.is_empty() { "" } else { "-" };
        write!(to, "{}:{layout}{dash}{hash}", row.name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        self.write(&mut name)?;
        f.pad(&name)
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialect({self})")
    }
}

/// A name that is no dialect's, and the dialect whose name is nearest to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect {
    found: String,
    nearest: Dialect,
    is_random: bool,
}

impl UnknownDialect {
    /// The known dialect whose name takes the fewest edits to reach.
    #[must_use]
    pub fn nearest(&self) -> Dialect {
        self.nearest
    }
}

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_random {
            return write!(
                f,
                "dialect \"{}\" draws a server for each request: no key has a place of its own",
                self.found
            );
        }
        write!(
            f,
            "unknown dialect \"{}\", the nearest is \"{}\"",
            self.found, self.nearest
        )
    }
}

impl core::error::Error for UnknownDialect {}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Of the family that was named, if it is known; of what was left unfinished, the first.
fn nearest(text: &str) -> Dialect {
    let chars: Vec<char> = text.chars().collect();
    let family = text.split(':').next().unwrap_or_default();
    let distance = |dialect: &Dialect| {
        let name = dialect.name();
        let is_begun = !text.is_empty() && name.starts_with(text);
        let edits = if is_begun { 0 } else { edits(&chars, &name) };
        (dialect.family() != family, !is_begun, edits)
    };
    Dialect::all()
        .min_by_key(distance)
        .expect("there are dialects")
}

/// How many characters must be changed, added or removed to make `name` of `text` (Levenshtein).
fn edits(text: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=text.len()).collect();
    for (above, wanted) in name.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (column, &have) in text.iter().enumerate() {
            let changed = diagonal + usize::from(have != wanted);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column].min(diagonal) + 1);
        }
    }
    row[text.len()]
}

/// Of a longer name only so much is compared and shown.
const SHOWN_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_dialect_parses_from_its_own_name() {
        let mut names = BTreeSet::new();
        for dialect in Dialect::all() {
            assert_eq!(dialect.name().parse(), Ok(dialect));
            assert!(dialect.name().starts_with(dialect.family()));
            assert!(dialect.name().len() < SHOWN_CHARS_MAX);
            assert!(names.insert(dialect.name()), "{dialect} is there twice");
        }
        assert_eq!(names.len(), 4 + 50 + 24 + 1 + 2 + 1 + 4 + 1 + 1);
    }

    #[test]
    fn constants_are_what_their_names_say() {
        let consistent = Dialect::PECL_CONSISTENT_CRC32;
        assert_eq!(consistent.name(), "pecl-memcache:consistent-crc32");
        let compatible = Dialect::LIBMEMCACHED_COMPATIBLE_MD5;
        assert_eq!(compatible.name(), "libmemcached:compatible-md5");
    }

    #[test]
    fn unknown_dialect_names_the_nearest_known() {
        let error = "pecl-memcached:consistent_crc32"
            .parse::<Dialect>()
            .unwrap_err();
        assert_eq!(error.nearest(), Dialect::PECL_CONSISTENT_CRC32);
        assert_eq!(
            error.to_string(),
            "unknown dialect \"pecl-memcached:consistent_crc32\", \
             the nearest is \"pecl-memcache:consistent-crc32\""
        );
        for (text, nearest) in [
            ("pecl-memcache", "pecl-memcache:standard-crc32"),
            ("pecl-memcache:consistent", "pecl-memcache:consistent-crc32"),
            ("twemproxy:ketama-nope", "twemproxy:ketama-md5"),
            ("spymemcached:ring", "spymemcached:ketama"),
        ] {
            let error = text.parse::<Dialect>().unwrap_err();
            assert_eq!(error.nearest().name(), nearest, "{text}");
        }
        let error = "libmemcached:compatible-md5\n"
            .parse::<Dialect>()
            .unwrap_err();
        assert_eq!(error.nearest(), Dialect::LIBMEMCACHED_COMPATIBLE_MD5);
        assert!(error.to_string().contains("md5\\n"));
    }

    #[test]
    fn random_is_refused_with_its_reason() {
        let error = "twemproxy:random-fnv1a_64".parse::<Dialect>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "dialect \"twemproxy:random-fnv1a_64\" draws a server for each request: \
             no key has a place of its own"
        );
    }
}
