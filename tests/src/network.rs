//! The three machines of the guide, on loopback.
//!
//! 127.0.0.93 stands for LB1, 127.0.0.94 and .95 for WEB1 and WEB2. Where the machine allows it, a test
//! runs in network, process and mount namespaces of its own: the guide's ports are free there, and
//! whatever the test starts ends with it. Elsewhere free ports of the machine's loopback stand in.

use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::check::{Failure, Outcome};
use crate::process;

/// LB1 of the guide.
pub const LB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 93));
/// WEB1 and WEB2 of the guide.
pub const WEB: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 94)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 95)),
];
/// Where the guide sends its log.
const SYSLOG: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Set in the inner process, so that it does not enter namespaces again.
const INSIDE: &str = "STEADFAST_TESTS_NAMESPACE";

/// Who listens where.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The page, through the balancer.
    pub balancer: SocketAddr,
    /// The two web servers.
    pub web: [SocketAddr; 2],
    /// The two caches.
    pub cache: [SocketAddr; 2],
    /// The receiver of the balancer's log (UDP).
    pub syslog: SocketAddr,
}

impl Addresses {
    /// The guide's ports (80, 11211, 514) where they are free, else others that are.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub fn choose() -> Outcome<Self> {
        let http = free_tcp_port(&[LB, WEB[0], WEB[1]], 80)?;
        let cache = free_tcp_port(&WEB, 11211)?;
        let syslog = free_udp_port(SYSLOG, 514)?;
        Ok(Self {
            balancer: (LB, http).into(),
            web: WEB.map(|ip| (ip, http).into()),
            cache: WEB.map(|ip| (ip, cache).into()),
            syslog: (SYSLOG, syslog).into(),
        })
    }
}

/// Runs this program again in namespaces of its own, if the machine allows it.
///
/// Returns true inside them, false where they cannot be had.
///
/// # Errors
///
/// When the machine allows them and the program cannot be started in them all the same.
pub fn enter_namespaces() -> Outcome<bool> {
    if env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args([
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
        ]);
        command
    };
    let allowed = process::run(unshare().arg("ip link set lo up"))
        .is_ok_and(|finished| finished.status.success());
    if !allowed {
        return Ok(false);
    }
    let error = unshare()
        .args(["ip link set lo up && \"$0\" \"$@\""])
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    Err(Failure::from(error).while_doing("entering namespaces"))
}

fn free_tcp_port(addresses: &[IpAddr], usual: u16) -> Outcome<u16> {
    const TRIES: usize = 64;
    let free = |port: u16| {
        addresses
            .iter()
            .all(|ip| TcpListener::bind((*ip, port)).is_ok())
    };
    if free(usual) {
        return Ok(usual);
    }
    for _ in 0..TRIES {
        let port = TcpListener::bind((addresses[0], 0))?.local_addr()?.port();
        if free(port) {
            return Ok(port);
        }
    }
    Err(Failure::new(format!(
        "no port is free at all of {addresses:?}"
    )))
}

fn free_udp_port(address: IpAddr, usual: u16) -> Outcome<u16> {
    if UdpSocket::bind((address, usual)).is_ok() {
        return Ok(usual);
    }
    Ok(UdpSocket::bind((address, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_port_is_replaced_by_one_free_at_every_address() {
        let taken = TcpListener::bind((WEB[1], 0)).unwrap();
        let usual = taken.local_addr().unwrap().port();
        let chosen = free_tcp_port(&WEB, usual).unwrap();
        assert_ne!(chosen, usual);
        assert!(
            WEB.iter()
                .all(|ip| TcpListener::bind((*ip, chosen)).is_ok())
        );
    }
}
