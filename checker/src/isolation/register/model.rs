//! Transactions over registers as a data model of the engine.

use polygraph_history::History;

use crate::graph::Labels;

use super::super::direct::Findings;
use super::super::model::Model;
use super::super::participants::Participants;
use super::super::relations::{RW, Relations, WR, WW};
use super::super::weak::Witness;
use super::super::{Because, Evidence, Kind};
use super::fact::{After, Fact};
use super::versions::Versions;
use super::view::{Fault, INIT, NONE, Read, View};

/// A history of registers: its transactions by number, their versions, and who took part.
pub(in super::super) struct Registers<'h> {
    pub(in super::super) view: View<'h>,
    versions: Versions,
    participants: Participants<'h>,
}

impl<'h> Registers<'h> {
    /// Looks at a history.
    ///
    /// # Errors
    /// Why it is not a history of transactions over registers.
    pub(in super::super) fn new(history: &'h History) -> Result<Registers<'h>, String> {
        let view = View::new(history)?;
        let txns = || 0..view.len() as u32;
        let operation = txns().map(|txn| view.operation_id(txn)).collect();
        let committed = txns().map(|txn| view.committed(txn)).collect();
        Ok(Registers {
            versions: Versions::new(&view),
            participants: Participants::new(history, operation, committed),
            view,
        })
    }

    fn witness(&self) -> Witness<'_, 'h> {
        Witness {
            view: &self.view,
            chains: None,
        }
    }

    /// Of each version that several transactions read and wrote over, the first of them with each
    /// other one.
    fn lost_updates(&self, findings: &mut Findings) {
        let view = &self.view;
        for (version, (readers, successors)) in self.versions.all().enumerate() {
            let mut both = successors
                .iter()
                .copied()
                .filter(|txn| readers.binary_search(txn).is_ok());
            let Some(first) = both.next() else { continue };
            let key = self.versions.key(view, version);
            for other in both {
                let position = |txn| {
                    let mut reads = self.versions.external(view, txn);
                    let read = reads.find(|read| self.versions.is(view, read, version));
                    read.map_or(NONE, |read| read.position)
                };
                findings.add(Kind::LostUpdate, || {
                    let (one, two) = ((first, position(first)), (other, position(other)));
                    Evidence::Register(self.witness().lost_update(one, two, key))
                });
            }
        }
    }

    /// The read of a version by which a transaction came to write right over it.
    fn read_over(&self, txn: u32, version: &Read) -> Option<&Read> {
        let mut reads = self.versions.external(&self.view, txn);
        reads.find(|read| (read.key, read.author) == (version.key, version.author))
    }
}

impl Model for Registers<'_> {
    fn algorithm(&self) -> &'static str {
        "register-cycles"
    }

    fn participants(&self) -> &Participants<'_> {
        &self.participants
    }

    fn relations(&self) -> Relations {
        let view = &self.view;
        let most = view.reads.len() * 2 + view.writes.len();
        let mut relations = Relations::new(view.len() as u32, most);
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            for read in view.reads_of(txn).iter().filter(|read| read.author < INIT) {
                relations.add(read.author, txn, WR);
            }
            for read in self.versions.external(view, txn) {
                if read.author < INIT && view.wrote(txn, read.key) {
                    relations.add(read.author, txn, WW);
                }
            }
        }
        for (readers, successors) in self.versions.all() {
            if !readers.is_empty() && !successors.is_empty() {
                relations.add_each(readers, successors, RW);
            }
        }
        relations
    }

    fn find_direct(&self, findings: &mut Findings) {
        let witness = self.witness();
        for faulty in &self.view.faults {
            let kind = match faulty.fault {
                Fault::ThinAir => Kind::ThinAirRead,
                Fault::Internal | Fault::NonRepeatable => Kind::Internal,
                Fault::Future => Kind::FutureRead,
                Fault::Aborted => Kind::G1a,
                Fault::Intermediate => Kind::G1b,
            };
            findings.add(kind, || Evidence::Register(witness.faulty(faulty)));
        }
        self.lost_updates(findings);
    }

    fn because(&self, from: u32, to: u32, label: Labels, at: Option<u32>) -> Option<Because> {
        let view = &self.view;
        let here = |read: &&Read| at.is_none_or(|at| read.position == at);
        let position = |read: &Read| read.position as usize;
        let fact = match label {
            WR => {
                let reads = || view.reads_of(to).iter().filter(|read| read.author == from);
                Fact::Read(position(reads().find(here).or_else(|| reads().next())?))
            }
            WW => {
                let mut reads = self.versions.external(view, to);
                let read = reads.find(|read| read.author == from && view.wrote(to, read.key))?;
                Fact::Replaced(position(read))
            }
            RW => {
                let missed = || {
                    self.versions.external(view, from).filter(|read| {
                        let successors = self.versions.successors(view, read);
                        successors.binary_search(&to).is_ok()
                    })
                };
                let read = missed().find(here).or_else(|| missed().next())?;
                let after = match read.author {
                    INIT => After::Initial(view.write_position(to, read.key)?),
                    _ => After::Read(position(self.read_over(to, read)?)),
                };
                Fact::Missed {
                    read: position(read),
                    after,
                }
            }
            _ => return None,
        };
        Some(Because::Register(fact))
    }

    fn writes_something(&self, txn: u32) -> bool {
        !self.view.writes_of(txn).is_empty()
    }

    fn write_a_common_key(&self, one: u32, other: u32) -> bool {
        let mut writes = self.view.writes_of(one).iter();
        writes.any(|write| self.view.wrote(other, write.key))
    }

    /// None: that one version replaced another follows from what was read, which read uncommitted
    /// does not ask.
    fn writes(&self) -> Relations {
        Relations::new(self.view.len() as u32, 0)
    }

    fn doubt(&self) -> Option<String> {
        if self.view.ambiguous > 0 {
            return Some(format!(
                "{} reads are of values that several transactions may have written",
                self.view.ambiguous
            ));
        }
        (self.versions.partial > 0).then(|| {
            format!(
                "the order of the versions of {} registers is not fully known",
                self.versions.partial
            )
        })
    }

    fn opportunities(&self) -> u64 {
        let from_others = self.view.reads.iter().filter(|read| read.author < INIT);
        from_others.count() as u64
    }
}
