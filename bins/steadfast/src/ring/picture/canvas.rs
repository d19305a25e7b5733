//! The marks on the page: where they stand and how they look.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use steadfast_ring::Ring;

use super::bands::Span;

/// A picture being drawn: the ring on the left, a list on the right that grows downwards.
#[derive(Debug)]
pub(super) struct Canvas {
    svg: String,
    height: f64,
    y: f64,
}

/// A ring between two radii.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    outside: f64,
    inside: f64,
}

impl Band {
    pub(super) const OUTER_WIDE: Self = Self::new(215.0, 150.0);
    pub(super) const OUTER: Self = Self::new(215.0, 177.0);
    const BETWEEN: Self = Self::new(172.0, 158.0);
    pub(super) const INNER: Self = Self::new(153.0, 115.0);

    const fn new(outside: f64, inside: f64) -> Self {
        Self { outside, inside }
    }
}

impl Canvas {
    /// An empty page, at least so high.
    pub(super) fn new(height: f64) -> Self {
        let height = height.max(HEIGHT_MIN);
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n<style>{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
        );
        Self {
            svg,
            height,
            y: 0.0,
        }
    }

    /// A headline, and lines of explanation below it.
    pub(super) fn title(&mut self, title: &str, lines: &str) {
        let _ = writeln!(self.svg, "<title>{}</title>", escaped(title));
        self.text("title", MARGIN, 40.0, title);
        for (number, line) in lines.lines().enumerate() {
            self.text("dim", MARGIN, 62.0 + 18.0 * number as f64, &cut(line, 140));
        }
        self.y = 118.0;
    }

    /// Draws the parts of a circle, each in its node's colour; one path a colour.
    pub(super) fn band(&mut self, band: Band, spans: &[Span], colour: impl Fn(usize) -> usize) {
        let mut paths: Vec<(usize, String)> = Vec::new();
        for span in spans {
            let wanted = colour(span.index);
            let known = paths.iter().position(|(known, _)| *known == wanted);
            let at = known.unwrap_or_else(|| {
                paths.push((wanted, String::new()));
                paths.len() - 1
            });
            sector(&mut paths[at].1, band, span);
        }
        for (wanted, path) in paths {
            let _ = writeln!(self.svg, "<path fill=\"{}\" d=\"{path}\"/>", paint(wanted));
        }
    }

    /// Marks between the two rings what moves.
    pub(super) fn moved_band(&mut self, spans: &[Span]) {
        let whole = Span {
            start: 0.0,
            end: 1.0,
            index: 0,
        };
        for (class, spans) in [("track", &[whole][..]), ("moved", spans)] {
            let mut path = String::new();
            for span in spans {
                sector(&mut path, Band::BETWEEN, span);
            }
            let _ = writeln!(self.svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// A line at each point of the ring, unless there are too many to see.
    pub(super) fn ticks(&mut self, ring: &Ring<()>, band: Band) {
        let Some(circle) = ring
            .circle()
            .filter(|circle| circle.arcs().len() <= TICKS_MAX)
        else {
            return;
        };
        let mut path = String::new();
        for arc in circle.arcs() {
            let turn = arc.end as f64 / circle.space() as f64;
            let ((x, y), (to_x, to_y)) =
                (at(band.outside + 2.0, turn), at(band.outside + 9.0, turn));
            let _ = write!(path, "M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}");
        }
        let _ = writeln!(self.svg, "<path class=\"tick\" d=\"{path}\"/>");
    }

    /// Words in the middle of the ring.
    pub(super) fn middle(&mut self, large: &str, small: &str) {
        self.text("large", CENTRE.0, CENTRE.1 + 8.0, large);
        self.text("small", CENTRE.0, CENTRE.1 + 32.0, small);
    }

    /// The heads of the list's three columns.
    pub(super) fn head(&mut self, columns: &[&str; 3]) {
        for (column, x) in columns.iter().zip(COLUMNS) {
            self.text("dim end", x, self.y, column);
        }
        self.next_row();
    }

    pub(super) fn subhead(&mut self, text: &str) {
        self.text("dim", LIST_LEFT, self.y, text);
        self.next_row();
    }

    pub(super) fn node_row(&mut self, colour: usize, label: &str, cells: &[String; 3]) {
        self.swatch(colour, LIST_LEFT);
        self.text("", LIST_LEFT + 20.0, self.y, &cut(label, 30));
        for (cell, x) in cells.iter().zip(COLUMNS) {
            self.text("end", x, self.y, cell.trim());
        }
    }

    /// A bar beside a row, and a mark where it would end if shares followed the weights.
    pub(super) fn bar(&mut self, colour: usize, part: f64, fair: f64) {
        let (y, left) = (self.y - 10.0, BAR_LEFT);
        let _ = writeln!(
            self.svg,
            "<rect fill=\"{}\" x=\"{left}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\"/>\
             <path class=\"tick\" d=\"M{:.1} {:.1}v16\"/>",
            paint(colour),
            BAR_WIDTH * part,
            left + BAR_WIDTH * fair.min(1.2),
            y - 2.0,
        );
    }

    pub(super) fn move_row(&mut self, from: usize, to: usize, label: &str, share: &str, part: f64) {
        self.swatch(from, LIST_LEFT);
        self.swatch(to, LIST_LEFT + 18.0);
        self.text("", LIST_LEFT + 38.0, self.y, &cut(label, 44));
        self.text("end", MOVE_SHARE, self.y, share.trim());
        let _ = writeln!(
            self.svg,
            "<rect class=\"moved\" x=\"{BAR_LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\"/>",
            self.y - 10.0,
            BAR_WIDTH * part,
        );
    }

    pub(super) fn next_row(&mut self) {
        self.y += ROW_HEIGHT;
    }

    /// Says how many rows are not listed.
    pub(super) fn left_out(&mut self, all: usize, listed: usize, what: &str) {
        if all > listed {
            self.text(
                "dim",
                LIST_LEFT + 20.0,
                self.y,
                &format!("and {} {what} more", all - listed),
            );
            self.next_row();
        }
    }

    /// A line at the foot of the page.
    pub(super) fn note(&mut self, text: &str) {
        self.text("dim", MARGIN, self.height - 20.0, text);
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    fn swatch(&mut self, colour: usize, x: f64) {
        let y = self.y - 11.0;
        let fill = paint(colour);
        let _ = writeln!(
            self.svg,
            "<rect fill=\"{fill}\" x=\"{x}\" y=\"{y:.1}\" width=\"13\" height=\"13\" rx=\"3\"/>"
        );
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.svg,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        );
    }
}

/// Adds the outline of a part of a ring.
fn sector(path: &mut String, band: Band, span: &Span) {
    if span.end - span.start > 0.999_999 {
        // An arc from a point to itself is none: two halves.
        let half = f64::midpoint(span.start, span.end);
        sector(path, band, &Span { end: half, ..*span });
        sector(
            path,
            band,
            &Span {
                start: half,
                ..*span
            },
        );
        return;
    }
    let is_large = u8::from(span.end - span.start > 0.5);
    let (outside, inside) = (band.outside, band.inside);
    let (x0, y0) = at(outside, span.start);
    let (x1, y1) = at(outside, span.end);
    let (x2, y2) = at(inside, span.end);
    let (x3, y3) = at(inside, span.start);
    let _ = write!(
        path,
        "M{x0:.2} {y0:.2}A{outside} {outside} 0 {is_large} 1 {x1:.2} {y1:.2}\
         L{x2:.2} {y2:.2}A{inside} {inside} 0 {is_large} 0 {x3:.2} {y3:.2}Z"
    );
}

/// The point at a radius and a part of a turn, from the top with the clock.
fn at(radius: f64, turn: f64) -> (f64, f64) {
    let (sin, cos) = (turn * TAU).sin_cos();
    (CENTRE.0 + radius * sin, CENTRE.1 - radius * cos)
}

/// A colour that is told from its neighbours' on white and on black.
fn paint(colour: usize) -> String {
    PALETTE.get(colour).map_or_else(
        || {
            // Steps of the golden angle never repeat a hue.
            let hue = (colour as f64 * 137.508) % 360.0;
            let light = [58, 45, 70][colour % 3];
            format!("hsl({hue:.0} 55% {light}%)")
        },
        |&colour| colour.into(),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text, its middle left out if it is longer than there is room for.
fn cut(text: &str, chars_max: usize) -> String {
    let chars: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    if chars.len() <= chars_max {
        return chars.into_iter().collect();
    }
    let half = (chars_max - 1) / 2;
    let (head, tail) = (&chars[..half], &chars[chars.len() - half..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

const WIDTH: f64 = 1080.0;
const HEIGHT_MIN: f64 = 600.0;
const MARGIN: f64 = 28.0;
pub(super) const ROW_HEIGHT: f64 = 22.0;
const CENTRE: (f64, f64) = (260.0, 335.0);
const LIST_LEFT: f64 = 520.0;
/// Where the list's three columns end.
const COLUMNS: [f64; 3] = [800.0, 865.0, 920.0];
const MOVE_SHARE: f64 = 920.0;
const BAR_LEFT: f64 = 936.0;
const BAR_WIDTH: f64 = 110.0;

/// More points than that are no more than a grey edge.
const TICKS_MAX: usize = 480;

const PALETTE: [&str; 10] = [
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#ff9da7",
    "#9c755f", "#8f98a3",
];

const STYLE: &str = "\
svg{--ink:#1b1f24;--dim:#59636e;--paper:#fff;--track:#e6eaef;--moved:#cf222e;\
font:13px system-ui,-apple-system,'Segoe UI',sans-serif}\
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--dim:#9aa6b2;--paper:#0d1117;\
--track:#21262d;--moved:#ff7b72}}\
text{fill:var(--ink);white-space:pre}.dim{fill:var(--dim)}.paper{fill:var(--paper)}\
.title{font-size:20px;font-weight:600}.end{text-anchor:end}\
.large{font-size:34px;font-weight:600;text-anchor:middle}\
.small{fill:var(--dim);font-size:14px;text-anchor:middle}\
.track{fill:var(--track)}.moved{fill:var(--moved)}\
.tick{stroke:var(--ink);stroke-width:1;fill:none}";
