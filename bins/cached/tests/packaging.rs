//! The unit file and the manual that packages install.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const DAEMON: &str = env!("CARGO_BIN_EXE_steadfast-cached");

fn packaged(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    fs::read_to_string(folder.join(path)).unwrap()
}

fn unit() -> String {
    packaged("systemd/steadfast-cached.service")
}

/// Runs the command as a unit would, but for `--check-config`.
fn assert_good(line: &str) {
    assert!(!line.contains(['$', '%']), "{line}");
    let output = Command::new(DAEMON)
        .args(line.split_whitespace())
        .arg("--check-config")
        .output()
        .unwrap();
    assert_eq!(
        output.stdout, b"the options are good\n",
        "{line}: {output:?}"
    );
}

/// The values that the unit gives its variables, should nobody else.
fn variables(unit: &str) -> Vec<(&str, &str)> {
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("Environment="));
    let (plain, quoted) = line.unwrap().split_once('"').unwrap();
    let words = plain
        .split_whitespace()
        .chain([quoted.trim_end_matches('"')]);
    words.map(|word| word.split_once('=').unwrap()).collect()
}

#[test]
fn command_of_the_unit_is_understood() {
    let unit = unit();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/sbin/steadfast-cached "));
    let mut line = line.unwrap().replace("%S", "/var/lib");
    for (name, value) in variables(&unit) {
        line = line.replace(&format!("${{{name}}}"), value);
        line = line.replace(&format!("${name}"), value);
    }
    assert_good(&line);
}

/// The lines of Fedora's file, as its package has them.
#[test]
fn fedoras_file_as_packaged_starts_it() {
    let file = "PORT=\"11211\"\nUSER=\"memcached\"\nMAXCONN=\"1024\"\nCACHESIZE=\"64\"\n\
                OPTIONS=\"-l 127.0.0.1,::1\"\n";
    for path in ["memcached.service", "memcached@.service"] {
        let unit = packaged(&format!("systemd/fedora/{path}"));
        let line = unit
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/memcached "));
        let mut line = line.unwrap().replace("%i", "11212");
        for (name, value) in file.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim_matches('"');
            line = line.replace(&format!("${{{name}}}"), value);
            line = line.replace(&format!("${name}"), value);
        }
        assert_good(&line);
    }
}

/// The file comes from Debian's package, where it is installed.
#[test]
fn debians_file_as_packaged_starts_it() {
    let unit = packaged("systemd/debian/memcached.service");
    assert!(unit.contains("ExecStart=/usr/bin/memcached --config /etc/memcached.conf $OPTIONS\n"));
    let file = "/usr/share/memcached/memcached.conf.default";
    if !Path::new(file).exists() {
        eprintln!("skipped: Debian's memcached is not installed");
        return;
    }
    assert_good(&format!("--config {file}"));
}

/// Runs where systemd's own checker is; it finds misspelt words and weak confinement.
#[test]
fn systemd_has_nothing_against_the_units() {
    for (path, name, exposure) in [
        ("steadfast-cached.service", "steadfast-cached.service", 20),
        (
            "steadfast-cached@.service",
            "steadfast-cached@11212.service",
            20,
        ),
        // These start as root, as memcached's do.
        ("debian/memcached.service", "memcached.service", 25),
        ("fedora/memcached.service", "memcached.service", 25),
        ("fedora/memcached@.service", "memcached@11212.service", 25),
    ] {
        check_unit(&packaged(&format!("systemd/{path}")), name, exposure);
    }
}

/// Of 0 (confined) to 100 (not at all), a unit may be as exposed as `exposure`.
fn check_unit(unit: &str, name: &str, exposure: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let unit = unit.replace("/usr/sbin/steadfast-cached", DAEMON);
    fs::write(&path, unit.replace("/usr/bin/memcached", DAEMON)).unwrap();
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).arg(&path).output().ok()
    };
    let is_good = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    };
    let Some(output) = analyze(&["verify", "--man=no"]) else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    is_good(output);
    let threshold = format!("--threshold={exposure}");
    let arguments = ["security", "--offline=true", &threshold, "--no-pager"];
    is_good(analyze(&arguments).unwrap());
}

#[test]
fn manual_has_every_flag_of_the_help_and_no_other() {
    let manual = packaged("man/steadfast-cached.1").replace('\\', "");
    let output = Command::new(DAEMON).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let in_help = flags(help.lines().filter(|line| line.starts_with("  ")));
    let in_manual = flags(manual.lines().filter(|line| line.starts_with(".B")));
    assert_eq!(in_manual, in_help);
}

/// The long names at which lines describe a flag.
fn flags<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let begins = |line: &str| {
        let line = line.trim_start_matches([' ', '.', 'B', 'R']);
        line.starts_with("--") || line.starts_with('-') && line.contains(", ")
    };
    lines
        .filter(|line| begins(line))
        .filter_map(|line| line.split_once("--"))
        .map(|(_, name)| name.split([' ', '=']).next().unwrap())
        .collect()
}

#[test]
fn manual_has_every_word_of_o() {
    let manual = packaged("man/steadfast-cached.1").replace('\\', "");
    let output = Command::new(DAEMON).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = help
        .split("\n\n")
        .filter(|block| block.starts_with("Words for -o"))
        .flat_map(|block| block.lines().skip(1))
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split([' ', '=', '[']).next())
        .collect();
    assert!(words.len() > 40, "{words:?}");
    for word in words {
        let described = manual.lines().any(|line| {
            line.strip_prefix(".B ")
                .and_then(|line| line.strip_prefix(word))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', 'f']))
        });
        assert!(described, "{word}");
    }
}
