//! How often the store has what it is asked for, by order of eviction: the evidence for its default.
//!
//! `cargo run --release -p steadfast-benches --bin hit-ratio` replays the traces on the store alone,
//! without a server; the same requests in each run.

use std::process::ExitCode;

use steadfast_benches::keys::key;
use steadfast_benches::trace::{Request, Trace, VALUE_BYTES, zipf};
use steadfast_store::{Attributes, Condition, Eviction, NewItem, Settings, Store, Timestamp};

const USAGE: &str = "usage: hit-ratio [MEMORY_MIB [REQUESTS]]    (default: 16 2000000)";
const ORDERS: [(&str, Eviction); 2] = [
    ("scan-resistant", Eviction::ScanResistant),
    ("exact LRU", Eviction::ExactLru),
];
const DRIFT_BYTES: usize = 300;
const DRIFT_STEPS: usize = 8;
/// No trace has larger ones.
const VALUE_BYTES_MAX: usize = 64 << 10;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse());
    let memory_mib = numbers.next().unwrap_or(Ok(16));
    let requests = numbers.next().unwrap_or(Ok(2_000_000));
    let (Ok(memory_mib), Ok(requests), None) = (memory_mib, requests, numbers.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let memory_bytes: usize = memory_mib << 20;
    println!("{memory_mib} MiB, {requests} requests, hits in the second half");
    print!("{:16}", "");
    for trace in Trace::ALL {
        print!("{:>10}", trace.name());
    }
    println!("{:>10}", "items");
    for (name, order) in ORDERS {
        print!("{name:16}");
        let mut items = 0;
        for trace in Trace::ALL {
            let mut cache = Cache::new(memory_bytes, order);
            let mut all = trace.requests(memory_bytes);
            cache.replay(&mut all, requests / 2);
            print!("{:10.4}", cache.replay(&mut all, requests / 2));
            items = items.max(cache.store.stats().items);
        }
        println!("{items:10}");
    }
    println!(
        "\nvalues of {VALUE_BYTES} bytes, then of {DRIFT_BYTES}: hits in each eighth after that"
    );
    for (name, order) in ORDERS {
        let count = 10 * memory_bytes / VALUE_BYTES;
        let mut cache = Cache::new(memory_bytes, order);
        cache.replay(&mut *zipf(count, 0.99, |_| VALUE_BYTES), requests / 2);
        drift(name, cache, count, requests);
        drift("  fresh", Cache::new(memory_bytes, order), count, requests);
    }
    ExitCode::SUCCESS
}

fn drift(name: &str, mut cache: Cache, count: usize, requests: usize) {
    // Other keys: the old items are of no more use.
    let mut all = zipf(count, 0.99, |_| DRIFT_BYTES).map(|request| Request {
        key: request.key | 1 << 41,
        ..request
    });
    print!("{name:16}");
    for _ in 0..DRIFT_STEPS {
        print!("{:8.4}", cache.replay(&mut all, requests / DRIFT_STEPS));
    }
    println!();
}

/// A store that is read through.
struct Cache {
    store: Store,
    value: Vec<u8>,
}

impl Cache {
    fn new(memory_bytes: usize, order: Eviction) -> Self {
        let mut settings = Settings::default();
        settings.memory_bytes_max = memory_bytes;
        settings.stripes = 4;
        settings.order = order;
        Self {
            store: Store::new(settings).expect("the settings are valid"),
            value: vec![b'v'; VALUE_BYTES_MAX],
        }
    }

    /// Returns the share of hits in that many requests.
    fn replay(&mut self, requests: &mut dyn Iterator<Item = Request>, count: usize) -> f64 {
        let now = Timestamp::from_secs(10);
        let mut hits = 0;
        for request in requests.take(count) {
            let key = key(request.key);
            let is_hit = self.store.read(&key, now, |_| ()).hit().is_some();
            hits += usize::from(is_hit);
            if !is_hit || request.saves {
                let value = &self.value[..request.value_bytes];
                let item = NewItem::new(value, Attributes::default());
                let stored = self.store.put(&key, item, Condition::Always, now);
                let _outcome = stored.expect("old items make room");
            }
        }
        hits as f64 / count as f64
    }
}
