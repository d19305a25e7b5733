#![doc = include_str!("../README.md")]

mod accounts;
pub mod daemonise;
pub mod exit;
pub mod limits;
pub mod listen;
pub mod log;
pub mod memory;
pub mod pid_file;
pub mod privilege;
pub mod readiness;
mod system;
