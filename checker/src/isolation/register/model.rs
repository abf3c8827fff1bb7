//! Transactions over registers as a data model of the engine.

use std::rc::Rc;

use polygraph_history::Outcome;

use crate::graph::Labels;

use super::super::direct::Findings;
use super::super::model::Model;
use super::super::participants::Participants;
use super::super::relations::{RW, Relations, WR, WW};
use super::super::weak::Witness;
use super::super::{Because, Evidence, Kind, Step};
use super::fact::{After, Fact};
use super::installed::{Demand, Installed};
use super::versions::Versions;
use super::view::{Fault, INIT, NONE, Read, View};

/// A history of registers: its transactions by number, their versions, and who took part.
pub(in super::super) struct Registers<'h> {
    view: Rc<View<'h>>,
    versions: Versions,
    participants: Participants<'h>,
}

impl<'h> Registers<'h> {
    /// Looks at what was read and written, and at nothing that the store says of its versions.
    pub(in super::super) fn new(view: Rc<View<'h>>) -> Registers<'h> {
        Registers::with(view, None)
    }

    /// The same, besides with the order in which the store says that it installed the versions,
    /// as far as nothing contradicts it that must not; none if the store says nothing.
    pub(in super::super) fn told(view: Rc<View<'h>>, demand: Demand) -> Option<Registers<'h>> {
        let installed = Installed::new(&view, demand)?;
        Some(Registers::with(view, Some(installed)))
    }

    fn with(view: Rc<View<'h>>, installed: Option<Installed>) -> Registers<'h> {
        let history = view.history;
        let txns = || 0..view.len() as u32;
        let operation = txns().map(|txn| view.operation_id(txn)).collect();
        let committed = txns().map(|txn| view.committed(txn)).collect();
        Registers {
            participants: Participants::new(history, operation, committed),
            versions: Versions::new(&view, installed),
            view,
        }
    }

    /// What contradicts the order that the store tells, in words, a register each.
    pub(in super::super) fn contradictions(&self) -> Vec<String> {
        let installed = self.versions.installed.as_ref();
        let contradicted = installed.map_or(&[][..], |installed| &installed.contradicted);
        let told = contradicted.iter().map(|(key, why)| {
            let key = self.view.keys[*key as usize];
            format!("versions-contradict-order: those of {key} are not looked at, for {why}")
        });
        told.collect()
    }

    /// The order that the store tells, as edges from one writer to the next.
    fn add_installed(&self, relations: &mut Relations, counts: impl Fn(u32) -> bool) {
        let Some(installed) = &self.versions.installed else {
            return;
        };
        let mut last: Option<(u32, u32)> = None;
        for (key, _, txn) in installed.writers().filter(|&(_, _, txn)| counts(txn)) {
            if let Some((_, before)) = last.filter(|last| last.0 == key) {
                relations.add(before, txn, WW);
            }
            last = Some((key, txn));
        }
    }

    /// The register whose versions the store says two transactions installed in this order.
    fn installed_key(&self, from: u32, to: u32) -> Option<u32> {
        let installed = self.versions.installed.as_ref()?;
        let mut keys = self.view.writes_of(to).iter().map(|write| write.key);
        keys.find(|&key| installed.precedes(&self.view, from, to, key))
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

    /// Transactions of which each wrote a register over what it had read of the one before, in a
    /// circle: one circle each, of each register.
    fn cyclic_versions(&self, findings: &mut Findings) {
        let view = &self.view;
        // Of each write whose version the transaction wrote over, and by which read.
        let mut over: Vec<(u32, u32)> = vec![(NONE, NONE); view.writes.len()];
        let mut owner: Vec<u32> = vec![NONE; view.writes.len()];
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let first = view.first_write(txn);
            owner[first..first + view.writes_of(txn).len()].fill(txn);
            for read in self.versions.external(view, txn) {
                if read.author < INIT
                    && let Some(own) = view.write_of(txn, read.key)
                    && let Some(seen) = view.write_of(read.author, read.key)
                {
                    over[own] = (seen as u32, read.position);
                }
            }
        }
        // The walk on which a write was met.
        let mut met: Vec<u32> = vec![NONE; over.len()];
        for start in 0..over.len() as u32 {
            let mut at = start;
            while at != NONE && met[at as usize] == NONE {
                met[at as usize] = start;
                at = over[at as usize].0;
            }
            if at == NONE || met[at as usize] != start {
                continue;
            }
            findings.add(Kind::CyclicVersions, || {
                let mut steps = Vec::new();
                let mut to = at;
                loop {
                    let (from, read) = over[to as usize];
                    steps.push(Step {
                        from: view.invocation(owner[from as usize]),
                        to: view.invocation(owner[to as usize]),
                        because: Because::Register(Fact::Replaced(read as usize)),
                    });
                    to = from;
                    if to == at {
                        break;
                    }
                }
                steps.reverse();
                Evidence::Cycle(steps)
            });
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
        self.add_installed(&mut relations, |_| true);
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
        self.cyclic_versions(findings);
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
                match reads.find(|read| read.author == from && view.wrote(to, read.key)) {
                    Some(read) => Fact::Replaced(position(read)),
                    None => {
                        let key = self.installed_key(from, to)?;
                        Fact::Installed {
                            earlier: view.write_position(from, key)?,
                            later: view.write_position(to, key)?,
                        }
                    }
                }
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
                    _ => match self.read_over(to, read) {
                        Some(over) => After::Read(position(over)),
                        None => After::Installed(view.write_position(to, read.key)?),
                    },
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

    /// Only what the store tells: that one version replaced another follows else from what was
    /// read, which read uncommitted does not ask.
    fn writes(&self) -> Relations {
        let mut relations = Relations::new(self.view.len() as u32, 0);
        let said_so = |txn| self.view.operation(txn).outcome == Outcome::Ok;
        self.add_installed(&mut relations, said_so);
        relations
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
