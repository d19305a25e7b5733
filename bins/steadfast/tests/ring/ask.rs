//! One key in words, shares, what moves, pictures, help.

use std::fs;

use super::{GUIDE, GUIDE_ID, answers, file, ring};

#[test]
fn where_says_home_copies_and_why() {
    let line = format!("ring where {GUIDE} --list session --copies 2 {GUIDE_ID}");
    let told = answers(&line, b"");
    assert!(
        told.starts_with(&format!("{GUIDE_ID} lives on node 1, 10.0.0.95:11211.\n")),
        "{told}"
    );
    assert!(
        told.contains("Copy 2 is on node 0, 10.0.0.94:11211.\n"),
        "{told}"
    );
    assert!(
        told.contains(
            "Rules: pecl-memcache:consistent-crc32, the list of PHP's sessions, 2 copies"
        )
    );
    let row = told.lines().find(|line| line.contains("home")).unwrap();
    assert!(row.contains(&format!("{GUIDE_ID}-0")), "{row}");
    assert!(
        row.contains("3f5c639f") && row.contains("927 of 1024"),
        "{row}"
    );
}

#[test]
fn where_says_that_the_lock_of_php_memcached_lives_elsewhere() {
    let line = "ring where --dialect libmemcached:consistent-default --list session --servers a,b,c,d some-id";
    let told = answers(line, b"");
    let place = answers(
        "ring place --dialect libmemcached:consistent-default --servers a,b,c,d",
        b"some-id\nlock.some-id\n",
    );
    let (home, lock) = place.trim().split_once('\n').unwrap();
    assert!(
        told.contains(&format!("some-id lives on node {home}, ")),
        "{told}"
    );
    assert!(
        told.contains(&format!(
            "Its lock, hashed as lock.some-id, is on node {lock}, "
        )),
        "{told}"
    );
}

#[test]
fn where_hashes_the_lock_with_the_prefix_that_it_hashes_the_session_with() {
    let told = answers(
        "ring where --dialect libmemcached:consistent-default --list session --prefix p. --servers a,b some-id",
        b"",
    );
    assert!(
        told.contains("Its lock, hashed as p.lock.some-id, "),
        "{told}"
    );
}

#[test]
fn shares_are_fair_among_nodes_that_want_nothing() {
    let json = file(
        "idle.json",
        br#"{"pools": {"A": {"servers": ["a:1", "b:1"], "weights": [0, 0]}}, "route": "PoolRoute|A"}"#,
    );
    let told = answers(&format!("ring shares --from {json}"), b"");
    assert_eq!(told.matches("  50.0 %  0 ").count(), 2, "{told}");
}

#[test]
fn shares_are_those_of_the_facts() {
    let told = answers(&format!("ring shares {GUIDE}"), b"");
    // 440 and 584 of the 1024 buckets.
    assert!(told.contains("43.0 %") && told.contains("57.0 %"), "{told}");
    assert!(told.contains("Exact"), "{told}");
}

#[test]
fn diff_says_what_moves_and_which_rule_differs() {
    let old = "10.0.0.94:11211,10.0.0.95:11211";
    let dialect = "--dialect pecl-memcache:consistent-crc32";
    let told = answers(&format!("ring diff {dialect} {old} {old}"), b"");
    assert!(
        told.contains("No rule differs.\n\n0.0 % of all keys move, 100.0 % stay."),
        "{told}"
    );
    let told = answers(
        &format!("ring diff {dialect} {old} {old},10.0.0.96:11211"),
        b"",
    );
    assert!(told.contains("The first rule that differs: nodes: 10.0.0.96:11211 after, not before"));
    // Whatever moves, moves to the new node.
    let moves: Vec<_> = told.lines().filter(|line| line.contains(" %  ")).collect();
    assert!(
        !moves.is_empty()
            && moves
                .iter()
                .all(|line| line.ends_with("2, 10.0.0.96:11211")),
        "{told}"
    );
}

#[test]
fn diff_names_the_first_rule_that_differs() {
    let differs = |old: &str, new: &str| {
        let told = answers(&format!("ring diff {old} {new}"), b"");
        let first = told
            .lines()
            .find_map(|line| line.strip_prefix("The first rule that differs: "));
        first.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let php = "pecl-memcache:consistent-crc32=a:1,b:2";
    assert_eq!(
        differs(php, "libmemcached:consistent-default=a:1,b:2"),
        "dialect: pecl-memcache:consistent-crc32 before, libmemcached:consistent-default after"
    );
    assert_eq!(
        differs(php, "pecl-memcache:consistent-crc32=b:2,a:1"),
        "node order: a:1 stands before b:2, after it in the new list \
         (these rules place without it, but answers of `place` are numbered by it)"
    );
    assert_eq!(
        differs(php, "pecl-memcache:consistent-crc32=a:1,b:2*3"),
        "weight of b:2: 1 before, 3 after"
    );
    assert_eq!(
        differs(
            "libmemcached:modula-default=a:1,b:2",
            "libmemcached:modula-default=b:2,a:1"
        ),
        "node order: a:1 stands before b:2, after it in the new list (with these rules it counts)"
    );
    assert_eq!(
        differs("maglev:xxh64=a:1,b:2", "maglev:xxh64=b:2,a:1"),
        "node order: a:1 stands before b:2, after it in the new list (with these rules it counts)"
    );
    assert_eq!(
        differs(
            "twemproxy:ketama-md5=a:1,b:2",
            "twemproxy:ketama-md5=a:1,b:2=beta"
        ),
        "name of b:2: hashed as \"b:2\" before, as \"beta\" after"
    );
}

#[test]
fn diff_counts_sessions_that_keep_no_copy() {
    let list = |nodes: &str| {
        file(
            &format!("{}.toml", nodes.len()),
            format!(
                "dialect = \"pecl-memcache:consistent-crc32\"\nlist = \"session\"\ncopies = 2\nnodes = [{nodes}]\n"
            )
            .as_bytes(),
        )
    };
    let (old, new) = (
        list("\"a:1\", \"b:2\", \"c:3\""),
        list("\"a:1\", \"b:2\", \"c:3\", \"d:4\""),
    );
    let told = answers(&format!("ring diff {old} {new}"), b"");
    let line = told
        .lines()
        .find(|line| line.contains("have no copy left"))
        .unwrap();
    let lost: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert!(lost < 20.0, "{told}");
}

#[test]
fn pictures_stand_alone() {
    let svg = file("ring.svg", b"");
    answers(&format!("ring shares {GUIDE} --svg {svg}"), b"");
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.contains("10.0.0.94:11211"));
    let new = "10.0.0.94:11211,10.0.0.95:11211,10.0.0.96:11211";
    let old = "10.0.0.94:11211,10.0.0.95:11211";
    answers(
        &format!("ring diff --dialect libmemcached:compatible-md5 {old} {new} --svg {svg}"),
        b"",
    );
    assert!(
        fs::read_to_string(&svg)
            .unwrap()
            .contains("class=\"moved\"")
    );
    let said = ring(&format!("ring shares {GUIDE} --svg /nowhere/ring.svg"), b"");
    assert_eq!((said.status, &*said.out), (Some(1), ""));
    assert!(
        said.err
            .starts_with("steadfast: cannot write the answer: /nowhere/ring.svg: ")
    );
}

#[test]
fn help_lists_every_dialect_by_family() {
    let said = ring("ring --help", b"");
    assert_eq!(said.status, Some(0));
    for dialect in steadfast_ring::Dialect::all() {
        let (family, column) = dialect
            .name()
            .split_once(':')
            .map(|(f, c)| (f.to_owned(), c.to_owned()))
            .unwrap();
        assert!(said.out.contains(&family), "{family}");
        let is_listed = said
            .out
            .split_whitespace()
            .any(|word| column == word || column.starts_with(&format!("{word}-")));
        assert!(is_listed, "{dialect} is not in\n{}", said.out);
    }
    for command in ["place", "where", "shares", "diff"] {
        let said = ring(&format!("ring {command} --help"), b"");
        assert!(
            said.out.contains("Examples:") && said.out.contains("Exit status: 0"),
            "{command}"
        );
    }
}
