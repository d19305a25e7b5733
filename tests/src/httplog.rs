//! HAProxy's `option httplog` lines, read strictly.

use std::net::SocketAddr;

use crate::check::{Failure, Outcome};

/// One request as the balancer's log tells of it.
///
/// `CLIENT [DATE] FRONTEND BACKEND/SERVER TR/Tw/Tc/Tr/Ta STATUS BYTES CC CS TERM ac/fc/bc/sc/rc sq/bq "REQUEST"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLog {
    /// Who asked.
    pub client: SocketAddr,
    /// The section that accepted.
    pub frontend: String,
    /// The section that answered.
    pub backend: String,
    /// The server that answered, or `<NOSRV>`.
    pub server: String,
    /// TR, Tw, Tc, Tr and Ta in milliseconds; -1 for what was never reached.
    pub timers: [i64; 5],
    /// The status of the answer.
    pub status: u16,
    /// The size of the answer.
    pub bytes: u64,
    /// The termination state, `----` when all went well.
    pub termination: String,
    /// Retries.
    pub retries: u64,
    /// Whether the request went to another server than the first one chosen.
    pub redispatched: bool,
    /// Method, URI and version.
    pub request: String,
}

impl HttpLog {
    /// Reads the text of one log line.
    ///
    /// # Errors
    ///
    /// When any field has another form.
    pub fn parse(text: &str) -> Outcome<Self> {
        Self::read(text).ok_or_else(|| Failure::new(format!("not an httplog line: {text:?}")))
    }

    fn read(text: &str) -> Option<Self> {
        let (fields, request) = text.strip_suffix('"')?.split_once(" \"")?;
        let fields: Vec<_> = fields.split(' ').collect();
        let [
            client,
            date,
            frontend,
            target,
            timers,
            status,
            bytes,
            cc,
            cs,
            term,
            counts,
            queues,
        ] = fields.try_into().ok()?;
        let (backend, server) = target.split_once('/')?;
        is_date(date).then_some(())?;
        ((cc, cs) == ("-", "-") && term.len() == 4).then_some(())?;
        let _: [u64; 2] = numbers(queues)?;
        let (connections, retries) = counts.rsplit_once('/')?;
        let _: [u64; 4] = numbers(connections)?;
        let redispatched = retries.starts_with('+');
        Some(Self {
            client: client.parse().ok()?,
            frontend: frontend.to_owned(),
            backend: backend.to_owned(),
            server: server.to_owned(),
            timers: numbers(timers)?,
            status: status.parse().ok()?,
            bytes: bytes.parse().ok()?,
            termination: term.to_owned(),
            retries: retries.trim_start_matches('+').parse().ok()?,
            redispatched,
            request: request.to_owned(),
        })
    }
}

/// `N` numbers with slashes between them.
fn numbers<T: std::str::FromStr, const N: usize>(text: &str) -> Option<[T; N]> {
    let numbers: Option<Vec<T>> = text.split('/').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// `[22/Nov/2026:12:32:03.126]`.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    shape == "[99/Aaa/9999:99:99:99.999]"
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "127.0.0.1:57816 [22/Nov/2026:12:32:03.126] http http/web1 0/0/0/1/1 200 88 - - ---- \
                        1/1/0/0/+2 0/0 \"GET /a?b=c HTTP/1.1\"";

    #[test]
    fn every_field_is_read() {
        let log = HttpLog::parse(LINE).unwrap();
        assert_eq!(log.client.to_string(), "127.0.0.1:57816");
        assert_eq!(
            (
                log.frontend.as_str(),
                log.backend.as_str(),
                log.server.as_str()
            ),
            ("http", "http", "web1")
        );
        assert_eq!(log.timers, [0, 0, 0, 1, 1]);
        assert_eq!(
            (log.status, log.bytes, log.termination.as_str()),
            (200, 88, "----")
        );
        assert_eq!((log.retries, log.redispatched), (2, true));
        assert_eq!(log.request, "GET /a?b=c HTTP/1.1");
    }

    #[test]
    fn no_field_may_be_missing_or_of_another_form() {
        for (from, to) in [
            ("127.0.0.1:57816 ", "127.0.0.1 "),
            (".126]", "]"),
            ("http/web1", "http"),
            ("0/0/0/1/1 ", "0/0/0/1 "),
            (" 88 ", " "),
            ("----", "--"),
            ("1/1/0/0/+2", "1/1/0/0"),
            (" 0/0 ", " "),
            ("HTTP/1.1\"", "HTTP/1.1"),
            ("Nov", "11"),
        ] {
            assert!(
                HttpLog::parse(&LINE.replace(from, to)).is_err(),
                "{from:?} -> {to:?}"
            );
        }
        assert!(HttpLog::parse(LINE).is_ok());
    }
}
