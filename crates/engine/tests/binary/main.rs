//! What a client of the binary protocol says and hears.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../cache/mod.rs"]
mod cache;
mod model;
mod sasl;
mod wire;

use cache::Cache;
use steadfast_engine::Settings;
use steadfast_protocol::binary::{Command, NO_INITIAL, StorageVerb};
use wire::{
    answers, begin, bytes, count, delete, flush, gat, get, getk, key, loud, only, quiet, set, stat,
    storage, store, touch, with_value,
};

/// Checks a conversation on a fresh cache, whatever the split of what is sent.
fn converse(make: impl Fn() -> Cache, exchanges: &[(Vec<u8>, &[&str])]) {
    let sent_bytes: usize = exchanges.iter().map(|(send, _)| send.len()).sum();
    // Megabytes are cut into fewer pieces, for the sake of time.
    let scale = if sent_bytes < 100_000 { 1 } else { 997 };
    for piece_bytes in [usize::MAX, scale, 7 * scale] {
        let mut cache = make();
        for (send, expect) in exchanges {
            let answer = cache.send(send.chunks(piece_bytes));
            let lines: Vec<_> = answers(&answer).into_iter().map(|a| a.line).collect();
            let sent = send.escape_ascii();
            assert_eq!(lines, *expect, "asked {sent} in pieces of {piece_bytes}");
        }
    }
}

fn talk(exchanges: &[(Vec<u8>, &[&str])]) {
    converse(Cache::new, exchanges);
}

#[test]
fn what_is_set_is_returned_with_its_flags_and_id() {
    let value = b"\x01\x02 any bytes\r\n";
    let request = storage(StorageVerb::Set, "a key\n", (0xdead_beef, 0), value);
    talk(&[
        (with_value(&request, value), &["SET cas"]),
        (
            bytes([get("a key\n")]),
            &["GET cas flags=3735928559 \\x01\\x02 any bytes\\r\\n"],
        ),
        (
            bytes([getk("a key\n")]),
            &["GETK cas flags=3735928559 key=a key\\n \\x01\\x02 any bytes\\r\\n"],
        ),
        (
            bytes([touch("a key\n", 0)]),
            &["TOUCH cas flags=3735928559"],
        ),
        (bytes([delete("a key\n")]), &["DELETE"]),
        (bytes([get("a key\n")]), &["GET 0x01 Not found"]),
        (bytes([getk("a key\n")]), &["GETK 0x01 key=a key\\n"]),
        (bytes([touch("a key\n", 0)]), &["TOUCH 0x01 Not found"]),
        (bytes([delete("a key\n")]), &["DELETE 0x01 Not found"]),
        (
            bytes([gat("a key\n", 0, true)]),
            &["GATK 0x01 key=a key\\n"],
        ),
    ]);
}

#[test]
fn each_storage_command_has_its_condition() {
    use StorageVerb::{Add, Append, Prepend, Replace};
    talk(&[
        (store(Replace, "a", "x"), &["REPLACE 0x01 Not found"]),
        (store(Append, "a", "x"), &["APPEND 0x05 Not stored."]),
        (store(Prepend, "a", "x"), &["PREPEND 0x05 Not stored."]),
        (store(Add, "a", "b"), &["ADD cas"]),
        (store(Add, "a", "x"), &["ADD 0x02 Data exists for key."]),
        (store(Append, "a", "c"), &["APPEND cas"]),
        (store(Prepend, "a", "a"), &["PREPEND cas"]),
        (bytes([get("a")]), &["GET cas flags=0 abc"]),
        (store(Replace, "a", ""), &["REPLACE cas"]),
        (bytes([get("a")]), &["GET cas flags=0"]),
    ]);
}

#[test]
fn a_change_that_names_a_version_is_done_to_that_only() {
    let mut cache = Cache::new();
    let mut ask = |send: Vec<u8>| {
        let answer = answers(&cache.send([&send[..]])).pop().unwrap();
        (answer.line, answer.cas)
    };
    let value = |verb, cas| with_value(&only(cas, storage(verb, "k", (0, 0), b"5")), b"5");
    let verbs = [StorageVerb::Set, StorageVerb::Add, StorageVerb::Replace];
    for verb in verbs {
        assert!(ask(value(verb, 9)).0.ends_with(" 0x01 Not found"));
    }
    let mut known = ask(value(StorageVerb::Set, 0)).1;
    // Add and replace are as good as set, once they name a version.
    for verb in verbs
        .into_iter()
        .chain([StorageVerb::Append, StorageVerb::Prepend])
    {
        let other = ask(value(verb, known + 1_000_000)).0;
        assert!(other.ends_with("0x02 Data exists for key."), "{other}");
        let (done, next) = ask(value(verb, known));
        assert!(done.ends_with(" cas") && next > known, "{done}");
        known = next;
    }
    let exists = "INCREMENT 0x02 Data exists for key.";
    assert_eq!(ask(bytes([only(known - 1, count("k", 1))])).0, exists);
    let (line, next) = ask(bytes([only(known, count("k", 1))]));
    assert_eq!(line, "INCREMENT cas 556");
    assert_eq!(
        ask(bytes([get("k")])),
        (String::from("GET cas flags=0 556"), next)
    );
    let exists = "DELETE 0x02 Data exists for key.";
    assert_eq!(ask(bytes([only(known, delete("k"))])).0, exists);
    assert_eq!(ask(bytes([only(next, delete("k"))])).0, "DELETE");
}

#[test]
fn without_ids_there_are_none_to_see_or_to_name() {
    let make = || {
        let mut settings = steadfast_store::Settings::default();
        settings.cas = false;
        Cache::with(settings, Settings::default())
    };
    let exists = "REPLACE 0x02 Data exists for key.";
    let named = only(1, storage(StorageVerb::Replace, "n", (0, 0), b"1"));
    converse(
        make,
        &[
            (set("n", "5"), &["SET"]),
            (
                bytes([get("n"), touch("n", 0)]),
                &["GET flags=0 5", "TOUCH flags=0"],
            ),
            (
                bytes([count("n", 1), begin("m", 1, 8, 0)]),
                &["INCREMENT 6", "INCREMENT 8"],
            ),
            (with_value(&named, b"1"), &[exists]),
            (
                bytes([only(1, count("n", 1))]),
                &["INCREMENT 0x02 Data exists for key."],
            ),
            (
                bytes([only(1, delete("n"))]),
                &["DELETE 0x02 Data exists for key."],
            ),
            (bytes([delete("n")]), &["DELETE"]),
        ],
    );
}

#[test]
fn numbers_begin_wrap_and_stop_at_zero() {
    let not_a_number = "INCREMENT 0x06 Non-numeric server-side value for incr or decr";
    talk(&[
        (bytes([count("n", 1)]), &["INCREMENT 0x01 Not found"]),
        (bytes([begin("n", 1, 7, 3)]), &["INCREMENT cas 7"]),
        (bytes([begin("n", 1, 7, 3)]), &["INCREMENT cas 8"]),
        (bytes([count("n", -9)]), &["DECREMENT cas 0"]),
        (bytes([get("n")]), &["GET cas flags=0 0"]),
        (
            bytes([begin("m", -1, u64::MAX, 0)]),
            &["DECREMENT cas 18446744073709551615"],
        ),
        (bytes([count("m", 2)]), &["INCREMENT cas 1"]),
        (set("t", "no"), &["SET cas"]),
        (bytes([count("t", 1)]), &[not_a_number]),
        (bytes([begin("t", 1, 1, 0)]), &[not_a_number]),
        (
            bytes([begin("gone", 1, 1, NO_INITIAL)]),
            &["INCREMENT 0x01 Not found"],
        ),
    ]);
}

#[test]
fn a_number_ends_at_the_time_that_it_began_with() {
    let mut cache = Cache::new();
    let ask = |cache: &mut Cache, request| {
        let answer = cache.send([&bytes([request])[..]]);
        answers(&answer).pop().unwrap().line
    };
    assert_eq!(ask(&mut cache, begin("lock", 1, 1, 15)), "INCREMENT cas 1");
    cache.wait(14);
    assert_eq!(ask(&mut cache, begin("lock", 1, 1, 15)), "INCREMENT cas 2");
    cache.wait(1);
    assert_eq!(ask(&mut cache, begin("lock", 1, 1, 15)), "INCREMENT cas 1");
}

#[test]
fn times_are_unsigned_and_long_past_dates_are_over() {
    let set_until = |exptime| {
        let request = storage(StorageVerb::Add, "k", (0, exptime), b"v");
        with_value(&request, b"v")
    };
    talk(&[
        // 31 days: a date in January 1970, by which PHP asks whether a session exists.
        (set_until(2_678_400), &["ADD cas"]),
        (bytes([get("k")]), &["GET 0x01 Not found"]),
        // The year 2106, and no negative number.
        (set_until(u32::MAX), &["ADD cas"]),
        (bytes([get("k")]), &["GET cas flags=0 v"]),
        (bytes([gat("k", 2_678_400, false)]), &["GAT cas flags=0 v"]),
        (bytes([get("k")]), &["GET 0x01 Not found"]),
    ]);
}

#[test]
fn quiet_retrievals_are_silent_on_a_miss_and_all_others_on_success() {
    let quietly = |verb, name, value: &'static str| {
        let request = quiet(storage(verb, name, (0, 0), value.as_bytes()));
        with_value(&request, value.as_bytes())
    };
    let noop = || loud(Command::Noop);
    talk(&[
        (
            bytes([get("a"), getk("a"), gat("a", 0, false), gat("a", 0, true)].map(quiet)),
            &[],
        ),
        (
            [
                quietly(StorageVerb::Set, "a", "1"),
                quietly(StorageVerb::Add, "b", "2"),
                quietly(StorageVerb::Replace, "a", "3"),
                quietly(StorageVerb::Append, "a", "0"),
                quietly(StorageVerb::Prepend, "a", "2"),
                bytes([
                    quiet(count("a", 1)),
                    quiet(count("a", -2)),
                    quiet(begin("n", 1, 1, 0)),
                ]),
            ]
            .concat(),
            &[],
        ),
        (
            bytes([
                quiet(getk("a")),
                quiet(get("none")),
                quiet(gat("b", 0, true)),
                noop(),
            ]),
            &[
                "GETKQ cas flags=0 key=a 229",
                "GATKQ cas flags=0 key=b 2",
                "NOOP",
            ],
        ),
        (
            [
                quietly(StorageVerb::Add, "b", "x"),
                quietly(StorageVerb::Replace, "none", "x"),
                quietly(StorageVerb::Append, "none", "x"),
                bytes([quiet(count("none", 1)), quiet(delete("none")), noop()]),
            ]
            .concat(),
            &[
                "ADDQ 0x02 Data exists for key.",
                "REPLACEQ 0x01 Not found",
                "APPENDQ 0x05 Not stored.",
                "INCREMENTQ 0x01 Not found",
                "DELETEQ 0x01 Not found",
                "NOOP",
            ],
        ),
        (
            bytes([quiet(delete("b")), quiet(flush(None)), get("a"), noop()]),
            &["GET 0x01 Not found", "NOOP"],
        ),
    ]);
}

#[test]
fn a_flush_may_wait() {
    let mut cache = Cache::new();
    let ask = |cache: &mut Cache, send: Vec<u8>| {
        let answer = cache.send([&send[..]]);
        answers(&answer).pop().unwrap().line
    };
    ask(&mut cache, set("a", "1"));
    assert_eq!(ask(&mut cache, bytes([flush(Some(3))])), "FLUSH");
    assert_eq!(ask(&mut cache, bytes([get("a")])), "GET cas flags=0 1");
    cache.wait(3);
    assert_eq!(ask(&mut cache, bytes([get("a")])), "GET 0x01 Not found");
    ask(&mut cache, set("a", "1"));
    cache.wait(1);
    assert_eq!(ask(&mut cache, bytes([flush(Some(0))])), "FLUSH");
    assert_eq!(ask(&mut cache, bytes([get("a")])), "GET 0x01 Not found");
}

#[test]
fn a_flush_that_is_not_allowed_is_refused() {
    let make = || {
        let mut settings = Settings::default();
        settings.flush_enabled = false;
        Cache::with(steadfast_store::Settings::default(), settings)
    };
    let refused: &[&str] = &["FLUSHQ 0x20 Auth failure."];
    converse(make, &[(bytes([quiet(flush(None))]), refused)]);
}

#[test]
fn big_values_come_in_whole_and_too_big_ones_are_dropped_with_the_old_item() {
    let big = "v".repeat(300_000);
    let too_big = "x".repeat(1 << 20);
    let (whole, doubled) = (
        format!("GET cas flags=0 {big}"),
        format!("GET cas flags=0 {big}{big}"),
    );
    talk(&[
        (set("k", &big), &["SET cas"]),
        (bytes([get("k")]), &[&whole]),
        (store(StorageVerb::Append, "k", &big), &["APPEND cas"]),
        (bytes([get("k")]), &[&doubled]),
        (
            [store(StorageVerb::Append, "k", &too_big), bytes([get("k")])].concat(),
            &["APPEND 0x03 Too large.", &doubled],
        ),
        (
            [store(StorageVerb::Add, "k", &too_big), bytes([delete("k")])].concat(),
            &["ADD 0x03 Too large.", "DELETE"],
        ),
        (set("k", "old"), &["SET cas"]),
        (
            [set("k", &too_big), bytes([get("k")])].concat(),
            &["SET 0x03 Too large.", "GET 0x01 Not found"],
        ),
    ]);
}

#[test]
fn an_extension_beyond_the_limit_leaves_the_old_value() {
    let half = "v".repeat(600_000);
    let kept = format!("GET cas flags=0 {half}");
    talk(&[
        (set("k", &half), &["SET cas"]),
        (
            store(StorageVerb::Prepend, "k", &half),
            &["PREPEND 0x05 Not stored."],
        ),
        (bytes([get("k")]), &[&kept]),
    ]);
}

#[test]
fn where_nothing_may_be_evicted_a_full_store_says_so() {
    let mut settings = steadfast_store::Settings::default();
    settings.memory_bytes_max = 4 << 20;
    settings.evict = false;
    let mut cache = Cache::with(settings, Settings::default());
    let value = "v".repeat(100_000);
    let refused = (0..100).find_map(|number| {
        let answer = cache.send([&set(&number.to_string(), &value)[..]]);
        let line = answers(&answer).pop().unwrap().line;
        (line != "SET cas").then_some(line)
    });
    assert_eq!(refused.unwrap(), "SET 0x82 Out of memory allocating item");
    let answer = cache.send([&bytes([get("0")])[..]]);
    assert!(answers(&answer)[0].line.starts_with("GET cas"));
}

#[test]
fn simple_commands_answer_simply() {
    let version = Settings::default().version;
    let version = format!("VERSION {version}");
    talk(&[
        (bytes([loud(Command::Version)]), &[&version]),
        (bytes([loud(Command::Noop)]), &["NOOP"]),
        (
            bytes([loud(Command::Verbosity { level: 1 })]),
            &["VERBOSITY"],
        ),
    ]);
}

#[test]
fn an_unknown_opcode_is_answered_and_its_body_dropped_once() {
    // Key and extras are part of the body; memcached drops as many bytes again.
    let mut unknown = b"\x80\x55\0\x03\x02\0\0\0\0\0\x40\x0a\0\0\x5e\xed\0\0\0\0\0\0\0\0".to_vec();
    unknown.resize(24 + 0x400a, b'b');
    let send = [unknown, bytes([loud(Command::Noop)])].concat();
    talk(&[(send, &["Opcode(0x55) 0x81 Unknown command", "NOOP"])]);
}

#[test]
fn a_report_is_a_response_for_each_line_and_one_without_a_name() {
    let mut cache = Cache::new();
    let mut ask = |topic: &str| -> Vec<String> {
        let answer = cache.send([&bytes([stat(topic)])[..]]);
        answers(&answer).into_iter().map(|a| a.line).collect()
    };
    let general = ask("");
    assert!(general[0].starts_with("STAT key=pid "), "{general:?}");
    assert!(general.iter().any(|line| line == "STAT key=curr_items 0"));
    assert_eq!(general.last().unwrap(), "STAT");
    assert!(general.len() > 80);
    assert!(ask("settings").contains(&String::from("STAT key=cas_enabled yes")));
    assert_eq!(ask("items"), ["STAT"]);
    assert!(ask("slabs ").contains(&String::from("STAT key=active_slabs 0")));
    assert_eq!(ask("sizes"), ["STAT key=sizes_status disabled", "STAT"]);
    assert_eq!(ask("reset"), ["STAT"]);
    assert_eq!(ask("nothing"), ["STAT 0x01 Not found"]);
    assert_eq!(ask("detail"), ["STAT 0x01 Not found"]);
}

#[test]
fn requests_are_counted_by_prefix_while_that_is_on() {
    let mut cache = Cache::new();
    let mut ask = |send: Vec<u8>| {
        let answer = cache.send([&send[..]]);
        answers(&answer)
    };
    assert_eq!(ask(bytes([stat("detail on")]))[0].line, "STAT");
    ask(set("a:1", "x"));
    ask(bytes([
        get("a:1"),
        get("a:2"),
        gat("a:1", 0, false),
        delete("a:1"),
    ]));
    let dump = ask(bytes([stat("detail dump")]));
    assert_eq!(dump.len(), 2);
    let text = "PREFIX a get 3 hit 2 set 1 del 1\r\nEND\r\n";
    assert_eq!(String::from_utf8_lossy(&dump[0].value), text);
    assert!(dump[0].line.starts_with("STAT key=detailed "));
    assert_eq!(ask(bytes([stat("detail off")]))[0].line, "STAT");
}

#[test]
fn sizes_are_counted_where_they_are_tracked() {
    let make = || {
        let mut settings = Settings::default();
        settings.track_sizes = true;
        Cache::with(steadfast_store::Settings::default(), settings)
    };
    converse(
        make,
        &[
            (set("a", "1"), &["SET cas"]),
            (
                bytes([stat("sizes"), loud(Command::Noop)]),
                &["STAT key=64 1", "STAT", "NOOP"],
            ),
        ],
    );
}

#[test]
fn counters_are_those_of_the_text_protocol() {
    let mut cache = Cache::new();
    let requests = [
        set("n", "5"),
        with_value(
            &only(1 << 40, storage(StorageVerb::Set, "n", (0, 0), b"6")),
            b"6",
        ),
        bytes([
            get("n"),
            get("x"),
            count("n", 1),
            count("n", -1),
            count("x", 1),
            count("x", -1),
        ]),
        bytes([
            begin("y", 1, 1, 0),
            touch("n", 0),
            touch("x", 0),
            gat("n", 0, true),
        ]),
        bytes([delete("y"), delete("x"), flush(None)]),
    ];
    cache.send([&requests.concat()[..]]);
    let report = cache.send([&bytes([stat("")])[..]]);
    let lines: Vec<_> = answers(&report).into_iter().map(|a| a.line).collect();
    for (name, number) in [
        ("cmd_get", 2),
        ("cmd_set", 2),
        ("cmd_flush", 1),
        ("cmd_touch", 3),
        ("get_hits", 1),
        ("get_misses", 1),
        ("delete_misses", 1),
        ("delete_hits", 1),
        ("incr_misses", 1),
        ("incr_hits", 1),
        ("decr_misses", 1),
        ("decr_hits", 1),
        ("cas_misses", 0),
        ("cas_hits", 0),
        ("cas_badval", 1),
        ("touch_hits", 2),
        ("touch_misses", 1),
    ] {
        let line = format!("STAT key={name} {number}");
        assert!(lines.contains(&line), "{line} in {lines:#?}");
    }
}

#[test]
fn quit_answers_closes_and_hears_nothing_more() {
    for (send, expect) in [
        (bytes([loud(Command::Quit), get("a")]), &["QUIT"][..]),
        (bytes([quiet(loud(Command::Quit)), get("a")]), &[][..]),
    ] {
        let mut cache = Cache::new();
        let answer = cache.send([&send[..]]);
        let lines: Vec<_> = answers(&answer).into_iter().map(|a| a.line).collect();
        assert_eq!(lines, expect);
        assert!(cache.closed);
    }
}

#[test]
fn what_cannot_be_understood_is_answered_and_ends_the_session() {
    let noop = bytes([loud(Command::Noop)]);
    let mut with_body = noop.clone();
    with_body[11] = 1;
    let mut with_short_body = noop.clone();
    with_short_body[4] = 1;
    let mut long_key = bytes([get("k")]);
    (long_key[2], long_key[3], long_key[10], long_key[11]) = (1, 0, 1, 0);
    let text = b"get a\r\n".to_vec();
    for (bad, expect) in [
        (with_body, &["NOOP", "NOOP 0x04 Invalid arguments"][..]),
        (with_short_body, &["NOOP", "NOOP 0x81 Unknown command"]),
        (long_key, &["NOOP", "GET 0x04 Invalid arguments"]),
        (text, &["NOOP"]),
    ] {
        for piece_bytes in [usize::MAX, 1] {
            let mut cache = Cache::new();
            let send = [&noop[..], &bad, &noop].concat();
            let answer = cache.send(send.chunks(piece_bytes));
            let lines: Vec<_> = answers(&answer).into_iter().map(|a| a.line).collect();
            assert_eq!(lines, expect, "{}", bad.escape_ascii());
            assert!(cache.closed);
        }
    }
}

#[test]
fn a_long_pipeline_of_misses_and_hits_is_answered_in_order() {
    let mut requests = set("hit", &"v".repeat(20_000));
    for number in 0..500 {
        let name = number.to_string();
        let name = if number % 3 == 0 { "hit" } else { &name };
        requests.extend(bytes([getk(name)]));
    }
    let mut cache = Cache::new();
    let answer = cache.send(requests.chunks(1000));
    let answers = answers(&answer);
    assert_eq!(answers.len(), 501);
    for (number, answer) in answers[1..].iter().enumerate() {
        let expect = if number % 3 == 0 {
            String::from("GETK cas flags=0 key=hit ")
        } else {
            format!("GETK 0x01 key={number}")
        };
        assert!(answer.line.starts_with(&expect), "{}", &answer.line[..40]);
    }
    assert_eq!(key("hit").as_bytes(), b"hit");
}
