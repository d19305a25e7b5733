//! What the daemon says about all proxies at once: the status dump and the farewell.

use steadfast_proxy::config::{Config, Proxy};
use steadfast_proxy::log::Level;
use steadfast_proxy::state::{BackendId, FrontendId, ServerId, State};

/// A line, and whose log targets get it.
pub(crate) struct Line {
    pub(crate) proxy: Proxy,
    pub(crate) level: Level,
    pub(crate) text: String,
}

/// The state of every server and proxy, in HAProxy's words for SIGHUP.
pub(crate) fn status_lines(state: &State, config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    for &proxy in &config.proxies {
        let mut say = |text| {
            lines.push(Line {
                proxy,
                level: Level::Notice,
                text,
            })
        };
        let Sides { name, front, back } = Sides::of(proxy, state, config);
        let mut servers = 0;
        if let Some(backend) = back_index(proxy) {
            servers = config.backends[backend].servers.len();
            for (index, server) in config.backends[backend].servers.iter().enumerate() {
                let view = state.server(ServerId {
                    backend: BackendId(backend),
                    index,
                });
                let (status, server) = (view.status, &server.name);
                let (active, total) = (view.counters.current, view.counters.total);
                say(format!(
                    "SIGHUP: Server {name}/{server} is {status}. Conn: {active} act, {} pend, {total} tot.",
                    view.counters.queued
                ));
            }
        }
        let (active, backup) = back_index(proxy).map_or((0, 0), |id| state.usable(BackendId(id)));
        let servers = match (servers, active, backup) {
            (0, ..) => String::from("has no servers."),
            (_, 0, 0) => String::from("has no server available !"),
            (_, 0, _) => String::from("is running on backup servers !"),
            _ => format!("has {active} active servers and {backup} backup servers available."),
        };
        say(format!(
            "SIGHUP: Proxy {name} {servers} Conn: act(FE+BE): {}+{}, {} pend (0 unass), tot(FE+BE): {}+{}.",
            front.current, back.current, back.queued, front.total, back.total
        ));
    }
    lines
}

/// What each proxy has done until it was stopped.
pub(crate) fn stop_lines(state: &State, config: &Config) -> Vec<Line> {
    let line = |&proxy: &Proxy| {
        let Sides { name, front, back } = Sides::of(proxy, state, config);
        let text = format!(
            "Proxy {name} stopped (cumulated conns: FE: {}, BE: {}).",
            front.total, back.total
        );
        Line {
            proxy,
            level: Level::Warning,
            text,
        }
    };
    config.proxies.iter().map(line).collect()
}

#[derive(Default)]
struct Side {
    current: u32,
    queued: u32,
    total: u64,
}

struct Sides<'a> {
    name: &'a str,
    front: Side,
    back: Side,
}

impl<'a> Sides<'a> {
    fn of(proxy: Proxy, state: &State, config: &'a Config) -> Self {
        let front = match proxy {
            Proxy::Frontend(frontend) | Proxy::Listen { frontend, .. } => Some(frontend),
            Proxy::Backend(_) => None,
        };
        let back = back_index(proxy);
        let name = match (front, back) {
            (_, Some(backend)) => &*config.backends[backend].name,
            (Some(frontend), None) => &*config.frontends[frontend].name,
            (None, None) => "",
        };
        let side = |counters: &steadfast_proxy::state::Counters| Side {
            current: counters.current,
            queued: counters.queued,
            total: counters.total,
        };
        Self {
            name,
            front: front.map_or_else(Side::default, |id| side(state.frontend(FrontendId(id)))),
            back: back.map_or_else(Side::default, |id| side(state.backend(BackendId(id)))),
        }
    }
}

fn back_index(proxy: Proxy) -> Option<usize> {
    match proxy {
        Proxy::Backend(backend) | Proxy::Listen { backend, .. } => Some(backend),
        Proxy::Frontend(_) => None,
    }
}
