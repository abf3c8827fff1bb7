//! A piece of evidence as a space-time diagram: a lane for each client and for each node that was
//! asked, operations as bars, faults as bands, one axis of time.
//!
//! Time is drawn as in [`crate::diagram`]: every moment has room of its own, and long spans without
//! any are cut out. Each operation has a number, and the list below says what it was: nothing
//! depends on whether a text fits, or on colours.

use maud::{Markup, html};
use polygraph_history::{History, Operation, Outcome, Time};
use unicode_width::UnicodeWidthStr;

use super::chart::{both, round};
use super::windows::Window;
use crate::cycle::short_op;
use crate::diagram::{Axis, Edge, Moment, Span};

/// More operations than this say less than a sentence.
const MOST: usize = 12;
/// More faults than this would hide the operations.
const MOST_FAULTS: usize = 6;
/// A fault is drawn if it acts so shortly before or after a beginning or an end, nanoseconds.
const NEAR: u64 = 100_000_000;
/// Texts in the diagram are so wide, in its units.
const CHARACTER: f64 = 7.0;
/// Units a column of the axis has.
const COLUMN: f64 = 4.0;

/// An operation that shows something.
struct Shown {
    /// Counted from one, in the order of invocations.
    number: usize,
    span: Span,
    node: Option<String>,
    outcome: Outcome,
    reads: bool,
    why: Option<String>,
    event: usize,
}

/// What is drawn.
pub(super) struct Evidence<'a> {
    shown: Vec<Shown>,
    windows: Vec<&'a Window>,
    timed: bool,
    /// How many operations are left out.
    left_out: usize,
    /// How many faults are.
    more_faults: usize,
}

impl<'a> Evidence<'a> {
    /// The evidence of these invocations; `None` where the history has none of them.
    pub(super) fn of(
        history: &History,
        windows: &'a [Window],
        invocations: &[u64],
    ) -> Option<Evidence<'a>> {
        let mut operations: Vec<&Operation> = invocations
            .iter()
            .filter_map(|&at| find(history, at))
            .collect();
        operations.sort_by_key(|it| it.invoke);
        operations.dedup_by_key(|it| it.invoke);
        let left_out = operations.len().saturating_sub(MOST);
        operations.truncate(MOST);
        let shown: Vec<Shown> = operations
            .iter()
            .enumerate()
            .map(|(at, operation)| shown(history, operation, at + 1))
            .collect();
        let begin = shown.iter().map(|it| it.span.start.time).min()?;
        let ends = shown
            .iter()
            .map(|it| it.span.end.unwrap_or(it.span.start).time);
        let end = ends.max()?;
        let timed = end > 0;
        let mut windows: Vec<&Window> = windows
            .iter()
            .filter(|it| timed && it.overlaps(begin, end))
            .collect();
        let all = windows.len();
        // Those that came and went between operations are told elsewhere.
        let edges: Vec<u64> = shown
            .iter()
            .flat_map(|it| {
                [
                    it.span.start.time,
                    it.span.end.unwrap_or(it.span.start).time,
                ]
            })
            .collect();
        windows.retain(|window| {
            let near =
                |&edge: &u64| window.overlaps(edge.saturating_sub(NEAR), edge.saturating_add(NEAR));
            edges.iter().any(near)
        });
        // Of many those that act while most of the operations are open.
        windows.sort_by_key(|window| {
            let during = shown.iter().filter(|it| {
                let until = it.span.end.unwrap_or(it.span.start).time;
                window.overlaps(it.span.start.time, until)
            });
            (std::cmp::Reverse(during.count()), window.number)
        });
        windows.truncate(MOST_FAULTS);
        windows.sort_by_key(|it| it.number);
        let more_faults = all - windows.len();
        Some(Evidence {
            shown,
            windows,
            timed,
            left_out,
            more_faults,
        })
    }

    /// The diagram and the list of its operations.
    pub(super) fn draw(&self) -> Markup {
        html! {
            figure.evidence {
                (both(|width| self.plot(width)))
                figcaption {
                    ol.operations {
                        @for it in &self.shown {
                            li {
                                span.number { (it.number) }
                                div {
                                    strong { (it.span.lane) }
                                    @if let Some(node) = &it.node { " asked " (node) ": " } @else { ": " }
                                    code { (clip(&it.span.text, 400)) }
                                    " " span.note {
                                        @if self.timed { (when(&it.span)) ", " }
                                        (outcome(it))
                                        " · event " (it.event)
                                    }
                                }
                            }
                        }
                    }
                    @if self.more_faults > 0 {
                        p.note { (self.more_faults) " more faults in the time between are not drawn." }
                    }
                    @if self.left_out > 0 {
                        p.note { (self.left_out) " more operations are part of it." }
                    }
                    p.key {
                        span { i.bar.write {} " changes something" }
                        span { i.bar.read {} " reads" }
                        @if self.shown.iter().any(|it| it.outcome == Outcome::Info) {
                            span { i.bar.open {} " outcome unknown: may take effect later, or never" }
                        }
                        @if self.shown.iter().any(|it| it.outcome == Outcome::Fail) {
                            span { i.bar.failed {} " failed" }
                        }
                        @if !self.windows.is_empty() { span { i.bar.faulty {} " a fault acts" } }
                    }
                }
            }
        }
    }

    fn plot(&self, width: f64) -> Markup {
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
                    @let room = ((to - from - 10.0) / CHARACTER).max(0.0) as usize;
                    @if room >= 4 {
                        text.inbar x=(round(from + 6.0)) y=(round(y + 12.0)) { (clip(&text, room)) }
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

/// The operation that this event invoked.
pub(super) fn find(history: &History, invocation: u64) -> Option<&Operation> {
    let operations = history.operations();
    let at = operations.binary_search_by_key(&invocation, |it| it.invoke as u64);
    at.ok().map(|at| &operations[at])
}

fn shown(history: &History, operation: &Operation, number: usize) -> Shown {
    let moment = |rank, time: Time| Moment {
        rank,
        time: time.as_nanos(),
    };
    let end = history.completed_at(operation);
    let end = end.filter(|_| operation.outcome != Outcome::Info);
    let op = history.op(operation);
    let error = history
        .completion(operation)
        .and_then(|it| it.error.as_ref());
    Shown {
        number,
        span: Span {
            lane: format!("client {}", operation.process),
            text: short_op(op),
            start: moment(operation.start, history.invoked_at(operation)),
            end: end.map(|time| moment(operation.end, time)),
        },
        node: history.node(operation.invoke).map(|node| node.to_string()),
        outcome: operation.outcome,
        reads: op.is_read_only(),
        why: error.map(ToString::to_string),
        event: operation.invoke,
    }
}

fn when(span: &Span) -> String {
    let from = Time(span.start.time).to_string();
    match span.end {
        Some(end) => format!("{}–{}", from.trim_end_matches(" s"), Time(end.time)),
        None => format!("from {from} on"),
    }
}

fn outcome(it: &Shown) -> String {
    let why = it
        .why
        .as_ref()
        .map_or(String::new(), |why| format!(" ({why})"));
    match it.outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::Fail => format!("failed{why}"),
        Outcome::Info => format!("outcome unknown{why}"),
    }
}

/// As much of a text as there is room for, in columns.
pub(super) fn clip(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut clipped = String::new();
    for c in text.chars() {
        clipped.push(c);
        if clipped.width() >= room {
            clipped.pop();
            break;
        }
    }
    clipped.push('…');
    clipped
}
