use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::hash::Hash;
use crate::key::KeyRule;
use crate::placement::Layout;
use crate::replicas::Walk;

/// The rules by which one client, in one configuration, places keys.
///
/// A dialect is a value with a name, `family:column`: `pecl-memcache:consistent-crc32`. It parses
/// from that name and prints as it; two are equal when their names are. Each is a row of a table:
/// what happens to the key, the hash, the layout of the nodes, and how further copies are found.
#[derive(Clone, Copy)]
pub struct Dialect(pub(crate) &'static Rules);

/// One row of the table.
pub(crate) struct Rules {
    name: &'static str,
    pub(crate) hosts: HostRule,
    pub(crate) keys: KeyRule,
    pub(crate) hash: Hash,
    pub(crate) layout: Layout,
    pub(crate) walk: Walk,
}

/// How a client writes a node into the names of its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostRule {
    /// `host:port` always; a Unix socket is `unix:///path:0`.
    PortAlways,
    /// `host` alone when the port is 11211; a Unix socket is `/path:0`.
    PortUnlessDefault,
}

impl Dialect {
    /// pecl-memcache, `memcache.hash_strategy = standard`, `hash_function = crc32`.
    pub const PECL_STANDARD_CRC32: Self = Self(&pecl(
        "pecl-memcache:standard-crc32",
        Layout::Slots,
        Hash::Crc32,
    ));

    /// pecl-memcache, `memcache.hash_strategy = standard`, `hash_function = fnv`.
    pub const PECL_STANDARD_FNV: Self = Self(&pecl(
        "pecl-memcache:standard-fnv",
        Layout::Slots,
        Hash::Fnv1a32,
    ));

    /// pecl-memcache, `memcache.hash_strategy = consistent`, `hash_function = crc32`: its default.
    pub const PECL_CONSISTENT_CRC32: Self = Self(&pecl(
        "pecl-memcache:consistent-crc32",
        Layout::Buckets,
        Hash::Crc32,
    ));

    /// pecl-memcache, `memcache.hash_strategy = consistent`, `hash_function = fnv`.
    pub const PECL_CONSISTENT_FNV: Self = Self(&pecl(
        "pecl-memcache:consistent-fnv",
        Layout::Buckets,
        Hash::Fnv1a32,
    ));

    /// libmemcached's own default: one-at-a-time modulo the number of nodes. Weights are ignored.
    pub const LIBMEMCACHED_MODULA_DEFAULT: Self = Self(&libmemcached(
        "libmemcached:modula-default",
        Layout::Modulo,
        Hash::OneAtATime,
    ));

    /// libmemcached's consistent distribution with its default hash: php-memcached's sessions.
    ///
    /// A weight above 1 anywhere turns the points into those of the weighted MD5 ring, as
    /// libmemcached does; keys are still hashed with one-at-a-time.
    pub const LIBMEMCACHED_CONSISTENT_DEFAULT: Self = Self(&libmemcached(
        "libmemcached:consistent-default",
        Layout::Ketama,
        Hash::OneAtATime,
    ));

    /// libmemcached with `OPT_LIBKETAMA_COMPATIBLE`: weighted MD5 points, keys hashed with MD5.
    pub const LIBMEMCACHED_COMPATIBLE_MD5: Self = Self(&libmemcached(
        "libmemcached:compatible-md5",
        Layout::WeightedKetama,
        Hash::Md5,
    ));

    /// Every known dialect, those of one client together.
    pub const ALL: &'static [Self] = &[
        Self::PECL_STANDARD_CRC32,
        Self::PECL_STANDARD_FNV,
        Self::PECL_CONSISTENT_CRC32,
        Self::PECL_CONSISTENT_FNV,
        Self::LIBMEMCACHED_MODULA_DEFAULT,
        Self::LIBMEMCACHED_CONSISTENT_DEFAULT,
        Self::LIBMEMCACHED_COMPATIBLE_MD5,
    ];

    /// The whole name, as parsed and printed: `pecl-memcache:consistent-crc32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The client's name: what stands before the colon.
    #[must_use]
    pub fn family(self) -> &'static str {
        self.name()
            .split_once(':')
            .map_or(self.name(), |(family, _)| family)
    }

    /// Whether a change of one node moves the keys of that node only (or little more).
    ///
    /// False for the dialects that count modulo the number of nodes: there, one node more or less
    /// moves nearly every key.
    #[must_use]
    pub fn is_consistent(self) -> bool {
        !matches!(self.0.layout, Layout::Slots | Layout::Modulo)
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        Self::ALL
            .iter()
            .copied()
            .find(|dialect| dialect.name() == text)
            .ok_or_else(|| UnknownDialect {
                found: text
                    .chars()
                    .take(SHOWN_CHARS_MAX)
                    .flat_map(char::escape_default)
                    .collect(),
                nearest: nearest(text),
            })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialect({})", self.name())
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl core::hash::Hash for Dialect {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// A name that is no dialect's, and the dialect whose name is nearest to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect {
    found: String,
    nearest: Dialect,
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
        write!(
            f,
            "unknown dialect \"{}\", the nearest is \"{}\"",
            self.found, self.nearest
        )
    }
}

impl core::error::Error for UnknownDialect {}

const fn pecl(name: &'static str, layout: Layout, hash: Hash) -> Rules {
    let hosts = HostRule::PortAlways;
    Rules {
        name,
        hosts,
        keys: KeyRule::Underscored,
        hash,
        layout,
        walk: Walk::Rehash,
    }
}

const fn libmemcached(name: &'static str, layout: Layout, hash: Hash) -> Rules {
    let hosts = HostRule::PortUnlessDefault;
    Rules {
        name,
        hosts,
        keys: KeyRule::Verbatim,
        hash,
        layout,
        walk: Walk::NextInList,
    }
}

fn nearest(text: &str) -> Dialect {
    let text: Vec<char> = text.chars().take(SHOWN_CHARS_MAX).collect();
    let mut best = Dialect::ALL[0];
    let mut best_edits = usize::MAX;
    for &dialect in Dialect::ALL {
        let edits = edits(&text, dialect.name());
        if edits < best_edits {
            (best, best_edits) = (dialect, edits);
        }
    }
    best
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
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_dialect_parses_from_its_own_name() {
        for &dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
            assert_eq!(dialect.to_string(), dialect.name());
            assert!(dialect.name().starts_with(dialect.family()));
        }
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
        let error = "compatible-md5\n".parse::<Dialect>().unwrap_err();
        assert_eq!(error.nearest(), Dialect::LIBMEMCACHED_COMPATIBLE_MD5);
        assert!(error.to_string().contains("md5\\n"));
    }
}
