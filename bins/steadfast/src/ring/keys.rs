//! Keys: what is one, and a stream of them.

use std::io::{self, Read, Write};

use memchr::memchr;

use super::Failure;
use super::fault::Fault;

/// Refuses what no client can send behind a prefix of so many bytes: the offset in the key, and what
/// is wrong.
///
/// A key of memcached has 1 to 250 bytes (protocol.txt, "Keys"); clients refuse blanks and controls
/// in it, or replace them, each in its own way.
pub(crate) fn check(key: &[u8], prefix_bytes: usize) -> Result<(), (usize, String)> {
    if key.is_empty() {
        return Err((0, "an empty key, allowed are 1 to 250 bytes".into()));
    }
    let allowed = KEY_BYTES_MAX.saturating_sub(prefix_bytes);
    if key.len() > allowed {
        let found = key.len() + prefix_bytes;
        let what = if prefix_bytes > 0 {
            "prefix and key"
        } else {
            "key"
        };
        return Err((
            allowed,
            format!("{what} of {found} bytes exceeds {KEY_BYTES_MAX}"),
        ));
    }
    // Without an early end, which lets the compiler look at many bytes at once.
    let is_clean = key
        .iter()
        .fold(true, |clean, &byte| clean & (byte > b' ') & (byte != 0x7f));
    if is_clean {
        return Ok(());
    }
    let at = key
        .iter()
        .position(|&byte| byte <= b' ' || byte == 0x7f)
        .unwrap_or_default();
    let found = match key[at] {
        b' ' => "a space".into(),
        b'\r' if at + 1 == key.len() => "a carriage return at the end of the line".into(),
        byte => format!("the control character 0x{byte:02x}"),
    };
    Err((
        at,
        format!("key with {found}, allowed are bytes above 0x20"),
    ))
}

/// Answers keys, a line each, and writes the answers.
pub(crate) struct Answers<W, F> {
    output: W,
    answer: F,
    prefix_bytes: usize,
    line: usize,
    pending: Vec<u8>,
}

impl<W: Write, F: FnMut(&[u8], &mut Vec<u8>)> Answers<W, F> {
    /// `answer` adds the answer for a key to what will be written. The client puts a prefix of so
    /// many bytes before each key.
    pub(crate) fn new(output: W, prefix_bytes: usize, answer: F) -> Self {
        Self {
            output,
            answer,
            prefix_bytes,
            line: 0,
            pending: Vec::with_capacity(BUFFER_BYTES),
        }
    }

    /// Answers every line of `input`.
    ///
    /// Answers are written whenever no further line is there already, so that a program on the
    /// other ends of both pipes can wait for them.
    pub(crate) fn take_all(mut self, mut input: impl Read) -> Result<(), Failure> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut filled = 0;
        loop {
            let read = match input.read(&mut buffer[filled..]) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::of_file(INPUT_NAME, error.to_string()).into()),
            };
            let mut start = 0;
            let mut searched = filled;
            filled += read;
            while let Some(len) = memchr(b'\n', &buffer[searched..filled]) {
                self.take(&buffer[start..searched + len])?;
                searched += len + 1;
                start = searched;
            }
            let is_last = read == 0 && start < filled;
            if is_last || (start == 0 && filled == buffer.len()) {
                self.take(&buffer[start..filled])?;
            }
            self.write()?;
            if read == 0 {
                return Ok(());
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
        }
    }

    /// Answers one key; the answers before a line that is none go out before the fault is told.
    fn take(&mut self, key: &[u8]) -> Result<(), Failure> {
        self.line += 1;
        if let Err((at, message)) = check(key, self.prefix_bytes) {
            self.write()?;
            let column = String::from_utf8_lossy(&key[..at]).chars().count() + 1;
            let place = format!("{INPUT_NAME}:{}:{column}", self.line);
            return Err(Fault::of_file(&place, message).into());
        }
        (self.answer)(key, &mut self.pending);
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.output.write_all(&self.pending)?;
        self.pending.clear();
        self.output.flush()
    }
}

/// The longest key of memcached.
const KEY_BYTES_MAX: usize = 250;

/// How much is read at once; far more than the longest key, so that a line that fills it is none.
const BUFFER_BYTES: usize = 256 * 1024;

const INPUT_NAME: &str = "standard input";

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the input in pieces of `piece` bytes.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(self.0.len()).min(buffer.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn lengths(input: &[u8], piece: usize) -> (String, Result<(), String>) {
        let mut output = Vec::new();
        let answers = Answers::new(&mut output, 0, |key, answers: &mut Vec<u8>| {
            answers.extend_from_slice(format!("{} ", key.len()).as_bytes());
        });
        let result = answers.take_all(Pieces(input, piece));
        let told = result.map_err(|failure| failure.to_string());
        (String::from_utf8(output).unwrap(), told)
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        for piece in [1, 2, 3, 100] {
            assert_eq!(lengths(b"a\nbcd\nef", piece), ("1 3 2 ".into(), Ok(())));
            assert_eq!(lengths(b"a\nbcd\n", piece), ("1 3 ".into(), Ok(())));
            assert_eq!(lengths(b"", piece), (String::new(), Ok(())));
        }
    }

    #[test]
    fn answers_before_a_bad_line_are_out_and_its_place_is_told() {
        for piece in [1, 5, 100] {
            let (output, result) = lengths(b"a\nb\nc d\ne\n", piece);
            assert_eq!(output, "1 1 ");
            let message = "standard input:3:2: key with a space, allowed are bytes above 0x20";
            assert_eq!(result, Err(message.into()));
        }
    }

    #[test]
    fn bad_keys_are_told_apart() {
        let told = |key: &[u8]| check(key, 0).unwrap_err();
        assert_eq!(
            told(b""),
            (0, "an empty key, allowed are 1 to 250 bytes".into())
        );
        assert_eq!(
            told(&[b'x'; 251]),
            (250, "key of 251 bytes exceeds 250".into())
        );
        assert!(told(b"ab\r").1.contains("carriage return"));
        assert!(told(b"a\x7f").1.contains("0x7f"));
        assert_eq!(check(&[b'x'; 250], 0), Ok(()));
        assert_eq!(check(&[b'x'; 245], 5), Ok(()));
        let message = "prefix and key of 251 bytes exceeds 250".into();
        assert_eq!(check(&[b'x'; 246], 5), Err((245, message)));
        assert_eq!(check("é".as_bytes(), 0), Ok(()));
    }

    #[test]
    fn endless_line_is_a_key_that_is_too_long() {
        let input = vec![b'x'; 3 * BUFFER_BYTES];
        let (output, result) = lengths(&input, BUFFER_BYTES);
        assert_eq!(output, "");
        assert!(
            result
                .unwrap_err()
                .starts_with("standard input:1:251: key of ")
        );
    }
}
