use core::time::Duration;
use std::time::Instant;

use crate::{Failure, Settings};

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
    /// Whether the latest failure cost time: silence, not a refusal.
    is_silent: bool,
    /// When a probe that was never answered, nor failed, is to be repeated: its caller is gone.
    probe_lost_at: Instant,
}

impl Record {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            health: Health::Up,
            backoff: Duration::ZERO,
            is_silent: false,
            probe_lost_at: now,
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    /// Whether the node may be asked although it is not up, when nothing else is left to ask: one that
    /// refused tells at once whether it still does.
    pub(crate) fn is_last_resort(&self) -> bool {
        self.health != Health::Up && !self.is_silent
    }

    /// A node that answers a probe is up, and so is one that refused and now answers. From a silent
    /// one another answer may be the late one to what was asked before.
    pub(crate) fn handle_answer(&mut self, is_probe: bool) {
        if is_probe || !self.is_silent {
            self.health = Health::Up;
        }
    }

    /// Failures of requests that were under way together count once.
    pub(crate) fn handle_failure(&mut self, failure: Failure, settings: &Settings, now: Instant) {
        self.is_silent = matches!(failure, Failure::Timeout | Failure::BadReply);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn start() -> (Record, Settings, Instant) {
        #[allow(clippy::disallowed_methods, reason = "any time will do")]
        let now = Instant::now();
        (Record::new(now), Settings::default(), now)
    }

    #[test]
    fn failures_under_way_together_count_once() {
        let (mut record, settings, now) = start();
        record.handle_failure(Failure::Timeout, &settings, now);
        record.handle_failure(Failure::Timeout, &settings, now + ms(100));
        assert_eq!(
            record.health(),
            Health::Ejected {
                until: now + ms(250)
            }
        );
    }

    #[test]
    fn back_off_doubles_up_to_its_limit_and_starts_anew_after_an_answer() {
        let (mut record, settings, mut now) = start();
        record.handle_failure(Failure::Timeout, &settings, now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = record.poll_timeout().unwrap();
            waits.push((due - now).as_millis());
            now = due;
            assert!(record.poll_probe(&settings, now));
            record.handle_failure(Failure::Timeout, &settings, now);
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        now = record.poll_timeout().unwrap();
        assert!(record.poll_probe(&settings, now));
        record.handle_answer(true);
        assert_eq!(record.health(), Health::Up);
        record.handle_failure(Failure::Timeout, &settings, now);
        assert_eq!(
            record.health(),
            Health::Ejected {
                until: now + ms(250)
            }
        );
    }

    #[test]
    fn one_probe_is_sent_and_again_if_it_is_lost() {
        let (mut record, settings, now) = start();
        record.handle_failure(Failure::Timeout, &settings, now);
        assert!(!record.poll_probe(&settings, now + ms(249)));
        assert!(record.poll_probe(&settings, now + ms(250)));
        assert!(!record.poll_probe(&settings, now + ms(251)));
        assert!(record.poll_probe(&settings, now + ms(750)));
    }

    #[test]
    fn late_answer_does_not_readmit_a_silent_node() {
        let (mut record, settings, now) = start();
        record.handle_failure(Failure::Timeout, &settings, now);
        record.handle_answer(false);
        assert!(matches!(record.health(), Health::Ejected { .. }));
        assert!(record.poll_probe(&settings, now + ms(250)));
        record.handle_answer(false);
        assert_eq!(record.health(), Health::Probing);
    }

    #[test]
    fn late_failure_does_not_take_a_probes_answer_away() {
        let (mut record, settings, now) = start();
        record.handle_failure(Failure::Timeout, &settings, now);
        assert!(record.poll_probe(&settings, now + ms(250)));
        record.handle_failure(Failure::Timeout, &settings, now + ms(251));
        record.handle_answer(true);
        assert_eq!(record.health(), Health::Up);
    }

    #[test]
    fn node_that_refused_is_up_as_soon_as_it_answers() {
        let (mut record, settings, now) = start();
        record.handle_failure(Failure::Refused, &settings, now);
        assert!(record.is_last_resort());
        record.handle_answer(false);
        assert_eq!(record.health(), Health::Up);
        assert!(!record.is_last_resort());
    }
}
