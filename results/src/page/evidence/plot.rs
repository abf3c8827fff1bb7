//! The drawing of a piece of evidence: lanes, bars, bands and the axis.

use maud::{Markup, html};
use polygraph_history::Outcome;
use unicode_width::UnicodeWidthStr;

use super::{Evidence, Shown, clip, outcome, when};
use crate::diagram::{Axis, Edge, Moment, Span};
use crate::page::chart::round;
use crate::page::windows::Window;

/// Texts in the diagram are so wide, in its units.
const CHARACTER: f64 = 7.0;
/// Units a column of the axis has.
const COLUMN: f64 = 4.0;

impl<'a> Evidence<'a> {
    /// Draws it in so many units.
    pub(super) fn plot(&self, width: f64) -> Markup {
        let wide = width > 600.0;
        let nodes = self.nodes();
        let lanes = self.lanes();
        let names = lanes.iter().map(|(lane, _)| lane.as_str());
        let faults = self.windows.iter().map(|it| it.family);
        let longest = names.chain(faults).map(str::width).max().unwrap_or(0);
        let left = (longest as f64 * CHARACTER + 12.0).min(width / 3.5);
        let columns = ((width - left - 14.0) / COLUMN) as usize;
        let spans: Vec<Span> = self.shown.iter().map(|it| it.span.clone()).collect();
        let axis = Axis::new(&spans, columns.max(20));
        let plan = Plan {
            width,
            left,
            right: left + columns as f64 * COLUMN,
            axis,
            wide,
        };
        let faults =
            20.0 * self.windows.len() as f64 + if self.windows.is_empty() { 4.0 } else { 12.0 };
        let lane = if wide { 48.0 } else { 38.0 };
        let rows: usize = lanes.iter().map(|(_, rows)| rows.len()).sum();
        let top_of_nodes = faults + rows as f64 * lane + 6.0;
        let node_row = 24.0;
        let bottom = top_of_nodes + nodes.len() as f64 * node_row + 6.0;
        let mut y = faults;
        let mut bars: Vec<(usize, f64)> = Vec::new();
        let mut labels: Vec<(String, f64)> = Vec::new();
        for (name, rows) in &lanes {
            labels.push((name.clone(), y + lane - 14.0));
            for row in rows {
                bars.extend(row.iter().map(|&at| (at, y + lane - 28.0)));
                y += lane;
            }
        }
        html! {
            svg.zoom viewBox={ "0 0 " (width) " " (round(bottom + 28.0)) } role="img" {
                title { "The operations that show it, and the faults at the time" }
                (self.bands(&plan, bottom))
                @for (name, y) in &labels {
                    text.lane x=(round(left - 8.0)) y=(round(*y)) text-anchor="end" { (clip(name, 18)) }
                }
                @for (at, node) in nodes.iter().enumerate() {
                    @let y = top_of_nodes + (at as f64 + 0.5) * node_row;
                    text.lane.node x=(round(left - 8.0)) y=(round(y + 4.0)) text-anchor="end" { (node) }
                    line.rail x1=(round(left)) y1=(round(y)) x2=(round(plan.right)) y2=(round(y)) {}
                    (self.trouble(&plan, node, y))
                }
                @for &(at, y) in &bars {
                    @if let Some(node) = self.shown[at].node.as_ref() {
                        @if let Some(place) = nodes.iter().position(|it| it == node) {
                            @let x = plan.x(Edge::start(self.shown[at].span.start));
                            @let to = top_of_nodes + (place as f64 + 0.5) * node_row;
                            line.asks x1=(round(x)) y1=(round(y + 20.0)) x2=(round(x)) y2=(round(to)) {}
                            circle.asked cx=(round(x)) cy=(round(to)) r="3.5" {}
                        }
                    }
                }
                @for &(at, y) in &bars { (self.bar(&plan, at, y)) }
                (plan.axis(bottom, self.timed))
                (texts(&plan, &self.shown, &bars))
            }
        }
    }

    /// Whose operations are in which rows; in a row none covers another.
    fn lanes(&self) -> Vec<(String, Vec<Vec<usize>>)> {
        let spans: Vec<Span> = self.shown.iter().map(|it| it.span.clone()).collect();
        let lanes = crate::diagram::lanes(&spans);
        lanes
            .into_iter()
            .map(|(lane, rows)| (lane.to_owned(), rows))
            .collect()
    }

    /// The nodes that were asked, in order.
    fn nodes(&self) -> Vec<String> {
        let mut nodes: Vec<String> = self.shown.iter().filter_map(|it| it.node.clone()).collect();
        nodes.sort_by_key(|node| (node.len(), node.clone()));
        nodes.dedup();
        nodes
    }

    /// The faults above, and their shadows over everything.
    fn bands(&self, plan: &Plan, bottom: f64) -> Markup {
        let top = 4.0 + self.windows.len() as f64 * 20.0;
        html! {
            @for (from, to) in merged(self.windows.iter().map(|it| plan.window(it)).collect()) {
                rect.shade x=(round(from)) y=(round(top)) width=(round(to - from)) height=(round(bottom - top)) {}
            }
            @for (at, window) in self.windows.iter().enumerate() {
                @let y = 4.0 + at as f64 * 20.0;
                @let (from, to) = plan.window(window);
                @let text = format!("{} {}", window.number, window.what());
                text.lane.fault x=(round(plan.left - 8.0)) y=(round(y + 12.0)) text-anchor="end" { (window.family) }
                g {
                    title { "fault " (text) " (" (window.when()) ")" }
                    rect class={ "bar " (window.family) } x=(round(from)) y=(round(y)) width=(round(to - from)) height="16" {}
                    rect.hatch x=(round(from)) y=(round(y)) width=(round(to - from)) height="16"
                        fill={ "url(#hatch-" (window.family) ")" } {}
                    @let (x, room) = plan.clear(from, to);
                    @if room >= 4 {
                        text.inbar x=(round(x)) y=(round(y + 12.0)) { (clip(&text, room)) }
                    }
                }
            }
        }
    }

    /// What was wrong with a node, on its line.
    fn trouble(&self, plan: &Plan, node: &str, y: f64) -> Markup {
        let concerns = |window: &&'a Window| Some((*window, window.concerns(node)?));
        let troubles: Vec<(&Window, &str)> = self.windows.iter().filter_map(concerns).collect();
        let asked = self
            .shown
            .iter()
            .filter(|it| it.node.as_deref() == Some(node));
        let points = asked.map(|it| plan.x(Edge::start(it.span.start)));
        let cuts = plan.axis.cuts().iter();
        let points = points.chain(cuts.map(|&it| plan.left + it as f64 * COLUMN + 2.0));
        // Words are in nobody's way: neither of dots, nor of cuts, nor of each other.
        let mut taken: Vec<(f64, f64)> = points.map(|x| (x, x)).collect();
        let mut words: Vec<(f64, &str)> = Vec::new();
        for &(window, word) in &troubles {
            if words.iter().any(|(_, it)| *it == word) {
                continue;
            }
            let (from, to) = plan.window(window);
            let long = word.len() as f64 * CHARACTER;
            let room = to - from - long - 12.0;
            let places = (0..16).map(|part| from + 6.0 + room * f64::from(part) / 15.0);
            let hit = |x: f64| {
                taken
                    .iter()
                    .any(|it| it.0 < x + long + 10.0 && x - 10.0 < it.1)
            };
            if let Some(x) = places.into_iter().find(|&x| room >= 0.0 && !hit(x)) {
                taken.push((x, x + long));
                words.push((x, word));
            }
        }
        html! {
            @for (window, word) in &troubles {
                @let (from, to) = plan.window(window);
                g {
                    title { (node) " is " (word) ", " (window.when()) }
                    rect class={ "bar " (window.family) } x=(round(from)) y=(round(y - 8.0)) width=(round(to - from)) height="16" {}
                    rect.hatch x=(round(from)) y=(round(y - 8.0)) width=(round(to - from)) height="16"
                        fill={ "url(#hatch-" (window.family) ")" } {}
                }
            }
            @for (x, word) in &words { text.inbar x=(round(*x)) y=(round(y + 4.0)) { (word) } }
        }
    }

    fn bar(&self, plan: &Plan, at: usize, y: f64) -> Markup {
        let it = &self.shown[at];
        let (from, to) = plan.bar(&it.span);
        let class = match it.outcome {
            Outcome::Info => "open",
            Outcome::Fail => "failed",
            Outcome::Ok if it.reads => "read",
            Outcome::Ok => "write",
        };
        html! {
            g {
                title { (it.number) ": " (it.span.lane) " " (it.span.text) ", " (when(&it.span)) ", " (outcome(it)) }
                @if it.outcome == Outcome::Info {
                    // No right edge: nobody knows when it ends.
                    path class={ "op " (class) } d={ "M" (round(to)) " " (round(y)) "H" (round(from)) "v20H" (round(to)) } {}
                    text.ask x=(round(to - 2.0)) y=(round(y + 15.0)) text-anchor="end" { "?" }
                } @else {
                    rect class={ "op " (class) } x=(round(from)) y=(round(y)) width=(round(to - from)) height="20" rx="3" {}
                }
                @if it.outcome == Outcome::Fail {
                    path.strike d={ "M" (round(from)) " " (round(y + 20.0)) "L" (round(to)) " " (round(y)) } {}
                }
                circle class={ "badge " (class) } cx=(round(from + 8.0)) cy=(round(y + 10.0)) r="8" {}
                text.number x=(round(from + 8.0)) y=(round(y + 14.0)) text-anchor="middle" { (it.number) }
            }
        }
    }
}

/// Where things are.
struct Plan {
    width: f64,
    left: f64,
    right: f64,
    axis: Axis,
    wide: bool,
}

impl Plan {
    fn x(&self, edge: Edge) -> f64 {
        self.left + self.axis.column(edge) as f64 * COLUMN
    }

    fn bar(&self, span: &Span) -> (f64, f64) {
        let from = self.x(Edge::start(span.start));
        let to = span.end.map_or(self.right, |end| self.x(Edge::end(end)));
        // Wide enough for its number.
        (from, to.max(from + 17.0).min(self.width - 1.0))
    }

    fn window(&self, window: &Window) -> (f64, f64) {
        let moment = |(rank, time)| Moment { rank, time };
        let from = self.x(Edge::start(moment(window.start)));
        let to = window
            .end
            .map_or(self.right, |end| self.x(Edge::end(moment(end))));
        (from, to.max(from + 3.0))
    }

    /// Where a text in a bar begins, and how many characters it has room for: up to the next cut.
    fn clear(&self, from: f64, to: f64) -> (f64, usize) {
        let cuts = self.axis.cuts().iter();
        let mut cuts = cuts.map(|&column| self.left + column as f64 * COLUMN);
        let inside = cuts
            .clone()
            .find(|cut| (cut - 4.0..cut + 8.0).contains(&from));
        let x = inside.map_or(from + 6.0, |cut| cut + 12.0);
        let to = cuts.find(|&cut| x < cut).map_or(to, |cut| to.min(cut));
        // A little less than it takes, so that it never touches.
        (x, ((to - x - 8.0) / CHARACTER).max(0.0) as usize)
    }

    /// The axis, its numbers, and what is cut out of it.
    fn axis(&self, y: f64, timed: bool) -> Markup {
        let mut free = 0.0;
        let mut last = String::new();
        let mut ticks = Vec::new();
        for (column, label) in self.axis.labels() {
            let x = self.left + column as f64 * COLUMN;
            let half = label.len() as f64 * 6.2 / 2.0;
            let middle = x.clamp(half, self.width - half);
            if label != last && middle - half >= free {
                ticks.push((x, middle, label.clone()));
                free = middle + half + 10.0;
                last = label;
            }
        }
        html! {
            line.axis x1=(round(self.left)) y1=(round(y)) x2=(round(self.right)) y2=(round(y)) {}
            @if timed {
                @for (x, middle, label) in &ticks {
                    line.axis x1=(round(*x)) y1=(round(y)) x2=(round(*x)) y2=(round(y + 5.0)) {}
                    text.tick x=(round(*middle)) y=(round(y + 19.0)) text-anchor="middle" { (label) }
                }
            }
            @for &column in self.axis.cuts() {
                @let x = self.left + column as f64 * COLUMN;
                g {
                    title { "a long time in which none of these operations begins or ends is left out" }
                    rect.cut x=(round(x - 1.0)) y="0" width="7" height=(round(y + 3.0)) {}
                    path.cut d={ "M" (round(x - 1.0)) " 0V" (round(y + 3.0)) "M" (round(x + 6.0)) " 0V" (round(y + 3.0)) } {}
                }
            }
        }
    }
}

/// Spans on the axis without those that overlap.
fn merged(mut spans: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// What the operations did, above their bars, where there is room.
fn texts(plan: &Plan, shown: &[Shown], bars: &[(usize, f64)]) -> Markup {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    let mut texts = Vec::new();
    for &(at, y) in bars.iter().filter(|_| plan.wide) {
        let it = &shown[at];
        let (from, _) = plan.bar(&it.span);
        // Cut rather than moved, as long as something is left.
        let room = ((plan.width - from - 4.0) / CHARACTER) as usize;
        let text = clip(&it.span.text, room.clamp(18, 60));
        let length = text.width() as f64 * CHARACTER;
        let x = from.min(plan.width - length - 4.0).max(plan.left);
        let hit = |&(other, left, right): &(f64, f64, f64)| {
            (other - y).abs() < 1.0 && x < right + 8.0 && left < x + length + 8.0
        };
        if !taken.iter().any(hit) {
            taken.push((y, x, x + length));
            texts.push((x, y - 5.0, text));
        }
    }
    html! {
        @for (x, y, text) in &texts { text.what x=(round(*x)) y=(round(*y)) { (text) } }
    }
}
