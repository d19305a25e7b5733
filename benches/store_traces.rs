//! The store beside other caches for Rust programs, on the same traces: hit ratio and CPU time at
//! equal resident memory, then criterion's time per request.
//!
//! Each measurement has a process of its own, this program with the word `measure`, so that memory
//! is what the system sees. How much each cache may hold is tried out until the process has grown
//! by [`RESIDENT_BYTES`].
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::io;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use steadfast_benches::cpu;
use steadfast_benches::keys::{KEY_BYTES, key};
use steadfast_benches::report::{Better, Finding, findings_table, machine};
use steadfast_benches::trace::{Request, Trace};
use steadfast_store::{Attributes, Condition, NewItem, Settings, Store, Timestamp};

type Key = [u8; KEY_BYTES];

/// A cache of so many bytes that is read through.
trait Cache {
    /// Whether the key was there; if not, it is stored, and if it `saves`, stored again.
    fn request(&self, request: &Request, value: &[u8]) -> bool;
}

impl Cache for Store {
    fn request(&self, request: &Request, value: &[u8]) -> bool {
        let name = key(request.key);
        let key = self.locate(&name);
        let length = self.read(key, NOW, |entry| entry.value().len()).hit();
        if length.is_none() || request.saves {
            let item = NewItem::new(value, Attributes::default());
            let _ = self.put(key, item, Condition::Always, NOW);
        }
        length.is_some()
    }
}

impl Cache for moka::sync::Cache<Key, Arc<[u8]>> {
    fn request(&self, request: &Request, value: &[u8]) -> bool {
        let key = key(request.key);
        let found = self.get(&key).is_some();
        if !found || request.saves {
            self.insert(key, value.into());
        }
        found
    }
}

#[derive(Clone)]
struct Weight;

impl quick_cache::Weighter<Key, Arc<[u8]>> for Weight {
    fn weight(&self, key: &Key, value: &Arc<[u8]>) -> u64 {
        (key.len() + value.len()) as u64
    }
}

impl Cache for quick_cache::sync::Cache<Key, Arc<[u8]>, Weight> {
    fn request(&self, request: &Request, value: &[u8]) -> bool {
        let key = key(request.key);
        let found = self.get(&key).is_some();
        if !found || request.saves {
            self.insert(key, value.into());
        }
        found
    }
}

const NAMES: [&str; 3] = ["steadfast-store", "moka", "quick_cache"];

fn cache(name: &str, capacity: usize) -> Box<dyn Cache> {
    match name {
        "moka" => Box::new(
            moka::sync::Cache::builder()
                .max_capacity(capacity as u64)
                .weigher(|key: &Key, value: &Arc<[u8]>| (key.len() + value.len()) as u32)
                .build(),
        ),
        "quick_cache" => {
            let items = capacity / 1024;
            Box::new(quick_cache::sync::Cache::with_weighter(
                items,
                capacity as u64,
                Weight,
            ))
        }
        _ => {
            let mut settings = Settings::default();
            settings.memory_bytes_max = capacity;
            settings.hash_seed = 0x5eed;
            Box::new(Store::new(settings).expect("the settings are valid"))
        }
    }
}

/// What one process found.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    capacity: usize,
    resident_bytes: u64,
    hit_ratio: f64,
    cpu_ns: f64,
}

/// Plays a trace in this process and prints what came of it.
fn measure(name: &str, trace: Trace, capacity: usize) -> io::Result<()> {
    let pid = std::process::id();
    let requests: Vec<Request> = trace
        .requests(RESIDENT_BYTES)
        .take(REQUESTS_TO_WARM + REQUESTS)
        .collect();
    let value = vec![b'v'; VALUE_BYTES_MAX];
    let resident_before = cpu::resident_bytes(pid)?;
    let cache = cache(name, capacity);
    let play = |requests: &[Request]| {
        let hit = |request: &&Request| cache.request(request, &value[..request.value_bytes]);
        requests.iter().filter(hit).count()
    };
    play(&requests[..REQUESTS_TO_WARM]);
    let begin = cpu::process_time(pid)?;
    let hits = play(&requests[REQUESTS_TO_WARM..]);
    let time = cpu::process_time(pid)? - begin;
    let resident = cpu::resident_bytes(pid)?.saturating_sub(resident_before);
    println!("{resident} {hits} {}", time.as_nanos());
    Ok(())
}

/// Measures in a process of its own.
fn spawn(name: &str, trace: Trace, capacity: usize) -> io::Result<Outcome> {
    let output = Command::new(std::env::current_exe()?)
        .args(["measure", name, trace.name(), &capacity.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = text
        .split_ascii_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let &[resident_bytes, hits, time_ns] = numbers.as_slice() else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{name} failed: {text}{errors}")));
    };
    Ok(Outcome {
        capacity,
        resident_bytes,
        hit_ratio: hits as f64 / REQUESTS as f64,
        cpu_ns: time_ns as f64 / REQUESTS as f64,
    })
}

/// The outcome with the capacity at which the process grows as it should, or nearly so.
fn fit(name: &str, trace: Trace, first: usize) -> io::Result<Outcome> {
    let mut outcome = spawn(name, trace, first)?;
    for _ in 0..FITS_MAX {
        let off = outcome.resident_bytes as f64 / RESIDENT_BYTES as f64;
        if (off - 1.0).abs() < 0.01 {
            break;
        }
        outcome = spawn(name, trace, (outcome.capacity as f64 / off) as usize)?;
    }
    Ok(outcome)
}

/// Fits and measures all caches on all traces, prints the table, and returns the capacities by trace.
fn compare() -> io::Result<Vec<[usize; 3]>> {
    let mut capacities = [RESIDENT_BYTES; 3];
    let (mut findings, mut fitted) = (Vec::new(), Vec::new());
    for trace in Trace::ALL {
        let mut outcomes = Vec::new();
        for (name, capacity) in NAMES.iter().zip(&mut capacities) {
            let outcome = fit(name, trace, *capacity)?;
            *capacity = outcome.capacity;
            outcomes.push(outcome);
        }
        fitted.push(capacities);
        let mut add = |what: &str, better, decimals, value: fn(&Outcome) -> f64| {
            let measure = format!("{}: {what}", trace.name());
            let values = outcomes.iter().map(value).collect();
            findings.push(Finding::new(measure, better, decimals, values));
        };
        add("hit ratio", Better::More, 4, |outcome| outcome.hit_ratio);
        add("CPU ns a request", Better::Less, 0, |outcome| {
            outcome.cpu_ns
        });
        add("resident MiB", Better::Less, 1, |outcome| {
            outcome.resident_bytes as f64 / 1_048_576.0
        });
    }
    println!("{}\n", machine());
    println!("{}", findings_table(&NAMES.map(str::to_owned), &findings));
    Ok(fitted)
}

fn criterion_benches(fitted: &[[usize; 3]]) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_secs(1))
        .measurement_time(std::time::Duration::from_secs(2))
        .configure_from_args();
    let value = vec![b'v'; VALUE_BYTES_MAX];
    for (trace, capacities) in Trace::ALL.into_iter().zip(fitted) {
        let requests: Vec<Request> = trace
            .requests(RESIDENT_BYTES)
            .take(REQUESTS_TO_WARM)
            .collect();
        let mut group = criterion.benchmark_group(format!("trace/{}", trace.name()));
        for (name, &capacity) in NAMES.into_iter().zip(capacities) {
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                let cache = cache(name, capacity);
                let one = |request: &Request| cache.request(request, &value[..request.value_bytes]);
                for request in &requests {
                    one(request);
                }
                let mut next = requests.iter().cycle();
                bencher.iter(|| next.next().map(one));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = if let ["measure", name, trace, capacity] = words[..] {
        let trace = Trace::ALL.into_iter().find(|known| known.name() == trace);
        match trace.zip(capacity.parse().ok()) {
            Some((trace, capacity)) => measure(name, trace, capacity),
            None => Err(io::Error::other("no such trace or capacity")),
        }
    } else if words.contains(&"--test") || words.contains(&"--list") {
        criterion_benches(&[[RESIDENT_BYTES; 3]; Trace::ALL.len()]);
        Ok(())
    } else {
        compare().map(|fitted| criterion_benches(&fitted))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store_traces: {error}");
            ExitCode::FAILURE
        }
    }
}

const NOW: Timestamp = Timestamp::from_secs(10);

/// By how much the process grows with any of the caches.
const RESIDENT_BYTES: usize = 64 << 20;

const VALUE_BYTES_MAX: usize = 60_000;
const REQUESTS_TO_WARM: usize = 1_000_000;
const REQUESTS: usize = 1_000_000;
const FITS_MAX: usize = 3;
