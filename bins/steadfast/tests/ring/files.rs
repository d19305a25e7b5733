//! Files that name no ring: told with line and column.

use super::{assert_file_refused, assert_refused, file, ring};

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn php_ini_that_names_no_ring_is_told_with_its_place() {
    let handler = "session.save_handler = memcache\n";
    for (name, content, message) in [
        (
            "p1.ini",
            "x = 1\n".into(),
            ": no session.save_handler, allowed are memcache and memcached",
        ),
        (
            "p2.ini",
            "\nsession.save_handler = files\n".into(),
            ":2:24: session.save_handler is \"files\", allowed are memcache and memcached",
        ),
        (
            "p3.ini",
            handler.to_owned(),
            ":1:24: no session.save_path names its nodes",
        ),
        (
            "p4.ini",
            format!("{handler}session.save_path = \"\"\n"),
            ":2:22: no node at all, a ring needs at least one",
        ),
        (
            "p5.ini",
            format!("{handler}session.save_path = \"tcp://a:1, tcp://b\"\n"),
            ":2:33: \"tcp://b\": the port is missing",
        ),
        (
            "p6.ini",
            format!("{handler}session.save_path = \"tcp://a:1?weight=0\"\n"),
            ":2:22: \"tcp://a:1?weight=0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "p7.ini",
            format!("{handler}session.save_path = \"tcp://a:1,tcp://b:1,tcp://a:1?weight=2\"\n"),
            ":2:42: node \"a:1\" is named twice, first in line 2, column 22",
        ),
        (
            "p8.ini",
            format!("{handler}session.save_path = tcp://a:1?weight=1\n"),
            ":2:21: session.save_path holds ?, which PHP does not take as it is: quote it",
        ),
        (
            "p9.ini",
            format!("{handler}session.save_path = \"tcp://a:1\nmore\n"),
            ":2:21: a quote \" that nothing ends",
        ),
        (
            "p10.ini",
            format!("{handler}session.save_path = \"a:1,b:1\"\n"),
            ":2:22: \"a:1\": allowed is tcp://HOST:PORT or unix:///PATH",
        ),
        (
            "p11.ini",
            format!("{handler}memcache.hash_function = crc23\nsession.save_path = \"tcp://a:1\"\n"),
            ":2:26: unknown dialect \"pecl-memcache:consistent-crc23\", the nearest is \"pecl-memcache:consistent-crc32\"",
        ),
        (
            "p12.ini",
            format!(
                "{handler}memcache.session_prefix_host_key = On\nsession.save_path = \"tcp://a:1\"\n"
            ),
            ":2:36: memcache.session_prefix_host_key is \"On\", allowed is 0: the key depends on the name under which each visitor asks",
        ),
        (
            "p13.ini",
            "session.save_handler = memcached\nsession.save_path = \"a:1, tcp://b:1\"\n".into(),
            ":2:27: node \"tcp://b:1\": a URL, allowed is HOST[:PORT[:WEIGHT]]",
        ),
        (
            "p14.ini",
            "session.save_handler = memcached\nsession.save_path = \"a,b,a:11211\"\n".into(),
            ":2:26: node \"a:11211\" is named twice, first in line 2, column 22",
        ),
        (
            "p15.ini",
            "[HOST=shop.example]\nsession.save_handler = memcached\n".into(),
            ":2:24: session.save_handler under [HOST=shop.example] counts only there, which is not read",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
}

#[test]
fn nutcracker_yml_that_names_no_ring_is_told_with_its_place() {
    let pool = "p:\n  listen: 127.0.0.1:1\n";
    for (name, content, message) in [
        ("n1.yml", String::new(), ": the file is empty"),
        ("n2.yml", pool.to_owned(), ":2:3: the pool has no servers"),
        (
            "n3.yml",
            format!("{pool}  servers: []\n"),
            ":3:12: no server at all, a ring needs at least one node",
        ),
        (
            "n4.yml",
            format!("{pool}  servers:\n  - a:1:0\n"),
            ":4:5: server \"a:1:0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "n5.yml",
            format!("{pool}  servers:\n  - a:1\n"),
            ":4:5: server \"a:1\": allowed is HOST:PORT:WEIGHT [NAME] or PATH:WEIGHT [NAME]",
        ),
        (
            "n6.yml",
            format!("{pool}  servers:\n  - a:1:1 x\n  - b:1:1 x\n"),
            ":5:5: node \"x\" is named twice, first in line 4, column 5",
        ),
        (
            "n7.yml",
            format!("{pool}  hash: fnv1a-64\n  servers:\n  - a:1:1\n"),
            ":3:9: unknown dialect \"twemproxy:ketama-fnv1a-64\", the nearest is \"twemproxy:ketama-fnv1a_64\"",
        ),
        (
            "n8.yml",
            format!("{pool}  distribution: random\n  servers:\n  - a:1:1\n"),
            ":3:17: distribution random: any server can get any key",
        ),
        (
            "n9.yml",
            format!("{pool}  server: [a]\n"),
            ":3:11: \"server\" is no directive of a pool",
        ),
        (
            "n10.yml",
            format!("{pool}  hash_tag: x\n  servers: [\"a:1:1\"]\n"),
            ":3:13: hash_tag is \"x\", allowed are two characters",
        ),
        (
            "n11.yml",
            "p: 1\n".into(),
            ":1:4: a pool is \"1\", allowed is a map",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
    let path = file("n12.yml", b"p:\n  servers: [\n");
    let said = ring(&format!("ring place --from {path}"), b"a\n");
    assert!(
        said.err.starts_with(&format!("steadfast: {path}:")) && said.err.contains("no YAML: "),
        "{said:?}"
    );
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn mcrouter_json_that_names_no_ring_is_told_with_its_place() {
    let pool = |servers: &str, route: &str| {
        format!("{{\"pools\": {{\"A\": {{\"servers\": {servers}}}}},\n\"route\": {route}}}\n")
    };
    let plain = "\"PoolRoute|A\"";
    for (name, content, message) in [
        (
            "j1.json",
            "{}".into(),
            ":1:1: no pools in the configuration",
        ),
        (
            "j2.json",
            "[]".into(),
            ":1:1: the file is a list, allowed is a map",
        ),
        (
            "j3.json",
            pool("[]", plain),
            ":1:29: no server at all, a ring needs at least one node",
        ),
        (
            "j4.json",
            pool("[\"a\"]", plain),
            ":1:30: server \"a\": the port is missing",
        ),
        (
            "j5.json",
            pool("[\"a:1\", \"a:1\"]", plain),
            ":1:37: node \"a:1\" is named twice, first in line 1, column 30",
        ),
        (
            "j6.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": \"Ch4\"}",
            ),
            ":2:53: hash_func is \"Ch4\", read here are Ch3, WeightedCh3, Crc32 and Rendezvous",
        ),
        (
            "j7.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": {\"hash_func\": \"WeightedCh3\", \"weights\": [2]}}",
            ),
            ":2:94: weight is \"2\", allowed are 0 to 1",
        ),
        (
            "j8.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": {\"hash_func\": \"WeightedCh3\", \"weights\": [1, 1]}}",
            ),
            ":2:93: 2 weights for 1 servers",
        ),
        (
            "j9.json",
            "{\"macros\": {}, \"pools\": {}}".into(),
            ":1:12: macros are not read here: give the expanded configuration",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
    let path = file("j10.json", b"{\"pools\": {\n  \"A\": }\n}");
    let said = ring(&format!("ring place --from {path}"), b"a\n");
    assert!(
        said.err
            .starts_with(&format!("steadfast: {path}:2:8: no JSON: ")),
        "{said:?}"
    );
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn toml_that_names_no_ring_is_told_with_its_place() {
    for (name, content, message) in [
        ("t1.toml", "", ": no node at all, a ring needs at least one"),
        (
            "t2.toml",
            "dialect = \"pecl-memcache:consistent-crc32\"\nnodes = [\"a:1\", \"b\"]\n",
            ":2:17: node \"b\" has no port, as in HOST:PORT",
        ),
        (
            "t3.toml",
            "nodes = [\"a:1*0\"]\n",
            ":1:10: node \"a:1*0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "t4.toml",
            "nodes = [\n  \"a:1\",\n  \"a:1\",\n]\n",
            ":3:3: node \"a:1\" is named twice, first in line 2, column 3",
        ),
        (
            "t5.toml",
            "dialect = \"libmemcached\"\n",
            ":1:11: unknown dialect \"libmemcached\", the nearest is ",
        ),
        (
            "t6.toml",
            "node = []\n",
            ":1:8: \"node\" is unknown, there is dialect, list, copies, prefix, salt, hash_tag, nodes",
        ),
        (
            "t7.toml",
            "copies = 0\n",
            ":1:10: copies is \"0\", allowed are 1 and above",
        ),
        (
            "t8.toml",
            "list = \"pools\"\n",
            ":1:8: list is \"pools\", allowed is pool or session",
        ),
        (
            "t9.toml",
            "nodes = \"a:1\"\n",
            ":1:9: nodes is \"a:1\", allowed is a list",
        ),
    ] {
        let path = file(name, content.as_bytes());
        let said = ring(&format!("ring place --from {path}"), b"a\n");
        assert!(
            said.err.starts_with(&format!("steadfast: {path}{message}")),
            "{said:?}"
        );
        assert_eq!(
            (said.status, &*said.out, said.err.lines().count()),
            (Some(2), "", 1)
        );
    }
    let path = file("latin.toml", b"nodes = [\"a\xe9:1\"]\n");
    let message = format!("{path}:1:12: no UTF-8 from here on");
    assert_refused(&format!("ring place --from {path}"), b"a\n", &message);
    let path = file("nodes.txt", b"a:1\n");
    let message = format!(
        "{path}: the name does not tell what it is: end it in .ini, .yml, .json or .toml, or write \
         php:FILE, nutcracker:FILE, mcrouter:FILE, toml:FILE"
    );
    assert_refused(&format!("ring place --from {path}"), b"a\n", &message);
}
