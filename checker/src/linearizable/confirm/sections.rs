//! Whether sections of a lock are left out soundly: see [`Rule::Sections`].

use polygraph_history::{EventIndex, History, OperationId, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::object::{Recorded, prefix};
use crate::linearizable::proof::{Certificate, Rule};
use crate::model::{
    FencedMutex, FencedMutexOp, ModelKind, Mutex, MutexOp, Object, RwLock, RwLockOp,
};

/// What an operation does to the hold of its process.
#[derive(Clone, Copy)]
struct Step {
    invoke: EventIndex,
    start: u64,
    end: u64,
    process: u64,
    acquires: bool,
}

/// Whether what is left out of the prefix are sections.
///
/// # Errors
/// What is left out of a section of which something is kept.
pub(super) fn sound(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
) -> Result<(), String> {
    let named = certificate.operations.iter().map(|kept| kept.invoke);
    let named: FxHashSet<EventIndex> = named.collect();
    let mut of_process: FxHashMap<u64, Vec<Step>> = FxHashMap::default();
    for step in steps(history, operations, certificate)? {
        of_process.entry(step.process).or_default().push(step);
    }
    let mut of_process: Vec<Vec<Step>> = of_process.into_values().collect();
    // What is wrong is said of the process that began first.
    of_process.sort_unstable_by_key(|steps| steps[0].invoke);
    for mut steps in of_process {
        let kept = steps.iter().filter(|step| named.contains(&step.invoke));
        let kept = kept.count();
        if kept == 0 || kept == steps.len() {
            continue;
        }
        steps.sort_by_key(|step| step.start);
        one_after_the_other(&steps)?;
        whole(&steps, &named)?;
    }
    Ok(())
}

/// The operations of the prefix, by what they do.
fn steps(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
) -> Result<Vec<Step>, String> {
    fn of<M: Object>(
        prefix: &[Recorded<M::Op>],
        step: impl Fn(&M::Op) -> (u64, bool),
    ) -> Vec<Step> {
        let steps = prefix.iter().map(|operation| {
            let (process, acquires) = step(&operation.op);
            Step {
                invoke: operation.invoke,
                start: operation.start,
                end: operation.end,
                process,
                acquires,
            }
        });
        steps.collect()
    }
    let anybodys = certificate.model.parameters.get("owned") == Some(&Value::Int(0));
    Ok(match certificate.model.kind {
        ModelKind::Mutex if !anybodys => {
            let prefix = prefix::<Mutex>(history, operations, certificate)?;
            of::<Mutex>(&prefix, |op| match *op {
                MutexOp::Acquire(process) => (process, true),
                MutexOp::Release(process) => (process, false),
            })
        }
        ModelKind::RwLock => {
            let prefix = prefix::<RwLock>(history, operations, certificate)?;
            of::<RwLock>(&prefix, |op| match *op {
                RwLockOp::Acquire { process, .. } => (process, true),
                RwLockOp::Release(process) => (process, false),
            })
        }
        ModelKind::FencedMutex => {
            let prefix = prefix::<FencedMutex>(history, operations, certificate)?;
            of::<FencedMutex>(&prefix, |op| match *op {
                FencedMutexOp::Acquire { process, .. } => (process, true),
                FencedMutexOp::Release(process) => (process, false),
            })
        }
        _ => {
            return Err(format!(
                "the rule `{}` is one of locks that only their holder releases, and the object is \
                 a {}",
                Rule::Sections.name(),
                certificate.model
            ));
        }
    })
}

/// Whether a process did one thing after the other, so that its order is known.
fn one_after_the_other(steps: &[Step]) -> Result<(), String> {
    match steps.windows(2).find(|pair| pair[1].start <= pair[0].end) {
        Some(pair) => Err(format!(
            "event {} began while the operation of event {} of the same client may not have \
             ended, so that all or nothing of that client may be left out",
            pair[1].invoke, pair[0].invoke
        )),
        None => Ok(()),
    }
}

/// Whether what is kept of a process releases nothing that it did not acquire, and has released
/// all whenever the process had.
fn whole(steps: &[Step], named: &FxHashSet<EventIndex>) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut kept: Vec<EventIndex> = Vec::new();
    for step in steps {
        let keeps = named.contains(&step.invoke);
        if step.acquires {
            depth += 1;
            kept.extend(keeps.then_some(step.invoke));
            continue;
        }
        // No order has a release of what is not held.
        if depth == 0 {
            continue;
        }
        depth -= 1;
        if keeps && kept.pop().is_none() {
            return Err(format!(
                "event {} released what was acquired before, and is kept without that",
                step.invoke
            ));
        }
        if depth == 0
            && let Some(acquire) = kept.pop()
        {
            return Err(format!(
                "event {} is left out, which released what event {acquire} acquired",
                step.invoke
            ));
        }
    }
    Ok(())
}
