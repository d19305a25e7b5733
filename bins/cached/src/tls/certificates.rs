//! Certificates and keys, from files to what a handshake needs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::{TlsError, ciphers};
use crate::settings::{ClientCertificate, KeyFormat, Tls, TlsVersion};

/// What handshakes need, for each interest in who the client is. Immutable: it is replaced whole.
#[derive(Debug)]
pub(super) struct Certificates {
    ignored: Arc<ServerConfig>,
    /// For `Wanted` and `Required`; only where somebody is named who vouches.
    checked: Option<[Arc<ServerConfig>; 2]>,
}

impl Certificates {
    /// Reads all files.
    pub(super) fn read(settings: &Tls) -> Result<Self, TlsError> {
        let provider = Arc::new(ciphers::provider(settings.ciphers.as_deref())?);
        let chain = read_chain(&settings.chain)?;
        let key = read_key(settings)?;
        let config = |verifier| config(settings, &provider, chain.clone(), &key, verifier);
        let checked = match &settings.client_authorities {
            None => None,
            Some(path) => {
                let roots = Arc::new(read_authorities(path)?);
                let verifier = |is_required| verifier(path, &roots, &provider, is_required);
                Some([
                    config(Some(verifier(false)?))?,
                    config(Some(verifier(true)?))?,
                ])
            }
        };
        Ok(Self {
            ignored: config(None)?,
            checked,
        })
    }

    /// Returns what a handshake with that much interest in the client needs.
    pub(super) fn config(
        &self,
        certificate: ClientCertificate,
    ) -> Result<&Arc<ServerConfig>, TlsError> {
        let checked = self.checked.as_ref().ok_or(TlsError::NoAuthorities);
        match certificate {
            ClientCertificate::Ignored => Ok(&self.ignored),
            ClientCertificate::Wanted => checked.map(|[wanted, _]| wanted),
            ClientCertificate::Required => checked.map(|[_, required]| required),
        }
    }
}

fn config(
    settings: &Tls,
    provider: &Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |error: rustls::Error| TlsError::Unusable {
        path: settings.chain.clone(),
        what: "certificate",
        fault: error.to_string(),
    };
    let versions: &[&SupportedProtocolVersion] = match settings.version_min {
        TlsVersion::Tls12 => &[&TLS12, &TLS13],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key.clone_key())
        .map_err(unusable)?;
    if settings.session_cache {
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    } else {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Arc::new(config))
}

fn verifier(
    path: &Path,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    is_required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
    let builder = match is_required {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    builder
        .build()
        .map_err(|error| unusable(path, AUTHORITY, error))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, "certificate", told(error)))?;
    match chain.is_empty() {
        true => Err(unusable(path, "certificate", NOT_THERE)),
        false => Ok(chain),
    }
}

fn read_key(settings: &Tls) -> Result<PrivateKeyDer<'static>, TlsError> {
    let path = settings.key.as_deref().unwrap_or(&settings.chain);
    let bytes = read(path)?;
    match settings.key_format {
        KeyFormat::Pem => PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|error| unusable(path, "private key", told(error))),
        KeyFormat::Der => {
            PrivateKeyDer::try_from(bytes).map_err(|fault| unusable(path, "private key", fault))
        }
    }
}

fn read_authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(path)? {
        roots
            .add(certificate)
            .map_err(|error| unusable(path, AUTHORITY, error))?;
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|cause| TlsError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

fn unusable(path: &Path, what: &'static str, fault: impl ToString) -> TlsError {
    TlsError::Unusable {
        path: path.to_owned(),
        what,
        fault: fault.to_string(),
    }
}

fn told(error: pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => NOT_THERE.to_owned(),
        other => other.to_string(),
    }
}

const AUTHORITY: &str = "certificate of an authority";
const NOT_THERE: &str = "there is none in PEM form";
/// Sessions that can be resumed, as many as OpenSSL keeps by default; older ones are forgotten.
const SESSIONS_MAX: usize = 20 * 1024;
