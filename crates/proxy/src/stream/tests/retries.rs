//! Retries, redispatch and queues (facts of HAProxy, sections 8 and 9).

use super::super::{Action, Event, Side};
use super::Sim;
use super::sim::{GUIDE, assert_idle, config, one_server, open, start, state};
use crate::server::CheckOutcome;
use crate::state::{BackendId, ServerId, StreamId};

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn refusals_are_retried_after_a_second_then_503_sc() {
    let text = one_server("").replace("connect 400ms", "connect 5s");
    let mut sim = Sim::new(&text);
    sim.client(GET);
    for attempt in 0..3 {
        sim.refused();
        assert!(sim.connecting.is_none(), "attempt {attempt}");
        sim.advance(1000);
    }
    sim.refused();
    assert_eq!(sim.tail(), "be/s1 0/0/-1/-1/3000 503 0 SC-- 3");
    assert_eq!(sim.connects, [0, 0, 0, 0]);
    let server = ServerId {
        backend: BackendId(0),
        index: 0,
    };
    let counters = sim.state.server(server).counters;
    assert_eq!(
        (counters.retries, counters.connect_errors, counters.balanced),
        (3, 1, 1)
    );
    assert_eq!(sim.state.backend(BackendId(0)).connect_errors, 1);
    assert!(sim.client_open);
}

#[test]
fn pause_is_no_longer_than_the_connect_timeout() {
    let mut sim = Sim::new(&one_server("    retries 1\n"));
    sim.client(GET);
    sim.refused();
    sim.advance(400);
    sim.connected();
    sim.server(OK);
    assert_eq!(sim.tail(), "be/s1 0/0/400/0/400 200 40 ---- 1");
}

#[test]
fn connect_timeouts_are_retried_at_once_then_503_sc_in_lower_case() {
    let mut sim = Sim::new(&one_server("    retries 0\n"));
    sim.client(GET);
    sim.advance(400);
    assert_eq!(sim.tail(), "be/s1 0/0/-1/-1/400 503 0 sC-- 0");

    let mut sim = Sim::new(&one_server("    retries 2\n"));
    sim.client(GET);
    sim.advance(1200);
    assert_eq!(sim.tail(), "be/s1 0/0/-1/-1/1200 503 0 sC-- 2");
}

#[test]
fn redispatch_goes_to_the_other_server_at_once() {
    let mut sim = Sim::new(GUIDE);
    sim.client(GET);
    sim.refused();
    assert_eq!(sim.connects, [0, 1]);
    sim.connected();
    sim.server(OK);
    assert_eq!(sim.tail(), "http/web2 0/0/0/0/0 200 40 ---- +1");
    let left = ServerId {
        backend: BackendId(0),
        index: 0,
    };
    assert_eq!(sim.state.server(left).counters.redispatches, 1);
}

#[test]
fn without_redispatch_a_retry_stays() {
    let mut sim = Sim::new(&GUIDE.replace("option redispatch", "no option redispatch"));
    sim.client(GET);
    sim.refused();
    sim.advance(1000);
    assert_eq!(sim.connects, [0, 0]);
}

#[test]
fn last_server_found_down_during_the_retries_is_a_redispatch_to_nobody() {
    let mut sim = Sim::new(GUIDE);
    mark_down(&mut sim, 0);
    sim.client(GET);
    for _ in 0..3 {
        sim.refused();
        if sim.connects.len() == 3 {
            mark_down(&mut sim, 1);
        }
        sim.advance(1000);
    }
    assert_eq!(sim.tail(), "http/<NOSRV> 0/0/-1/-1/3000 503 0 SC-- +3");
    sim.client(GET);
    assert_eq!(sim.tail(), "http/<NOSRV> 0/-1/-1/-1/0 503 0 SC-- 0");
}

fn mark_down(sim: &mut Sim, index: usize) {
    let server = ServerId {
        backend: BackendId(0),
        index,
    };
    let later = crate::time::Now::new(sim.now.instant + core::time::Duration::from_secs(60), 0);
    while sim.state.poll_check(later).is_some() {}
    sim.state
        .handle_check(server, CheckOutcome::Failed { errno: 111 }, later);
}

#[test]
fn requests_beyond_maxconn_wait_in_order_and_are_woken() {
    let text = one_server("").replace("10.0.0.1:80\n", "10.0.0.1:80 maxconn 1\n");
    let now = start();
    let mut state = state(&config(&text), now);
    let mut streams: Vec<_> = (1..=3)
        .map(|id| open(&mut state, "198.51.100.7:5000", id, now))
        .collect();
    for stream in &mut streams {
        let event = Event::Received {
            from: Side::Client,
            bytes: GET.as_bytes(),
        };
        stream.handle_event(event, &mut state, now);
    }
    assert!(matches!(
        streams[0].poll_action(),
        Some(Action::Connect { .. })
    ));
    assert_eq!(streams[1].poll_action(), None);
    assert_eq!(state.backend(BackendId(0)).queued, 2);
    streams[0].handle_event(Event::Reset { by: Side::Client }, &mut state, now);
    assert_eq!(state.poll_wakeup(), Some(StreamId(2)));
    assert_eq!(state.poll_wakeup(), None);
    // The second loses interest before it hears of its luck: the slot passes on.
    streams[1].handle_event(Event::Reset { by: Side::Client }, &mut state, now);
    assert_eq!(state.poll_wakeup(), Some(StreamId(3)));
    streams[2].handle_event(Event::Granted, &mut state, now);
    assert!(matches!(
        streams[2].poll_action(),
        Some(Action::Connect { .. })
    ));
    streams[2].handle_event(Event::Reset { by: Side::Client }, &mut state, now);
    assert_idle(&state);
}

#[test]
fn waiting_too_long_is_503_sq_and_leaving_the_queue_is_cq() {
    let text =
        one_server("    timeout queue 400ms\n").replace("10.0.0.1:80\n", "10.0.0.1:80 maxconn 1\n");
    for leaves in [false, true] {
        let mut sim = Sim::new(&text);
        let mut first = open(&mut sim.state, "198.51.100.7:5001", 2, sim.now);
        let event = Event::Received {
            from: Side::Client,
            bytes: GET.as_bytes(),
        };
        first.handle_event(event, &mut sim.state, sim.now);
        sim.client(GET);
        if leaves {
            sim.advance(23);
            sim.resets(Side::Client);
            assert_eq!(sim.tail(), "be/<NOSRV> 0/23/-1/-1/23 -1 0 CQ-- 0");
        } else {
            sim.advance(400);
            assert_eq!(sim.tail(), "be/<NOSRV> 0/400/-1/-1/400 503 0 sQ-- 0");
        }
        assert_eq!(sim.records[0].queue.backend, 1);
    }
}

#[test]
fn abandoned_streams_give_back_their_slots_and_places() {
    let text = one_server("").replace("10.0.0.1:80\n", "10.0.0.1:80 maxconn 1\n");
    let mut sim = Sim::new(&text);
    let mut others = [2, 3].map(|id| open(&mut sim.state, "198.51.100.7:5001", id, sim.now));
    sim.client(GET);
    let event = Event::Received {
        from: Side::Client,
        bytes: GET.as_bytes(),
    };
    for other in &mut others {
        other.handle_event(event, &mut sim.state, sim.now);
    }
    let [mut second, mut third] = others;
    sim.stream.abandon(&mut sim.state, sim.now);
    assert!(sim.stream.is_finished());
    assert_eq!(sim.state.poll_wakeup(), Some(StreamId(2)));
    // Granted and never claimed: it passes on.
    second.abandon(&mut sim.state, sim.now);
    assert_eq!(sim.state.poll_wakeup(), Some(StreamId(3)));
    third.handle_event(Event::Granted, &mut sim.state, sim.now);
    third.abandon(&mut sim.state, sim.now);
    third.abandon(&mut sim.state, sim.now);
    assert_idle(&sim.state);
}

#[test]
fn maxqueue_says_nothing_about_the_queue_of_the_backend() {
    // Without persistence nobody waits for one server alone, so that the limit is never met; HAProxy 2.6 does the same.
    let text = one_server("").replace("10.0.0.1:80\n", "10.0.0.1:80 maxconn 1 maxqueue 1\n");
    let mut sim = Sim::new(&text);
    for id in 2..6 {
        let mut stream = open(&mut sim.state, "198.51.100.7:5001", id, sim.now);
        let event = Event::Received {
            from: Side::Client,
            bytes: GET.as_bytes(),
        };
        stream.handle_event(event, &mut sim.state, sim.now);
    }
    sim.client(GET);
    assert!(sim.records.is_empty());
    assert_eq!(sim.state.backend(BackendId(0)).queued, 4);
}
