//! Telling the service manager where we are (`sd_notify`); without one, nothing happens.
//!
//! The messages go to the socket named by `NOTIFY_SOCKET`. Failing to send them is no reason to
//! stop serving, so these calls return nothing.

use sd_notify::NotifyState;

/// Says that the daemon serves, and which process it is (it may have forked).
pub fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
}

/// Says that the daemon has begun to end.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Says in a few words what the daemon is doing; shown by `systemctl status`.
pub fn status(text: &str) {
    let _ = sd_notify::notify(&[NotifyState::Status(text)]);
}
