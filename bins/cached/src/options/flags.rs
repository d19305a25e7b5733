//! The table of flags: the one place that says what each is called, takes, does and means.

use std::fmt;

use super::address::Place;
use super::draft::{Draft, number, size};
use super::suboptions;
use super::{Request, UsageError};
use crate::settings::{Protocol, THREADS_MAX};

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) letter: Option<char>,
    pub(super) name: Option<&'static str>,
    /// What the value stands for in the help; `None` when the flag takes none.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) effect: Effect,
}

/// What a flag does.
#[derive(Debug)]
pub(super) enum Effect {
    /// Changes what will be run.
    Does(fn(&mut Draft, &str) -> Result<(), UsageError>),
    /// Is answered at once, instead of running.
    Answers(Request),
    /// Tunes something that does not exist here. The help says so.
    Nothing,
    /// Is memcached's, and not implemented yet: an error.
    Refused,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.letter, self.name) {
            (Some(letter), Some(name)) => write!(f, "-{letter}, --{name}"),
            (Some(letter), None) => write!(f, "-{letter}"),
            (None, name) => write!(f, "--{}", name.unwrap_or_default()),
        }
    }
}

pub(super) fn by_letter(letter: char) -> Option<&'static Flag> {
    all().find(|flag| flag.letter == Some(letter))
}

/// Finds a flag by its long name or a beginning of it that fits no other.
pub(super) fn by_name(text: &str) -> Result<&'static Flag, UsageError> {
    let named = |flag: &&Flag| flag.name.is_some_and(|name| name.starts_with(text));
    if let Some(exact) = all().find(|flag| flag.name == Some(text)) {
        return Ok(exact);
    }
    let mut fitting = all().filter(named);
    match (fitting.next(), fitting.next()) {
        (Some(flag), None) => Ok(flag),
        (Some(one), Some(other)) => Err(UsageError::value(format!(
            "'--{text}' is ambiguous: {one} or {other}?"
        ))),
        (None, _) => Err(UsageError::value(format!(
            "unknown option '--{text}'; see --help"
        ))),
    }
}

fn all() -> impl Iterator<Item = &'static Flag> {
    NETWORK
        .iter()
        .chain(MEMORY)
        .chain(WORK)
        .chain(PROCESS)
        .chain(OURS)
        .chain(LATER)
}

const fn flag(letter: char, name: &'static str, help: &'static str, effect: Effect) -> Flag {
    Flag {
        letter: Some(letter),
        name: Some(name),
        value: None,
        help,
        effect,
    }
}

const fn valued(
    letter: char,
    name: &'static str,
    value: &'static str,
    help: &'static str,
    effect: Effect,
) -> Flag {
    Flag {
        letter: Some(letter),
        name: Some(name),
        value: Some(value),
        help,
        effect,
    }
}

use Effect::{Answers, Does, Nothing, Refused};

pub(super) const NETWORK: &[Flag] = &[
    valued(
        'p',
        "port",
        "<num>",
        "TCP port to listen on (default: 11211; 0: none, -1: any free port)",
        Does(port),
    ),
    valued(
        'l',
        "listen",
        "<addr>",
        "where to listen: host, host:port, [v6]:port, or several with commas; may be repeated (default: all interfaces, v4 and v6); proto[ascii|binary|negotiating]:, notls:, btls:, mtls: and tag[name]: may stand before each",
        Does(|draft, value| {
            draft.places.extend(Place::parse_list(value)?);
            Ok(())
        }),
    ),
    valued(
        's',
        "unix-socket",
        "<file>",
        "Unix socket to listen on, instead of the network",
        Does(|draft, value| {
            draft.unix_socket = Some(value.into());
            Ok(())
        }),
    ),
    valued(
        'a',
        "unix-mask",
        "<mask>",
        "permissions of the Unix socket, in octal (default: 700)",
        Does(unix_mask),
    ),
    valued(
        'U',
        "udp-port",
        "<num>",
        "UDP port to listen on (default: 0, off; -1: any free port); without -p also that of TCP",
        Does(udp_port),
    ),
    valued(
        'c',
        "conn-limit",
        "<num>",
        "clients at the same time (default: 1024)",
        Does(|draft, value| {
            draft.settings.connections_max = number(value, 1)?;
            Ok(())
        }),
    ),
    valued(
        'b',
        "listen-backlog",
        "<num>",
        "connections that may wait in the kernel (default: 1024)",
        Does(|draft, value| {
            draft.settings.backlog = number(value, 1)?;
            Ok(())
        }),
    ),
    valued(
        'B',
        "protocol",
        "<name>",
        "ascii, binary or auto, which goes by the first byte (default: auto)",
        Does(protocol),
    ),
    flag(
        'Z',
        "enable-ssl",
        "TLS at all TCP listeners but those with notls: (see -o ssl_...)",
        Does(enable_tls),
    ),
];

pub(super) const MEMORY: &[Flag] = &[
    valued(
        'm',
        "memory-limit",
        "<num>",
        "memory for items, in megabytes (default: 64)",
        Does(memory_limit),
    ),
    valued(
        'I',
        "max-item-size",
        "<size>",
        "largest item: bytes, or with k or m (default: 1m, from 1k to 1024m, at most half of -m)",
        Does(max_item_size),
    ),
    flag(
        'M',
        "disable-evictions",
        "when memory is full, answer with an error instead of evicting",
        Does(|draft, _| {
            draft.settings.evict = false;
            Ok(())
        }),
    ),
    flag(
        'k',
        "lock-memory",
        "keep all memory from being swapped out",
        Does(|draft, _| {
            draft.lock_memory = true;
            Ok(())
        }),
    ),
    valued(
        'e',
        "memory-file",
        "<file>",
        "keep the items here between a planned stop (USR1) and the next start, which removes the file",
        Does(|draft, value| {
            if value.is_empty() {
                return Err(UsageError::value("the name of the file is empty"));
            }
            draft.settings.memory_file = Some(value.into());
            Ok(())
        }),
    ),
    flag(
        'C',
        "disable-cas",
        "items carry no ids: gets shows 0, cas finds no match",
        Does(|draft, _| {
            draft.settings.cas = false;
            Ok(())
        }),
    ),
    valued(
        'f',
        "slab-growth-factor",
        "<num>",
        "no effect: memory is not cut into classes",
        Does(|_, value| match value.parse::<f64>() {
            Ok(factor) if factor > 1.0 => Ok(()),
            _ => Err(UsageError::value(format!(
                "'{value}' is not a number above 1"
            ))),
        }),
    ),
    valued(
        'n',
        "slab-min-size",
        "<bytes>",
        "no effect: memory is not cut into classes",
        Does(|_, value| number(value, 1_u32).map(drop)),
    ),
    flag(
        'L',
        "enable-largepages",
        "no effect: the kernel's own setting decides",
        Nothing,
    ),
];

pub(super) const WORK: &[Flag] = &[
    valued(
        't',
        "threads",
        "<num>",
        "worker threads (default: 4)",
        Does(threads),
    ),
    valued(
        'R',
        "max-reqs-per-event",
        "<num>",
        "requests of one client that are answered before others get their turn (default: 20)",
        Does(|draft, value| {
            draft.settings.requests_per_event = number(value, 1)?;
            Ok(())
        }),
    ),
    flag(
        'F',
        "disable-flush-all",
        "clients may not use flush_all",
        Does(|draft, _| {
            draft.settings.flush_all = false;
            Ok(())
        }),
    ),
    flag(
        'X',
        "disable-dumping",
        "no effect yet: there are no commands that list keys",
        Nothing,
    ),
    flag(
        'W',
        "disable-watch",
        "no effect yet: there is no watch command",
        Nothing,
    ),
    valued(
        'o',
        "extended",
        "<list>",
        "further options, see below",
        Does(suboptions::apply),
    ),
];

pub(super) const PROCESS: &[Flag] = &[
    flag(
        'd',
        "daemon",
        "go to the background once the server is ready",
        Does(|draft, _| {
            draft.daemon = true;
            Ok(())
        }),
    ),
    valued(
        'u',
        "user",
        "<user>",
        "become this user (name or number; only when started as root)",
        Does(|draft, value| {
            draft.user = Some(value.to_owned());
            Ok(())
        }),
    ),
    valued(
        'P',
        "pidfile",
        "<file>",
        "write the process number to a file",
        Does(|draft, value| {
            draft.pid_file = Some(value.into());
            Ok(())
        }),
    ),
    flag(
        'r',
        "enable-coredumps",
        "let a crash leave a core file",
        Does(|draft, _| {
            draft.core_dumps = true;
            Ok(())
        }),
    ),
    flag(
        'v',
        "verbose",
        "say what goes wrong, on standard error; -vv also says who connects",
        Does(|draft, _| {
            draft.settings.verbosity = draft.settings.verbosity.saturating_add(1);
            Ok(())
        }),
    ),
    flag(
        'h',
        "help",
        "print this help and exit",
        Answers(Request::Help),
    ),
    flag(
        'i',
        "license",
        "print the licence and exit",
        Answers(Request::Licence),
    ),
    flag(
        'V',
        "version",
        "print the version and exit",
        Answers(Request::Version),
    ),
];

pub(super) const OURS: &[Flag] = &[
    Flag {
        letter: None,
        name: Some("save-on-term"),
        value: None,
        help: "with -e: TERM ends as USR1 does, and keeps the items",
        effect: Does(|draft, _| {
            draft.save_on_term = true;
            Ok(())
        }),
    },
    Flag {
        letter: None,
        name: Some("check-config"),
        value: None,
        help: "say whether the options are good, and exit",
        effect: Does(|draft, _| {
            draft.check_only = true;
            Ok(())
        }),
    },
];

pub(super) const LATER: &[Flag] = &[
    flag('A', "enable-shutdown", "", Refused),
    Flag {
        letter: Some('D'),
        name: None,
        value: Some("<char>"),
        help: "",
        effect: Refused,
    },
    valued('N', "napi_ids", "<num>", "", Refused),
    flag('S', "enable-sasl", "", Refused),
    valued('Y', "auth-file", "<file>", "", Refused),
];

fn port(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.port = Some(port_number(value)?);
    Ok(())
}

fn udp_port(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.udp_port = port_number(value)?;
    Ok(())
}

/// Reads a port: `None` is none (0), port 0 any free one (-1).
fn port_number(value: &str) -> Result<Option<u16>, UsageError> {
    match value {
        "0" => Ok(None),
        "-1" => Ok(Some(0)),
        _ => match value.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(UsageError::value(format!("'{value}' is not a port number"))),
        },
    }
}

fn enable_tls(draft: &mut Draft, _: &str) -> Result<(), UsageError> {
    if !cfg!(feature = "tls") {
        return Err(UsageError::usage(
            "this steadfast-cached was built without TLS (the feature 'tls')",
        ));
    }
    draft.tls.is_on = true;
    Ok(())
}

fn unix_mask(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    match u32::from_str_radix(value, 8) {
        Ok(mode) if mode <= 0o777 => draft.unix_mode = mode,
        _ => {
            return Err(UsageError::value(format!(
                "'{value}' is not an octal mode of 0 to 777"
            )));
        }
    }
    Ok(())
}

fn protocol(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.protocol = match value {
        "auto" => Protocol::Negotiate,
        "ascii" => Protocol::Text,
        "binary" => Protocol::Binary,
        _ => {
            return Err(UsageError::usage(format!(
                "'{value}' is none of auto, ascii, binary"
            )));
        }
    };
    Ok(())
}

fn memory_limit(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let megabytes: u64 = number(value, 1)?;
    draft.settings.memory_bytes = megabytes
        .checked_mul(1 << 20)
        .filter(|&bytes| bytes <= MEMORY_BYTES_MAX)
        .ok_or_else(|| {
            UsageError::value(format!("{value} megabytes is more than a machine has"))
        })?;
    Ok(())
}

fn max_item_size(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let bytes = size(value)?;
    if !(ITEM_BYTES_LEAST..=ITEM_BYTES_MOST).contains(&bytes) {
        return Err(UsageError::usage(format!(
            "{bytes} bytes is not within 1k and 1024m"
        )));
    }
    draft.settings.item_bytes_max = bytes;
    Ok(())
}

fn threads(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let threads = number(value, 1)?;
    if threads > THREADS_MAX {
        return Err(UsageError::value(format!(
            "{threads} threads exceed {THREADS_MAX}"
        )));
    }
    if threads > THREADS_SENSIBLE {
        draft.warnings.push(format!(
            "{threads} worker threads are more than are useful; use as many as there are cores"
        ));
    }
    draft.settings.threads = threads;
    Ok(())
}

/// memcached warns from here on.
const THREADS_SENSIBLE: usize = 64;
const ITEM_BYTES_LEAST: usize = 1 << 10;
const ITEM_BYTES_MOST: usize = 1 << 30;
/// 64 TB: catches a number of bytes given for one of megabytes.
const MEMORY_BYTES_MAX: u64 = 1 << 46;
