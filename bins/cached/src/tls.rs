//! TLS, in the one module that knows rustls; or, built without the feature `tls`, a stand-in
//! of which no stream can be made, so that nothing is left of it in the machine code.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod ciphers;
#[cfg(feature = "tls")]
mod context;
mod error;
#[cfg(feature = "tls")]
mod stream;

#[cfg(not(feature = "tls"))]
pub(crate) use self::absent::{Context, TlsStream};
#[cfg(feature = "tls")]
pub(crate) use self::context::Context;
pub use self::error::TlsError;
#[cfg(feature = "tls")]
pub(crate) use self::stream::TlsStream;
