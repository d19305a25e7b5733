#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod check;
mod data;
mod file;

pub use check::{Answer, Mismatch, Report, check, check_files};
pub use file::{Column, Configuration, File, List, Node, files};
