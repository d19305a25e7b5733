use alloc::vec::Vec;

/// The two characters between which the part of a key stands that is hashed: twemproxy's `hash_tag`.
///
/// Keys that belong together share that part: with `{}`, `user:{17}:cart` and `user:{17}:name` go to
/// one node. It counts from the first opening character to the next closing one, if there are both
/// and something is between them; otherwise the whole key is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashTag {
    open: u8,
    close: u8,
}

impl HashTag {
    /// `{` and `}`.
    pub const BRACES: Self = Self::new(b'{', b'}');

    /// A tag between `open` and `close`, which may be the same.
    #[must_use]
    pub const fn new(open: u8, close: u8) -> Self {
        Self { open, close }
    }

    /// The part of `key` that is hashed.
    #[must_use]
    pub fn part_of(self, key: &[u8]) -> &[u8] {
        let Some(open) = key.iter().position(|&byte| byte == self.open) else {
            return key;
        };
        let after = &key[open + 1..];
        match after.iter().position(|&byte| byte == self.close) {
            None | Some(0) => key,
            Some(close) => &after[..close],
        }
    }
}

/// Which keys are placed as if they were others, so that what is used together lies together.
///
/// No client does this by itself: it is for a router that sees the keys of PHP's session handlers and
/// wants a lock on the node of its session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affinity {
    prefix: Vec<u8>,
}

impl Affinity {
    /// A session's lock is placed as the session.
    ///
    /// `SID.lock` (pecl-memcache) counts as `SID`; `PREFIXlock.SID` (php-memcached, whose prefix is
    /// `memc.sess.key.` unless configured) counts as `PREFIXSID`, and `lock.SID` as `SID` when
    /// `prefix` is empty, as for a client that does not hash the prefix.
    #[must_use]
    pub fn session_locks(prefix: &[u8]) -> Self {
        Self {
            prefix: prefix.to_vec(),
        }
    }

    /// Hands the key that `key` is placed as to `read`.
    pub(crate) fn placed_as<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
        if let Some(id) = key.strip_suffix(LOCK_SUFFIX).filter(|id| !id.is_empty()) {
            return read(id);
        }
        let id = key
            .strip_prefix(&self.prefix[..])
            .and_then(|rest| rest.strip_prefix(LOCK_PREFIX))
            .filter(|id| !id.is_empty());
        match id {
            Some(id) if self.prefix.is_empty() => read(id),
            Some(id) => read(&[&self.prefix, id].concat()),
            None => read(key),
        }
    }
}

const LOCK_SUFFIX: &[u8] = b".lock";
const LOCK_PREFIX: &[u8] = b"lock.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_between_the_first_opening_and_the_next_closing_character() {
        let part = |key| HashTag::BRACES.part_of(key);
        assert_eq!(part(b"user:{17}:cart"), b"17");
        assert_eq!(part(b"{a}{b}"), b"a");
        assert_eq!(part(b"{a{b}c}"), b"a{b");
        assert_eq!(part(b"}x{y}"), b"y");
    }

    #[test]
    fn key_without_a_tag_is_hashed_whole() {
        for key in [
            &b"plain"[..],
            b"open{",
            b"close}",
            b"{}empty{x}",
            b"}{",
            b"",
        ] {
            assert_eq!(HashTag::BRACES.part_of(key), key);
        }
        assert_eq!(HashTag::new(b'$', b'$').part_of(b"a$b$c"), b"b");
    }

    #[test]
    fn lock_is_placed_as_its_session() {
        let placed = |prefix: &[u8], key: &[u8]| {
            Affinity::session_locks(prefix).placed_as(key, <[u8]>::to_vec)
        };
        assert_eq!(placed(b"", b"abc.lock"), b"abc");
        assert_eq!(placed(b"", b"lock.abc"), b"abc");
        assert_eq!(placed(b"memc.", b"memc.lock.abc"), b"memc.abc");
        for key in [
            &b".lock"[..],
            b"lock.",
            b"abc",
            b"memc.lock.",
            b"lock.abc",
            b"",
        ] {
            assert_eq!(placed(b"memc.", key), key);
        }
    }
}
