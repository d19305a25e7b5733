use core::fmt::Write;

/// What a client does to a key before it hashes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// Nothing: libmemcached refuses a key that memcached would refuse.
    Verbatim,
    /// pecl-memcache: bytes up to 0x20 become `_`, the key is cut at 250 bytes.
    Underscored,
    /// mcrouter: the key ends, for hashing, before the first `|#|`.
    HashStop,
}

impl KeyRule {
    /// Hands the key, as the client would hash and send it, to `read`.
    #[inline]
    pub(crate) fn treated<R>(self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Verbatim => read(key),
            Self::Underscored => underscored(key, read),
            Self::HashStop => {
                let stop = key.windows(3).position(|three| three == b"|#|");
                read(&key[..stop.unwrap_or(key.len())])
            }
        }
    }
}

fn underscored<R>(key: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
    if key.len() <= KEY_BYTES_MAX && key.iter().all(|&byte| byte > b' ') {
        return read(key);
    }
    let mut treated = [0; KEY_BYTES_MAX];
    let kept = key.len().min(KEY_BYTES_MAX);
    for (to, &from) in treated.iter_mut().zip(key) {
        *to = if from <= b' ' { b'_' } else { from };
    }
    read(&treated[..kept])
}

/// A key of at most 250 bytes with a changing decimal suffix: `KEY-0`, `KEY-1`, ...
pub(crate) struct Suffixed {
    bytes: [u8; KEY_BYTES_MAX + SUFFIX_BYTES_MAX],
    key_len: usize,
    len: usize,
}

impl Suffixed {
    /// Starts from `key`; what exceeds 250 bytes is left out.
    pub(crate) fn new(key: &[u8]) -> Self {
        let key = &key[..key.len().min(KEY_BYTES_MAX)];
        let mut bytes = [0; KEY_BYTES_MAX + SUFFIX_BYTES_MAX];
        bytes[..key.len()].copy_from_slice(key);
        Self {
            bytes,
            key_len: key.len(),
            len: key.len(),
        }
    }

    /// The key followed by `-` and `number`.
    pub(crate) fn with(&mut self, number: u32) -> &[u8] {
        self.len = self.key_len;
        write!(self, "-{number}").expect("a dash and ten digits fit");
        &self.bytes[..self.len]
    }
}

impl Write for Suffixed {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(core::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The longest key of memcached (protocol.txt, "Keys").
const KEY_BYTES_MAX: usize = 250;

/// A dash and the digits of the largest `u32`.
const SUFFIX_BYTES_MAX: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_controls_become_underscores() {
        KeyRule::Underscored.treated(b"a b\t\x00c\x21", |key| assert_eq!(key, b"a_b__c\x21"));
        KeyRule::Verbatim.treated(b"a b", |key| assert_eq!(key, b"a b"));
    }

    #[test]
    fn key_ends_at_the_first_hash_stop() {
        KeyRule::HashStop.treated(b"a:b|#|c|#|d", |key| assert_eq!(key, b"a:b"));
        KeyRule::HashStop.treated(b"a|#b", |key| assert_eq!(key, b"a|#b"));
        KeyRule::HashStop.treated(b"|#|", |key| assert_eq!(key, b""));
    }

    #[test]
    fn long_key_is_cut_at_250_bytes() {
        KeyRule::Underscored.treated(&[b'x'; 300], |key| assert_eq!(key, [b'x'; 250]));
    }

    #[test]
    fn suffix_replaces_the_one_before() {
        let mut key = Suffixed::new(&[b'k'; 250]);
        assert!(key.with(u32::MAX).ends_with(b"k-4294967295"));
        assert!(key.with(7).ends_with(b"k-7"));
    }
}
