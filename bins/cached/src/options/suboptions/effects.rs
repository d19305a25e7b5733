//! What words of `-o` do, where it takes more than a line.

use std::fmt::Display;
use std::str::FromStr;

use super::super::UsageError;
use super::super::draft::{Draft, number};

/// Reads a number of at least `least` and at most `most`.
pub(super) fn within<N>(text: &str, least: N, most: N) -> Result<N, UsageError>
where
    N: FromStr + PartialOrd + Display,
{
    match text.parse() {
        Ok(number) if (&least..=&most).contains(&&number) => Ok(number),
        _ => Err(UsageError::value(format!(
            "'{text}' is not a number of {least} to {most}"
        ))),
    }
}

/// Reads a number above 0 and below `end`.
pub(super) fn fraction(text: &str, end: f64) -> Result<f64, UsageError> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number < end => Ok(number),
        _ if end == f64::MAX => Err(UsageError::value(format!(
            "'{text}' is not a number above 0"
        ))),
        _ => Err(UsageError::value(format!(
            "'{text}' is not a number above 0 and below {end}"
        ))),
    }
}

/// Reads kilobytes, and returns bytes.
pub(super) fn kilobytes(text: &str) -> Result<u32, UsageError> {
    within(text, 1, LOG_KILOBYTES_MAX).map(|kilobytes| kilobytes << 10)
}

/// Two of them in another order are no list of sizes.
pub(super) fn slab_sizes(list: &str) -> Result<(), UsageError> {
    let mut last = SLAB_BYTES_MIN - 1;
    for word in list.split('-') {
        let bytes = word.parse().ok().filter(|&bytes: &u32| bytes > last);
        last = bytes.ok_or_else(|| {
            UsageError::usage(format!(
                "'{list}' is not a list of rising sizes of {SLAB_BYTES_MIN} bytes or more"
            ))
        })?;
    }
    Ok(())
}

pub(super) fn hash_algorithm(name: &str) -> Result<(), UsageError> {
    match name {
        "jenkins" | "murmur3" | "xxh3" => Ok(()),
        _ => Err(UsageError::value(format!(
            "'{name}' is none of jenkins, murmur3, xxh3"
        ))),
    }
}

pub(super) fn read_buffers(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let megabytes: u32 = number(value, 0)?;
    draft.settings.long_request_bytes_max = match megabytes {
        0 => usize::MAX,
        _ => usize::try_from(u64::from(megabytes) << 20).unwrap_or(usize::MAX),
    };
    Ok(())
}

pub(super) fn maintainer(draft: &mut Draft, is_on: bool) {
    let lru = &mut draft.settings.engine.lru;
    (lru.maintainer, lru.segmented) = (is_on, is_on);
}

/// The defaults of memcached 1.4; words behind it change them again.
pub(super) fn no_modern(draft: &mut Draft) {
    maintainer(draft, false);
    draft.settings.refuse_when_full = false;
    let engine = &mut draft.settings.engine;
    engine.lru.crawler = false;
    engine.slabs.reassign = false;
    engine.slabs.automove = 0;
    engine.slabs.chunk_bytes_max = 1 << 20;
}

pub(super) fn refused(name: &str, instead: &str) -> Result<(), UsageError> {
    Err(UsageError::usage(format!(
        "'{name}' can't be had here: {instead}"
    )))
}

/// 1 GB.
const LOG_KILOBYTES_MAX: u32 = 1 << 20;
/// memcached's least.
const SLAB_BYTES_MIN: u32 = 9;
