#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod allowance;
mod counters;
mod credentials;
mod datagram;
mod engine;
mod marks;
mod now;
mod output;
mod prefix;
mod process;
mod report;
mod session;
mod settings;
mod sweep;
mod watch;

pub use allowance::{Allowance, BURST_SECS, FREE_RATIO};
pub use credentials::{Credentials, CredentialsError};
pub use datagram::Datagrams;
pub use engine::Engine;
pub use now::Now;
pub use output::Output;
pub use process::{ConnectionFacts, NoProcess, Process, ProcessFacts, Shutdown, TlsFacts};
pub use report::Topic;
pub use session::{Next, Progress, Protocol, Session, SessionSettings};
pub use settings::{LruSettings, Settings, SlabSettings, TlsSettings};
pub use watch::CloseReason;
