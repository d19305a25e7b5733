#![doc = include_str!("../README.md")]
// But for `pages`, where memory is handed to the store.
#![deny(unsafe_code)]

mod budget;
mod census;
mod clock;
mod connection;
mod facts;
mod hook;
mod kept;
mod listener;
mod maintenance;
mod memory_file;
pub mod options;
mod pages;
mod reported;
mod server;
pub mod settings;
mod shared;
mod stream;
mod tls;
mod udp;
mod users;
mod worker;

pub use memory_file::{MemoryFileError, Recovery, Saved};
pub use server::{Running, Server, StartError, clients_within, descriptors_reserved};
pub use tls::TlsError;
pub use users::UsersError;

/// The name in front of every line on standard error.
pub const PROGRAM: &str = "steadfast-cached";
