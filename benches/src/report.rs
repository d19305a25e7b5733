//! The tables of a run, in Markdown; the rows in which we are behind come first.

use std::fmt::Write as _;
use std::fs;

use crate::rounds::{self, Comparison, Contestant, Quantiles, Slot, Spread};

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

    fn median(&self, server: usize, figure: impl Fn(&Slot) -> f64) -> f64 {
        Spread::of(self.rounds.iter().map(|row| figure(&row[server])).collect()).median
    }

    /// The figure of each server, its decimals as asked for.
    fn medians(&self, decimals: usize, figure: impl Fn(&Slot) -> f64) -> String {
        let all: Vec<String> = (0..self.servers.len())
            .map(|server| format!("{:.decimals$}", self.median(server, &figure)))
            .collect();
        all.join(", ")
    }

    /// Ours against each peer.
    fn comparisons(&self, figure: impl Fn(&Slot) -> f64) -> Vec<Comparison> {
        (1..self.servers.len() - 1)
            .map(|peer| rounds::compare(&self.rounds, 0, peer, &figure))
            .collect()
    }
}

/// Renders rows with the same servers as one table: CPU ratios peer : ours with their 20-80 %
/// range, our share of the floor, CPU per request, and how busy each server was.
#[must_use]
pub fn speed_table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let names = first.servers.join(", ");
    let costs = format!("CPU µs a request: {names}");
    let mut text = head(first, &["% of floor", &costs, "busy", "noise"]);
    let lines = rows.iter().map(|row| {
        let comparisons = row.comparisons(Slot::cpu_ns);
        let last = row.servers.len() - 1;
        let floor = rounds::compare(&row.rounds, 0, last, Slot::cpu_ns);
        let line = format!(
            "| {} |{} {:.0} % | {} | {} | {} |\n",
            row.workload,
            ratio_cells(&comparisons),
            floor.ratio.median * 100.0,
            row.medians(2, |slot| slot.cpu_ns() / 1000.0),
            row.medians(2, Slot::utilisation),
            noise(&comparisons),
        );
        (worst(&comparisons), line)
    });
    text.push_str(&behind_first(lines.collect()));
    text
}

/// Renders rows of requests with due times: latency ratios peer : ours at three quantiles.
#[must_use]
pub fn latency_table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let latencies = format!("latency µs: {}", first.servers.join(", "));
    let mut text = head(first, &[&latencies, "requests a second", "noise"]);
    let mut lines = Vec::new();
    for row in rows {
        for (name, quantile) in QUANTILES {
            let figure = |slot: &Slot| {
                slot.latency
                    .map_or(f64::NAN, |all| quantile(all) as f64 / 1e3)
            };
            let comparisons = row.comparisons(figure);
            let line = format!(
                "| {} {name} |{} {} | {:.0} | {} |\n",
                row.workload,
                ratio_cells(&comparisons),
                row.medians(1, figure),
                row.median(0, Slot::rate),
                noise(&comparisons),
            );
            lines.push((worst(&comparisons), line));
        }
    }
    text.push_str(&behind_first(lines));
    text
}

type Quantile = fn(Quantiles) -> u64;

const QUANTILES: [(&str, Quantile); 3] = [
    ("p50", |all| all.p50),
    ("p99", |all| all.p99),
    ("p99.9", |all| all.p999),
];

/// Renders rows whose servers come in pairs, one thread then two: how much more two do.
#[must_use]
pub fn scaling_table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| workload | server | two threads ÷ one, capacity by CPU | requests a second | \
         requests a second: one, two | cores used: one, two |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        for (pair, name) in row.servers.iter().step_by(2).enumerate() {
            let (one, two) = (2 * pair, 2 * pair + 1);
            // Two cores at the cost of a request with two threads, over one core at that with one.
            let cost = rounds::compare(&row.rounds, two, one, Slot::cpu_ns);
            let rate = rounds::compare(&row.rounds, one, two, Slot::rate);
            let Spread { low, median, high } = cost.ratio;
            let _ = writeln!(
                text,
                "| {} | {name} | ×{:.2} ({:.2}–{:.2}) | ×{:.2} | {:.0}, {:.0} | {:.2}, {:.2} |",
                row.workload,
                2.0 * median,
                2.0 * low,
                2.0 * high,
                rate.ratio.median,
                row.median(one, Slot::rate),
                row.median(two, Slot::rate),
                row.median(one, Slot::utilisation),
                row.median(two, Slot::utilisation),
            );
        }
    }
    text
}

fn head(row: &Row, columns: &[&str]) -> String {
    let last = row.servers.len() - 1;
    let mut text = String::from("| workload |");
    for peer in &row.servers[1..last] {
        let _ = write!(text, " {peer} ÷ ours |");
    }
    for column in columns {
        let _ = write!(text, " {column} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(last - 1 + columns.len()));
    text.push('\n');
    text
}

fn ratio_cells(comparisons: &[Comparison]) -> String {
    let cell = |comparison: &Comparison| {
        let Spread { low, median, high } = comparison.ratio;
        format!(" ×{median:.2} ({low:.2}–{high:.2}) |")
    };
    comparisons.iter().map(cell).collect()
}

fn noise(comparisons: &[Comparison]) -> &'static str {
    let noisy = comparisons.iter().any(|comparison| comparison.noisy);
    if noisy { "NOISY" } else { "quiet" }
}

/// The ratio against the peer that does best against us.
fn worst(comparisons: &[Comparison]) -> f64 {
    comparisons
        .iter()
        .map(|comparison| comparison.ratio.median)
        .fold(f64::INFINITY, f64::min)
}

/// Joins lines, the smallest ratio first.
fn behind_first(mut lines: Vec<(f64, String)>) -> String {
    lines.sort_by(|left, right| left.0.total_cmp(&right.0));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// One measure of all servers, ours first.
#[derive(Debug)]
pub struct Finding {
    measure: String,
    better: Better,
    decimals: usize,
    values: Vec<f64>,
}

/// Which values are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Better {
    /// Large ones.
    More,
    /// Small ones.
    Less,
}

impl Finding {
    /// A measure, its `values` to be printed with so many decimals.
    #[must_use]
    pub fn new(measure: String, better: Better, decimals: usize, values: Vec<f64>) -> Self {
        Self {
            measure,
            better,
            decimals,
            values,
        }
    }

    /// Ours against the best peer: above 1 we are ahead, whichever way is better.
    fn ratio(&self) -> f64 {
        let Some((&ours, peers)) = self.values.split_first() else {
            return f64::NAN;
        };
        let ratios = peers.iter().map(|&peer| {
            if ours == peer {
                return 1.0;
            }
            match self.better {
                Better::More => ours / peer,
                Better::Less => peer / ours,
            }
        });
        ratios.fold(f64::INFINITY, f64::min)
    }
}

/// Renders findings about the same servers, those in which a peer is ahead of us first.
#[must_use]
pub fn findings_table(servers: &[String], findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "| measure | {} | ours against the best peer |\n|---|{}---|\n",
        servers.join(" | "),
        "---|".repeat(servers.len())
    );
    let lines = findings.iter().map(|finding| {
        let values: Vec<String> = finding
            .values
            .iter()
            .map(|value| format!("{value:.*}", finding.decimals))
            .collect();
        let ratio = finding.ratio();
        let better = match finding.better {
            Better::More => "more is better",
            Better::Less => "less is better",
        };
        let line = format!(
            "| {} ({better}) | {} | ×{ratio:.3} |\n",
            finding.measure,
            values.join(" | ")
        );
        (ratio, line)
    });
    text.push_str(&behind_first(lines.collect()));
    text
}

/// What a table was measured on: the processor, how many cores, the kernel.
#[must_use]
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let models: Vec<&str> = processors
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, model)| model)
        .collect();
    format!(
        "{} × {}, Linux {}",
        models.len(),
        models.first().unwrap_or(&"unknown processor"),
        read("/proc/sys/kernel/osrelease").trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(name: &str, costs: [u64; 4]) -> Row {
        let slot = |cpu_us: u64| {
            crate::rounds::tests_support::slot(1000, Duration::from_micros(cpu_us * 1000))
        };
        Row {
            workload: name.to_owned(),
            servers: ["ours", "peer 1", "peer 2", "floor"]
                .map(str::to_owned)
                .to_vec(),
            rounds: (0..6).map(|_| costs.map(slot).to_vec()).collect(),
        }
    }

    #[test]
    fn a_row_shows_ratios_to_each_peer_and_costs() {
        let text = speed_table(&[row("get512-d1", [4, 6, 5, 3])]);
        assert!(
            text.contains(
                "| get512-d1 | ×1.50 (1.50–1.50) | ×1.25 (1.25–1.25) | 75 % | 4.00, 6.00, 5.00, 3.00 |"
            ),
            "{text}"
        );
        let head = text.lines().next().unwrap();
        assert!(
            head.contains("| peer 1 ÷ ours | peer 2 ÷ ours | % of floor | CPU µs a request: ours, peer 1, peer 2, floor |"),
            "{head}"
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(text.lines().all(|line| columns(line) == columns(head)));
    }

    #[test]
    fn rows_in_which_a_peer_is_ahead_come_first() {
        let text = speed_table(&[row("ahead", [4, 6, 5, 3]), row("behind", [4, 6, 3, 3])]);
        assert!(text.find("behind") < text.find("ahead"));
        let finding = |name: &str, better, values: [f64; 2]| {
            Finding::new(name.to_owned(), better, 1, values.to_vec())
        };
        let text = findings_table(
            &["ours", "peer"].map(str::to_owned),
            &[
                finding("level", Better::Less, [0.0, 0.0]),
                finding("small", Better::Less, [1.0, 2.0]),
                finding("few hits", Better::More, [0.5, 0.6]),
            ],
        );
        assert!(text.find("few hits") < text.find("level"));
        assert!(text.find("level") < text.find("small"));
    }

    #[test]
    fn scaling_is_two_cores_over_one() {
        let mut row = row("get", [4, 4, 4, 8]);
        row.servers = ["ours", "ours, 2", "peer", "peer, 2"]
            .map(str::to_owned)
            .to_vec();
        let text = scaling_table(&[row]);
        assert!(text.contains("| get | ours | ×2.00 (2.00–2.00)"), "{text}");
        assert!(text.contains("| get | peer | ×1.00 (1.00–1.00)"), "{text}");
    }
}
