use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::config;
use crate::server::CheckOutcome;
use crate::state::{BackendId, ServerId, State};
use crate::time::Now;

const FILE: &str = "\
defaults
 mode http
 timeout connect 1s
 timeout client 1s
 timeout server 1s
listen http
 bind :80
 server web1 10.0.0.94:80 check inter 3s rise 2 fall 1
 server web2 10.0.0.95:80 weight 7 maxconn 5 maxqueue 3
frontend fe
 bind :81
 maxconn 50
 default_backend be
backend be
 server s1 10.0.0.96:80 disabled
 server s2 10.0.0.97:80 backup
";

/// The header line of HAProxy 2.6 up to its last fixed column.
const HEADER_2_6: &str = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,\
econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,\
throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,\
hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,\
srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,\
agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,\
agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,\
intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,\
ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,\
agg_server_status,agg_server_check_status,agg_check_status,";

#[allow(clippy::disallowed_methods, reason = "a test has no other clock")]
fn start() -> Now {
    Now::new(Instant::now(), 1_795_350_723_126)
}

fn later(start: Now, seconds: u64) -> Now {
    Now::new(
        start.instant + Duration::from_secs(seconds),
        start.unix_ms + seconds * 1000,
    )
}

fn state(now: Now) -> State {
    state_of(FILE, now)
}

fn state_of(file: &str, now: Now) -> State {
    let config = config::parse(&[("f", file.as_bytes())], &|_| None)
        .config
        .unwrap();
    let address = |host: &config::Host, port: u16| match host {
        config::Host::Ip(ip) => (*ip, port).into(),
        _ => unreachable!("the file has numeric addresses"),
    };
    State::new(Arc::new(config), &address, 100, 1, now)
}

fn csv(state: &State, now: Now) -> String {
    let mut out = Vec::new();
    write_csv(state, RowFilter::default(), now, &mut out);
    String::from_utf8(out).unwrap()
}

/// The cells of the row of `proxy` and `service`, by column, without empty ones.
fn row(text: &str, proxy: &str, service: &str) -> BTreeMap<String, String> {
    let mut lines = text.lines();
    let names: Vec<_> = lines.next().unwrap()[2..].split(',').collect();
    let start = format!("{proxy},{service},");
    let line = lines.find(|line| line.starts_with(&start)).unwrap();
    let cells: Vec<_> = line.split(',').collect();
    assert_eq!(names.len(), cells.len());
    let cells = names
        .into_iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty());
    cells
        .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
        .collect()
}

fn cells<const N: usize>(row: &BTreeMap<String, String>, names: [&str; N]) -> [String; N] {
    names.map(|name| row.get(name).cloned().unwrap_or_default())
}

#[test]
fn the_header_is_frozen() {
    let now = start();
    let text = csv(&state(now), now);
    let header = text.lines().next().unwrap();
    let rest = header.strip_prefix(HEADER_2_6).unwrap();
    assert_eq!(
        rest,
        "srid,sess_other,h1sess,h2sess,h3sess,req_other,h1req,h2req,h3req,proto,priv_idle_cur,\
         reqbin,reqbout,resbin,resbout,cache_hint_hits,-,"
    );
    assert!(text.lines().all(|line| line.ends_with(',')));
}

#[test]
fn a_fresh_frontend_is_open() {
    let now = start();
    let text = csv(&state(now), now);
    let front = row(&text, "http", "FRONTEND");
    let names = [
        "status", "iid", "sid", "type", "slim", "scur", "pid", "mode", "hrsp_2xx",
    ];
    assert_eq!(
        cells(&front, names),
        ["OPEN", "2", "0", "0", "100", "0", "1", "http", "0"]
    );
    assert_eq!(
        cells(&front, ["qcur", "weight", "lastchg", "addr"]),
        ["", "", "", ""]
    );
    assert_eq!(row(&text, "fe", "FRONTEND")["slim"], "50");
}

#[test]
fn servers_tell_their_settings() {
    let now = start();
    let text = csv(&state(now), later(now, 5));
    let names = [
        "status", "weight", "act", "bck", "slim", "qlimit", "sid", "type", "lastchg",
    ];
    let web2 = row(&text, "http", "web2");
    assert_eq!(
        cells(&web2, names),
        ["no check", "7", "1", "0", "5", "3", "2", "2", "5"]
    );
    assert_eq!(
        cells(&web2, ["addr", "uweight", "lastsess"]),
        ["10.0.0.95:80", "7", "-1"]
    );
    assert_eq!(
        cells(&web2, ["chkfail", "chkdown", "downtime", "check_status"]),
        ["", "", "", ""]
    );
    let web1 = row(&text, "http", "web1");
    assert_eq!(
        cells(&web1, names),
        ["UP", "1", "1", "0", "", "", "1", "2", "5"]
    );
    let names = [
        "check_status",
        "check_desc",
        "check_rise",
        "check_fall",
        "check_health",
    ];
    assert_eq!(cells(&web1, names), ["INI", "Initializing", "2", "1", "2"]);
    assert_eq!(row(&text, "be", "s1")["status"], "MAINT");
    assert_eq!(cells(&row(&text, "be", "s2"), ["act", "bck"]), ["0", "1"]);
}

#[test]
fn backends_sum_up_what_is_usable() {
    let now = start();
    let text = csv(&state(now), now);
    let names = [
        "status", "weight", "act", "bck", "slim", "algo", "type", "sid",
    ];
    let http = row(&text, "http", "BACKEND");
    assert_eq!(
        cells(&http, names),
        ["UP", "8", "2", "0", "10", "roundrobin", "1", "0"]
    );
    // Only the backup is usable.
    let be = row(&text, "be", "BACKEND");
    assert_eq!(
        cells(&be, names),
        ["UP", "1", "0", "1", "5", "roundrobin", "1", "0"]
    );
}

/// What Debian's HAProxy 2.6 shows for the same file.
#[test]
fn rare_states_read_as_in_haproxy() {
    let now = start();
    let defaults = FILE.split_once("listen").unwrap().0;
    let file = format!(
        "{defaults}listen off\n bind :82\n disabled\n server s 10.0.0.1:80\n\
         backend none\nbackend backups\n server a 10.0.0.1:80 backup weight 5\n\
         server b 10.0.0.1:80 disabled check\n server c 10.0.0.1:80 backup weight 7\n"
    );
    let state = state_of(&file, now);
    let text = csv(&state, later(now, 4));
    assert!(!text.contains("off,"), "a disabled proxy has no row");
    let names = ["status", "weight", "act", "bck", "downtime"];
    let none = row(&text, "none", "BACKEND");
    assert_eq!(cells(&none, names), ["UP", "0", "0", "0", ""]);
    let backups = row(&text, "backups", "BACKEND");
    assert_eq!(cells(&backups, names), ["UP", "5", "0", "2", "0"]);
    let names = [
        "status",
        "chkfail",
        "chkdown",
        "downtime",
        "check_status",
        "check_rise",
    ];
    let server = row(&text, "backups", "b");
    assert_eq!(cells(&server, names), ["MAINT", "0", "0", "4", "", ""]);
    let filter = RowFilter {
        up_only: true,
        ..RowFilter::default()
    };
    let mut out = Vec::new();
    write_csv(&state, filter, now, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("backups,b,"));
    assert!(text.contains("none,BACKEND,"));
}

#[test]
fn a_failed_check_shows() {
    let now = start();
    let mut state = state(now);
    let now = later(now, 3);
    let check = state.poll_check(now).unwrap();
    assert_eq!(
        row(&csv(&state, now), "http", "web1")["check_status"],
        "* INI"
    );
    state.handle_check(check.server, CheckOutcome::Failed { errno: 111 }, now);
    let text = csv(&state, later(now, 2));
    let names = [
        "status",
        "check_status",
        "check_desc",
        "chkfail",
        "chkdown",
        "lastchg",
        "downtime",
    ];
    let web1 = row(&text, "http", "web1");
    assert_eq!(
        cells(&web1, names),
        [
            "DOWN",
            "L4CON",
            "Layer4 connection problem",
            "1",
            "1",
            "2",
            "2"
        ]
    );
    assert!(web1["last_chk"].contains("Connection refused"));
    assert_eq!(row(&text, "http", "BACKEND")["weight"], "7");
}

#[test]
fn show_info_has_the_lines_that_tools_read() {
    let now = start();
    let process = Process {
        version: "2.6.12-x".into(),
        release_date: "2026/11/24".into(),
        pid: 42,
        threads: 2,
        node: "lb1".into(),
        open_files_max: 1024,
        busy: Duration::from_secs(90_061 / 2),
        listeners: 3,
        ..Process::default()
    };
    let mut out = Vec::new();
    write_info(&process, &state(now), later(now, 90_061), &mut out);
    let text = String::from_utf8(out).unwrap();
    let start = "Name: HAProxy\nVersion: 2.6.12-x\nRelease_date: 2026/11/24\nNbthread: 2\n\
                 Nbproc: 1\nProcess_num: 1\nPid: 42\nUptime: 1d 1h01m01s\nUptime_sec: 90061\n";
    assert!(text.starts_with(start), "{text}");
    for line in [
        "Ulimit-n: 1024",
        "Maxconn: 100",
        "CurrConns: 0",
        "CumConns: 0",
        "CumReq: 0",
        "ConnRate: 0",
        "SessRate: 0",
        "Idle_pct: 76",
        "node: lb1",
        "Stopping: 0",
        "Listeners: 3",
        "DroppedLogs: 0",
        "Start_time_sec: 1795350723",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

/// The names that HAProxy 2.6 prints, in its order, but for `BytesOutRate`.
const INFO_2_6: &str = "\
Name,Version,Release_date,Nbthread,Nbproc,Process_num,Pid,Uptime,Uptime_sec,\
Memmax_MB,PoolAlloc_MB,PoolUsed_MB,PoolFailed,Ulimit-n,Maxsock,Maxconn,\
Hard_maxconn,CurrConns,CumConns,CumReq,MaxSslConns,CurrSslConns,CumSslConns,\
Maxpipes,PipesUsed,PipesFree,ConnRate,ConnRateLimit,MaxConnRate,SessRate,\
SessRateLimit,MaxSessRate,SslRate,SslRateLimit,MaxSslRate,SslFrontendKeyRate,\
SslFrontendMaxKeyRate,SslFrontendSessionReuse_pct,SslBackendKeyRate,\
SslBackendMaxKeyRate,SslCacheLookups,SslCacheMisses,CompressBpsIn,CompressBpsOut,\
CompressBpsRateLim,Tasks,Run_queue,Idle_pct,node,Stopping,Jobs,\
Unstoppable Jobs,Listeners,ActivePeers,ConnectedPeers,DroppedLogs,BusyPolling,\
FailedResolutions,TotalBytesOut,TotalSplicdedBytesOut,DebugCommandsIssued,\
CumRecvLogs,Build info,Memmax_bytes,PoolAlloc_bytes,PoolUsed_bytes,\
Start_time_sec,Tainted";

#[test]
fn the_lines_of_show_info_are_frozen() {
    let now = start();
    let mut out = Vec::new();
    write_info(&Process::default(), &state(now), now, &mut out);
    let text = String::from_utf8(out).unwrap();
    let names: Vec<_> = text
        .lines()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    // 2.6 misspells one.
    let expected = INFO_2_6.replace("Splicded", "Spliced");
    let expected: Vec<_> = expected.split(',').collect();
    assert_eq!(names[..expected.len()], expected);
    assert_eq!(
        names[expected.len()..],
        ["MaxconnReached", "CurrStreams", "CumStreams"]
    );
}

#[test]
fn a_backend_without_servers_counts_its_downtime() {
    let begin = start();
    let config = FILE.replace(
        " server s1 10.0.0.96:80 disabled\n server s2 10.0.0.97:80 backup\n",
        "",
    );
    let config = config + " server s3 10.0.0.98:80 check rise 1\n";
    let mut state = state_of(&config, begin);
    let mut probe = |outcome, seconds| {
        let now = later(begin, seconds);
        let server = ServerId {
            backend: BackendId(1),
            index: 0,
        };
        while state.poll_check(now).is_some() {}
        state.handle_check(server, outcome, now);
        row(&csv(&state, later(now, 2)), "be", "BACKEND")
    };
    let names = ["status", "act", "chkdown", "lastchg", "downtime"];
    let down = probe(CheckOutcome::TimedOut, 3);
    assert_eq!(cells(&down, names), ["DOWN", "0", "1", "2", "2"]);
    let up = probe(CheckOutcome::Passed, 10);
    assert_eq!(cells(&up, names), ["UP", "1", "1", "2", "7"]);
}
