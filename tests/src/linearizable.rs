//! Whether what clients saw can be told as a story in which one thing happened after the other.
//!
//! A history is *linearizable* (Herlihy and Wing, 1990) if each operation can be given one moment
//! between its call and its return, so that the replies are those of a plain, sequential object. The
//! search is that of Wing and Gong in the form of Lowe ("Testing for linearizability", 2017): only a
//! return forces operations to have happened, and what is known of the past is a set of
//! configurations, each of which is met once. Linearizability is local: each key has its own history.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// A sequential object: how it answers.
pub trait Model {
    /// All there is to know of it at a moment.
    type State: Clone + Default + Eq + Hash + Debug;
    /// What is asked of it, and what was answered.
    type Event: Clone + Debug;

    /// Returns the state after that, or `None` if the object could not have answered so.
    fn step(state: &Self::State, event: &Self::Event) -> Option<Self::State>;
}

/// One operation of one client, from its call to its return.
#[derive(Clone, Debug)]
pub struct Operation<E> {
    /// Who asked; a client asks one thing at a time. Below [`CLIENTS_MAX`].
    pub client: usize,
    /// When it was called, by [`Clock`].
    pub called: u64,
    /// When its answer was there.
    pub returned: u64,
    /// What was asked and answered.
    pub event: E,
}

/// Moments in an order that all threads agree on.
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

impl Clock {
    /// Returns a moment after all that this, or what this knows of, has seen.
    pub fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Why a history is none of a sequential object.
#[derive(Clone, Debug)]
pub struct Violation<E, S> {
    /// The operation for which there is no moment.
    pub operation: Operation<E>,
    /// Those that were open when it returned.
    pub open: Vec<Operation<E>>,
    /// The states that the object may have been in before them; some of them, if there are many.
    pub states: Vec<S>,
}

/// The violation of a history of that object.
pub type Unexplained<M> = Box<Violation<<M as Model>::Event, <M as Model>::State>>;

/// What may be true at a moment: which of the open operations have happened, and the state.
type Configuration<S> = (u32, S);

/// Looks for a moment for each operation, in any order of the list.
///
/// # Errors
///
/// The first return that no order of the operations before it explains.
///
/// # Panics
///
/// If a client has two operations at once: the history was not recorded well.
pub fn check<M: Model>(history: &[Operation<M::Event>]) -> Result<(), Unexplained<M>> {
    let mut moments: Vec<(u64, usize, bool)> = Vec::new();
    for (number, operation) in history.iter().enumerate() {
        assert!(operation.client < CLIENTS_MAX && operation.called < operation.returned);
        moments.push((operation.called, number, false));
        moments.push((operation.returned, number, true));
    }
    moments.sort_unstable();
    let mut open: [Option<usize>; CLIENTS_MAX] = [None; CLIENTS_MAX];
    let mut possible: HashSet<Configuration<M::State>> = HashSet::new();
    possible.insert((0, M::State::default()));
    for (_, number, is_return) in moments {
        let operation = &history[number];
        let place = &mut open[operation.client];
        if !is_return {
            assert_eq!(place.replace(number), None, "one operation at a time");
            continue;
        }
        let next = happened::<M>(history, &open, &possible, operation.client);
        if next.is_empty() {
            let others = open.iter().flatten().filter(|&&other| other != number);
            return Err(Box::new(Violation {
                operation: operation.clone(),
                open: others.map(|&other| history[other].clone()).collect(),
                states: possible
                    .into_iter()
                    .map(|(_, state)| state)
                    .take(8)
                    .collect(),
            }));
        }
        possible = next;
        open[operation.client] = None;
    }
    Ok(())
}

/// Lets open operations happen, in every order, until that of `client` has; it is open no more then.
fn happened<M: Model>(
    history: &[Operation<M::Event>],
    open: &[Option<usize>; CLIENTS_MAX],
    possible: &HashSet<Configuration<M::State>>,
    client: usize,
) -> HashSet<Configuration<M::State>> {
    let mut next = HashSet::new();
    let mut seen = possible.clone();
    let mut rest: Vec<_> = possible.iter().cloned().collect();
    while let Some((done, state)) = rest.pop() {
        if done >> client & 1 == 1 {
            next.insert((done & !(1 << client), state));
            continue;
        }
        for (other, number) in open.iter().enumerate() {
            let Some(number) = number.filter(|_| done >> other & 1 == 0) else {
                continue;
            };
            if let Some(state) = M::step(&state, &history[number].event) {
                let configuration = (done | 1 << other, state);
                if seen.insert(configuration.clone()) {
                    rest.push(configuration);
                }
            }
        }
    }
    next
}

/// The most clients in one history.
pub const CLIENTS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that can be written, read, and incremented.
    struct Number;

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Write(u8),
        Read(u8),
        /// Returns the new number.
        Increment(u8),
    }

    impl Model for Number {
        type State = u8;
        type Event = Event;

        fn step(&state: &u8, event: &Event) -> Option<u8> {
            match *event {
                Event::Write(number) => Some(number),
                Event::Read(number) => (number == state).then_some(state),
                Event::Increment(number) => (number == state + 1).then_some(number),
            }
        }
    }

    fn operations(list: &[(usize, u64, u64, Event)]) -> Vec<Operation<Event>> {
        let operation = |&(client, called, returned, event)| Operation {
            client,
            called,
            returned,
            event,
        };
        list.iter().map(operation).collect()
    }

    fn holds(list: &[(usize, u64, u64, Event)]) -> bool {
        check::<Number>(&operations(list)).is_ok()
    }

    #[test]
    fn what_overlaps_may_happen_in_any_order() {
        // A read beside a write may come before or after it.
        for seen in [0, 1] {
            assert!(holds(&[
                (0, 1, 4, Event::Write(1)),
                (1, 2, 3, Event::Read(seen))
            ]));
        }
        // Two reads beside it, one after the other, may see it happen.
        assert!(holds(&[
            (0, 1, 9, Event::Write(1)),
            (1, 2, 3, Event::Read(0)),
            (1, 4, 5, Event::Read(1)),
        ]));
        // Two writes beside each other may end in either order.
        for last in [1, 2] {
            assert!(holds(&[
                (0, 1, 5, Event::Write(1)),
                (1, 2, 4, Event::Write(2)),
                (0, 6, 7, Event::Read(last)),
            ]));
        }
        // An operation that has not returned may have happened long ago.
        assert!(holds(&[
            (0, 1, 20, Event::Increment(1)),
            (1, 2, 3, Event::Increment(2)),
            (2, 4, 19, Event::Increment(4)),
            (1, 5, 6, Event::Increment(3)),
            (1, 7, 8, Event::Read(4)),
        ]));
    }

    #[test]
    fn an_old_value_after_a_new_one_is_found() {
        assert!(!holds(&[
            (0, 1, 2, Event::Write(1)),
            (1, 3, 4, Event::Read(0))
        ]));
        assert!(!holds(&[
            (0, 1, 9, Event::Write(1)),
            (1, 2, 3, Event::Read(1)),
            (2, 4, 5, Event::Read(0)),
        ]));
    }

    #[test]
    fn a_value_from_the_future_is_found() {
        let history = operations(&[(1, 1, 2, Event::Read(1)), (0, 3, 4, Event::Write(1))]);
        let violation = check::<Number>(&history).unwrap_err();
        assert_eq!(violation.operation.client, 1);
        assert_eq!(violation.states, [0]);
    }

    #[test]
    fn a_lost_increment_is_found() {
        assert!(!holds(&[
            (0, 1, 4, Event::Increment(1)),
            (1, 2, 3, Event::Increment(1)),
        ]));
        assert!(!holds(&[
            (0, 1, 4, Event::Increment(1)),
            (1, 2, 3, Event::Increment(2)),
            (0, 5, 6, Event::Read(1)),
        ]));
    }

    #[test]
    fn two_readers_that_disagree_about_the_order_are_found() {
        assert!(!holds(&[
            (0, 1, 20, Event::Write(1)),
            (1, 2, 21, Event::Write(2)),
            (2, 3, 4, Event::Read(1)),
            (2, 5, 6, Event::Read(2)),
            (3, 7, 8, Event::Read(1)),
        ]));
    }

    /// Whatever a sequential object answered, with calls and returns drawn apart at random, is
    /// accepted; and with one answer changed to one that no moment explains, it is refused.
    #[test]
    fn stretched_histories_hold_and_break_with_one_answer() {
        for seed in 1..200_u64 {
            let mut random = seed;
            let mut draw = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 16) % below
            };
            let (mut state, mut last) = (0_u8, [0; 4]);
            let mut history = Vec::new();
            for step in 0..60 {
                let client = draw(4) as usize;
                let event = match draw(3) {
                    0 => Event::Write(draw(9) as u8),
                    1 => Event::Read(state),
                    _ => Event::Increment(state + 1),
                };
                state = Number::step(&state, &event).unwrap();
                // It happens at 1000 times its number; nothing of one client overlaps.
                let moment = 1000 * (step + 1);
                let called = (moment - 1 - draw(2500).min(moment - 1)).max(last[client] + 1);
                let returned = moment + 1 + draw(2500);
                if called < moment {
                    last[client] = returned;
                    history.push((client, called, returned, event));
                } else {
                    history.push((5 + step as usize % 20, moment, moment + 1, event));
                }
            }
            assert!(holds(&history), "seed {seed}");
            history.push((4, 10_000_000, 10_000_001, Event::Read(u8::MAX)));
            assert!(!holds(&history), "seed {seed}");
        }
    }
}
