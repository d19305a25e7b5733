//! The table of clients: what each does to keys and names, its layouts and its hashes.

use crate::hash::Hash;
use crate::key::KeyRule;
use crate::placement::Layout;
use crate::replicas::Walk;

/// One client. Its dialects are its layouts times its hashes.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: KeyRule,
    pub(crate) walk: Walk,
    /// Whether the client sorts its servers: shorter names first, then by bytes.
    pub(crate) is_sorted: bool,
    /// Whether a server may have a name of its own.
    pub(crate) has_aliases: bool,
    pub(crate) layouts: &'static [(&'static str, Layout, NameRule)],
    /// A single hash without a name is not part of the dialect's name.
    pub(crate) hashes: &'static [(&'static str, Hash)],
}

/// How a client writes a server into the names that it hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// `host:port`; a Unix socket is `unix:///path:0`.
    PeclMemcache,
    /// `host` alone when the port is 11211, else `host:port`; a Unix socket is `/path:0`.
    Libmemcached,
    /// `/host:port`: spymemcached's way for a server without a host name, as libmemcached takes it.
    Spy,
    /// The alias, else `host` alone when the port is 11211, else `host:port`; a Unix socket is `/path`.
    Twemproxy,
    /// The alias, else `host:port`; a Unix socket is `/path`.
    Plain,
}

/// Every client, in the order in which they are listed.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "pecl-memcache",
        about: "PHP's memcache extension: hash_strategy, hash_function",
        keys: KeyRule::Underscored,
        walk: Walk::Rehash,
        layouts: &[
            ("standard", Layout::Slots, NameRule::PeclMemcache),
            ("consistent", Layout::Buckets, NameRule::PeclMemcache),
        ],
        hashes: &[("crc32", Hash::Crc32), ("fnv", Hash::Fnv1a32)],
        ..PLAIN
    },
    Row {
        name: "libmemcached",
        about: "libmemcached, PHP's memcached extension, pylibmc: OPT_DISTRIBUTION, OPT_HASH",
        walk: Walk::NextInList,
        layouts: &[
            ("modula", Layout::Modulo, NameRule::Libmemcached),
            ("consistent", Layout::Ketama, NameRule::Libmemcached),
            ("compatible", Layout::WeightedKetama, NameRule::Libmemcached),
            ("spy", Layout::Ketama, NameRule::Spy),
            ("spy-weighted", Layout::WeightedKetama, NameRule::Spy),
        ],
        hashes: &[
            ("default", Hash::OneAtATime),
            ("md5", Hash::Md5),
            ("crc", Hash::Crc32Short),
            ("fnv1_64", Hash::Fnv1_64),
            ("fnv1a_64", Hash::Fnv1a64),
            ("fnv1_32", Hash::Fnv1_32),
            ("fnv1a_32", Hash::Fnv1a32),
            ("murmur", Hash::Murmur),
            ("jenkins", Hash::Jenkins),
            ("hsieh", Hash::Hsieh),
        ],
        ..PLAIN
    },
    Row {
        name: "twemproxy",
        about: "twemproxy (nutcracker): distribution, hash",
        is_sorted: true,
        has_aliases: true,
        layouts: &[
            ("ketama", Layout::WeightedKetama, NameRule::Twemproxy),
            ("modula", Layout::Repeated, NameRule::Twemproxy),
        ],
        hashes: &[
            ("one_at_a_time", Hash::OneAtATime),
            ("md5", Hash::Md5),
            ("crc16", Hash::Crc16),
            ("crc32", Hash::Crc32Short),
            ("crc32a", Hash::Crc32),
            ("fnv1_64", Hash::Fnv1_64),
            ("fnv1a_64", Hash::Fnv1a64),
            ("fnv1_32", Hash::Fnv1_32),
            ("fnv1a_32", Hash::Fnv1a32),
            ("hsieh", Hash::Hsieh),
            ("murmur", Hash::Murmur),
            ("jenkins", Hash::Jenkins),
        ],
        ..PLAIN
    },
    Row {
        name: "spymemcached",
        about: "Java's spymemcached: KetamaNodeLocator",
        layouts: &[("ketama", Layout::SpyKetama, NameRule::Plain)],
        ..PLAIN
    },
    Row {
        name: "uhashring",
        about: "Python's uhashring: HashRing",
        layouts: &[
            ("ketama", Layout::UhashringKetama, NameRule::Plain),
            ("default", Layout::Uhashring, NameRule::Plain),
        ],
        ..PLAIN
    },
    Row {
        name: "pymemcache",
        about: "Python's pymemcache: HashClient",
        layouts: &[("rendezvous", Layout::PymemcacheRendezvous, NameRule::Plain)],
        ..PLAIN
    },
    Row {
        name: "mcrouter",
        about: "mcrouter: hash_func Ch3, WeightedCh3, Crc32, Rendezvous",
        keys: KeyRule::HashStop,
        has_aliases: true,
        layouts: &[
            ("ch3", Layout::Ch3, NameRule::Plain),
            ("wch3", Layout::WeightedCh3, NameRule::Plain),
            ("crc32", Layout::Modulo, NameRule::Plain),
            ("rendezvous", Layout::McrouterRendezvous, NameRule::Plain),
        ],
        hashes: &[("", Hash::Crc32Positive)],
        ..PLAIN
    },
    Row {
        name: "jump",
        about: "jump consistent hash (Lamping and Veach) of XXH3: memcached's proxy",
        layouts: &[("xxh3", Layout::Jump, NameRule::Plain)],
        ..PLAIN
    },
    Row {
        name: "maglev",
        about: "Maglev (Eisenbud et al.), 65537 places, hashed with XXH64 as Envoy does",
        layouts: &[("xxh64", Layout::Maglev, NameRule::Plain)],
        ..PLAIN
    },
];

/// What most clients have in common.
const PLAIN: Row = Row {
    name: "",
    about: "",
    keys: KeyRule::Verbatim,
    walk: Walk::Alone,
    is_sorted: false,
    has_aliases: false,
    layouts: &[],
    hashes: &[("", Hash::Md5)],
};
