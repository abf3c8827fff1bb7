//! The versions of a register and the reads of them, with what proves when each took effect.

use polygraph_history::{History, Key, Op, Operation, OperationId, Outcome, Time, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// The version that is there before anything is written.
pub(super) const INITIAL: usize = 0;

/// One version of a register. Ranks are those of operations plus one, so that the initial version
/// is older than everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// Who wrote it; `None` of the initial one.
    pub(super) write: Option<OperationId>,
    /// When its write began.
    pub(super) start: u64,
    /// When it had certainly taken effect: at the end of its write or of the first read of it.
    pub(super) took: u64,
    /// The operation that shows it.
    pub(super) shown_by: Option<OperationId>,
    /// The end of that, on the clock.
    pub(super) took_at: Time,
}

/// A read and the version that it returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) read: OperationId,
    pub(super) version: usize,
}

/// One register. Indeterminate writes are versions only if somebody read them.
#[derive(Debug)]
pub(super) struct Register<'h> {
    pub(super) key: &'h Key,
    pub(super) versions: Vec<Version>,
    pub(super) looks: Vec<Look>,
    /// Why nothing can be said of it, if so.
    pub(super) doubt: Option<&'static str>,
}

/// What a history shows of registers.
#[derive(Debug, Default)]
pub(super) struct View<'h> {
    pub(super) registers: Vec<Register<'h>>,
    pub(super) operations: u64,
    pub(super) indeterminate: u64,
}

/// What was collected of a key.
struct Collected<'h> {
    key: &'h Key,
    writes: Vec<(OperationId, &'h Value)>,
    reads: Vec<(OperationId, &'h Value)>,
    doubt: Option<&'static str>,
}

const MIXED: &str = "mixed-types: something else than reads and writes of a register was done";
const AMBIGUOUS: &str = "ambiguous-value: a value was written more than once";
const PHANTOM: &str = "phantom-value: a value was read that nobody had begun to write";

/// The registers of a history, by first appearance.
pub(super) fn view(history: &History) -> View<'_> {
    let mut view = View::default();
    let mut keys: Vec<Collected<'_>> = Vec::new();
    let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
    for (id, operation) in history.operations().iter().enumerate() {
        let op = history.op(operation);
        let touched: Vec<&Key> = match op {
            Op::Peek { .. } => continue,
            Op::Txn(micros) => micros.iter().filter_map(|it| it.key()).collect(),
            op => op.key().into_iter().collect(),
        };
        for key in touched {
            let at = numbers.get(&*key.0).copied().unwrap_or(keys.len());
            if at == keys.len() {
                numbers.insert(&key.0, at);
                keys.push(Collected {
                    key,
                    writes: Vec::new(),
                    reads: Vec::new(),
                    doubt: None,
                });
            }
            let collected = &mut keys[at];
            let live = operation.outcome != Outcome::Fail;
            match op {
                Op::Write { value, .. } | Op::Cas { to: value, .. } => {
                    view.operations += 1;
                    view.indeterminate += u64::from(operation.outcome == Outcome::Info);
                    if live {
                        collected.writes.push((id, value));
                    }
                }
                Op::Read { value, .. } => {
                    view.operations += 1;
                    view.indeterminate += u64::from(operation.outcome == Outcome::Info);
                    if let (Outcome::Ok, Some(value)) = (operation.outcome, value) {
                        collected.reads.push((id, value));
                    }
                }
                _ if live => collected.doubt = Some(MIXED),
                _ => {}
            }
        }
    }
    // Reads alone say nothing of what a key holds.
    let registers = keys.into_iter().filter(|key| !key.writes.is_empty());
    view.registers = registers.map(|key| register(history, key)).collect();
    view
}

fn register<'h>(history: &'h History, collected: Collected<'h>) -> Register<'h> {
    let operations = history.operations();
    let mut register = Register {
        key: collected.key,
        versions: vec![Version {
            write: None,
            start: 0,
            took: 0,
            shown_by: None,
            took_at: Time::ZERO,
        }],
        looks: Vec::with_capacity(collected.reads.len()),
        doubt: collected.doubt,
    };
    let read: FxHashSet<&Value> = collected.reads.iter().map(|&(_, value)| value).collect();
    let mut of: FxHashMap<&Value, usize> = FxHashMap::default();
    of.insert(&Value::Null, INITIAL);
    for (id, value) in collected.writes {
        let write = &operations[id];
        if write.outcome == Outcome::Info && !read.contains(value) {
            continue;
        }
        if of.insert(value, register.versions.len()).is_some() {
            register.doubt.get_or_insert(AMBIGUOUS);
        }
        register.versions.push(Version {
            write: Some(id),
            start: start(write),
            took: end(write),
            shown_by: (write.outcome == Outcome::Ok).then_some(id),
            took_at: ended_at(history, write),
        });
    }
    for (id, value) in collected.reads {
        let read = &operations[id];
        let Some(&at) = of.get(value) else {
            register.doubt.get_or_insert(PHANTOM);
            continue;
        };
        let version = &mut register.versions[at];
        if end(read) < version.start {
            register.doubt.get_or_insert(PHANTOM);
            continue;
        }
        if end(read) < version.took {
            version.took = end(read);
            version.shown_by = Some(id);
            version.took_at = ended_at(history, read);
        }
        register.looks.push(Look {
            read: id,
            version: at,
        });
    }
    register
}

pub(super) const fn start(operation: &Operation) -> u64 {
    operation.start.saturating_add(1)
}

pub(super) const fn end(operation: &Operation) -> u64 {
    operation.end.saturating_add(1)
}

/// When an operation had ended, on the clock; the end of time if it may still take effect.
pub(super) fn ended_at(history: &History, operation: &Operation) -> Time {
    match operation.outcome {
        Outcome::Info => Time::MAX,
        _ => history.completed_at(operation).unwrap_or(Time::MAX),
    }
}
