//! What the operations of a history are of, and what is asked of it unless the user says.

use polygraph_checker::model::{MODELS, ModelKind};
use polygraph_history::{Guarantee, History, Op, Order, Outcome, Value};

/// The model that most operations are of.
pub(super) fn recognise(history: &History) -> Option<ModelKind> {
    let mut counts = vec![0_u64; MODELS.len()];
    let mut add = |op: &Op, times: u64| {
        for (count, (model, _)) in counts.iter_mut().zip(MODELS) {
            *count += times * u64::from(model.has(op));
        }
    };
    // Who has transactions has the one that does nothing.
    let nothing = Op::Txn(Vec::new());
    let of_transactions: Vec<usize> = (0..MODELS.len())
        .filter(|&at| MODELS[at].0.has(&nothing))
        .collect();
    let mut transactions = vec![0_u64; MODELS.len()];
    let text = |op: &Op| {
        matches!(
            op,
            Op::Read {
                value: Some(Value::Text(_)),
                ..
            }
        )
    };
    let same = |one: &Op, op: &Op| one.kind() == op.kind() && text(one) == text(op);
    // Of most operations the name says it all: they are counted by name, and asked about once.
    let mut by_name: Vec<(&Op, u64)> = Vec::new();
    for operation in history.operations() {
        if let Some(micros) = history.micros(operation) {
            for &at in &of_transactions {
                transactions[at] += u64::from(MODELS[at].0.has_transaction(micros.clone()));
            }
            continue;
        }
        let op = history.op(operation);
        match op {
            Op::Peek { .. } | Op::Custom { .. } => {}
            Op::Acquire { .. } | Op::Append { .. } => add(op, 1),
            _ => match by_name.iter_mut().find(|(one, _)| same(one, op)) {
                Some((_, times)) => *times += 1,
                None => by_name.push((op, 1)),
            },
        }
    }
    for (op, times) in by_name {
        add(op, times);
    }
    for (count, more) in counts.iter_mut().zip(transactions) {
        *count += more;
    }
    // Of equals the first is taken: reads alone are of many models.
    let most = counts.iter().copied().max().filter(|&count| count > 0)?;
    let at = counts.iter().position(|&count| count == most)?;
    Some(MODELS[at].0)
}

/// The model that a text names, if operations are of it: a semaphore, which nothing else tells
/// from a lock.
pub(super) fn named(history: &History, object: Option<&str>) -> Option<ModelKind> {
    let named = object?.parse().ok();
    named.filter(|&model| fits(history, model))
}

/// Whether any operation is of this model.
pub(super) fn fits(history: &History, model: ModelKind) -> bool {
    let mut operations = history.operations().iter();
    operations.any(|operation| match history.micros(operation) {
        Some(micros) => model.has_transaction(micros),
        None => model.has(history.op(operation)),
    })
}

/// What is asked unless the user says: single operations should be linearizable, transactions
/// strictly serializable, or serializable where the history cannot tell who did what when.
pub(super) fn default_guarantee(history: &History, model: ModelKind) -> Guarantee {
    match model {
        ModelKind::ListAppend | ModelKind::MultiRegister if knows_no_order(history) => {
            Guarantee::Serializable
        }
        ModelKind::ListAppend | ModelKind::MultiRegister => Guarantee::StrictSerializable,
        _ => Guarantee::Linearizable,
    }
}

/// Whether there are neither times nor processes, or sessions and nothing of when.
fn knows_no_order(history: &History) -> bool {
    let timeless = history.order() == Order::Index && history.spec().is_none();
    if history.order() == Order::Session {
        return true;
    }
    let first = history.operations().first().map(|first| first.process);
    timeless
        && history.operations().iter().all(|operation| {
            Some(operation.process) == first
                && (operation.outcome != Outcome::Ok
                    || operation.complete == Some(operation.invoke))
        })
}
