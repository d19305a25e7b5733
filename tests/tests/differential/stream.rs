//! Random requests of the text protocol, classic and meta, and random mistakes.

use crate::dice::Dice;
use crate::request::Request;
use crate::{Dialect, mistakes};

/// What a client asks, one request after the other. Keys are few, so that requests meet.
pub(crate) struct Stream {
    pub(crate) dice: Dice,
    pub(crate) dialect: Dialect,
    /// Items are given ids, which puts those of later versions out of order: not where order is asked
    /// for.
    gives_ids: bool,
}

impl Stream {
    pub(crate) fn new(seed: u64, dialect: Dialect) -> Self {
        Self {
            dice: Dice::new(seed),
            dialect,
            gives_ids: seed % 2 == 1,
        }
    }

    /// The next request, with its data block.
    pub(crate) fn request(&mut self) -> Request {
        match self.dice.below(100) {
            0..14 => self.store(),
            14..18 => self.compare_and_store(),
            18..28 => self.retrieve(),
            28..33 => self.delete_or_touch(),
            33..40 => self.calculate(),
            40..56 => self.meta_get(),
            56..72 => self.meta_set(),
            72..77 => self.meta_delete(),
            77..83 => self.meta_arithmetic(),
            83..86 => self.meta_debug(),
            86..88 => self.big(),
            88 => self.flush(),
            _ => mistakes::mistake(self),
        }
    }

    fn store(&mut self) -> Request {
        let (key, time, end) = (self.plain_key(), self.dice.choose(TIMES), self.end());
        let verb = ["set", "set", "add", "replace", "append", "prepend"];
        let verb = self.dice.choose(&verb);
        let flags = self.dice.choose(&["0", "1", "768", "4294967295", "+5"]);
        let value = self.value();
        let header = format!(" {flags} {time} {}{end}", value.len());
        Request::about(&[key])
            .with(verb)
            .with(b" ")
            .with(key)
            .with(header)
            .with(value)
            .with(self.block_end())
    }

    fn compare_and_store(&mut self) -> Request {
        let (key, time, end) = (self.plain_key(), self.dice.choose(TIMES), self.end());
        let value = self.value();
        let mut request = Request::about(&[key]).with(b"cas ").with(key);
        request.push(format!(" 3 {time} {} ", value.len()));
        self.push_some_id(key, &mut request);
        request.with(end).with(value).with(b"\r\n")
    }

    fn retrieve(&mut self) -> Request {
        let keys: Vec<_> = (0..=self.dice.below(3)).map(|_| self.plain_key()).collect();
        let verb = self.dice.choose(&["get", "gets", "gets", "gat", "gats"]);
        let mut request = Request::about(&keys).with(verb);
        if verb.starts_with("gat") {
            request.push(format!(" {}", self.dice.choose(TIMES)));
        }
        for key in keys {
            request.push(b" ");
            request.push(key);
        }
        request.with(self.dice.choose(&["\r\n", " \r\n", "\n"]))
    }

    fn delete_or_touch(&mut self) -> Request {
        let (key, end) = (self.plain_key(), self.end());
        let request = Request::about(&[key]);
        if self.dice.once_in(2) {
            let zero = self.dice.choose(&["", "", " 0"]);
            return request.with(b"delete ").with(key).with(zero).with(end);
        }
        let time = self.dice.choose(TIMES);
        request
            .with(b"touch ")
            .with(key)
            .with(format!(" {time}{end}"))
    }

    /// Steps that make no number shorter: memcached pads it to its width or does not, depending on
    /// whether an answer that is not sent yet holds the item.
    fn calculate(&mut self) -> Request {
        let (key, end) = (self.number_key(), self.end());
        let request = Request::about(&[key]);
        match self.dice.below(5) {
            0 => {
                let number = self.dice.choose(NUMBERS);
                request
                    .with(b"set ")
                    .with(key)
                    .with(format!(" 0 0 {}{end}{number}\r\n", number.len()))
            }
            1 => request.with(b"decr ").with(key).with(b" 0").with(end),
            _ => {
                let delta = self.dice.choose(&["0", "1", "9", "100", "x", "-1"]);
                request
                    .with(b"incr ")
                    .with(key)
                    .with(format!(" {delta}{end}"))
            }
        }
    }

    fn meta_get(&mut self) -> Request {
        let (key, mut request) = self.begin_meta(b"mg");
        let mut flags = vec!["s", "v", "f", "c", "k", "t", "h", "u", "q", "O1"];
        flags.extend(["l", "Oabc", "P1", "L"]);
        if self.dialect == Dialect::New {
            flags.push("x");
        }
        self.push_flags(&flags, 5, &mut request);
        if self.dice.once_in(5) {
            let time = self.dice.choose(&["0", "1000", "-1", "2592001"]);
            request.push(format!(" T{time}"));
        }
        if self.dice.once_in(5) {
            request.push(format!(" N{}", self.dice.choose(&["0", "30", "1000"])));
            self.push_given_id(&mut request);
        }
        if self.dice.once_in(5) {
            request.push(format!(" R{}", self.dice.choose(&["0", "30", "5000"])));
        }
        if self.dialect == Dialect::New && self.dice.once_in(10) {
            request.push(b" C");
            self.push_some_id(key, &mut request);
        }
        request.with(b"\r\n")
    }

    fn meta_set(&mut self) -> Request {
        let value = self.value();
        let (key, text, is_base64) = self.meta_key();
        let header = format!(" {}", value.len());
        let mut request = Request::about(&[key]).with(b"ms ").with(text).with(header);
        if is_base64 {
            request.push(b" b");
        }
        let mut flags = vec!["c", "k", "q", "O1", "Oxyz", "F9", "F4294967295", "T1000"];
        flags.extend(["T0", "T-1", "T2592001", "v"]);
        if self.dialect == Dialect::New {
            flags.push("s");
        }
        self.push_flags(&flags, 3, &mut request);
        let mode = self
            .dice
            .choose(&["", "", "", "ME", "MA", "MP", "MR", "MS"]);
        if !mode.is_empty() {
            request.push(format!(" {mode}"));
        }
        if self.dialect == Dialect::New && self.dice.once_in(8) {
            request.push(format!(" N{}", self.dice.choose(&["0", "1000"])));
        }
        if self.dice.once_in(4) {
            request.push(b" C");
            self.push_some_id(key, &mut request);
            // Ours go on from the highest id that was given, memcached's do not.
            if !self.gives_ids && self.dice.once_in(2) {
                request.push(b" I");
            }
        }
        self.push_given_id(&mut request);
        request.with(b"\r\n").with(value).with(self.block_end())
    }

    fn meta_delete(&mut self) -> Request {
        let (key, mut request) = self.begin_meta(b"md");
        self.push_flags(&["q", "k", "O1", "v", "t"], 2, &mut request);
        if self.dice.once_in(4) {
            request.push(b" C");
            self.push_some_id(key, &mut request);
        }
        if self.dice.once_in(2) {
            request.push(b" I");
        }
        if self.dice.once_in(4) {
            request.push(b" T1000");
        }
        if self.dialect == Dialect::New && self.dice.once_in(4) {
            request.push(self.dice.choose(&[" x", " x F5"]));
            self.push_given_id(&mut request);
        }
        request.with(b"\r\n")
    }

    fn meta_arithmetic(&mut self) -> Request {
        let key = self.number_key();
        let mut request = Request::about(&[key]).with(b"ma ").with(key);
        self.push_flags(&["v", "t", "c", "k", "Oq", "T1000"], 3, &mut request);
        let delta = self
            .dice
            .choose(&["", " D0", " D9", " D100", " MI D1", " MD D0", " M+"]);
        request.push(delta);
        if self.dice.once_in(3) {
            request.push(self.dice.choose(&[" N0", " N1000 J7", " N0 J12"]));
        } else if self.dice.once_in(3) {
            // An item that the oldest makes is answered, quiet or not.
            request.push(b" q");
        }
        if self.dice.once_in(5) {
            request.push(b" C");
            self.push_some_id(key, &mut request);
        }
        self.push_given_id(&mut request);
        request.with(b"\r\n")
    }

    fn meta_debug(&mut self) -> Request {
        let key = self.plain_key();
        if self.dice.once_in(3) {
            return Request::fixed(self.dice.choose(&[&b"mn\r\n"[..], b"mn a b\r\n", b"mn \n"]));
        }
        let (key, text) = if self.dialect == Dialect::New {
            (key, key)
        } else {
            // The oldest tells the time left with the wrong sign.
            (b"nothing".as_slice(), b"nothing".as_slice())
        };
        Request::about(&[key]).with(b"me ").with(text).with(b"\r\n")
    }

    /// Values that take other ways through a cache, up to beyond the limit.
    fn big(&mut self) -> Request {
        let bytes = self.dice.choose(&[1000, 16_383, 16_384, 70_000]);
        let bytes = match self.dice.below(12) {
            0 => 600_000,
            1 => 1_048_600,
            _ => bytes,
        };
        let value = vec![b'x'; bytes];
        let request = Request::about(&[BIG_KEY]);
        let size = if self.dialect == Dialect::New {
            " s"
        } else {
            ""
        };
        match self.dice.below(6) {
            0 => request.with(b"get big\r\n"),
            1 => request.with(b"mg big v s k\r\n"),
            2 => request
                .with(format!("append big 0 0 {bytes}\r\n"))
                .with(value)
                .with(b"\r\n"),
            3 => request
                .with(format!("ms big {bytes}{size} k T0\r\n"))
                .with(value)
                .with(self.block_end()),
            _ => request
                .with(format!("set big 7 0 {bytes}{}", self.end()))
                .with(value)
                .with(self.block_end()),
        }
    }

    fn flush(&mut self) -> Request {
        let lines: &[&[u8]] = &[
            b"flush_all\r\n",
            b"flush_all 0\r\n",
            b"flush_all -1 noreply\r\n",
            b"flush_all 2592001\r\n",
        ];
        let mut request = Request::fixed(self.dice.choose(lines));
        request.is_flush = true;
        request.keys = TEXT_KEYS.iter().chain(NUMBER_KEYS).copied().collect();
        request.keys.extend([BIG_KEY, b"\x01\n b"]);
        request
    }

    fn begin_meta(&mut self, verb: &[u8]) -> (&'static [u8], Request) {
        let (key, text, is_base64) = self.meta_key();
        let mut request = Request::about(&[key]).with(verb).with(b" ").with(text);
        if is_base64 {
            request.push(b" b");
        }
        (key, request)
    }

    /// A key, what names it on the wire, and whether that is base64.
    fn meta_key(&mut self) -> (&'static [u8], &'static [u8], bool) {
        match self.dice.below(6) {
            0 => (b"\x01\n b", b"AQogYg==", true),
            1 => (b"foo", b"Zm9v", true),
            _ => {
                let key = self.plain_key();
                (key, key, false)
            }
        }
    }

    pub(crate) fn plain_key(&mut self) -> &'static [u8] {
        self.dice.choose(TEXT_KEYS)
    }

    fn number_key(&mut self) -> &'static [u8] {
        self.dice.choose(NUMBER_KEYS)
    }

    /// Some of `from`, each letter at most once, in any order.
    fn push_flags(&mut self, from: &[&str], count_max: usize, request: &mut Request) {
        let mut letters = Vec::new();
        for _ in 0..self.dice.below(count_max + 1) {
            let flag = self.dice.choose(from);
            let letter = flag.as_bytes()[0];
            if !letters.contains(&letter) {
                letters.push(letter);
                request.push(format!(" {flag}"));
            }
        }
    }

    /// The item's id, or one that is none.
    fn push_some_id(&mut self, key: &'static [u8], request: &mut Request) {
        match self.dice.below(6) {
            0 => request.push(b"0"),
            1 => request.push(b"1"),
            2 => request.push(b"18446744073709551614"),
            _ => request.push_id(key),
        }
    }

    fn push_given_id(&mut self, request: &mut Request) {
        if self.dialect == Dialect::New && self.gives_ids && self.dice.once_in(6) {
            request.push(format!(" E{}", GIVEN_IDS_FROM + (self.dice.any() >> 16)));
        }
    }

    pub(crate) fn value(&mut self) -> Vec<u8> {
        match self.dice.below(10) {
            0..4 => self.dice.choose(NUMBERS).into(),
            4 => Vec::new(),
            _ => vec![b'q'; self.dice.below(60)],
        }
    }

    fn end(&mut self) -> &'static str {
        self.dice.choose(&["\r\n", "\r\n", " noreply\r\n"])
    }

    /// Now and then the data block has a wrong end, which leaves nothing to parse.
    fn block_end(&mut self) -> &'static [u8] {
        if self.dice.once_in(30) {
            b"xx"
        } else {
            b"\r\n"
        }
    }
}

/// All that is stored but the big one.
pub(crate) const TEXT_KEYS: &[&[u8]] = &[b"a", b"b", b"c", b"SID", b"SID.lock", b"foo"];
/// Items that are counted with, and no more: see [`Stream::calculate`].
pub(crate) const NUMBER_KEYS: &[&[u8]] = &[b"n", b"m"];
pub(crate) const BIG_KEY: &[u8] = b"big";
/// Never, for the whole test, already over, and the border between seconds and dates.
pub(crate) const TIMES: &[&str] = &["0", "0", "1000", "-1", "2592000", "2592001"];
/// None from 2^63 on, whose sign memcached looks for behind the value's end.
const NUMBERS: &[&str] = &["0", "1", "9", "10", "99", "100", "5x", "-1"];
/// So large that no peer comes there by itself.
const GIVEN_IDS_FROM: u64 = 1 << 40;
