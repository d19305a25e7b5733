use alloc::string::ToString;

use super::flags::bit;
use super::*;

#[test]
fn a_set_of_flags_holds_letters_only() {
    let flags = MetaFlags::of_response(b"s5 t-1 W Oab 1x");
    assert!(flags.has(b's') && flags.has(b'W') && !flags.has(b'x') && !flags.has(b'1'));
    assert_eq!((flags.number(b's'), flags.number(b't')), (Some(5), None));
    assert_eq!(
        (flags.token(b't'), flags.token(b'k')),
        (Some(&b"-1"[..]), None)
    );
    assert!(!flags.has(0) && !flags.has(0xff) && !MetaFlags::NONE.has(b'A'));
    for letter in b'A'..=b'z' {
        assert_eq!(bit(letter).count_ones(), 1);
    }
}

#[test]
fn a_key_in_base64_is_checked() {
    let key = Key::new(b"Zm9").unwrap();
    assert_eq!(MetaKey::new(key, true), None);
    assert!(MetaKey::new(key, false).is_some());
}

#[test]
fn faults_say_what_is_found_and_allowed() {
    for (kind, text) in [
        (
            ParseErrorKind::OpaqueTooLong { bytes: 40 },
            "opaque of 40 bytes exceeds 31",
        ),
        (
            ParseErrorKind::TooManyFlags {
                flags: 19,
                flags_max: 18,
            },
            "19 flags exceed 18",
        ),
        (
            ParseErrorKind::DuplicateFlag { letter: b'v' },
            "flag v is repeated",
        ),
    ] {
        assert_eq!(kind.to_string(), text);
    }
}
