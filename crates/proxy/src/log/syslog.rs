//! The frame of a line on its way to a syslog daemon.

use std::io::Write;

use super::Level;
use super::date::Date;
use crate::config::LogTarget;

/// Who speaks: the part of the frame that is the same for all lines of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the frame has these parts")]
pub struct Sender {
    /// `log-tag`: the program's name.
    pub tag: String,
    /// The process.
    pub pid: u32,
    /// `log-send-hostname`: the machine's name, if it is sent.
    pub hostname: Option<String>,
}

impl Sender {
    /// Appends the datagram for `target`: `<PRI>Mon DD HH:MM:SS tag[pid]: text` and a line feed.
    ///
    /// Returns false, and appends nothing, if `target` does not want lines of `level`. `date` is
    /// the present; everything before the line feed is cut at the target's length.
    ///
    /// The form is that of RFC 3164, section 4.1, without a host name unless one is to be sent:
    /// HAProxy's default.
    pub fn encode(
        &self,
        target: &LogTarget,
        level: Level,
        date: Date,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        if level > target.level_max {
            return false;
        }
        let start = out.len();
        let level = level.max(target.level_min);
        let priority = u32::from(target.facility.number()) * 8 + u32::from(level.number());
        write!(out, "<{priority}>").expect("a Vec takes all bytes");
        date.write_syslog(out);
        out.push(b' ');
        if let Some(hostname) = &self.hostname {
            write!(out, "{hostname} ").expect("a Vec takes all bytes");
        }
        write!(out, "{}[{}]: ", self.tag, self.pid).expect("a Vec takes all bytes");
        out.extend_from_slice(text);
        out.truncate(start + target.line_bytes_max as usize);
        out.push(b'\n');
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn target(arguments: &str) -> LogTarget {
        let text = format!("global\n log 127.0.0.1 {arguments}\n");
        let parsed = config::parse(&[("f", text.as_bytes())], &|_| None);
        parsed.config.unwrap().global.log.remove(0)
    }

    fn datagram(arguments: &str, level: Level, hostname: Option<&str>) -> Option<String> {
        let sender = Sender {
            tag: "haproxy".into(),
            pid: 7033,
            hostname: hostname.map(str::to_owned),
        };
        let mut out = Vec::new();
        let date = Date::new(1_795_350_723_126, 0);
        let wanted = sender.encode(&target(arguments), level, date, b"some text", &mut out);
        assert_eq!(wanted, !out.is_empty());
        wanted.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_line_is_framed_as_haproxy_does() {
        assert_eq!(
            datagram("local2", Level::Info, None).unwrap(),
            "<150>Nov 22 12:32:03 haproxy[7033]: some text\n"
        );
        assert_eq!(
            datagram("local2", Level::Alert, Some("lb1")).unwrap(),
            "<145>Nov 22 12:32:03 lb1 haproxy[7033]: some text\n"
        );
    }

    #[test]
    fn the_day_is_padded_with_a_blank() {
        let sender = Sender {
            tag: "x".into(),
            pid: 1,
            hostname: None,
        };
        let mut out = Vec::new();
        sender.encode(
            &target("kern"),
            Level::Emergency,
            Date::new(0, 0),
            b"",
            &mut out,
        );
        assert_eq!(out, b"<0>Jan  1 00:00:00 x[1]: \n");
    }

    #[test]
    fn targets_choose_levels() {
        assert_eq!(datagram("local2 notice", Level::Info, None), None);
        assert!(datagram("local2 notice", Level::Notice, None).is_some());
        let lowered = datagram("local2 debug notice", Level::Emergency, None).unwrap();
        assert!(lowered.starts_with("<149>"), "{lowered}");
        let kept = datagram("local2 debug notice", Level::Info, None).unwrap();
        assert!(kept.starts_with("<150>"), "{kept}");
    }

    #[test]
    fn long_lines_are_cut_before_the_line_feed() {
        let sender = Sender {
            tag: "haproxy".into(),
            pid: 1,
            hostname: None,
        };
        let mut out = b"before".to_vec();
        let date = Date::new(0, 0);
        sender.encode(
            &target("len 100 local2"),
            Level::Info,
            date,
            &[b'x'; 500],
            &mut out,
        );
        assert_eq!(out.len(), "before".len() + 101);
        assert!(out.ends_with(b"xxx\n"));
    }
}
