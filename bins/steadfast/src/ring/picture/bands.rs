//! Which part of a circle is whose.

use steadfast_ring::{Ring, Shares};

/// A part of the circle, from 0 to 1 with the clock, and the index of its node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) index: usize,
}

/// The whole circle: the arcs of the ring, neighbours of one node as one; a sector for the share of
/// each node where the ring has no circle.
///
/// More arcs than an eye can tell apart become a sample at even angles.
pub(super) fn spans(ring: &Ring<()>, shares: &Shares) -> Vec<Span> {
    let Some(circle) = ring.circle() else {
        let mut start = 0.0;
        let sectors = (0..ring.members().len()).map(|index| {
            let end = start + shares.of(index);
            let span = Span { start, end, index };
            start = end;
            span
        });
        return sectors.collect();
    };
    let space = circle.space() as f64;
    let arcs = circle.arcs().iter().map(|arc| Span {
        start: arc.start as f64 / space,
        end: arc.end as f64 / space,
        index: arc.index,
    });
    let spans = merged(arcs);
    if spans.len() <= SPANS_MAX {
        return spans;
    }
    let mut at = 0;
    merged((0..SPANS_MAX).map(|step| {
        let start = step as f64 / SPANS_MAX as f64;
        let end = (step + 1) as f64 / SPANS_MAX as f64;
        let middle = f64::midpoint(start, end);
        while at + 1 < spans.len() && spans[at].end <= middle {
            at += 1;
        }
        Span {
            start,
            end,
            index: spans[at].index,
        }
    }))
}

/// The parts of the circle whose node is another in `new` than in `old`. `same` has for each old
/// index the new one of the same node.
pub(super) fn moved(old: &[Span], new: &[Span], same: &[Option<usize>]) -> Vec<Span> {
    let mut moved = Vec::new();
    let (mut before, mut after) = (old.iter().peekable(), new.iter().peekable());
    let mut start = 0.0;
    while let (Some(from), Some(to)) = (before.peek(), after.peek()) {
        let end = from.end.min(to.end);
        if same[from.index] != Some(to.index) && end > start {
            moved.push(Span {
                start,
                end,
                index: 0,
            });
        }
        start = end;
        let (is_from_done, is_to_done) = (from.end <= end, to.end <= end);
        if is_from_done {
            before.next();
        }
        if is_to_done {
            after.next();
        }
    }
    merged(moved.into_iter())
}

/// Joins neighbours of one node.
fn merged(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.index == span.index && last.end >= span.start => last.end = span.end,
            _ => merged.push(span),
        }
    }
    merged
}

/// An eighth of a degree: half a pixel at the ring's radius.
const SPANS_MAX: usize = 2880;

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, end: f64, index: usize) -> Span {
        Span { start, end, index }
    }

    #[test]
    fn what_moved_is_where_the_node_is_another() {
        let old = [span(0.0, 0.5, 0), span(0.5, 1.0, 1)];
        let new = [span(0.0, 0.25, 1), span(0.25, 0.75, 0), span(0.75, 1.0, 2)];
        // The old node 0 is the new 1, the old 1 is the new 0.
        let found = moved(&old, &new, &[Some(1), Some(0)]);
        assert_eq!(found, [span(0.25, 0.5, 0), span(0.75, 1.0, 0)]);
        assert_eq!(moved(&old, &old, &[Some(0), Some(1)]), []);
        assert_eq!(moved(&old, &old, &[None, None]), [span(0.0, 1.0, 0)]);
    }
}
