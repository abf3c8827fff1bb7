//! Checks claims about objects that grow, by comparing what was recorded: see [`Pattern`].
//!
//! Where everything is that an object holds never changes, so that little of the history is
//! needed. `members`: sets. `places`: lists and logs, of which it is known what is in which place.
//! `numbers`: counters. Linear but for sorting.

use polygraph_history::{EventIndex, History, OperationId, Value};
use rustc_hash::FxHashSet;

use super::object::{Recorded, prefix};
use super::{Pattern, cut};
use crate::linearizable::proof::Certificate;
use crate::model::{
    Counter, CounterOp, Generate, GrowSet, GrowSetOp, IdSource, List, ListOp, Log, LogOp,
    ModelKind, Object,
};

mod members;
mod numbers;
mod places;

/// No more operations than this are compared with each other.
const MOST_KEPT: usize = 64;

/// An operation of the prefix of a certificate.
#[derive(Clone, Copy)]
struct Operation<S> {
    start: u64,
    /// `u64::MAX` if it may still take effect, or never.
    end: u64,
    /// Whether the certificate keeps it.
    kept: bool,
    said: S,
}

impl<S> Operation<S> {
    /// Whether it took effect and showed what it did by the end of the prefix.
    const fn certain(&self) -> bool {
        self.end != u64::MAX
    }
}

/// Whether what is kept shows what is claimed.
///
/// # Errors
/// If it does not.
pub(super) fn shown(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
    pattern: Pattern,
) -> Result<(), String> {
    let kept = certificate.operations.len();
    if kept > MOST_KEPT {
        return Err(format!(
            "{kept} operations are kept, where a pattern is about {MOST_KEPT} at most"
        ));
    }
    let read = Read {
        history,
        operations,
        certificate,
    };
    let shown = match certificate.model.kind {
        ModelKind::GrowSet => members::show(&read.all::<GrowSet<Value>>()?, pattern),
        ModelKind::List => {
            let prefix = read.all::<List<Value>>()?;
            places::Places::new(mapped(&prefix, of_list)).show(pattern)
        }
        ModelKind::Log => {
            let prefix = read.all::<Log<Value>>()?;
            places::Places::new(mapped(&prefix, of_log)).show(pattern)
        }
        ModelKind::Counter => {
            let initial = match certificate.model.parameters.get("initial") {
                Some(Value::Int(initial)) => i128::from(*initial),
                _ => 0,
            };
            let prefix = read.all::<Counter>()?;
            let said = |op: &CounterOp| match *op {
                CounterOp::Read(value) => (0, Some(value)),
                CounterOp::Increment { by, value } => (by, value),
            };
            numbers::Numbers::new(mapped(&prefix, said), initial).show(pattern)
        }
        ModelKind::IdSource => {
            pattern == Pattern::SamePlace && twice(&read.all::<IdSource<Value>>()?)
        }
        _ => {
            return Err(format!(
                "the rule `{}` is one of objects that grow, and the object is a {}",
                pattern.name(),
                certificate.model
            ));
        }
    };
    if shown {
        Ok(())
    } else {
        Err(format!(
            "what is kept does not show what the rule `{}` claims: that {}",
            pattern.name(),
            pattern.claim()
        ))
    }
}

struct Read<'a> {
    history: &'a History,
    operations: &'a [OperationId],
    certificate: &'a Certificate,
}

impl Read<'_> {
    /// The prefix. Everything kept is in it, once, with what it found.
    fn all<M: Object>(&self) -> Result<Vec<Operation<M::Op>>, String> {
        let prefix = prefix::<M>(self.history, self.operations, self.certificate)?;
        cut::named(&prefix, self.certificate)?;
        let kept = self.certificate.operations.iter().map(|kept| kept.invoke);
        let kept: FxHashSet<EventIndex> = kept.collect();
        let operation = |recorded: Recorded<M::Op>| Operation {
            start: recorded.start,
            end: recorded.end,
            kept: kept.contains(&recorded.invoke),
            said: recorded.op,
        };
        Ok(prefix.into_iter().map(operation).collect())
    }
}

fn mapped<'a, O, S>(prefix: &'a [Operation<O>], said: impl Fn(&'a O) -> S) -> Vec<Operation<S>> {
    let operation = |operation: &'a Operation<O>| Operation {
        start: operation.start,
        end: operation.end,
        kept: operation.kept,
        said: said(&operation.said),
    };
    prefix.iter().map(operation).collect()
}

fn of_list(op: &ListOp<Value>) -> places::Said<'_> {
    match op {
        ListOp::Append(value) => places::Said::Append {
            value,
            offset: None,
        },
        ListOp::Read(values) => places::Said::Whole(values),
    }
}

fn of_log(op: &LogOp<Value>) -> places::Said<'_> {
    match *op {
        LogOp::Append { ref value, offset } => places::Said::Append { value, offset },
        LogOp::Poll { from, ref values } => places::Said::Part { from, values },
        LogOp::Read(ref values) => places::Said::Whole(values),
    }
}

/// Whether any two of those that are kept satisfy something, in either order.
fn any_pair<S>(
    prefix: &[Operation<S>],
    show: impl Fn(&Operation<S>, &Operation<S>) -> bool,
) -> bool {
    let kept: Vec<&Operation<S>> = prefix.iter().filter(|operation| operation.kept).collect();
    let others = |one: usize| (0..kept.len()).filter(move |&other| other != one);
    (0..kept.len()).any(|one| others(one).any(|other| show(kept[one], kept[other])))
}

/// Whether two that are kept got the same identifier.
fn twice(prefix: &[Operation<Generate<Value>>]) -> bool {
    let kept = prefix.iter().filter(|it| it.kept && it.certain());
    let mut seen = FxHashSet::default();
    kept.map(|operation| &operation.said.0)
        .any(|id| !seen.insert(id))
}

type SetOperation = Operation<GrowSetOp<Value>>;
