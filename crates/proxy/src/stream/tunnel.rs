//! After `101` or a `CONNECT`: bytes both ways, whatever they mean.

use bytes::BytesMut;

use super::{Action, Phase, Side, Stream};
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::Now;

impl Stream {
    /// Turns the stream into a tunnel. What the client has sent ahead goes first.
    pub(super) fn start_tunnel(&mut self, now: Now) {
        self.phase = Phase::Tunnel;
        if !self.client.input.is_empty() {
            let ahead = core::mem::replace(&mut self.client.input, BytesMut::new());
            self.exchange.bytes_in += ahead.len() as u64;
            self.send(Side::Server, ahead.freeze(), now);
        }
        for to in [Side::Client, Side::Server] {
            self.actions
                .push_back(Action::Forward { to, len: u64::MAX });
        }
    }

    /// One direction has ended: the other side is told, and the tunnel with the second.
    pub(super) fn tunnel_ended(&mut self, by: Side, state: &mut State, now: Now) {
        self.side_mut(by).has_ended = true;
        if self.side_mut(by.other()).has_ended {
            self.cut(Termination::default(), state, now);
        } else {
            self.actions.push_back(Action::ShutdownWrite(by.other()));
        }
    }

    /// One side is broken.
    pub(super) fn tunnel_broken(&mut self, by: Side, state: &mut State, now: Now) {
        let cause = match by {
            Side::Client => Cause::Client,
            Side::Server => Cause::Server,
        };
        self.cut(Termination::new(cause, log::Phase::Data), state, now);
    }
}
