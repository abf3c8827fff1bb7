//! Checks a model of one's own: the library by itself, without histories and files.

use std::fmt;
use std::sync::atomic::AtomicBool;

use super::decide::deadline;
use super::item::Item;
use super::search::{self, Answer, DeadEnd, Limits, Wanted};
use crate::model::Model;
use crate::{Budget, Reason};

/// An operation with its result, and between which moments it took place. Moments are any numbers
/// that grow with time. Of two operations one precedes the other if it ended before the other
/// began; at the same moment they overlap.
#[derive(Clone, Debug)]
pub struct Interval<A> {
    /// When it began.
    pub start: u64,
    /// When it ended; `None` if nobody knows whether it took effect: it may have at any moment
    /// since it began, or may still, or never.
    pub end: Option<u64>,
    /// What it does and shows.
    pub op: A,
}

/// What to find out, and how hard to try.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// How hard to try.
    pub budget: Budget,
    /// Whether to say the order, if there is one. It costs some memory.
    pub order: bool,
    /// How many of the states before a violation to say, at most.
    pub states: usize,
    /// Set by another thread to end the search: an interrupt, or an answer from elsewhere.
    pub stop: Option<&'a AtomicBool>,
}

impl Default for Query<'_> {
    fn default() -> Self {
        Query {
            budget: Budget::default(),
            order: false,
            states: 16,
            stop: None,
        }
    }
}

/// Whether operations have an order that the model allows. They are named by their indices.
#[derive(Clone, Debug)]
pub enum Judgement<S> {
    /// They have.
    Linearizable {
        /// The order, if it was asked for. What is of unknown outcome and not in it did not take
        /// effect.
        order: Option<Vec<usize>>,
    },
    /// They have not.
    Violated {
        /// The operation whose end ends the shortest prefix that has no order: operations that had
        /// not ended then may have taken effect or not.
        by: usize,
        /// The states that were possible just before, those that come about in most ways first;
        /// none if the budget ended before they were known.
        states: Vec<Possible<S>>,
        /// How many more states there are.
        more: usize,
    },
    /// That is not known.
    Unknown {
        /// What ran out.
        reason: Reason,
        /// All operations have an order up to the end of this one.
        until: Option<usize>,
        /// How many possibilities there were when the search ended.
        frontier: usize,
        /// The operations that made them many, the worst first.
        branching: Vec<usize>,
    },
}

/// A state that was possible just before an operation ended that was not.
#[derive(Clone, Debug)]
pub struct Possible<S> {
    /// The state.
    pub state: S,
    /// In how many ways it comes about.
    pub ways: usize,
    /// In one of them: which of the operations that were open have taken effect.
    pub done: Vec<usize>,
    /// What was open, or of unknown outcome, and cannot take effect in this state, and why. The
    /// operation that ended is the first.
    pub refusals: Vec<(usize, String)>,
}

/// An operation that ended before it began, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backwards(pub usize);

impl fmt::Display for Backwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} ended before it began", self.0)
    }
}

impl std::error::Error for Backwards {}

/// Decides whether operations of one object are linearizable (Herlihy & Wing, *Linearizability*,
/// TOPLAS 1990), by the general search. The same operations and budget of steps and bytes give
/// the same answer. Limits of time end the search after the step of the model that exceeds them.
///
/// # Errors
/// If an operation ended before it began.
///
/// # Examples
///
/// A counter that may lose an increment, but never invents one:
///
/// ```
/// use polygraph_checker::linearizable::{Interval, Judgement, Query, check_model};
/// use polygraph_checker::model::{Nondeterministic, PowerSet};
///
/// struct Lossy;
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// enum Count {
///     Increment,
///     Read(u32),
/// }
///
/// impl Nondeterministic for Lossy {
///     type State = u32;
///     type Op = Count;
///     type Refusal = String;
///
///     fn name(&self) -> &'static str {
///         "lossy-counter"
///     }
///
///     fn initial(&self) -> Vec<u32> {
///         vec![0]
///     }
///
///     fn step(&self, state: &u32, op: &Count) -> Result<Vec<u32>, String> {
///         match op {
///             Count::Increment => Ok(vec![*state, state + 1]),
///             Count::Read(seen) if seen == state => Ok(vec![*state]),
///             Count::Read(seen) => Err(format!("cannot read {seen} where {state} is")),
///         }
///     }
/// }
///
/// let count = |start, end, op| Interval { start, end: Some(end), op };
/// let mut operations = vec![
///     count(0, 3, Count::Increment),
///     count(1, 2, Count::Increment),
///     count(4, 5, Count::Read(1)),
/// ];
/// let query = Query { order: true, ..Query::default() };
/// let Ok(Judgement::Linearizable { order }) = check_model(&PowerSet(Lossy), &operations, &query)
/// else {
///     panic!("one increment was lost");
/// };
/// assert_eq!(order.unwrap().last(), Some(&2));
///
/// operations.push(count(6, 7, Count::Read(2)));
/// let Ok(Judgement::Violated { by, states, .. }) =
///     check_model(&PowerSet(Lossy), &operations, &query)
/// else {
///     panic!("nothing was incremented in between");
/// };
/// assert_eq!(by, 3);
/// assert_eq!(states[0].refusals[0], (3, "cannot read 2 where 1 is".to_owned()));
/// ```
pub fn check_model<M: Model>(
    model: &M,
    operations: &[Interval<M::Op>],
    query: &Query<'_>,
) -> Result<Judgement<M::State>, Backwards> {
    let items = items(operations)?;
    let named = |at: usize| items[at].operation;
    let limits = Limits {
        steps: query.budget.max_steps,
        bytes: query.budget.max_memory,
        deadline: deadline(&query.budget),
        stop: query.stop,
    };
    let wanted = if query.order {
        Wanted::Order
    } else {
        Wanted::Answer
    };
    let found = search::search(model, &items, &limits, wanted);
    Ok(match (found.answer, found.violated) {
        (Answer::Linearizable, _) => Judgement::Linearizable {
            order: found
                .order
                .map(|order| order.into_iter().map(named).collect()),
        },
        (Answer::Violated { .. }, Some(mut by)) => {
            let left = Limits {
                steps: limits.steps - found.steps,
                ..limits
            };
            let (mut states, mut more) = (Vec::new(), 0);
            if query.states > 0
                && let Ok(ends) = search::dead_ends(model, &items, &left, query.states)
            {
                by = ends.item;
                states = ends.states;
                more = ends.more;
            }
            let possible = |end: DeadEnd<M::State>| Possible {
                state: end.state,
                ways: end.ways,
                done: end.done.into_iter().map(named).collect(),
                refusals: (end.refusals.into_iter())
                    .map(|(at, why)| (named(at), why))
                    .collect(),
            };
            Judgement::Violated {
                by: named(by),
                states: states.into_iter().map(possible).collect(),
                more,
            }
        }
        (Answer::Violated { .. }, None) => unreachable!("a return is to blame"),
        (Answer::Unknown { reason, explained }, _) => Judgement::Unknown {
            reason,
            until: explained,
            frontier: found.growth.frontier,
            branching: (found.growth.items.into_iter())
                .map(|(_, item)| named(item as usize))
                .collect(),
        },
    })
}

/// The operations by start. Events are operations here.
fn items<A: Clone>(operations: &[Interval<A>]) -> Result<Vec<Item<A>>, Backwards> {
    let mut items = Vec::with_capacity(operations.len());
    for (at, interval) in operations.iter().enumerate() {
        let end = interval.end.unwrap_or(u64::MAX);
        if end < interval.start {
            return Err(Backwards(at));
        }
        items.push(Item {
            operation: at,
            action: interval.op.clone(),
            start: interval.start,
            end,
            returned: at,
        });
    }
    items.sort_by_key(|item| (item.start, item.operation));
    Ok(items)
}
