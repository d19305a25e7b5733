//! Keys, options and lists that are wrong.

use super::{GUIDE, answers, assert_refused, ring};

#[test]
fn key_that_is_none_ends_with_its_line_and_column() {
    let refused = |keys: &[u8], out: &str, message: &str| {
        let said = ring(&format!("ring place {GUIDE}"), keys);
        assert_eq!(said.err, format!("steadfast: standard input:{message}\n"));
        assert_eq!((said.status, &*said.out), (Some(2), out));
    };
    let allowed = "allowed are bytes above 0x20";
    let first = answers(&format!("ring place {GUIDE}"), b"one\n");
    refused(
        b"one\ntwo words\nthree\n",
        &first,
        &format!("2:4: key with a space, {allowed}"),
    );
    refused(
        b"tab\there\n",
        "",
        &format!("1:4: key with the control character 0x09, {allowed}"),
    );
    refused(
        "é\u{1}\n".as_bytes(),
        "",
        &format!("1:2: key with the control character 0x01, {allowed}"),
    );
    refused(
        b"dos\r\n",
        "",
        &format!("1:4: key with a carriage return at the end of the line, {allowed}"),
    );
    refused(
        b"one\n\n",
        &first,
        "2:1: an empty key, allowed are 1 to 250 bytes",
    );
    refused(&[b'x'; 251], "", "1:251: key of 251 bytes exceeds 250");
    let said = ring(&format!("ring place {GUIDE}"), &[b'x'; 250]);
    assert_eq!((said.status, said.out.len()), (Some(0), 2));
    let long = "x".repeat(251);
    assert_refused(
        &format!("ring where {GUIDE} {long}"),
        b"",
        "KEY: column 251: key of 251 bytes exceeds 250",
    );
}

#[test]
fn wrong_options_are_told_in_one_line() {
    let place = |options: &str, message: &str| {
        assert_refused(&format!("ring place {options}"), b"a\n", message);
    };
    let dialect = "--dialect pecl-memcache:consistent-crc32";
    place(
        dialect,
        "no node at all: give --node, --from or --servers, or set MEMCACHE_SERVERS",
    );
    place(
        "--dialect pecl-memcache:consistent_crc --node a:1",
        "unknown dialect \"pecl-memcache:consistent_crc\", the nearest is \"pecl-memcache:consistent-crc32\"",
    );
    place(
        "--node a:1",
        "the command line: no dialect: whose rules count? Give --dialect, see steadfast ring --help",
    );
    place(
        &format!("{dialect} --node a"),
        "--node: node \"a\" has no port, as in HOST:PORT",
    );
    place(
        &format!("{dialect} --node a:1*0"),
        "--node: node \"a:1*0\": weight 0: leave the node out, or give it 1 and above",
    );
    place(
        &format!("{dialect} --node a:1 --node a:1*2"),
        "node \"a:1\" is named twice",
    );
    place(
        &format!("{dialect} --servers a:1,,b:1"),
        "--servers: column 5: a node is empty",
    );
    place(
        &format!("{dialect} --servers a,b,a:11211"),
        "node \"a:11211\" is named twice",
    );
    place(
        "--from /nowhere/ring.toml",
        "/nowhere/ring.toml: No such file or directory (os error 2)",
    );
    place(
        "--hash-tag x --dialect twemproxy:ketama-md5 --node a:1",
        "--hash-tag \"x\": allowed are two characters",
    );
    let said = ring("ring place --node a:1 --servers b:1", b"");
    assert_eq!((said.status, &*said.out), (Some(2), ""));
    let said = ring("ring diff a:1", b"");
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn lists_that_diff_cannot_read_are_told() {
    let diff = |old: &str, new: &str, message: &str| {
        assert_refused(&format!("ring diff {old} {new}"), b"", message);
    };
    diff(
        "nowhere.yml",
        "a:1",
        "nowhere.yml: no such file, and as a list of nodes: node \"nowhere.yml\" has no port, as in HOST:PORT",
    );
    diff(
        "pecl-memcache:consistent-crc=a:1",
        "a:1",
        "unknown dialect \"pecl-memcache:consistent-crc\", the nearest is \"pecl-memcache:consistent-crc32\"",
    );
    diff(
        "pecl-memcache:consistent-crc23=a:1,b:1=x",
        "a:1",
        "unknown dialect \"pecl-memcache:consistent-crc23\", the nearest is \"pecl-memcache:consistent-crc32\"",
    );
    for named in ["/run/c.sock=x", "a:1=x", "a:1*2=x,b:1=y"] {
        diff(
            named,
            "b:1",
            &format!(
                "{named}: no dialect: whose rules count? Give --dialect, see steadfast ring --help"
            ),
        );
    }
    diff(
        "a:1",
        "b:1",
        "a:1: no dialect: whose rules count? Give --dialect, see steadfast ring --help",
    );
}
