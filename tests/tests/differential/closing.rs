//! Input that ends a connection, and what is said before.

use std::net::SocketAddr;

use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::ensure;

use crate::peer::Peer;
use crate::{Dialect, shown};

/// Says each on a connection of its own.
pub(crate) fn compare(addresses: [SocketAddr; 2], dialect: Dialect, checks: &mut Checks) {
    checks.run("what ends a connection does so in both", || {
        for input in inputs(dialect) {
            say(addresses, &input)?;
        }
        Ok(())
    });
}

fn say([left, right]: [SocketAddr; 2], input: &[u8]) -> Outcome {
    let expected = Peer::connect(left)?.ask_to_the_end(input)?;
    let found = Peer::connect(right)?.ask_to_the_end(input)?;
    ensure!(
        expected == found,
        "{}: memcached says {}, the cache {}",
        shown(input),
        shown(&expected),
        shown(&found)
    );
    Ok(())
}

fn inputs(_dialect: Dialect) -> Vec<Vec<u8>> {
    let mut inputs: Vec<Vec<u8>> = [
        &b"quit\r\n"[..],
        b"quit now\r\n",
        b"set a 0 0 1\r\nx\r\nget a\r\nquit\r\nget a\r\n",
        b"mn\r\nquit\r\n",
        b"foo / HTTP/1.1\r\n",
        b"POST /index.html HTTP/1.0\r\nHost: a\r\n\r\n",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    inputs.push(vec![b'x'; 4096]);
    inputs.push([b"set ".as_slice(), &[b'k'; 4096]].concat());
    inputs
}
