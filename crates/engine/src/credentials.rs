//! Who may use the cache: users and passwords.

use core::fmt;
use core::hint::black_box;
use std::boxed::Box;
use std::vec::Vec;

/// The users of a cache and their passwords, from a file of `user:password` lines.
///
/// It serves both ways to authenticate: text (`-Y`) and SASL PLAIN in the binary protocol (`-S`). The
/// first colon of a line ends the user's name; the rest is the password, further colons included.
/// A CR ends a line as a LF does, the last line may lack its end, and there are no comments.
///
/// ```
/// # use steadfast_engine::Credentials;
/// let users = Credentials::parse(b"web:s3cret\nadmin:a:b\n").unwrap();
/// assert!(users.verify(b"web", b"s3cret"));
/// assert!(users.verify(b"admin", b"a:b"));
/// assert!(!users.verify(b"web", b"S3cret"));
/// ```
#[derive(Clone)]
pub struct Credentials {
    entries: Vec<Entry>,
    ignored: usize,
}

#[derive(Clone)]
struct Entry {
    user: Box<[u8]>,
    password: Box<[u8]>,
}

impl Credentials {
    /// So many users are known; memcached has room for as many, and no more.
    pub const USERS_MAX: usize = 8;
    /// The longest line in bytes without its line feed, as in memcached.
    pub const LINE_BYTES_MAX: usize = 254;

    /// Reads the content of a file. Linear in its length.
    ///
    /// Lines beyond [`Self::USERS_MAX`] count for nothing, as in memcached:
    /// [`ignored_lines`](Self::ignored_lines) tells how many there are, so that somebody hears of
    /// it.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] if there is no line, or one of the first eight lines, an empty one for
    /// example, has no colon or is too long. No error tells what is in a line.
    pub fn parse(content: &[u8]) -> Result<Self, CredentialsError> {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        if content.is_empty() {
            return Err(CredentialsError::Empty);
        }
        let mut lines = content.split(|&byte| byte == b'\n');
        let entries = lines
            .by_ref()
            .take(Self::USERS_MAX)
            .zip(1..)
            .map(|(line, number)| Entry::parse(line, number))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            entries,
            ignored: lines.count(),
        })
    }

    /// How many lines were ignored because there are too many.
    #[must_use]
    pub const fn ignored_lines(&self) -> usize {
        self.ignored
    }

    /// Whether `user` is known and `password` is that user's.
    ///
    /// How long it takes tells the lengths of what is compared and nothing else: all users are
    /// compared, whether one has matched or not.
    #[must_use]
    pub fn verify(&self, user: &[u8], password: &[u8]) -> bool {
        self.entries.iter().fold(false, |found, entry| {
            let same_user = is_same(&entry.user, user);
            let same_password = is_same(&entry.password, password);
            found | (same_user & same_password)
        })
    }
}

impl Entry {
    fn parse(line: &[u8], number: usize) -> Result<Self, CredentialsError> {
        if line.len() > Credentials::LINE_BYTES_MAX {
            return Err(CredentialsError::LineTooLong {
                line: number,
                bytes: line.len(),
            });
        }
        let line = line
            .split(|byte| matches!(byte, b'\r' | 0))
            .next()
            .unwrap_or_default();
        let colon = line.iter().position(|&byte| byte == b':');
        let colon = colon.ok_or(CredentialsError::NoColon { line: number })?;
        Ok(Self {
            user: line[..colon].into(),
            password: line[colon + 1..].into(),
        })
    }
}

/// Compares in a time that depends on the lengths only.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences = left
        .iter()
        .zip(right)
        .fold(0, |differences, (left, right)| {
            // Seen through a black box, so that no compiler finds a way out at the first difference.
            black_box(differences | (left ^ right))
        });
    (left.len() == right.len()) & (differences == 0)
}

/// Secrets: only how many there are.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("users", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Why a file is none of users and passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no line.
    Empty,
    /// A line without a colon between user and password, an empty one for example.
    NoColon {
        /// The number of the line, from 1.
        line: usize,
    },
    /// A line that is too long.
    LineTooLong {
        /// The number of the line, from 1.
        line: usize,
        /// Its length.
        bytes: usize,
    },
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no user, at least one line user:password is needed"),
            Self::NoColon { line } => {
                write!(f, "line {line} has no colon between user and password")
            }
            Self::LineTooLong { line, bytes } => {
                let bytes_max = Credentials::LINE_BYTES_MAX;
                write!(f, "line {line} of {bytes} bytes exceeds {bytes_max}")
            }
        }
    }
}

impl core::error::Error for CredentialsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    fn parse(content: &[u8]) -> Credentials {
        Credentials::parse(content).unwrap()
    }

    #[test]
    fn user_and_password_must_both_match_and_belong_together() {
        let users = parse(b"a:one\nb:two");
        assert!(users.verify(b"a", b"one") && users.verify(b"b", b"two"));
        for (user, password) in [
            ("a", "two"),
            ("b", "one"),
            ("a", "on"),
            ("a", "one "),
            ("a", ""),
            ("", "one"),
            ("", ""),
            ("c", "one"),
        ] {
            assert!(
                !users.verify(user.as_bytes(), password.as_bytes()),
                "{user}:{password}"
            );
        }
    }

    #[test]
    fn the_first_colon_splits_and_a_cr_ends_the_line() {
        let users = parse(b"a:x:y\r\nb:z\r\n");
        assert!(users.verify(b"a", b"x:y") && users.verify(b"b", b"z"));
    }

    #[test]
    fn bad_lines_are_named_by_number_and_not_shown() {
        for (content, error) in [
            (
                &b""[..],
                "no user, at least one line user:password is needed",
            ),
            (b"\n", "no user, at least one line user:password is needed"),
            (
                b"a:b\n\nc:d\n",
                "line 2 has no colon between user and password",
            ),
            (
                b"a:b\nsecret",
                "line 2 has no colon between user and password",
            ),
        ] {
            assert_eq!(Credentials::parse(content).unwrap_err().to_string(), error);
        }
        let mut line = [b'x'; 255];
        line[1] = b':';
        let error = Credentials::parse(&line).unwrap_err();
        assert_eq!(error.to_string(), "line 1 of 255 bytes exceeds 254");
        assert!(Credentials::parse(&line[1..]).is_ok());
    }

    #[test]
    fn the_ninth_user_is_ignored_and_counted() {
        let lines: Vec<_> = (1..=9).map(|n| format!("u{n}:p{n}\n")).collect();
        let users = parse(lines.concat().as_bytes());
        assert!(users.verify(b"u8", b"p8") && !users.verify(b"u9", b"p9"));
        assert_eq!(users.ignored_lines(), 1);
    }

    #[test]
    fn debugging_shows_no_secret() {
        let shown = format!("{:?}", parse(b"alice:secret"));
        assert!(!shown.contains("secret") && !shown.contains("alice"));
    }
}
