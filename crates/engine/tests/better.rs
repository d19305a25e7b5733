//! What memcached 1.6.45 gets wrong, each found by talking to it; and what is said here. More is in
//! `meta.rs`, where tests say so.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use cache::{Cache, talk};

const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";

/// memcached throws away the answers before it that are not sent yet, and ends the error with an
/// empty line.
#[test]
fn a_key_that_is_too_long_costs_no_other_answer() {
    let request = [
        b"set a 0 0 1\r\nx\r\nget a\r\nget a ".as_slice(),
        &[b'k'; 251],
        b"\r\nget a\r\nmn\r\n",
    ];
    let hit = b"VALUE a 0 1\r\nx\r\nEND\r\n".as_slice();
    let answer = [b"STORED\r\n", hit, BAD_LINE, hit, b"MN\r\n"].concat();
    let request = request.concat();
    talk(&[(&request, &answer)]);
}

/// memcached reads on behind the value, in what an item before has left there.
#[test]
fn a_value_of_white_space_is_no_number() {
    const NOT_A_NUMBER: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
    talk(&[
        (
            b"set a 0 0 20\r\nx 123456789012345678\r\ndelete a\r\n",
            b"STORED\r\nDELETED\r\n",
        ),
        (
            b"set b 0 0 1\r\n \r\nincr b 1\r\n",
            &[b"STORED\r\n", NOT_A_NUMBER].concat(),
        ),
        (b"ma b\r\n", NOT_A_NUMBER),
        (
            b"set b 0 0 0\r\n\r\nincr b 1\r\n",
            &[b"STORED\r\n", NOT_A_NUMBER].concat(),
        ),
    ]);
}

/// memcached cuts the time to 32 bits: 2^40 becomes 0, which is never, and 2^31 is negative, which
/// is over already.
#[test]
fn a_time_in_the_far_future_is_neither_over_nor_never() {
    let mut cache = Cache::new();
    for time in ["1099511627776", "2147483648", "4294967297"] {
        let set = format!("set a 0 {time} 1\r\nx\r\nmg a t\r\n");
        let answer = cache.ask(set.as_bytes());
        let left = answer.strip_prefix("STORED\r\nHD t").unwrap().trim_end();
        assert!(left.parse::<u64>().unwrap() > 1_000_000, "{time}: {answer}");
    }
}

/// memcached walks its lists from their heads and stops at the first item of an earlier second, which
/// may not be the last of them. Ids, given or not, say nothing about a flush.
#[test]
fn a_flush_ends_items_whatever_their_ids() {
    talk(&[
        (
            b"ms a 1 E99999999\r\nx\r\nms b 1\r\nx\r\nflush_all\r\n",
            b"HD\r\nHD\r\nOK\r\n",
        ),
        (b"mg a\r\nmg b\r\n", b"EN\r\nEN\r\n"),
        (b"ms a 1 E1\r\nx\r\nmg a c\r\n", b"HD\r\nHD c1\r\n"),
    ]);
}

/// memcached prints what is left after an underflow, some four billion seconds.
#[test]
fn an_item_that_is_over_has_no_time_left() {
    talk(&[
        (b"ms a 1\r\nx\r\nmg a T-1 t\r\n", b"HD\r\nHD t0\r\n"),
        (b"mg a N-1 t\r\n", b"HD t0 W\r\n"),
        (b"mg a\r\n", b"EN\r\n"),
    ]);
}
