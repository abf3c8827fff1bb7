//! A piece of evidence as a space-time diagram: a lane for each client and for each node that was
//! asked, operations as bars, faults as bands, one axis of time.
//!
//! Time is drawn as in [`crate::diagram`]: every moment has room of its own, and long spans without
//! any are cut out. Each operation has a number, and the list below says what it was: nothing
//! depends on whether a text fits, or on colours.

use maud::{Markup, html};
use polygraph_history::{History, Operation, Outcome, Time};
use unicode_width::UnicodeWidthStr;

use super::chart::both;
use super::windows::Window;
use crate::cycle::short_op;
use crate::diagram::{Moment, Span};

mod plot;

/// More operations than this say less than a sentence.
const MOST: usize = 12;
/// More faults than this would hide the operations.
const MOST_FAULTS: usize = 6;
/// A fault is drawn if it acts so shortly before or after a beginning or an end, nanoseconds.
const NEAR: u64 = 100_000_000;

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

/// As much of a text as there is room for, in columns, without what would turn around what stands
/// beside it.
pub(super) fn clip(text: &str, room: usize) -> String {
    let turns = |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text
        .chars()
        .filter(|c| !turns(c) && !c.is_control())
        .collect();
    if text.width() <= room {
        return text;
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
