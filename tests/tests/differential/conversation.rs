//! Random requests, the same for the same seed.

use crate::dice::Dice;

/// What a client asks, one request after the other. Keys are few, so that requests meet.
pub(crate) struct Conversation {
    dice: Dice,
}

impl Conversation {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
        }
    }

    /// The next request, with its data block.
    pub(crate) fn request(&mut self) -> Vec<u8> {
        let (key, end) = (self.key(), self.choose(&["\r\n", "\r\n", " noreply\r\n"]));
        let time = self.choose(TIMES);
        match self.below(20) {
            0..8 => {
                let verb = self.choose(&["set", "set", "add", "replace", "append", "prepend"]);
                let flags = self.choose(&["0", "1", "768", "4294967295", "+5"]);
                let value = self.value();
                let header = format!("{verb} {key} {flags} {time} {}{end}", value.len());
                [header.as_bytes(), &value, self.block_end()].concat()
            }
            8 => {
                let value = self.value();
                let header = format!("cas {key} 0 {time} {} 0{end}", value.len());
                [header.as_bytes(), &value, b"\r\n"].concat()
            }
            9..12 => format!("get {key} {} {key}\r\n", self.key()).into_bytes(),
            12 => format!("gat {time} {key} {}\r\n", self.key()).into_bytes(),
            13 | 14 => format!("delete {key}{end}").into_bytes(),
            15..18 => {
                // What decr leaves behind is not asked for: see the numbers below.
                let step = self.choose(&["incr", "incr", "decr"]);
                let delta = match step {
                    "incr" => self.choose(&["0", "1", "9", "100", "x"]),
                    _ => self.choose(&["0", "-1"]),
                };
                format!("{step} {key} {delta}{end}").into_bytes()
            }
            18 => format!("touch {key} {time}{end}").into_bytes(),
            _ => self
                .choose(&[
                    "flush_all\r\n",
                    "verbosity 1\r\n",
                    "foo\r\n",
                    "touch a x\r\n",
                ])
                .into(),
        }
    }

    fn key(&mut self) -> &'static str {
        self.choose(&["a", "b", "c", "SID", "SID.lock"])
    }

    /// Numbers, words that are none, and now and then something big, up to beyond the limit.
    fn value(&mut self) -> Vec<u8> {
        match self.below(10) {
            0..5 => self.choose(NUMBERS).into(),
            5..9 => vec![b'q'; self.below(40)],
            _ => vec![b'x'; [1000, 16_383, 16_384, 70_000, 600_000, 1_048_600][self.below(6)]],
        }
    }

    /// Now and then the data block has a wrong end, which leaves nothing to parse.
    fn block_end(&mut self) -> &'static [u8] {
        if self.below(30) == 0 { b"xx" } else { b"\r\n" }
    }

    fn choose(&mut self, from: &[&'static str]) -> &'static str {
        self.dice.choose(from)
    }

    fn below(&mut self, count: usize) -> usize {
        self.dice.below(count)
    }
}

/// Never, for the whole test, already over, and the border between seconds and dates.
const TIMES: &[&str] = &["0", "0", "1000", "-1", "2592000", "2592001"];
/// None that becomes shorter, since memcached pads it to its width or does not, depending on whether
/// another of its threads looks at the item; nor one from 2^63 on, whose sign it looks for behind the
/// value's end.
const NUMBERS: &[&str] = &["0", "1", "9", "10", "99", "100", "5x", "-1", ""];
