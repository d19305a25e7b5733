//! `steadfast ring` as its users meet it: the program, its files, its words, its exit status.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ask;
mod files;
mod input;
mod place;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the program said.
#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

/// Runs `steadfast ring` with the words of `line` and the standard input `keys`.
fn ring(line: &str, keys: &[u8]) -> Said {
    run(
        Command::new(env!("CARGO_BIN_EXE_steadfast")).args(line.split_whitespace()),
        keys,
    )
}

fn run(command: &mut Command, keys: &[u8]) -> Said {
    command.env_remove("MEMCACHE_SERVERS");
    command.env_remove("MEMCACHED_SERVERS");
    spoken(command, keys)
}

fn spoken(command: &mut Command, keys: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that refuses its command line reads no keys.
    let _ = input.write_all(keys);
    drop(input);
    let output = child.wait_with_output().unwrap();
    Said {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file of that content; its name in the messages is what this returns.
fn file(name: &str, content: &[u8]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ring");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().into()
}

fn answers(line: &str, keys: &[u8]) -> String {
    let said = ring(line, keys);
    assert_eq!((said.status, &*said.err), (Some(0), ""), "{line}");
    said.out
}

/// Asserts that the program refuses, in one line, with status 2 and no answer.
#[track_caller]
fn assert_refused(line: &str, keys: &[u8], message: &str) {
    let said = ring(line, keys);
    assert_eq!(said.err, format!("steadfast: {message}\n"), "{line}");
    assert_eq!((said.status, &*said.out), (Some(2), ""), "{line}");
}

/// The same for a file of that content.
#[track_caller]
fn assert_file_refused(name: &str, content: &str, message: &str) {
    let path = file(name, content.as_bytes());
    assert_refused(
        &format!("ring place --from {path}"),
        b"a\n",
        &format!("{path}{message}"),
    );
}

const GUIDE: &str =
    "--dialect pecl-memcache:consistent-crc32 --node 10.0.0.94:11211 --node 10.0.0.95:11211";

/// The session of the guide: its home is web2, its copy on web1.
const GUIDE_ID: &str = "aeoj7s47i7ke2l0fr7b534v684";
