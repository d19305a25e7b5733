//! Health checks: which to make, what their results change, and what the logs are told.

use core::fmt::Write;
use core::net::SocketAddr;
use core::time::Duration;

use super::{BackendId, ServerId, State};
use crate::log::Level;
use crate::server::{CheckOutcome, CheckReport, Health, Status};
use crate::time::Now;

/// A health check to make: connect, then close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Whom it is about.
    pub server: ServerId,
    /// Where to connect.
    pub address: SocketAddr,
    /// How long it may take; report [`CheckOutcome::TimedOut`] after that.
    pub timeout: Duration,
}

/// A line for the logs of a backend about itself or its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Whose log targets get it.
    pub backend: BackendId,
    /// How important it is.
    pub level: Level,
    /// The text, without line end.
    pub text: String,
}

impl State {
    /// The next health check that is due. Report its end with [`handle_check`](Self::handle_check).
    pub fn poll_check(&mut self, now: Now) -> Option<Check> {
        for (place, backend) in self.backends.iter_mut().enumerate() {
            for (index, server) in backend.servers.iter_mut().enumerate() {
                let Some(health) = &mut server.health else {
                    continue;
                };
                if health.due().is_some_and(|due| due <= now.instant) {
                    health.start(now);
                    return Some(Check {
                        server: ServerId {
                            backend: BackendId(place),
                            index,
                        },
                        address: server.check_address,
                        timeout: health.settings().timeout,
                    });
                }
            }
        }
        None
    }

    /// Takes note of how a check ended; may change the server's state, wake streams and make notices.
    ///
    /// A report about a server that has no check under way is ignored.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    pub fn handle_check(&mut self, id: ServerId, outcome: CheckOutcome, now: Now) {
        let server = &mut self.backends[id.backend.0].servers[id.index];
        let Some(health) = &mut server.health else {
            return;
        };
        let before = *health;
        let changed = health.finish(outcome, now);
        let after = *health;
        let Some(report) = after.report().copied().filter(|_| before.is_checking()) else {
            return;
        };
        if outcome != CheckOutcome::Passed && before.is_up() {
            server.counters.check_failures += 1;
        }
        let verbose = self.config.backends[id.backend.0].logging.log_health_checks;
        let passed = |outcome| outcome == CheckOutcome::Passed;
        let same_result = before
            .report()
            .is_some_and(|old| passed(old.outcome) == passed(outcome));
        if verbose && (!same_result || before.counter() != after.counter()) {
            self.note_result(id, &report, &after);
        }
        if let Some(is_up) = changed {
            self.change(id, is_up, (!verbose).then_some(&report), now);
        }
    }

    /// A server has gone up or down.
    fn change(&mut self, id: ServerId, is_up: bool, report: Option<&CheckReport>, now: Now) {
        let backup = self.configured(id).backup;
        let backend = &mut self.backends[id.backend.0];
        backend.balancer.set_usable(id.index, is_up && !backup);
        let server = &mut backend.servers[id.index];
        if is_up {
            server.downtime_ms += now.unix_ms.saturating_sub(server.changed_unix_ms);
        } else {
            server.counters.downs += 1;
        }
        server.changed_unix_ms = now.unix_ms;
        self.note_change(id, is_up, report);
        let (active, backup) = self.usable(id.backend);
        let is_first = self.is_usable(id) && active + backup == 1;
        let was_last = (active, backup) == (0, 0) && self.configured(id).weight > 0;
        let availability = &mut self.backends[id.backend.0].availability;
        if is_up {
            if is_first {
                availability.downtime_ms +=
                    now.unix_ms.saturating_sub(availability.changed_unix_ms);
                availability.changed_unix_ms = now.unix_ms;
            }
            self.serve_queue(id.backend, now);
        } else if was_last {
            availability.changed_unix_ms = now.unix_ms;
            self.backend_mut(id.backend).downs += 1;
            let (noun, name) = (self.backends[id.backend.0].noun, self.backend_name(id));
            let text = format!("{noun} {name} has no server available!");
            self.note(id.backend, Level::Emergency, text);
        }
    }

    /// `Server px/web1 is DOWN, ...`
    fn note_change(&mut self, id: ServerId, is_up: bool, report: Option<&CheckReport>) {
        let reason = report.map_or_else(String::new, |report| format!(", {}", why(report)));
        let (active, backup) = self.usable(id.backend);
        let queued = self.backend(id.backend).queued;
        let name = self.server_name(id);
        let (level, text) = if is_up {
            let text = format!(
                "Server {name} is UP{reason}. {active} active and {backup} backup servers online. \
                 0 sessions requeued, {queued} total in queue."
            );
            (Level::Notice, text)
        } else {
            let running_on_backup = if active == 0 && backup > 0 {
                " Running on backup."
            } else {
                ""
            };
            let sessions = self.server(id).counters.current;
            let text = format!(
                "Server {name} is DOWN{reason}. {active} active and {backup} backup servers left.\
                 {running_on_backup} {sessions} sessions active, 0 requeued, {queued} remaining in queue."
            );
            (Level::Alert, text)
        };
        self.note(id.backend, level, text);
    }

    /// `Health check for server px/web1 failed, ...`
    fn note_result(&mut self, id: ServerId, report: &CheckReport, health: &Health) {
        let result = match report.outcome {
            CheckOutcome::Passed => "succeeded",
            _ => "failed",
        };
        let settings = health.settings();
        let status = match health.status() {
            Status::Down { .. } => format!("{}/{} DOWN", health.counter(), settings.rise),
            _ => format!(
                "{}/{} UP",
                health.counter() + 1 - settings.rise,
                settings.fall
            ),
        };
        let (name, why) = (self.server_name(id), why(report));
        let text = format!("Health check for server {name} {result}, {why}, status: {status}.");
        self.note(id.backend, Level::Notice, text);
    }

    fn note(&mut self, backend: BackendId, level: Level, text: String) {
        self.notices.push_back(Notice {
            backend,
            level,
            text,
        });
    }

    fn backend_name(&self, id: ServerId) -> &str {
        &self.config.backends[id.backend.0].name
    }

    fn server_name(&self, id: ServerId) -> String {
        format!("{}/{}", self.backend_name(id), self.configured(id).name)
    }
}

/// `reason: Layer4 connection problem, info: "...", check duration: 0ms`.
fn why(report: &CheckReport) -> String {
    let mut text = format!("reason: {}", report.outcome.description());
    if let Some(info) = report.outcome.info() {
        let _ = write!(text, ", info: \"{info}\"");
    }
    let _ = write!(text, ", check duration: {}ms", report.duration_ms);
    text
}
