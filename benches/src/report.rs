//! The tables of a run, in Markdown.

use std::fmt::Write as _;

use crate::rounds::{self, Contestant, Slot, Spread};

/// One workload's measurements, ready to be printed as a row.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// Names of the servers in column order: ours first, the floor last.
    pub servers: Vec<String>,
    /// Slots by round and server.
    pub rounds: Vec<Vec<Slot>>,
}

impl Row {
    /// Takes a finished run over.
    #[must_use]
    pub fn new(workload: &str, contestants: &[Contestant], rounds: Vec<Vec<Slot>>) -> Self {
        let servers = contestants
            .iter()
            .map(|contestant| contestant.name.clone())
            .collect();
        Self {
            workload: workload.to_owned(),
            servers,
            rounds,
        }
    }

    fn cpu_us(&self, server: usize) -> f64 {
        Spread::of(
            self.rounds
                .iter()
                .map(|row| row[server].cpu_ns() / 1000.0)
                .collect(),
        )
        .median
    }

    fn utilisation(&self, server: usize) -> f64 {
        let share =
            |row: &Vec<Slot>| row[server].cpu.as_secs_f64() / row[server].wall.as_secs_f64();
        Spread::of(self.rounds.iter().map(share).collect()).median
    }
}

/// Renders rows with the same servers as one table: CPU ratios peer : ours with their 20-80 %
/// range, our share of the floor, CPU per request, and how busy each server was.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let last = first.servers.len() - 1;
    let peers = &first.servers[1..last];
    let mut text = String::from("| workload |");
    for peer in peers {
        let _ = write!(text, " {peer} ÷ ours |");
    }
    let _ = write!(text, " % of floor | CPU µs a request: ours");
    for name in &first.servers[1..] {
        let _ = write!(text, ", {name}");
    }
    text.push_str(" | busy | noise |\n|---|");
    text.push_str(&"---|".repeat(peers.len() + 4));
    text.push('\n');
    for row in rows {
        let _ = write!(text, "| {} |", row.workload);
        let mut noisy = false;
        for peer in 1..last {
            let comparison = rounds::compare(&row.rounds, 0, peer);
            noisy |= comparison.noisy;
            let Spread { low, median, high } = comparison.cpu;
            let _ = write!(text, " ×{median:.2} ({low:.2}–{high:.2}) |");
        }
        let floor = rounds::compare(&row.rounds, 0, last).cpu.median * 100.0;
        let _ = write!(text, " {floor:.0} % |");
        let costs: Vec<String> = (0..=last)
            .map(|server| format!("{:.2}", row.cpu_us(server)))
            .collect();
        let busy: Vec<String> = (0..=last)
            .map(|server| format!("{:.2}", row.utilisation(server)))
            .collect();
        let noise = if noisy { "NOISY" } else { "quiet" };
        let _ = writeln!(
            text,
            " {} | {} | {noise} |",
            costs.join(", "),
            busy.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_row_shows_ratios_and_costs() {
        let slot = |cpu_us: u64| {
            crate::rounds::tests_support::slot(1000, Duration::from_micros(cpu_us * 1000))
        };
        let row = Row {
            workload: "get512-d1".to_owned(),
            servers: ["ours", "peer", "floor"].map(str::to_owned).to_vec(),
            rounds: (0..6).map(|_| vec![slot(4), slot(6), slot(3)]).collect(),
        };
        let text = table(&[row]);
        assert!(
            text.contains("| get512-d1 | ×1.50 (1.50–1.50) | 75 % | 4.00, 6.00, 3.00 |"),
            "{text}"
        );
    }
}
