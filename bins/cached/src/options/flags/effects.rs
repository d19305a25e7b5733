//! What flags do, where it takes more than a line.

use std::path::PathBuf;

use super::super::UsageError;
use super::super::draft::{Draft, number, size};
use crate::settings::{Protocol, THREADS_MAX};

pub(super) fn port(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.port = Some(port_number(value)?);
    Ok(())
}

pub(super) fn udp_port(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.udp_port = port_number(value)?;
    Ok(())
}

/// Reads a port: `None` is none (0), port 0 any free one (-1).
fn port_number(value: &str) -> Result<Option<u16>, UsageError> {
    match value {
        "0" => Ok(None),
        "-1" => Ok(Some(0)),
        _ => match value.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(UsageError::value(format!("'{value}' is not a port number"))),
        },
    }
}

pub(super) fn enable_tls(draft: &mut Draft, _: &str) -> Result<(), UsageError> {
    if !cfg!(feature = "tls") {
        return Err(UsageError::usage(
            "this steadfast-cached was built without TLS (the feature 'tls')",
        ));
    }
    draft.tls.is_on = true;
    Ok(())
}

pub(super) fn unix_mask(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    match u32::from_str_radix(value, 8) {
        Ok(mode) if mode <= 0o777 => draft.unix_mode = mode,
        _ => {
            return Err(UsageError::value(format!(
                "'{value}' is not an octal mode of 0 to 777"
            )));
        }
    }
    Ok(())
}

pub(super) fn protocol(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    draft.protocol = Some(match value {
        "auto" => Protocol::Negotiate,
        "ascii" => Protocol::Text,
        "binary" => Protocol::Binary,
        _ => {
            return Err(UsageError::usage(format!(
                "'{value}' is none of auto, ascii, binary"
            )));
        }
    });
    Ok(())
}

pub(super) fn memory_limit(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let megabytes: u64 = number(value, 1)?;
    draft.settings.memory_bytes = megabytes
        .checked_mul(1 << 20)
        .filter(|&bytes| bytes <= MEMORY_BYTES_MAX)
        .ok_or_else(|| {
            UsageError::value(format!("{value} megabytes is more than a machine has"))
        })?;
    Ok(())
}

pub(super) fn max_item_size(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let bytes = size(value)?;
    if !(ITEM_BYTES_LEAST..=ITEM_BYTES_MOST).contains(&bytes) {
        return Err(UsageError::usage(format!(
            "{bytes} bytes is not within 1k and 1024m"
        )));
    }
    draft.settings.item_bytes_max = bytes;
    Ok(())
}

pub(super) fn threads(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let threads = number(value, 1)?;
    if threads > THREADS_MAX {
        return Err(UsageError::value(format!(
            "{threads} threads exceed {THREADS_MAX}"
        )));
    }
    if threads > THREADS_SENSIBLE {
        draft.warnings.push(format!(
            "{threads} worker threads are more than are useful; use as many as there are cores"
        ));
    }
    draft.settings.threads = threads;
    Ok(())
}

pub(super) fn growth_factor(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    match value.parse::<f64>() {
        Ok(factor) if factor > 1.0 => {
            draft.settings.engine.slabs.growth_factor = factor;
            Ok(())
        }
        _ => Err(UsageError::value(format!(
            "'{value}' is not a number above 1"
        ))),
    }
}

pub(super) fn delimiter(draft: &mut Draft, value: &str) -> Result<(), UsageError> {
    let &[delimiter] = value.as_bytes() else {
        return Err(UsageError::value(format!("'{value}' is not one byte")));
    };
    let engine = &mut draft.settings.engine;
    (engine.prefix_delimiter, engine.detail_enabled) = (delimiter, true);
    Ok(())
}

/// Reads the name of a file.
pub(super) fn file(value: &str) -> Result<PathBuf, UsageError> {
    match value {
        "" => Err(UsageError::value("the name of the file is empty")),
        _ => Ok(value.into()),
    }
}

/// memcached warns from here on.
const THREADS_SENSIBLE: usize = 64;
const ITEM_BYTES_LEAST: usize = 1 << 10;
const ITEM_BYTES_MOST: usize = 1 << 30;
/// 64 TB: catches a number of bytes given for one of megabytes.
const MEMORY_BYTES_MAX: u64 = 1 << 46;
