//! Sections to the final model: references, ids, `log global`, and what only the whole shows.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Complaints, Diagnostic};
use super::logging::{LogSource, LogTarget, Logging};
use super::model::{Backend, Config, Frontend, Global, Proxy, Server, Timeouts};
use super::parser::Draft;
use super::section::{Kind, Section, Settings};
use super::server::ServerDraft;

/// Makes the model. It is of use only if no error was added to `diagnostics`.
pub(super) fn resolve(draft: Draft, diagnostics: &mut Complaints) -> Config {
    check_names(&draft.proxies, diagnostics);
    let ids = proxy_ids(&draft.proxies, diagnostics);
    let backend_indices: BTreeMap<String, usize> = draft
        .proxies
        .iter()
        .filter(|section| section.kind.has_backend())
        .enumerate()
        .map(|(index, section)| (section.name.to_string(), index))
        .collect();
    let mut config = Config {
        global: draft.global,
        ..Config::default()
    };
    for (section, id) in draft.proxies.into_iter().zip(ids) {
        check_section(&section, diagnostics);
        let default_backend = default_backend(&section, &backend_indices, diagnostics);
        add_proxy(&mut config, section, id, default_backend, diagnostics);
    }
    config
}

/// Complains about a second frontend or a second backend of one name.
fn check_names(sections: &[Section], diagnostics: &mut Complaints) {
    let mut frontends: BTreeMap<&str, &Section> = BTreeMap::new();
    let mut backends: BTreeMap<&str, &Section> = BTreeMap::new();
    for section in sections {
        let mut earlier = None;
        if section.kind.has_frontend() {
            earlier = frontends.insert(&section.name, section);
        }
        if section.kind.has_backend() {
            earlier = backends.insert(&section.name, section).or(earlier);
        }
        if let Some(earlier) = earlier {
            let message = format!(
                "{kind} '{name}' has the same name as {other} '{name}' declared at {}:{}.",
                earlier.position.file,
                earlier.position.line,
                kind = section.kind.noun(),
                name = section.name,
                other = earlier.kind.noun(),
            );
            diagnostics.push(Diagnostic::error(&section.position, message));
        }
    }
}

/// An id for each section: the file's, else the next free one from 2 on. HAProxy's first proxy has
/// 2, because its own stats frontend takes 1, and tools store these numbers.
fn proxy_ids(sections: &[Section], diagnostics: &mut Complaints) -> Vec<u32> {
    let mut used = BTreeMap::new();
    for section in sections {
        let Some((id, position)) = &section.id else {
            continue;
        };
        let Some(earlier) = used.insert(*id, section) else {
            continue;
        };
        let message = format!(
            "{} {} reuses same custom id as {} {} (declared at {}:{}).",
            section.kind.noun(),
            section.name,
            earlier.kind.noun(),
            earlier.name,
            earlier.position.file,
            earlier.position.line,
        );
        diagnostics.push(Diagnostic::error(position, message));
    }
    let mut free = (2..).filter(|id| !used.contains_key(id));
    let mut next = || free.next().expect("there are more ids than sections");
    sections
        .iter()
        .map(|section| section.id.as_ref().map_or_else(&mut next, |(id, _)| *id))
        .collect()
}

/// Complains about what is probably not meant.
fn check_section(section: &Section, diagnostics: &mut Complaints) {
    let Section {
        kind,
        name,
        position,
        settings,
        ..
    } = section;
    if !settings.has_mode {
        let message = format!(
            "{} '{name}' has no 'mode http', and 'mode tcp', the default, is not implemented by \
             steadfast.",
            kind.noun()
        );
        diagnostics.push(Diagnostic::error(position, message));
    }
    if settings.disabled {
        return;
    }
    if kind.has_frontend() && section.binds.is_empty() {
        let message = format!(
            "{} '{name}' has no 'bind' directive. Please declare it as a backend if this was \
             intended.",
            kind.noun()
        );
        diagnostics.push(Diagnostic::warning(position, message));
    }
    check_timeouts(section, diagnostics);
}

fn check_timeouts(section: &Section, diagnostics: &mut Complaints) {
    let Timeouts {
        client,
        connect,
        server,
        ..
    } = section.settings.timeouts;
    let kind = section.kind;
    let misses_client = kind.has_frontend() && client.is_none();
    let has_servers = kind.has_backend() && !section.servers.is_empty();
    if misses_client || has_servers && (connect.is_none() || server.is_none()) {
        let message = format!("missing timeouts for {} '{}'.", kind.noun(), section.name);
        let warning = Diagnostic::warning(&section.position, message);
        diagnostics.push(warning.with_lines(MISSING_TIMEOUTS));
    }
}

/// HAProxy's words.
const MISSING_TIMEOUTS: &str = "
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration. To fix this, please ensure that all following
   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.";

/// The backend of a frontend: the one it names, else its own other side.
fn default_backend(
    section: &Section,
    backends: &BTreeMap<String, usize>,
    diagnostics: &mut Complaints,
) -> Option<usize> {
    if !section.kind.has_frontend() {
        return None;
    }
    let Some((name, position)) = &section.settings.default_backend else {
        return match section.kind {
            Kind::Listen => backends.get(&*section.name).copied(),
            _ => None,
        };
    };
    if section.kind == Kind::Listen && **name == *section.name {
        let message = format!("Proxy '{name}': loop detected for default_backend: '{name}'.");
        diagnostics.push(Diagnostic::error(position, message));
    }
    let index = backends.get(name).copied();
    if index.is_none() {
        let message = format!(
            "Proxy '{}': unable to find required default_backend: '{name}'.",
            section.name
        );
        diagnostics.push(Diagnostic::error(position, message));
    }
    index
}

/// Adds the one or two sides of a section.
fn add_proxy(
    config: &mut Config,
    mut section: Section,
    id: u32,
    default_backend: Option<usize>,
    diagnostics: &mut Complaints,
) {
    let (frontend, backend) = (config.frontends.len(), config.backends.len());
    let kind = section.kind;
    let logging = logging(&section.settings, &config.global);
    if kind.has_frontend() {
        let frontend = take_frontend(&mut section, id, default_backend, logging.clone());
        config.frontends.push(frontend);
    }
    if kind.has_backend() {
        let backend = into_backend(section, id, logging, diagnostics);
        config.backends.push(backend);
    }
    config.proxies.push(match kind {
        Kind::Listen => Proxy::Listen { frontend, backend },
        Kind::Backend => Proxy::Backend(backend),
        Kind::Frontend | Kind::Defaults => Proxy::Frontend(frontend),
    });
}

/// The client side of a section. Takes the rules with it: they run once.
fn take_frontend(
    section: &mut Section,
    id: u32,
    default_backend: Option<usize>,
    logging: Logging,
) -> Frontend {
    let settings = &mut section.settings;
    Frontend {
        name: section.name.clone(),
        id,
        binds: core::mem::take(&mut section.binds),
        maxconn: settings.maxconn,
        timeouts: settings.timeouts,
        connection_mode: settings.connection_mode,
        forward_for: settings.forward_for.clone(),
        logging,
        default_backend,
        http_request: core::mem::take(&mut settings.http_request),
        disabled: settings.disabled,
        position: section.position.clone(),
    }
}

/// The server side of a section.
fn into_backend(
    section: Section,
    id: u32,
    logging: Logging,
    diagnostics: &mut Complaints,
) -> Backend {
    let settings = section.settings;
    Backend {
        servers: resolve_servers(section.servers, &section.name, diagnostics),
        name: section.name,
        id,
        balance: settings.balance,
        retries: settings.retries.unwrap_or(RETRIES),
        redispatch: settings.redispatch,
        timeouts: settings.timeouts,
        connection_mode: settings.connection_mode,
        forward_for: settings.forward_for,
        logging,
        http_request: settings.http_request,
        disabled: settings.disabled,
        position: section.position,
    }
}

/// The default of `retries`.
const RETRIES: u32 = 3;

fn logging(settings: &Settings, global: &Global) -> Logging {
    let targets = settings.log.iter().flat_map(|source| -> &[LogTarget] {
        match source {
            LogSource::Global => &global.log,
            LogSource::Target(target) => core::slice::from_ref(target),
        }
    });
    Logging {
        targets: targets.cloned().collect(),
        format: settings.format,
        dont_log_null: settings.dont_log_null,
        dont_log_normal: settings.dont_log_normal,
        separate_errors: settings.separate_errors,
        log_health_checks: settings.log_health_checks,
    }
}

/// Gives ids from 1 on, and complains about a name or an id that comes twice.
fn resolve_servers(
    servers: Vec<ServerDraft>,
    proxy: &str,
    diagnostics: &mut Complaints,
) -> Vec<Server> {
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    let mut used = BTreeSet::new();
    for server in &servers {
        if let Some(line) = names.insert(&server.name, server.position.line) {
            let message = format!(
                "proxy '{proxy}', another server named '{}' was already defined at line {line}, \
                 please use distinct names.",
                server.name
            );
            diagnostics.push(Diagnostic::error(&server.position, message));
        }
        let reuses_id = server.id().is_some_and(|id| !used.insert(id));
        if reuses_id {
            let message = format!(
                "proxy '{proxy}', server '{}' reuses the id of an earlier server.",
                server.name
            );
            diagnostics.push(Diagnostic::error(&server.position, message));
        }
    }
    let mut free = (1..).filter(|id| !used.contains(id));
    let mut next = || free.next().expect("there are more ids than servers");
    servers
        .into_iter()
        .map(|server| {
            let id = server.id().unwrap_or_else(&mut next);
            server.into_server(id)
        })
        .collect()
}
