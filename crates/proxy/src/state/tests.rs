//! Health checks, what the logs are told of them, and slots.

use core::time::Duration;
use std::collections::BTreeSet;

use super::*;
use crate::log::Level;
use crate::server::CheckOutcome;
use crate::stream::tests::sim;

const REFUSED: CheckOutcome = CheckOutcome::Failed { errno: 111 };
const TEXT: &str = "
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen px
    bind :80
    server web1 10.0.0.1:80 check inter 800 fastinter 200 downinter 400 rise 2 fall 3
    server web2 10.0.0.2:80
";

struct Checks {
    state: State,
    now: Now,
}

const fn web(index: usize) -> ServerId {
    ServerId {
        backend: BackendId(0),
        index,
    }
}

impl Checks {
    fn new(text: &str) -> Self {
        let now = sim::start();
        let state = sim::state(&sim::config(text), now);
        Self { state, now }
    }

    /// Waits for the next check, ends it after `ms` and returns how long the wait was.
    fn check(&mut self, outcome: CheckOutcome, ms: u64) -> u64 {
        let due = self.state.poll_timeout().expect("a check is due");
        let wait = due - self.now.instant;
        self.pass(wait);
        let check = self.state.poll_check(self.now).expect("it is due now");
        assert_eq!(self.state.poll_check(self.now), None);
        assert!(self.state.server(check.server).checking);
        self.pass(Duration::from_millis(ms));
        self.state.handle_check(check.server, outcome, self.now);
        u64::try_from(wait.as_millis()).unwrap()
    }

    fn pass(&mut self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.now = Now::new(self.now.instant + time, self.now.unix_ms + ms);
    }

    fn status(&self) -> String {
        self.state.server(web(0)).status.to_string()
    }

    fn notices(&mut self) -> Vec<(Level, String)> {
        let notices = core::iter::from_fn(|| self.state.poll_notice());
        notices.map(|notice| (notice.level, notice.text)).collect()
    }
}

#[test]
fn first_failed_check_decides_alone_and_rise_brings_the_server_back() {
    let mut checks = Checks::new(TEXT);
    assert_eq!(checks.status(), "UP");
    assert!(checks.check(REFUSED, 0) <= 800);
    assert_eq!(checks.status(), "DOWN");
    assert_eq!(checks.check(CheckOutcome::Passed, 1), 400);
    assert_eq!(checks.status(), "DOWN 1/2");
    assert_eq!(checks.check(CheckOutcome::Passed, 1), 200);
    assert_eq!(checks.status(), "UP");
    assert_eq!(checks.check(CheckOutcome::Passed, 1), 800);
}

#[test]
fn fall_failures_take_a_proven_server_down_and_one_success_forgives() {
    let mut checks = Checks::new(TEXT);
    checks.check(CheckOutcome::Passed, 0);
    for (outcome, wait, status) in [
        (REFUSED, 800, "UP 2/3"),
        (CheckOutcome::Passed, 200, "UP"),
        (CheckOutcome::TimedOut, 800, "UP 2/3"),
        (REFUSED, 200, "UP 1/3"),
        (REFUSED, 200, "DOWN"),
        (CheckOutcome::Passed, 400, "DOWN 1/2"),
        (REFUSED, 200, "DOWN"),
    ] {
        assert_eq!(checks.check(outcome, 0), wait);
        assert_eq!(checks.status(), status);
    }
    let view = checks.state.server(web(0));
    assert_eq!((view.counters.check_failures, view.counters.downs), (4, 1));
    assert_eq!(view.health, Some((2, 3, 0)));
    assert_eq!(
        view.check.map(|report| report.outcome.code()),
        Some("L4CON")
    );
    assert_eq!(checks.state.server(web(1)).status.to_string(), "no check");
}

#[test]
fn next_check_starts_an_interval_after_the_end_of_the_last() {
    let mut checks = Checks::new(TEXT);
    checks.check(CheckOutcome::Passed, 300);
    assert_eq!(checks.check(CheckOutcome::Passed, 0), 800);
}

#[test]
fn changes_are_told_in_the_words_of_haproxy() {
    let mut checks = Checks::new(TEXT);
    checks.check(REFUSED, 0);
    let down = "Server px/web1 is DOWN, reason: Layer4 connection problem, info: \"ECONNREFUSED returned by OS \
        (Connection refused)\", check duration: 0ms. 1 active and 0 backup servers left. 0 sessions active, \
        0 requeued, 0 remaining in queue.";
    assert_eq!(checks.notices(), [(Level::Alert, down.to_owned())]);
    checks.check(CheckOutcome::Passed, 1);
    checks.check(CheckOutcome::Passed, 2);
    let up = "Server px/web1 is UP, reason: Layer4 check passed, check duration: 2ms. 2 active and 0 backup \
        servers online. 0 sessions requeued, 0 total in queue.";
    assert_eq!(checks.notices(), [(Level::Notice, up.to_owned())]);
}

#[test]
fn loss_of_the_last_server_is_an_emergency() {
    let text = TEXT.replace("    server web2 10.0.0.2:80\n", "");
    let mut checks = Checks::new(&text);
    checks.check(CheckOutcome::TimedOut, 800);
    let notices = checks.notices();
    assert!(notices[0].1.starts_with(
        "Server px/web1 is DOWN, reason: Layer4 timeout, check duration: 800ms. 0 active"
    ));
    assert_eq!(
        notices[1],
        (
            Level::Emergency,
            String::from("proxy px has no server available!")
        )
    );
    let backend = text.replace("listen px\n    bind :80", "backend px").replace(
        "defaults",
        "frontend fe\n    bind :80\n    mode http\n    timeout client 5s\n    default_backend px\ndefaults",
    );
    let mut checks = Checks::new(&backend);
    checks.check(REFUSED, 0);
    assert_eq!(checks.notices()[1].1, "backend px has no server available!");
}

#[test]
fn server_that_takes_no_requests_is_no_loss() {
    let text = TEXT
        .replace("    server web2 10.0.0.2:80\n", "")
        .replace("10.0.0.1:80", "10.0.0.1:80 weight 0");
    let mut checks = Checks::new(&text);
    checks.check(REFUSED, 0);
    assert_eq!(checks.notices().len(), 1);
    assert_eq!(checks.state.backend(BackendId(0)).downs, 0);
}

#[test]
fn results_are_told_one_by_one_where_that_is_asked_for() {
    let text = TEXT.replace("listen px\n", "listen px\n    option log-health-checks\n");
    let mut checks = Checks::new(&text);
    checks.check(CheckOutcome::Passed, 0);
    checks.check(REFUSED, 0);
    checks.check(REFUSED, 0);
    checks.check(REFUSED, 0);
    let texts: Vec<_> = checks.notices().into_iter().map(|(_, text)| text).collect();
    let failed = |status: &str| {
        format!(
            "Health check for server px/web1 failed, reason: Layer4 connection problem, info: \"ECONNREFUSED \
             returned by OS (Connection refused)\", check duration: 0ms, status: {status}."
        )
    };
    assert_eq!(
        texts[0],
        "Health check for server px/web1 succeeded, reason: Layer4 check passed, check duration: 0ms, status: 3/3 UP."
    );
    assert_eq!(
        texts[1..4],
        [failed("2/3 UP"), failed("1/3 UP"), failed("0/2 DOWN")]
    );
    assert!(
        texts[4].starts_with("Server px/web1 is DOWN. 1 active and"),
        "{}",
        texts[4]
    );
}

#[test]
fn checks_without_a_report_to_match_are_ignored() {
    let mut checks = Checks::new(TEXT);
    checks.state.handle_check(web(0), REFUSED, checks.now);
    checks.state.handle_check(web(1), REFUSED, checks.now);
    assert_eq!(checks.status(), "UP");
    assert!(checks.notices().is_empty());
}

#[test]
fn first_checks_are_spread_over_their_interval() {
    let servers: String = (1..=20)
        .map(|n| format!("    server s{n} 10.0.0.{n}:80 check inter 1000\n"))
        .collect();
    let text = TEXT.replace("    server web2 10.0.0.2:80\n", &servers);
    let mut checks = Checks::new(&text);
    let start = checks.now;
    let mut dues = BTreeSet::new();
    while let Some(due) = checks.state.poll_timeout() {
        assert!(due <= start.instant + Duration::from_millis(1000));
        dues.insert(due);
        let now = Now::new(due, start.unix_ms);
        assert!(checks.state.poll_check(now).is_some());
    }
    assert!(dues.len() > 15, "{} different times", dues.len());
}

#[test]
fn check_has_the_time_of_connect_only_where_timeout_check_is_set() {
    let mut checks = Checks::new(&TEXT.replace("inter 800", "inter 9s"));
    checks.pass(Duration::from_secs(9));
    assert_eq!(
        checks.state.poll_check(checks.now).unwrap().timeout,
        Duration::from_secs(9)
    );
    let text = TEXT
        .replace("inter 800", "inter 9s")
        .replace("defaults\n", "defaults\n    timeout check 1s\n");
    let mut checks = Checks::new(&text);
    checks.pass(Duration::from_secs(9));
    assert_eq!(
        checks.state.poll_check(checks.now).unwrap().timeout,
        Duration::from_secs(5)
    );
}

#[test]
fn backup_serves_only_while_no_other_does() {
    let text = TEXT.replace("web2 10.0.0.2:80", "web2 10.0.0.2:80 backup");
    let mut checks = Checks::new(&text);
    let pick =
        |checks: &mut Checks| match checks
            .state
            .assign(BackendId(0), StreamId(1), None, checks.now)
        {
            Assignment::Server(server) => {
                checks.state.release(server, checks.now);
                server.index
            }
            other => panic!("{other:?}"),
        };
    assert_eq!([pick(&mut checks), pick(&mut checks)], [0, 0]);
    checks.check(REFUSED, 0);
    assert!(
        checks.notices()[0]
            .1
            .contains("0 active and 1 backup servers left. Running on backup.")
    );
    assert_eq!([pick(&mut checks), pick(&mut checks)], [1, 1]);
    checks.check(CheckOutcome::Passed, 0);
    checks.check(CheckOutcome::Passed, 0);
    assert_eq!(pick(&mut checks), 0);
}

#[test]
fn looking_for_a_slot_where_there_is_none_changes_nobodys_turn() {
    let full = "10.0.0.2:80 maxconn 1\n    server web3 10.0.0.3:80 maxconn 1\n    server b 10.0.0.9:80 backup\n";
    let text = TEXT
        .replace("10.0.0.1:80 check", "10.0.0.1:80 maxconn 1 check")
        .replace("10.0.0.2:80\n", full);
    let mut checks = Checks::new(&text);
    let now = checks.now;
    let state = &mut checks.state;
    for index in [0, 1, 2, 0] {
        if state.server(web(index)).counters.current > 0 {
            state.release(web(index), now);
        }
        let taken = state.assign(BackendId(0), StreamId(0), None, now);
        assert_eq!(taken, Assignment::Server(web(index)));
    }
    for id in 1..=3 {
        let queued = state.assign(BackendId(0), StreamId(id), None, now);
        let Assignment::Queued(ticket) = queued else {
            panic!("{queued:?}");
        };
        state.leave_queue(ticket, StreamId(id), now);
    }
    for index in 0..3 {
        state.release(web(index), now);
    }
    let taken = state.assign(BackendId(0), StreamId(0), None, now);
    assert_eq!(taken, Assignment::Server(web(1)));
}

#[test]
fn server_that_returns_takes_the_waiting() {
    let text = TEXT.replace("web2 10.0.0.2:80", "web2 10.0.0.2:80 maxconn 1");
    let mut checks = Checks::new(&text);
    checks.check(REFUSED, 0);
    let now = checks.now;
    let first = checks.state.assign(BackendId(0), StreamId(1), None, now);
    assert_eq!(first, Assignment::Server(web(1)));
    let second = checks.state.assign(BackendId(0), StreamId(2), None, now);
    assert!(matches!(second, Assignment::Queued(_)));
    checks.check(CheckOutcome::Passed, 0);
    assert_eq!(checks.state.poll_wakeup(), None);
    checks.check(CheckOutcome::Passed, 0);
    assert_eq!(checks.state.poll_wakeup(), Some(StreamId(2)));
    assert_eq!(checks.state.claim(StreamId(2)), Some(web(0)));
}

#[test]
fn accepting_stops_at_the_limits() {
    let text = TEXT.replace("listen px\n", "listen px\n    maxconn 2\n");
    let mut checks = Checks::new(&text);
    let frontend = FrontendId(0);
    for _ in 0..2 {
        assert!(checks.state.may_accept(frontend));
        checks.state.enter(frontend, checks.now);
    }
    assert!(!checks.state.may_accept(frontend));
    checks.state.leave(frontend);
    assert!(checks.state.may_accept(frontend));
    assert_eq!(checks.state.process().connections, 1);
    assert_eq!(checks.state.frontend(frontend).current_max, 2);
}
