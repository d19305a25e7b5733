//! What all workers of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use steadfast_engine::Engine;

use crate::budget::Budget;
use crate::census::Census;
use crate::clock::Clock;

/// What all workers of a server share. Nothing in it is written on the way of a request.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) census: Arc<Census>,
    /// For incomplete requests that outgrow a worker's buffer.
    pub(crate) long_requests: Arc<Budget>,
    /// `None` lets clients be silent for ever.
    pub(crate) idle_secs: Option<u32>,
    pub(crate) refuse_when_full: bool,
    pub(crate) phase: AtomicU8,
}

/// What workers are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Serve.
    Serve = 0,
    /// Take nothing new, send what is due, and end.
    Drain = 1,
    /// End at once.
    Stop = 2,
}

impl Shared {
    /// Returns what is to be done.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Serve,
            1 => Phase::Drain,
            _ => Phase::Stop,
        }
    }

    /// Says what is to be done; wake the workers after.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}
