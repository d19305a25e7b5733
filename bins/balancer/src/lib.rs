#![doc = include_str!("../README.md")]

mod balancer;
mod bind;
mod checks;
mod clock;
mod configuration;
mod control_socket;
mod listener;
mod messages;
mod options;
pub mod process;
mod relay;
mod shared;
mod signals;
mod status;
mod syslog;

pub use balancer::{Balancer, Embedding, Running, Sink};
pub use bind::StartError;
pub use options::{Command, OptionError, Options, help};
