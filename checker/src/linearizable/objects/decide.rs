//! Decides objects within one budget: by the near-linear way of the model where one applies,
//! else by the search.

use std::time::Instant;

use polygraph_history::{EventIndex, History, OperationId, Order};
use rayon::prelude::*;

use super::informed::search_from;
use super::{Calls, Object};
use crate::linearizable::item::Item;
use crate::linearizable::linear::{Linear, Refuted, ThenLinear, with_linear};
use crate::linearizable::search::{self, Answer, Found, Growth, Limits, Wanted, search};
use crate::linearizable::witness::{Linearization, ModelName};
use crate::{Options, Reason};

/// How many objects are decided at the same time, at most.
const LANES: usize = 16;

/// What was found of an object.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Judged {
    /// Which way decided.
    pub(in crate::linearizable) algorithm: &'static str,
    /// The answer.
    pub(in crate::linearizable) answer: Answer,
    /// If the near-linear way found that there is no order: why.
    pub(in crate::linearizable) refuted: Option<Refuted>,
    /// How far the search had grown, if it did not end; by operations.
    pub(in crate::linearizable) growth: Growth,
    /// How many steps it took.
    pub(in crate::linearizable) steps: u64,
    /// An order, if there is one and it was asked for.
    pub(in crate::linearizable) order: Option<Linearization>,
    /// How many operations it has.
    pub(in crate::linearizable) operations: u64,
    /// How many of them had an unknown outcome.
    pub(in crate::linearizable) indeterminate: u64,
    /// How many pairs of them overlapped.
    pub(in crate::linearizable) overlaps: u64,
}

/// Decides every object; `None` for those whose operations are of no model.
pub(in crate::linearizable) fn judge_all(
    history: &History,
    options: &Options,
    deadline: Option<Instant>,
    objects: &[Object],
    steps: u64,
) -> Vec<Option<Judged>> {
    let sizes = objects.iter().map(|object| object.operations.len());
    let all = sizes.sum::<usize>().max(1);
    // The largest first, so that nobody waits for one that began last.
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(objects[at].operations.len()), at));
    let bytes = options.budget.max_memory / objects.len().clamp(1, LANES) as u64;
    let decided: Vec<(usize, Option<Judged>)> = order
        .into_par_iter()
        .with_max_len(1)
        .map(|at| {
            let object = &objects[at];
            let share = u128::from(steps) * object.operations.len() as u128 / all as u128;
            let limits = Limits {
                steps: share as u64,
                bytes,
                deadline,
                stop: None,
            };
            (at, judge(history, options, object, &limits))
        })
        .collect();
    let mut judged = vec![None; objects.len()];
    for (at, found) in decided {
        judged[at] = found;
    }
    judged
}

fn judge(
    history: &History,
    options: &Options,
    object: &Object,
    limits: &Limits<'_>,
) -> Option<Judged> {
    let name = object.model.as_ref()?;
    let calls = Calls {
        history,
        operations: &object.operations,
        failed_cas: options.failed_cas,
    };
    let decide = Decide {
        calls: &calls,
        object,
        name,
        limits,
        wanted: if options.witness {
            Wanted::Order
        } else {
            Wanted::Answer
        },
    };
    with_linear(name, decide).ok().flatten()
}

struct Decide<'a> {
    calls: &'a Calls<'a>,
    object: &'a Object,
    name: &'a ModelName,
    limits: &'a Limits<'a>,
    wanted: Wanted,
}

impl ThenLinear for Decide<'_> {
    type Output = Option<Judged>;

    fn with<M: Linear>(self, model: &M) -> Option<Judged> {
        let history = self.calls.history;
        let operations = self.object.operations.iter();
        let indeterminate = operations
            .filter(|&&id| history.operations()[id as OperationId].end == u64::MAX)
            .count();
        let mut judged = Judged {
            algorithm: M::ALGORITHM,
            answer: Answer::Linearizable,
            refuted: None,
            growth: Growth::default(),
            steps: self.object.operations.len() as u64,
            order: None,
            operations: self.object.operations.len() as u64,
            indeterminate: indeterminate as u64,
            overlaps: overlaps(history, &self.object.operations),
        };
        let order = |order: Vec<usize>, operations: &[OperationId]| Linearization {
            keys: self.object.keys.clone(),
            model: self.name.clone(),
            order: order
                .into_iter()
                .map(|at| invoke(history, operations[at]))
                .collect(),
        };
        match model.decide(self.calls) {
            Some(Ok(())) => {
                if self.wanted == Wanted::Order {
                    let found = model.order(self.calls);
                    judged.order = found.map(|found| order(found, &self.ids::<M>()));
                }
                return Some(judged);
            }
            Some(Err(refuted)) => {
                judged.answer = Answer::Violated {
                    from: 0,
                    by: refuted.by,
                };
                judged.refuted = Some(refuted);
                return Some(judged);
            }
            None => {}
        }
        if let Some(refuted) = model.refute(self.calls) {
            judged.algorithm = "counting";
            judged.answer = Answer::Violated {
                from: 0,
                by: refuted.by,
            };
            judged.refuted = Some(refuted);
            return Some(judged);
        }
        judged.algorithm = "windowed-search";
        let items = self.calls.items::<M, _>(|op| op)?;
        if self.limits.steps == 0 {
            judged.answer = search::out_of(Reason::BudgetSteps);
            return Some(judged);
        }
        let found = match model.parts(self.calls) {
            Some(parts) => {
                let (mut found, mut orders) =
                    by_parts(model, &items, &parts, self.limits, self.wanted);
                if found.answer == Answer::Linearizable && self.wanted == Wanted::Order {
                    let mut in_part = vec![false; items.len()];
                    for &at in parts.iter().flatten() {
                        in_part[at] = true;
                    }
                    let rest: Vec<usize> = (0..items.len()).filter(|&at| !in_part[at]).collect();
                    let rest = model.order_of_rest(self.calls, &rest);
                    found.order = rest.map(|rest| {
                        orders.push(rest);
                        merged(&items, &orders)
                    });
                }
                found
            }
            None => {
                let initial = model.initial();
                search_from(model, &initial, &items, self.limits, self.wanted)
            }
        };
        judged.answer = found.answer;
        judged.steps = found.steps;
        judged.growth = Growth {
            items: found
                .growth
                .items
                .iter()
                .map(|&(choices, at)| (choices, items[at as usize].operation as u32))
                .collect(),
            ..found.growth
        };
        let ids = || items.iter().map(|item| item.operation).collect::<Vec<_>>();
        judged.order = found.order.map(|found| order(found, &ids()));
        Some(judged)
    }
}

impl Decide<'_> {
    /// The operations of the items, in their order.
    fn ids<M: Linear>(&self) -> Vec<OperationId> {
        let items = self.calls.items::<M, _>(|_| ()).unwrap_or_default();
        items.iter().map(|item| item.operation).collect()
    }
}

/// One order of all that keeps the orders of parts which have nothing to do with each other. In
/// an order every operation has a moment at which it can take place: the latest beginning of all
/// up to it. What ended before another one began has an earlier moment.
fn merged<A>(items: &[Item<A>], orders: &[Vec<usize>]) -> Vec<usize> {
    let mut placed: Vec<(u64, usize, usize, usize)> = Vec::with_capacity(items.len());
    for (part, order) in orders.iter().enumerate() {
        let mut moment = 0;
        for (place, &at) in order.iter().enumerate() {
            moment = items[at].start.max(moment);
            placed.push((moment, part, place, at));
        }
    }
    placed.sort_unstable();
    placed.into_iter().map(|(.., at)| at).collect()
}

/// Searches parts one after the other, each with what is left of the budget. Gives their orders
/// if they are wanted.
fn by_parts<M: Linear>(
    model: &M,
    items: &[Item<M::Op>],
    parts: &[Vec<usize>],
    limits: &Limits<'_>,
    wanted: Wanted,
) -> (Found, Vec<Vec<usize>>) {
    let mut left = limits.steps;
    let mut orders = Vec::new();
    let mut whole = Found {
        answer: Answer::Linearizable,
        steps: 0,
        violated: None,
        order: None,
        growth: Growth::default(),
    };
    for part in parts {
        let chosen: Vec<Item<M::Op>> = part.iter().map(|&at| items[at].clone()).collect();
        let limits = Limits {
            steps: left,
            ..*limits
        };
        let mut found = search(model, &chosen, &limits, wanted);
        left = left.saturating_sub(found.steps);
        let order = found.order.take();
        orders.extend(order.map(|order| order.into_iter().map(|at| part[at]).collect()));
        for (_, at) in &mut found.growth.items {
            *at = part[*at as usize] as u32;
        }
        found.violated = found.violated.map(|at| part[at]);
        // What comes first shows first; that something is unknown hides no violation.
        let better = match (whole.answer, found.answer) {
            (Answer::Violated { by, .. }, Answer::Violated { by: other, .. }) => other < by,
            (_, Answer::Violated { .. }) => true,
            (Answer::Linearizable, Answer::Unknown { .. }) => true,
            _ => false,
        };
        if better {
            whole = found;
        }
    }
    whole.steps = limits.steps - left;
    (whole, orders)
}

fn invoke(history: &History, operation: OperationId) -> EventIndex {
    history.operations()[operation].invoke
}

/// How many pairs of operations overlapped: were open at the same time, as far as their clients
/// waited for them.
fn overlaps(history: &History, operations: &[u32]) -> u64 {
    let mut spans: Vec<(u64, u64)> = operations
        .iter()
        .map(|&id| {
            let operation = &history.operations()[id as OperationId];
            let end = match (operation.end, history.order()) {
                (u64::MAX, Order::Index) => {
                    let complete = operation.complete;
                    complete.map_or(u64::MAX, |event| event as u64)
                }
                // Where ranks are not events the moment is not known; then it counts only
                // against what was open when it began.
                (u64::MAX, Order::Time | Order::Session) => operation.start,
                (end, _) => end,
            };
            (operation.start, end)
        })
        .collect();
    spans.sort_unstable();
    let mut ends: Vec<u64> = spans.iter().map(|&(_, end)| end).collect();
    ends.sort_unstable();
    let (mut ended, mut pairs) = (0, 0);
    for (begun, &(start, _)) in spans.iter().enumerate() {
        while ended < begun && ends[ended] < start {
            ended += 1;
        }
        pairs += (begun - ended) as u64;
    }
    pairs
}
