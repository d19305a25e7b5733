//! Authentication in the text protocol (`-Y`).
//!
//! A client's first command is a `set` whose value is a user, a space and a password; its key,
//! flags and time mean nothing. Nothing else is heard before that is right.

use memchr::memchr;
use steadfast_protocol::{Response, parse_u64};

use super::execute::Turn;
use super::{Next, Session, State, Step};
use crate::counters::Counter;

/// What a client that is not known yet has to send next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door {
    /// The command line.
    Line,
    /// So many bytes of user and password, and CRLF.
    Token { bytes: usize },
}

impl Session {
    /// Hears a client out that is not known yet.
    #[inline(never)]
    pub(super) fn authenticate(&mut self, door: Door, input: &[u8], turn: &mut Turn<'_>) -> Step {
        if turn.is_full() {
            return Step::stop(0, Next::Write);
        }
        match door {
            Door::Line => self.read_door_line(input, turn),
            Door::Token { bytes } => self.read_token(bytes, input, turn),
        }
    }

    fn read_door_line(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        let line_bytes_max = self.settings.limits.line_bytes_max;
        let end = memchr(b'\n', input);
        if end.unwrap_or(input.len()) > line_bytes_max {
            return self.shut();
        }
        let Some(end) = end else {
            return Step::stop(0, Next::Read);
        };
        if end < SHORTEST_LINE_BYTES {
            return self.shut();
        }
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        match token_bytes(line) {
            None => turn.respond(&Response::ClientError(b"unauthenticated")),
            Some(bytes) if bytes > TOKEN_BYTES_MAX as u64 => {
                turn.respond(&Response::ClientError(b"auth token too long"));
            }
            Some(bytes) => {
                let bytes = usize::try_from(bytes).unwrap_or(TOKEN_BYTES_MAX);
                self.state = State::Locked(Door::Token { bytes });
            }
        }
        Step::go_on(end + 1)
    }

    fn read_token(&mut self, bytes: usize, input: &[u8], turn: &mut Turn<'_>) -> Step {
        let Some(block) = input.get(..bytes + 2) else {
            return Step::stop(0, Next::Read);
        };
        let answer = match block.strip_suffix(b"\r\n") {
            Some(token) => turn.check_token(token),
            None => Response::ClientError(b"bad command line termination"),
        };
        turn.respond(&answer);
        self.state = if answer == Response::Stored {
            State::Line
        } else {
            State::Locked(Door::Line)
        };
        Step::go_on(block.len())
    }

    fn shut(&mut self) -> Step {
        self.state = State::Closed;
        Step::go_on(0)
    }
}

impl Turn<'_> {
    /// Compares a user and a password, with a space between them, with those that are known now:
    /// the file may have been read again since the client came.
    fn check_token(&mut self, token: &[u8]) -> Response<'static> {
        let Some(space) = memchr(b' ', token) else {
            return Response::ClientError(b"bad authentication token format");
        };
        self.count(Counter::AuthCmds);
        let (user, password) = (&token[..space], &token[space + 1..]);
        let known = self.engine.credentials();
        // Without credentials there is nothing to be known by: they were taken away since.
        if known.is_none_or(|known| known.verify(user, password)) {
            return Response::Stored;
        }
        self.count(Counter::AuthErrors);
        Response::ClientError(b"authentication failure")
    }
}

/// The length of the token that a line announces, if it is such a line.
fn token_bytes(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|&byte| byte == b' ').filter(|w| !w.is_empty());
    if !line.starts_with(b"set") {
        return None;
    }
    parse_u64(words.nth(4)?)
}

/// A shorter line cannot announce anything; memcached hangs up.
const SHORTEST_LINE_BYTES: usize = 6;
/// The longest user and password with the space between them.
const TOKEN_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_set_announces_a_token() {
        assert_eq!(token_bytes(b"set any 0 0 9"), Some(9));
        assert_eq!(token_bytes(b"set  any  x  y  9 noreply"), Some(9));
        for line in [
            &b"set any 0 0"[..],
            b"set any 0 0 x",
            b"set any 0 0 -1",
            b"get any 0 0 9",
            b" set any 0 0 9",
        ] {
            assert_eq!(token_bytes(line), None, "{:?}", line.escape_ascii());
        }
    }
}
