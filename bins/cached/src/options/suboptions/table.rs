//! The table behind `-o`: memcached's words in the order of its `--help`, then those it does not show;
//! then ours. Those about TLS have a table of their own.

use std::time::Duration;

use super::super::UsageError;
use super::super::draft::{Draft, number};
use super::Suboption;
use super::Value::{self, Absent, Needed, Optional};
use super::effects::{
    fraction, hash_algorithm, kilobytes, maintainer, no_modern, read_buffers, refused, slab_sizes,
    within,
};

const fn word(
    name: &'static str,
    value: Value,
    help: &'static str,
    effect: fn(&mut Draft, &str) -> Result<(), UsageError>,
) -> Suboption {
    Suboption {
        name,
        value,
        help,
        effect,
    }
}

/// memcached's words.
pub(in super::super) const MEMCACHED: &[Suboption] = &[
    word(
        "maxconns_fast",
        Absent,
        "clients above -c get an error at once (default)",
        |draft, _| {
            draft.settings.refuse_when_full = true;
            Ok(())
        },
    ),
    word(
        "no_maxconns_fast",
        Absent,
        "clients above -c wait in the kernel until one leaves",
        |draft, _| {
            draft.settings.refuse_when_full = false;
            Ok(())
        },
    ),
    word(
        "hashpower",
        Needed("<num>"),
        "no effect: the index grows as it needs to (12 to 32)",
        |draft, value| {
            draft.settings.engine.hash_power = within(value, 12, 32)?;
            Ok(())
        },
    ),
    word(
        "tail_repair_time",
        Needed("<sec>"),
        "no effect: there is nothing to repair (10 or more)",
        |draft, value| {
            draft.settings.engine.tail_repair_secs = number(value, 10)?;
            Ok(())
        },
    ),
    word(
        "hash_algorithm",
        Needed("<name>"),
        "no effect: one of our own, with a secret seed (jenkins, murmur3, xxh3)",
        |_, value| hash_algorithm(value),
    ),
    word(
        "lru_crawler",
        Absent,
        "look for expired items in the background (default)",
        |draft, _| {
            draft.settings.engine.lru.crawler = true;
            Ok(())
        },
    ),
    word(
        "no_lru_crawler",
        Absent,
        "do not, and refuse dumps",
        |draft, _| {
            draft.settings.engine.lru.crawler = false;
            Ok(())
        },
    ),
    word(
        "lru_crawler_sleep",
        Needed("<us>"),
        "kept and shown, no effect (default: 100, up to 1000000)",
        |draft, value| {
            draft.settings.engine.lru.crawler_sleep_us = within(value, 0, 1_000_000)?;
            Ok(())
        },
    ),
    word(
        "lru_crawler_tocrawl",
        Needed("<num>"),
        "kept and shown, no effect (default: 0)",
        |draft, value| {
            draft.settings.engine.lru.crawler_items_max = number(value, 0)?;
            Ok(())
        },
    ),
    word(
        "read_buf_mem_limit",
        Needed("<MB>"),
        "memory for incomplete long requests of all clients together (default: 64; 0: no limit)",
        read_buffers,
    ),
    word(
        "lru_maintainer",
        Absent,
        "names of reports as with it (default); nothing else",
        |draft, _| {
            maintainer(draft, true);
            Ok(())
        },
    ),
    word(
        "no_lru_maintainer",
        Absent,
        "names of reports as without it; nothing else",
        |draft, _| {
            maintainer(draft, false);
            Ok(())
        },
    ),
    word(
        "hot_lru_pct",
        Needed("<num>"),
        "kept and shown, no effect (default: 20)",
        |draft, value| {
            draft.settings.engine.lru.hot_percent = within(value, 1, 80)?;
            Ok(())
        },
    ),
    word(
        "warm_lru_pct",
        Needed("<num>"),
        "kept and shown, no effect (default: 40)",
        |draft, value| {
            draft.settings.engine.lru.warm_percent = within(value, 1, 80)?;
            Ok(())
        },
    ),
    word(
        "hot_max_factor",
        Needed("<num>"),
        "kept and shown, no effect (default: 0.2)",
        |draft, value| {
            draft.settings.engine.lru.hot_factor = fraction(value, f64::MAX)?;
            Ok(())
        },
    ),
    word(
        "warm_max_factor",
        Needed("<num>"),
        "kept and shown, no effect (default: 2.0)",
        |draft, value| {
            draft.settings.engine.lru.warm_factor = fraction(value, f64::MAX)?;
            Ok(())
        },
    ),
    word(
        "temporary_ttl",
        Needed("<sec>"),
        "kept and shown, no effect (default: 61, and off)",
        |draft, value| {
            let secs = number(value, 0)?;
            let lru = &mut draft.settings.engine.lru;
            (lru.temporary, lru.temporary_ttl_secs) = (true, secs);
            Ok(())
        },
    ),
    word(
        "idle_timeout",
        Needed("<sec>"),
        "close TCP clients that are silent between commands (default: 0, never)",
        |draft, value| {
            let seconds = number(value, 0)?;
            draft.settings.idle_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            Ok(())
        },
    ),
    word(
        "slab_chunk_max",
        Needed("<KB>"),
        "kept and shown, no effect: values are never cut (default: 512)",
        |draft, value| {
            draft.settings.engine.slabs.chunk_bytes_max = within(value, 1, 1024)? << 10;
            Ok(())
        },
    ),
    word(
        "no_chunked_items",
        Absent,
        "the same as slab_chunk_max=1024",
        |draft, _| {
            draft.settings.engine.slabs.chunk_bytes_max = 1 << 20;
            Ok(())
        },
    ),
    word(
        "slab_sizes",
        Needed("<list>"),
        "no effect: memory is not cut into classes (bytes, rising, with - between)",
        |_, value| slab_sizes(value),
    ),
    word(
        "watcher_logbuf_size",
        Needed("<KB>"),
        "what each watcher may have waiting (default: 256)",
        |draft, value| {
            draft.settings.engine.watcher_log_bytes_max = kilobytes(value)?;
            Ok(())
        },
    ),
    word(
        "worker_logbuf_size",
        Needed("<KB>"),
        "what one call of a worker may tell watchers (default: 64)",
        |draft, value| {
            draft.settings.engine.worker_log_bytes_max = kilobytes(value)?;
            Ok(())
        },
    ),
    word("track_sizes", Absent, "stats sizes answers", |draft, _| {
        draft.settings.engine.track_sizes = true;
        Ok(())
    }),
    word(
        "no_hashexpand",
        Absent,
        "no effect: the index grows as it needs to",
        |_, _| Ok(()),
    ),
    word(
        "slab_reassign",
        Absent,
        "names of the page mover in reports (default); nothing else",
        |draft, _| {
            draft.settings.engine.slabs.reassign = true;
            Ok(())
        },
    ),
    word("no_slab_reassign", Absent, "leave them out", |draft, _| {
        draft.settings.engine.slabs.reassign = false;
        Ok(())
    }),
    word(
        "slab_automove",
        Optional("<num>"),
        "kept and shown, no effect: sizes share memory (0 to 2, default: 1)",
        |draft, value| {
            draft.settings.engine.slabs.automove = match value {
                "" => 1,
                _ => within(value, 0, 2)?,
            };
            Ok(())
        },
    ),
    word(
        "no_slab_automove",
        Absent,
        "the same as slab_automove=0",
        |draft, _| {
            draft.settings.engine.slabs.automove = 0;
            Ok(())
        },
    ),
    word(
        "slab_automove_ratio",
        Needed("<num>"),
        "kept and shown, no effect (default: 0.8)",
        |draft, value| {
            draft.settings.engine.slabs.automove_ratio = fraction(value, 1.0)?;
            Ok(())
        },
    ),
    word(
        "slab_automove_window",
        Needed("<num>"),
        "kept and shown, no effect (default: 10, from 3 to 1800)",
        |draft, value| {
            draft.settings.engine.slabs.automove_window = within(value, 3, 1800)?;
            Ok(())
        },
    ),
    word(
        "slab_automove_freeratio",
        Needed("<num>"),
        "no effect",
        |_, value| fraction(value, 1.0).map(drop),
    ),
    word("modern", Absent, "no effect, there as here", |_, _| Ok(())),
    word(
        "no_modern",
        Absent,
        "what is shown is what memcached 1.4 had; clients above -c wait",
        |draft, _| {
            no_modern(draft);
            Ok(())
        },
    ),
    word(
        "inline_ascii_resp",
        Absent,
        "no effect, there as here",
        |_, _| Ok(()),
    ),
    word(
        "no_inline_ascii_resp",
        Absent,
        "no effect, there as here",
        |_, _| Ok(()),
    ),
    word(
        "resp_obj_mem_limit",
        Optional("<MB>"),
        "no effect, there as here: see read_buf_mem_limit",
        |draft, _| {
            draft
                .warnings
                .push("resp_obj_mem_limit (-o) has no effect; see read_buf_mem_limit".to_owned());
            Ok(())
        },
    ),
    word(
        "no_drop_privileges",
        Absent,
        "no effect: there is no confinement to lessen",
        |_, _| Ok(()),
    ),
    word(
        "drop_privileges",
        Absent,
        "an error: confine the service by its unit",
        |_, _| {
            refused(
                "drop_privileges",
                "confine the service by its unit, as ours does",
            )
        },
    ),
    word(
        "sock_cookie_id",
        Needed("<num>"),
        "an error: mark packets by the firewall or the unit",
        |_, _| {
            refused(
                "sock_cookie_id",
                "mark packets by the firewall, or by the service's cgroup",
            )
        },
    ),
];

/// Ours.
pub(in super::super) const OURS: &[Suboption] = &[word(
    "udp_rate_limit",
    Needed("<KB>"),
    "what an address may get by UDP beyond four times what it sends, per second (default: 256; 0: no limit)",
    |draft, value| {
        let kilobytes: u32 = number(value, 0)?;
        draft.settings.udp_bytes_per_sec = kilobytes.saturating_mul(1024);
        Ok(())
    },
)];
