//! What came before what: clocks that run backwards, and histories in which nothing overlaps.

use polygraph_history::{History, Order, Outcome};

use super::{Collector, Example, Finding, place};

/// A shorter history without overlap was written by hand.
const MANY: usize = 20;

/// Everything about order.
pub(super) fn find(history: &History, findings: &mut Vec<Finding>) {
    if history.order() == Order::Time {
        backwards(history, findings);
        inverted(history, findings);
    }
    overlap(history, findings);
}

fn backwards(history: &History, findings: &mut Vec<Finding>) {
    let mut collector = Collector::new("time-backwards");
    for at in 1..history.events().len() {
        let (before, now) = (history.time(at - 1), history.time(at));
        if now < before {
            collector.add(|| Example {
                sentence: format!(
                    "event {at} has the time {} ns, and the one before it {} ns",
                    now.0, before.0
                ),
                events: vec![at as u64 - 1, at as u64],
            });
        }
    }
    collector.tell(
        findings,
        "times run backwards from one event to the next: clocks of several machines, a clock that \
         was set, or lines in disorder; what came first is decided by time",
    );
}

fn inverted(history: &History, findings: &mut Vec<Finding>) {
    let mut collector = Collector::new("ends-before-it-begins");
    for (id, operation) in history.operations().iter().enumerate() {
        let (Some(complete), Some(ended)) = (operation.complete, history.completed_at(operation))
        else {
            continue;
        };
        let began = history.invoked_at(operation);
        if ended < began {
            collector.add(|| Example {
                sentence: format!(
                    "the operation of {} ends at {} ns and begins at {} ns",
                    place(history, id),
                    ended.0,
                    began.0
                ),
                events: vec![operation.invoke as u64, complete as u64],
            });
        }
    }
    collector.tell(
        findings,
        "operations end before they begin; they count as lasting from one to the other",
    );
}

/// Nothing overlaps: what concurrency breaks cannot show.
fn overlap(history: &History, findings: &mut Vec<Finding>) {
    let ended = history
        .operations()
        .iter()
        .filter(|operation| operation.complete.is_some() && operation.outcome != Outcome::Info);
    let mut spans: Vec<(u64, u64)> = Vec::with_capacity(history.operations().len());
    let mut latest: Option<u64> = None;
    let mut sorted = true;
    for operation in ended {
        sorted &= spans.last().is_none_or(|last| last.0 <= operation.start);
        // The usual case: somebody overlaps soon.
        if sorted && latest.is_some_and(|latest| operation.start <= latest) {
            return;
        }
        latest = latest.max(Some(operation.end));
        spans.push((operation.start, operation.end));
    }
    spans.sort_unstable();
    let apart = spans.windows(2).all(|pair| pair[0].1 < pair[1].0);
    if spans.len() >= MANY && apart {
        findings.push(Finding {
            name: "no-overlap",
            sentence: format!(
                "none of {} operations overlaps another in time; what goes wrong only between \
                 concurrent operations cannot show in this history",
                spans.len()
            ),
            count: spans.len() as u64,
            examples: Vec::new(),
        });
    }
}
