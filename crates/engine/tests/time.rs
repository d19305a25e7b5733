//! Expiry and flushing, on a clock of the test's own.

mod cache;

use cache::Cache;

const HIT: &str = "VALUE a 0 1\r\nx\r\nEND\r\n";
const MISS: &str = "END\r\n";

fn cache_with(exptime: &str) -> Cache {
    let mut cache = Cache::new();
    assert_eq!(
        cache.ask(format!("set a 0 {exptime} 1\r\nx\r\n").as_bytes()),
        "STORED\r\n"
    );
    cache
}

#[test]
fn relative_times_count_from_the_store() {
    let mut cache = cache_with("15");
    cache.wait(14);
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
    cache.wait(1);
    assert_eq!(cache.ask(b"get a\r\n"), MISS);
}

#[test]
fn beyond_thirty_days_a_time_is_a_date() {
    let mut cache = cache_with("1700001440");
    cache.wait(1439);
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
    cache.wait(1);
    assert_eq!(cache.ask(b"get a\r\n"), MISS);
    assert_eq!(
        cache_with("2592001").ask(b"get a\r\n"),
        MISS,
        "a day in 1970"
    );
    assert_eq!(
        cache_with("2592000").ask(b"get a\r\n"),
        HIT,
        "thirty days from now"
    );
}

#[test]
fn zero_is_never_and_negative_is_at_once() {
    let mut cache = cache_with("0");
    cache.wait(1_000_000_000);
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
    assert_eq!(cache_with("-1").ask(b"get a\r\n"), MISS);
    // memcached 1.6.45 cuts to 32 bits: the first has passed there, the second is never.
    for date in ["4102444800", "1099511627776"] {
        assert_eq!(cache_with(date).ask(b"get a\r\n"), HIT, "far away");
    }
}

#[test]
fn an_expired_item_is_absent_for_every_command() {
    let mut cache = cache_with("-1");
    assert_eq!(cache.ask(b"replace a 0 0 1\r\ny\r\n"), "NOT_STORED\r\n");
    assert_eq!(cache.ask(b"touch a 0\r\n"), "NOT_FOUND\r\n");
    assert_eq!(cache.ask(b"incr a 1\r\n"), "NOT_FOUND\r\n");
    assert_eq!(cache.ask(b"delete a\r\n"), "NOT_FOUND\r\n");
    assert_eq!(
        cache.ask(b"add a 0 2678400 0\r\n\r\n"),
        "STORED\r\n",
        "the test for an id"
    );
    assert_eq!(cache.ask(b"add a 0 0 1\r\nz\r\n"), "STORED\r\n");
}

#[test]
fn touch_and_gat_move_the_end() {
    let mut cache = cache_with("10");
    assert_eq!(cache.ask(b"touch a 100\r\n"), "TOUCHED\r\n");
    cache.wait(50);
    assert_eq!(cache.ask(b"gat 200 a b\r\n"), HIT);
    cache.wait(150);
    assert_eq!(cache.ask(b"gat -1 a\r\n"), HIT, "seen a last time");
    assert_eq!(cache.ask(b"gat 0 a\r\n"), MISS);
}

#[test]
fn counting_and_extending_keep_the_end() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 15 1\r\n1\r\n");
    cache.wait(10);
    cache.ask(b"incr a 1\r\nappend a 0 1000 1\r\n0\r\n");
    assert_eq!(cache.ask(b"get a\r\n"), "VALUE a 0 2\r\n20\r\nEND\r\n");
    cache.wait(5);
    assert_eq!(
        cache.ask(b"get a\r\n"),
        MISS,
        "a lock is not renewed by those who knock"
    );
}

#[test]
fn flush_all_ends_what_is_there_and_nothing_later() {
    for flush in [
        &b"flush_all\r\n"[..],
        b"flush_all 0\r\n",
        b"flush_all -5\r\n",
        b"flush_all \r\n",
    ] {
        let mut cache = cache_with("0");
        assert_eq!(cache.ask(flush), "OK\r\n");
        assert_eq!(cache.ask(b"get a\r\n"), MISS);
        assert_eq!(cache.ask(b"set a 0 0 1\r\nx\r\n"), "STORED\r\n");
        assert_eq!(cache.ask(b"get a\r\n"), HIT, "stored in the same second");
    }
}

#[test]
fn a_flush_to_come_waits_for_its_second() {
    let mut cache = cache_with("0");
    assert_eq!(cache.ask(b"flush_all 10\r\n"), "OK\r\n");
    cache.wait(8);
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
    cache.wait(1);
    assert_eq!(
        cache.ask(b"get a\r\n"),
        MISS,
        "the deadline is one second early, as in memcached"
    );
    cache.ask(b"set a 0 0 1\r\nx\r\n");
    cache.wait(1);
    cache.ask(b"set a 0 0 1\r\nx\r\n");
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
}

#[test]
fn a_flush_at_a_past_date_does_nothing() {
    let mut cache = cache_with("0");
    assert_eq!(cache.ask(b"flush_all 2592001\r\n"), "OK\r\n");
    cache.wait(100);
    assert_eq!(cache.ask(b"get a\r\n"), HIT);
}
