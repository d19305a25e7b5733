//! The thread that advances the clock and sweeps expired items away.

use std::panic::{self, AssertUnwindSafe};

use crossbeam::channel::{Receiver, RecvTimeoutError};
use steadfast_engine::Engine;

use crate::clock::Clock;

/// Works until the other end of `stop` is dropped.
///
/// Each second the clock is advanced, and a bounded number of items is looked at. Reads never
/// return an expired item anyway; sweeping gives its memory back before it is missed.
pub(crate) fn run(engine: &Engine, clock: &Clock, stop: &Receiver<()>) {
    each_second(clock, stop, || engine.sweep(clock.now()));
}

/// Advances the clock and works, again and again. A panic in the work does not stop the clock, by
/// which all workers tell what has expired.
fn each_second(clock: &Clock, stop: &Receiver<()>, mut work: impl FnMut()) {
    loop {
        let wait = clock.advance();
        // The panic has told of itself; what it left half done is tried again from the start.
        let _ = panic::catch_unwind(AssertUnwindSafe(&mut work));
        match stop.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_goes_on_after_a_panic() {
        let (stop, stopped) = crossbeam::channel::bounded(1);
        let mut stop = Some(stop);
        let mut rounds = 0;
        each_second(&Clock::start(), &stopped, || {
            rounds += 1;
            if rounds == 2 {
                stop = None;
            }
            panic!("a bug, as this test wants it");
        });
        assert_eq!(rounds, 2);
    }
}
