//! The table of flags: memcached's in its order, then ours.

use super::super::address::Place;
use super::super::draft::number;
use super::super::{Request, suboptions};
use super::Effect::{self, Answers, Does, ReadsFile};
use super::Flag;
use super::effects::{
    delimiter, enable_tls, file, growth_factor, max_item_size, memory_limit, port, protocol,
    threads, udp_port, unix_mask,
};

const fn flag(
    letter: Option<char>,
    name: Option<&'static str>,
    value: Option<&'static str>,
    help: &'static str,
    effect: Effect,
) -> Flag {
    Flag {
        letter,
        name,
        value,
        help,
        effect,
    }
}

/// memcached's flags, in the order of its `--help`.
pub(in super::super) const MEMCACHED: &[Flag] = &[
    flag(
        Some('p'),
        Some("port"),
        Some("<num>"),
        "TCP port to listen on (default: 11211; 0: none, -1: any free port)",
        Does(port),
    ),
    flag(
        Some('U'),
        Some("udp-port"),
        Some("<num>"),
        "UDP port to listen on (default: 0, off; -1: any free port); without -p also that of TCP",
        Does(udp_port),
    ),
    flag(
        Some('s'),
        Some("unix-socket"),
        Some("<file>"),
        "Unix socket to listen on, instead of the network",
        Does(|draft, value| {
            draft.unix_socket = Some(value.into());
            Ok(())
        }),
    ),
    flag(
        Some('a'),
        Some("unix-mask"),
        Some("<mask>"),
        "permissions of the Unix socket, in octal (default: 700)",
        Does(unix_mask),
    ),
    flag(
        Some('A'),
        Some("enable-shutdown"),
        None,
        "clients may use shutdown, which ends the server",
        Does(|draft, _| {
            draft.settings.engine.shutdown_enabled = true;
            Ok(())
        }),
    ),
    flag(
        Some('l'),
        Some("listen"),
        Some("<addr>"),
        "where to listen: host, host:port, [v6]:port, or several with commas; may be repeated (default: all interfaces, v4 and v6); proto[ascii|binary|negotiating]:, notls:, btls:, mtls: and tag[name]: may stand before each",
        Does(|draft, value| {
            draft.places.extend(Place::parse_list(value)?);
            Ok(())
        }),
    ),
    flag(
        Some('d'),
        Some("daemon"),
        None,
        "go to the background once the server is ready",
        Does(|draft, _| {
            draft.daemon = true;
            Ok(())
        }),
    ),
    flag(
        Some('r'),
        Some("enable-coredumps"),
        None,
        "let a crash leave a core file",
        Does(|draft, _| {
            draft.core_dumps = true;
            Ok(())
        }),
    ),
    flag(
        Some('u'),
        Some("user"),
        Some("<user>"),
        "become this user (name or number; only when started as root)",
        Does(|draft, value| {
            draft.user = Some(value.to_owned());
            Ok(())
        }),
    ),
    flag(
        Some('m'),
        Some("memory-limit"),
        Some("<num>"),
        "memory for items, in megabytes (default: 64)",
        Does(memory_limit),
    ),
    flag(
        Some('M'),
        Some("disable-evictions"),
        None,
        "when memory is full, answer with an error instead of evicting",
        Does(|draft, _| {
            draft.settings.evict = false;
            Ok(())
        }),
    ),
    flag(
        Some('c'),
        Some("conn-limit"),
        Some("<num>"),
        "clients at the same time (default: 1024)",
        Does(|draft, value| {
            draft.settings.connections_max = number(value, 1)?;
            Ok(())
        }),
    ),
    flag(
        Some('k'),
        Some("lock-memory"),
        None,
        "keep all memory from being swapped out",
        Does(|draft, _| {
            draft.lock_memory = true;
            Ok(())
        }),
    ),
    flag(
        Some('v'),
        Some("verbose"),
        None,
        "say what goes wrong, on standard error; -vv also says who connects",
        Does(|draft, _| {
            draft.settings.verbosity = draft.settings.verbosity.saturating_add(1);
            Ok(())
        }),
    ),
    flag(
        Some('h'),
        Some("help"),
        None,
        "print this help and exit",
        Answers(Request::Help),
    ),
    flag(
        Some('i'),
        Some("license"),
        None,
        "print the licence and exit",
        Answers(Request::Licence),
    ),
    flag(
        Some('V'),
        Some("version"),
        None,
        "print the version and exit",
        Answers(Request::Version),
    ),
    flag(
        Some('P'),
        Some("pidfile"),
        Some("<file>"),
        "write the process number to a file",
        Does(|draft, value| {
            draft.pid_file = Some(value.into());
            Ok(())
        }),
    ),
    flag(
        Some('f'),
        Some("slab-growth-factor"),
        Some("<num>"),
        "no effect: memory is not cut into classes",
        Does(growth_factor),
    ),
    flag(
        Some('n'),
        Some("slab-min-size"),
        Some("<bytes>"),
        "no effect: memory is not cut into classes",
        Does(|draft, value| {
            draft.settings.engine.slabs.chunk_bytes_min = number(value, 1)?;
            Ok(())
        }),
    ),
    flag(
        Some('L'),
        Some("enable-largepages"),
        None,
        "no effect but that cache_memlimit is refused: where the kernel has large pages to give, they are used without",
        Does(|draft, _| {
            draft.settings.engine.memory_fixed = true;
            Ok(())
        }),
    ),
    flag(
        Some('D'),
        None,
        Some("<char>"),
        "what ends the prefix of a key, for stats detail, which is on from the start then (default: a colon)",
        Does(delimiter),
    ),
    flag(
        Some('t'),
        Some("threads"),
        Some("<num>"),
        "worker threads (default: 4)",
        Does(threads),
    ),
    flag(
        Some('R'),
        Some("max-reqs-per-event"),
        Some("<num>"),
        "requests of one client that are answered before others get their turn (default: 20)",
        Does(|draft, value| {
            draft.settings.requests_per_event = number(value, 1)?;
            Ok(())
        }),
    ),
    flag(
        Some('C'),
        Some("disable-cas"),
        None,
        "items carry no ids: gets shows 0, cas finds no match",
        Does(|draft, _| {
            draft.settings.cas = false;
            Ok(())
        }),
    ),
    flag(
        Some('b'),
        Some("listen-backlog"),
        Some("<num>"),
        "connections that may wait in the kernel (default: 1024)",
        Does(|draft, value| {
            draft.settings.backlog = number(value, 1)?;
            Ok(())
        }),
    ),
    flag(
        Some('B'),
        Some("protocol"),
        Some("<name>"),
        "ascii, binary or auto, which goes by the first byte (default: auto)",
        Does(protocol),
    ),
    flag(
        Some('I'),
        Some("max-item-size"),
        Some("<size>"),
        "largest item: bytes, or with k or m (default: 1m, from 1k to 1024m, at most half of -m)",
        Does(max_item_size),
    ),
    flag(
        Some('S'),
        Some("enable-sasl"),
        None,
        "clients say who they are by SASL, and speak binary; MEMCACHED_SASL_PWDB names the file of users, as for -Y",
        Does(|draft, _| {
            draft.sasl = true;
            Ok(())
        }),
    ),
    flag(
        Some('F'),
        Some("disable-flush-all"),
        None,
        "clients may not use flush_all",
        Does(|draft, _| {
            draft.settings.flush_all = false;
            Ok(())
        }),
    ),
    flag(
        Some('X'),
        Some("disable-dumping"),
        None,
        "clients may not use stats cachedump, stats detail, lru_crawler metadump and mgdump",
        Does(|draft, _| {
            draft.settings.engine.dump_enabled = false;
            Ok(())
        }),
    ),
    flag(
        Some('W'),
        Some("disable-watch"),
        None,
        "clients may not use watch",
        Does(|draft, _| {
            draft.settings.engine.watch_enabled = false;
            Ok(())
        }),
    ),
    flag(
        Some('Y'),
        Some("auth-file"),
        Some("<file>"),
        "clients say who they are by a first set, in text; the file has lines user:password, 8 at most",
        Does(|draft, value| {
            draft.auth_file = Some(file(value)?);
            Ok(())
        }),
    ),
    flag(
        Some('e'),
        Some("memory-file"),
        Some("<file>"),
        "keep the items here between a planned stop (USR1) and the next start, which removes the file",
        Does(|draft, value| {
            draft.settings.memory_file = Some(file(value)?);
            Ok(())
        }),
    ),
    flag(
        Some('Z'),
        Some("enable-ssl"),
        None,
        "TLS at all TCP listeners but those with notls: (see -o ssl_...)",
        Does(enable_tls),
    ),
    flag(
        Some('o'),
        Some("extended"),
        Some("<list>"),
        "further options, see below",
        Does(suboptions::apply),
    ),
    flag(
        Some('N'),
        Some("napi_ids"),
        Some("<num>"),
        "no effect: the kernel spreads connections over the workers (at most -t)",
        Does(|draft, value| {
            draft.settings.engine.napi_ids = number(value, 1)?;
            Ok(())
        }),
    ),
];

/// Ours.
pub(in super::super) const OURS: &[Flag] = &[
    flag(
        None,
        Some("config"),
        Some("<file>"),
        "read options from a file as Debian has it, one on a line, after those before and before those behind",
        ReadsFile,
    ),
    flag(
        None,
        Some("save-on-term"),
        None,
        "with -e: TERM ends as USR1 does, and keeps the items",
        Does(|draft, _| {
            draft.save_on_term = true;
            Ok(())
        }),
    ),
    flag(
        None,
        Some("check-config"),
        None,
        "say whether the options are good, and exit",
        Does(|draft, _| {
            draft.check_only = true;
            Ok(())
        }),
    ),
];
