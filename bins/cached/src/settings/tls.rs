//! What TLS endpoints present, and what they accept.

use std::path::PathBuf;
use std::time::Duration;

/// What TLS endpoints present, and what they accept (`-o ssl_...`).
///
/// The files are read when the server binds, and again when certificates are refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The certificate and those between it and its root, in PEM (`ssl_chain_cert`).
    pub chain: PathBuf,
    /// The private key (`ssl_key`); `None` if it is in the file of the certificate.
    pub key: Option<PathBuf>,
    /// The form of the key (`ssl_keyformat`).
    pub key_format: KeyFormat,
    /// Who vouches for clients, in PEM (`ssl_ca_cert`). Needed where their certificates are asked
    /// for.
    pub client_authorities: Option<PathBuf>,
    /// Cipher suites of TLS 1.2 in OpenSSL's names with colons between them (`ssl_ciphers`),
    /// among which clients choose; `None` for all that are good. Those of TLS 1.3 are always on.
    pub ciphers: Option<String>,
    /// The lowest version that is spoken (`ssl_min_version`).
    pub version_min: TlsVersion,
    /// Whether clients may come back to a session of TLS 1.2 or 1.3 without a whole handshake
    /// (`ssl_session_cache`).
    pub session_cache: bool,
    /// What one connection may hold of encrypted replies that the socket does not take, in bytes
    /// (`ssl_wbuf_size`); at least 1 KB is taken.
    pub write_buffer_bytes: usize,
    /// How long a client may take for its handshake, give or take a second, before it is closed.
    pub handshake_max: Duration,
}

impl Tls {
    /// Presents the certificate in `chain`, with its key in the same file, as memcached does
    /// without further words.
    pub fn new(chain: PathBuf) -> Self {
        Self {
            chain,
            key: None,
            key_format: KeyFormat::default(),
            client_authorities: None,
            ciphers: None,
            version_min: TlsVersion::default(),
            session_cache: false,
            write_buffer_bytes: 16 << 10,
            handshake_max: Duration::from_secs(10),
        }
    }
}

/// The form of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_enums, reason = "text or not")]
pub enum KeyFormat {
    /// PEM (1).
    #[default]
    Pem,
    /// DER (2): PKCS #8, PKCS #1 or SEC1.
    Der,
}

/// A version of TLS. Older ones are not safe, and not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum TlsVersion {
    /// 1.2 (memcached's 2).
    #[default]
    Tls12,
    /// 1.3 (memcached's 3).
    Tls13,
}
