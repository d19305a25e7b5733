//! The signals that end, drain and question the daemon.

use std::process::ExitCode;

use nix::errno::Errno;
use nix::sys::signal::{Signal as Sent, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
use steadfast_host::readiness::Manager;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::balancer::Running;
use crate::messages::Messages;
use crate::options::Options;

/// The signals that this daemon obeys.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    finish: Signal,
    status: Signal,
    /// Taken so that they neither kill nor suspend. USR2 and QUIT do no harm to a single HAProxy either; TTOU and TTIN
    /// are what a successor of HAProxy's make sends if it can't bind.
    _harmless: [Signal; 4],
}

impl Signals {
    /// Begins to watch. From here on none of them kills by itself.
    pub(crate) fn new() -> std::io::Result<Self> {
        let on = |number| signal(SignalKind::from_raw(number));
        Ok(Self {
            terminate: on(SIGTERM)?,
            interrupt: on(SIGINT)?,
            finish: on(SIGUSR1)?,
            status: on(SIGHUP)?,
            _harmless: [on(SIGUSR2)?, on(SIGQUIT)?, on(SIGTTOU)?, on(SIGTTIN)?],
        })
    }

    /// Lets `running` serve until a signal ends it. Returns after a soft stop only.
    pub(crate) async fn obey(mut self, running: Running, manager: &Manager) -> ExitCode {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => die(SIGTERM),
                _ = self.interrupt.recv() => die(SIGINT),
                _ = self.status.recv() => running.log_status(),
                _ = self.finish.recv() => break,
            }
        }
        manager.stopping();
        let drained = running.drain();
        tokio::pin!(drained);
        loop {
            tokio::select! {
                () = &mut drained => return ExitCode::SUCCESS,
                _ = self.terminate.recv() => die(SIGTERM),
                _ = self.interrupt.recv() => die(SIGINT),
                _ = self.status.recv() => {}
                _ = self.finish.recv() => {}
            }
        }
    }
}

/// Ends the process as the signal would have ended it.
fn die(number: i32) -> ! {
    // The first process of a container is spared by the kernel: it has to go by itself.
    if std::process::id() != 1 {
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
    std::process::exit(128 + number)
}

/// Tells the old processes to go: we serve.
pub(crate) fn hand_over(options: &Options, messages: &Messages) {
    for (pids, signal) in [
        (&options.finish, Sent::SIGUSR1),
        (&options.terminate, Sent::SIGTERM),
    ] {
        for pid in pids {
            match kill(Pid::from_raw(*pid), signal) {
                // One that is gone already has done what was asked of it.
                Ok(()) | Err(Errno::ESRCH) => {}
                // Another user's: it goes on, and shares the ports with us.
                Err(error) => {
                    let why = error.desc();
                    messages.warning(&format!("process {pid} was not told to leave: {why}"));
                }
            }
        }
    }
}
