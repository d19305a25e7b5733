//! Paired rounds: what one slot measured, and the ratios between servers.

use std::io;
use std::time::{Duration, Instant};

use crate::cpu;

/// Something that loads a server: in a closed loop or in an open one.
pub trait Load: std::fmt::Debug {
    /// Loads the server until `end`, then waits for the replies that are due.
    ///
    /// # Errors
    /// A connection broke, or an answer was wrong or never came.
    fn run_until(&mut self, end: Instant) -> io::Result<Answered>;
}

/// What came of a time of load.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "loads build it")]
pub struct Answered {
    /// Requests answered.
    pub operations: u64,
    /// How long they took, where requests had due times.
    pub latency: Option<Quantiles>,
}

/// Latency of the requests of a slot, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quantiles {
    /// The median.
    pub p50: u64,
    /// 99 of 100 took less.
    pub p99: u64,
    /// 999 of 1000 took less.
    pub p999: u64,
}

impl Quantiles {
    /// The quantiles of these latencies, nearest rank.
    #[must_use]
    pub fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        let at = |per_mille: usize| {
            let index = nanoseconds.len().saturating_sub(1) * per_mille / 1000;
            nanoseconds.get(index).copied().unwrap_or_default()
        };
        Self {
            p50: at(500),
            p99: at(990),
            p999: at(999),
        }
    }
}

/// What one server did in one slot.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Slot {
    /// Requests answered.
    pub operations: u64,
    /// CPU time of the server.
    pub cpu: Duration,
    /// Wall time of the slot.
    pub wall: Duration,
    /// Cores that neither the server nor this generator used, as a share of one core.
    pub foreign: f64,
    /// How long requests took, where they had due times.
    pub latency: Option<Quantiles>,
}

impl Slot {
    /// CPU nanoseconds of the server for one request.
    #[must_use]
    pub fn cpu_ns(&self) -> f64 {
        self.cpu.as_nanos() as f64 / self.operations.max(1) as f64
    }

    /// Requests answered in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.operations as f64 / self.wall.as_secs_f64()
    }

    /// Share of a core that the server used; above 1 with several threads.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }
}

/// One server of a comparison with its open connections.
#[derive(Debug)]
#[non_exhaustive]
pub struct Contestant {
    /// Its name in the tables.
    pub name: String,
    /// The processes whose CPU time counts.
    pub pid: u32,
    /// The connections that load it.
    pub load: Box<dyn Load>,
}

impl Contestant {
    /// A server named `name` with process `pid`, loaded by `load`.
    #[must_use]
    pub fn new(name: &str, pid: u32, load: Box<dyn Load>) -> Self {
        Self {
            name: name.to_owned(),
            pid,
            load,
        }
    }
}

/// Visits all contestants in turn, `rounds` times, `slot` each; the result has one row of slots a
/// round, in the order of the contestants. `companions` are further processes of the run, a web
/// server say, whose load is not foreign.
///
/// # Errors
/// A server closed a connection or answered with something unexpected.
pub fn run(
    contestants: &mut [Contestant],
    companions: &[u32],
    rounds: usize,
    slot: Duration,
) -> io::Result<Vec<Vec<Slot>>> {
    // One round that is not counted warms caches, pools and connections.
    for contestant in contestants.iter_mut() {
        visit(contestant, companions, slot)?;
    }
    (0..rounds)
        .map(|_| {
            contestants
                .iter_mut()
                .map(|contestant| visit(contestant, companions, slot))
                .collect()
        })
        .collect()
}

fn visit(contestant: &mut Contestant, companions: &[u32], length: Duration) -> io::Result<Slot> {
    let ours: Vec<u32> = companions
        .iter()
        .copied()
        .chain([std::process::id()])
        .collect();
    let our_time = || {
        ours.iter()
            .map(|&pid| cpu::process_time(pid))
            .sum::<io::Result<Duration>>()
    };
    let (cpu_before, own_before) = (cpu::process_time(contestant.pid)?, our_time()?);
    let ticks_before = cpu::machine_ticks()?;
    let start = Instant::now();
    let answered = contestant.load.run_until(start + length)?;
    let wall = start.elapsed();
    let cpu = cpu::process_time(contestant.pid)? - cpu_before;
    let own_cpu = our_time()? - own_before;
    let busy = (cpu::machine_ticks()? - ticks_before) as f64 / 100.0;
    let foreign = (busy - cpu.as_secs_f64() - own_cpu.as_secs_f64()).max(0.0) / wall.as_secs_f64();
    Ok(Slot {
        operations: answered.operations,
        cpu,
        wall,
        foreign,
        latency: answered.latency,
    })
}

/// A median with the 20th and 80th percentile around it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Spread {
    /// 20th percentile.
    pub low: f64,
    /// 50th percentile.
    pub median: f64,
    /// 80th percentile.
    pub high: f64,
}

impl Spread {
    /// The spread of `samples`, nearest rank; all zero if there are none.
    #[must_use]
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * samples.len().saturating_sub(1) as f64).round() as usize;
            samples.get(index).copied().unwrap_or_default()
        };
        Self {
            low: at(0.2),
            median: at(0.5),
            high: at(0.8),
        }
    }
}

/// The comparison of one server with another over all rounds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Comparison {
    /// The figure of the other, divided by that of the subject.
    pub ratio: Spread,
    /// Whether too few rounds were quiet: then all rounds were used.
    pub noisy: bool,
}

/// Compares column `subject` with column `other` by `figure`, ratio by ratio inside each round.
/// With [`Slot::cpu_ns`], a ratio above 1 says that the subject is cheaper.
///
/// Rounds in which other processes used more than [`FOREIGN_MAX`] of a core are left out while at
/// least [`QUIET_ROUNDS_MIN`] remain.
#[must_use]
pub fn compare(
    rounds: &[Vec<Slot>],
    subject: usize,
    other: usize,
    figure: impl Fn(&Slot) -> f64,
) -> Comparison {
    let ratio = |row: &Vec<Slot>| figure(&row[other]) / figure(&row[subject]);
    let quiet: Vec<f64> = rounds
        .iter()
        .filter(|row| row[subject].foreign.max(row[other].foreign) <= FOREIGN_MAX)
        .map(ratio)
        .collect();
    let noisy = quiet.len() < QUIET_ROUNDS_MIN;
    let samples = if noisy {
        rounds.iter().map(ratio).collect()
    } else {
        quiet
    };
    Comparison {
        ratio: Spread::of(samples),
        noisy,
    }
}

/// Foreign load of a slot, in cores, above which its round is left out.
pub const FOREIGN_MAX: f64 = 0.25;

/// Quiet rounds that a comparison needs.
pub const QUIET_ROUNDS_MIN: usize = 5;

#[cfg(test)]
pub(crate) mod tests_support {
    use super::{Duration, Slot};

    pub(crate) fn slot(operations: u64, cpu: Duration) -> Slot {
        Slot {
            operations,
            cpu,
            wall: Duration::from_millis(300),
            foreign: 0.0,
            latency: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(cpu_ns: u64, foreign: f64) -> Slot {
        Slot {
            operations: 1000,
            cpu: Duration::from_nanos(cpu_ns * 1000),
            wall: Duration::from_millis(300),
            foreign,
            latency: None,
        }
    }

    #[test]
    fn ratios_are_formed_inside_rounds() {
        // The machine slows down threefold half way: the ratio stays two.
        let rounds: Vec<Vec<Slot>> = (0..10)
            .map(|round| {
                let speed = if round < 5 { 1 } else { 3 };
                vec![slot(100 * speed, 0.0), slot(200 * speed, 0.0)]
            })
            .collect();
        let comparison = compare(&rounds, 0, 1, Slot::cpu_ns);
        assert_eq!(
            comparison.ratio,
            Spread {
                low: 2.0,
                median: 2.0,
                high: 2.0
            }
        );
        assert!(!comparison.noisy);
    }

    #[test]
    fn loud_rounds_are_left_out_while_enough_remain() {
        let mut rounds: Vec<Vec<Slot>> = (0..5)
            .map(|_| vec![slot(100, 0.0), slot(150, 0.1)])
            .collect();
        rounds.push(vec![slot(100, 0.9), slot(900, 0.0)]);
        assert_eq!(compare(&rounds, 0, 1, Slot::cpu_ns).ratio.high, 1.5);
        rounds.remove(0);
        assert!(compare(&rounds, 0, 1, Slot::cpu_ns).noisy);
    }
}
