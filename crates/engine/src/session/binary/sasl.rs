//! Authentication (RFC 4422), by the mechanism PLAIN (RFC 4616).

use steadfast_protocol::binary::{Key, Response, Status};

use super::super::execute::Turn;
use super::{Asked, Binary, Step};
use crate::counters::Counter;

/// How far a client has come in saying who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// It has not said how.
    Unchosen,
    /// By PLAIN, whose one message is still to come.
    Plain,
}

impl Binary {
    /// The first step: the mechanism, and what it says first.
    ///
    /// A client that begins anew is not known any more, however that ends.
    pub(super) fn begin_sasl(
        &mut self,
        asked: Asked,
        mechanism: Key<'_>,
        behind: &[u8],
        data_bytes: usize,
        turn: &mut Turn<'_>,
    ) -> Step {
        let name = mechanism.as_bytes();
        if turn.engine.credentials().is_some() && name.len() > MECHANISM_BYTES_MAX {
            turn.fail(asked, Status::INVALID_ARGUMENTS);
            return Step::go_on(self.skip(data_bytes, behind));
        }
        self.mechanism = if name == PLAIN {
            Mechanism::Plain
        } else {
            Mechanism::Unchosen
        };
        let is_asked_first = data_bytes == 0 && self.mechanism == Mechanism::Plain;
        if is_asked_first && turn.engine.credentials().is_some() {
            self.is_known = Some(false);
            turn.ask_for_message(asked);
            return Step::go_on(0);
        }
        self.go_on_with_sasl(asked, behind, data_bytes, turn)
    }

    /// A step with the message that says who the client is.
    pub(super) fn go_on_with_sasl(
        &mut self,
        asked: Asked,
        behind: &[u8],
        data_bytes: usize,
        turn: &mut Turn<'_>,
    ) -> Step {
        if turn.engine.credentials().is_none() {
            turn.fail(asked, Status::UNKNOWN_COMMAND);
            return Step::go_on(self.skip(data_bytes, behind));
        }
        let message = if data_bytes > MESSAGE_BYTES_MAX {
            None
        } else if let Some(message) = behind.get(..data_bytes) {
            Some(message)
        } else {
            return self.wait_for_value();
        };
        let mechanism = core::mem::replace(&mut self.mechanism, Mechanism::Unchosen);
        let is_known =
            mechanism == Mechanism::Plain && message.is_some_and(|message| turn.knows(message));
        self.is_known = Some(is_known);
        turn.count(Counter::AuthCmds);
        if is_known {
            turn.put_value_binary(asked, 0, b"Authenticated");
        } else {
            turn.count(Counter::AuthErrors);
            turn.fail(asked, Status::AUTH_ERROR);
        }
        Step::go_on(self.skip(data_bytes, behind))
    }
}

impl Turn<'_> {
    /// Answers the mechanisms by which one can authenticate.
    pub(super) fn list_mechanisms(&mut self, asked: Asked) {
        if self.engine.credentials().is_some() {
            self.put_value_binary(asked, 0, PLAIN);
        } else {
            self.fail(asked, Status::UNKNOWN_COMMAND);
        }
    }

    /// Has the client send its message, which PLAIN lets it send with the first step or after it.
    fn ask_for_message(&mut self, asked: Asked) {
        let response = Response {
            status: Status::AUTH_CONTINUE,
            ..Response::new(asked.opcode, asked.opaque)
        };
        response.encode(self.out.text());
    }

    /// Whether a message `[authzid] NUL authcid NUL passwd` is that of a user who is known now; the
    /// file may have been read again since the client came. Nobody acts for somebody else.
    fn knows(&self, message: &[u8]) -> bool {
        let mut parts = message.splitn(3, |&byte| byte == 0);
        let (Some(acts_for), Some(user), Some(password)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let acts_for_itself = acts_for.is_empty() || acts_for == user;
        let known = self.engine.credentials();
        // Without credentials there is nothing to be known by: they were taken away since.
        acts_for_itself && known.is_none_or(|known| known.verify(user, password))
    }
}

/// Over TLS or on a trusted wire: it sends the password as it is. Every client of memcached knows it.
const PLAIN: &[u8] = b"PLAIN";
/// The longest name of a mechanism that is looked at, as in memcached.
const MECHANISM_BYTES_MAX: usize = 32;
/// The longest message that is read: no user and password in a file are as long. A longer one is
/// dropped.
const MESSAGE_BYTES_MAX: usize = 1024;
