#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod balance;
pub mod config;
pub mod control;
pub mod http;
pub mod log;
pub mod server;
pub mod state;
pub mod stats;
pub mod stream;
pub mod time;
