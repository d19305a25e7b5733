//! How much of resident memory is what the users stored.

use std::io;

use super::{MIB, Program, resident_mb, start};
use crate::client::{Client, Item};
use crate::keys::KEY_BYTES;
use crate::report::{Better, Finding};
use crate::trace::mixed_bytes;

/// A size of values by name.
type Sizes = (&'static str, fn(u64) -> usize);

const SIZES: [Sizes; 4] = [
    ("200 B", |_| 200),
    ("1 KB", |_| 1024),
    ("4 KB", |_| 4096),
    ("mixed", mixed_bytes),
];

/// Stores 1.6 times `-m` of keys and values under keys that never come again, then reads all of
/// them back and counts what is there.
pub(super) fn measure(programs: &[Program], findings: &mut Vec<Finding>) -> io::Result<()> {
    for (name, value_bytes) in SIZES {
        let mut shares = Vec::new();
        let mut overheads = Vec::new();
        let mut residents = Vec::new();
        for program in programs {
            let server = start(program, MEGABYTES)?;
            let mut client = Client::connect(server.address())?;
            let keys = fill(&mut client, value_bytes)?;
            let (items, bytes) = count(&mut client, keys)?;
            let resident = resident_mb(&server)?;
            shares.push(bytes / MIB / resident);
            residents.push(resident);
            overheads.push((MEGABYTES as f64 * MIB - bytes) / items);
        }
        let title = format!("capacity, {name}");
        findings.push(Finding::new(
            format!("{title}: keys and values in resident memory"),
            Better::More,
            3,
            shares,
        ));
        findings.push(Finding::new(
            format!("{title}: resident at -m {MEGABYTES}, MiB"),
            Better::Less,
            0,
            residents,
        ));
        findings.push(Finding::new(
            format!("{title}: bytes of -m an item beside key and value"),
            Better::Less,
            0,
            overheads,
        ));
    }
    Ok(())
}

/// Returns how many keys were stored.
fn fill(client: &mut Client, value_bytes: fn(u64) -> usize) -> io::Result<u64> {
    let (mut keys, mut bytes) = (0, 0);
    while bytes < MEGABYTES as usize * (1 << 20) * 8 / 5 {
        let batch: Vec<Item> = (keys..keys + BATCH)
            .map(|key| Item {
                key,
                value_bytes: value_bytes(key),
                seconds: 0,
            })
            .collect();
        client.store(&batch)?;
        let value_bytes: usize = batch.iter().map(|item| item.value_bytes).sum();
        bytes += value_bytes + batch.len() * KEY_BYTES;
        keys += BATCH;
    }
    Ok(keys)
}

/// Items alive, and the bytes of their keys and values.
fn count(client: &mut Client, keys: u64) -> io::Result<(f64, f64)> {
    let (mut items, mut bytes) = (0, 0);
    for start in (0..keys).step_by(BATCH as usize) {
        let batch: Vec<u64> = (start..start + BATCH).collect();
        for value_bytes in client.fetch(&batch)?.into_iter().flatten() {
            items += 1;
            bytes += value_bytes + KEY_BYTES;
        }
    }
    Ok((f64::from(items), bytes as f64))
}

const MEGABYTES: u64 = 256;
const BATCH: u64 = 100;
