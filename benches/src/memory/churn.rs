//! Whether the limit holds: a day of changing sizes, pressed into seconds.

use std::io;

use super::{Program, resident_mb, start};
use crate::client::{Client, Item, VALUE_BYTES_MAX};
use crate::keys::mix;
use crate::report::{Better, Finding};
use crate::trace::log_normal_bytes;

/// Overwrites, deletes, short lives and reads, whose sizes differ from hour to hour; the largest
/// resident memory that was seen on the way.
pub(super) fn measure(programs: &[Program], findings: &mut Vec<Finding>) -> io::Result<()> {
    for megabytes in [64, 256] {
        let mut peaks = Vec::new();
        let mut refused = Vec::new();
        for program in programs {
            let outcome = day(program, megabytes)?;
            peaks.push(outcome.peak_mb);
            refused.push(outcome.refused as f64);
        }
        let allowed = megabytes as f64 * 1.05 + 16.0;
        findings.push(Finding::new(
            format!("churn: peak resident at -m {megabytes}, MiB (goal: at most {allowed:.0})"),
            Better::Less,
            1,
            peaks,
        ));
        findings.push(Finding::new(
            format!("churn: sets refused at -m {megabytes}"),
            Better::Less,
            0,
            refused,
        ));
    }
    Ok(())
}

struct Outcome {
    peak_mb: f64,
    refused: usize,
}

fn day(program: &Program, megabytes: u64) -> io::Result<Outcome> {
    let server = start(program, megabytes)?;
    let mut client = Client::connect(server.address())?;
    let mut outcome = Outcome {
        peak_mb: 0.0,
        refused: 0,
    };
    let mut place = 0;
    for hour in 0..HOURS {
        // From tiny through large to small again, twice, and a little of all at any time.
        let median = 50.0 * f64::from(1 << [0, 4, 8, 10, 6, 2][hour % 6]);
        // Keys move on by half each hour, so that some are overwritten and some forgotten.
        let keys = (megabytes as f64 * 2e6 / median) as u64 + 1000;
        let mut bytes = 0;
        let mut batches = 0;
        while bytes < megabytes as usize * (1 << 20) && batches < BATCHES_OF_HOUR_MAX {
            let batch: Vec<Item> = (0..BATCH)
                .map(|_| {
                    place += 1;
                    item(place, hour as u64 * keys / 2, keys, median)
                })
                .collect();
            bytes += batch.iter().map(|item| item.value_bytes).sum::<usize>();
            outcome.refused += batch.len() - client.store(&batch)?;
            let some: Vec<u64> = batch.iter().step_by(4).map(|item| item.key ^ 1).collect();
            client.fetch(&some)?;
            client.delete(&some[..BATCH as usize / 10])?;
            outcome.peak_mb = outcome.peak_mb.max(resident_mb(&server)?);
            batches += 1;
        }
    }
    Ok(outcome)
}

fn item(place: u64, first_key: u64, keys: u64, median: f64) -> Item {
    let stray = mix(place ^ 0x57a).is_multiple_of(20);
    let median = if stray { 500.0 } else { median };
    Item {
        key: first_key + mix(place) % keys,
        value_bytes: log_normal_bytes(place, median).clamp(1, VALUE_BYTES_MAX),
        seconds: u32::from(mix(place ^ 0x771).is_multiple_of(20)),
    }
}

const HOURS: usize = 12;
const BATCH: u64 = 50;
const BATCHES_OF_HOUR_MAX: usize = 1500;
