//! `steadfast ring diff`: what moves between two lists, and which rule is another.

mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use steadfast_ring::{Basis, Ring};

use super::Failure;
use super::explain::{named, rules as rules_of};
use super::options::DiffOptions;
use super::picture;
use super::shares;
use super::table::{Table, percent};
use super::target::Target;

/// What moves from each node to each other.
#[derive(Debug)]
pub(crate) struct Moves {
    /// From an index of the old list to one of the new, and the share of all keys; largest first.
    pub(crate) moves: Vec<(usize, usize, f64)>,
    /// The share of all keys that move.
    pub(crate) moved: f64,
    pub(crate) basis: Basis,
}

/// Prints what moves, and draws it if asked to.
pub(crate) fn run(options: &DiffOptions) -> Result<(), Failure> {
    let read = |text: &str| {
        let (pool, dialect) = (options.pool.as_deref(), options.dialect.as_deref());
        Target::of_text(text, pool, dialect, &options.rules)
    };
    let (old, new) = (read(&options.old)?, read(&options.new)?);
    let moves = moves(&old, &new);
    if let Some(file) = &options.svg {
        picture::write(file, &picture::of_moves(&old, &new, &moves))?;
    }
    io::stdout()
        .lock()
        .write_all(told(&old, &new, &moves).as_bytes())?;
    Ok(())
}

fn told(old: &Target, new: &Target, moves: &Moves) -> String {
    let mut told = format!("Old: {}\nNew: {}\n\n", rules_of(old), rules_of(new));
    let differences = rules::differences(old, new);
    match differences.split_first() {
        None => told.push_str("No rule differs.\n"),
        Some((first, others)) => {
            let _ = writeln!(told, "The first rule that differs: {first}");
            for other in others.iter().take(RULES_SHOWN_MAX) {
                let _ = writeln!(told, "Differs as well: {other}");
            }
            if others.len() > RULES_SHOWN_MAX {
                let _ = writeln!(told, "And {} more.", others.len() - RULES_SHOWN_MAX);
            }
        }
    }
    let _ = writeln!(
        told,
        "\n{} of all keys move, {} stay.",
        percent(moves.moved).trim(),
        percent(1.0 - moves.moved).trim()
    );
    if moves.moves.is_empty() {
        return told;
    }
    let mut table = Table::new(&["   share", "from node", "to node"]);
    for &(from, to, share) in moves.moves.iter().take(MOVES_SHOWN_MAX) {
        table.row([percent(share), named(&old.ring, from), named(&new.ring, to)]);
    }
    let _ = write!(told, "{table}");
    if let Some(left) = moves
        .moves
        .len()
        .checked_sub(MOVES_SHOWN_MAX)
        .filter(|&left| left > 0)
    {
        let rest: f64 = moves.moves[MOVES_SHOWN_MAX..]
            .iter()
            .map(|&(_, _, share)| share)
            .sum();
        let _ = writeln!(told, "  {}  in {left} smaller moves", percent(rest));
    }
    told.push_str(&shares::basis(&moves.basis));
    if old.copies > 1 || new.copies > 1 {
        let lost = without_copy(old, new);
        let _ = writeln!(
            told,
            "{} of the keys have no copy left where the client will look: {} copies before, {} after.",
            percent(lost).trim(),
            old.copies,
            new.copies
        );
    }
    told
}

/// What moves. Exact where both lists ask in the same way, else counted with made-up ids.
pub(crate) fn moves(old: &Target, new: &Target) -> Moves {
    let is_same_way = old.ring.dialect() == new.ring.dialect()
        && old.order == new.order
        && old.pool.prefix == new.pool.prefix
        && old.pool.salt == new.pool.salt
        && old.pool.hash_tag == new.pool.hash_tag;
    if is_same_way {
        let diff = steadfast_ring::diff(&old.ring, &new.ring);
        let moves = diff
            .moves()
            .iter()
            .map(|step| (step.from, step.to, step.share));
        return Moves {
            moves: moves.collect(),
            moved: diff.moved(),
            basis: diff.basis(),
        };
    }
    counted(old, new)
}

fn counted(old: &Target, new: &Target) -> Moves {
    let same = same_nodes(&old.ring, &new.ring);
    let mut counts = BTreeMap::new();
    for_sample(|id| {
        let home = |target: &Target| {
            let key = target.key_of(id, &mut Vec::new()).to_vec();
            target.ring.replicas(&key, target.order, 1)[0].index()
        };
        let (from, to) = (home(old), home(new));
        if same[from] != Some(to) {
            *counts.entry((from, to)).or_insert(0_u32) += 1;
        }
    });
    let share = |count: u32| f64::from(count) / f64::from(SAMPLE_KEYS);
    let mut moves: Vec<_> = counts
        .into_iter()
        .map(|((from, to), count)| (from, to, share(count)))
        .collect();
    moves.sort_by(|one, other| other.2.total_cmp(&one.2));
    Moves {
        moved: moves.iter().map(|&(_, _, share)| share).sum(),
        moves,
        basis: Basis::Sampled { keys: SAMPLE_KEYS },
    }
}

/// The share of keys none of whose copies are where the client of the new list looks.
fn without_copy(old: &Target, new: &Target) -> f64 {
    let same = same_nodes(&old.ring, &new.ring);
    let mut lost = 0_u32;
    let (mut old_room, mut new_room) = (Vec::new(), Vec::new());
    for_sample(|id| {
        let asked = new
            .ring
            .replicas(new.key_of(id, &mut new_room), new.order, new.copies);
        let kept = old
            .ring
            .replicas(old.key_of(id, &mut old_room), old.order, old.copies);
        let is_found = |index: usize| {
            asked
                .iter()
                .any(|member| same[index] == Some(member.index()))
        };
        lost += u32::from(!kept.iter().any(|member| is_found(member.index())));
    });
    f64::from(lost) / f64::from(SAMPLE_KEYS)
}

/// For each node of the old list its index in the new, by address.
pub(crate) fn same_nodes(old: &Ring<()>, new: &Ring<()>) -> Vec<Option<usize>> {
    let known: BTreeMap<_, _> = new
        .members()
        .iter()
        .map(|member| (member.address(), member.index()))
        .collect();
    let found = old
        .members()
        .iter()
        .map(|member| known.get(member.address()).copied());
    found.collect()
}

/// Gives made-up session ids, the same ones every time.
fn for_sample(mut take: impl FnMut(&[u8])) {
    let mut id = [0; ID_BYTES];
    let mut state = 0_u64;
    for _ in 0..SAMPLE_KEYS {
        for part in id.chunks_mut(13) {
            // splitmix64, which is enough to be even.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
            for byte in part {
                *byte = ID_LETTERS[(bits & 31) as usize];
                bits >>= 5;
            }
        }
        take(&id);
    }
}

/// How many moves are listed before the rest is summed up.
const MOVES_SHOWN_MAX: usize = 40;

/// How many rules that differ are named.
const RULES_SHOWN_MAX: usize = 20;

const SAMPLE_KEYS: u32 = 100_000;

/// PHP's ids: 26 letters of 5 bits.
const ID_BYTES: usize = 26;
const ID_LETTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
