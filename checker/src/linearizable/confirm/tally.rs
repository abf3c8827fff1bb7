//! Counts what went into a container and came out of it: see [`Tally`].

use polygraph_history::{History, OperationId, Value};
use rustc_hash::FxHashMap;

use super::cut;
use super::object::{Recorded, prefix};
use crate::linearizable::proof::Certificate;
use crate::linearizable::tally::Tally;
use crate::model::{
    Bag, BagOp, FifoQueue, FifoQueueOp, ModelKind, Object, PriorityQueue, PriorityQueueOp, Stack,
    StackOp,
};

/// No more operations than this are looked at one by one.
const MOST_KEPT: usize = 64;

/// What an operation did to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Put(Value),
    /// Nobody knows what, if it says nothing.
    Take(Option<Value>),
    See(Value),
    FindNothing,
}

#[derive(Clone, Debug)]
struct Operation {
    start: u64,
    end: u64,
    kept: bool,
    did: Did,
}

impl Operation {
    const fn certain(&self) -> bool {
        self.end != u64::MAX
    }

    /// The value that it took or saw.
    const fn next(&self) -> Option<&Value> {
        match &self.did {
            Did::Take(Some(value)) | Did::See(value) => Some(value),
            _ => None,
        }
    }
}

/// Whether counting shows what is claimed, of one of the operations that are kept. `O(k² n w)` for
/// `k` that are kept of `n`, while `w` operations begin.
///
/// # Errors
/// If it does not.
pub(super) fn counted(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
    tally: Tally,
) -> Result<(), String> {
    let kept = certificate.operations.len();
    if kept > MOST_KEPT {
        return Err(format!(
            "{kept} operations are kept, where counting is about {MOST_KEPT} at most"
        ));
    }
    let kind = certificate.model.kind;
    let read = Read {
        history,
        operations,
        certificate,
    };
    let prefix = match kind {
        ModelKind::FifoQueue => read.all::<FifoQueue<Value>>(|op| match op {
            FifoQueueOp::Enqueue(value) => Did::Put(value),
            FifoQueueOp::Dequeue(value) => Did::Take(value),
            FifoQueueOp::Front(value) => Did::See(value),
            FifoQueueOp::Empty => Did::FindNothing,
        })?,
        ModelKind::Stack => read.all::<Stack<Value>>(|op| match op {
            StackOp::Push(value) => Did::Put(value),
            StackOp::Pop(value) => Did::Take(value),
            StackOp::Front(value) => Did::See(value),
            StackOp::Empty => Did::FindNothing,
        })?,
        ModelKind::PriorityQueue => read.all::<PriorityQueue<Value>>(|op| match op {
            PriorityQueueOp::Insert(value) => Did::Put(value),
            PriorityQueueOp::Extract(value) => Did::Take(value),
            PriorityQueueOp::Front(value) => Did::See(value),
            PriorityQueueOp::Empty => Did::FindNothing,
        })?,
        ModelKind::Bag => read.all::<Bag<Value>>(|op| match op {
            BagOp::Enqueue(value) => Did::Put(value),
            BagOp::Dequeue(value) => Did::Take(value),
            BagOp::Front(value) => Did::See(value),
            BagOp::Empty => Did::FindNothing,
        })?,
        _ => {
            return Err(format!(
                "the rule `{}` is one of queues, stacks, priority queues and bags, and the object \
                 is a {}",
                tally.name(),
                certificate.model
            ));
        }
    };
    let shown = match tally {
        Tally::TooOften => shows(&prefix, |one| too_often(&prefix, one)),
        Tally::NotEmpty => shows(&prefix, |one| {
            one.did == Did::FindNothing && still_there(&prefix, one, |_| true)
        }),
        Tally::Outranked if kind == ModelKind::PriorityQueue => shows(&prefix, |one| {
            let next = one.next();
            next.is_some_and(|next| still_there(&prefix, one, |value| value > next))
        }),
        Tally::Overtaken if kind == ModelKind::FifoQueue => {
            shows(&prefix, |one| overtakes(&prefix, one))
        }
        Tally::Outranked | Tally::Overtaken => {
            return Err(format!(
                "the rule `{}` is none of a {}",
                tally.name(),
                certificate.model
            ));
        }
    };
    match shown {
        true => Ok(()),
        false => Err(format!(
            "counting does not show of what is kept what the rule `{}` claims: that {}",
            tally.name(),
            tally.claim()
        )),
    }
}

struct Read<'a> {
    history: &'a History,
    operations: &'a [OperationId],
    certificate: &'a Certificate,
}

impl Read<'_> {
    /// The prefix. Everything kept is in it, once, with what it found.
    fn all<M: Object>(&self, did: impl Fn(M::Op) -> Did) -> Result<Vec<Operation>, String> {
        let prefix = prefix::<M>(self.history, self.operations, self.certificate)?;
        cut::named(&prefix, self.certificate)?;
        let kept = &self.certificate.operations;
        let operation = |recorded: Recorded<M::Op>| Operation {
            start: recorded.start,
            end: recorded.end,
            kept: kept.iter().any(|kept| kept.invoke == recorded.invoke),
            did: did(recorded.op),
        };
        Ok(prefix.into_iter().map(operation).collect())
    }
}

/// Whether a certain operation that is kept shows something.
fn shows(prefix: &[Operation], show: impl Fn(&Operation) -> bool) -> bool {
    let mut kept = prefix.iter().filter(|one| one.kept && one.certain());
    kept.any(show)
}

/// How many operations satisfy something.
fn count(prefix: &[Operation], is: impl Fn(&Operation) -> bool) -> usize {
    prefix.iter().filter(|one| is(one)).count()
}

fn puts(one: &Operation, value: &Value) -> bool {
    matches!(&one.did, Did::Put(put) if put == value)
}

fn may_take(one: &Operation, value: &Value) -> bool {
    match &one.did {
        Did::Take(taken) => taken.as_ref().is_none_or(|taken| taken == value),
        _ => false,
    }
}

/// How many of its value an operation shows to have been taken or seen by its end, itself among
/// them.
fn wanted(prefix: &[Operation], one: &Operation) -> Option<usize> {
    let value = one.next()?;
    let took = |other: &Operation| other.did == Did::Take(Some(value.clone()));
    Some(match one.did {
        Did::Take(_) => count(prefix, |other| took(other) && other.end <= one.end),
        _ => 1 + count(prefix, |other| took(other) && other.end < one.start),
    })
}

fn too_often(prefix: &[Operation], one: &Operation) -> bool {
    let Some((value, wanted)) = one.next().zip(wanted(prefix, one)) else {
        return false;
    };
    let begun = |other: &Operation| puts(other, value) && other.start <= one.end;
    count(prefix, begun) < wanted
}

/// Whether, whenever one began while this was open, more of some of these values had been put in
/// before than taken.
fn still_there(prefix: &[Operation], one: &Operation, of: impl Fn(&Value) -> bool) -> bool {
    let there = |now: u64| {
        let mut inside: FxHashMap<&Value, i64> = FxHashMap::default();
        let mut unknown = 0;
        for other in prefix {
            match &other.did {
                Did::Put(value) if other.end < now => *inside.entry(value).or_default() += 1,
                Did::Take(Some(value)) if other.start <= now => {
                    *inside.entry(value).or_default() -= 1;
                }
                Did::Take(None) if other.start <= now => unknown += 1,
                _ => {}
            }
        }
        let mut inside = inside.into_iter();
        inside.any(|(value, count)| count > unknown && of(value))
    };
    let starts = prefix.iter().map(|other| other.start);
    let mut while_open = starts.filter(|start| (one.start..=one.end).contains(start));
    while_open.all(there)
}

/// Whether another value that is kept had been put in more often before this one than taken.
fn overtakes(prefix: &[Operation], one: &Operation) -> bool {
    let Some((value, wanted)) = one.next().zip(wanted(prefix, one)) else {
        return false;
    };
    let puts_of = prefix.iter().filter(|other| puts(other, value));
    let mut starts: Vec<u64> = puts_of.map(|put| put.start).collect();
    starts.sort_unstable();
    let Some(&start) = starts.get(wanted - 1) else {
        return false;
    };
    let others = prefix.iter().filter(|other| other.kept);
    let mut others = others.filter_map(|other| match &other.did {
        Did::Put(other) if other != value => Some(other),
        _ => None,
    });
    others.any(|other| {
        let before = count(prefix, |put| puts(put, other) && put.end < start);
        before
            > count(prefix, |take| {
                may_take(take, other) && take.start <= one.end
            })
    })
}
