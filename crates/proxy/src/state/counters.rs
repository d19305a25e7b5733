//! What has been counted since the start, per frontend, backend and server.

use crate::time::Now;

/// Counters of one frontend, backend or server, named after the columns of `show stat`.
///
/// A counter that does not apply to a scope stays 0 there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// `qcur`: requests that wait for a slot.
    pub queued: u32,
    /// `qmax`: the most that ever waited.
    pub queued_max: u32,
    /// `scur`: a frontend's connections, a backend's or server's requests under way.
    pub current: u32,
    /// `smax`: the most at once.
    pub current_max: u32,
    /// `stot`: connections of a frontend, requests of a backend or server, altogether.
    pub total: u64,
    /// `bin`: bytes of requests, as received.
    pub bytes_in: u64,
    /// `bout`: bytes of responses, as received; answers of our own in full.
    pub bytes_out: u64,
    /// `dreq`: requests denied by a rule.
    pub denied_requests: u64,
    /// `dresp`: responses denied by a rule.
    pub denied_responses: u64,
    /// `ereq`: requests that were broken, cut short or too slow.
    pub request_errors: u64,
    /// `econ`: requests for which no connection could be made.
    pub connect_errors: u64,
    /// `eresp`: responses that were broken, cut short or too slow.
    pub response_errors: u64,
    /// `wretr`: attempts to connect that were made again.
    pub retries: u64,
    /// `wredis`: requests that went to another server.
    pub redispatches: u64,
    /// `lbtot`: times the balancing chose it.
    pub balanced: u64,
    /// `hrsp_*`: responses by class of status.
    pub statuses: Statuses,
    /// `req_tot`: requests received.
    pub requests: u64,
    /// `cli_abrt`: transfers that the client cut.
    pub client_aborts: u64,
    /// `srv_abrt`: transfers that the server cut.
    pub server_aborts: u64,
    /// `connect`: connections asked for.
    pub connects: u64,
    /// `reuse`: requests sent on a connection that had carried one before.
    pub reuses: u64,
    /// `intercepted`: requests answered by us.
    pub intercepted: u64,
    /// `chkfail`: failed checks of a server that was up.
    pub check_failures: u64,
    /// `chkdown`: changes from up to down.
    pub downs: u64,
    /// `qtime`, `ctime`, `rtime`, `ttime`: the latest waits, in milliseconds, averaged.
    pub times: [SlidingAverage; 4],
    /// `rate`: connections of a frontend, requests of a backend or server, in the last second.
    pub rate: Rate,
    /// `req_rate`: requests of a frontend in the last second.
    pub request_rate: Rate,
    /// `lastsess`: when the last one began, milliseconds of Unix time; 0 for never.
    pub last_unix_ms: u64,
}

impl Counters {
    /// One more is under way.
    pub(crate) fn enter(&mut self, unix_ms: u64) {
        self.current += 1;
        self.current_max = self.current_max.max(self.current);
        self.total += 1;
        self.rate.count(unix_ms);
        self.last_unix_ms = unix_ms;
    }

    /// A frontend has received a request.
    pub(crate) fn count_request(&mut self, now: Now) {
        self.requests += 1;
        self.request_rate.count(now.unix_ms);
    }

    /// One has ended.
    pub(crate) fn leave(&mut self) {
        self.current = self.current.saturating_sub(1);
    }
}

/// Responses by the first digit of their status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statuses {
    /// 100 to 199, 200 to 299, ... 500 to 599.
    pub classes: [u64; 5],
    /// All others.
    pub other: u64,
}

impl Statuses {
    /// Counts one response.
    pub(crate) fn count(&mut self, status: u16) {
        match self
            .classes
            .get_mut(usize::from(status / 100).wrapping_sub(1))
        {
            Some(class) => *class += 1,
            None => self.other += 1,
        }
    }
}

/// An average over about the last 512 samples, as HAProxy keeps its times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlidingAverage {
    sum: u64,
}

impl SlidingAverage {
    /// Adds a sample.
    pub(crate) fn add(&mut self, sample: u64) {
        self.sum = self.sum - self.sum.div_ceil(WINDOW) + sample;
    }

    /// The average, rounded up.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.sum.div_ceil(WINDOW)
    }
}

/// Samples that a [`SlidingAverage`] remembers.
const WINDOW: u64 = 512;

/// Events per second, over a second that slides, and the highest ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    second: u64,
    current: u32,
    previous: u32,
    max: u32,
}

impl Rate {
    /// Counts one event.
    pub(crate) fn count(&mut self, unix_ms: u64) {
        self.turn(unix_ms / 1000);
        self.current = self.current.saturating_add(1);
        self.max = self.max.max(self.value(unix_ms));
    }

    /// Events in the second that ends now.
    #[must_use]
    pub fn value(mut self, unix_ms: u64) -> u32 {
        self.turn(unix_ms / 1000);
        let rest = 1000 - unix_ms % 1000;
        let past = u64::from(self.previous) * rest / 1000;
        self.current
            .saturating_add(u32::try_from(past).unwrap_or(u32::MAX))
    }

    /// The highest value so far.
    #[must_use]
    pub const fn max(self) -> u32 {
        self.max
    }

    fn turn(&mut self, second: u64) {
        if second != self.second {
            self.previous = if second == self.second + 1 {
                self.current
            } else {
                0
            };
            self.current = 0;
            self.second = second;
        }
    }
}
