//! Why answers differ: every difference has a reason in this table, or the test fails.

use crate::Dialect;

/// Answers of memcached and of the cache to the same request that are not the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) memcached: &'a [u8],
    pub(crate) ours: &'a [u8],
}

/// A known difference.
pub(crate) struct Reason {
    pub(crate) name: &'static str,
    /// Only of memcached of this age.
    dialect: Option<Dialect>,
    /// The items are not the same any more.
    pub(crate) parts_items: bool,
    explains: fn(&Difference<'_>) -> bool,
}

/// The reason of a difference, if it is known.
pub(crate) fn reason_of(difference: &Difference<'_>, dialect: Dialect) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| {
        reason.dialect.is_none_or(|only| only == dialect) && (reason.explains)(difference)
    })
}

const REASONS: &[Reason] = &[
    Reason {
        name: "memcached ends the error after a key that is too long with an empty line",
        dialect: Some(Dialect::New),
        parts_items: false,
        explains: |it| it.request.starts_with(b"g") && it.memcached == [it.ours, b"\r\n"].concat(),
    },
    Reason {
        name: "memcached forgets that a key came in base64 when another command changes or makes the item",
        dialect: None,
        parts_items: false,
        explains: |it| {
            let raw = it.ours.to_vec();
            let raw = replaced(&raw, b"kZm9v b", b"kfoo");
            let raw = replaced(&raw, b"kAQogYg== b", b"k\x01\n b");
            let raw = replaced(&raw, b"ME Zm9v ", b"ME foo ");
            raw != it.ours && without_numbers(&raw) == without_numbers(it.memcached)
        },
    },
    Reason {
        name: "memcached takes any words behind the key of delete; memccapable wants an error",
        dialect: Some(Dialect::New),
        parts_items: false,
        explains: |it| it.request.starts_with(b"delete nothing 0 0") && it.ours == b"ERROR\r\n",
    },
    Reason {
        name: "this memcached was built without TLS",
        dialect: None,
        parts_items: false,
        explains: |it| it.request == b"refresh_certs\r\n" && it.memcached == b"ERROR\r\n",
    },
    Reason {
        name: "the old memcached calls too few words an unknown command",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            let words = it.request.split(|&byte| byte == b' ').count();
            words <= 4 && it.memcached == b"ERROR\r\n" && it.ours == BAD_LINE
        },
    },
    Reason {
        name: "the old memcached reads the data behind a wrong storage command as the next one",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            let errors = |answer: &[u8]| {
                let mut lines = answer.split_inclusive(|&byte| byte == b'\n');
                lines.all(|line| line == b"ERROR\r\n" || line == BAD_LINE)
            };
            it.request.ends_with(b"\r\nqq\r\n") && errors(it.memcached) && errors(it.ours)
        },
    },
    Reason {
        name: "the old memcached answers an unknown command, noreply or not",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            let is_noreply = it.request.ends_with(b" noreply\r\n");
            is_noreply && it.memcached == b"ERROR\r\n" && it.ours.is_empty()
        },
    },
    Reason {
        name: "the old memcached counts the words of verbosity and gat in its own way",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            let requests = [&b"verbosity 1 2 3\r\n"[..], b"gat 0\r\n"];
            requests.contains(&it.request)
        },
    },
    Reason {
        name: "the old memcached drops the data of an ms with a word that is no flag",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| it.request == b"ms a 2 !\r\nmn a\r\n",
    },
    Reason {
        name: "the old memcached words refusals of shutdown differently",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            it.request.starts_with(b"shutdown") && it.ours == [b"SERVER_", it.memcached].concat()
        },
    },
    Reason {
        name: "the old memcached has fewer words for what is wrong with a meta command",
        dialect: Some(Dialect::Old),
        parts_items: false,
        explains: |it| {
            let is_meta = it.request.starts_with(b"m");
            let wordings = [
                &b"CLIENT_ERROR invalid or duplicate flag\r\n"[..],
                b"CLIENT_ERROR invalid flag\r\n",
                BAD_LINE,
            ];
            is_meta && wordings.contains(&it.memcached) && it.ours.starts_with(b"CLIENT_ERROR ")
        },
    },
    Reason {
        name: "memcached forgets the time that ma sets where the item is made anew",
        dialect: None,
        parts_items: true,
        explains: |it| {
            it.memcached.windows(4).any(|part| part == b" t-1")
                && replaced(&without_numbers(it.memcached), b" t-", b" t")
                    == without_numbers(it.ours)
        },
    },
];

const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut left = text;
    while let Some(at) = left.windows(from.len()).position(|part| part == from) {
        result.extend_from_slice(&left[..at]);
        result.extend_from_slice(to);
        left = &left[at + from.len()..];
    }
    [&result, left].concat()
}

/// Ids and times are each peer's own.
fn without_numbers(text: &[u8]) -> Vec<u8> {
    let letters = text.iter().filter(|byte| !byte.is_ascii_digit());
    letters.copied().collect()
}
