#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod config;
pub mod control;
pub mod log;
pub mod server;
pub mod state;
pub mod stats;
pub mod stream;
pub mod time;
