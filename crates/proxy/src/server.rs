//! One server as it is now: health, load, counters.

mod health;

pub use health::{CheckOutcome, CheckReport, Health, HealthSettings, Status};
