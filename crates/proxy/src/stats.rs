//! The reports that monitoring reads: `show stat` as CSV, and `show info`.
//!
//! Values come from [`State`](crate::state::State), and from [`Process`] what only the daemon
//! knows. Names, order and empty cells are HAProxy's: tools find columns by name and by number.

mod cells;
mod csv;
mod info;

pub use csv::{RowFilter, write_csv};
pub use info::{Process, write_info};

#[cfg(test)]
mod tests;
