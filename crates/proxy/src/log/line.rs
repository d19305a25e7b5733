//! Records to text: the lines that log analysers read, to the byte.

use std::io::Write;

use super::Level;
use super::date::Date;
use super::record::{Cause, ConnectRecord, HttpRecord, ServerField, Timers};
use crate::config::{Logging, TrafficFormat};

impl HttpRecord {
    /// Appends the text of `option httplog`, without a line feed.
    ///
    /// `utc_offset_s` is what local time is ahead of Unix time, in seconds. At most about
    /// [`REQUEST_BYTES_MAX`] times three bytes and the names.
    pub fn encode(&self, utc_offset_s: i32, out: &mut Vec<u8>) {
        let (ip, port) = (self.client.ip().to_canonical(), self.client.port());
        print(out, format_args!("{ip}:{port} ["));
        Date::new(self.accept_unix_ms, utc_offset_s).write_request(out);
        let server = match &self.server {
            ServerField::None => "<NOSRV>",
            ServerField::Name(name) => name,
        };
        let (frontend, backend) = (&self.frontend, &self.backend);
        print(out, format_args!("] {frontend} {backend}/{server} "));
        self.timers.write(out);
        let status = self.status.map_or(-1, i32::from);
        print(out, format_args!(" {status} {} - - ", self.bytes));
        out.extend_from_slice(&self.termination.letters());
        self.write_counts(out);
        out.extend_from_slice(b" \"");
        let request = self.request.as_deref().unwrap_or(b"<BADREQ>");
        write_escaped(&request[..request.len().min(REQUEST_BYTES_MAX)], out);
        out.push(b'"');
    }

    /// Appends ` ac/fc/bc/sc/rc sq/bq`.
    fn write_counts(&self, out: &mut Vec<u8>) {
        let connections = &self.connections;
        let redispatched = if self.redispatched { "+" } else { "" };
        print(
            out,
            format_args!(
                " {}/{}/{}/{}/{redispatched}{} {}/{}",
                connections.process,
                connections.frontend,
                connections.backend,
                connections.server,
                self.retries,
                self.queue.server,
                self.queue.backend,
            ),
        );
    }

    /// Tells whether the request failed, in the sense of `dontlog-normal` and
    /// `log-separate-errors`: it did not end as it should, needed a retry, or was answered with a
    /// status from 500 on.
    #[must_use]
    pub fn is_error(&self) -> bool {
        let went_wrong = !matches!(self.termination.cause, Cause::Normal | Cause::Local);
        let needed_retry = self.redispatched || self.retries > 0;
        went_wrong || needed_retry || self.status.is_some_and(|status| status >= 500)
    }
}

impl Timers {
    /// Appends `TR/Tw/Tc/Tr/Ta`.
    fn write(&self, out: &mut Vec<u8>) {
        for phase in [
            self.request_ms,
            self.wait_ms,
            self.connect_ms,
            self.response_ms,
        ] {
            print(out, format_args!("{}/", phase.map_or(-1, i64::from)));
        }
        print(out, format_args!("{}", self.total_ms));
    }
}

impl ConnectRecord {
    /// Appends the text that is logged without `option httplog`, without a line feed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (client, local) = (self.client, self.local);
        print(
            out,
            format_args!(
                "Connect from {}:{} to {}:{} ({}/HTTP)",
                client.ip().to_canonical(),
                client.port(),
                local.ip().to_canonical(),
                local.port(),
                self.frontend
            ),
        );
    }
}

impl Logging {
    /// The level at which to log a request; `None` if it is not logged at all.
    ///
    /// Without `option httplog` it is not: the line of its connection is all that there is.
    #[must_use]
    pub fn level_of(&self, record: &HttpRecord) -> Option<Level> {
        if self.format == TrafficFormat::Connect {
            return None;
        }
        match record.is_error() {
            false if self.dont_log_normal => None,
            true if self.separate_errors => Some(Level::Error),
            _ => Some(Level::Info),
        }
    }
}

/// Appends `text`; quotes, all that is not printable ASCII, and the `#` that marks them become
/// `#XX`, so that the line can be read back. Measured with HAProxy 2.6: `G#T` is `G#23T`.
fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'#' | ..=0x1f | 0x7f.. => print(out, format_args!("#{byte:02X}")),
            _ => out.push(byte),
        }
    }
}

fn print(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a Vec takes all bytes");
}

/// Bytes of the request line that are logged: the default of HAProxy's `tune.http.logurilen`, less
/// the byte that it keeps for itself.
pub const REQUEST_BYTES_MAX: usize = 1023;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::super::record::{Connections, Phase, QueuePositions, Termination};
    use super::*;

    /// The first example of the facts: a plain success.
    fn success() -> HttpRecord {
        HttpRecord {
            client: "127.0.0.1:57816".parse().unwrap(),
            accept_unix_ms: 1_795_350_723_126,
            frontend: Arc::from("fe"),
            backend: Arc::from("be"),
            server: ServerField::Name(Arc::from("s1")),
            timers: Timers {
                request_ms: Some(0),
                wait_ms: Some(0),
                connect_ms: Some(0),
                response_ms: Some(4),
                total_ms: 4,
            },
            status: Some(200),
            bytes: 88,
            termination: Termination::default(),
            connections: Connections {
                process: 1,
                frontend: 1,
                backend: 0,
                server: 0,
            },
            retries: 0,
            redispatched: false,
            queue: QueuePositions::default(),
            request: Some(Bytes::from_static(b"GET /a?b=c HTTP/1.1")),
        }
    }

    fn text(record: &HttpRecord) -> String {
        let mut out = Vec::new();
        record.encode(0, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_success_reads_as_haproxy_writes_it() {
        assert_eq!(
            text(&success()),
            "127.0.0.1:57816 [22/Nov/2026:12:32:03.126] fe be/s1 0/0/0/4/4 200 88 - - ---- \
             1/1/0/0/0 0/0 \"GET /a?b=c HTTP/1.1\""
        );
    }

    #[test]
    fn a_bad_request_has_no_server_and_no_timers() {
        let record = HttpRecord {
            backend: Arc::from("fe"),
            server: ServerField::None,
            timers: Timers {
                total_ms: 0,
                ..Timers::default()
            },
            status: Some(400),
            bytes: 0,
            termination: Termination::new(Cause::Proxy, Phase::Request),
            request: None,
            ..success()
        };
        assert_eq!(
            text(&record),
            "127.0.0.1:57816 [22/Nov/2026:12:32:03.126] fe fe/<NOSRV> -1/-1/-1/-1/0 400 0 - - \
             PR-- 1/1/0/0/0 0/0 \"<BADREQ>\""
        );
    }

    #[test]
    fn a_redispatch_shows_a_plus_and_no_status_is_minus_one() {
        let record = HttpRecord {
            status: None,
            retries: 3,
            redispatched: true,
            queue: QueuePositions {
                server: 1,
                backend: 2,
            },
            termination: Termination::new(Cause::Client, Phase::Connect),
            timers: Timers {
                request_ms: Some(0),
                wait_ms: Some(0),
                connect_ms: None,
                response_ms: None,
                total_ms: 3003,
            },
            ..success()
        };
        assert_eq!(
            text(&record),
            "127.0.0.1:57816 [22/Nov/2026:12:32:03.126] fe be/s1 0/0/-1/-1/3003 -1 88 - - CC-- \
             1/1/0/0/+3 1/2 \"GET /a?b=c HTTP/1.1\""
        );
    }

    #[test]
    fn odd_bytes_are_escaped_and_long_lines_cut() {
        let with_request = |request: &[u8]| {
            let request = Some(Bytes::copy_from_slice(request));
            text(&HttpRecord {
                request,
                ..success()
            })
        };
        let line = with_request(b"GET /a{|}<>\\^`\"~\x01\x7f\xc3 HTTP/1.0");
        assert!(
            line.ends_with(" 0/0 \"GET /a{|}<>\\^`#22~#01#7F#C3 HTTP/1.0\""),
            "{line}"
        );
        let line = with_request(b"G#T /#22 HTTP/1.0");
        assert!(line.ends_with(" \"G#23T /#2322 HTTP/1.0\""), "{line}");
        let line = with_request(&[b'x'; 3000]);
        let (_, request) = line.split_once('"').unwrap();
        assert_eq!(request.len(), REQUEST_BYTES_MAX + 1);
    }

    #[test]
    fn a_client_over_a_mapped_address_is_told_as_ipv4() {
        let record = HttpRecord {
            client: "[::ffff:10.0.0.1]:5".parse().unwrap(),
            ..success()
        };
        assert!(text(&record).starts_with("10.0.0.1:5 ["));
        let record = HttpRecord {
            client: "[::1]:5".parse().unwrap(),
            ..success()
        };
        assert!(text(&record).starts_with("::1:5 ["));
    }

    #[test]
    fn without_httplog_the_connection_is_told() {
        let record = ConnectRecord {
            client: "127.0.0.1:45366".parse().unwrap(),
            local: "127.0.0.1:18083".parse().unwrap(),
            frontend: Arc::from("dflt"),
        };
        let mut out = Vec::new();
        record.encode(&mut out);
        assert_eq!(
            out,
            b"Connect from 127.0.0.1:45366 to 127.0.0.1:18083 (dflt/HTTP)"
        );
    }

    #[test]
    fn errors_are_what_the_options_call_so() {
        let ok = success();
        let local = Termination::new(Cause::Local, Phase::Request);
        let redirect = HttpRecord {
            termination: local,
            ..success()
        };
        let failed = HttpRecord {
            status: Some(503),
            ..success()
        };
        let retried = HttpRecord {
            retries: 1,
            ..success()
        };
        let cut = Termination::new(Cause::Server, Phase::Data);
        let cut = HttpRecord {
            termination: cut,
            ..success()
        };
        let plain = Logging {
            format: TrafficFormat::Http,
            ..Logging::default()
        };
        let quiet = Logging {
            dont_log_normal: true,
            ..plain.clone()
        };
        let separate = Logging {
            separate_errors: true,
            ..plain.clone()
        };
        for (record, is_error) in [
            (&ok, false),
            (&redirect, false),
            (&failed, true),
            (&retried, true),
            (&cut, true),
        ] {
            assert_eq!(record.is_error(), is_error);
            assert_eq!(Logging::default().level_of(record), None, "no httplog");
            assert_eq!(plain.level_of(record), Some(Level::Info));
            assert_eq!(quiet.level_of(record), is_error.then_some(Level::Info));
            let level = if is_error { Level::Error } else { Level::Info };
            assert_eq!(separate.level_of(record), Some(level));
        }
    }
}
