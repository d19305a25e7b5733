#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod action;
mod batch;
mod copy;
mod error;
mod fleet;
mod health;
mod lease;
mod link;
mod operation;
mod probe;
mod procedure;
mod session;
mod settings;

pub use action::{Action, Failure};
pub use error::{SessionError, SettingsError};
pub use fleet::{Fleet, NodeId};
pub use health::Health;
pub use lease::{Lease, Token};
pub use operation::Operation;
pub use probe::Probe;
pub use procedure::Procedure;
pub use session::{
    After, Create, Created, Load, Loaded, Open, Opened, Renew, Renewed, Save, Saved, Session,
    Touch, Unlock,
};
pub use settings::Settings;
