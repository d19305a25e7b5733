//! The `stats` reports.

mod classes;
mod general;
mod json;
mod metrics;
mod settings;
mod sizes;

pub(crate) use sizes::Sizes;

use core::fmt::{self, Write as _};
use std::format;
use std::string::String;
use std::vec::Vec;

use steadfast_protocol::Response;

use crate::engine::ATTENTION_PREFIXES;
use crate::{Engine, Now};

/// The reports that are lines of a name and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// `stats`: everything in general.
    General,
    /// `stats settings`: what the operator and clients have chosen.
    Settings,
    /// `stats items`: what each size class holds and has lost.
    Items,
    /// `stats slabs`: what each size class takes, and what is asked of it.
    Slabs,
    /// `stats sizes`: how many items there are of each size, rounded up to 32 bytes. Only with
    /// [`Settings::track_sizes`](crate::Settings): it looks at every item.
    Sizes,
    /// `stats conns`: every connection and listener.
    Connections,
}

impl Topic {
    /// The report that a client asks for by this word, which must be whole; the empty one is the
    /// general report.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"" => Self::General,
            b"settings" => Self::Settings,
            b"items" => Self::Items,
            b"slabs" => Self::Slabs,
            b"sizes" => Self::Sizes,
            b"conns" => Self::Connections,
            _ => return None,
        })
    }
}

impl Engine {
    /// Shows each line of a report to `visit`, name and value, in memcached's order.
    ///
    /// Names are those of memcached 1.6.45; what has no meaning in our store says 0, so that no
    /// monitoring misses it. Takes each stripe's lock of the store once; for [`Topic::Sizes`] once for
    /// every 64 items.
    pub fn visit_stats(&self, topic: Topic, now: Now, visit: &mut dyn FnMut(&str, &str)) {
        if topic == Topic::Sizes && self.settings().track_sizes {
            let mut sizes = Sizes::default();
            while !sizes.step(self, now) {}
            return sizes.visit(visit);
        }
        let mut report = Report::new(visit);
        match topic {
            Topic::General => self.report_general(&mut report, now),
            Topic::Settings => self.report_settings(&mut report),
            Topic::Items => self.report_items(&mut report, now),
            Topic::Slabs => self.report_slabs(&mut report, now),
            Topic::Sizes => report.stat("sizes_status", "disabled"),
            Topic::Connections => self.report_connections(&mut report),
        }
    }

    /// Answers `stats` with `topic` and the words behind it, in text. `asker` is the number of the
    /// connection that asks, which is seen at work.
    pub(crate) fn answer_stats(
        &self,
        (topic, rest): (&[u8], &[u8]),
        asker: u64,
        out: &mut Vec<u8>,
        now: Now,
    ) {
        match Topic::from_word(topic) {
            None => return self.answer_other(topic, rest, out, now),
            Some(Topic::Connections) => {
                let asker = format!("{asker}:state");
                self.visit_stats(Topic::Connections, now, &mut |name, value| {
                    let asks = name == asker && value == "conn_read";
                    put_line(name, if asks { "conn_parse_cmd" } else { value }, out);
                });
            }
            Some(topic) => {
                self.visit_stats(topic, now, &mut |name, value| put_line(name, value, out))
            }
        }
        Response::End.encode(out);
    }

    /// Answers what is no report of ours and memcached's, or none that is lines.
    fn answer_other(&self, topic: &[u8], rest: &[u8], out: &mut Vec<u8>, now: Now) {
        match topic {
            b"json" => {
                let mut object = String::new();
                self.stats_json(now, &mut object);
                put_line("json", &object, out);
                Response::End.encode(out);
            }
            b"reset" => {
                self.reset_counters();
                Response::Reset.encode(out);
            }
            b"detail" => self.answer_detail(rest, out),
            _ => Response::ERROR.encode(out),
        }
    }

    /// `stats detail on|off|dump`.
    fn answer_detail(&self, rest: &[u8], out: &mut Vec<u8>) {
        if !self.settings().dump_enabled {
            return Response::ClientError(b"stats detail not allowed").encode(out);
        }
        let word = rest.split(|&byte| byte == b' ').next();
        match word.unwrap_or_default() {
            b"on" => self.count_prefixes(true),
            b"off" => self.count_prefixes(false),
            b"dump" => {
                self.prefixes().report(out);
                return Response::End.encode(out);
            }
            _ => {
                let usage = b"usage: stats detail on|off|dump";
                return Response::ClientError(usage).encode(out);
            }
        }
        Response::Ok.encode(out);
    }

    /// Begins or ends counting by prefix. What was counted stays until a reset.
    pub(crate) fn count_prefixes(&self, on: bool) {
        use core::sync::atomic::Ordering::Relaxed;
        if on {
            self.attention().fetch_or(ATTENTION_PREFIXES, Relaxed);
        } else {
            self.attention().fetch_and(!ATTENTION_PREFIXES, Relaxed);
        }
    }

    fn report_connections(&self, report: &mut Report<'_>) {
        self.process().visit_connections(&mut |connection| {
            let id = connection.id;
            if connection.address.starts_with("udp") {
                report.stat(format_args!("{id}:UDP"), "UDP");
            }
            report.stat(format_args!("{id}:addr"), connection.address);
            if let Some(address) = connection.listen_address {
                report.stat(format_args!("{id}:listen_addr"), address);
            }
            report.stat(format_args!("{id}:state"), connection.state);
            report.stat(
                format_args!("{id}:secs_since_last_cmd"),
                connection.idle_secs,
            );
        });
    }
}

/// Appends a line of a report.
pub(crate) fn put_line(name: &str, value: &str, out: &mut Vec<u8>) {
    for part in ["STAT ", name, " ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Lines of a report, on their way to whoever shows them.
struct Report<'a> {
    visit: &'a mut dyn FnMut(&str, &str),
    name: String,
    value: String,
}

impl<'a> Report<'a> {
    fn new(visit: &'a mut dyn FnMut(&str, &str)) -> Self {
        Self {
            visit,
            name: String::new(),
            value: String::new(),
        }
    }

    fn stat(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        self.name.clear();
        self.value.clear();
        write!(self.name, "{name}").expect("a string takes all text");
        write!(self.value, "{value}").expect("a string takes all text");
        (self.visit)(&self.name, &self.value);
    }
}

/// `yes` or `no`.
const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// `on` or `off`.
const fn on(is: bool) -> &'static str {
    if is { "on" } else { "off" }
}

/// Text, or memcached's word for none.
fn or_null(text: &str) -> &str {
    if text.is_empty() { "NULL" } else { text }
}
