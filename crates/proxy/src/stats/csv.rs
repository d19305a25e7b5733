//! `show stat`: one row per frontend, server and backend.

use crate::state::State;
use crate::time::Now;

/// Which rows of `show stat` are wanted: the command's three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowFilter {
    /// The proxy's id; `None` (-1) for all.
    pub proxy: Option<u32>,
    /// A sum of 1 for frontends, 2 for backends, 4 for servers; `None` (-1) for all.
    pub kinds: Option<u32>,
    /// The server's id; `None` (-1) for all.
    pub server: Option<u32>,
}

/// Appends the header line and a line for each row that `filter` wants.
///
/// Takes time in the number of servers.
pub fn write_csv(state: &State, filter: RowFilter, now: Now, out: &mut Vec<u8>) {
    let _ = (state, filter, now, out);
}
