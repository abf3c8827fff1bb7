//! What a data model tells of its transactions: lists today, registers, predicates.

use crate::graph::Labels;

use super::access::Access;
use super::cycles::Cycle;
use super::direct::Findings;
use super::participants::Participants;
use super::relations::{PROCESS, REALTIME, Relations, SESSION, WW};
use super::{Because, Evidence, Step};

/// Transactions over some sort of data, as the deciding of levels sees them. Transactions have
/// numbers, those of [`Participants`].
pub(super) trait Model {
    /// For people who compare: `list-append-cycles`.
    fn algorithm(&self) -> &'static str;

    /// Who took part.
    fn participants(&self) -> &Participants<'_>;

    /// Who must come before whom, by what was read and written.
    fn relations(&self) -> Relations;

    /// Everything that is wrong without any cycle.
    fn find_direct(&self, findings: &mut Findings);

    /// The fact that makes for this edge of [`Model::relations`]: exactly one bit of `label` is
    /// set, and it is one of data. If `at` is given, one of the operation at this position: of
    /// the read that missed a write, or else of what the second read or wrote.
    fn because(&self, from: u32, to: u32, label: Labels, at: Option<u32>) -> Option<Because>;

    /// Whether a transaction wrote anything.
    fn writes_something(&self, txn: u32) -> bool;

    /// Why something may be missed, if it may: who wrote what was read cannot be known.
    fn doubt(&self) -> Option<String>;

    /// How often something happened that could have shown a violation.
    fn opportunities(&self) -> u64;

    /// Whether there is a key that both wrote.
    fn write_a_common_key(&self, one: u32, other: u32) -> bool;

    /// Who wrote over whose writes as far as that can be known if nothing that was read need have
    /// been committed.
    fn writes(&self) -> Relations {
        let mut relations = self.relations();
        relations.edges.retain(|edge| edge.label == WW);
        relations
    }

    /// What a transaction did, in its order, where the versions of each key have a known order.
    /// `false` if they have none: then levels that look inside of transactions are not decided.
    fn accesses(&self, _txn: u32, _out: &mut Vec<Access>) -> bool {
        false
    }

    /// Of each key the transactions whose writes of it nobody ordered, where there are several.
    fn unordered(&self) -> Vec<(u32, Vec<u32>)> {
        Vec::new()
    }

    /// The facts that show that a transaction saw a write of another and missed a second one, by a
    /// read after the first if `later`.
    fn fractured(&self, _reader: u32, _writer: u32, _later: bool) -> Option<Evidence> {
        None
    }

    /// The facts of a cycle.
    fn prove(&self, cycle: &Cycle) -> Evidence {
        self.prove_at(cycle, None, None)
    }

    /// The same, where the first transaction is left by an operation at one position, and come
    /// back to at another.
    fn prove_at(&self, cycle: &Cycle, left: Option<u32>, back: Option<u32>) -> Evidence {
        let count = cycle.txns.len();
        let steps = (0..count).filter_map(|at| {
            let (from, to) = (cycle.txns[at], cycle.txns[(at + 1) % count]);
            let position = match at {
                0 => left,
                at if at + 1 == count => back,
                _ => None,
            };
            let because = match cycle.labels[at] {
                PROCESS | SESSION => Because::Session,
                REALTIME => Because::RealTime,
                label => self.because(from, to, label, position)?,
            };
            Some(Step {
                from: self.participants().invocation(from),
                to: self.participants().invocation(to),
                because,
            })
        });
        Evidence::Cycle(steps.collect())
    }
}
