//! Delivery from queues: `at-most-once`, `at-least-once`, `exactly-once`, `fifo-delivery`.
//!
//! An element that was put in once and is taken twice is delivered more than once. One that was
//! acknowledged before the last taking of its queue, which found it empty, and that nobody took
//! is not delivered; a taking of which nobody knows the outcome may have taken any one element,
//! so that as many may be missing.

use polygraph_history::{Guarantee, History, Key, Op, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::{Finding, Proof, began, client, ended, event};
use crate::{Options, Reason, Validity, Verdict};

/// What became of one element.
#[derive(Default)]
struct Element {
    /// Who put it in, or may have.
    puts: Vec<OperationId>,
    /// Who took it.
    takings: Vec<OperationId>,
}

/// One queue.
struct Queue<'h> {
    key: &'h Key,
    elements: Vec<(&'h Value, Element)>,
    numbers: FxHashMap<&'h Value, usize>,
    /// The last taking, and whether it found the queue empty.
    last: Option<(OperationId, bool)>,
    /// Takings of unknown outcome.
    open: usize,
}

impl<'h> Queue<'h> {
    fn element(&mut self, value: &'h Value) -> &mut Element {
        let at = *self.numbers.entry(value).or_insert_with(|| {
            self.elements.push((value, Element::default()));
            self.elements.len() - 1
        });
        &mut self.elements[at].1
    }
}

const fn is_of_queue(op: &Op) -> bool {
    matches!(op, Op::Enqueue { .. } | Op::Dequeue { .. })
}

/// The queues, by first appearance.
fn queues(history: &History) -> Vec<Queue<'_>> {
    let operations = history.operations();
    let mut all: Vec<Queue<'_>> = Vec::new();
    let mut numbers: FxHashMap<&Key, usize> = FxHashMap::default();
    for (id, operation) in operations.iter().enumerate() {
        let op = history.op(operation);
        let (Op::Enqueue { key, .. } | Op::Dequeue { key, .. }) = op else {
            continue;
        };
        let at = *numbers.entry(key).or_insert_with(|| {
            all.push(Queue {
                key,
                elements: Vec::new(),
                numbers: FxHashMap::default(),
                last: None,
                open: 0,
            });
            all.len() - 1
        });
        let queue = &mut all[at];
        match (op, operation.outcome) {
            (Op::Enqueue { value, .. }, Outcome::Ok | Outcome::Info) => {
                queue.element(value).puts.push(id);
            }
            (
                Op::Dequeue {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => {
                let empty = *value == Value::Null;
                if !empty {
                    queue.element(value).takings.push(id);
                }
                let later = |last: OperationId| operations[last].start < operation.start;
                if queue.last.is_none_or(|(last, _)| later(last)) {
                    queue.last = Some((id, empty));
                }
            }
            (Op::Dequeue { .. }, Outcome::Info | Outcome::Ok) => queue.open += 1,
            _ => {}
        }
    }
    all
}

/// Adds what was taken too often.
fn repeated(finding: &mut Finding<'_>, queue: &Queue<'_>) {
    let history = finding.history;
    for (value, element) in &queue.elements {
        let allowed = element.puts.len().max(1);
        if element.takings.len() <= allowed {
            continue;
        }
        let takings = &element.takings[..=allowed];
        let who: Vec<String> = takings
            .iter()
            .map(|&id| format!("{} at {}", client(history, id), ended(history, id)))
            .collect();
        let explain = || {
            format!(
                "{value} was put into {} {} and taken more often: by {}",
                queue.key,
                if allowed == 1 {
                    "once".to_owned()
                } else {
                    format!("{allowed} times")
                },
                who.join(", by ")
            )
        };
        let proof = Proof::Repeated {
            takings: takings.iter().map(|&id| event(history, id)).collect(),
        };
        let mut named = element.puts.clone();
        named.truncate(3);
        named.extend(takings);
        finding.add("delivered-twice", Some(queue.key), &named, explain, proof);
    }
}

/// Adds what was not delivered, if the queue was found empty in the end; says how many elements
/// had to be.
fn undelivered(finding: &mut Finding<'_>, queue: &Queue<'_>) -> u64 {
    let history = finding.history;
    let operations = history.operations();
    let Some((empty, true)) = queue.last else {
        return 0;
    };
    let due = queue.elements.iter().filter_map(|(value, element)| {
        let [put] = element.puts[..] else { return None };
        let known = operations[put].outcome == Outcome::Ok;
        (known && operations[put].precedes(&operations[empty])).then_some((value, element, put))
    });
    let due: Vec<_> = due.collect();
    let missing: Vec<_> = due
        .iter()
        .filter(|(_, it, _)| it.takings.is_empty())
        .collect();
    if missing.len() > queue.open
        && let Some((value, _, put)) = missing.first()
    {
        let count = match missing.len() {
            1 => String::new(),
            count => format!(" ({count} such elements in all)"),
        };
        let explain = || {
            format!(
                "{} put {value} into {} (acknowledged at {}); nobody took it, and {} found the \
                 queue empty at {}{count}",
                client(history, *put),
                queue.key,
                ended(history, *put),
                client(history, empty),
                began(history, empty),
            )
        };
        let proof = Proof::Undelivered {
            put: event(history, *put),
            empty: event(history, empty),
        };
        finding.add(
            "not-delivered",
            Some(queue.key),
            &[*put, empty],
            explain,
            proof,
        );
    }
    due.len() as u64
}

pub(super) fn at_most_once(history: &History, options: &Options) -> Verdict {
    let mut finding = Finding::of(history, options, Guarantee::AtMostOnce, is_of_queue);
    for queue in &queues(history) {
        let taken = queue
            .elements
            .iter()
            .filter(|(_, it)| !it.takings.is_empty());
        finding.verdict.opportunities += taken.count() as u64;
        repeated(&mut finding, queue);
    }
    finding.conclude()
}

pub(super) fn at_least_once(history: &History, options: &Options) -> Verdict {
    delivered(history, options, Guarantee::AtLeastOnce, false)
}

pub(super) fn exactly_once(history: &History, options: &Options) -> Verdict {
    delivered(history, options, Guarantee::ExactlyOnce, true)
}

fn delivered(history: &History, options: &Options, name: Guarantee, once: bool) -> Verdict {
    let mut finding = Finding::of(history, options, name, is_of_queue);
    let mut not_drained = 0_u64;
    for queue in &queues(history) {
        if once {
            repeated(&mut finding, queue);
        }
        let due = undelivered(&mut finding, queue);
        finding.verdict.opportunities += due;
        let holds = queue.elements.iter().any(|(_, it)| !it.puts.is_empty());
        not_drained += u64::from(holds && !matches!(queue.last, Some((_, true))));
    }
    if not_drained > 0 {
        finding.verdict.warnings.push(format!(
            "not-drained: {not_drained} queues were not found empty in the end; what is missing \
             there may still be in them"
        ));
    }
    let verdict = finding.conclude();
    match (verdict.validity, not_drained) {
        (Validity::Holds, 1..) => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

pub(super) fn fifo(history: &History, options: &Options) -> Verdict {
    let mut finding = Finding::of(history, options, Guarantee::FifoDelivery, is_of_queue);
    let operations = history.operations();
    for queue in &queues(history) {
        let mut once: Vec<(&Value, OperationId, OperationId)> = Vec::new();
        for (value, element) in &queue.elements {
            if let ([put], [taking]) = (&element.puts[..], &element.takings[..]) {
                once.push((value, *put, *taking));
            }
        }
        finding.verdict.opportunities += once.len() as u64;
        let mut by_end = once.clone();
        by_end.sort_by_key(|&(_, put, _)| operations[put].end);
        once.sort_by_key(|&(_, put, _)| operations[put].start);
        let mut over = by_end.into_iter().peekable();
        // Of those put in before, the one that was taken last.
        let mut last: Option<(&Value, OperationId, OperationId)> = None;
        for (value, put, taking) in once {
            while let Some(earlier) =
                over.next_if(|&(_, it, _)| operations[it].precedes(&operations[put]))
            {
                let later = |it: OperationId| operations[it].start;
                if last.is_none_or(|(_, _, last)| later(earlier.2) > later(last)) {
                    last = Some(earlier);
                }
            }
            if let Some((other, other_put, other_taking)) = last
                && operations[taking].precedes(&operations[other_taking])
            {
                let explain = || {
                    format!(
                        "{other} had been put into {} at {} before {value} was begun to be at {}, \
                         but {} had taken {value} at {} before {} began to take {other} at {}",
                        queue.key,
                        ended(history, other_put),
                        began(history, put),
                        client(history, taking),
                        ended(history, taking),
                        client(history, other_taking),
                        began(history, other_taking),
                    )
                };
                let events = |(a, b)| (event(history, a), event(history, b));
                let proof = Proof::Overtaken {
                    first: events((other_put, other_taking)),
                    second: events((put, taking)),
                };
                let named = [other_put, put, taking, other_taking];
                finding.add("overtaken", Some(queue.key), &named, explain, proof);
            }
        }
    }
    finding.conclude()
}
