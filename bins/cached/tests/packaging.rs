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

fn unit() -> String {
    let path = "../../packaging/systemd/steadfast-cached.service";
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
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
    assert!(!line.contains(['$', '%']), "{line}");
    let output = Command::new(DAEMON)
        .args(line.split_whitespace())
        .arg("--check-config")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"the options are good\n", "{line}");
}

/// Runs where systemd's own checker is; it finds misspelt words and weak confinement.
#[test]
fn systemd_has_nothing_against_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast-cached.service");
    fs::write(&path, unit().replace("/usr/sbin/steadfast-cached", DAEMON)).unwrap();
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
    // Of 0 (confined) to 100 (not at all).
    let arguments = ["security", "--offline=true", "--threshold=20", "--no-pager"];
    is_good(analyze(&arguments).unwrap());
}

#[test]
fn manual_has_every_flag_of_the_help_and_no_other() {
    let path = "../../packaging/man/steadfast-cached.1";
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let manual = manual.replace('\\', "");
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
