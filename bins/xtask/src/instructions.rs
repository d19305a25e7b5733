//! `cargo xtask instructions`: how many instructions a get and a set take, beside what they took.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::step::{self, cargo};
use crate::wrong_usage;

const HELP: &str = "\
Count the instructions of a get and a set, in engine and store, and compare with those on record

usage: cargo xtask instructions [OPTIONS]

options:
  --record         write what is counted to benches/instructions.txt instead
  --help           print this

Needs valgrind. With the compiler on record a count may differ by 3 % either way; with another one by 10 %, for
code changes with the compiler. A change that is meant goes on record in the same commit.
";

/// What is counted: an argument of the program, and its name on record.
const WORKLOADS: [(&str, &str); 3] = [
    ("get", "get, hit, 512 bytes"),
    ("set", "set, in place, 512 bytes"),
    ("evict", "set, new, displacing another, 512 bytes"),
];
const RECORD: &str = "benches/instructions.txt";
const RECORD_HEAD: &str = "\
# Instructions per command, counted by valgrind, of a release build by the compiler named below.
# After a change that is meant: cargo xtask instructions --record
";
const BATCHES: [u64; 2] = [50, 250];
const COMMANDS_PER_BATCH: u64 = 100;
const SAME_COMPILER_PERMILLE: u64 = 30;
const OTHER_COMPILER_PERMILLE: u64 = 100;

/// Runs the command with these arguments.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut records = false;
    for argument in arguments {
        match argument.as_str() {
            "--record" => records = true,
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => return wrong_usage(&format!("unknown argument {other:?}"), HELP),
        }
    }
    match count_and_judge(records) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn count_and_judge(records: bool) -> Result<bool, String> {
    let program = build()?;
    let mut counted = Record {
        compiler: compiler()?,
        counts: Vec::new(),
    };
    for (workload, name) in WORKLOADS {
        let [few, many] = BATCHES.map(|batches| count(&program, workload, batches));
        let commands = (BATCHES[1] - BATCHES[0]) * COMMANDS_PER_BATCH;
        let each = many?.saturating_sub(few?) / commands;
        counted.counts.push((name.to_owned(), each));
    }
    let path = step::workspace().join(RECORD);
    if records {
        let text = format!("{RECORD_HEAD}{}", counted.to_text());
        fs::write(&path, text).map_err(|error| format!("{RECORD}: {error}"))?;
        print!("{}", counted.to_text());
        return Ok(true);
    }
    let text = fs::read_to_string(&path).map_err(|error| format!("{RECORD}: {error}"))?;
    let recorded = Record::parse(&text).map_err(|what| format!("{RECORD}: {what}"))?;
    let (report, is_good) = compare(&recorded, &counted);
    print!("{report}");
    Ok(is_good)
}

/// Builds the program as the daemons are built, and returns where it is.
fn build() -> Result<PathBuf, String> {
    let mut command = cargo(&["build", "--release", "-p", "steadfast-benches"]);
    let status = command
        .args(["--bin", "instructions"])
        .current_dir(step::workspace())
        .status();
    match status {
        Ok(status) if status.success() => {
            Ok(step::target_directory("release").join("instructions"))
        }
        Ok(status) => Err(format!("the build ended with {status}")),
        Err(error) => Err(format!("cargo cannot be started: {error}")),
    }
}

/// Runs the program under valgrind and returns the instructions of the whole run.
fn count(program: &Path, workload: &str, batches: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(program)
        .arg(workload)
        .arg(batches.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            format!("valgrind cannot be started: {error}; apt-get install valgrind")
        })?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind ended with {}:\n{report}", output.status));
    }
    parse_count(&report).ok_or_else(|| format!("valgrind told no count of instructions:\n{report}"))
}

/// The number in valgrind's line `==PID== I refs: 12,345`.
fn parse_count(report: &str) -> Option<u64> {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        if words.next()? != "I" || words.next()? != "refs:" {
            return None;
        }
        words.next()?.replace(',', "").parse().ok()
    };
    report.lines().find_map(of_line)
}

fn compiler() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .current_dir(step::workspace())
        .output()
        .map_err(|error| format!("rustc cannot be started: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(format!("{version} {}", std::env::consts::ARCH))
}

/// Counts, and the compiler of what was counted.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    compiler: String,
    counts: Vec<(String, u64)>,
}

impl Record {
    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let compiler = lines.next().ok_or("the compiler's line is missing")?;
        let counts = lines.map(|line| {
            let (count, name) = line.trim().split_once("  ")?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        Ok(Self {
            compiler: compiler.to_owned(),
            counts: counts
                .collect::<Option<_>>()
                .ok_or("a line is not `COUNT  NAME`")?,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.compiler);
        for (name, count) in &self.counts {
            text += &format!("{count:6}  {name}\n");
        }
        text
    }
}

/// A line for each count; false if one differs by more than it may.
fn compare(recorded: &Record, counted: &Record) -> (String, bool) {
    let (mut report, mut is_good) = (String::new(), true);
    let mut permille_max = SAME_COMPILER_PERMILLE;
    if recorded.compiler != counted.compiler {
        permille_max = OTHER_COMPILER_PERMILLE;
        report += &format!(
            "note: on record is {}, this is {}: {} % are allowed instead of {} %\n",
            recorded.compiler,
            counted.compiler,
            OTHER_COMPILER_PERMILLE / 10,
            SAME_COMPILER_PERMILLE / 10
        );
    }
    for (name, count) in &counted.counts {
        let before = recorded.counts.iter().find(|(other, _)| other == name);
        let Some(&(_, before)) = before else {
            report += &format!("FAILED {count:6}  {name}: nothing on record\n");
            is_good = false;
            continue;
        };
        let within = count.abs_diff(before) * 1000 <= before * permille_max;
        is_good &= within;
        let verdict = if within { "ok    " } else { "FAILED" };
        report += &format!("{verdict} {count:6}  {name}; on record {before}\n");
    }
    if !is_good {
        report += "If the change is meant: cargo xtask instructions --record\n";
    }
    (report, is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(compiler: &str, count: u64) -> Record {
        Record {
            compiler: compiler.to_owned(),
            counts: vec![("get, hit".to_owned(), count)],
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = record("rustc 1.85.0", 612);
        let text = format!("{RECORD_HEAD}{}", record.to_text());
        assert_eq!(Record::parse(&text), Ok(record));
        assert!(Record::parse("rustc 1.85.0\nget 612\n").is_err());
    }

    #[test]
    fn a_count_may_differ_by_three_percent_with_the_same_compiler() {
        for (before, now, is_good) in [(1000, 1030, true), (1000, 1031, false), (1000, 969, false)]
        {
            let (report, judged) = compare(&record("a", before), &record("a", now));
            assert_eq!(judged, is_good, "{report}");
        }
    }

    #[test]
    fn another_compiler_is_told_and_allowed_more() {
        let (report, is_good) = compare(&record("a", 1000), &record("b", 1100));
        assert!(is_good && report.starts_with("note: on record is a, this is b"));
        let (report, is_good) = compare(&record("a", 1000), &record("b", 1101));
        assert!(!is_good && report.contains("--record"), "{report}");
    }

    #[test]
    fn valgrinds_count_is_found() {
        for report in [
            "==7== \n==7== I refs:        12,345\n",
            "==7== I   refs:      12,345",
        ] {
            assert_eq!(parse_count(report), Some(12_345));
        }
        assert_eq!(parse_count("==7== D refs: 5"), None);
    }
}
