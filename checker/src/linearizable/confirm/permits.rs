//! Counts the permits of a lock or semaphore that anybody gives back: see [`Rule::Permits`].

use polygraph_history::{History, OperationId, Value};

use super::object::{Recorded, prefix};
use crate::linearizable::proof::{Certificate, Rule};
use crate::model::{ModelKind, Mutex, MutexOp, Semaphore, SemaphoreOp};

/// Between which moments an operation took place.
type Span = (u64, u64);

/// The operations of a prefix that move permits.
#[derive(Default)]
struct Moves {
    acquires: Vec<Span>,
    releases: Vec<Span>,
}

/// Whether more permits were acquired than there can have been, or more given back than can have
/// been taken. `O(n log n)`.
///
/// # Errors
/// That counting does not show it.
pub(super) fn counted(
    history: &History,
    operations: &[OperationId],
    certificate: &Certificate,
) -> Result<(), String> {
    let parameter = |name| match certificate.model.parameters.get(name) {
        Some(Value::Int(count)) => Some(i128::from(*count)),
        _ => None,
    };
    let mut moves = Moves::default();
    let mut add = |span: (u64, u64), acquires: bool| match acquires {
        true => moves.acquires.push(span),
        false => moves.releases.push(span),
    };
    let (permits, limit) = match certificate.model.kind {
        ModelKind::Mutex if parameter("owned") == Some(0) => {
            for operation in prefix::<Mutex>(history, operations, certificate)? {
                let acquires = matches!(operation.op, MutexOp::Acquire(_));
                add(span(&operation), acquires);
            }
            (1, 1)
        }
        ModelKind::Semaphore => {
            for operation in prefix::<Semaphore>(history, operations, certificate)? {
                match operation.op {
                    SemaphoreOp::Acquire => add(span(&operation), true),
                    SemaphoreOp::Release => add(span(&operation), false),
                    SemaphoreOp::Exhausted => {}
                }
            }
            let permits = parameter("permits").unwrap_or(1);
            (permits, parameter("limit").unwrap_or(permits))
        }
        _ => {
            return Err(format!(
                "the rule `{}` is one of locks and semaphores that anybody releases, and the \
                 object is a {}",
                Rule::Permits.name(),
                certificate.model
            ));
        }
    };
    // Where it begins with more than its limit it has no more than that later.
    let most = permits.max(limit);
    let Moves { acquires, releases } = moves;
    if exceed(&acquires, &releases, permits, most)
        || exceed(&releases, &acquires, most - permits, most)
    {
        return Ok(());
    }
    Err(format!(
        "of {} acquires and {} releases by event {} counting does not show that permits were \
         missing",
        acquires.len(),
        releases.len(),
        certificate.until
    ))
}

fn span<O>(operation: &Recorded<O>) -> Span {
    (operation.start, operation.end)
}

/// Whether since some moment more of the one took place for certain than the other can have made
/// room for: `first` is the room at the beginning, `most` what there can be at any moment.
fn exceed(one: &[Span], other: &[Span], first: i128, most: i128) -> bool {
    let ended = |spans: &[Span]| -> Vec<u64> {
        let ends = spans.iter().map(|&(_, end)| end);
        let mut ends: Vec<u64> = ends.filter(|&end| end != u64::MAX).collect();
        ends.sort_unstable();
        ends
    };
    let certain = one.iter().filter(|&&(_, end)| end != u64::MAX);
    let mut starts: Vec<u64> = certain.map(|&(start, _)| start).collect();
    starts.sort_unstable();
    let other_ends = ended(other);
    if starts.len() as i128 > first + other.len() as i128 {
        return true;
    }
    let mut moments = ended(one);
    moments.extend(&other_ends);
    moments.into_iter().any(|moment| {
        let begun_later = starts.len() - starts.partition_point(|&start| start <= moment);
        let not_ended = other.len() - other_ends.partition_point(|&end| end <= moment);
        begun_later as i128 > most + not_ended as i128
    })
}
