//! Keys in lines of text.

use core::fmt;

/// A key as it stands in dumps and log lines: every byte but letters, digits and `-._~` as `%XX`, so
/// that spaces, line ends and bytes that are no text do no harm there (RFC 3986, section 2.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct UriKey<'a>(pub(crate) &'a [u8]);

impl fmt::Display for UriKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(&byte) = rest.first() {
            let plain = rest.iter().take_while(|&&byte| is_unreserved(byte)).count();
            let (run, behind) = rest.split_at(plain);
            if let Ok(run) = core::str::from_utf8(run) {
                f.write_str(run)?;
            }
            rest = behind;
            if plain == 0 {
                write!(f, "%{byte:02X}")?;
                rest = &rest[1..];
            }
        }
        Ok(())
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        assert_eq!(UriKey(b"sess_1-2.3~Z").to_string(), "sess_1-2.3~Z");
        assert_eq!(UriKey(b"sp%\x01\xffk:").to_string(), "sp%25%01%FFk%3A");
        assert_eq!(UriKey(b"").to_string(), "");
    }
}
