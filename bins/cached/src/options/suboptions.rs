//! The table behind `-o`.

use std::time::Duration;

use super::draft::{Draft, number};
use super::{UsageError, tls};

/// One word of `-o`.
#[derive(Debug)]
pub(super) struct Suboption {
    pub(super) name: &'static str,
    /// What the value stands for in the help.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) effect: fn(&mut Draft, &str) -> Result<(), UsageError>,
}

/// Applies one `-o` list; later words win.
pub(super) fn apply(draft: &mut Draft, list: &str) -> Result<(), UsageError> {
    list.split(',')
        .filter(|word| !word.is_empty())
        .try_for_each(|word| apply_one(draft, word))
}

/// Tells whether a word tunes something that does not exist here.
fn has_no_effect(name: &str) -> bool {
    let positive = name.strip_prefix("no_").unwrap_or(name);
    [name, positive]
        .iter()
        .any(|form| WITHOUT_EFFECT.contains(form))
}

fn apply_one(draft: &mut Draft, word: &str) -> Result<(), UsageError> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if let Some(known) = with_effect().find(|known| known.name == name) {
        return match (known.value, value) {
            (Some(_), None) => Err(UsageError::value(format!("'{name}' requires a value"))),
            (None, Some(_)) => Err(UsageError::value(format!("'{name}' takes no value"))),
            _ => (known.effect)(draft, value.unwrap_or_default()),
        };
    }
    if has_no_effect(name) {
        return Ok(());
    }
    if LATER.iter().any(|later| name.starts_with(later)) {
        return Err(UsageError::usage(format!(
            "'{name}' is not implemented yet"
        )));
    }
    Err(UsageError::value(format!(
        "illegal suboption '{name}'; see --help"
    )))
}

/// All words that do something here.
pub(super) fn with_effect() -> impl Iterator<Item = &'static Suboption> {
    WITH_EFFECT.iter().chain(tls::WORDS)
}

const WITH_EFFECT: &[Suboption] = &[
    Suboption {
        name: "idle_timeout",
        value: Some("<sec>"),
        help: "close TCP clients that are silent between commands (default: 0, never)",
        effect: |draft, value| {
            let seconds = number(value, 0)?;
            draft.settings.idle_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            Ok(())
        },
    },
    Suboption {
        name: "maxconns_fast",
        value: None,
        help: "clients above -c get an error at once (default)",
        effect: |draft, _| {
            draft.settings.refuse_when_full = true;
            Ok(())
        },
    },
    Suboption {
        name: "no_maxconns_fast",
        value: None,
        help: "clients above -c wait in the kernel until one leaves",
        effect: |draft, _| {
            draft.settings.refuse_when_full = false;
            Ok(())
        },
    },
    Suboption {
        name: "udp_rate_limit",
        value: Some("<KB>"),
        help: "what an address may get by UDP beyond four times what it sends, per second (default: 256; 0: no limit; ours)",
        effect: |draft, value| {
            let kilobytes: u32 = number(value, 0)?;
            draft.settings.udp_bytes_per_sec = kilobytes.saturating_mul(1024);
            Ok(())
        },
    },
    Suboption {
        name: "read_buf_mem_limit",
        value: Some("<MB>"),
        help: "memory for incomplete long requests of all clients together (default: 64; 0: no limit)",
        effect: |draft, value| {
            let megabytes: u32 = number(value, 0)?;
            draft.settings.long_request_bytes_max = match megabytes {
                0 => usize::MAX,
                _ => usize::try_from(u64::from(megabytes) << 20).unwrap_or(usize::MAX),
            };
            Ok(())
        },
    },
];

/// Knobs of memcached's slabs, hash table, crawlers and log threads, which are built differently
/// here, and words without effect in memcached itself. Each also as `no_...`.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "chunked_items",
    "hash_algorithm",
    "hashexpand",
    "hashpower",
    "hot_lru_pct",
    "hot_max_factor",
    "inline_ascii_resp",
    "lru_crawler",
    "lru_crawler_sleep",
    "lru_crawler_tocrawl",
    "lru_maintainer",
    "modern",
    "resp_obj_mem_limit",
    "slab_automove",
    "slab_automove_freeratio",
    "slab_automove_ratio",
    "slab_automove_window",
    "slab_chunk_max",
    "slab_reassign",
    "slab_sizes",
    "tail_repair_time",
    "temporary_ttl",
    "track_sizes",
    "warm_lru_pct",
    "warm_max_factor",
    "watcher_logbuf_size",
    "worker_logbuf_size",
    // Asks for less confinement than there could be; there is none to lessen.
    "no_drop_privileges",
];

/// Beginnings of memcached's words that mean something and are not implemented yet.
const LATER: &[&str] = &["drop_privileges", "ext_", "proxy_", "sock_cookie_id"];
