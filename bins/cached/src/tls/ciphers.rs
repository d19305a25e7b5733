//! OpenSSL's names for cipher suites.

use rustls::crypto::{CryptoProvider, ring};
use rustls::{CipherSuite, SupportedCipherSuite};

use super::TlsError;

/// Returns the cryptography, with the suites of TLS 1.3 and those of TLS 1.2 in `list`, names with
/// colons between them; all that are good without a list. Clients choose among them.
///
/// OpenSSL's words for whole families (`HIGH`, `!aNULL`) are no names: what is good is here anyway.
pub(super) fn provider(list: Option<&str>) -> Result<CryptoProvider, TlsError> {
    let mut provider = ring::default_provider();
    if let Some(list) = list {
        let wanted = list
            .split(':')
            .filter(|name| !name.is_empty())
            .map(find)
            .collect::<Result<Vec<_>, _>>()?;
        provider
            .cipher_suites
            .retain(|suite| is_tls13(suite) || wanted.contains(&suite.suite()));
    }
    Ok(provider)
}

fn find(name: &str) -> Result<CipherSuite, TlsError> {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found
        .map(|&(_, suite)| suite)
        .ok_or_else(|| TlsError::UnknownCipher {
            name: name.to_owned(),
            known: NAMES.map(|(known, _)| known).join(", "),
        })
}

fn is_tls13(suite: &SupportedCipherSuite) -> bool {
    matches!(suite, SupportedCipherSuite::Tls13(_))
}

const NAMES: [(&str, CipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_that_can_be_had() {
        let all = ring::default_provider().cipher_suites;
        for (name, suite) in NAMES {
            assert!(all.iter().any(|known| known.suite() == suite), "{name}");
        }
        let tls12 = all.iter().filter(|suite| !is_tls13(suite)).count();
        assert_eq!(tls12, NAMES.len());
    }

    #[test]
    fn list_narrows_tls12_and_leaves_tls13() {
        let all = provider(None).unwrap().cipher_suites;
        let one = provider(Some(NAMES[0].0)).unwrap().cipher_suites;
        assert_eq!(one.iter().filter(|suite| !is_tls13(suite)).count(), 1);
        let tls13 = |suites: &[SupportedCipherSuite]| suites.iter().filter(|s| is_tls13(s)).count();
        assert_eq!(tls13(&one), tls13(&all));
        let error = provider(Some("ECDHE-RSA-AES128-GCM-SHA256:HIGH")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the cipher 'HIGH' (ssl_ciphers) is none of ECDHE-")
        );
    }
}
