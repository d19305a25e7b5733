//! The guide's own files, as printed, and what differs from them on one machine.
//!
//! The files are in `tests/guide`. Nothing is changed in them but addresses, ports, paths and names of
//! users that the machine does not have; every change is one replacement here, and a replacement whose
//! text is not in the file is an error.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::check::{Failure, Outcome};
use crate::network::Addresses;

/// `session.php`, verbatim.
pub const SESSION_PHP: &str = include_str!("../guide/session.php");
/// `/etc/php.d/memcache.ini`, verbatim.
pub const MEMCACHE_INI: &str = include_str!("../guide/memcache.ini");
/// The line that the guide gives for Apache's configuration.
pub const SERVER_NAME: &str = "ServerName mysite.com";

const PHP_INI: &str = include_str!("../guide/php.ini");
const SYSCONFIG: &str = include_str!("../guide/memcached");
const HAPROXY_CFG: &str = include_str!("../guide/haproxy.cfg");
const STATS: &str = include_str!("../guide/stats.txt");

/// The paths that the balancer's configuration names.
#[derive(Debug)]
pub struct BalancerPaths {
    /// An empty directory that becomes the balancer's root.
    pub jail: PathBuf,
    /// Where it writes its process id.
    pub pid_file: PathBuf,
    /// Where it answers commands.
    pub control: PathBuf,
}

/// Where the `listen` section names its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenForm {
    /// `listen http ADDRESS`, as the guide prints it. HAProxy refuses it since 1.6.
    SectionLine,
    /// `bind ADDRESS` on a line of its own: today's form.
    BindLine,
}

/// Whether the `listen` section has its bare `option forwardfor`, which cancels the `except` of `defaults`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardFor {
    /// As the guide prints it.
    Bare,
    /// Without that line: the statement in `defaults` counts, with its `except 127.0.0.0/8`.
    FromDefaults,
}

/// The guide's `haproxy.cfg` for these addresses and paths.
///
/// # Errors
///
/// When the guide's file has none of what must be replaced.
pub fn haproxy_cfg(
    addresses: &Addresses,
    paths: &BalancerPaths,
    user_and_group: (&str, &str),
    form: ListenForm,
    forward_for: ForwardFor,
) -> Outcome<String> {
    let listen = match form {
        ListenForm::SectionLine => format!("listen http {}\n", addresses.balancer),
        ListenForm::BindLine => format!("listen http\nbind {}\n", addresses.balancer),
    };
    let mut text = Text(HAPROXY_CFG.to_owned())
        .replace(
            "chroot /var/lib/haproxy\n",
            &format!("chroot {}\n", paths.jail.display()),
        )?
        .replace(
            "/var/run/haproxy.pid",
            &paths.pid_file.display().to_string(),
        )?
        .replace("/var/run/haproxy.cmd", &paths.control.display().to_string())?
        .replace("user haproxy\n", &format!("user {}\n", user_and_group.0))?
        .replace("group haproxy\n", &format!("group {}\n", user_and_group.1))?
        .replace("listen http :80\n", &listen)?
        .replace("10.0.0.94:80", &addresses.web[0].to_string())?
        .replace("10.0.0.95:80", &addresses.web[1].to_string())?;
    if addresses.syslog.port() != 514 {
        text = text.replace("log 127.0.0.1 ", &format!("log {} ", addresses.syslog))?;
    }
    if forward_for == ForwardFor::FromDefaults {
        text = text.replace("\noption forwardfor\n", "\n")?;
    }
    Ok(text.0)
}

/// The machine's own `php.ini` after the guide's edit: its line `session.save_handler = files` gives way
/// to the guide's two.
///
/// # Errors
///
/// When the file cannot be read or has no such line.
pub fn php_ini(machine_s: &Path, caches: &[SocketAddr; 2]) -> Outcome<String> {
    let lines = Text(PHP_INI.to_owned())
        .replace("10.0.0.94:11211", &caches[0].to_string())?
        .replace("10.0.0.95:11211", &caches[1].to_string())?;
    let file = std::fs::read_to_string(machine_s)
        .map_err(|error| Failure::new(format!("{}: {error}", machine_s.display())))?;
    Ok(Text(file)
        .replace("session.save_handler = files\n", &lines.0)?
        .0)
}

/// The flags that the guide's sysconfig file makes of memcached's service, for this address and user.
///
/// The service runs `memcached -p $PORT -u $USER -m $CACHESIZE -c $MAXCONN $OPTIONS`.
///
/// # Errors
///
/// When the guide's file lacks one of these values.
pub fn cache_flags(address: SocketAddr, user: &str) -> Outcome<Vec<String>> {
    let text = Text(SYSCONFIG.to_owned())
        .replace("11211", &address.port().to_string())?
        .replace("USER=\"memcached\"", &format!("USER=\"{user}\""))?
        .replace("10.0.0.95", &address.ip().to_string())?;
    let value = |name: &str| {
        text.0
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"'))
            .ok_or_else(|| Failure::new(format!("the sysconfig file has no {name}")))
    };
    let mut flags = Vec::new();
    for (flag, name) in [
        ("-p", "PORT"),
        ("-u", "USER"),
        ("-m", "CACHESIZE"),
        ("-c", "MAXCONN"),
    ] {
        flags.extend([flag.to_owned(), value(name)?.to_owned()]);
    }
    flags.extend(value("OPTIONS")?.split_whitespace().map(str::to_owned));
    Ok(flags)
}

/// The names in the guide's listing of `stats`, in its order.
pub fn stat_names() -> impl Iterator<Item = &'static str> {
    STATS
        .lines()
        .filter_map(|line| line.strip_prefix("STAT ")?.split(' ').next())
}

/// A file of the guide on its way to this machine's.
struct Text(String);

impl Text {
    fn replace(self, from: &str, to: &str) -> Outcome<Self> {
        if self.0.contains(from) {
            return Ok(Self(self.0.replacen(from, to, 1)));
        }
        Err(Failure::new(format!("{from:?} is not in the file")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysconfig_values_become_the_service_s_flags() {
        let flags = cache_flags("127.0.0.95:11211".parse().unwrap(), "nobody").unwrap();
        assert_eq!(
            flags.join(" "),
            "-p 11211 -u nobody -m 256 -c 1024 -l 127.0.0.95"
        );
    }

    #[test]
    fn guide_s_listing_has_its_48_names() {
        assert_eq!(stat_names().count(), 48);
        assert_eq!(stat_names().next(), Some("pid"));
        assert_eq!(stat_names().last(), Some("reclaimed"));
    }

    #[test]
    fn configuration_differs_from_the_guide_s_in_addresses_and_paths_only() {
        let addresses = Addresses {
            balancer: "127.0.0.93:80".parse().unwrap(),
            web: ["127.0.0.94:80", "127.0.0.95:80"].map(|text| text.parse().unwrap()),
            cache: ["127.0.0.94:11211", "127.0.0.95:11211"].map(|text| text.parse().unwrap()),
            syslog: "127.0.0.1:514".parse().unwrap(),
        };
        let paths = BalancerPaths {
            jail: "/var/lib/haproxy".into(),
            pid_file: "/var/run/haproxy.pid".into(),
            control: "/var/run/haproxy.cmd".into(),
        };
        let text = haproxy_cfg(
            &addresses,
            &paths,
            ("haproxy", "haproxy"),
            ListenForm::SectionLine,
            ForwardFor::Bare,
        )
        .unwrap();
        let expected = HAPROXY_CFG
            .replace("http :80", "http 127.0.0.93:80")
            .replace("10.0.0.", "127.0.0.");
        assert_eq!(text, expected);
    }
}
