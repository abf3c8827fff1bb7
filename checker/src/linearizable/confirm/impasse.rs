//! Shows where all orders end: what a person wants to see of a violation.

use polygraph_history::EventIndex;
use rustc_hash::FxHashSet;

use super::exhaust::Placed;
use super::stretch::Stretch;
use super::{NotConfirmed, OfKept, TOO_LARGE};
use crate::model::Object;

/// No more partial orders than this are tried.
const MAX_TRIED: usize = 100_000;
/// Nor are more operations looked at, over all of them.
const MAX_STEPS: usize = 20_000_000;

/// A state that is possible just before the event that ends a prefix, and from which nothing goes
/// on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impasse {
    /// An order of operations that leads there, as the events of their invocations.
    pub order: Vec<EventIndex>,
    /// The operations that were open, and are not possible.
    pub refused: Vec<Refused>,
}

/// An operation that is not possible in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The event of its invocation.
    pub invoke: EventIndex,
    /// Why, in the words of the model.
    pub why: String,
}

/// Finds the impasses of the operations that a certificate keeps.
pub(super) struct Find {
    pub(super) at_most: usize,
}

/// Some operations in an order, and what state they lead to.
struct Path<S> {
    placed: Placed,
    state: S,
    order: Vec<usize>,
}

impl OfKept for Find {
    type Output = Vec<Impasse>;

    fn of_claim(self) -> Vec<Impasse> {
        Vec::new()
    }

    fn of<M: Object>(
        self,
        model: &M,
        stretch: &Stretch<M::State, M::Op>,
    ) -> Result<Vec<Impasse>, NotConfirmed> {
        let kept = &stretch.operations;
        let ends = kept.iter().map(|operation| operation.end);
        let last = ends.filter(|&end| end != u64::MAX).max().unwrap_or(0);
        // Those that will never be possible end a way early; not so the one that ends the prefix,
        // for what is wrong with that is to be seen.
        let must_come = |at: &usize| M::FORESEES && kept[*at].end < last;
        let must_come: Vec<usize> = (0..kept.len()).filter(must_come).collect();
        let mut tried: FxHashSet<(Placed, M::State)> = FxHashSet::default();
        let mut states: FxHashSet<M::State> = FxHashSet::default();
        let mut found = Vec::new();
        let mut open = vec![Path {
            placed: Placed::default(),
            state: stretch.state.clone(),
            order: Vec::new(),
        }];
        let mut steps = 0;
        while let Some(path) = open.pop() {
            if found.len() >= self.at_most {
                break;
            }
            if !tried.insert((path.placed.clone(), path.state.clone())) {
                continue;
            }
            steps += kept.len();
            if tried.len() > MAX_TRIED || steps > MAX_STEPS {
                return Err(NotConfirmed::TooLarge(format!(
                    "{} operations are {TOO_LARGE}",
                    kept.len()
                )));
            }
            let over = |&at: &usize| !path.placed.has(at) && model.never(&path.state, &kept[at].op);
            if must_come.iter().any(over) {
                continue;
            }
            let left: Vec<usize> = (0..kept.len()).filter(|&at| !path.placed.has(at)).collect();
            let first_end = left.iter().map(|&at| kept[at].end).min();
            let mut refused = Vec::new();
            for &at in &left {
                let operation = &kept[at];
                if first_end.is_some_and(|end| operation.start > end) {
                    continue;
                }
                match model.step(&path.state, &operation.op) {
                    Err(why) => refused.push(Refused {
                        invoke: operation.invoke,
                        why: why.to_string(),
                    }),
                    Ok(state) => {
                        let mut order = path.order.clone();
                        order.push(at);
                        open.push(Path {
                            placed: path.placed.clone().and(at),
                            state,
                            order,
                        });
                    }
                }
            }
            // All that had ended before is placed: what is left is the end of the prefix.
            if first_end == Some(last) && states.insert(path.state) {
                found.push(Impasse {
                    order: (stretch.after.into_iter())
                        .chain(path.order.iter().map(|&at| kept[at].invoke))
                        .collect(),
                    refused,
                });
            }
        }
        found.sort_by_key(|impasse| impasse.order.len());
        Ok(found)
    }
}
