//! The columns that a history is kept in: of each event hardly more than its time, and of each
//! operation one form.

use rustc_hash::FxHashMap;

use super::column::Sparse;
use super::ops::Ops;
use super::{Completion, Micros, Operation, Outcome};
use crate::{Body, ErrorName, Event, Kind, NodeId, Op, Process, Session, Time, Verification};

/// The bit of a link that marks a fault.
const FAULT: u32 = 1 << 31;

/// More events than this are no history.
pub(super) const MAX_EVENTS: usize = FAULT as usize;

/// What an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

impl Link {
    pub(super) const fn operation(id: usize) -> Link {
        Link(id as u32)
    }

    const fn fault(at: usize) -> Link {
        Link(at as u32 | FAULT)
    }
}

/// What most events do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rare {
    pub(crate) node: Option<NodeId>,
    pub(crate) session: Option<Session>,
    pub(crate) version: Option<u64>,
    pub(crate) snapshot: Option<u64>,
    pub(crate) intended: Option<Time>,
    pub(crate) error: Option<ErrorName>,
    pub(crate) detail: Option<String>,
    pub(crate) verified: Option<Verification>,
}

/// Events and operations by columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) times: Vec<Time>,
    links: Vec<Link>,
    /// Of each operation the form in which it is best known.
    pub(super) ops: Ops,
    /// Of operations whose other event says more than that form without results, or something
    /// else, what that event says.
    others: FxHashMap<u32, Op>,
    faults: Vec<Event>,
    /// The position of nodes plus one, of events up to the last that has one.
    nodes: Vec<u16>,
    sessions: Sparse<Session>,
    versions: Sparse<u64>,
    snapshots: Sparse<u64>,
    intended: Sparse<Time>,
    /// By their place in `completions`.
    failures: Sparse<u32>,
    completions: Vec<Completion>,
    verified: Sparse<Verification>,
}

impl Record {
    pub(super) const fn len(&self) -> usize {
        self.times.len()
    }

    /// Adds an event of an operation.
    pub(super) fn push(&mut self, time: Time, link: Link) {
        self.times.push(time);
        self.links.push(link);
    }

    /// Adds the fault of an event.
    pub(super) fn push_fault(&mut self, event: Event) {
        self.push(event.time, Link::fault(self.faults.len()));
        self.faults.push(event);
    }

    /// Adds what else is known of the event that was pushed last.
    pub(super) fn push_rare(&mut self, rare: Rare) {
        let at = self.times.len() - 1;
        let event = at as u32;
        if let Some(node) = rare.node {
            self.nodes.resize(at, 0);
            self.nodes.push(node.position() as u16 + 1);
        }
        fn push<T>(column: &mut Sparse<T>, event: u32, value: Option<T>) {
            if let Some(value) = value {
                column.push(event, value);
            }
        }
        push(&mut self.sessions, event, rare.session);
        push(&mut self.versions, event, rare.version);
        push(&mut self.snapshots, event, rare.snapshot);
        push(&mut self.intended, event, rare.intended);
        if rare.error.is_some() || rare.detail.is_some() {
            self.push_failure(event, rare.error, rare.detail);
        }
        push(&mut self.verified, event, rare.verified);
    }

    fn push_failure(&mut self, event: u32, error: Option<ErrorName>, detail: Option<String>) {
        let completion = Completion { error, detail };
        // Most are one of a few; those with a detail of their own are not looked for.
        let recent = self.completions.iter().rev().take(8);
        let known = recent.enumerate().find(|(_, known)| **known == completion);
        let at = match known {
            Some((back, _)) => self.completions.len() - 1 - back,
            None => {
                self.completions.push(completion);
                self.completions.len() - 1
            }
        };
        self.failures.push(event, at as u32);
    }

    /// Ends an operation as `op`, which repeats what was invoked.
    pub(super) fn complete(&mut self, id: usize, outcome: Outcome, op: Op) {
        match outcome {
            Outcome::Ok => {
                let derived = match op {
                    Op::Custom { .. } => self.ops.is(id, &op),
                    _ => !self.ops.has_results(id),
                };
                if !derived {
                    self.others.insert(id as u32, self.ops.to_op(id));
                }
                self.ops.replace(id, op);
            }
            Outcome::Fail | Outcome::Info => {
                if !self.ops.is(id, &op) {
                    self.others.insert(id as u32, op);
                }
            }
        }
    }

    pub(super) fn faults(&self) -> &[Event] {
        &self.faults
    }

    /// The operation of an event, if it is no fault.
    fn id(&self, at: usize) -> Option<usize> {
        let Link(link) = self.links[at];
        (link & FAULT == 0).then_some(link as usize)
    }

    /// The best known form of the operation of an event.
    pub(super) fn op(&self, at: usize) -> &Op {
        self.ops.op(self.links[at].0 as usize)
    }

    /// The same by itself.
    pub(super) fn to_op(&self, at: usize) -> Op {
        self.ops.to_op(self.links[at].0 as usize)
    }

    /// What the transaction of an event does.
    #[inline]
    pub(super) fn micros(&self, at: usize) -> Option<Micros<'_>> {
        self.ops.micros(self.links[at].0 as usize)
    }

    /// Whether the operation of an event can have no effect.
    pub(super) fn is_read_only(&self, at: usize) -> bool {
        self.ops.is_read_only(self.links[at].0 as usize)
    }

    pub(super) fn node(&self, at: usize) -> Option<NodeId> {
        match self.id(at) {
            Some(_) => match self.nodes.get(at) {
                None | Some(0) => None,
                Some(&number) => Some(NodeId::at(number as usize - 1)),
            },
            None => self.fault(at).node,
        }
    }

    pub(super) fn version(&self, at: usize) -> Option<u64> {
        self.versions.get(at as u32).copied()
    }

    pub(super) fn snapshot(&self, at: usize) -> Option<u64> {
        self.snapshots.get(at as u32).copied()
    }

    /// What the event of an operation says of its failure.
    pub(super) fn completion(&self, at: usize) -> &Completion {
        static NOTHING: Completion = Completion {
            error: None,
            detail: None,
        };
        let failure = self.failures.get(at as u32);
        failure.map_or(&NOTHING, |&known| &self.completions[known as usize])
    }

    fn fault(&self, at: usize) -> &Event {
        &self.faults[(self.links[at].0 & !FAULT) as usize]
    }

    pub(super) fn kind(&self, at: usize, operations: &[Operation]) -> Kind {
        match self.id(at) {
            Some(id) => kind(&operations[id], at),
            None => self.fault(at).kind,
        }
    }

    /// The event at this place.
    pub(super) fn event(&self, at: usize, operations: &[Operation]) -> Event {
        let Some(id) = self.id(at) else {
            return self.fault(at).clone();
        };
        let operation = &operations[id];
        let event = at as u32;
        let completion = self.completion(at);
        Event {
            index: at as u64,
            time: self.times[at],
            process: Process::Client(operation.process),
            kind: kind(operation, at),
            body: Body::Op(self.op_at(at, id, operation)),
            node: self.node(at),
            session: self.sessions.get(event).cloned(),
            version: self.versions.get(event).copied(),
            snapshot: self.snapshots.get(event).copied(),
            intended: self.intended.get(event).copied(),
            error: completion.error.clone(),
            detail: completion.detail.clone(),
            verified: self.verified.get(event).cloned(),
        }
    }

    /// The operation as an event has it.
    fn op_at(&self, at: usize, id: usize, operation: &Operation) -> Op {
        let best = || self.ops.to_op(id);
        let other = || self.others.get(&(id as u32));
        match (operation.complete, operation.outcome) {
            (Some(completion), Outcome::Ok) if completion != at => {
                other().map_or_else(|| best().without_results(), Op::clone)
            }
            (Some(completion), Outcome::Fail | Outcome::Info) if completion == at => {
                other().map_or_else(best, Op::clone)
            }
            _ => best(),
        }
    }
}

/// What an event says of its operation.
fn kind(operation: &Operation, at: usize) -> Kind {
    match operation.outcome {
        _ if operation.complete != Some(at) => Kind::Invoke,
        Outcome::Ok => Kind::Ok,
        Outcome::Fail => Kind::Fail,
        Outcome::Info => Kind::Info,
    }
}
