//! The definition, tried out.

use polygraph_history::{EventIndex, History, Key, Operation, Outcome};

use crate::things::{Act, Thing, about, act};

/// An operation that may be in an order of an object.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) invoke: EventIndex,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) act: Act,
}

/// The operations of a key. With a moment, those of the prefix up to it: what ended later may
/// be in an order or not, with the result that it had.
pub(crate) fn steps(history: &History, key: &Key, until: Option<u64>) -> Vec<Step> {
    let until = until.unwrap_or(u64::MAX);
    let step = |operation: &Operation| {
        let failed_later = operation.outcome == Outcome::Fail && operation.end > until;
        if !about(history, operation, key) || operation.start > until || failed_later {
            return None;
        }
        Some(Step {
            invoke: operation.invoke,
            start: operation.start,
            end: if operation.end <= until {
                operation.end
            } else {
                u64::MAX
            },
            act: act(history, operation)?,
        })
    };
    history.operations().iter().filter_map(step).collect()
}

/// An order of these operations, if there is one.
pub(crate) fn order(thing: Thing, steps: &[Step]) -> Option<Vec<EventIndex>> {
    let mut order = Vec::new();
    place(thing, steps, &[Vec::new()], &mut order).then(|| {
        let invoke = |at: usize| steps[at].invoke;
        order.into_iter().map(invoke).collect()
    })
}

fn place(thing: Thing, steps: &[Step], held: &[Vec<i64>], order: &mut Vec<usize>) -> bool {
    let left: Vec<usize> = (0..steps.len()).filter(|at| !order.contains(at)).collect();
    if left.iter().all(|&at| steps[at].end == u64::MAX) {
        return true;
    }
    for &at in &left {
        if left.iter().any(|&other| steps[other].end < steps[at].start) {
            continue;
        }
        let next = after(thing, held, &steps[at].act);
        if next.is_empty() {
            continue;
        }
        order.push(at);
        if place(thing, steps, &next, order) {
            return true;
        }
        order.pop();
    }
    false
}

/// Everything that the object may hold afterwards.
fn after(thing: Thing, held: &[Vec<i64>], act: &Act) -> Vec<Vec<i64>> {
    let mut next: Vec<Vec<i64>> = held
        .iter()
        .flat_map(|held| thing.after(held, act))
        .collect();
    next.sort();
    next.dedup();
    next
}

/// Whether this is an order of the operations of a key, by the definition.
pub(crate) fn is_order(thing: Thing, steps: &[Step], order: &[EventIndex]) -> bool {
    let find = |event: &EventIndex| steps.iter().find(|step| step.invoke == *event);
    let Some(placed) = order.iter().map(find).collect::<Option<Vec<&Step>>>() else {
        return false;
    };
    let needed = |step: &&Step| step.end != u64::MAX;
    let once = steps.iter().all(|step| {
        let times = order.iter().filter(|&&event| event == step.invoke).count();
        times == 1 || times == 0 && !needed(&step)
    });
    let in_time = (0..placed.len()).all(|at| {
        placed[at + 1..]
            .iter()
            .all(|later| later.end >= placed[at].start)
    });
    let mut held = vec![Vec::new()];
    for step in &placed {
        held = after(thing, &held, &step.act);
    }
    once && in_time && !held.is_empty()
}
