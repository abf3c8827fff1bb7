//! Whether operations of a register are left out soundly: see [`crate::linearizable::Proof`].

use polygraph_history::{EventIndex, Value};
use rustc_hash::FxHashSet;

use super::cut::find;
use super::object::Recorded;
use crate::linearizable::proof::Certificate;
use crate::model::{CasRegister, CasRegisterOp};

type Operation = Recorded<CasRegisterOp<Value>>;

/// More operations than this are not looked at: each is compared with all of its prefix.
pub(super) const MAX_KEPT: usize = 1_000;

/// What such a certificate is about.
pub(super) const REGISTER: CasRegister<Value> = CasRegister {
    initial: Value::Null,
};

/// What is kept of the prefix, if the rest is left out soundly.
pub(super) fn kept(
    prefix: &[Operation],
    certificate: &Certificate,
) -> Result<Vec<Operation>, String> {
    let mut kept = Vec::with_capacity(certificate.operations.len());
    for (operation, how) in find(prefix, certificate)? {
        let mut operation = operation.clone();
        if !how.expectation {
            operation.op = match &operation.op {
                // It would do nothing at all.
                CasRegisterOp::Cas { from, to } if from == to => continue,
                CasRegisterOp::Cas { to, .. } | CasRegisterOp::Write(to) => {
                    CasRegisterOp::Write(to.clone())
                }
                CasRegisterOp::Read(_) | CasRegisterOp::Mismatch(_) => continue,
            };
        }
        kept.push(operation);
    }
    let named: FxHashSet<EventIndex> = kept.iter().map(|kept| kept.invoke).collect();
    // Who may have left what was found: nobody else is asked about below.
    let found: FxHashSet<&Value> = kept.iter().filter_map(|kept| kept.op.requires()).collect();
    let anything = |kept: &Operation| matches!(kept.op, CasRegisterOp::Mismatch(_));
    let anything = kept.iter().any(anything);
    let writers: Vec<&Operation> = prefix
        .iter()
        .filter(|it| (it.op.writes()).is_some_and(|left| anything || found.contains(left)))
        .collect();
    for operation in &kept {
        soundly_cut(operation, &kept, &named, &writers)?;
    }
    Ok(kept)
}

/// Whether an operation is possible where this value is.
fn possible(op: &CasRegisterOp<Value>, holds: &Value) -> bool {
    match op {
        CasRegisterOp::Read(value) | CasRegisterOp::Cas { from: value, .. } => value == holds,
        CasRegisterOp::Mismatch(value) => value != holds,
        CasRegisterOp::Write(_) => true,
    }
}

/// Whether everybody is kept who might have left what this operation found.
fn soundly_cut(
    operation: &Operation,
    kept: &[Operation],
    named: &FxHashSet<EventIndex>,
    writers: &[&Operation],
) -> Result<(), String> {
    let needs = operation.op.requires();
    if matches!(operation.op, CasRegisterOp::Write(_)) {
        return Ok(());
    }
    let overwritten = |writer: &Operation| {
        kept.iter().any(|between| {
            between.op.writes().is_some()
                && !between.optional()
                && writer.end < between.start
                && between.end < operation.start
        })
    };
    let origins = writers
        .iter()
        .filter(|writer| writer.op.writes().is_some() && writer.op.writes() == needs)
        .filter(|writer| writer.start <= operation.end && writer.invoke != operation.invoke);
    if let Some(origin) = origins.clone().next()
        && needs != Some(&Value::Null)
        && !origins.clone().any(|origin| named.contains(&origin.invoke))
    {
        return Err(format!(
            "event {} may have written what event {} found, and nobody who may have is kept",
            origin.invoke, operation.invoke
        ));
    }
    for writer in writers {
        let Some(left) = writer.op.writes() else {
            continue;
        };
        let sound = !possible(&operation.op, left)
            || named.contains(&writer.invoke)
            || writer.start > operation.end
            || overwritten(writer);
        if !sound {
            return Err(format!(
                "event {} may have written what event {} found, and is left out",
                writer.invoke, operation.invoke
            ));
        }
    }
    Ok(())
}
