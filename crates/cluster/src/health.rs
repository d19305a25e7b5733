use core::time::Duration;
use std::time::Instant;

use crate::Settings;

/// What is thought of a node, by all who share a fleet.
///
/// ```text
///        a failure                       until is over
///   Up ------------> Ejected { until } ----------------> Probing
///    ^                   ^                                 |  |
///    |                   '----- no answer: longer ---------'  |
///    '------------------------- an answer --------------------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the drawing is complete")]
pub enum Health {
    /// The node is asked.
    Up,
    /// The node is not asked: it failed.
    Ejected {
        /// When it is to be probed.
        until: Instant,
    },
    /// A probe is on its way; nothing else is sent.
    Probing,
}

/// The health of one node with its back-off.
#[derive(Debug)]
pub(crate) struct Record {
    health: Health,
    /// How long the latest ejection lasts.
    backoff: Duration,
    /// When a probe that was never answered, nor failed, is to be repeated: its caller is gone.
    probe_lost_at: Instant,
}

impl Record {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            health: Health::Up,
            backoff: Duration::ZERO,
            probe_lost_at: now,
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    /// A node that answers a probe is up; an answer that was under way when it was ejected says
    /// little.
    pub(crate) fn handle_answer(&mut self) {
        if self.health == Health::Probing {
            self.health = Health::Up;
        }
    }

    /// Failures of requests that were under way together count once.
    pub(crate) fn handle_failure(&mut self, settings: &Settings, now: Instant) {
        self.backoff = match self.health {
            Health::Up => settings.backoff_min,
            Health::Ejected { .. } => return,
            Health::Probing => {
                (self.backoff * 2).min(settings.backoff_max.max(settings.backoff_min))
            }
        };
        self.health = Health::Ejected {
            until: now + self.backoff,
        };
    }

    /// When [`poll_probe`](Self::poll_probe) is worth calling.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.health {
            Health::Up => None,
            Health::Ejected { until } => Some(until),
            Health::Probing => Some(self.probe_lost_at),
        }
    }

    /// Whether a probe is due; if so it counts as sent.
    pub(crate) fn poll_probe(&mut self, settings: &Settings, now: Instant) -> bool {
        let is_due = self.poll_timeout().is_some_and(|due| due <= now);
        if is_due {
            self.health = Health::Probing;
            self.probe_lost_at = now + 2 * settings.reply_timeout;
        }
        is_due
    }
}
