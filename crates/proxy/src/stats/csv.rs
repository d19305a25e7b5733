//! `show stat`: one row per frontend, server and backend.

use super::cells::{COLUMNS, Cells};
use crate::config::{Backend, Frontend, Proxy, Server};
use crate::server::Status;
use crate::state::{BackendId, Counters, FrontendId, ServerId, ServerView, State};
use crate::time::Now;

/// Which rows of `show stat` are wanted: the command's three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the command has these three numbers"
)]
pub struct RowFilter {
    /// The proxy's id; `None` (-1) for all.
    pub proxy: Option<u32>,
    /// A sum of 1 for frontends, 2 for backends, 4 for servers; `None` (-1) for all.
    pub kinds: Option<u32>,
    /// The server's id; `None` (-1) for all.
    pub server: Option<u32>,
    /// `up`: no server that is not up; proxies are listed all the same.
    pub up_only: bool,
    /// `no-maint`: no server that is in maintenance.
    pub no_maintenance: bool,
}

impl RowFilter {
    fn wants(&self, proxy: u32, kind: u32) -> bool {
        let is_proxy = self.proxy.is_none_or(|wanted| wanted == proxy);
        is_proxy && self.kinds.is_none_or(|kinds| kinds & kind != 0)
    }

    fn wants_server(&self, server: &Server, status: Status) -> bool {
        let is_up = matches!(status, Status::Up { .. } | Status::Unchecked);
        self.server.is_none_or(|wanted| wanted == server.id)
            && (is_up || !self.up_only)
            && (status != Status::Maintenance || !self.no_maintenance)
    }
}

const FRONTEND: u32 = 1;
const BACKEND: u32 = 2;
const SERVER: u32 = 4;

/// Appends the header line and a line for each row that `filter` wants.
///
/// Rows come in the order of the files: for each proxy the frontend, then the servers, then the
/// backend; a `disabled` proxy has none, as in HAProxy 2.6. A cell is empty where a column does not
/// apply. Takes time in the number of servers.
pub fn write_csv(state: &State, filter: RowFilter, now: Now, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# ");
    for name in COLUMNS {
        out.extend_from_slice(name.as_bytes());
        out.push(b',');
    }
    out.push(b'\n');
    for proxy in &state.config().proxies {
        let (frontend, backend) = match *proxy {
            Proxy::Frontend(frontend) => (Some(frontend), None),
            Proxy::Backend(backend) => (None, Some(backend)),
            Proxy::Listen { frontend, backend } => (Some(frontend), Some(backend)),
        };
        if let Some(frontend) = frontend {
            write_frontend(state, FrontendId(frontend), filter, now, out);
        }
        if let Some(backend) = backend {
            write_backend(state, BackendId(backend), filter, now, out);
        }
    }
}

fn write_frontend(state: &State, id: FrontendId, filter: RowFilter, now: Now, out: &mut Vec<u8>) {
    let frontend = &state.config().frontends[id.0];
    if !frontend.disabled && filter.wants(frontend.id, FRONTEND) {
        frontend_row(state, frontend, state.frontend(id), now).write_csv(out);
    }
}

/// The servers of a backend, then the backend itself.
fn write_backend(state: &State, id: BackendId, filter: RowFilter, now: Now, out: &mut Vec<u8>) {
    let backend = &state.config().backends[id.0];
    if backend.disabled {
        return;
    }
    for (index, server) in backend.servers.iter().enumerate() {
        let view = state.server(ServerId { backend: id, index });
        if filter.wants(backend.id, SERVER) && filter.wants_server(server, view.status) {
            server_row(backend, server, &view, now).write_csv(out);
        }
    }
    if filter.wants(backend.id, BACKEND) {
        backend_row(state, backend, id, now).write_csv(out);
    }
}

fn frontend_row(state: &State, frontend: &Frontend, counters: &Counters, now: Now) -> Cells {
    let limit = frontend.maxconn.unwrap_or(state.process().connections_max);
    let mut cells = Cells::new(&frontend.name, "FRONTEND", frontend.id, 0);
    cells.fill(&[
        ("scur", &counters.current),
        ("smax", &counters.current_max),
        ("slim", &limit),
        ("stot", &counters.total),
        ("bin", &counters.bytes_in),
        ("bout", &counters.bytes_out),
        ("dreq", &counters.denied_requests),
        ("dresp", &counters.denied_responses),
        ("ereq", &counters.request_errors),
        ("status", &"OPEN"),
        ("sid", &0),
        ("rate", &counters.rate.value(now.unix_ms)),
        ("rate_lim", &0),
        ("rate_max", &counters.rate.max()),
        ("req_rate", &counters.request_rate.value(now.unix_ms)),
        ("req_rate_max", &counters.request_rate.max()),
        ("req_tot", &counters.requests),
        // A connection is a session here, since rules that part them do not exist.
        ("conn_rate", &counters.rate.value(now.unix_ms)),
        ("conn_rate_max", &counters.rate.max()),
        ("conn_tot", &counters.total),
        ("intercepted", &counters.intercepted),
        ("dcon", &0),
        ("dses", &0),
        ("wrew", &0),
        ("eint", &0),
        ("h1sess", &counters.total),
        ("h1req", &counters.requests),
    ]);
    fill_statuses(&mut cells, counters);
    fill_cache_and_compression(&mut cells);
    cells
}

fn server_row(backend: &Backend, server: &Server, view: &ServerView<'_>, now: Now) -> Cells {
    let counters = view.counters;
    let mut cells = Cells::new(&backend.name, &server.name, backend.id, 2);
    fill_service(&mut cells, counters, now);
    let answers: u64 = counters.statuses.classes.iter().sum();
    cells.fill(&[
        // Requests that were answered, not those that were tried: as HAProxy counts for servers.
        ("req_tot", &(answers + counters.statuses.other)),
        ("status", &view.status),
        ("weight", &server.weight),
        ("uweight", &server.weight),
        ("act", &u8::from(!server.backup)),
        ("bck", &u8::from(server.backup)),
        ("lastchg", &seconds_since(view.changed_unix_ms, now)),
        ("sid", &server.id),
        ("addr", &view.address),
    ]);
    if let Some(limit) = &server.maxconn {
        cells.set("slim", limit);
    }
    if let Some(limit) = &server.maxqueue {
        cells.set("qlimit", limit);
    }
    if server.check.is_some() {
        fill_check(&mut cells, view, now);
    }
    cells
}

/// The columns about probes. In maintenance, where none run, only the counts.
fn fill_check(cells: &mut Cells, view: &ServerView<'_>, now: Now) {
    let is_down = matches!(view.status, Status::Down { .. } | Status::Maintenance);
    let present_ms = if is_down {
        now.unix_ms.saturating_sub(view.changed_unix_ms)
    } else {
        0
    };
    cells.fill(&[
        ("chkfail", &view.counters.check_failures),
        ("chkdown", &view.counters.downs),
        ("downtime", &((view.downtime_ms + present_ms) / 1000)),
    ]);
    let Some((rise, fall, health)) = view.health else {
        return;
    };
    cells.fill(&[
        ("check_rise", &rise),
        ("check_fall", &fall),
        ("check_health", &health),
    ]);
    let running = if view.checking { "* " } else { "" };
    let Some(report) = view.check else {
        cells.set("check_status", &format_args!("{running}INI"));
        cells.set("check_desc", &"Initializing");
        return;
    };
    let status = report.outcome.code();
    cells.set("check_status", &format_args!("{running}{status}"));
    cells.set("check_duration", &report.duration_ms);
    cells.set("check_desc", &report.outcome.description());
    if let Some(info) = report.outcome.info() {
        cells.set("last_chk", &info);
    }
}

fn backend_row(state: &State, backend: &Backend, id: BackendId, now: Now) -> Cells {
    let counters = state.backend(id);
    let (active_count, backup_count) = state.usable(id);
    // Without servers there is nothing that could be down.
    let is_up = backend.servers.is_empty() || active_count + backup_count > 0;
    let availability = state.availability(id);
    let weight = usable_weight(state, backend, id);
    let mut cells = Cells::new(&backend.name, "BACKEND", backend.id, 1);
    fill_service(&mut cells, counters, now);
    cells.fill(&[
        ("slim", &full_connections(state, id)),
        ("dreq", &counters.denied_requests),
        ("status", &if is_up { "UP" } else { "DOWN" }),
        ("weight", &weight),
        ("uweight", &weight),
        ("act", &active_count),
        ("bck", &backup_count),
        ("chkdown", &counters.downs),
        ("lastchg", &seconds_since(availability.changed_unix_ms, now)),
        ("sid", &0),
        ("algo", &backend.balance.name()),
        ("h1req", &counters.requests),
    ]);
    if !backend.servers.is_empty() {
        let present_ms = if is_up {
            0
        } else {
            now.unix_ms.saturating_sub(availability.changed_unix_ms)
        };
        cells.set(
            "downtime",
            &((availability.downtime_ms + present_ms) / 1000),
        );
    }
    fill_cache_and_compression(&mut cells);
    cells
}

/// The weights of the servers that share the requests now: all proper ones that are usable, else
/// the first usable backup.
fn usable_weight(state: &State, backend: &Backend, id: BackendId) -> u32 {
    let usable = |is_backup: bool| {
        let servers = backend.servers.iter().enumerate();
        servers
            .filter(move |(_, server)| server.backup == is_backup)
            .filter(move |(index, _)| {
                state.is_usable(ServerId {
                    backend: id,
                    index: *index,
                })
            })
            .map(|(_, server)| u32::from(server.weight))
    };
    match usable(false).sum() {
        0 => usable(true).next().unwrap_or(0),
        weight => weight,
    }
}

/// HAProxy's default of `fullconn`: a tenth of the limits of the frontends that lead here.
fn full_connections(state: &State, id: BackendId) -> u32 {
    let config = state.config();
    let limits: u64 = config
        .frontends
        .iter()
        .filter(|frontend| frontend.default_backend == Some(id.0))
        .map(|frontend| u64::from(frontend.maxconn.unwrap_or(state.process().connections_max)))
        .sum();
    u32::try_from(limits.div_ceil(10))
        .unwrap_or(u32::MAX)
        .max(1)
}

/// The columns that servers and backends have in common.
fn fill_service(cells: &mut Cells, counters: &Counters, now: Now) {
    let last_s = match counters.last_unix_ms {
        0 => -1,
        last_ms => i64::try_from(seconds_since(last_ms, now)).unwrap_or(i64::MAX),
    };
    cells.fill(&[
        ("qcur", &counters.queued),
        ("qmax", &counters.queued_max),
        ("scur", &counters.current),
        ("smax", &counters.current_max),
        ("stot", &counters.total),
        ("bin", &counters.bytes_in),
        ("bout", &counters.bytes_out),
        ("dresp", &counters.denied_responses),
        ("econ", &counters.connect_errors),
        ("eresp", &counters.response_errors),
        ("wretr", &counters.retries),
        ("wredis", &counters.redispatches),
        ("lbtot", &counters.balanced),
        ("rate", &counters.rate.value(now.unix_ms)),
        ("rate_max", &counters.rate.max()),
        ("req_tot", &counters.requests),
        ("cli_abrt", &counters.client_aborts),
        ("srv_abrt", &counters.server_aborts),
        ("lastsess", &last_s),
        ("wrew", &0),
        ("connect", &counters.connects),
        ("reuse", &counters.reuses),
        ("eint", &0),
    ]);
    for (name, time) in ["qtime", "ctime", "rtime", "ttime"]
        .into_iter()
        .zip(counters.times)
    {
        cells.set(name, &time.value());
    }
    fill_statuses(cells, counters);
}

fn fill_statuses(cells: &mut Cells, counters: &Counters) {
    let names = ["hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"];
    for (name, count) in names.into_iter().zip(counters.statuses.classes) {
        cells.set(name, &count);
    }
    cells.set("hrsp_other", &counters.statuses.other);
}

/// We have neither: the counts are 0 indeed, and tools want numbers.
fn fill_cache_and_compression(cells: &mut Cells) {
    for name in [
        "comp_in",
        "comp_out",
        "comp_byp",
        "comp_rsp",
        "cache_lookups",
        "cache_hits",
    ] {
        cells.set(name, &0);
    }
}

fn seconds_since(unix_ms: u64, now: Now) -> u64 {
    now.unix_ms.saturating_sub(unix_ms) / 1000
}
