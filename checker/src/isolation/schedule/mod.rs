//! A schedule of transactions: the proof that they were isolated, and its check.
//!
//! - [`Schedule`]: in which order transactions took their snapshots and committed.
//! - [`confirm_schedule`]: performs it, and compares everything that was read.
//!
//! Snapshot isolation by moments of beginning and commit: Berenson et al., *A Critique of ANSI SQL
//! Isolation Levels*, SIGMOD 1995, section 4.2; that a schedule of such moments exists exactly if
//! the dependency graph has no forbidden cycle: Cerone and Gotsman, *Analysing Snapshot Isolation*,
//! PODC 2016. A serializable history is one whose transactions each take place at one moment.
//!
//! **Invariant:** but for `order`, which makes them, nothing here knows of graphs, version orders or
//! levels beyond the four demands of [`Demands`]: it shares nothing with what found the schedule.

mod order;
mod replay;
#[cfg(test)]
mod tests;

use polygraph_history::{EventIndex, Guarantee, History, Operation, Outcome};

pub(super) use order::schedule;

use replay::Replay;

/// In which order transactions took their snapshots and committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it is a proof of.
    pub guarantee: Guarantee,
    /// The events that invoked the transactions, in order. Where each takes place at one moment
    /// they are in it once; else twice, for the snapshot and for the commit.
    pub moments: Vec<EventIndex>,
}

/// What a level demands of a schedule, besides that reads show what it says.
#[derive(Clone, Copy, Debug)]
struct Demands {
    /// Each transaction takes place at one moment.
    at_once: bool,
    /// What overlaps in the schedule writes to different keys.
    no_conflicts: bool,
    /// A snapshot shows all that the same session had committed before.
    sessions: bool,
    /// A snapshot shows all that had ended before the transaction began.
    real_time: bool,
}

impl Demands {
    const fn of(guarantee: Guarantee) -> Option<Demands> {
        let (at_once, no_conflicts, sessions, real_time) = match guarantee {
            Guarantee::Serializable => (true, true, false, false),
            Guarantee::StrongSessionSerializable => (true, true, true, false),
            Guarantee::StrictSerializable => (true, true, true, true),
            Guarantee::SnapshotIsolation => (false, true, false, false),
            Guarantee::StrongSessionSnapshotIsolation => (false, true, true, false),
            Guarantee::StrongSnapshotIsolation => (false, true, true, true),
            Guarantee::PrefixConsistency => (false, false, true, false),
            _ => return None,
        };
        Some(Demands {
            at_once,
            no_conflicts,
            sessions,
            real_time,
        })
    }
}

/// Whether a guarantee is one that a schedule can prove.
#[must_use]
pub const fn has_schedules(guarantee: Guarantee) -> bool {
    Demands::of(guarantee).is_some()
}

/// Whether the transactions of a guarantee take place at one moment each, so that a schedule names
/// each of them once.
#[must_use]
pub const fn at_one_moment(guarantee: Guarantee) -> bool {
    match Demands::of(guarantee) {
        Some(demands) => demands.at_once,
        None => false,
    }
}

/// Checks that a schedule explains a history, in time linear in what was read and written, but
/// for a logarithm.
///
/// Every transaction that took place has to be in it, those of unknown outcome may be, failed ones
/// must not. Single reads, writes and compare-and-sets count as transactions of one operation.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm_schedule(history: &History, schedule: &Schedule) -> Result<(), String> {
    let guarantee = schedule.guarantee;
    let demands =
        Demands::of(guarantee).ok_or_else(|| format!("a schedule is no proof of {guarantee}"))?;
    let operations = history.operations();
    let mut stages = vec![Stage::Absent; operations.len()];
    let mut replay = Replay::default();
    let mut order = Order::new(demands, operations);
    for (place, &event) in schedule.moments.iter().enumerate() {
        let place = place as u32;
        let id = find(operations, event)
            .ok_or_else(|| format!("event {event} does not invoke an operation"))?;
        let operation = &operations[id];
        if operation.outcome == Outcome::Fail {
            return Err(format!(
                "transaction {event} failed, and is in the schedule"
            ));
        }
        let (snapshot, commits) = match (stages[id], demands.at_once) {
            (Stage::Absent, true) => (place, true),
            (Stage::Absent, false) => (place, false),
            (Stage::Begun(snapshot), _) => (snapshot, true),
            (Stage::Done, _) => return Err(format!("transaction {event} is there too often")),
        };
        if stages[id] == Stage::Absent {
            order.begin(id);
            stages[id] = Stage::Begun(snapshot);
        }
        if commits {
            order.commit(id)?;
            stages[id] = Stage::Done;
            let at = replay::Moments {
                snapshot,
                commit: place,
                no_conflicts: demands.no_conflicts,
            };
            replay
                .perform(history, operation, at)
                .map_err(|problem| format!("transaction {event} {problem}"))?;
        }
    }
    for (operation, stage) in operations.iter().zip(&stages) {
        let event = operation.invoke;
        match stage {
            Stage::Begun(_) => return Err(format!("transaction {event} never commits")),
            Stage::Absent if operation.outcome == Outcome::Ok => {
                replay
                    .may_be_absent(history, operation)
                    .map_err(|problem| format!("operation {event} {problem}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Absent,
    /// It took its snapshot at this place of the schedule.
    Begun(u32),
    Done,
}

/// The operation that an event invoked.
fn find(operations: &[Operation], event: EventIndex) -> Option<usize> {
    operations
        .binary_search_by_key(&event, |operation| operation.invoke)
        .ok()
}

/// Whether sessions and real time are kept: nothing commits after something has begun that must
/// see it.
struct Order<'h> {
    demands: Demands,
    operations: &'h [Operation],
    /// Of each session the last event that invoked what has begun.
    last_invoked: Vec<Option<EventIndex>>,
    /// The latest start, as a rank of real time, of what has begun.
    latest_start: Option<u64>,
}

impl<'h> Order<'h> {
    fn new(demands: Demands, operations: &'h [Operation]) -> Order<'h> {
        let sessions = operations.iter().map(|operation| operation.session + 1);
        Order {
            demands,
            operations,
            last_invoked: vec![None; sessions.max().unwrap_or(0) as usize],
            latest_start: None,
        }
    }

    fn begin(&mut self, id: usize) {
        let operation = &self.operations[id];
        let last = &mut self.last_invoked[operation.session as usize];
        *last = (*last).max(Some(operation.invoke));
        self.latest_start = self.latest_start.max(Some(operation.start));
    }

    fn commit(&self, id: usize) -> Result<(), String> {
        let operation = &self.operations[id];
        let event = operation.invoke;
        let last = self.last_invoked[operation.session as usize];
        if self.demands.sessions
            && operation.outcome == Outcome::Ok
            && let (Some(end), Some(last)) = (operation.complete, last)
            && end < last
        {
            return Err(format!(
                "transaction {event} commits after {last} has begun, which comes later in its \
                 session"
            ));
        }
        if self.demands.real_time && self.latest_start.is_some_and(|start| operation.end < start) {
            return Err(format!(
                "transaction {event} commits after one has begun that was invoked when it had \
                 ended"
            ));
        }
        Ok(())
    }
}
