//! What a client says and hears, command by command. Texts are those of memcached 1.6.45.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use cache::{Cache, converse, talk};
use steadfast_engine::Settings;

const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";

#[test]
fn what_is_set_is_returned_with_its_flags() {
    talk(&[
        (b"get a\r\n", b"END\r\n"),
        (b"set a 5 0 5\r\nhello\r\n", b"STORED\r\n"),
        (b"get a\r\n", b"VALUE a 5 5\r\nhello\r\nEND\r\n"),
        (b"set a 4294967295 0 0\r\n\r\n", b"STORED\r\n"),
        (b"get a\n", b"VALUE a 4294967295 0\r\n\r\nEND\r\n"),
        (b"set a 4294967297 0 0\r\n\r\n", BAD_LINE),
    ]);
}

#[test]
fn multiget_answers_hits_in_order_and_repeats() {
    talk(&[
        (
            b"set a 0 0 1\r\n1\r\nset c 768 0 1\r\n3\r\n",
            b"STORED\r\nSTORED\r\n",
        ),
        (
            b"get c b a c\r\n",
            b"VALUE c 768 1\r\n3\r\nVALUE a 0 1\r\n1\r\nVALUE c 768 1\r\n3\r\nEND\r\n",
        ),
        (b"get noreply\r\n", b"END\r\n"),
        (b"get\r\n", BAD_LINE),
        (
            [b"get a ", &[b'k'; 251][..], b"\r\n"].concat().as_slice(),
            BAD_LINE,
        ),
    ]);
}

#[test]
fn each_storage_command_has_its_condition() {
    talk(&[
        (b"replace a 0 0 1\r\nx\r\n", b"NOT_STORED\r\n"),
        (b"append a 0 0 1\r\nx\r\n", b"NOT_STORED\r\n"),
        (b"prepend a 0 0 1\r\nx\r\n", b"NOT_STORED\r\n"),
        (b"cas a 0 0 1 1\r\nx\r\n", b"NOT_FOUND\r\n"),
        (b"add a 7 0 1\r\nb\r\n", b"STORED\r\n"),
        (b"add a 0 0 1\r\nx\r\n", b"NOT_STORED\r\n"),
        (b"append a 0 0 1\r\nc\r\n", b"STORED\r\n"),
        (b"prepend a 0 0 1\r\na\r\n", b"STORED\r\n"),
        (b"get a\r\n", b"VALUE a 7 3\r\nabc\r\nEND\r\n"),
        (b"replace a 0 0 1\r\nz\r\n", b"STORED\r\n"),
        (b"cas a 0 0 1 0\r\nx\r\n", b"EXISTS\r\n"),
        (b"get a\r\n", b"VALUE a 0 1\r\nz\r\nEND\r\n"),
    ]);
}

#[test]
fn cas_stores_once_for_each_id_read() {
    let mut cache = Cache::new();
    let id_of = |answer: &str| -> u64 {
        answer
            .lines()
            .next()
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    cache.ask(b"set a 0 0 1\r\n1\r\n");
    let first = id_of(&cache.ask(b"gets a\r\n"));
    let cas = format!("cas a 0 0 1 {first}\r\n2\r\n");
    assert_eq!(cache.ask(cas.as_bytes()), "STORED\r\n");
    assert_eq!(cache.ask(cas.as_bytes()), "EXISTS\r\n");
    let second = id_of(&cache.ask(b"gats 0 a\r\n"));
    assert!(second > first, "ids grow");
    for edit in [&b"incr a 1\r\n"[..], b"append a 0 0 1\r\n0\r\n"] {
        let before = id_of(&cache.ask(b"gets a\r\n"));
        cache.ask(edit);
        assert!(
            id_of(&cache.ask(b"gets a\r\n")) > before,
            "every edit has a new id"
        );
    }
    let before = id_of(&cache.ask(b"gets a\r\n"));
    cache.ask(b"touch a 0\r\n");
    assert_eq!(
        id_of(&cache.ask(b"gets a\r\n")),
        before,
        "touch leaves the id alone"
    );
}

#[test]
fn without_cas_ids_read_as_zero_and_never_match() {
    let make = || {
        let mut store = steadfast_store::Settings::default();
        store.cas = false;
        Cache::with(store, Settings::default())
    };
    converse(
        make,
        &[
            (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
            (b"gets a\r\n", b"VALUE a 0 1 0\r\nx\r\nEND\r\n"),
            (b"cas a 0 0 1 0\r\ny\r\n", b"EXISTS\r\n"),
            (b"cas a 0 0 1 1\r\ny\r\n", b"EXISTS\r\n"),
            (b"cas b 0 0 1 1\r\ny\r\n", b"NOT_FOUND\r\n"),
        ],
    );
}

#[test]
fn delete_says_whether_there_was_something() {
    talk(&[
        (b"delete a\r\n", b"NOT_FOUND\r\n"),
        (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"delete a\r\n", b"DELETED\r\n"),
        (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"delete a 10\r\n", b"DELETED\r\n"),
        (b"delete a 1 2 3 4\r\n", b"ERROR\r\n"),
        (b"delete\r\n", BAD_LINE),
    ]);
}

#[test]
fn numbers_wrap_upwards_and_stop_at_zero() {
    talk(&[
        (b"incr n 1\r\n", b"NOT_FOUND\r\n"),
        (b"set n 9 0 20\r\n18446744073709551615\r\n", b"STORED\r\n"),
        (b"incr n 1\r\n", b"0\r\n"),
        (b"incr n 10\r\n", b"10\r\n"),
        (b"decr n 11\r\n", b"0\r\n"),
        (
            b"incr n -1\r\n",
            b"CLIENT_ERROR invalid numeric delta argument\r\n",
        ),
        (b"incr n\r\n", BAD_LINE),
    ]);
}

#[test]
fn a_shorter_number_is_padded_to_the_old_width() {
    talk(&[
        (b"set n 3 0 3\r\n100\r\n", b"STORED\r\n"),
        (b"decr n 1\r\n", b"99\r\n"),
        (b"get n\r\n", b"VALUE n 3 3\r\n99 \r\nEND\r\n"),
        (b"incr n 901\r\n", b"1000\r\n"),
        (b"get n\r\n", b"VALUE n 3 4\r\n1000\r\nEND\r\n"),
        // What is appended to the padding is no part of the number, and goes with the next one.
        (b"decr n 995\r\nappend n 0 0 1\r\n7\r\n", b"5\r\nSTORED\r\n"),
        (b"incr n 1\r\n", b"6\r\n"),
        (b"get n\r\n", b"VALUE n 3 5\r\n6    \r\nEND\r\n"),
    ]);
}

#[test]
fn only_numbers_can_be_counted() {
    let refused = &b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"[..];
    for value in ["", "-1", "0x5", "5x", "18446744073709551616"] {
        let set = format!("set n 0 0 {}\r\n{value}\r\n", value.len());
        talk(&[(set.as_bytes(), b"STORED\r\n"), (b"incr n 1\r\n", refused)]);
    }
    for value in [" 5", "05", "+5", "5 "] {
        let set = format!("set n 0 0 {}\r\n{value}\r\n", value.len());
        talk(&[(set.as_bytes(), b"STORED\r\n"), (b"incr n 1\r\n", b"6\r\n")]);
    }
}

#[test]
fn noreply_is_silent_even_about_errors() {
    talk(&[
        (b"set a 0 0 1 noreply\r\n5\r\n", b""),
        (b"add a 0 0 1 noreply\r\nx\r\n", b""),
        (
            b"incr a 1 noreply\r\nincr a x noreply\r\ntouch a 0 noreply\r\n",
            b"",
        ),
        (b"get a\r\n", b"VALUE a 0 1\r\n6\r\nEND\r\n"),
        (b"set a x 0 1 noreply\r\ny\r\n", b""),
        (b"set a 0 0 1 noreply\r\nyzz", b""),
        (b"delete a noreply\r\ndelete a noreply\r\n", b""),
        (
            b"flush_all noreply\r\nverbosity 1 noreply\r\nfoo noreply\r\n",
            b"",
        ),
        (b"get a\r\n", b"END\r\n"),
        // But for a line without its words.
        (b"set a 0 noreply\r\n", BAD_LINE),
    ]);
}

#[test]
fn bad_data_leaves_the_old_item_and_parsing_goes_on() {
    talk(&[
        (b"set a 0 0 1\r\n1\r\n", b"STORED\r\n"),
        (
            b"set a 0 0 1\r\nxyzget a\r\n",
            b"CLIENT_ERROR bad data chunk\r\nVALUE a 0 1\r\n1\r\nEND\r\n",
        ),
        (
            b"set a 0 0 0\r\nxxget a\r\n",
            b"CLIENT_ERROR bad data chunk\r\nVALUE a 0 1\r\n1\r\nEND\r\n",
        ),
    ]);
}

#[test]
fn a_bad_header_takes_its_data_along_if_it_has_a_length() {
    talk(&[
        (b"set a -1 0 4\r\nquit\r\n", BAD_LINE),
        (b"set a 0 0 nan\r\n", BAD_LINE),
        (b"cas a 0 0 6 \r\nfoobar\r\n", BAD_LINE),
        (b"get a\r\n", b"END\r\n"),
    ]);
}

#[test]
fn a_value_too_large_is_swallowed_and_what_follows_is_answered() {
    let body = vec![b'x'; 1_048_517];
    let set = |key: &str| {
        [
            format!("set {key} 0 0 1048517\r\n").as_bytes(),
            &body,
            b"\r\n",
        ]
        .concat()
    };
    let mut cache = Cache::new();
    assert_eq!(cache.ask(b"set a 0 0 1\r\n1\r\n"), "STORED\r\n");
    let answer = cache.ask(&[&set("a")[..], b"get a\r\nset l 768 15 1\r\n0\r\n"].concat());
    assert_eq!(
        answer,
        "SERVER_ERROR object too large for cache\r\nEND\r\nSTORED\r\n"
    );
    cache.ask(b"set a 0 0 1\r\n1\r\n");
    let add = [&b"add a 0 0 1048517\r\n"[..], &body, b"\r\nget a\r\n"].concat();
    let answer = cache.send(add.chunks(10_000));
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        "SERVER_ERROR object too large for cache\r\nVALUE a 0 1\r\n1\r\nEND\r\n",
        "only a set removes the old item"
    );
    let quiet = [
        &b"set a 0 0 1048517 noreply\r\n"[..],
        &body,
        b"\r\nget a\r\n",
    ]
    .concat();
    assert_eq!(cache.ask(&quiet), "END\r\n");
    let append = [
        &b"append l 0 0 1048500\r\n"[..],
        &body[..1_048_500],
        b"\r\n",
    ]
    .concat();
    assert_eq!(cache.ask(b"set l 0 0 100\r\n"), "");
    assert_eq!(cache.ask(&[&body[..100], b"\r\n"].concat()), "STORED\r\n");
    assert_eq!(
        cache.ask(&append),
        "NOT_STORED\r\n",
        "an extension that does not fit"
    );
}

#[test]
fn big_values_come_and_go_in_any_pieces() {
    let value: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    let set = [&b"set big 1 0 300000\r\n"[..], &value, b"\r\n"].concat();
    let got = [&b"VALUE big 1 300000\r\n"[..], &value, b"\r\nEND\r\n"].concat();
    for piece_bytes in [1000, 16_385, 65_536, usize::MAX] {
        let mut cache = Cache::new();
        assert_eq!(cache.send(set.chunks(piece_bytes)), b"STORED\r\n");
        assert_eq!(cache.send([&b"get big\r\n"[..]]), got);
        let bad = [&set[..set.len() - 2], b"xx"].concat();
        assert_eq!(
            cache.send(bad.chunks(piece_bytes)),
            b"CLIENT_ERROR bad data chunk\r\n"
        );
        let append = [&b"append big 0 0 300000\r\n"[..], &value, b"\r\n"].concat();
        assert_eq!(cache.send(append.chunks(piece_bytes)), b"STORED\r\n");
        let answer = cache.send([&b"get big\r\n"[..]]);
        assert_eq!(answer.len(), got.len() + value.len());
    }
}

#[test]
fn a_multiget_larger_than_the_output_is_answered_in_turns() {
    let mut cache = Cache::new();
    let value = vec![b'v'; 10_000];
    cache.send([&[&b"set small 0 0 10000\r\n"[..], &value, b"\r\n"].concat()[..]]);
    let one = [&b"VALUE small 0 10000\r\n"[..], &value, b"\r\n"].concat();
    let expected = [&one.repeat(150)[..], b"END\r\nEND\r\n"].concat();
    for line_end in ["\r\n", "\n", "  \r\n"] {
        let get = format!("get {}{line_end}get x\r\n", vec!["small"; 150].join(" "));
        assert_eq!(cache.send([get.as_bytes()]), expected);
        assert_eq!(cache.send(get.as_bytes().chunks(1000)), expected);
    }
    assert_eq!(cache.engine.store().stats().items, 1);
}

#[test]
fn a_multiget_of_misses_is_answered_in_turns() {
    use steadfast_engine::{Next, Output, Session};
    let cache = Cache::new();
    let mut session = Session::new(0, steadfast_protocol::Limits::default());
    let mut out = Output::new();
    let input = format!("get {}\r\n", vec!["k"; 600].join(" ")).into_bytes();
    let (mut consumed, mut calls) = (0, 0);
    loop {
        let progress = session.handle_input(&input[consumed..], &mut out, &cache.engine, cache.now);
        consumed += progress.consumed;
        calls += 1;
        match progress.next {
            Next::Again => assert!(
                progress.consumed > 0,
                "what is answered is not parsed again"
            ),
            next => break assert_eq!(next, Next::Read),
        }
    }
    assert_eq!((consumed, calls), (input.len(), 3));
    assert_eq!(bytes::Buf::chunk(&out), b"END\r\n");
}

#[test]
fn a_full_store_without_eviction_refuses() {
    let mut store = steadfast_store::Settings::default();
    store.memory_bytes_max = 4 << 20;
    store.evict = false;
    let mut cache = Cache::with(store, Settings::default());
    let body = vec![b'x'; 100_000];
    let mut set_until_full = |verb: &str| {
        for index in 0..100 {
            let header = format!("{verb} key{index} 0 0 100000\r\n");
            let answer = cache.send([&[header.as_bytes(), &body, b"\r\n"].concat()[..]]);
            if answer != b"STORED\r\n" {
                return String::from_utf8(answer).unwrap();
            }
        }
        panic!("never full");
    };
    assert_eq!(
        set_until_full("add"),
        "SERVER_ERROR out of memory storing object\r\n"
    );
}

#[test]
fn lines_that_are_no_commands_are_answered_and_survived() {
    talk(&[
        (b"\r\n", BAD_LINE),
        (b"mn\n", BAD_LINE),
        (b" get a\r\n", b"ERROR\r\n"),
        (b"GET a\r\n", b"ERROR\r\n"),
        (b"\xff\xfe\x00\x01\r\n", b"ERROR\r\n"),
        (b"touch a\r\n", BAD_LINE),
        (b"touch a x\r\n", BAD_EXPTIME),
        (b"gat x a\r\n", BAD_EXPTIME),
        (b"flush_all x\r\n", BAD_EXPTIME),
        (b"verbosity\r\n", BAD_LINE),
        (b"version\r\n", b"VERSION 1.6.45-steadfast.0.1.0\r\n"),
    ]);
}

#[test]
fn quit_answers_what_came_before_and_nothing_after() {
    let mut cache = Cache::new();
    assert_eq!(cache.ask(b"get a\r\nquit\r\nget b\r\n"), "END\r\n");
    assert!(cache.closed);
    assert_eq!(cache.ask(b"get c\r\n"), "");
}

#[test]
fn quit_closes_even_as_the_last_request_of_a_share() {
    for before in 0..45 {
        let mut cache = Cache::new();
        let input = [&b"get a\r\n".repeat(before)[..], b"quit\r\n"].concat();
        assert_eq!(cache.send([&input[..]]), b"END\r\n".repeat(before));
        assert!(cache.closed, "after {before} requests");
    }
}

#[test]
fn endless_lines_and_browsers_are_closed_without_a_word() {
    for rubbish in [&[b'x'; 3000][..], b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut cache = Cache::new();
        assert_eq!(cache.ask(rubbish), "");
        assert!(cache.closed);
    }
}

#[test]
fn flush_all_can_be_forbidden() {
    let make = || {
        let mut settings = Settings::default();
        settings.flush_enabled = false;
        Cache::with(steadfast_store::Settings::default(), settings)
    };
    converse(
        make,
        &[
            (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
            (b"flush_all\r\n", b"CLIENT_ERROR flush_all not allowed\r\n"),
            (b"get a\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\n"),
        ],
    );
}

#[test]
fn the_session_handler_of_pecl_memcache_gets_its_answers() {
    talk(&[
        // A new session: three commands at once.
        (
            b"incr SID.lock 1\r\nadd SID.lock 768 15 1\r\n1\r\nget SID\r\n",
            b"NOT_FOUND\r\nSTORED\r\nEND\r\n",
        ),
        (
            b"set SID 0 1700001440 10\r\nvisit|i:1;\r\nset SID.lock 768 15 1\r\n0\r\n",
            b"STORED\r\nSTORED\r\n",
        ),
        // The next visit.
        (
            b"incr SID.lock 1\r\nadd SID.lock 768 15 1\r\n1\r\nget SID\r\n",
            b"1\r\nNOT_STORED\r\nVALUE SID 0 10\r\nvisit|i:1;\r\nEND\r\n",
        ),
        // Somebody else knocks.
        (b"incr SID.lock 1\r\n", b"2\r\n"),
        (
            b"delete SID\r\ndelete SID.lock\r\n",
            b"DELETED\r\nDELETED\r\n",
        ),
    ]);
}
