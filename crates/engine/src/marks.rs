//! What the store's marks mean to us.

use steadfast_store::Marks;

/// The value is outdated, and a client is to make a new one (meta flag `I`).
pub(crate) const STALE: Marks = Marks::number(0);
/// A client was told to make a new value (meta flag `W`).
pub(crate) const CLAIMED: Marks = Marks::number(1);
/// The key came in base64 (meta flag `b`), and goes out so.
pub(crate) const BASE64_KEY: Marks = Marks::number(2);
