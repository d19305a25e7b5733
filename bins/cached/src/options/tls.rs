//! The words of `-o` that are about TLS.

use std::path::PathBuf;

use super::UsageError;
use super::draft::number;
use super::suboptions::{Suboption, Value};
use crate::settings::{ClientCertificate, KeyFormat, Security, Tls, TlsVersion};

/// What has been said about TLS so far.
#[derive(Debug)]
pub(super) struct TlsDraft {
    /// `-Z`.
    pub(super) is_on: bool,
    chain: Option<PathBuf>,
    certificate: ClientCertificate,
    /// All the rest; its chain is not yet known.
    tls: Tls,
    /// The first word, for whoever forgot `-Z`.
    word: Option<&'static str>,
}

impl Default for TlsDraft {
    fn default() -> Self {
        Self {
            is_on: false,
            chain: None,
            certificate: ClientCertificate::default(),
            tls: Tls::new(PathBuf::new()),
            word: None,
        }
    }
}

impl TlsDraft {
    /// Returns what holds for listeners without a prefix of their own.
    pub(super) fn security(&self) -> Security {
        match self.is_on {
            true => Security::Tls(self.certificate),
            false => Security::Plain,
        }
    }

    /// Makes sense of the whole; `None` is without TLS.
    pub(super) fn finish(mut self, warnings: &mut Vec<String>) -> Result<Option<Tls>, UsageError> {
        if !self.is_on {
            if let Some(word) = self.word {
                warnings.push(format!("{word} (-o) has no effect without TLS (-Z)"));
            }
            return Ok(None);
        }
        self.tls.chain = self.chain.ok_or_else(|| {
            UsageError::usage("TLS (-Z) needs a certificate: -o ssl_chain_cert=FILE")
        })?;
        Ok(Some(self.tls))
    }

    fn set_verify_mode(&mut self, value: &str) -> Result<(), UsageError> {
        self.certificate = match value {
            "0" => ClientCertificate::Ignored,
            "1" => ClientCertificate::Wanted,
            "2" | "3" => ClientCertificate::Required,
            _ => return Err(out_of_range(value, "0 (no), 1 (ask), 2 and 3 (insist)")),
        };
        Ok(())
    }

    fn set_key_format(&mut self, value: &str) -> Result<(), UsageError> {
        self.tls.key_format = match value {
            "1" => KeyFormat::Pem,
            "2" => KeyFormat::Der,
            _ => return Err(out_of_range(value, "1 (PEM), 2 (DER)")),
        };
        Ok(())
    }

    fn set_version_min(&mut self, value: &str) -> Result<(), UsageError> {
        self.tls.version_min = match value {
            "2" => TlsVersion::Tls12,
            "3" => TlsVersion::Tls13,
            "0" | "1" => {
                return Err(UsageError::usage(format!(
                    "TLS 1.{value} is not safe and not spoken here; the lowest are 2 (TLS 1.2) and 3 (TLS 1.3)"
                )));
            }
            _ => return Err(out_of_range(value, "2 (TLS 1.2), 3 (TLS 1.3)")),
        };
        Ok(())
    }

    fn set_write_buffer(&mut self, value: &str) -> Result<(), UsageError> {
        let kilobytes: usize = number(value, 1)?;
        if kilobytes > WRITE_BUFFER_KILOBYTES_MAX {
            return Err(UsageError::value(format!(
                "{kilobytes} kilobytes exceed {WRITE_BUFFER_KILOBYTES_MAX}"
            )));
        }
        self.tls.write_buffer_bytes = kilobytes << 10;
        Ok(())
    }
}

fn out_of_range(value: &str, words: &str) -> UsageError {
    UsageError::value(format!("'{value}' is none of {words}"))
}

const fn word(
    name: &'static str,
    value: Option<&'static str>,
    help: &'static str,
    effect: fn(&mut super::draft::Draft, &str) -> Result<(), UsageError>,
) -> Suboption {
    Suboption {
        name,
        value: match value {
            Some(value) => Value::Needed(value),
            None => Value::Absent,
        },
        help,
        effect,
    }
}

/// The words.
pub(super) const WORDS: &[Suboption] = &[
    word(
        "ssl_chain_cert",
        Some("<file>"),
        "TLS: certificate, and those up to its root (PEM)",
        |draft, value| {
            draft.tls.word.get_or_insert("ssl_chain_cert");
            draft.tls.chain = Some(value.into());
            Ok(())
        },
    ),
    word(
        "ssl_key",
        Some("<file>"),
        "its private key, unless that is in the same file",
        |draft, value| {
            draft.tls.word.get_or_insert("ssl_key");
            draft.tls.tls.key = Some(value.into());
            Ok(())
        },
    ),
    word(
        "ssl_keyformat",
        Some("<num>"),
        "form of the key: 1 PEM (default), 2 DER",
        |draft, value| draft.tls.set_key_format(value),
    ),
    word(
        "ssl_verify_mode",
        Some("<num>"),
        "certificates of clients: 0 not asked for (default), 1 checked if there is one, 2 and 3 required",
        |draft, value| {
            draft.tls.word.get_or_insert("ssl_verify_mode");
            draft.tls.set_verify_mode(value)
        },
    ),
    word(
        "ssl_ca_cert",
        Some("<file>"),
        "who may vouch for clients (PEM)",
        |draft, value| {
            draft.tls.word.get_or_insert("ssl_ca_cert");
            draft.tls.tls.client_authorities = Some(value.into());
            Ok(())
        },
    ),
    word(
        "ssl_ciphers",
        Some("<list>"),
        "suites of TLS 1.2, in OpenSSL's names with colons between them (default: all that are good)",
        |draft, value| {
            draft.tls.tls.ciphers = Some(value.to_owned());
            Ok(())
        },
    ),
    word(
        "ssl_min_version",
        Some("<num>"),
        "lowest version: 2 TLS 1.2 (default), 3 TLS 1.3; older ones are not safe, and an error",
        |draft, value| draft.tls.set_version_min(value),
    ),
    word(
        "ssl_session_cache",
        None,
        "clients may resume a session without a whole handshake",
        |draft, _| {
            draft.tls.tls.session_cache = true;
            Ok(())
        },
    ),
    word(
        "ssl_wbuf_size",
        Some("<KB>"),
        "encrypted replies that a connection may hold (default: 16)",
        |draft, value| draft.tls.set_write_buffer(value),
    ),
    word(
        "ssl_kernel_tls",
        None,
        "an error: encryption is done here, not in the kernel",
        |_, _| {
            Err(UsageError::usage(
                "'ssl_kernel_tls' can't be had: encryption is done here, not in the kernel",
            ))
        },
    ),
];

/// A megabyte: as much as a connection may hold of replies that are not encrypted.
const WRITE_BUFFER_KILOBYTES_MAX: usize = 1024;
