//! Debian packages that the whole-system tests need, and their installation.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A package, its file whose presence is the package's presence, and the service that it brings along.
///
/// `*` in the path stands for any part of one name. The tests start the daemons themselves and do not
/// use the services.
struct Package(&'static str, &'static str, Option<&'static str>);

const PACKAGES: &[Package] = &[
    Package("apache2", "/usr/sbin/apache2", Some("apache2")),
    Package(
        "libapache2-mod-php",
        "/usr/lib/apache2/modules/libphp*.so",
        None,
    ),
    Package("php-cli", "/usr/bin/php", None),
    Package("php-memcache", "/usr/lib/php/*/memcache.so", None),
    Package("php-memcached", "/usr/lib/php/*/memcached.so", None),
    Package("memcached", "/usr/bin/memcached", Some("memcached")),
    // For `memccapable`.
    Package("libmemcached-tools", "/usr/bin/memccapable", None),
    Package("haproxy", "/usr/sbin/haproxy", Some("haproxy")),
    Package("netcat-openbsd", "/usr/bin/nc.openbsd", None),
    Package("iproute2", "/usr/sbin/ip", None),
    Package("valgrind", "/usr/bin/valgrind", None),
    // For `kill`.
    Package("procps", "/usr/bin/kill", None),
];

/// Makes sure that all packages are there, and installs what is missing if this is allowed.
///
/// # Errors
///
/// A message that names the missing packages, if they cannot be installed.
pub(crate) fn provide(may_install: bool) -> Result<(), String> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.0).collect();
    let names = names.join(" ");
    let failure = |why: &str| {
        format!("these Debian packages are missing: {names}\n{why}: apt-get install {names}")
    };
    if !may_install {
        return Err(failure("--no-install was given; install them with"));
    }
    if !succeeds(Command::new("apt-get").arg("--version")) {
        return Err(failure("there is no apt-get here; on Debian it would be"));
    }
    if !is_root() {
        return Err(failure("only root may install them, with"));
    }
    println!("installing {names}");
    install(&missing).map_err(|why| failure(&format!("{why}; try")))?;
    stop_services(&missing);
    Ok(())
}

/// True if this is root.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn missing() -> Vec<&'static Package> {
    PACKAGES
        .iter()
        .filter(|package| !exists(Path::new("/"), &package.1[1..]))
        .collect()
}

fn install(packages: &[&Package]) -> Result<(), String> {
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        // Keeps init scripts from being started where there is no systemd.
        command.env("RUNLEVEL", "1");
        command
    };
    // The lists may be old but good enough: what counts is whether the packages arrive.
    let _ = apt_get().args(["update", "-qq"]).status();
    let names = packages.iter().map(|package| package.0);
    let status = apt_get()
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(names)
        .status();
    match status {
        Ok(status) if status.success() && missing().is_empty() => Ok(()),
        Ok(status) => Err(format!("apt-get install ended with {status}")),
        Err(error) => Err(format!("apt-get cannot be started: {error}")),
    }
}

/// Debian starts a service when it is installed. The tests start their own: this gives the ports back.
fn stop_services(packages: &[&Package]) {
    if !Path::new("/run/systemd/system").exists() {
        return;
    }
    for service in packages.iter().filter_map(|package| package.2) {
        if !succeeds(Command::new("systemctl").args(["disable", "--now", service])) {
            println!("note: the service {service}, just installed, could not be stopped");
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// True if a file under `directory` has this path, in which each part may have one `*`.
fn exists(directory: &Path, path: &str) -> bool {
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let deeper = |found: &Path| match rest {
        Some(rest) => exists(found, rest),
        None => found.exists(),
    };
    let Some((begin, end)) = first.split_once('*') else {
        return deeper(&directory.join(first));
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(begin) && name.ends_with(end)
        })
        .any(|entry| deeper(&entry.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_the_version_in_a_path() {
        let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (path, found) in [
            ("src/packages.rs", true),
            ("s*c/pack*.rs", true),
            ("*/packages.rs", true),
            ("src/packages.py", false),
            ("src/pack*.py", false),
            ("*/nothing.rs", false),
        ] {
            assert_eq!(exists(crate_directory, path), found, "{path}");
        }
    }
}
