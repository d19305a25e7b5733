//! HAProxy's weighted round robin, to the pick.

use core::cmp::Reverse;

/// Weighted turns over the usable servers.
///
/// With `S` the sum of the usable weights, a turn is `16 S` picks and the position runs from `16 S` to `32 S`. A
/// server waits in one of three lists: *init* (not used yet in this turn, heaviest first), *current* (by the position
/// at which it is due) or *next* (its next due place lies beyond this turn). A pick moves its server on by `S / w`,
/// remainders adding up. A pick takes time linear in the number of servers.
///
/// ```
/// use steadfast_proxy::balance::RoundRobin;
///
/// let mut robin = RoundRobin::new(&[3, 1]);
/// robin.set_usable(0, true);
/// robin.set_usable(1, true);
/// let picks: Vec<_> = (0..4).filter_map(|_| robin.pick(|_| true, None)).collect();
/// assert_eq!(picks, [0, 0, 0, 1]);
/// ```
#[derive(Debug, Clone)]
pub struct RoundRobin {
    servers: Vec<Place>,
    weight_sum: u64,
    position: u64,
    insertions: u64,
}

/// Where one server stands.
#[derive(Debug, Clone)]
struct Place {
    weight: u64,
    list: List,
    due: u64,
    remainder: u64,
    inserted: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// Not usable.
    Out,
    Init,
    Current,
    Next,
    /// Taken out by the pick that is going on.
    Passed,
}

impl RoundRobin {
    /// A rotation over servers of these weights (0 gets nothing), none of them usable yet.
    #[must_use]
    pub fn new(weights: &[u16]) -> Self {
        let place = |weight: &u16| Place {
            weight: u64::from(*weight),
            list: List::Out,
            due: 0,
            remainder: 0,
            inserted: 0,
        };
        Self {
            servers: weights.iter().map(place).collect(),
            weight_sum: 0,
            position: 0,
            insertions: 0,
        }
    }

    /// A server has come or gone. One that comes during a turn waits for its share of it.
    ///
    /// # Panics
    ///
    /// If there is no such server.
    pub fn set_usable(&mut self, server: usize, usable: bool) {
        let place = &mut self.servers[server];
        let is_usable = place.list != List::Out;
        if place.weight == 0 || usable == is_usable {
            return;
        }
        if !usable {
            place.list = List::Out;
            self.weight_sum -= place.weight;
            return;
        }
        self.weight_sum += place.weight;
        if self.servers.iter().any(|place| place.list == List::Current) {
            self.servers[server].due = self.position;
            self.advance(server);
            self.queue(server);
        } else {
            self.position = self.turn();
            self.insert(server, List::Init);
        }
    }

    /// Chooses a usable server for which `has_slot` holds; `avoid` only if there is no other.
    pub fn pick(
        &mut self,
        has_slot: impl Fn(usize) -> bool,
        avoid: Option<usize>,
    ) -> Option<usize> {
        let mut turned = false;
        let mut avoided = None;
        let picked = loop {
            let Some(server) = self.head() else {
                if turned {
                    break avoided;
                }
                turned = true;
                self.start_turn();
                continue;
            };
            self.take(server);
            if has_slot(server) {
                if avoid != Some(server) {
                    break Some(server);
                }
                avoided = Some(server);
            }
            self.servers[server].list = List::Passed;
        };
        if let Some(server) = picked {
            self.queue(server);
        }
        for server in 0..self.servers.len() {
            if self.servers[server].list == List::Passed {
                if turned {
                    self.insert(server, List::Init);
                } else {
                    self.queue(server);
                }
            }
        }
        picked
    }

    /// The server whose turn it is: one that is due, else an unused one, else the one due first.
    fn head(&self) -> Option<usize> {
        let listed = |list| {
            let places = self.servers.iter().enumerate();
            places.filter(move |(_, place)| place.list == list)
        };
        let current = listed(List::Current).min_by_key(|(_, place)| {
            let heavier_first = place.remainder + WEIGHT_MAX - place.weight;
            (place.due, heavier_first, place.inserted)
        });
        match current {
            Some((server, place)) if place.due <= self.position => Some(server),
            _ => listed(List::Init)
                .min_by_key(|(_, place)| (Reverse(place.weight), place.inserted))
                .or(current)
                .map(|(server, _)| server),
        }
    }

    /// Uses a server: it moves on by its share, and the position by one.
    fn take(&mut self, server: usize) {
        if self.servers[server].list == List::Init {
            self.servers[server].due = self.position;
            self.servers[server].remainder = 0;
        }
        self.advance(server);
        self.position += 1;
    }

    fn advance(&mut self, server: usize) {
        let place = &mut self.servers[server];
        place.due += self.weight_sum / place.weight;
        place.remainder += self.weight_sum % place.weight;
        if place.remainder >= place.weight {
            place.remainder -= place.weight;
            place.due += 1;
        }
    }

    /// Puts a server into this turn or, if its due place lies beyond, into the next.
    fn queue(&mut self, server: usize) {
        if self.servers[server].due >= 2 * self.turn() {
            self.servers[server].due -= self.turn();
            self.insert(server, List::Next);
        } else {
            self.insert(server, List::Current);
        }
    }

    fn insert(&mut self, server: usize, list: List) {
        self.insertions += 1;
        self.servers[server].inserted = self.insertions;
        self.servers[server].list = list;
    }

    fn start_turn(&mut self) {
        for place in &mut self.servers {
            if place.list == List::Next {
                place.list = List::Init;
            }
        }
        self.position = self.turn();
    }

    const fn turn(&self) -> u64 {
        TURN_PICKS_PER_WEIGHT * self.weight_sum
    }
}

/// HAProxy counts weights in sixteenths; a turn has one pick for each.
const TURN_PICKS_PER_WEIGHT: u64 = 16;

/// The largest weight of the configuration language.
const WEIGHT_MAX: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn robin(weights: &[u16]) -> RoundRobin {
        let mut robin = RoundRobin::new(weights);
        for server in 0..weights.len() {
            robin.set_usable(server, true);
        }
        robin
    }

    fn picks(robin: &mut RoundRobin, count: usize) -> Vec<usize> {
        let picks = (0..count).map(|_| robin.pick(|_| true, None).unwrap() + 1);
        picks.collect()
    }

    #[test]
    fn sequences_are_those_of_haproxy() {
        let golden: [(&[u16], &[usize]); 9] = [
            (&[1, 1, 1], &[1, 2, 3, 1, 2, 3]),
            (&[1, 1, 2], &[3, 1, 3, 2]),
            (&[5, 1, 1], &[1, 1, 1, 2, 1, 1, 3]),
            (&[3, 1], &[1, 1, 1, 2]),
            (&[7, 3], &[1, 1, 1, 2, 1, 1, 2, 1, 1, 2]),
            (&[10, 20, 30], &[3, 2, 3, 1, 3, 2]),
            (&[2, 3, 5, 1], &[3, 2, 3, 1, 3, 2, 3, 4, 2, 1, 3]),
            (
                &[1, 2, 3, 4, 5],
                &[5, 4, 3, 5, 4, 2, 5, 3, 4, 5, 1, 5, 3, 4, 2],
            ),
            (&[1, 1], &[1, 2, 1, 2, 1, 2]),
        ];
        for (weights, expected) in golden {
            let found = picks(&mut robin(weights), expected.len());
            assert_eq!(found, expected, "weights {weights:?}");
        }
    }

    #[test]
    fn shares_are_exact_over_a_turn() {
        let weights = [2, 3, 5, 1];
        let mut robin = robin(&weights);
        let mut counts = [0_u16; 4];
        for server in picks(&mut robin, 16 * 11 * 3) {
            counts[server - 1] += 1;
        }
        assert_eq!(counts, weights.map(|weight| weight * 16 * 3));
    }

    #[test]
    fn server_that_is_down_gets_nothing_until_it_returns() {
        let mut robin = robin(&[1, 1, 1]);
        picks(&mut robin, 2);
        robin.set_usable(1, false);
        assert_eq!(picks(&mut robin, 4), [3, 1, 3, 1]);
        robin.set_usable(1, true);
        let next = picks(&mut robin, 30);
        assert_eq!(next.iter().filter(|server| **server == 2).count(), 10);
    }

    #[test]
    fn no_usable_server_means_no_pick() {
        let mut robin = robin(&[1, 0]);
        robin.set_usable(0, false);
        assert_eq!(robin.pick(|_| true, None), None);
        robin.set_usable(0, true);
        assert_eq!(picks(&mut robin, 3), [1, 1, 1]);
    }

    #[test]
    fn full_servers_are_passed_over() {
        let mut robin = robin(&[1, 1]);
        for _ in 0..40 {
            assert_eq!(robin.pick(|server| server == 1, None), Some(1));
        }
        assert_eq!(robin.pick(|_| false, None), None);
        let next = picks(&mut robin, 10);
        assert!(next.contains(&1) && next.contains(&2));
    }

    #[test]
    fn avoided_server_is_the_last_resort() {
        let mut robin = robin(&[1, 1]);
        for _ in 0..50 {
            assert_eq!(robin.pick(|_| true, Some(0)), Some(1));
        }
        robin.set_usable(1, false);
        assert_eq!(robin.pick(|_| true, Some(0)), Some(0));
    }
}
