//! The thread that advances the clock and sweeps expired items away.

use crossbeam::channel::{Receiver, RecvTimeoutError};
use steadfast_engine::Engine;

use crate::clock::Clock;

/// Works until the other end of `stop` is dropped.
///
/// Each second the clock is advanced, and a bounded number of items is looked at. Reads never
/// return an expired item anyway; sweeping gives its memory back before it is missed.
pub(crate) fn run(engine: &Engine, clock: &Clock, stop: &Receiver<()>) {
    loop {
        let wait = clock.advance();
        sweep(engine, clock);
        match stop.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Goes on while steps find something, so that a wave of expired items is gone soon.
fn sweep(engine: &Engine, clock: &Clock) {
    let now = clock.now().timestamp;
    for _ in 0..SWEEP_STEPS_MAX {
        let removed = engine.store().sweep(SWEEP_STEP_ITEMS, now);
        if removed < SWEEP_STEP_ITEMS / 4 {
            break;
        }
    }
}

/// Items looked at per step: under a millisecond of work.
const SWEEP_STEP_ITEMS: usize = 4096;
/// Steps per second at most: a quarter of a million items.
const SWEEP_STEPS_MAX: usize = 64;
