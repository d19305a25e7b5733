//! Which rules of two lists differ, in the order in which they decide about a key.

use steadfast_ring::Order;

use super::super::explain::minds_order;
use super::super::target::Target;
use super::same_nodes;

/// Every difference in words; the first is the one to look at.
pub(super) fn differences(old: &Target, new: &Target) -> Vec<String> {
    let mut found = Vec::new();
    let (before, after) = (old.ring.dialect(), new.ring.dialect());
    if before != after {
        found.push(format!("dialect: {before} before, {after} after"));
    }
    for (what, before, after) in [
        ("key prefix", &old.pool.prefix, &new.pool.prefix),
        ("salt", &old.pool.salt, &new.pool.salt),
    ] {
        if before != after {
            found.push(format!("{what}: {before:?} before, {after:?} after"));
        }
    }
    if old.pool.hash_tag != new.pool.hash_tag {
        let shown = |tag: Option<[u8; 2]>| match tag {
            Some(tag) => tag.escape_ascii().to_string(),
            None => "none".into(),
        };
        let (before, after) = (shown(old.pool.hash_tag), shown(new.pool.hash_tag));
        found.push(format!("hash tag: {before} before, {after} after"));
    }
    if old.order != new.order {
        let shown = |order| match order {
            Order::Pool => "the pool's",
            Order::Session => "that of sessions",
        };
        let (before, after) = (shown(old.order), shown(new.order));
        found.push(format!("list of copies: {before} before, {after} after"));
    }
    nodes(old, new, &mut found);
    if old.copies != new.copies {
        let (before, after) = (old.copies, new.copies);
        found.push(format!(
            "copies: {before} before, {after} after (homes stay)"
        ));
    }
    found
}

fn nodes(old: &Target, new: &Target, found: &mut Vec<String>) {
    let (before, after) = (old.ring.members(), new.ring.members());
    let same = same_nodes(&old.ring, &new.ring);
    let is_known = |index: usize| same.contains(&Some(index));
    let gone: Vec<_> = before
        .iter()
        .filter(|member| same[member.index()].is_none())
        .collect();
    let come: Vec<_> = after
        .iter()
        .filter(|member| !is_known(member.index()))
        .collect();
    let list = |members: &[&steadfast_ring::Member<()>]| {
        let names = members
            .iter()
            .take(NODES_SHOWN_MAX)
            .map(|member| member.address());
        let mut list = names.collect::<Vec<_>>().join(", ");
        if members.len() > NODES_SHOWN_MAX {
            list.push_str(&format!(" and {} more", members.len() - NODES_SHOWN_MAX));
        }
        list
    };
    if !gone.is_empty() {
        found.push(format!("nodes: {} before, not after", list(&gone)));
    }
    if !come.is_empty() {
        found.push(format!("nodes: {} after, not before", list(&come)));
    }
    let kept: Vec<usize> = same.iter().flatten().copied().collect();
    if let Some(at) = kept.windows(2).position(|pair| pair[0] > pair[1]) {
        let (one, other) = (&after[kept[at]], &after[kept[at + 1]]);
        let (one, other) = (one.address(), other.address());
        let effect = if minds_order(new.ring.dialect()) {
            "with these rules it counts"
        } else {
            "these rules place without it, but answers of `place` are numbered by it"
        };
        found.push(format!(
            "node order: {one} stands before {other}, after it in the new list ({effect})"
        ));
    }
    for member in before {
        let Some(other) = same[member.index()].map(|index| &after[index]) else {
            continue;
        };
        if member.name() != other.name() {
            let is_port = member.alias().is_none() && other.alias().is_none();
            found.push(format!(
                "{} of {}: hashed as {:?} before, as {:?} after",
                if is_port { "port default" } else { "name" },
                member.address(),
                member.name(),
                other.name()
            ));
        }
        if member.weight() != other.weight() {
            let (before, after) = (member.weight(), other.weight());
            found.push(format!(
                "weight of {}: {before} before, {after} after",
                member.address()
            ));
        }
    }
}

/// Of many nodes a line names only so many.
const NODES_SHOWN_MAX: usize = 8;
