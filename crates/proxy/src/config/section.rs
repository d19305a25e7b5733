//! A proxy's section while it is being read: what it says itself, on top of what it inherits.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Position};
use super::logging::{LogSource, TrafficFormat};
use super::model::{
    Balance, Bind, ConnectionMode, ForwardFor, HttpRequestRule, Redispatch, Timeouts,
};
use super::server::{ServerDraft, ServerSettings};
use super::statement::Statement;

/// The kind of a section that describes a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `defaults`.
    Defaults,
    /// `frontend`.
    Frontend,
    /// `backend`.
    Backend,
    /// `listen`.
    Listen,
}

impl Kind {
    /// The section's keyword.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Listen => "listen",
        }
    }

    /// HAProxy's word for such a proxy in its messages.
    pub(super) fn noun(self) -> &'static str {
        if self == Self::Listen {
            "proxy"
        } else {
            self.name()
        }
    }

    pub(super) fn has_frontend(self) -> bool {
        matches!(self, Self::Frontend | Self::Listen)
    }

    pub(super) fn has_backend(self) -> bool {
        matches!(self, Self::Backend | Self::Listen)
    }
}

/// On which side of a proxy a statement means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `frontend` and `listen`.
    Frontend,
    /// `backend` and `listen`.
    Backend,
    /// All proxies.
    Both,
}

impl Side {
    /// Tells whether a proxy of `kind` has this side; `defaults` have all.
    pub(super) fn is_in(self, kind: Kind) -> bool {
        match self {
            _ if kind == Kind::Defaults => true,
            Self::Frontend => kind.has_frontend(),
            Self::Backend => kind.has_backend(),
            Self::Both => true,
        }
    }

    /// The side's name in messages.
    pub(super) fn name(self) -> &'static str {
        if self == Self::Backend {
            "backend"
        } else {
            "frontend"
        }
    }
}

/// A section of a proxy, or of defaults.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) kind: Kind,
    /// Empty for anonymous defaults.
    pub(super) name: Arc<str>,
    pub(super) position: Position,
    /// What proxies inherit from defaults.
    pub(super) settings: Settings,
    pub(super) id: Option<(u32, Position)>,
    pub(super) binds: Vec<Bind>,
    pub(super) servers: Vec<ServerDraft>,
    /// Of defaults with rules: the kind of the proxies that start from them.
    heirs: Option<Kind>,
}

/// What a `defaults` section can say; proxies start from a copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// The last `mode`, if it was HTTP or has been complained about.
    pub(super) has_mode: bool,
    pub(super) log: Vec<LogSource>,
    pub(super) format: TrafficFormat,
    pub(super) dont_log_null: bool,
    pub(super) dont_log_normal: bool,
    pub(super) separate_errors: bool,
    pub(super) log_health_checks: bool,
    pub(super) connection_mode: ConnectionMode,
    pub(super) forward_for: Option<ForwardFor>,
    pub(super) redispatch: Redispatch,
    pub(super) retries: Option<u32>,
    pub(super) timeouts: Timeouts,
    pub(super) maxconn: Option<u32>,
    pub(super) balance: Balance,
    pub(super) default_backend: Option<(String, Position)>,
    pub(super) default_server: ServerSettings,
    pub(super) http_request: Vec<HttpRequestRule>,
    pub(super) disabled: bool,
}

impl Section {
    /// A section that starts from `settings`.
    pub(super) fn new(kind: Kind, name: &str, position: Position, settings: Settings) -> Self {
        Self {
            kind,
            name: Arc::from(name),
            position,
            settings,
            id: None,
            binds: Vec::new(),
            servers: Vec::new(),
            heirs: None,
        }
    }

    /// Refuses that a section of `kind` starts from these defaults, where it would be unclear on
    /// which side, and how often, their rules run (HAProxy's manual, section 4).
    pub(super) fn admit_heir(&mut self, kind: Kind) -> Result<(), String> {
        if self.settings.http_request.is_empty() {
            return Ok(());
        }
        let Position { file, line, .. } = &self.position;
        let place = format!("(defaults section at {file}:{line})");
        if matches!(kind, Kind::Defaults | Kind::Listen) {
            return Err(format!(
                "a {} section cannot inherit from a defaults section defining TCP/HTTP rules {place}.",
                kind.name()
            ));
        }
        if *self.heirs.get_or_insert(kind) != kind {
            return Err(format!(
                "frontends and backends cannot inherit from the same defaults section if it defines \
                 TCP/HTTP rules {place}."
            ));
        }
        Ok(())
    }

    /// The warning that this kind of proxy has no `side`, which `what` belongs to.
    pub(super) fn ignored(&self, statement: &Statement<'_>, what: &str, side: Side) -> Diagnostic {
        let message = format!(
            "'{what}' ignored because {} '{}' has no {} capability.",
            self.kind.noun(),
            self.name,
            side.name()
        );
        Diagnostic::warning(&statement.position(), message)
    }
}

/// The first character of `name` that HAProxy does not like in names of proxies and servers.
pub(super) fn odd_character(name: &str) -> Option<char> {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "_.:-".contains(character);
    name.chars().find(|character| !is_allowed(*character))
}
