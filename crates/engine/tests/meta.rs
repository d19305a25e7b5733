//! What a client of the meta protocol says and hears. Answers are those of memcached 1.6.45, but for
//! what is said to be ours. Ids are given (`E`), so that they are known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use cache::{Cache, converse, talk};
use steadfast_engine::Settings;

#[test]
fn a_get_returns_what_is_asked_for_in_that_order() {
    talk(&[
        (b"ms a 2 T100 F5 E7\r\nhi\r\n", b"HD\r\n"),
        (
            b"mg a s v f c k t Oxx u\r\n",
            b"VA 2 s2 f5 c7 ka t100 Oxx\r\nhi\r\n",
        ),
        (b"mg a\r\n", b"HD\r\n"),
        (b"mg a t c\r\n", b"HD t100 c7\r\n"),
        (b"mg a O P1 Lx\r\n", b"HD O\r\n"),
        (b"mg b k Oxx\r\n", b"EN kb Oxx\r\n"),
        (b"mg b k Oxx q v\r\n", b""),
        (b"mg a s q\r\n", b"HD s2\r\n"),
        (b"mn\r\n", b"MN\r\n"),
    ]);
}

#[test]
fn flags_act_from_left_to_right() {
    talk(&[
        (b"ms a 2 T100\r\nhi\r\n", b"HD\r\n"),
        (b"mg a t T200\r\n", b"HD t100\r\n"),
        (b"mg a T300 t\r\n", b"HD t300\r\n"),
        (b"mg a T0 t\r\n", b"HD t-1\r\n"),
        (b"ms n 1\r\n7\r\n", b"HD\r\n"),
        (b"ma n t T50 v\r\n", b"VA 1 t-1\r\n8\r\n"),
        (b"ma n T60 t v\r\n", b"VA 1 t60\r\n9\r\n"),
        (b"mg a T-1\r\n", b"HD\r\n"),
        (b"mg a\r\n", b"EN\r\n"),
    ]);
}

#[test]
fn uses_are_told_as_they_were_before_and_may_leave_no_trace() {
    let mut cache = Cache::new();
    cache.ask(b"ms a 1 E1\r\nx\r\n");
    cache.wait(3);
    assert_eq!(cache.ask(b"mg a h l u\r\n"), "HD h0 l3\r\n");
    assert_eq!(cache.ask(b"mg a h l\r\n"), "HD h0 l3\r\n");
    cache.wait(2);
    assert_eq!(cache.ask(b"mg a h l T100\r\n"), "HD h1 l2\r\n");
    assert_eq!(
        cache.ask(b"me a\r\n"),
        "ME a exp=100 la=0 cas=1 fetch=yes cls=1 size=61\r\n"
    );
    assert_eq!(cache.ask(b"me b\r\n"), "EN\r\n");
}

#[test]
fn one_client_is_told_to_make_a_missing_item() {
    talk(&[
        (b"mg a N30 v t E9 c\r\n", b"VA 0 t30 c9 W\r\n\r\n"),
        (b"mg a N30 v t\r\n", b"VA 0 t30 Z\r\n\r\n"),
        (b"get a\r\n", b"VALUE a 0 0\r\n\r\nEND\r\n"),
        (b"mg a h\r\n", b"HD h1 Z\r\n"),
        (b"ms a 2 C9\r\nhi\r\n", b"HD\r\n"),
        (b"mg a N30 v\r\n", b"VA 2\r\nhi\r\n"),
        // The last of the flags that set a time wins.
        (b"mg b T50 N30 t\r\n", b"HD t30 W\r\n"),
        (b"mg c N30 T50 t\r\n", b"HD t50 W\r\n"),
        (b"mg d t N30\r\n", b"HD t-1 W\r\n"),
        (b"mg d t\r\n", b"HD t30 Z\r\n"),
    ]);
}

#[test]
fn one_client_is_told_to_renew_an_item_that_is_about_to_end() {
    talk(&[
        (b"ms a 1 T100\r\nx\r\n", b"HD\r\n"),
        (b"mg a R100 v\r\n", b"VA 1\r\nx\r\n"),
        (b"mg a R101 t\r\n", b"HD t100 W\r\n"),
        (b"mg a R101 t\r\n", b"HD t100 Z\r\n"),
        (b"mg a t\r\n", b"HD t100 Z\r\n"),
        (
            b"incr a 1\r\ntouch a 90\r\ngat 80 b\r\n",
            b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\nTOUCHED\r\nEND\r\n",
        ),
        (b"mg a t\r\n", b"HD t90 Z\r\n"),
        (b"ms a 1 MA\r\ny\r\nmg a v\r\n", b"HD\r\nVA 2\r\nxy\r\n"),
        (b"ms b 1\r\nx\r\nmg b R1000\r\n", b"HD\r\nHD\r\n"),
    ]);
}

#[test]
fn a_stale_item_is_served_until_it_is_stored_anew() {
    talk(&[
        (b"ms a 2 E5 T90\r\nhi\r\n", b"HD\r\n"),
        (b"md a I T30 E8\r\n", b"HD\r\n"),
        (b"mg a c v t h\r\n", b"VA 2 c8 t30 h0 X W\r\nhi\r\n"),
        (b"mg a c v t h\r\n", b"VA 2 c8 t30 h1 Z X\r\nhi\r\n"),
        // A value made from the version before is better than none, and says so.
        (b"ms a 3 I C5 E9 T70\r\nold\r\n", b"HD\r\n"),
        (b"mg a c v t\r\n", b"VA 3 c9 t30 Z X\r\nold\r\n"),
        (b"ms a 3 I C11 c s k Oq\r\nnew\r\n", b"EX c0 s3 ka Oq\r\n"),
        (b"ms a 3 I C0\r\nnew\r\n", b"EX\r\n"),
        (b"ms a 3 C9 T70\r\nnew\r\n", b"HD\r\n"),
        (b"mg a v t\r\n", b"VA 3 t70\r\nnew\r\n"),
        (
            b"md a I\r\nset a 0 0 1\r\nx\r\nmg a\r\n",
            b"HD\r\nSTORED\r\nHD\r\n",
        ),
        (
            b"md a I\r\nappend a 0 0 1\r\ny\r\nmg a v\r\n",
            b"HD\r\nSTORED\r\nVA 2\r\nxy\r\n",
        ),
    ]);
}

#[test]
fn a_look_without_a_trace_claims_a_stale_item_all_the_same() {
    talk(&[
        (b"ms a 2\r\nhi\r\nmd a I\r\n", b"HD\r\nHD\r\n"),
        (b"mg a u h v\r\n", b"VA 2 h0 X W\r\nhi\r\n"),
        (b"mg a u h v\r\n", b"VA 2 h0 Z X\r\nhi\r\n"),
    ]);
}

#[test]
fn a_set_has_the_mode_that_it_asks_for() {
    talk(&[
        (b"ms a 1 MR s\r\nx\r\n", b"NS s1\r\n"),
        (b"ms a 1 MA s\r\nx\r\n", b"NS s1\r\n"),
        (b"ms a 1 MP q\r\nx\r\n", b"NS\r\n"),
        (b"ms a 1 C1 c\r\nx\r\n", b"NF c0\r\n"),
        (b"ms a 1 MR C1\r\nx\r\n", b"NF\r\n"),
        (b"ms a 1 ME E4 c\r\nb\r\n", b"HD c4\r\n"),
        (b"ms a 1 ME\r\nx\r\n", b"NS\r\n"),
        (b"ms a 1 MA E5 C4 c s\r\nc\r\n", b"HD c5 s2\r\n"),
        (b"ms a 1 MP C4 s\r\na\r\n", b"EX s1\r\n"),
        (b"ms a 1 MP C0 E6 s k\r\na\r\n", b"HD s3 ka\r\n"),
        (b"mg a v c\r\n", b"VA 3 c6\r\nabc\r\n"),
        (b"ms a 1 MR C6 q\r\nz\r\nmg a v\r\n", b"VA 1\r\nz\r\n"),
        (
            b"ms a 1 Mset\r\n",
            b"CLIENT_ERROR invalid mode for ms M token\r\n",
        ),
        (b"y\r\nmg a v\r\n", b"VA 1\r\nz\r\n"),
    ]);
}

#[test]
fn an_extension_may_make_the_item() {
    talk(&[
        (b"ms a 1 MA N30 F7 T5 s\r\nx\r\n", b"HD s1\r\n"),
        (b"ms a 1 MA N60 F9 s\r\ny\r\n", b"HD s2\r\n"),
        (b"mg a v t f\r\n", b"VA 2 t30 f7\r\nxy\r\n"),
        (b"ms b 2 MP N0\r\nxy\r\nmg b t\r\n", b"HD\r\nHD t-1\r\n"),
    ]);
}

#[test]
fn a_delete_may_compare_empty_and_invalidate() {
    talk(&[
        (b"md a k Ox q\r\n", b"NF ka Ox\r\n"),
        (b"ms a 2 E5 F3 T9\r\nhi\r\n", b"HD\r\n"),
        (b"md a C4 q k\r\n", b"EX ka\r\n"),
        (b"md a C5 x k\r\n", b"HD ka\r\n"),
        (b"mg a v c f t\r\n", b"VA 0 c5 f0 t-1\r\n\r\n"),
        (
            b"md a x F5 T7 E6 q\r\nmg a v c f t\r\n",
            b"VA 0 c6 f5 t7\r\n\r\n",
        ),
        (
            b"md a x I E8\r\nmg a v c f t\r\n",
            b"HD\r\nVA 0 c8 f0 t-1 X W\r\n\r\n",
        ),
        (b"md a v\r\n", b"HD\r\n"),
        (b"mg a\r\n", b"EN\r\n"),
    ]);
}

#[test]
fn an_emptied_item_was_not_read() {
    talk(&[
        (b"ms a 1\r\nx\r\nmg a\r\nmg a h\r\n", b"HD\r\nHD\r\nHD h1\r\n"),
        (b"md a x\r\nmg a h\r\n", b"HD\r\nHD h0\r\n"),
    ]);
}

#[test]
fn arithmetic_counts_makes_and_compares() {
    talk(&[
        (b"ma n q k Ox\r\n", b"NF kn Ox\r\n"),
        (b"ma n N0 J13 v t E4 c\r\n", b"VA 2 t-1 c4\r\n13\r\n"),
        (b"ma n N0 J13 v E5 c\r\n", b"VA 2 c5\r\n14\r\n"),
        (b"ma n C4 v k\r\n", b"EX kn\r\n"),
        (b"ma n C5 MD D5 v\r\n", b"VA 1\r\n9\r\n"),
        // Padded in the item, and not in the answer.
        (b"mg n v\r\n", b"VA 2\r\n9 \r\n"),
        (b"ma n M- D100 v\r\n", b"VA 1\r\n0\r\n"),
        (b"ma n q v D18446744073709551615\r\n", b""),
        (b"ma n M+ v\r\n", b"VA 1\r\n0\r\n"),
        (b"ma m N50 t\r\nma o t N50\r\n", b"HD t50\r\nHD t-1\r\n"),
        (b"mg o t v\r\n", b"VA 1 t50\r\n0\r\n"),
        (
            b"ms x 1\r\nx\r\nma x q\r\n",
            b"HD\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        ),
        (
            b"ma n D1 D2\r\n",
            b"CLIENT_ERROR invalid or duplicate flag\r\n",
        ),
    ]);
}

/// memcached 1.6.45 loses both where a number gets longer, or where another thread holds the item.
#[test]
fn arithmetic_keeps_marks_and_times() {
    talk(&[
        (b"ms n 1 T100\r\n9\r\nmd n I\r\n", b"HD\r\nHD\r\n"),
        (b"ma n T50 v\r\n", b"VA 2\r\n10\r\n"),
        (b"incr n 90\r\n", b"100\r\n"),
        (b"mg n v t\r\n", b"VA 3 t50 X W\r\n100\r\n"),
        (
            b"ma n D900 v\r\nmg n t\r\n",
            b"VA 4\r\n1000\r\nHD t50 Z X\r\n",
        ),
    ]);
}

#[test]
fn a_key_in_base64_is_the_same_key_and_returned_so() {
    talk(&[
        (b"ms Zm9v 2 b k\r\nhi\r\n", b"HD kZm9v b\r\n"),
        (b"get foo\r\n", b"VALUE foo 0 2\r\nhi\r\nEND\r\n"),
        (b"mg foo k v\r\n", b"VA 2 kZm9v b\r\nhi\r\n"),
        (b"mg Zm9v k b\r\n", b"HD kZm9v b\r\n"),
        (b"mg YmFy k b\r\n", b"EN kYmFy b\r\n"),
        (b"mg Zm9 b\r\n", b"CLIENT_ERROR error decoding key\r\n"),
        (b"md Zm9v b k\r\n", b"HD kZm9v b\r\n"),
        (b"ms bar 1\r\nx\r\nmg YmFy b k\r\n", b"HD\r\nHD kbar\r\n"),
    ]);
}

/// memcached 1.6.45 forgets how the key came where an item is changed or made by such a command, and
/// prints it raw: a key with a line's end in it breaks the answer in two.
#[test]
fn a_key_in_base64_is_remembered_by_every_command() {
    talk(&[
        (b"mg YQpi N30 b k\r\n", b"HD kYQpi b W\r\n"),
        (
            b"ms YQpi 1 b MA\r\nx\r\nmg YQpi b k\r\n",
            b"HD\r\nHD kYQpi b\r\n",
        ),
        (b"md YQpi b x\r\nmg YQpi b k\r\n", b"HD\r\nHD kYQpi b\r\n"),
        (
            b"ma bg== b N0 J9\r\nma bg== b\r\nmg n k v\r\n",
            b"HD\r\nHD\r\nVA 2 kbg== b\r\n10\r\n",
        ),
    ]);
}

/// memcached 1.6.45 takes the key as it stands there, unless one more word follows.
#[test]
fn me_decodes_its_key() {
    let mut cache = Cache::new();
    cache.ask(b"ms Zm9v 2 b E3\r\nhi\r\n");
    for line in [&b"me Zm9v b\r\n"[..], b"me foo\r\n", b"me Zm9v b x\r\n"] {
        assert_eq!(
            cache.ask(line),
            "ME Zm9v exp=-1 la=0 cas=3 fetch=no cls=1 size=64\r\n"
        );
    }
}

#[test]
fn what_does_not_fit_removes_the_old_item_whatever_the_mode() {
    let big = [b'x'; 2000];
    let mut small = steadfast_store::Settings::default();
    small.item_bytes_max = 1024;
    let make = || Cache::with(small.clone(), Settings::default());
    for mode in ["", "ME ", "MA ", "MR "] {
        let request = [format!("ms a 2000 {mode}q\r\n").as_bytes(), &big, b"\r\n"].concat();
        converse(
            make,
            &[
                (b"ms a 1\r\nx\r\n", b"HD\r\n"),
                (&request, b"SERVER_ERROR object too large for cache\r\n"),
                (b"mg a\r\n", b"EN\r\n"),
            ],
        );
    }
}

#[test]
fn a_big_value_arrives_in_its_place() {
    let value = [b'v'; 40_000];
    let set = [
        b"ms YmlnIGtleQ== 40000 b E3 s c k T9\r\n",
        &value[..],
        b"\r\n",
    ]
    .concat();
    let append = [b"ms YmlnIGtleQ== 40000 b MA q\r\n", &value[..], b"\r\n"].concat();
    let bad = [b"ms a 40000 q Ox\r\n", &value[..], b"xx"].concat();
    let hit = [b"VA 40000 t9 kYmlnIGtleQ== b\r\n", &value[..], b"\r\n"].concat();
    talk(&[
        (&set, b"HD s40000 c3 kYmlnIGtleQ== b\r\n"),
        (b"mg YmlnIGtleQ== b v t k\r\n", &hit),
        (&append, b""),
        (b"mg YmlnIGtleQ== b s\r\n", b"HD s80000\r\n"),
        (&bad, b"CLIENT_ERROR bad data chunk\r\n"),
    ]);
}

#[test]
fn an_errors_data_is_dropped_where_its_length_is_known() {
    talk(&[
        (
            b"ms a 2 Tx\r\nhi\r\n",
            b"CLIENT_ERROR bad token in command line format\r\n",
        ),
        (
            b"ms a 2 T1 T2\r\nhi\r\n",
            b"CLIENT_ERROR duplicate flag\r\n",
        ),
        (
            b"ms a 2 !\r\nmn a\r\n",
            b"CLIENT_ERROR bad command line format\r\nMN\r\n",
        ),
        (
            b"ms a x\r\nmn a\r\n",
            b"CLIENT_ERROR bad command line format\r\nMN\r\n",
        ),
        (b"ms a 2\r\nhixx", b"CLIENT_ERROR bad data chunk\r\n"),
        (b"mg a v noreply\r\n", b"CLIENT_ERROR invalid flag\r\n"),
        (b"mg a\r\n", b"EN\r\n"),
    ]);
}

#[test]
fn meta_commands_are_counted_as_the_classic_ones() {
    let mut cache = Cache::new();
    cache.ask(b"ms a 1 q\r\n1\r\nms a 1 C99\r\nx\r\nms b 1 C9\r\nx\r\nms a 1 MA\r\n1\r\n");
    cache.ask(b"mg a v q\r\nmg a T9\r\nmg b T9\r\nmg c N9\r\nmg b\r\n");
    cache.ask(
        b"ma a q\r\nma b q\r\nma d N0\r\nma a MD\r\nmd a I\r\nmd a C1\r\nmd a\r\nmd a\r\nme a\r\n",
    );
    let stats = cache.ask(b"stats\r\n");
    for expected in [
        "cmd_set 4",
        "cas_badval 1",
        "cas_misses 1",
        "get_hits 2",
        "get_misses 2",
        "cmd_touch 1",
        "touch_hits 1",
        "touch_misses 0",
        "incr_hits 1",
        "incr_misses 1",
        "decr_hits 1",
        "delete_hits 1",
        "delete_misses 2",
        "cmd_meta 1",
    ] {
        assert!(
            stats.contains(&format!("STAT {expected}\r\n")),
            "{expected}"
        );
    }
}
