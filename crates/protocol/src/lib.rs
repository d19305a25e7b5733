#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod admin;
mod base64;
pub mod binary;
mod data;
mod error;
mod key;
mod limits;
mod meta;
mod number;
mod parser;
mod request;
mod response;
mod scan;
pub mod udp;
mod words;

pub use admin::{
    CrawlerCommand, DumpForm, Factor, LruCommand, ShutdownMode, SlabClasses, SlabsCommand,
    WatchStreams,
};
pub use base64::encode_base64;
pub use data::{DataBlock, DataPart};
pub use error::{ParseError, ParseErrorKind, Recovery, ResponseError, ResponseErrorKind};
pub use key::{Key, KeyError};
pub use limits::Limits;
pub use meta::{Meta, MetaFlag, MetaFlags, MetaFlagsIter, MetaKey, MetaStoreMode, MetaVerb};
pub use number::{parse_exptime, parse_stored_number, parse_u64};
pub use parser::{OneGet, Parsed, RequestParser, ResponseParser};
pub use request::{Arithmetic, Keys, Request, Storage, StorageVerb};
pub use response::{
    CachedItem, DumpedItem, MetaItem, MetaLine, MetaStatus, PrefixCounts, Refusal, Response,
    ValueHeader, decode_uri, encode_uri,
};
