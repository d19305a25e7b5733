//! stat: reports, a response for each line.

use std::boxed::Box;
use std::vec::Vec;

use steadfast_protocol::Response as TextResponse;
use steadfast_protocol::binary::{Key, Response, Status};

use super::super::execute::Turn;
use super::{Asked, Binary, State};
use crate::report::{Sizes, Topic};

impl Binary {
    /// Answers a report on `topic`; the general one if there is none.
    ///
    /// The topic is what stands behind `stats` in text. Blanks at its end mean nothing.
    pub(super) fn report(&mut self, asked: Asked, topic: Option<Key<'_>>, turn: &mut Turn<'_>) {
        let topic = topic.as_ref().map_or(&b""[..], Key::as_bytes);
        let topic = topic.trim_ascii_end();
        let tracks_sizes = turn.engine.settings().track_sizes;
        match Topic::from_word(topic) {
            Some(Topic::Sizes) if tracks_sizes => {
                self.state = State::Sizes(asked, Box::default());
            }
            Some(topic) => turn.report_binary(asked, topic),
            None => turn.report_other(asked, topic),
        }
    }
}

impl Turn<'_> {
    fn report_binary(&mut self, asked: Asked, topic: Topic) {
        self.publish();
        let (engine, now) = (self.engine, self.now);
        let out = self.out.text();
        engine.visit_stats(topic, now, &mut |name, value| {
            put_line(asked, name, value.as_bytes(), out);
        });
        self.end_report(asked);
    }

    /// Answers the sizes of all items, which were counted.
    pub(super) fn report_sizes(&mut self, asked: Asked, sizes: &Sizes) {
        let out = self.out.text();
        sizes.visit(&mut |name, value| put_line(asked, name, value.as_bytes(), out));
        self.end_report(asked);
    }

    /// What changes something, and what is no list of names and values.
    fn report_other(&mut self, asked: Asked, topic: &[u8]) {
        let dumps = self.engine.settings().dump_enabled;
        match topic {
            b"reset" => {
                self.publish();
                self.engine.reset_counters();
            }
            b"detail on" if dumps => self.engine.count_prefixes(true),
            b"detail off" if dumps => self.engine.count_prefixes(false),
            b"detail dump" if dumps => {
                // As one value, which holds memcached's text with its end.
                let mut text = Vec::new();
                self.engine.prefixes().report(&mut text);
                TextResponse::End.encode(&mut text);
                put_line(asked, "detailed", &text, self.out.text());
            }
            _ => return self.fail(asked, Status::KEY_NOT_FOUND),
        }
        self.end_report(asked);
    }

    /// A response without a name ends a report.
    fn end_report(&mut self, asked: Asked) {
        self.put_value_binary(asked, 0, b"");
    }
}

/// Appends a line of a report. None has a name that is no key.
fn put_line(asked: Asked, name: &str, value: &[u8], out: &mut Vec<u8>) {
    let Ok(key) = Key::new(name.as_bytes()) else {
        return;
    };
    let response = Response {
        key: Some(key),
        value_bytes: value.len(),
        ..Response::new(asked.opcode, asked.opaque)
    };
    response.encode(out);
    out.extend_from_slice(value);
}
