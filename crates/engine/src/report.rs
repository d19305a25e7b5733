//! The `stats` reports.

mod classes;
mod general;
mod settings;

use core::fmt;
use std::io::Write;
use std::vec::Vec;

use steadfast_protocol::Response;

use crate::{Engine, Now};

impl Engine {
    /// Appends the report on `topic` to `out`; the general one if it is empty.
    pub(crate) fn report(&self, topic: &[u8], out: &mut Vec<u8>, now: Now) {
        let mut report = Report { out };
        match topic {
            b"" => self.report_general(&mut report, now),
            b"settings" => self.report_settings(&mut report),
            b"items" => self.report_items(&mut report, now),
            b"slabs" => self.report_slabs(&mut report, now),
            b"sizes" => report.stat("sizes_status", "disabled"),
            b"conns" => self.report_connections(&mut report),
            b"reset" => {
                self.reset_counters();
                return Response::Reset.encode(out);
            }
            _ => return Response::ERROR.encode(out),
        }
        Response::End.encode(out);
    }

    fn report_connections(&self, report: &mut Report<'_>) {
        self.process().visit_connections(&mut |connection| {
            let id = connection.id;
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

/// Lines of a report.
struct Report<'a> {
    out: &'a mut Vec<u8>,
}

impl Report<'_> {
    fn stat(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        write!(self.out, "STAT {name} {value}\r\n").expect("a vector takes all bytes");
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
