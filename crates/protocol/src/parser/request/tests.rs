use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{DataBlock, DataPart};

mod admin;
mod meta;

/// A server that understands and does nothing: notes what it was told, one line for each event.
/// A request is noted as it would be sent, an error as `! <answer>`.
struct Listener {
    parser: RequestParser,
    held: Vec<u8>,
    block: Option<DataBlock>,
    value: Vec<u8>,
    skip: usize,
    closed: bool,
    heard: Vec<String>,
}

impl Listener {
    fn new() -> Self {
        Self {
            parser: RequestParser::new(Limits::default()),
            held: Vec::new(),
            block: None,
            value: Vec::new(),
            skip: 0,
            closed: false,
            heard: Vec::new(),
        }
    }

    fn hear(&mut self, input: &[u8]) {
        self.held.extend_from_slice(input);
        while !self.closed && self.step() {}
    }

    /// Takes one event from what is held; false if more input is needed.
    fn step(&mut self) -> bool {
        let skipped = self.skip.min(self.held.len());
        self.held.drain(..skipped);
        self.skip -= skipped;
        if self.skip > 0 {
            return false;
        }
        if let Some(block) = &mut self.block {
            let Parsed::Complete { message, consumed } = block.parse(&self.held) else {
                return false;
            };
            match message {
                DataPart::Value(part) => self.value.extend_from_slice(part),
                DataPart::End => self.heard.push(format!("= {}", text(&self.value))),
                DataPart::BadEnd => self.heard.push("= bad".to_string()),
            }
            if !matches!(message, DataPart::Value(_)) {
                self.block = None;
            }
            self.held.drain(..consumed);
            return true;
        }
        let consumed = match self.parser.parse(&self.held) {
            Ok(Parsed::Incomplete { .. }) => return false,
            Ok(Parsed::Complete { message, consumed }) => {
                let mut line = Vec::new();
                message.encode(&mut line);
                self.heard.push(text(without_end(&line)));
                if let Some(bytes) = message.value_bytes() {
                    self.block = Some(DataBlock::new(bytes));
                    self.value.clear();
                }
                consumed
            }
            Err(error) => {
                let mut answer = Vec::new();
                if let Some(response) = error.response() {
                    response.encode(&mut answer);
                }
                self.heard.push(format!("! {}", text(without_end(&answer))));
                match error.recovery() {
                    Recovery::Discard(bytes) => self.skip = bytes,
                    Recovery::Close => self.closed = true,
                }
                0
            }
        };
        self.held.drain(..consumed);
        true
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, bool) {
    let mut listener = Listener::new();
    for piece in pieces {
        listener.hear(piece);
    }
    (listener.heard, listener.closed)
}

/// Checks what is heard of `input`: whole, byte by byte, and with a command behind it.
fn check(input: &[u8], expected: &[&str]) {
    let (whole, closed) = hear([input]);
    assert_eq!(whole, expected, "whole: {}", text(input));
    let (bytes, _) = hear(input.chunks(1));
    assert_eq!(bytes, expected, "byte by byte: {}", text(input));
    let mut expected: Vec<&str> = expected.to_vec();
    if !closed {
        expected.push("version");
    }
    let trailing = [input, b"version\r\n"].concat();
    let (trailed, _) = hear([&trailing[..]]);
    assert_eq!(trailed, expected, "with trailing bytes: {}", text(input));
}

const BAD_LINE: &str = "! CLIENT_ERROR bad command line format";
const BAD_EXPTIME: &str = "! CLIENT_ERROR invalid exptime argument";
const BAD_DELTA: &str = "! CLIENT_ERROR invalid numeric delta argument";
const ERROR: &str = "! ERROR";
const SILENT: &str = "! ";

#[test]
fn lines_end_with_or_without_carriage_return() {
    check(b"get a\nget b\r\n", &["get a", "get b"]);
    check(b"get a\r\r\n", &["get a\\r"]);
}

#[test]
fn spaces_repeat_and_trail_but_never_lead() {
    check(b"get  a   b \r\n", &["get a b"]);
    check(b"stats \r\n", &["stats"]);
    check(b"flush_all \r\n", &["flush_all"]);
    check(b" get a\r\n", &[ERROR]);
    check(b"get a\tb\r\n", &["get a\\tb"]);
}

#[test]
fn a_line_under_four_bytes_is_refused_unseen() {
    for line in [&b"\r\n"[..], b"\n", b" \r\n", b"a\r\n", b"mn\n"] {
        check(line, &[BAD_LINE]);
    }
    check(b"mnx\n", &[ERROR]);
    check(b"mn\r\n", &["mn"]);
}

#[test]
fn unknown_commands_are_errors_unless_noreply() {
    check(b"GET a\r\n", &[ERROR]);
    check(b"bget a\r\n", &[ERROR]);
    check(b"foo noreply\r\n", &[SILENT]);
    check(b"foo NOREPLY\r\n", &[ERROR]);
    check(b"\x80\x01\x02\x03\r\n", &[ERROR]);
}

#[test]
fn a_browser_is_hung_up_on() {
    check(b"POST / HTTP/1.1\r\nHost: a\r\n", &[SILENT]);
    check(b"get / HTTP/1.0\r\n", &["get / HTTP/1.0"]);
}

#[test]
fn retrievals_name_at_least_one_key() {
    check(b"get\r\n", &[BAD_LINE]);
    check(b"gets \r\n", &[BAD_LINE]);
    check(b"gat 0\r\n", &[BAD_LINE]);
    check(b"gat 0 a a\r\ngats -1 b\r\n", &["gat 0 a a", "gats -1 b"]);
    check(b"gat x a\r\n", &[BAD_EXPTIME]);
    check(b"gat 2147483648 a\r\n", &[BAD_EXPTIME]);
    check(b"get noreply\r\n", &["get noreply"]);
}

#[test]
fn a_retrieval_is_taken_up_where_it_was_left() {
    let line = b"gat 0 a  bb ccc \r\n";
    let mut parser = RequestParser::new(Limits::default());
    let Ok(Parsed::Complete { message, .. }) = parser.parse(line) else {
        panic!("a whole line");
    };
    let Request::GetAndTouch { mut keys, .. } = message else {
        panic!("a gat");
    };
    let text = &line[..line.len() - 2];
    for expected in [&b"a"[..], b"bb", b"ccc"] {
        let mut resumed = Keys::resume(&text[text.len() - keys.unread_bytes()..]);
        assert_eq!(resumed, keys);
        assert_eq!(resumed.next().map(|key| key.as_bytes()), Some(expected));
        keys.next();
    }
    assert_eq!(keys.next(), None);
}

#[test]
fn one_long_key_voids_a_whole_multiget() {
    let long = "k".repeat(251);
    check(
        format!("get a {long} b\r\nget c\r\n").as_bytes(),
        &[BAD_LINE, "get c"],
    );
    // 1.6.45 writes an empty line behind the error, or instead of it in the second case, and drops
    // the answers to what was asked before.
    check(
        format!("get a\r\nget {long}\r\nget {long} noreply\r\n").as_bytes(),
        &["get a", BAD_LINE, BAD_LINE],
    );
    let longest = "k".repeat(250);
    check(
        format!("get {longest}\r\n").as_bytes(),
        &[&format!("get {longest}")],
    );
}

#[test]
fn storage_commands_announce_their_data() {
    check(
        b"set a 0 0 2\r\nhi\r\nget a\r\n",
        &["set a 0 0 2", "= hi", "get a"],
    );
    check(
        b"add SID.lock 768 15 1\r\n1\r\n",
        &["add SID.lock 768 15 1", "= 1"],
    );
    check(b"set a 0 0 0\r\n\r\n", &["set a 0 0 0", "= "]);
    check(
        b"replace a 1 -1 2 noreply\r\n\r\n\r\n",
        &["replace a 1 -1 2 noreply", "= \\r\\n"],
    );
    check(b"append a 0 0 1\r\nx\r\n", &["append a 0 0 1", "= x"]);
    check(b"prepend a 0 0 1 \r\nx\r\n", &["prepend a 0 0 1", "= x"]);
    check(
        b"cas a 0 0 1 18446744073709551615\r\nx\r\n",
        &["cas a 0 0 1 18446744073709551615", "= x"],
    );
    check(
        b"cas a 0 0 1 7 noreply\r\nx\r\n",
        &["cas a 0 0 1 7 noreply", "= x"],
    );
}

/// A bug of 1.6.45 and 1.6.18, which cut both to 32 bits without a word.
#[test]
fn numbers_of_storage_commands_are_not_cut() {
    check(
        b"set a +429496729 4294967297 1\r\nx\r\n",
        &["set a 429496729 2147483647 1", "= x"],
    );
    check(
        b"set a 0 2147483648 1\r\nx\r\n",
        &["set a 0 2147483647 1", "= x"],
    );
    check(
        b"set a 0 -9999999999 1\r\nx\r\n",
        &["set a 0 -2147483648 1", "= x"],
    );
    check(b"set a 4294967296 0 4\r\nquit\r\n", &[BAD_LINE]);
}

#[test]
fn data_without_its_end_consumes_exactly_two_more_bytes() {
    check(
        b"set a 0 0 1\r\nxyzget b\r\n",
        &["set a 0 0 1", "= bad", "get b"],
    );
    // The line feed that is left over is a bad command of its own.
    check(
        b"set a 0 0 1\r\nxx\r\n",
        &["set a 0 0 1", "= bad", BAD_LINE],
    );
}

#[test]
fn a_header_without_a_length_leaves_its_data_to_be_parsed() {
    check(b"set a 0 0\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(b"set a 0 0 noreply\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(b"set a 0 0 -1\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(
        b"set a 0 0 2147483646 noreply\r\nget b\r\n",
        &[BAD_LINE, "get b"],
    );
}

#[test]
fn a_header_with_a_length_takes_its_data_along() {
    let long = "k".repeat(251);
    check(
        format!("set {long} 0 0 4\r\nquit\r\nget b\r\n").as_bytes(),
        &[BAD_LINE, "get b"],
    );
    check(b"set a -1 0 4\r\nquit\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(b"set a 0 x 4\r\nquit\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(
        b"set a 0 x 4 noreply\r\nquit\r\nget b\r\n",
        &[SILENT, "get b"],
    );
    check(b"cas a 0 0 6 \r\nfoobar\r\nget b\r\n", &[BAD_LINE, "get b"]);
    check(
        b"cas a 0 0 6 noreply\r\nfoobar\r\nget b\r\n",
        &[SILENT, "get b"],
    );
    check(
        b"cas a 0 0 6 -1\r\nfoobar\r\nget b\r\n",
        &[BAD_LINE, "get b"],
    );
}

#[test]
fn delete_ignores_a_few_words_but_not_a_sentence() {
    check(
        b"delete a\r\ndelete b noreply\r\n",
        &["delete a", "delete b noreply"],
    );
    check(b"delete a 0\r\ndelete a 10\r\n", &["delete a", "delete a"]);
    check(b"delete a 10 noreply\r\n", &["delete a noreply"]);
    check(b"delete noreply\r\n", &["delete noreply noreply"]);
    // A client that wants to hear of this key says a word more.
    check(b"delete noreply x\r\n", &["delete noreply 0"]);
    for noreply in [false, true] {
        let key = Key::new(b"noreply").unwrap();
        assert_round_trip(&Request::Delete { key, noreply });
    }
    check(b"delete a b c d\r\n", &["delete a"]);
    // What memccapable sends.
    check(b"delete a b c d e\r\n", &[ERROR]);
    check(b"delete a b c d e noreply\r\n", &[SILENT]);
    check(b"delete\r\n", &[BAD_LINE]);
}

#[test]
fn arithmetic_needs_an_unsigned_number() {
    check(
        b"incr a 1\r\ndecr a 18446744073709551615 noreply\r\n",
        &["incr a 1", "decr a 18446744073709551615 noreply"],
    );
    check(b"incr a\r\n", &[BAD_LINE]);
    check(b"incr a noreply\r\n", &[SILENT]);
    check(b"incr a -1\r\ndecr a +1\r\n", &[BAD_DELTA, BAD_DELTA]);
    check(b"incr a 18446744073709551616\r\n", &[BAD_DELTA]);
    check(b"incr a x noreply\r\n", &[SILENT]);
}

#[test]
fn touch_and_flush_all_need_a_time() {
    check(
        b"touch a 0\r\ntouch a -1 noreply\r\n",
        &["touch a 0", "touch a -1 noreply"],
    );
    check(b"touch a\r\n", &[BAD_LINE]);
    check(b"touch a x\r\n", &[BAD_EXPTIME]);
    check(
        b"flush_all\r\nflush_all 30\r\n",
        &["flush_all", "flush_all 30"],
    );
    check(
        b"flush_all noreply\r\nflush_all 0 noreply\r\n",
        &["flush_all noreply", "flush_all 0 noreply"],
    );
    check(
        b"flush_all x\r\nflush_all x noreply\r\n",
        &[BAD_EXPTIME, SILENT],
    );
}

#[test]
fn other_commands_ignore_what_follows() {
    check(
        b"verbosity 1\r\nverbosity 2 x\r\nverbosity\r\nverbosity x\r\n",
        &["verbosity 1", "verbosity 2", BAD_LINE, BAD_LINE],
    );
    check(b"version x\r\nquit y\r\n", &["version", "quit"]);
    check(
        b"stats items\r\nstats detail on\r\n",
        &["stats items", "stats detail on"],
    );
    check(b"stats  cachedump 1  0 \r\n", &["stats cachedump 1 0"]);
}

#[test]
fn a_long_line_closes_the_connection_unless_it_is_a_get() {
    check(&[b'x'; 2049], &[SILENT]);
    let touch = format!("touch {} 0\r\n", "k".repeat(2048));
    check(touch.as_bytes(), &[SILENT]);
    let keys = vec!["key"; 1000].join(" ");
    check(
        format!("get {keys}\r\n").as_bytes(),
        &[&format!("get {keys}")],
    );
    check(format!("   gets {keys}\r\n").as_bytes(), &[ERROR]);
    check(format!("gat 0 {keys}\r\n").as_bytes(), &[SILENT]);
}

#[test]
fn a_get_line_has_its_own_limit() {
    let limits = Limits {
        multiget_bytes_max: 5000,
        ..Limits::default()
    };
    let mut parser = RequestParser::new(limits);
    let mut line = b"get ".to_vec();
    line.resize(5001, b'k');
    let error = parser.parse(&line).unwrap_err();
    assert_eq!(
        error.kind(),
        ParseErrorKind::LineTooLong { bytes_max: 5000 }
    );
    assert_eq!(error.to_string(), "line exceeds 5000 bytes");
}

fn key_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), b'a'..=b'z'];
    proptest::collection::vec(
        byte.prop_filter("no separator", |b| !b" \n".contains(b)),
        1..12,
    )
}

/// Feeds the pieces of `input` between `cuts`.
fn hear_split(input: &[u8], cuts: &[usize]) -> (Vec<String>, bool) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    hear(cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]))
}

fn assert_round_trip(request: &Request<'_>) {
    let mut line = Vec::new();
    request.encode(&mut line);
    let parsed = RequestParser::new(Limits::default()).parse(&line);
    assert_eq!(
        parsed,
        Ok(Parsed::Complete {
            message: *request,
            consumed: line.len()
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_parsed(
        keys in proptest::collection::vec(key_bytes(), 1..5),
        (flags, exptime, value_bytes) in (any::<u32>(), any::<i32>(), 0usize..=2_147_483_645),
        number in any::<u64>(),
        noreply in any::<bool>(),
    ) {
        let keys: Vec<Key<'_>> = keys.iter().map(|key| Key::new(key).unwrap()).collect();
        let key = keys[0];
        for cas in [false, true] {
            assert_round_trip(&Request::Get { keys: Keys::list(&keys), cas });
            assert_round_trip(&Request::GetAndTouch { exptime, keys: Keys::one(key), cas });
        }
        for verb in [
            StorageVerb::Set, StorageVerb::Add, StorageVerb::Replace, StorageVerb::Append,
            StorageVerb::Prepend, StorageVerb::Cas(number),
        ] {
            assert_round_trip(&Request::Store(
                Storage { verb, key, flags, exptime, value_bytes, noreply },
            ));
        }
        for operation in [Arithmetic::Increment, Arithmetic::Decrement] {
            assert_round_trip(&Request::Arithmetic { operation, key, delta: number, noreply });
        }
        assert_round_trip(&Request::Delete { key, noreply });
        assert_round_trip(&Request::Touch { key, exptime, noreply });
        assert_round_trip(&Request::FlushAll { exptime: Some(exptime), noreply });
        assert_round_trip(&Request::FlushAll { exptime: None, noreply });
        assert_round_trip(&Request::Verbosity { level: flags, noreply });
        assert_round_trip(&Request::Stats { topic: b"items", rest: b"" });
        assert_round_trip(&Request::Version);
        assert_round_trip(&Request::Quit);
    }

    #[test]
    fn the_split_of_the_input_does_not_matter(
        words in proptest::collection::vec(
            proptest::sample::select(PIECES),
            0..40,
        ),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let input = words.concat().into_bytes();
        let whole = hear([&input[..]]);
        prop_assert_eq!(&whole, &hear_split(&input, &cuts));
        prop_assert_eq!(&whole, &hear(input.chunks(1)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        hear(input.chunks(7));
    }
}

/// What inputs are put together from, so that many of them make sense.
const PIECES: &[&str] = &[
    "get ",
    "set ",
    "cas ",
    "a ",
    "0 ",
    "3 ",
    "noreply",
    "\r\n",
    "\n",
    "\r",
    "set a 0 0 3\r\nabc\r\n",
    "cas a 0 0 5 x\r\nabcde\r\n",
    "incr a 1\r\n",
    "flush_all",
    "\0\u{ff}",
    "mg ",
    "ms ",
    "ma ",
    "md a b x\r\n",
    "ms a 3 q\r\nabc\r\n",
    "ms a 5 q q\r\nabcde\r\n",
    "T9 ",
    "lru ",
    "lru_crawler ",
];
