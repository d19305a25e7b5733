use super::*;

fn environment(name: &str) -> Option<String> {
    match name {
        "X" => Some("value".into()),
        "EMPTY" => Some(String::new()),
        "LIST" => Some("a  b c".into()),
        "LONG" => Some("x".repeat(10_000)),
        _ => None,
    }
}

fn words(line: &[u8]) -> Result<Vec<String>, (u32, String)> {
    let variables = Variables {
        environment: &environment,
        file: "f",
        line: 7,
        section: "listen",
    };
    match split(line, variables) {
        Ok(words) => Ok(words.into_iter().map(|word| word.text).collect()),
        Err(error) => Err((error.column, error.text)),
    }
}

#[test]
fn words_follow_the_rules_of_the_language() {
    let cases: [(&str, &[&str]); 21] = [
        ("", &[]),
        (" \t # comment", &[]),
        ("  mode\thttp\r", &["mode", "http"]),
        ("a#b c", &["a"]),
        (r##"a\#b\ c\\d\'e\"f"##, &[r##"a#b c\d'e"f"##]),
        (r"\n\r\t\x41", &["\n\r\tA"]),
        (r"\q \$X", &[r"\q", r"\$X"]),
        (r##""a b#c'd" e"##, &["a b#c'd", "e"]),
        (r#""\"\\\$X\n""#, &["\"\\$X\n"]),
        (r##"'a\n"$X #' b"##, &[r##"a\n"$X #"##, "b"]),
        (r#"a"b c"d'e f'"#, &["ab cde f"]),
        ("$X ${X}", &["$X", "${X}"]),
        (r#""$X.y" "${X}y" "a$X""#, &["value.y", "valuey", "avalue"]),
        (r#""${NONE-5s}" "${X-5s}""#, &["5s", "value"]),
        (r#""a${EMPTY-5s}""#, &["a"]),
        (r#"x "${LIST[*]}" y"#, &["x", "a", "b", "c", "y"]),
        (r#""<${LIST[*]}>""#, &["<a", "b", "c>"]),
        (r#""${.FILE}:${.LINE}:${.SECTION}""#, &["f:7:listen"]),
        (r#"'$X'"#, &["$X"]),
        ("trailing\\", &["trailing\\"]),
        ("\u{e9}t\u{e9}", &["\u{e9}t\u{e9}"]),
    ];
    for (line, expected) in cases {
        assert_eq!(words(line.as_bytes()).unwrap(), expected, "{line}");
    }
}

#[test]
fn faults_name_their_place() {
    let cases: [(&[u8], u32, &str); 10] = [
        (b"listen \"a", 8, "unmatched quote"),
        (b"listen 'a", 8, "unmatched quote"),
        (
            b" server a\\x4",
            10,
            "truncated or invalid hexadecimal sequence",
        ),
        (
            b" server \"$\"",
            11,
            "forbidden first char in environment variable name",
        ),
        (
            b" server \"${}\"",
            12,
            "forbidden first char in environment variable name",
        ),
        (
            b" server \"${X\"",
            11,
            "unmatched brace in environment variable name",
        ),
        (
            b"a \"\" b",
            3,
            "argument number 1 is empty and marks the end of the list",
        ),
        (
            b"a b \"$NONE\"",
            5,
            "argument number 2 is empty and marks the end of the list",
        ),
        (b"ab\0", 3, "stray NUL character"),
        (b"a \xff", 3, "word is not UTF-8"),
    ];
    for (line, column, text) in cases {
        assert_eq!(
            words(line),
            Err((column, text.into())),
            "{}",
            line.escape_ascii()
        );
    }
    assert_eq!(words(&b"a ".repeat(64)).unwrap().len(), 64);
    let long = format!("a \"{}\"", "$LONG".repeat(3000));
    assert_eq!(
        words(long.as_bytes()),
        Err((3, "word of 20000 bytes exceeds 16384".into()))
    );
    assert_eq!(
        words(&b"a ".repeat(65)),
        Err((129, "more than 64 words in a line".into()))
    );
}
