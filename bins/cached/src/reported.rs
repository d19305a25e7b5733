//! What the engine works by and reports of the settings.

use std::net::SocketAddr;
use std::path::Path;

use steadfast_engine::TlsSettings;

use crate::settings::{
    Authentication, ClientCertificate, Endpoint, KeyFormat, Listen, Security, Settings, Tls,
    TlsVersion,
};

/// Returns the settings of the engine of a server that is bound to TCP `addresses` and, for UDP, to
/// `udp_addresses`.
pub(crate) fn engine_settings(
    settings: &Settings,
    addresses: &[SocketAddr],
    udp_addresses: &[SocketAddr],
) -> steadfast_engine::Settings {
    let mut engine = settings.engine.clone();
    engine.flush_enabled = settings.flush_all;
    engine.requests_per_call_max = settings.requests_per_event;
    engine.verbosity = settings.verbosity.into();
    engine.connections_max = settings.connections_max as u64;
    engine.tcp_port = addresses.first().map_or(0, SocketAddr::port);
    engine.udp_port = udp_addresses.first().map_or(0, SocketAddr::port);
    engine.workers = settings.threads;
    engine.listen_backlog = settings.backlog;
    engine.idle_timeout_secs = settings
        .idle_timeout
        .map_or(0, |idle| idle.as_secs() as u32);
    engine.refuse_when_full = settings.refuse_when_full;
    let first = settings.listen.first();
    engine.protocol = first.map(|endpoint| endpoint.protocol).unwrap_or_default();
    let mut hosts = Vec::new();
    for endpoint in &settings.listen {
        match &endpoint.place {
            Listen::Everywhere(_) => {}
            Listen::Address(address) => hosts.push(address.ip().to_string()),
            Listen::Host(host, _) => hosts.push(host.clone()),
            Listen::Unix { path, mode } => {
                engine.unix_socket = shown(path);
                engine.unix_mode = *mode;
            }
        }
    }
    engine.listen = hosts.join(",");
    match &settings.authentication {
        Some(Authentication::Text(file)) => engine.auth_file = shown(file),
        Some(Authentication::Sasl(_)) => engine.sasl = true,
        None => {}
    }
    if let Some(file) = &settings.memory_file {
        engine.memory_file = shown(file);
        // As in memcached: who set up the room for the file measured it by -m.
        engine.memory_fixed = true;
    }
    // memcached's 0 is no limit.
    engine.read_buffer_bytes_max = match settings.long_request_bytes_max {
        usize::MAX => 0,
        bytes => bytes as u64,
    };
    let tls = settings.tls.as_ref();
    engine.tls = tls.map(|tls| tls_settings(tls, &settings.listen));
    engine
}

fn tls_settings(tls: &Tls, listen: &[Endpoint]) -> TlsSettings {
    let mut reported = TlsSettings::default();
    let first = listen.iter().find_map(|endpoint| match endpoint.security {
        Security::Plain => None,
        Security::Tls(certificate) => Some(certificate),
    });
    reported.verify_mode = match first.unwrap_or_default() {
        ClientCertificate::Ignored => 0,
        ClientCertificate::Wanted => 1,
        ClientCertificate::Required => 2,
    };
    reported.chain_file = shown(&tls.chain);
    reported.key_file = tls.key.as_deref().map(shown).unwrap_or_default();
    reported.key_format = match tls.key_format {
        KeyFormat::Pem => 1,
        KeyFormat::Der => 2,
    };
    reported.ciphers = tls.ciphers.clone().unwrap_or_default();
    let authorities = tls.client_authorities.as_deref();
    reported.authority_file = authorities.map(shown).unwrap_or_default();
    reported.write_buffer_bytes = u32::try_from(tls.write_buffer_bytes).unwrap_or(u32::MAX);
    reported.session_cache = tls.session_cache;
    reported.version_min = match tls.version_min {
        TlsVersion::Tls12 => 2,
        TlsVersion::Tls13 => 3,
    };
    reported
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
