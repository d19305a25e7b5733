//! The health of a server: a counter between "surely down" and "surely up", moved by checks.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use crate::config;
use crate::time::Now;

/// How a health check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the daemon must be able to say each of them"
)]
pub enum CheckOutcome {
    /// Connected.
    Passed,
    /// The system refused.
    Failed {
        /// The error number, as `io::Error::raw_os_error` has it; 0 when unknown.
        errno: i32,
    },
    /// Nothing came in time.
    TimedOut,
}

impl CheckOutcome {
    /// The code of the `check_status` column.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Passed => "L4OK",
            Self::Failed { .. } => "L4CON",
            Self::TimedOut => "L4TOUT",
        }
    }

    /// The words of log lines and of the `check_desc` column.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Passed => "Layer4 check passed",
            Self::Failed { .. } => "Layer4 connection problem",
            Self::TimedOut => "Layer4 timeout",
        }
    }

    /// What the system said, if it said no: `ECONNREFUSED returned by OS (Connection refused)`.
    #[must_use]
    pub fn info(self) -> Option<String> {
        let Self::Failed { errno } = self else {
            return None;
        };
        let known = ERRNOS.iter().find(|(number, _, _)| *number == errno);
        Some(match known {
            Some((_, name, words)) => format!("{name} returned by OS ({words})"),
            None => format!("General socket error (errno {errno})"),
        })
    }
}

/// Linux's error numbers that a connection attempt can meet, their names and words.
const ERRNOS: [(i32, &str, &str); 7] = [
    (1, "EPERM", "Operation not permitted"),
    (13, "EACCES", "Permission denied"),
    (99, "EADDRNOTAVAIL", "Cannot assign requested address"),
    (101, "ENETUNREACH", "Network is unreachable"),
    (104, "ECONNRESET", "Connection reset by peer"),
    (111, "ECONNREFUSED", "Connection refused"),
    (113, "EHOSTUNREACH", "No route to host"),
];

/// The last check that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// How it ended.
    pub outcome: CheckOutcome,
    /// How long it took.
    pub duration_ms: u64,
}

/// What operators see of a server's state. `Display` writes the `status` column of `show stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// `no check`: taken to be up.
    Unchecked,
    /// `UP`, or `UP n/fall` while failures count down.
    Up {
        /// What is left of `fall`, and `fall` itself, while it is going down.
        falling: Option<(u32, u32)>,
    },
    /// `DOWN`, or `DOWN n/rise` while successes count up.
    Down {
        /// Successes so far, and `rise` itself, while it is going up.
        rising: Option<(u32, u32)>,
    },
    /// `MAINT`: `disabled` in the configuration.
    Maintenance,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchecked => f.write_str("no check"),
            Self::Up { falling: None } => f.write_str("UP"),
            Self::Up {
                falling: Some((n, of)),
            } => write!(f, "UP {n}/{of}"),
            Self::Down { rising: None } => f.write_str("DOWN"),
            Self::Down {
                rising: Some((n, of)),
            } => write!(f, "DOWN {n}/{of}"),
            Self::Maintenance => f.write_str("MAINT"),
        }
    }
}

/// How health moves: from the `server` statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthSettings {
    /// From the end of a check to the start of the next.
    pub inter: Duration,
    /// The same while health is changing.
    pub fast_inter: Duration,
    /// The same while down.
    pub down_inter: Duration,
    /// Successes that bring a server up.
    pub rise: u32,
    /// Failures that take a server down.
    pub fall: u32,
    /// How long a check may take.
    pub timeout: Duration,
}

impl HealthSettings {
    /// The settings of a `check`; a TCP check may take the shorter of `timeout connect` and `inter`
    /// where `timeout check` is set, else `inter`.
    #[must_use]
    pub fn new(check: &config::Check, timeouts: &config::Timeouts) -> Self {
        let timeout = match (timeouts.check, timeouts.connect) {
            (Some(_), Some(connect)) => connect.min(check.inter),
            _ => check.inter,
        };
        Self {
            inter: check.inter,
            fast_inter: check.fast_inter,
            down_inter: check.down_inter,
            rise: check.rise.max(1),
            fall: check.fall.max(1),
            timeout,
        }
    }
}

/// The health of one checked server. Invariant: `counter < rise + fall`; up while `counter >= rise`.
///
/// HAProxy's rules: a success on a server that is down adds one, and on reaching `rise` jumps to the top; a failure
/// on one that is up takes one off, and on falling below `rise` drops to zero. The first check of all decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    settings: HealthSettings,
    counter: u32,
    started: Option<Instant>,
    next: Option<Instant>,
    report: Option<CheckReport>,
}

impl Health {
    /// A server that is up and unproven; its first check is due at `first`.
    #[must_use]
    pub const fn new(settings: HealthSettings, first: Instant) -> Self {
        Self {
            settings,
            counter: settings.rise + settings.fall - 1,
            started: None,
            next: Some(first),
            report: None,
        }
    }

    /// The settings given to [`Health::new`].
    #[must_use]
    pub const fn settings(&self) -> &HealthSettings {
        &self.settings
    }

    /// The counter, from 0 to `rise + fall - 1`: the `check_health` column.
    #[must_use]
    pub const fn counter(&self) -> u32 {
        self.counter
    }

    /// Whether requests may go there.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.counter >= self.settings.rise
    }

    /// The last check that has ended.
    #[must_use]
    pub const fn report(&self) -> Option<&CheckReport> {
        self.report.as_ref()
    }

    /// Whether a check is under way.
    #[must_use]
    pub const fn is_checking(&self) -> bool {
        self.started.is_some()
    }

    /// When the next check is due; `None` while one is under way.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.next
    }

    /// The state for operators.
    #[must_use]
    pub const fn status(&self) -> Status {
        let HealthSettings { rise, fall, .. } = self.settings;
        if self.is_up() {
            let left = self.counter + 1 - rise;
            Status::Up {
                falling: if left < fall {
                    Some((left, fall))
                } else {
                    None
                },
            }
        } else {
            Status::Down {
                rising: if self.counter > 0 {
                    Some((self.counter, rise))
                } else {
                    None
                },
            }
        }
    }

    /// Notes that the check that was due has started.
    pub(crate) fn start(&mut self, now: Now) {
        self.started = Some(now.instant);
        self.next = None;
    }

    /// Notes how the check ended. Returns whether the server went up (`Some(true)`) or down (`Some(false)`).
    ///
    /// A report without a check under way is ignored.
    pub(crate) fn finish(&mut self, outcome: CheckOutcome, now: Now) -> Option<bool> {
        let started = self.started.take()?;
        let first = self.report.is_none();
        let was_up = self.is_up();
        self.report = Some(CheckReport {
            outcome,
            duration_ms: now.ms_since(started),
        });
        let HealthSettings { rise, fall, .. } = self.settings;
        let top = rise + fall - 1;
        self.counter = match (outcome, was_up) {
            (CheckOutcome::Passed, true) => top,
            (CheckOutcome::Passed, false) if self.counter + 1 >= rise => top,
            (CheckOutcome::Passed, false) => self.counter + 1,
            (_, true) if first || self.counter <= rise => 0,
            (_, true) => self.counter - 1,
            (_, false) => 0,
        };
        self.next = crate::time::deadline(now.instant, self.interval());
        (was_up != self.is_up()).then(|| self.is_up())
    }

    /// The wait before the next check.
    const fn interval(&self) -> Duration {
        let HealthSettings {
            rise,
            fall,
            inter,
            fast_inter,
            down_inter,
            ..
        } = self.settings;
        if self.counter == 0 {
            down_inter
        } else if self.counter == rise + fall - 1 {
            inter
        } else {
            fast_inter
        }
    }
}
