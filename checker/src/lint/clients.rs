//! What clients did: outcomes that do not fit their errors, processes that go on where they must
//! not, clients that never succeed.

use std::collections::BTreeMap;

use polygraph_history::{ErrorName, History, Op, OperationId, Outcome};
use rustc_hash::FxHashMap;

use super::{Collector, Example, Finding, error, event, place, shorten, who};

/// So many operations of one client must have failed before that is said.
const MANY: u64 = 10;

/// A history of fewer events is over before an operation can be called lost.
const LONG: usize = 100;

/// Everything about clients.
pub(super) fn find(history: &History, findings: &mut Vec<Finding>) {
    open_failures(history, findings);
    processes(history, findings);
    successes(history, findings);
    let mut unfinished = Collector::new("missing-completion");
    let mut empty = Collector::new("empty-transaction");
    let half = history.events().len() / 2;
    for (id, operation) in history.operations().iter().enumerate() {
        let example = |what: &str| Example {
            sentence: format!("{what} {}", place(history, id)),
            events: vec![event(history, id)],
        };
        if operation.complete.is_none() && operation.invoke < half && 2 * half >= LONG {
            unfinished.add(|| {
                let op = shorten(history.op(operation));
                example(&format!("`{op}` by"))
            });
        }
        if history
            .micros(operation)
            .is_some_and(|micros| micros.is_empty())
        {
            empty.add(|| example("one by"));
        }
    }
    unfinished.tell(
        findings,
        "operations have no completion although the history goes on for long after: their \
         completions may not have been recorded; they count as never ended",
    );
    empty.tell(
        findings,
        "transactions that read nothing and write nothing; what they did may not have been \
         recorded",
    );
}

/// Whether an error leaves open whether its operation took place. Of other people's errors only
/// names that say so.
pub(super) fn leaves_open(error: &ErrorName) -> bool {
    const NAMES: &[&str] = &[
        "timeout",
        "timed-out",
        "time-out",
        "operation-timeout",
        "request-timeout",
        "socket",
        "socket-timeout",
        "socket-timed-out",
        "read-timed-out",
        "read-timeout",
        "write-timeout",
        "client-timeout",
        "connection-lost",
        "connection-closed",
        "connection-reset",
        "connection-timed-out",
        "conn-closed",
        "broken-pipe",
        "eof",
        "indeterminate",
        "unknown",
        "crashed",
        "too-few-acks",
    ];
    let name = error.as_str().trim_start_matches(':').to_lowercase();
    NAMES.contains(&name.replace([' ', '_'], "-").as_str())
}

/// Operations recorded as failed with an error that leaves their outcome open.
fn open_failures(history: &History, findings: &mut Vec<Finding>) {
    let mut collector = Collector::new("open-failure");
    let mut errors: BTreeMap<&ErrorName, u64> = BTreeMap::new();
    for (id, operation) in history.operations().iter().enumerate() {
        if operation.outcome != Outcome::Fail || history.is_read_only(operation) {
            continue;
        }
        let Some(name) = error(history, operation).filter(|name| leaves_open(name)) else {
            continue;
        };
        *errors.entry(name).or_default() += 1;
        collector.add(|| Example {
            sentence: format!(
                "`{}` by {} failed with `{name}`",
                shorten(history.op(operation)),
                place(history, id)
            ),
            events: vec![event(history, id)],
        });
    }
    let counts: Vec<String> = errors
        .iter()
        .map(|(name, count)| format!("{count} with `{name}`"))
        .collect();
    collector.tell(
        findings,
        format!(
            "operations that change something are recorded as fail with an error that leaves open \
             whether they took place ({}): such operations should be info, or what they did seems \
             to come out of nowhere",
            counts.join(", ")
        ),
    );
}

/// Processes that go on after an operation whose outcome is not known.
fn processes(history: &History, findings: &mut Vec<Finding>) {
    let mut collector = Collector::new("process-after-info");
    let mut last: FxHashMap<u64, OperationId> = FxHashMap::default();
    for (id, operation) in history.operations().iter().enumerate() {
        let indeterminate = operation.outcome == Outcome::Info && operation.complete.is_some();
        // Only few operations end so: most processes never get into the table.
        let before = match last.is_empty() {
            true => None,
            false => last.remove(&operation.process),
        };
        if indeterminate {
            last.insert(operation.process, id);
        }
        // A session that goes on was declared to.
        if let Some(before) = before
            && history.operations()[before].session != operation.session
        {
            collector.add(|| Example {
                sentence: format!(
                    "`{}` of {} ended as info, and the same process went on with `{}` (event {})",
                    shorten(history.op(&history.operations()[before])),
                    place(history, before),
                    shorten(history.op(operation)),
                    operation.invoke
                ),
                events: vec![event(history, before), event(history, id)],
            });
        }
    }
    collector.tell(
        findings,
        "processes went on after an operation whose outcome is not known and which may still take \
         effect; their sessions were cut there, as if another process had gone on",
    );
}

/// Clients none of whose operations took place.
fn successes(history: &History, findings: &mut Vec<Finding>) {
    let operations = history.operations();
    let succeeded = operations.iter().filter(|it| it.outcome == Outcome::Ok);
    if succeeded.count() == 0 {
        if !operations.is_empty() {
            findings.push(Finding {
                name: "no-success",
                sentence: format!(
                    "none of {} operations took place; nothing can be learned from this history",
                    operations.len()
                ),
                count: operations.len() as u64,
                examples: Vec::new(),
            });
        }
        return;
    }
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    let mut counts: FxHashMap<u64, (u64, u64, OperationId)> = FxHashMap::default();
    for (id, operation) in operations.iter().enumerate() {
        // That a compare-and-set fails is an answer.
        let is_answer =
            history.micros(operation).is_none() && matches!(history.op(operation), Op::Cas { .. });
        let client = operation.process.checked_rem(clients);
        let client = client.unwrap_or(operation.process);
        let (ok, other, _) = counts.entry(client).or_insert((0, 0, id));
        *ok += u64::from(operation.outcome == Outcome::Ok || is_answer);
        *other += u64::from(operation.outcome != Outcome::Ok && !is_answer);
    }
    let mut never: Vec<(OperationId, u64)> = counts
        .values()
        .filter(|&&(ok, other, _)| ok == 0 && other >= MANY)
        .map(|&(_, other, first)| (first, other))
        .collect();
    never.sort_unstable();
    let mut collector = Collector::new("client-never-succeeds");
    for (first, count) in never {
        collector.add(|| {
            let operation = &operations[first];
            let name = error(history, operation);
            let name = name.map_or(String::new(), |name| format!(" (`{name}`)"));
            Example {
                sentence: format!(
                    "none of {count} operations of {} took place; the first is event {}{name}",
                    who(history, operation),
                    operation.invoke,
                ),
                events: vec![event(history, first)],
            }
        });
    }
    collector.tell(
        findings,
        "clients never succeed while others do: their connection or their configuration may be \
         wrong",
    );
}
