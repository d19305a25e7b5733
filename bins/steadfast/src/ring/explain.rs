//! `steadfast ring where`: one key, in words.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use steadfast_ring::{Dialect, Member, Order, Ring};

use super::Failure;
use super::fault::Fault;
use super::keys;
use super::options::WhereOptions;
use super::table::Table;
use super::target::Target;

/// Says where the key lives and why.
pub(crate) fn run(options: &WhereOptions) -> Result<(), Failure> {
    let target = Target::of_source(&options.source)?;
    let key = options.key.as_bytes();
    if let Err((at, message)) = keys::check(key, target.pool.prefix.len()) {
        let before = options.key.get(..at).unwrap_or_default();
        let column = before.chars().count() + 1;
        return Err(Fault::of_file("KEY", format!("column {column}: {message}")).into());
    }
    io::stdout()
        .lock()
        .write_all(told(&target, key).as_bytes())?;
    Ok(())
}

fn told(target: &Target, key: &[u8]) -> String {
    let mut room = Vec::new();
    let asked = target.key_of(key, &mut room);
    let explanation = target.ring.explain(asked, target.order, target.copies);
    let mut told = String::new();
    let shown = key.escape_ascii();
    let mut copies = explanation.steps().iter().filter(|step| step.is_new);
    let home = copies.next().expect("every key has a home");
    let _ = writeln!(
        told,
        "{shown} lives on node {}.",
        named(&target.ring, home.index)
    );
    for (number, step) in copies.enumerate() {
        let _ = writeln!(
            told,
            "Copy {} is on node {}.",
            number + 2,
            named(&target.ring, step.index)
        );
    }
    let found = explanation
        .steps()
        .iter()
        .filter(|step| step.is_new)
        .count();
    if found < target.copies.min(target.ring.members().len()) {
        let _ = writeln!(
            told,
            "The client looks for {} copies and finds no more than {found}: it gives up.",
            target.copies
        );
    }
    if let Some(lock) = lock_of(target, key) {
        let lock = target.key_of(&lock, &mut room);
        let lock_home = target.ring.owner(lock).index();
        let shown = lock.escape_ascii();
        let _ = writeln!(
            told,
            "Its lock, hashed as {shown}, is on node {}.",
            named(&target.ring, lock_home)
        );
    }
    let _ = writeln!(told, "\nRules: {}", rules(target));
    let mut table = Table::new(&["what is hashed", "where that leads", "node", ""]);
    let mut found = 0;
    for step in explanation.steps() {
        found += usize::from(step.is_new);
        let what = match (step.is_new, found) {
            (false, _) => "has a copy already".into(),
            (true, 1) => "home".into(),
            (true, copy) => format!("copy {copy}"),
        };
        table.row([
            step.hashed.escape_ascii().to_string(),
            step.spot.to_string(),
            named(&target.ring, step.index),
            what,
        ]);
    }
    told + "\n" + &table.to_string()
}

/// The key by which php-memcached places the lock of a session: not that of the session itself.
fn lock_of(target: &Target, key: &[u8]) -> Option<Vec<u8>> {
    let dialect = target.ring.dialect();
    let is_session = target.order == Order::Session && dialect.family() == PHP_MEMCACHED_FAMILY;
    is_session.then(|| [b"lock.", key].concat())
}

/// The rules that count, in a line.
pub(crate) fn rules(target: &Target) -> String {
    let mut rules = target.ring.dialect().to_string();
    let list = match target.order {
        Order::Pool => "the pool's list",
        Order::Session => "the list of PHP's sessions",
    };
    let copies = match target.copies {
        1 => "1 copy".into(),
        copies => format!("{copies} copies"),
    };
    let _ = write!(rules, ", {list}, {copies}");
    for (what, text) in [("prefix", &target.pool.prefix), ("salt", &target.pool.salt)] {
        if !text.is_empty() {
            let _ = write!(rules, ", {what} {text:?}");
        }
    }
    if let Some([open, close]) = target.pool.hash_tag {
        let _ = write!(
            rules,
            ", hash tag {}{}",
            open.escape_ascii(),
            close.escape_ascii()
        );
    }
    let nodes = match target.ring.members().len() {
        1 => "1 node".into(),
        nodes => format!("{nodes} nodes"),
    };
    let _ = write!(rules, " ({nodes} from {})", target.pool.origin);
    rules
}

/// A node as index, address and name: `1, 10.0.0.95:11211`.
pub(crate) fn named(ring: &Ring<()>, index: usize) -> String {
    let member: &Member<()> = &ring.members()[index];
    match member.alias() {
        Some(alias) => format!("{index}, {} ({alias})", member.address()),
        None => format!("{index}, {}", member.address()),
    }
}

/// Whether a change of the nodes' order alone moves keys.
pub(crate) fn minds_order(dialect: Dialect) -> bool {
    match dialect.family() {
        // It sorts its servers by name.
        "twemproxy" => false,
        // The nodes take turns in filling the table.
        "maglev" => true,
        _ => dialect.only_appends() || !dialect.is_consistent(),
    }
}

const PHP_MEMCACHED_FAMILY: &str = "libmemcached";
