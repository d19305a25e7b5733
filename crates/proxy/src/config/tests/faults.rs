use super::*;

/// A faulty statement of a `listen` section, and what is said after `f:8:`.
const FAULTS: &[(&str, &str)] = &[
    (
        "retires 3",
        "2: error: unknown keyword 'retires' in 'listen' section; did you mean 'retries' maybe ?",
    ),
    ("zzz", "2: error: unknown keyword 'zzz' in 'listen' section"),
    (
        "backand web",
        "2: error: unknown keyword 'backand' in 'listen' section; did you mean 'backend' maybe ?",
    ),
    (
        "acl x path /",
        "2: error: keyword 'acl' in 'listen' section is not implemented by steadfast",
    ),
    (
        "option httplogg",
        "9: error: unknown option 'httplogg'; did you mean 'httplog' maybe ?",
    ),
    (
        "option httpchk",
        "9: error: option 'httpchk' is not implemented by steadfast",
    ),
    ("option", "2: error: 'option' expects an option name."),
    (
        "option httplog clf",
        "17: error: 'option httplog clf' is not implemented by steadfast",
    ),
    (
        "option httplog x",
        "17: error: keyword 'httplog' only supports option 'clf'.",
    ),
    (
        "option dontlognull x",
        "21: error: 'option dontlognull' cannot handle unexpected argument 'x'.",
    ),
    (
        "option redispatch x",
        "20: error: 'option redispatch' expects an integer argument, not 'x'.",
    ),
    (
        "option forwardfor foo",
        "20: error: 'option forwardfor' only supports optional values: 'except', 'header' and 'if-none'.",
    ),
    (
        "option forwardfor except x",
        "27: error: 'option forwardfor except' expects <address>[/mask] as argument. (got 'x')",
    ),
    (
        "option forwardfor header",
        "2: error: 'option forwardfor header' expects <header_name> as argument.",
    ),
    (
        "option forwardfor header a:b",
        "27: error: 'a:b' is not a header name",
    ),
    (
        "no option forwardfor",
        "5: error: negation/default is not supported for option 'forwardfor'.",
    ),
    (
        "no balance",
        "5: error: negation/default currently supported only for options and log.",
    ),
    (
        "mode tcp",
        "7: error: 'mode tcp' is not implemented by steadfast; 'mode http' is",
    ),
    (
        "mode htp",
        "7: error: unknown proxy mode 'htp'; did you mean 'http' maybe ?",
    ),
    (
        "balance leastconn",
        "10: error: algorithm 'leastconn' after 'balance' is not implemented by steadfast; 'roundrobin' is",
    ),
    (
        "balance foo",
        "10: error: unknown algorithm 'foo' after 'balance'",
    ),
    (
        "timeout foo 1",
        "10: error: 'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', 'http-request', 'tunnel', 'client-fin', 'server-fin' (got 'foo')",
    ),
    (
        "timeout client",
        "2: error: 'timeout client' expects an integer value (in milliseconds)",
    ),
    (
        "timeout client 1x",
        "17: error: unexpected character 'x' in 'timeout client'",
    ),
    (
        "timeout client 1 2",
        "19: error: 'timeout client' cannot handle unexpected argument '2'.",
    ),
    (
        "retries -1",
        "10: error: 'retries' value must be between 0 and 100000 (was -1)",
    ),
    (
        "retries x",
        "10: error: 'retries' expects an integer argument, not 'x'.",
    ),
    (
        "maxconn",
        "2: error: 'maxconn' expects an integer argument.",
    ),
    (
        "maxconn 1 2",
        "12: error: 'maxconn' cannot handle unexpected argument '2'.",
    ),
    (
        "id 0",
        "5: error: 'id' value must be between 1 and 2147483647 (was 0)",
    ),
    (
        "bind",
        "2: error: 'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.",
    ),
    ("bind :0", "7: error: 'bind' : invalid port '0'"),
    (
        "bind :1-5000",
        "7: error: 'bind' : more than 4096 listeners in a section",
    ),
    (
        "bind :81 ssl",
        "11: error: 'bind :81' in section 'listen': keyword 'ssl' is not implemented by steadfast",
    ),
    (
        "bind :81 zz",
        "11: error: 'bind :81' in section 'listen': unknown keyword 'zz'",
    ),
    (
        "log",
        "2: error: log : expects <address> and <facility> as arguments",
    ),
    (
        "log 127.0.0.1",
        "2: error: log : expects <address> and <facility> as arguments",
    ),
    (
        "log 127.0.0.1 locl2",
        "16: error: log : unknown log facility 'locl2'; did you mean 'local2' maybe ?",
    ),
    (
        "log 127.0.0.1 local2 notise",
        "23: error: log : unknown optional log level 'notise'; did you mean 'notice' maybe ?",
    ),
    (
        "log 127.0.0.1 local2 foo",
        "23: error: log : unknown optional log level 'foo'",
    ),
    (
        "log 127.0.0.1 format raw local2",
        "16: error: log : 'format raw' is not implemented by steadfast",
    ),
    (
        "log stdout local2",
        "6: error: log : 'log stdout' is not implemented by steadfast; it logs to syslog",
    ),
    (
        "no log x",
        "9: error: log : 'no log' does not expect arguments",
    ),
    (
        "http-request",
        "2: error: 'http-request' expects an action as argument",
    ),
    (
        "http-request deny",
        "15: error: action 'deny' after 'http-request' is not implemented by steadfast",
    ),
    (
        "http-request del-heade x",
        "15: error: unknown action 'del-heade' after 'http-request'; did you mean 'del-header' maybe ?",
    ),
    (
        "http-request del-header",
        "2: error: 'http-request del-header' expects a header name as argument",
    ),
    (
        "http-request del-header a x",
        "28: error: 'http-request del-header' expects either 'if' or 'unless' followed by a condition but found 'x'.",
    ),
    (
        "http-request del-header a if TRUE",
        "28: error: 'if': a condition (ACL) is not implemented by steadfast",
    ),
    (
        "http-request del-header a -m reg",
        "31: error: '-m reg' is not implemented by steadfast",
    ),
    (
        "http-request set-header a %[src]",
        "28: error: a value with '%' (a log format) is not implemented by steadfast: '%[src]'",
    ),
    (
        "http-request set-header a 'b\\n' c",
        "34: error: 'http-request set-header' expects either 'if' or 'unless' followed by a condition but found 'c'.",
    ),
    (
        "http-request set-header a b\\nc",
        "28: error: a header's value can't hold control characters",
    ),
    (
        "default_backend",
        "2: error: 'default_backend' expects a backend name.",
    ),
    (
        "server a",
        "2: error: 'server' expects <name> and <addr>[:<port>] as arguments.",
    ),
    (
        "server a/b h:1",
        "9: error: character '/' is not permitted in server name 'a/b'.",
    ),
    (
        "server a h",
        "11: error: 'server px/a' : 'h' has no port; the port that the client connected to is not implemented by steadfast",
    ),
    (
        "server a h:1 chek",
        "15: error: 'server px/a' : unknown keyword 'chek'; did you mean 'check' maybe ?",
    ),
    (
        "server a h:1 ssl",
        "15: error: 'server px/a' : keyword 'ssl' is not implemented by steadfast",
    ),
    (
        "server a h:1 weight",
        "2: error: 'server px/a' : 'weight' expects an argument.",
    ),
    (
        "server a h:1 weight 300",
        "22: error: 'server px/a' : weight is not within 0 and 256 (300).",
    ),
    (
        "server a h:1 rise 0",
        "20: error: 'server px/a' : 'rise' has to be > 0.",
    ),
    (
        "server a h:1 inter x",
        "21: error: 'server px/a' : unexpected character 'x' in 'inter'",
    ),
    (
        "server a h:1 inter 0",
        "21: error: 'server px/a' : 'inter' has to be > 0.",
    ),
    (
        "server a h:1 port 0",
        "20: error: 'server px/a' : 'port' value must be between 1 and 65535 (was 0)",
    ),
    (
        "default-server h:1",
        "17: error: 'default-server' : unknown keyword 'h:1'",
    ),
    (
        ".if TRUE",
        "2: error: '.if' (a conditional block or message) is not implemented by steadfast",
    ),
];

#[test]
fn every_faulty_statement_is_told() {
    for (line, message) in FAULTS {
        assert_eq!(complaint(line), *message, "{line}");
    }
}

#[test]
fn faults_of_global_are_told() {
    let text = "\
global x
 maxconn
 foo bar
 Listen x
 maxcon 3
 tune.bufsize 3
 daemon x
 nbthread 0
 user
 uid x
 stats timeout 1q
 stats foo
 stats socket
 stats socket /tmp/x mode 9
 stats socket /tmp/x level foo
 stats socket /tmp/x foo
 stats socket fd@3
 no daemon
 log-tag
";
    let expected = "\
f:1:8: error: 'global' cannot handle unexpected argument 'x'.
f:2:2: error: 'maxconn' expects an integer argument.
f:3:2: error: unknown keyword 'foo' in 'global' section
f:4:2: error: unknown keyword 'Listen' in 'global' section; did you mean 'listen' maybe ?
f:5:2: error: unknown keyword 'maxcon' in 'global' section; did you mean 'maxconn' maybe ?
f:6:2: error: keyword 'tune.bufsize' in 'global' section is not implemented by steadfast
f:7:9: error: 'daemon' cannot handle unexpected argument 'x'.
f:8:11: error: 'nbthread' value must be between 1 and 64 (was 0)
f:9:2: error: 'user' expects a name as argument.
f:10:6: error: 'uid' expects an integer argument, not 'x'.
f:11:16: error: unexpected character 'q' in 'stats timeout'
f:12:8: error: 'stats' only supports 'socket', 'maxconn' and 'timeout' (got 'foo')
f:13:2: error: 'stats socket' in global section expects an address or a path to a UNIX socket
f:14:27: error: 'stats socket' : 'mode' : missing or invalid mode '9' (octal integer expected)
f:15:28: error: 'stats socket' : 'level' only supports 'user', 'operator', and 'admin' (got 'foo')
f:16:22: error: 'stats socket' : unknown keyword 'foo'
f:17:15: error: 'stats socket' : 'fd@3': the address family 'fd@' is not implemented by steadfast
f:18:5: error: negation/default currently supported only for options and log.
f:19:2: error: 'log-tag' expects a tag for use in syslog.";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn faults_of_sections_are_told_and_do_not_cascade() {
    let text = "\
foo
peers p
 peer x 127.0.0.1:1
listen
 bind :80
backend b from zz
 server a h:1
defaults
 bind :80
 http-request del-header x
frontend f
 server a h:1
listen \"a
";
    let expected = "\
f:1:1: error: unknown keyword 'foo' out of section
f:2:1: error: section 'peers' is not implemented by steadfast
f:4:1: error: 'listen' expects an <id> argument
f:6:16: error: defaults section 'zz' not found for backend 'b'.
f:9:2: error: 'bind' not allowed in 'defaults' section.
f:10:2: error: 'http-request' not allowed in anonymous 'defaults' section.
f:12:2: error: 'server' not allowed because frontend 'f' has no backend capability.
f:13:8: error: unmatched quote at position 8:
  listen \"a
         ^";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn statements_on_the_wrong_side_are_ignored_with_a_warning() {
    let text = format!(
        "{DEFAULTS}frontend f\n bind :80\n option redispatch\n balance roundrobin\n\
         default_backend b\nbackend b\n bind :82\n maxconn 3\n timeout client 1\n"
    );
    let expected = "\
f:8:2: warning: 'option redispatch' ignored because frontend 'f' has no backend capability.
f:9:2: warning: 'balance' ignored because frontend 'f' has no backend capability.
f:12:2: warning: 'bind' ignored because backend 'b' has no frontend capability.
f:13:2: warning: 'maxconn' ignored because backend 'b' has no frontend capability.
f:14:2: warning: 'timeout client' ignored because backend 'b' has no frontend capability.";
    assert_eq!(messages(&text).join("\n"), expected);
}

#[test]
fn what_only_the_whole_shows_is_told() {
    let text = format!(
        "{DEFAULTS}listen a\n default_backend zz\n server s h:1\n server s h:2\n server t h:3 id 1\n\
         server u h:3 id 1\n\
         frontend a\n bind :81\n id 7\nbackend a\nfrontend b\n bind :82\n id 7\n\
         frontend g+h\n bind :83\n"
    );
    let expected = "\
f:19:10: warning: character '+' is not permitted in 'frontend' name 'g+h'.
f:12:1: error: frontend 'a' has the same name as proxy 'a' declared at f:6.
f:15:1: error: backend 'a' has the same name as proxy 'a' declared at f:6.
f:18:5: error: frontend b reuses same custom id as frontend a (declared at f:12).
f:6:1: warning: proxy 'a' has no 'bind' directive. Please declare it as a backend if this was intended.
f:7:18: error: Proxy 'a': unable to find required default_backend: 'zz'.
f:9:2: error: proxy 'a', another server named 's' was already defined at line 8, please use distinct names.
f:11:1: error: proxy 'a', server 'u' reuses the id of an earlier server.";
    assert_eq!(messages(&text).join("\n"), expected);
    // One name for a frontend and a backend is common, and clear.
    let text = format!("{DEFAULTS}frontend a\n bind :81\n default_backend a\nbackend a\n");
    assert_eq!(messages(&text), [""; 0]);
}

#[test]
fn names_that_would_break_lines_are_refused() {
    for name in ["a b", "a,b", "a/b", r"a\nb", r"a\x1bb", "a{b"] {
        let text = format!("{DEFAULTS}backend \"{name}\"\ndefaults \"{name}\"\n");
        let odd = name.replace("x1b", "u{1b}");
        let told = messages(&text);
        let end = format!("is not permitted in 'backend' name '{odd}'.");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("f:6:9: error: character '"), "{told:?}");
        assert!(told[0].ends_with(&end), "{told:?}");
    }
}

#[test]
fn messages_hold_no_control_characters_of_the_file() {
    for line in [
        r"a\nb",
        r"server \x1b[2J h:1",
        r"option \n",
        r"balance a\r",
        r"log \x1b local0",
        r"http-request set-header a\rb c",
    ] {
        let told = complaint(line);
        assert!(!told.contains(char::is_control), "{told:?}");
    }
}

#[test]
fn a_listen_section_can_not_lead_to_itself() {
    let text = format!("{DEFAULTS}listen a\n bind :80\n default_backend a\n");
    let expected = "f:8:18: error: Proxy 'a': loop detected for default_backend: 'a'.";
    assert_eq!(messages(&text), [expected]);
}

#[test]
fn missing_modes_and_timeouts_are_told() {
    let text = "listen a\n bind :80\n server s h:1\nbackend b\n mode http\n";
    let expected = "\
f:1:1: error: proxy 'a' has no 'mode http', and 'mode tcp', the default, is not implemented by steadfast.
f:1:1: warning: missing timeouts for proxy 'a'.
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration. To fix this, please ensure that all following
   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn the_section_in_variables_is_its_name() {
    let place = r#" "${.SECTION}:${.LINE}""#;
    let text =
        format!("global\n{place}\ndefaults\n{place}\ndefaults d\n{place}\nlisten px\n{place}\n");
    let told = messages(&text);
    for (message, word) in told.iter().zip(["global:2", "defaults:4", "d:6", "px:8"]) {
        assert!(message.contains(&format!("'{word}'")), "{message}");
    }
    assert_eq!(told.len(), 4);
}

#[test]
fn the_last_line_needs_a_line_feed() {
    let text = format!("{DEFAULTS}listen a\n bind :80");
    let expected = "f:7:10: error: Missing LF on last line, file might have been truncated at \
                    position 10.";
    assert_eq!(messages(&text), [expected]);
    assert_eq!(parse_text("").config, Some(Config::default()));
}
