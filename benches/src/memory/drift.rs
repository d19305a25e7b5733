//! What is left of a cache when the size of its values changes.

use std::io;

use super::{Program, play, start};
use crate::client::Client;
use crate::report::{Better, Finding};
use crate::trace::{Request, zipf};

/// Fills with values of 1 KB, then asks for other keys with values of 300 bytes, until the share of
/// hits is that of a server that never had the large ones.
pub(super) fn measure(programs: &[Program], findings: &mut Vec<Finding>) -> io::Result<()> {
    let mut fresh = Vec::new();
    let mut last = Vec::new();
    let mut millions = Vec::new();
    for program in programs {
        let level = fresh_level(program)?;
        let after = drift(program, level)?;
        let row: Vec<String> = after.iter().map(|hit| format!("{hit:.3}")).collect();
        eprintln!(
            "  {}: fresh {level:.3}; after the change {}",
            program.label,
            row.join(" ")
        );
        let arrived = after.last().is_some_and(|&hit| hit >= level - NOISE);
        let windows = if arrived {
            after.len() as f64
        } else {
            f64::INFINITY
        };
        millions.push(windows * WINDOW as f64 / 1e6);
        fresh.push(level);
        last.push(after.last().copied().unwrap_or_default());
    }
    findings.push(Finding::new(
        "drift: million requests to its own fresh level (inf: not within 10)".to_owned(),
        Better::Less,
        1,
        millions,
    ));
    findings.push(Finding::new(
        "drift: its own fresh level, hit ratio".to_owned(),
        Better::More,
        3,
        fresh,
    ));
    findings.push(Finding::new(
        "drift: hit ratio when it was reached or given up".to_owned(),
        Better::More,
        3,
        last,
    ));
    Ok(())
}

/// The share of hits that a new server reaches with the small values.
fn fresh_level(program: &Program) -> io::Result<f64> {
    let server = start(program, MEGABYTES)?;
    let mut client = Client::connect(server.address())?;
    let mut trace = small();
    play(&mut client, &mut trace, REQUESTS_OF_FRESH - WINDOW)?;
    play(&mut client, &mut trace, WINDOW)
}

/// The shares of hits, window by window after the change, up to the first at `level`.
fn drift(program: &Program, level: f64) -> io::Result<Vec<f64>> {
    let server = start(program, MEGABYTES)?;
    let mut client = Client::connect(server.address())?;
    play(&mut client, &mut large(), REQUESTS_OF_LARGE)?;
    let mut trace = small();
    let mut hits = Vec::new();
    for _ in 0..REQUESTS_MAX / WINDOW {
        let hit = play(&mut client, &mut trace, WINDOW)?;
        hits.push(hit);
        if hit >= level - NOISE {
            break;
        }
    }
    Ok(hits)
}

fn large() -> Box<dyn Iterator<Item = Request>> {
    zipf(KEYS_LARGE, EXPONENT, |_| 1024)
}

fn small() -> Box<dyn Iterator<Item = Request>> {
    let requests = zipf(KEYS_SMALL, EXPONENT, |_| 300);
    Box::new(requests.map(|request| Request {
        key: request.key + KEYS_LARGE as u64,
        ..request
    }))
}

const MEGABYTES: u64 = 64;
// Ten times what fits.
const KEYS_LARGE: usize = 600_000;
const KEYS_SMALL: usize = 1_700_000;
const EXPONENT: f64 = 0.9;
const REQUESTS_OF_LARGE: usize = 1_000_000;
const REQUESTS_OF_FRESH: usize = 3_000_000;
const REQUESTS_MAX: usize = 10_000_000;
const WINDOW: usize = 500_000;
// Windows of the same level differ by less.
const NOISE: f64 = 0.003;
