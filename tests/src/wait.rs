//! Waiting for events, always with a deadline.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::{Failure, Outcome};

/// How often an event that cannot be waited for directly is looked for.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// How long a local program may take to start, to answer or to end.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks `poll` until it gives a value.
///
/// # Errors
///
/// When `poll` fails, or has given nothing `within` the time: the message then names `what`.
pub fn until<T>(
    what: &str,
    within: Duration,
    mut poll: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = poll()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!(
                "waited {within:?} in vain for {what}"
            )));
        }
        thread::sleep(POLL_EVERY);
    }
}

/// True if somebody accepts connections at `address`.
pub fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_event_or_with_the_name_of_what_did_not_come() {
        let mut left = 3;
        let counted = until("three looks", PATIENCE, || {
            left -= 1;
            Ok((left == 0).then_some("there"))
        });
        assert_eq!(counted, Ok("there"));
        let missed = until::<()>("godot", Duration::from_millis(1), || Ok(None)).unwrap_err();
        assert!(
            missed.to_string().ends_with("in vain for godot"),
            "{missed}"
        );
    }
}
