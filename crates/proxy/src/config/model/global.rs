//! What the `global` sections mean.

use core::time::Duration;

use crate::config::address::Address;
use crate::config::diagnostic::Position;
use crate::config::logging::LogTarget;

/// The `global` sections, added up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Global {
    /// `log`: where lines go that the proxies send with `log global`. Default: nowhere.
    pub log: Vec<LogTarget>,
    /// `log-tag`: the program name in log lines. Default: `haproxy`, which rsyslog rules match.
    pub log_tag: String,
    /// `log-send-hostname`: the host name in log lines. Default: none is sent.
    pub log_send_hostname: Option<LogHostname>,
    /// `chroot`: the directory to jail the process in, after the listeners are bound.
    pub chroot: Option<String>,
    /// `pidfile`: written by daemons only; the command line's `-p` beats it.
    pub pidfile: Option<String>,
    /// `maxconn`: client connections of the whole process; beyond it the daemon stops to accept.
    /// Default: the daemon derives it from its limit of open files.
    pub maxconn: Option<u32>,
    /// `user` or `uid`, the last one: whom to become after binding.
    pub user: Option<Account>,
    /// `group` or `gid`, the last one.
    pub group: Option<Account>,
    /// `daemon`: go to the background. Default: false.
    pub daemon: bool,
    /// `stats socket`: where commands are taken.
    pub stats_sockets: Vec<StatsSocket>,
    /// `stats timeout`: idle time after which a connection to a stats socket is closed.
    /// Default: 10 s.
    pub stats_timeout: Duration,
    /// `stats maxconn`: concurrent connections to all stats sockets. Default: 10.
    pub stats_maxconn: u32,
    /// `nbthread`: 1 to 64. Default: the daemon's choice.
    pub nbthread: Option<u32>,
    /// `hard-stop-after`: how long a soft stop may take. Default: as long as it takes.
    pub hard_stop_after: Option<Duration>,
    /// `ulimit-n`: the limit of open files to ask for. Default: derived from `maxconn`.
    pub ulimit_n: Option<u32>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            log_tag: String::from("haproxy"),
            log_send_hostname: None,
            chroot: None,
            pidfile: None,
            maxconn: None,
            user: None,
            group: None,
            daemon: false,
            stats_sockets: Vec::new(),
            stats_timeout: Duration::from_secs(10),
            stats_maxconn: 10,
            nbthread: None,
            hard_stop_after: None,
            ulimit_n: None,
        }
    }
}

/// The host name that `log-send-hostname` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the statement has or has not an argument"
)]
pub enum LogHostname {
    /// The machine's own name, which the daemon looks up.
    System,
    /// This name.
    Name(String),
}

/// A user or a group, which the daemon looks up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "an account is named or numbered")]
pub enum Account {
    /// `user` or `group`: a name of the system's database, and where the file says it.
    Name(String, Position),
    /// `uid` or `gid`.
    Id(u32),
}

/// A `stats socket` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatsSocket {
    /// A path or a TCP address; a path is never relative to the jail.
    pub address: Address,
    /// `mode`: permission bits of the path. Default: 0777 less the umask.
    pub mode: Option<u32>,
    /// `user` or `uid`: owner of the path.
    pub user: Option<Account>,
    /// `group` or `gid`: group of the path.
    pub group: Option<Account>,
    /// `level`: what connections may do. Default: [`Level::Operator`].
    pub level: Level,
    /// The statement's place, for messages about a failed bind.
    pub position: Position,
}

/// What a connection to a stats socket may do, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "these three are the language's levels"
)]
pub enum Level {
    /// Reads what is not sensitive.
    User,
    /// Reads everything.
    #[default]
    Operator,
    /// Changes too.
    Admin,
}
