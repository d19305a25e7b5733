//! The statements `server` and `default-server`.

use core::time::Duration;

use super::address::{Host, parse_host_only, parse_server};
use super::diagnostic::{Complaints, Diagnostic, Position};
use super::keyword::{FOREIGN_SERVER, unknown};
use super::model::{Check, Server};
use super::section::{Section, odd_character};
use super::statement::{Statement, parse_integer};
use super::units::parse_time;

/// The settings of a server, or those that `default-server` gives to later ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerSettings {
    weight: Option<u16>,
    check: bool,
    check_host: Option<Host>,
    check_port: Option<u16>,
    inter: Option<Duration>,
    fast_inter: Option<Duration>,
    down_inter: Option<Duration>,
    rise: Option<u32>,
    fall: Option<u32>,
    maxconn: Option<u32>,
    maxqueue: Option<u32>,
    backup: bool,
    disabled: bool,
    id: Option<u32>,
}

/// A `server` statement, before ids are given.
#[derive(Debug, Clone)]
pub(super) struct ServerDraft {
    pub(super) name: String,
    pub(super) position: Position,
    host: Host,
    port: u16,
    settings: ServerSettings,
}

impl ServerDraft {
    /// The `id` that the file gives.
    pub(super) fn id(&self) -> Option<u32> {
        self.settings.id
    }

    /// The server, under this id.
    pub(super) fn into_server(self, id: u32) -> Server {
        let settings = self.settings;
        let inter = settings.inter.unwrap_or(INTER);
        let check = settings.check.then_some(Check {
            host: settings.check_host,
            port: settings.check_port,
            inter,
            fast_inter: settings.fast_inter.unwrap_or(inter),
            down_inter: settings.down_inter.unwrap_or(inter),
            rise: settings.rise.unwrap_or(2),
            fall: settings.fall.unwrap_or(3),
        });
        Server {
            name: self.name.into(),
            id,
            host: self.host,
            port: self.port,
            weight: settings.weight.unwrap_or(1),
            check,
            maxconn: settings.maxconn.filter(|limit| *limit > 0),
            maxqueue: settings.maxqueue.filter(|limit| *limit > 0),
            backup: settings.backup,
            disabled: settings.disabled,
            position: self.position,
        }
    }
}

/// Reads `server NAME ADDRESS[:PORT] [SETTING ...]`.
pub(super) fn server(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    let expects = "'server' expects <name> and <addr>[:<port>] as arguments.";
    let name = statement.require(1, expects)?;
    if let Some(character) = odd_character(name) {
        let message = format!("character '{character}' is not permitted in server name '{name}'.");
        return Err(statement.error(1, message));
    }
    let address = statement.require(2, expects)?;
    let place = format!("'server {}/{name}' : ", section.name);
    let (host, port) =
        parse_server(address).map_err(|text| statement.error(2, format!("{place}{text}")))?;
    let mut settings = section.settings.default_server.clone();
    read_settings(&mut settings, statement, 3, &place)?;
    if section.servers.len() == SERVERS_MAX {
        return Err(statement.error(0, format!("more than {SERVERS_MAX} servers in a section")));
    }
    section.servers.push(ServerDraft {
        name: name.to_owned(),
        position: statement.position(),
        host,
        port,
        settings,
    });
    Ok(())
}

/// Reads `default-server SETTING ...`.
pub(super) fn default_server(
    section: &mut Section,
    statement: &Statement<'_>,
    _: &mut Complaints,
) -> Result<(), Diagnostic> {
    read_settings(
        &mut section.settings.default_server,
        statement,
        1,
        "'default-server' : ",
    )
}

/// A setting with a value: its name, and how the value is read.
type Setting = (
    &'static str,
    fn(&mut ServerSettings, &str) -> Result<(), String>,
);

/// A setting without one.
type Flag = (&'static str, fn(&mut ServerSettings));

const SETTINGS: &[Setting] = &[
    ("addr", |settings, value| {
        set(&mut settings.check_host, parse_host_only(value))
    }),
    ("downinter", |settings, value| {
        set(&mut settings.down_inter, delay("downinter", value))
    }),
    ("fall", |settings, value| {
        set(&mut settings.fall, count("fall", value))
    }),
    ("fastinter", |settings, value| {
        set(&mut settings.fast_inter, delay("fastinter", value))
    }),
    ("id", |settings, value| {
        set(
            &mut settings.id,
            parse_integer(value, "id", 1, i32::MAX as u32),
        )
    }),
    ("inter", |settings, value| {
        set(&mut settings.inter, delay("inter", value))
    }),
    ("maxconn", |settings, value| {
        set(&mut settings.maxconn, limit("maxconn", value))
    }),
    ("maxqueue", |settings, value| {
        set(&mut settings.maxqueue, limit("maxqueue", value))
    }),
    ("port", |settings, value| {
        set(
            &mut settings.check_port,
            parse_integer(value, "port", 1, u16::MAX),
        )
    }),
    ("rise", |settings, value| {
        set(&mut settings.rise, count("rise", value))
    }),
    ("weight", |settings, value| {
        let weight = parse_integer(value, "weight", 0, 256)
            .map_err(|_| format!("weight is not within 0 and 256 ({value})."));
        set(&mut settings.weight, weight)
    }),
];

const FLAGS: &[Flag] = &[
    ("backup", |settings| settings.backup = true),
    ("check", |settings| settings.check = true),
    ("disabled", |settings| settings.disabled = true),
    ("enabled", |settings| settings.disabled = false),
    ("no-backup", |settings| settings.backup = false),
    ("no-check", |settings| settings.check = false),
];

fn read_settings(
    settings: &mut ServerSettings,
    statement: &Statement<'_>,
    from: usize,
    place: &str,
) -> Result<(), Diagnostic> {
    let mut at = from;
    while let Some(name) = statement.word(at) {
        if let Some((_, apply)) = FLAGS.iter().find(|(flag, _)| *flag == name) {
            apply(settings);
            at += 1;
        } else if let Some((_, read)) = SETTINGS.iter().find(|(setting, _)| *setting == name) {
            let expects = format!("{place}'{name}' expects an argument.");
            let value = statement.require(at + 1, &expects)?;
            read(settings, value)
                .map_err(|text| statement.error(at + 1, format!("{place}{text}")))?;
            at += 2;
        } else {
            let known = SETTINGS
                .iter()
                .map(|(name, _)| *name)
                .chain(FLAGS.iter().map(|(name, _)| *name));
            let text = unknown("keyword", name, "", known, FOREIGN_SERVER);
            return Err(statement.error(at, format!("{place}{text}")));
        }
    }
    Ok(())
}

fn set<T>(field: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *field = Some(value?);
    Ok(())
}

fn delay(of: &str, value: &str) -> Result<Duration, String> {
    match parse_time(value) {
        Ok(delay) if delay.is_zero() => Err(format!("'{of}' has to be > 0.")),
        Ok(delay) => Ok(delay),
        Err(error) => Err(error.message(value, of)),
    }
}

fn count(of: &str, value: &str) -> Result<u32, String> {
    parse_integer(value, of, 1, COUNT_MAX).map_err(|_| match value {
        "0" => format!("'{of}' has to be > 0."),
        _ => format!("'{of}' value must be between 1 and {COUNT_MAX} (was {value})"),
    })
}

fn limit(of: &str, value: &str) -> Result<u32, String> {
    parse_integer(value, of, 0, i32::MAX as u32)
}

/// The default of `inter`.
const INTER: Duration = Duration::from_secs(2);

/// The largest `rise` or `fall`: keeps their sum far from overflow.
const COUNT_MAX: u32 = 1_000_000;

/// Servers of one section. More belong to a file that went wrong.
const SERVERS_MAX: usize = 4096;
