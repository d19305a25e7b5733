//! A row as cells under named columns.

use core::fmt::Display;
use std::io::Write;

/// The names of all columns, in their frozen order: HAProxy 3.5's up to the end of its fixed part.
/// Only additions at the end are possible.
pub(super) const COLUMNS: [&str; 120] = [
    "pxname",
    "svname",
    "qcur",
    "qmax",
    "scur",
    "smax",
    "slim",
    "stot",
    "bin",
    "bout",
    "dreq",
    "dresp",
    "ereq",
    "econ",
    "eresp",
    "wretr",
    "wredis",
    "status",
    "weight",
    "act",
    "bck",
    "chkfail",
    "chkdown",
    "lastchg",
    "downtime",
    "qlimit",
    "pid",
    "iid",
    "sid",
    "throttle",
    "lbtot",
    "tracked",
    "type",
    "rate",
    "rate_lim",
    "rate_max",
    "check_status",
    "check_code",
    "check_duration",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "hanafail",
    "req_rate",
    "req_rate_max",
    "req_tot",
    "cli_abrt",
    "srv_abrt",
    "comp_in",
    "comp_out",
    "comp_byp",
    "comp_rsp",
    "lastsess",
    "last_chk",
    "last_agt",
    "qtime",
    "ctime",
    "rtime",
    "ttime",
    "agent_status",
    "agent_code",
    "agent_duration",
    "check_desc",
    "agent_desc",
    "check_rise",
    "check_fall",
    "check_health",
    "agent_rise",
    "agent_fall",
    "agent_health",
    "addr",
    "cookie",
    "mode",
    "algo",
    "conn_rate",
    "conn_rate_max",
    "conn_tot",
    "intercepted",
    "dcon",
    "dses",
    "wrew",
    "connect",
    "reuse",
    "cache_lookups",
    "cache_hits",
    "srv_icur",
    "src_ilim",
    "qtime_max",
    "ctime_max",
    "rtime_max",
    "ttime_max",
    "eint",
    "idle_conn_cur",
    "safe_conn_cur",
    "used_conn_cur",
    "need_conn_est",
    "uweight",
    "agg_server_status",
    "agg_server_check_status",
    "agg_check_status",
    "srid",
    "sess_other",
    "h1sess",
    "h2sess",
    "h3sess",
    "req_other",
    "h1req",
    "h2req",
    "h3req",
    "proto",
    "priv_idle_cur",
    "reqbin",
    "reqbout",
    "resbin",
    "resbout",
    "cache_hint_hits",
    "-",
];

/// One row. Cells that are not set stay empty: the column does not apply.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    texts: [String; COLUMNS.len()],
}

impl Cells {
    /// A row of the proxy `proxy` with id `proxy_id`, about `service`; `kind` is the column `type`.
    pub(super) fn new(proxy: &str, service: &str, proxy_id: u32, kind: u8) -> Self {
        let mut cells = Self {
            texts: [const { String::new() }; COLUMNS.len()],
        };
        cells.fill(&[
            ("pxname", &proxy),
            ("svname", &service),
            ("pid", &1),
            ("iid", &proxy_id),
            ("type", &kind),
            ("mode", &"http"),
            ("-", &"-"),
        ]);
        cells
    }

    /// Sets the cell of the column `name`.
    pub(super) fn set(&mut self, name: &str, value: &dyn Display) {
        let column = COLUMNS.iter().position(|column| *column == name);
        self.texts[column.expect("rows name columns that exist")] = value.to_string();
    }

    /// Sets several cells.
    pub(super) fn fill(&mut self, values: &[(&str, &dyn Display)]) {
        for (name, value) in values {
            self.set(name, *value);
        }
    }

    /// Appends the row: each cell with a comma after it, the last one too, and a line feed.
    pub(super) fn write_csv(&self, out: &mut Vec<u8>) {
        for text in &self.texts {
            if text.contains(['"', ',', '\n']) {
                // RFC 4180, section 2, rules 6 and 7.
                write!(out, "\"{}\",", text.replace('"', "\"\"")).expect("a Vec takes all bytes");
            } else {
                write!(out, "{text},").expect("a Vec takes all bytes");
            }
        }
        out.push(b'\n');
    }
}
