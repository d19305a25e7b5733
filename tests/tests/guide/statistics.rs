//! What the caches tell of themselves: `echo stats | nc`, as in the guide.

use std::time::{SystemTime, UNIX_EPOCH};

use steadfast_tests::cache::{Cache, Stats};
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::{ensure, guide, process};

use crate::scene::{Scene, visits_go_on};

pub(crate) fn check(checks: &mut Checks, scene: &mut Scene) -> Outcome {
    let mut at_home = [
        (scene.visitor_at_home(0)?, 0),
        (scene.visitor_at_home(1)?, 0),
    ];
    for (browser, seen) in &mut at_home {
        *seen = visits_go_on(browser, *seen, 1)?;
    }
    for (index, cache) in scene.caches.iter().enumerate() {
        let name = format!("cache{}", index + 1);
        checks.run(
            &format!("stats of {name} have every name of the guide's listing"),
            || {
                let stats = cache.stats()?;
                guide::stat_names().try_for_each(|name| stats.text(name).map(drop))
            },
        );
        checks.run(&format!("stats of {name} have believable values"), || {
            believable(&cache.stats()?, cache)
        });
        checks.run(&format!("{name} runs as the user it was given"), || {
            let user = process::user_of(cache.pid()?)?;
            ensure!(
                user == cache.user(),
                "it runs as {user}, not {}",
                cache.user()
            );
            Ok(())
        });
    }
    for (home, (browser, seen)) in at_home.iter_mut().enumerate() {
        let name = format!(
            "visits read the session's home, cache{}, and write both caches",
            home + 1
        );
        checks.run(&name, || {
            const VISITS: u32 = 3;
            let before = [scene.caches[0].stats()?, scene.caches[1].stats()?];
            *seen = visits_go_on(browser, *seen, VISITS)?;
            let after = [scene.caches[0].stats()?, scene.caches[1].stats()?];
            let grown = |cache: usize, name: &str| -> Outcome<u64> {
                Ok(after[cache].number(name)? - before[cache].number(name)?)
            };
            let away = 1 - home;
            let visits = u64::from(VISITS);
            // A visit: incr of the lock, add of the lock (refused, but counted as a set), get of the
            // data at home; then a set of both everywhere.
            for (cache, name, expected) in [
                (home, "incr_hits", visits),
                (home, "cmd_get", visits),
                (home, "get_hits", visits),
                (home, "cmd_set", 3 * visits),
                (away, "cmd_get", 0),
                (away, "cmd_set", 2 * visits),
            ] {
                let found = grown(cache, name)?;
                ensure!(
                    found == expected,
                    "{visits} visits: {name} of cache{} grew by {found}, not {expected}",
                    cache + 1
                );
            }
            Ok(())
        });
    }
    Ok(())
}

/// Looks at every value of the guide's listing that can be foretold.
fn believable(stats: &Stats, cache: &Cache) -> Outcome {
    let between = |name: &str, least: u64, most: u64| {
        let value = stats.number(name)?;
        ensure!(
            (least..=most).contains(&value),
            "STAT {name} {value} is not in {least}..={most}"
        );
        Ok(())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now
        .map_err(|error| Failure::new(error.to_string()))?
        .as_secs();
    let pid = u64::from(cache.pid()?);
    between("pid", pid, pid)?;
    between("uptime", 0, 300)?;
    between("time", now - 2, now + 2)?;
    between("limit_maxbytes", 268_435_456, 268_435_456)?;
    between(
        "pointer_size",
        u64::from(usize::BITS),
        u64::from(usize::BITS),
    )?;
    between("accepting_conns", 1, 1)?;
    between("threads", 1, 64)?;
    between("curr_connections", 1, 1024)?;
    between(
        "total_connections",
        stats.number("curr_connections")?,
        u64::MAX,
    )?;
    between("connection_structures", 1, 1024)?;
    between("hash_power_level", 1, 40)?;
    // Data and lock of at least one session.
    between("curr_items", 2, stats.number("total_items")?)?;
    let gets = stats.number("get_hits")? + stats.number("get_misses")?;
    between("cmd_get", gets, gets)?;
    COUNTED
        .iter()
        .try_for_each(|name| between(name, 1, u64::MAX))?;
    UNTOUCHED.iter().try_for_each(|name| between(name, 0, 0))?;
    FREE.iter()
        .try_for_each(|name| between(name, 0, u64::MAX))?;
    for name in ["rusage_user", "rusage_system"] {
        let text = stats.text(name)?;
        let seconds = text.split_once('.').filter(|(_, micros)| micros.len() == 6);
        ensure!(
            seconds.is_some() && text.parse::<f64>().is_ok(),
            "STAT {name} {text}"
        );
    }
    // Clients read three numbers at the beginning.
    let version = stats.text("version")?;
    let numbers = version
        .split(['.', '-'])
        .take(3)
        .filter(|part| part.parse::<u32>().is_ok());
    ensure!(
        numbers.count() == 3,
        "STAT version {version} does not begin as 1.6.18 does"
    );
    Ok(())
}

/// What visits make grow.
const COUNTED: &[&str] = &[
    "cmd_get",
    "cmd_set",
    "get_hits",
    "incr_misses",
    "incr_hits",
    "bytes_read",
    "bytes_written",
    "hash_bytes",
    "bytes",
    "total_items",
];

/// What sessions never use, and what nearly empty caches never do.
const UNTOUCHED: &[&str] = &[
    "cmd_flush",
    "cmd_touch",
    "delete_hits",
    "delete_misses",
    "decr_hits",
    "decr_misses",
    "cas_hits",
    "cas_misses",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "auth_cmds",
    "auth_errors",
    "listen_disabled_num",
    "hash_is_expanding",
    "evictions",
    "expired_unfetched",
    "evicted_unfetched",
    "reclaimed",
];

/// Numbers of which nothing can be foretold.
const FREE: &[&str] = &["conn_yields", "reserved_fds"];
