//! What a history says of an object, read anew.

use polygraph_history::{
    ErrorName, EventIndex, History, Key, Micro, Op, Operation, OperationId, Outcome,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::FailedCas;
use crate::linearizable::proof::{Certificate, Rule};
use crate::model::{Call, Foreign, Object};

/// An operation of an object, as it was recorded.
#[derive(Clone, Debug)]
pub(super) struct Recorded<O> {
    /// The event of its invocation.
    pub(super) invoke: EventIndex,
    /// When it began.
    pub(super) start: u64,
    /// When it ended; `u64::MAX` if it may still take effect, or never.
    pub(super) end: u64,
    /// What it does and shows.
    pub(super) op: O,
}

impl<O> Recorded<O> {
    /// Whether it may take effect later, or never.
    pub(super) const fn optional(&self) -> bool {
        self.end == u64::MAX
    }
}

/// The operations of a history by object.
pub(super) struct Objects {
    /// Of each object those that are about it, in the order of their invocations.
    pub(super) operations: Vec<Vec<OperationId>>,
    /// Keys that belong to no object and about which something was seen.
    pub(super) not_covered: Vec<Key>,
}

/// Which objects an operation is about.
enum About<'a> {
    /// None: it looks at a single replica.
    None,
    /// Those of these keys.
    Keys(Vec<&'a Key>),
    /// Any, for all that is known.
    Any,
}

fn about(op: &Op) -> About<'_> {
    match op {
        Op::Peek { .. } => About::None,
        Op::Txn(micros) => {
            let keys: Option<_> = micros.iter().map(Micro::key).collect();
            keys.map_or(About::Any, About::Keys)
        }
        _ => op.key().map_or(About::Any, |key| About::Keys(vec![key])),
    }
}

impl Objects {
    /// Sorts operations by the objects that these keys make.
    ///
    /// # Errors
    /// If a key belongs to two objects, or an object has none, or an operation is about keys of
    /// which only some belong to an object.
    pub(super) fn gather(history: &History, objects: &[&[Key]]) -> Result<Objects, String> {
        let mut of_key: FxHashMap<&str, usize> = FxHashMap::default();
        for (at, keys) in objects.iter().enumerate() {
            if keys.is_empty() {
                return Err("an object has no key".to_owned());
            }
            for key in *keys {
                if of_key.insert(&key.0, at).is_some() {
                    return Err(format!("key {key} is there twice"));
                }
            }
        }
        let mut gathered = Objects {
            operations: vec![Vec::new(); objects.len()],
            not_covered: Vec::new(),
        };
        let mut seen_outside: FxHashSet<Key> = FxHashSet::default();
        // Keys that are equal are mostly shared, and many in a row are the same.
        let mut last: Option<(&Key, Option<usize>)> = None;
        for (id, operation) in history.operations().iter().enumerate() {
            let op = history.op(operation);
            if let Some(key) = op.key() {
                // The usual case, without a list of keys.
                if matches!(op, Op::Peek { .. }) {
                    continue;
                }
                let at = match last {
                    Some((same, at)) if std::ptr::eq(&*same.0, &*key.0) => at,
                    _ => of_key.get(&*key.0).copied(),
                };
                last = Some((key, at));
                if let Some(at) = at {
                    gathered.operations[at].push(id);
                } else if says_something(history, operation) && seen_outside.insert(key.clone()) {
                    gathered.not_covered.push(key.clone());
                }
                continue;
            }
            if operation.outcome == Outcome::Fail {
                continue;
            }
            let custom = custom_key(op);
            let keys = match (about(op), &custom) {
                (About::None, _) => continue,
                (About::Any, Some(key)) => vec![key],
                (About::Any, None) => {
                    gathered.operations.iter_mut().for_each(|ids| ids.push(id));
                    continue;
                }
                (About::Keys(keys), _) => keys,
            };
            let mut object = None;
            for key in keys {
                let of_this = of_key.get(&*key.0).copied();
                if of_this.is_none() && seen_outside.insert(key.clone()) {
                    gathered.not_covered.push(key.clone());
                }
                if *object.get_or_insert(of_this) != of_this {
                    return Err(format!(
                        "event {} began `{op}`, which is about several objects at once",
                        operation.invoke
                    ));
                }
            }
            if let Some(at) = object.flatten() {
                gathered.operations[at].push(id);
            }
        }
        Ok(gathered)
    }
}

/// The key that a custom operation names.
fn custom_key(op: &Op) -> Option<Key> {
    match op {
        Op::Custom { args, .. } => args.get("key")?.as_str().map(Key::from),
        _ => None,
    }
}

/// Whether an operation may show something. If none of an object's operations does, it is
/// linearizable: let none of them take effect.
fn says_something(history: &History, operation: &Operation) -> bool {
    match operation.outcome {
        Outcome::Ok => true,
        Outcome::Info => false,
        Outcome::Fail => history
            .completion(operation)
            .and_then(|event| event.error.as_ref())
            .is_none_or(|error| {
                [
                    ErrorName::CAS_MISMATCH,
                    ErrorName::PRESENT,
                    ErrorName::ABSENT,
                ]
                .contains(error)
            }),
    }
}

/// What one operation does and shows; `None` if neither.
///
/// # Errors
/// If the model has no such operation, and it may have had an effect.
pub(super) fn recorded<M: Object>(
    history: &History,
    operation: &Operation,
    failed_cas: FailedCas,
) -> Result<Option<Recorded<M::Op>>, String> {
    let op = history.op(operation);
    let completion = match operation.outcome {
        Outcome::Fail => history.completion(operation),
        Outcome::Ok | Outcome::Info => None,
    };
    let call = Call {
        op,
        outcome: operation.outcome,
        error: completion.and_then(|event| event.error.as_ref()),
        process: operation.process,
        failed_cas,
    };
    match M::action(&call) {
        Ok(action) => Ok(action.map(|op| Recorded {
            invoke: operation.invoke,
            start: operation.start,
            end: operation.end,
            op,
        })),
        // What certainly had no effect and showed nothing constrains no model.
        Err(Foreign) if operation.outcome == Outcome::Fail => Ok(None),
        Err(Foreign) => Err(format!(
            "event {} began `{op}`, which the model does not know",
            operation.invoke
        )),
    }
}

/// Everything that the prefix of a certificate says about its object, or all that its rule needs.
pub(super) fn prefix<M: Object>(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
) -> Result<Vec<Recorded<M::Op>>, String> {
    let end = end_of_prefix(history, certificate.until)?;
    let named: FxHashSet<EventIndex> = certificate.operations.iter().map(|it| it.invoke).collect();
    // Whether operations of a register are left out soundly depends on those that write.
    let writers_alone = certificate.rule == Rule::Origins;
    let mut prefix = Vec::new();
    for &id in operations {
        let operation = &history.operations()[id];
        if operation.start > end {
            continue;
        }
        let reads = || matches!(history.op(operation), Op::Read { .. });
        if writers_alone && !named.contains(&operation.invoke) && reads() {
            continue;
        }
        let Some(mut recorded) = recorded::<M>(history, operation, certificate.failed_cas)? else {
            continue;
        };
        if operation.end > end {
            // One that failed later shows nothing now, and never takes effect.
            if operation.outcome == Outcome::Fail {
                continue;
            }
            recorded.end = u64::MAX;
        }
        prefix.push(recorded);
    }
    Ok(prefix)
}

/// The rank of the event that ends the prefix.
fn end_of_prefix(history: &History, until: EventIndex) -> Result<u64, String> {
    history
        .operations()
        .iter()
        .find(|operation| operation.complete == Some(until) && operation.outcome != Outcome::Info)
        .map(|operation| operation.end)
        .ok_or_else(|| format!("event {until} completes no operation"))
}

/// Objects by their keys: `key x`, `keys x, y`.
pub(super) fn named(keys: &[Key]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| &*key.0).collect();
    match names.as_slice() {
        [name] => format!("key {name}"),
        names => format!("keys {}", names.join(", ")),
    }
}
