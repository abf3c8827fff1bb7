//! The definitions, word by word, over all orders of the writes of a key.

use polygraph_checker::session::Rules;
use polygraph_history::{History, Micro, Op, Operation, Outcome, Value};

/// What the definition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Holds,
    Violated,
    /// No order of the writes extends real time, session order and the data.
    Cyclic,
}

/// A step on one register.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) id: (usize, usize),
    pub(crate) read: Option<Value>,
    pub(crate) write: Option<Value>,
}

impl Step {
    pub(crate) fn ok(&self) -> bool {
        self.operation.outcome == Outcome::Ok
    }

    pub(crate) fn cas(&self) -> bool {
        self.read.is_some() && self.write.is_some()
    }

    /// Session order.
    pub(crate) fn before(&self, later: &Step) -> bool {
        self.ok()
            && self.operation.session == later.operation.session
            && self.id != later.id
            && match self.operation.process == later.operation.process {
                true => self.id < later.id,
                false => self.operation.precedes(&later.operation),
            }
    }
}

/// The steps on a key as a register.
pub(crate) fn register(history: &History, wanted: &str) -> Vec<Step> {
    steps(history, |op, ok| match op {
        Single::Read(key, value) if key == wanted && ok => Some((value.cloned(), None)),
        Single::Write(key, value) if key == wanted => Some((None, Some(value.clone()))),
        Single::Cas(key, from, to) if key == wanted => Some((Some(from.clone()), Some(to.clone()))),
        _ => None,
    })
}

/// The steps on an element of a set as a register: nothing, or the element.
pub(crate) fn element(history: &History, wanted: &str, element: &Value) -> Vec<Step> {
    steps(history, |op, ok| match op {
        Single::Read(key, Some(value)) if key == wanted && ok => {
            let present = value.elements()?.contains(element);
            Some((
                Some(if present {
                    element.clone()
                } else {
                    Value::Null
                }),
                None,
            ))
        }
        Single::Add(key, value) if key == wanted && value == element => {
            Some((None, Some(value.clone())))
        }
        Single::Remove(key, value) if key == wanted && value == element => {
            Some((None, Some(Value::Null)))
        }
        _ => None,
    })
}

pub(crate) enum Single<'h> {
    Read(&'h str, Option<&'h Value>),
    Write(&'h str, &'h Value),
    Cas(&'h str, &'h Value, &'h Value),
    Add(&'h str, &'h Value),
    Remove(&'h str, &'h Value),
    Other,
}

pub(crate) fn steps(
    history: &History,
    effect: impl Fn(Single<'_>, bool) -> Option<(Option<Value>, Option<Value>)>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, operation) in history.operations().iter().enumerate() {
        if operation.outcome == Outcome::Fail {
            continue;
        }
        let singles: Vec<Single<'_>> = match history.op(operation) {
            Op::Read { key, value } => vec![Single::Read(&key.0, value.as_ref())],
            Op::Write { key, value } => vec![Single::Write(&key.0, value)],
            Op::Cas { key, from, to } => vec![Single::Cas(&key.0, from, to)],
            Op::Add { key, value } => vec![Single::Add(&key.0, value)],
            Op::Remove { key, value } => vec![Single::Remove(&key.0, value)],
            Op::Txn(micros) => micros
                .iter()
                .map(|micro| match micro {
                    Micro::Read { key, value } => Single::Read(&key.0, value.as_ref()),
                    Micro::Write { key, value } => Single::Write(&key.0, value),
                    Micro::Append { key, value } => Single::Add(&key.0, value),
                    _ => Single::Other,
                })
                .collect(),
            _ => vec![Single::Other],
        };
        for (number, single) in singles.into_iter().enumerate() {
            if let Some((read, write)) = effect(single, operation.outcome == Outcome::Ok)
                && (read.is_some() || write.is_some())
            {
                steps.push(Step {
                    operation: operation.clone(),
                    id: (id, number),
                    read,
                    write,
                });
            }
        }
    }
    steps
}

/// Whether a step reads what no other step writes.
pub(crate) fn phantom(steps: &[Step], step: &Step) -> bool {
    let written = |value: &Value| {
        steps
            .iter()
            .any(|other| other.id != step.id && other.write.as_ref() == Some(value))
    };
    step.read
        .as_ref()
        .is_some_and(|value| *value != Value::Null && !written(value))
}

/// Whether two steps write the same value, or one writes the initial value.
pub(crate) fn duplicates(steps: &[Step]) -> bool {
    let mut values: Vec<&Value> = steps
        .iter()
        .filter_map(|step| step.write.as_ref())
        .collect();
    let all = values.len();
    values.sort();
    values.dedup();
    values.len() < all || values.contains(&&Value::Null)
}

/// Decides a register by its definition. Phantom reads say nothing.
pub(crate) fn decide(steps: &[Step], rules: Rules) -> Truth {
    let steps: Vec<Step> = steps
        .iter()
        .map(|step| match phantom(steps, step) {
            true => Step {
                read: None,
                ..step.clone()
            },
            false => step.clone(),
        })
        .collect();
    let writes: Vec<&Step> = steps.iter().filter(|step| step.write.is_some()).collect();
    let mut truth = Truth::Cyclic;
    // Every set of writes that holds all acknowledged ones.
    for set in 0..1_u32 << writes.len() {
        let exist = |at: usize| set >> at & 1 == 1;
        if (0..writes.len()).any(|at| !exist(at) && writes[at].ok()) {
            continue;
        }
        let chosen: Vec<&Step> = (0..writes.len())
            .filter(|&at| exist(at))
            .map(|at| writes[at])
            .collect();
        each_order(&mut Vec::new(), &chosen, rules, &mut |order| {
            match explains(&steps, order, rules) {
                Some(true) => truth = Truth::Holds,
                Some(false) if truth == Truth::Cyclic => truth = Truth::Violated,
                _ => {}
            }
            truth == Truth::Holds
        });
        if truth == Truth::Holds {
            break;
        }
    }
    truth
}

/// Calls with every order that extends real time (if it counts), session order and compare-and-sets, until told
/// to stop.
fn each_order<'a>(
    order: &mut Vec<&'a Step>,
    chosen: &[&'a Step],
    rules: Rules,
    visit: &mut dyn FnMut(&[&'a Step]) -> bool,
) -> bool {
    if order.len() == chosen.len() {
        return visit(order);
    }
    for &next in chosen {
        if order.iter().any(|step| step.id == next.id) {
            continue;
        }
        let initial = Value::Null;
        let last = order
            .last()
            .map_or(&initial, |step| step.write.as_ref().unwrap());
        let fits = !next.cas() || next.read.as_ref() == Some(last);
        let too_late = order.iter().any(|earlier| {
            next.before(earlier)
                || rules.real_time
                    && next.id.0 != earlier.id.0
                    && next.operation.precedes(&earlier.operation)
        });
        if fits && !too_late {
            order.push(next);
            let stop = each_order(order, chosen, rules, visit);
            order.pop();
            if stop {
                return true;
            }
        }
    }
    false
}

/// Whether an order of writes explains all reads; `None` if some read has no writer in it.
fn explains(steps: &[Step], order: &[&Step], rules: Rules) -> Option<bool> {
    let reads: Vec<&Step> = steps
        .iter()
        .filter(|step| step.ok() && step.read.is_some())
        .collect();
    // The places (the initial value's is 0) from which every read can have returned.
    let mut sources: Vec<Vec<usize>> = Vec::new();
    for read in &reads {
        let mut places = Vec::new();
        let own = order.iter().position(|step| step.id == read.id);
        if let Some(own) = own {
            places.push(own);
        } else {
            if read.read == Some(Value::Null) {
                places.push(0);
            }
            let all = order.iter().enumerate();
            places.extend(
                all.filter(|(_, write)| write.write == read.read)
                    .map(|(at, _)| at + 1),
            );
        }
        if places.is_empty() {
            return None;
        }
        sources.push(places);
    }
    let place = |step: &Step| order.iter().position(|other| other.id == step.id).unwrap() + 1;
    let mut chosen = vec![0; reads.len()];
    Some(assign(&reads, &sources, &mut chosen, 0, &|chosen, at| {
        let read = reads[at];
        let own = order
            .iter()
            .filter(|write| write.before(read) && write.ok());
        let sees_own = !rules.own_writes || own.into_iter().all(|w| place(w) <= chosen[at]);
        let seen = (0..at).all(|other| {
            let fine = |a: usize, b: usize| !reads[a].before(reads[b]) || chosen[a] <= chosen[b];
            fine(other, at) && fine(at, other)
        });
        sees_own && (!rules.seen_reads || seen)
    }))
}

fn assign(
    reads: &[&Step],
    sources: &[Vec<usize>],
    chosen: &mut Vec<usize>,
    at: usize,
    fits: &dyn Fn(&[usize], usize) -> bool,
) -> bool {
    if at == reads.len() {
        return true;
    }
    for &place in &sources[at] {
        chosen[at] = place;
        if fits(chosen, at) && assign(reads, sources, chosen, at + 1, fits) {
            return true;
        }
    }
    false
}
