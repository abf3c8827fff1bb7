//! What a data model tells of its transactions: lists today, registers, predicates.

use super::cycles::Cycle;
use super::direct::Findings;
use super::participants::Participants;
use super::relations::Relations;
use super::{Because, Evidence, Step};
use crate::graph::Labels;

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
    /// set, and it is one of data.
    fn because(&self, from: u32, to: u32, label: Labels) -> Option<Because>;

    /// Why something may be missed, if it may: who wrote what was read cannot be known.
    fn doubt(&self) -> Option<String>;

    /// How often something happened that could have shown a violation.
    fn opportunities(&self) -> u64;

    /// The facts of a cycle.
    fn prove(&self, cycle: &Cycle) -> Evidence {
        let count = cycle.txns.len();
        let steps = (0..count).filter_map(|at| {
            let (from, to) = (cycle.txns[at], cycle.txns[(at + 1) % count]);
            let because = match cycle.labels[at] {
                super::relations::PROCESS | super::relations::SESSION => Because::Session,
                super::relations::REALTIME => Because::RealTime,
                label => self.because(from, to, label)?,
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
