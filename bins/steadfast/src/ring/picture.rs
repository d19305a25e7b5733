//! Rings as pictures: SVG with nothing from outside, for light and dark pages.

mod bands;
mod canvas;

use std::fs;
use std::path::Path;

use steadfast_ring::Shares;

use super::Failure;
use super::difference::{Moves, same_nodes};
use super::explain::rules;
use super::shares::{basis, fair_share};
use super::table::percent;
use super::target::Target;
use bands::{moved, spans};
use canvas::{Band, Canvas};

/// Writes a picture.
pub(crate) fn write(file: &Path, picture: &str) -> Result<(), Failure> {
    fs::write(file, picture).map_err(|error| {
        let told = format!("{}: {error}", file.display());
        Failure::Output(std::io::Error::new(error.kind(), told))
    })
}

/// The ring with its arcs and the share of each node.
pub(crate) fn of_shares(target: &Target) -> String {
    let ring = &target.ring;
    let shares = ring.shares();
    let rows = ring.members().len().min(ROWS_MAX + 1);
    let mut canvas = Canvas::new(rows as f64 * ROW_HEIGHT + LIST_TOP);
    canvas.title(&ring.dialect().to_string(), &rules(target));
    let spans = spans(ring, &shares);
    let colours = |index: usize| index;
    canvas.band(Band::OUTER_WIDE, &spans, colours);
    canvas.ticks(ring, Band::OUTER_WIDE);
    canvas.middle(&ring.members().len().to_string(), "nodes");
    canvas.head(&["share", "fair", "weight"]);
    let largest = (0..ring.members().len())
        .map(|index| shares.of(index))
        .fold(0.0, f64::max);
    for member in ring.members().iter().take(ROWS_MAX) {
        let index = member.index();
        let cells = [
            percent(shares.of(index)),
            percent(fair_share(ring, index)),
            member.weight().to_string(),
        ];
        canvas.node_row(index, &format!("{index}  {}", name(target, index)), &cells);
        canvas.bar(
            index,
            shares.of(index) / largest,
            fair_share(ring, index) / largest,
        );
        canvas.next_row();
    }
    canvas.left_out(ring.members().len(), ROWS_MAX, "nodes");
    canvas.note(&format!(
        "{} {}",
        basis(&shares.basis()).trim_end(),
        what_is_drawn(target)
    ));
    canvas.finish()
}

/// Both rings, the new one outside, and between them what moves.
pub(crate) fn of_moves(old: &Target, new: &Target, moves: &Moves) -> String {
    let same = same_nodes(&old.ring, &new.ring);
    // A node has one colour in both lists; those that go get what is left.
    let mut next = new.ring.members().len();
    let old_colours: Vec<usize> = same
        .iter()
        .map(|index| {
            index.unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let node_rows = next.min(NODE_ROWS_MAX + 1);
    let move_rows = moves.moves.len().min(MOVE_ROWS_MAX + 1);
    let mut canvas = Canvas::new((node_rows + move_rows + 2) as f64 * ROW_HEIGHT + LIST_TOP);
    let title = format!("{} of all keys move", percent(moves.moved).trim());
    canvas.title(
        &title,
        &format!("old, inside: {}\nnew, outside: {}", rules(old), rules(new)),
    );
    let (before, after) = (old.ring.shares(), new.ring.shares());
    let (inner, outer) = (spans(&old.ring, &before), spans(&new.ring, &after));
    canvas.band(Band::OUTER, &outer, |index| index);
    canvas.band(Band::INNER, &inner, |index| old_colours[index]);
    let space = |target: &Target| target.ring.circle().map(|circle| circle.space());
    // Lists of other lengths, taken as a remainder, have no angle in common.
    let is_one_circle = old.ring.dialect() == new.ring.dialect()
        && space(old).is_some()
        && space(old) == space(new);
    if is_one_circle {
        canvas.moved_band(&moved(&inner, &outer, &same));
    }
    canvas.middle(percent(moves.moved).trim(), "move");
    node_list(&mut canvas, (old, &before), (new, &after), &old_colours);
    move_list(&mut canvas, old, new, moves, &old_colours);
    let between = if is_one_circle {
        " Between the rings: what moves."
    } else {
        ""
    };
    canvas.note(&format!(
        "{}{between} {}",
        basis(&moves.basis).trim_end(),
        what_is_drawn(new)
    ));
    canvas.finish()
}

/// Lists the nodes of both rings: all in the order of the new list, or those that change most.
fn node_list(
    canvas: &mut Canvas,
    (old, before): (&Target, &Shares),
    (new, after): (&Target, &Shares),
    old_colours: &[usize],
) {
    canvas.head(&["before", "after", ""]);
    let new_nodes = new.ring.members().len();
    let last = old_colours.iter().copied().max().map_or(0, |most| most + 1);
    let mut rows: Vec<_> = (0..last.max(new_nodes))
        .map(|colour| {
            let old_index = old_colours.iter().position(|&known| known == colour);
            let new_index = Some(colour).filter(|&index| index < new_nodes);
            let (was, is) = (
                old_index.map(|at| before.of(at)),
                new_index.map(|at| after.of(at)),
            );
            let label = match (new_index, old_index) {
                (Some(index), _) => name(new, index),
                (None, index) => index.map_or_else(String::new, |index| name(old, index)),
            };
            (colour, label, was, is)
        })
        .collect();
    if rows.len() > NODE_ROWS_MAX {
        let change = |was: Option<f64>, is: Option<f64>| {
            (was.unwrap_or_default() - is.unwrap_or_default()).abs()
        };
        rows.sort_by(|one, other| change(other.2, other.3).total_cmp(&change(one.2, one.3)));
    }
    for (colour, label, was, is) in rows.iter().take(NODE_ROWS_MAX) {
        let share = |share: &Option<f64>| share.map_or_else(|| "–".into(), percent);
        canvas.node_row(*colour, label, &[share(was), share(is), String::new()]);
        canvas.next_row();
    }
    canvas.left_out(rows.len(), NODE_ROWS_MAX, "nodes");
}

fn move_list(canvas: &mut Canvas, old: &Target, new: &Target, moves: &Moves, colours: &[usize]) {
    if moves.moves.is_empty() {
        return;
    }
    canvas.next_row();
    canvas.subhead("moves, largest first");
    let largest = moves.moves[0].2;
    for &(from, to, share) in moves.moves.iter().take(MOVE_ROWS_MAX) {
        let label = format!("{} → {}", name(old, from), name(new, to));
        canvas.move_row(colours[from], to, &label, &percent(share), share / largest);
        canvas.next_row();
    }
    canvas.left_out(moves.moves.len(), MOVE_ROWS_MAX, "moves");
}

fn name(target: &Target, index: usize) -> String {
    let member = &target.ring.members()[index];
    member.alias().unwrap_or_else(|| member.address()).into()
}

fn what_is_drawn(target: &Target) -> &'static str {
    if target.ring.circle().is_some() {
        "The circle begins at the top and runs with the clock."
    } else {
        "These rules know no circle: a sector is as wide as its node's share."
    }
}

/// How many nodes are listed beside one ring.
const ROWS_MAX: usize = 24;
/// How many nodes, and how many moves, are listed beside two.
const NODE_ROWS_MAX: usize = 12;
const MOVE_ROWS_MAX: usize = 14;

const ROW_HEIGHT: f64 = canvas::ROW_HEIGHT;
const LIST_TOP: f64 = 170.0;

#[cfg(test)]
mod tests;
