//! Requests that are wrong in every way, and what else is answered at once.

use crate::Dialect;
use crate::request::Request;
use crate::stream::Stream;

/// A request that is wrong somehow.
pub(crate) fn mistake(stream: &mut Stream) -> Request {
    match stream.dice.below(10) {
        0..3 => line(stream),
        3..6 => meta_line(stream),
        6 => storage(stream),
        7 => long_key(stream),
        // What watching is answered depends on what is not sent yet.
        8 => Request::fixed(stream.dice.choose(ADMIN)).alone(),
        _ => garbage(stream),
    }
}

/// A line that is never right, without data.
fn line(stream: &mut Stream) -> Request {
    let lines = match stream.dialect {
        Dialect::Old => &LINES[..LINES.len() - NEW_LINES],
        Dialect::New => LINES,
    };
    Request::fixed(stream.dice.choose(lines))
}

fn meta_line(stream: &mut Stream) -> Request {
    Request::fixed(stream.dice.choose(META_LINES))
}

/// A storage command with one wrong word. What becomes of the data depends on which one it is.
fn storage(stream: &mut Stream) -> Request {
    let key = stream.plain_key();
    let verb = stream.dice.choose(&["set", "add", "append", "cas"]);
    let words = match stream.dialect {
        Dialect::Old => &WRONG_WORDS[..WRONG_WORDS.len() - NEW_WORDS],
        Dialect::New => WRONG_WORDS,
    };
    let words = stream.dice.choose(words);
    Request::about(&[key])
        .with(verb)
        .with(b" ")
        .with(key)
        .with(format!(" {words}\r\nqq\r\n"))
}

/// A key that is too long, or just not.
fn long_key(stream: &mut Stream) -> Request {
    let key = "k".repeat(250 + stream.dice.below(2));
    let request = match stream.dice.below(9) {
        // The newest reads the items before it, and marks them as read.
        0 => format!("get nothing {key}\r\n"),
        1 => format!("gets {key} nothing\r\n"),
        2 => format!("gat 0 {key}\r\n"),
        3 => format!("set {key} 0 -1 2\r\nqq\r\n"),
        4 => format!("delete {key}\r\n"),
        5 => format!("incr {key} 1\r\n"),
        6 => format!("touch {key} 0 noreply\r\n"),
        7 => format!("mg {key} s v\r\n"),
        _ => format!("ms {key} 2 T-1\r\nqq\r\n"),
    };
    Request::fixed(request.as_bytes()).alone()
}

/// Letters that mean nothing.
fn garbage(stream: &mut Stream) -> Request {
    let mut line: Vec<u8> = (0..stream.dice.below(30))
        .map(|_| stream.dice.choose(b"abcmgs 019-\t\x01\x7f\xff"))
        .collect();
    // Words of meta commands, and what closes a connection, are elsewhere.
    line.insert(0, b'z');
    line.extend_from_slice(b"\r\n");
    Request::fixed(&line)
}

const WRONG_WORDS: &[&str] = &[
    "x 0 2",
    "0 x 2",
    "0 0 x",
    "0 0 -1",
    "-1 0 2",
    "0 0",
    "0",
    "0 0 2 x",
    "0 0 2 -5",
    "18446744073709551616 0 2",
    "0 99999999999999999999 2",
    // Right to the oldest; or cut to 32 bits, and then it waits for so many bytes.
    "0 0 +2",
    "0 0 99999999999",
];
/// So many of them at the end are for the newest only.
const NEW_WORDS: usize = 2;

const LINES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b" \r\n",
    b"a\r\n",
    b"foo\r\n",
    b"foo noreply\r\n",
    b"GET a\r\n",
    b"get\r\n",
    b"gets \r\n",
    b"gat\r\n",
    b"gat 0\r\n",
    b"gat x a\r\n",
    b"delete\r\n",
    b"delete nothing 0 0 0 0 0 0\r\n",
    b"incr\r\n",
    b"incr a\r\n",
    b"incr a 18446744073709551616\r\n",
    b"decr a 1x noreply\r\n",
    b"touch\r\n",
    b"touch a\r\n",
    b"touch a x\r\n",
    b"touch nothing 0 noreply\r\n",
    b"flush_all x\r\n",
    b"flush_all x noreply\r\n",
    b"verbosity\r\n",
    b"verbosity x\r\n",
    b"verbosity 5\r\n",
    b"verbosity 1 2 3\r\n",
    b"set\r\n",
    b"set a\r\n",
    b"get /index.html HTTP/1.0\r\n",
    b"\x80\x00\x00\x03\r\n",
    // Right to the oldest.
    b" get a\r\n",
    b"gats 99999999999 a\r\n",
    b"touch a 2147483648\r\n",
    b"mg a T99999999999\r\n",
    b"decr a +1\r\n",
];
/// So many of them at the end are for the newest only.
const NEW_LINES: usize = 5;

const META_LINES: &[&[u8]] = &[
    b"mg\r\n",
    b"mg \r\n",
    b"ms\r\n",
    b"ms a\r\n",
    b"ms a x\r\n",
    b"ms a -1\r\n",
    b"md\r\n",
    b"ma\r\n",
    b"me\r\n",
    b"mg a v v\r\n",
    b"mg a n\r\n",
    b"mg a noreply\r\n",
    b"mg a !\r\n",
    b"mg a Tx\r\n",
    b"mg a T\r\n",
    b"mg a Nx\r\n",
    b"mg a R1x\r\n",
    b"mg nothing O0123456789012345678901234567890\r\n",
    b"mg nothing O01234567890123456789012345678901 k\r\n",
    b"mg nothing 5 v\r\n",
    b"mg nothing s5 kfoo vx\r\n",
    b"mg nothing k O L P2 S\r\n",
    b"mg Zm9 b\r\n",
    b"mg !!! b k\r\n",
    b"md nothing Cx\r\n",
    b"md nothing C1 k Oq\r\n",
    b"md nothing q q\r\n",
    b"ma nothing Dx\r\n",
    b"ma nothing D-1\r\n",
    b"ma nothing MX\r\n",
    b"ma nothing M\r\n",
    b"ma nothing Nx\r\n",
    b"ma nothing k O5\r\n",
    b"ms a 2 T1 T2\r\nqq\r\n",
    b"ms a 2 Cx\r\nqq\r\n",
    b"ms a 2 Fx\r\nqq\r\n",
    b"ms a 2 n\r\nqq\r\n",
    b"ms a 2 MX\r\nqq\r\n",
    b"ms a 2 !\r\nmn a\r\n",
    b"ms Zm9 2 b\r\nqq\r\n",
    b"mg a b c d e f g h i j k l m n o p q r s t u\r\n",
    b"mx a\r\n",
];

/// Commands for operators that change nothing, or are refused.
const ADMIN: &[&[u8]] = &[
    b"cache_memlimit 4\r\n",
    b"cache_memlimit x\r\n",
    b"cache_memlimit\r\n",
    b"lru\r\n",
    b"lru foo\r\n",
    b"lru mode foo\r\n",
    b"lru tune 50 40 0.2 2.0\r\n",
    b"lru tune 10 20 0 2.0\r\n",
    b"lru tune 10 20 x 2.0\r\n",
    b"lru temp_ttl x\r\n",
    b"lru_crawler\r\n",
    b"lru_crawler foo\r\n",
    b"lru_crawler sleep x\r\n",
    b"lru_crawler sleep 1000001\r\n",
    b"lru_crawler tocrawl x\r\n",
    b"lru_crawler crawl 999\r\n",
    b"slabs\r\n",
    b"slabs foo\r\n",
    b"slabs automove x\r\n",
    b"slabs automove 7\r\n",
    b"slabs reassign 1 999\r\n",
    b"slabs reassign 3 3\r\n",
    b"slabs reassign x 3\r\n",
    b"stats foo\r\n",
    b"stats detail\r\n",
    b"stats detail foo\r\n",
    b"stats cachedump\r\n",
    b"stats cachedump 1\r\n",
    b"stats cachedump 99 0\r\n",
    b"stats cachedump x 0\r\n",
    b"stats reset\r\n",
    b"watch foo\r\n",
    b"shutdown\r\n",
    b"shutdown foo\r\n",
    b"refresh_certs\r\n",
];
