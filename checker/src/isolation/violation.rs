//! Evidence against a level of isolation as it is written to a file and read back, whichever way
//! found it; and the second look at it, which trusts nothing that the file says.

use polygraph_history::{EventIndex, Guarantee, History, Key};
use serde::{Deserialize, Serialize};

use super::closed::{Closed, ClosedProof, confirm_closed, is_of_items};
use super::lattice::{LEVELS, implies};
use super::level::Level;
use super::{Kind, Proof, against, confirm, solve, weak};

/// Evidence of a transactional anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// Facts about lists, or dependencies between transactions.
    Dependencies(Proof),
    /// What reads of registers overlook.
    Reads(weak::Proof),
    /// Registers whose versions no order explains.
    Versions(solve::Proof),
    /// A read that does not show of an object what it must.
    Miss {
        /// The event that invoked the transaction.
        transaction: EventIndex,
        /// The position of the read in it, counted from zero.
        position: usize,
        /// The object.
        object: Key,
        /// Whether it is what the transaction itself did to the object that it lacks.
        own: bool,
    },
    /// Evidence of the history as one of registers, an object each.
    Objects {
        /// Whether reads by predicate count; else only those of objects.
        predicates: bool,
        /// The evidence.
        violation: Box<Violation>,
    },
}

impl TryFrom<&crate::Proof> for Violation {
    type Error = ();

    fn try_from(proof: &crate::Proof) -> Result<Violation, ()> {
        Ok(match proof {
            crate::Proof::Isolation(proof) => Violation::Dependencies(proof.clone()),
            crate::Proof::Weak(proof) => Violation::Reads(proof.clone()),
            crate::Proof::VersionOrder(proof) => Violation::Versions(proof.clone()),
            crate::Proof::Closed(ClosedProof::Miss {
                transaction,
                position,
                object,
                own,
            }) => Violation::Miss {
                transaction: *transaction,
                position: *position,
                object: object.clone(),
                own: *own,
            },
            crate::Proof::Closed(ClosedProof::Registers { predicates, proof }) => {
                Violation::Objects {
                    predicates: *predicates,
                    violation: Box::new(Violation::try_from(&**proof)?),
                }
            }
            _ => return Err(()),
        })
    }
}

impl Violation {
    /// What it is called in reports, where it has a name of its own.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Violation::Dependencies(proof) => Some(proof.kind.name()),
            Violation::Reads(proof) => Some(proof.kind.name()),
            Violation::Versions(solve::Proof::Faulty { fault, .. }) => Some(fault),
            Violation::Versions(solve::Proof::NoOrder { .. }) => None,
            Violation::Miss { own: true, .. } => Some(Kind::Internal.name()),
            Violation::Miss { own: false, .. } => Some(Kind::PredicateReadMiss.name()),
            Violation::Objects { violation, .. } => violation.kind(),
        }
    }
}

/// Checks evidence against a history with code that shares nothing with the search, and that it
/// contradicts a guarantee: the level itself, or one that every history has which keeps it.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm_violation(
    history: &History,
    guarantee: Guarantee,
    violation: &Violation,
) -> Result<(), String> {
    let mut implied = LEVELS
        .iter()
        .copied()
        .filter(|&level| implies(guarantee, level));
    let contradicts = match violation {
        Violation::Miss {
            transaction,
            position,
            object,
            own,
        } => {
            let miss = ClosedProof::Miss {
                transaction: *transaction,
                position: *position,
                object: object.clone(),
                own: *own,
            };
            confirm_closed(history, &miss)?;
            let internal = |level| Level::of(level).is_some_and(|it| it.proscribes(Kind::Internal));
            match own {
                true => implied.any(internal),
                false => implies(guarantee, Guarantee::ReadCommitted),
            }
        }
        Violation::Objects {
            predicates,
            violation,
        } => {
            let closed = Closed::new(history, *predicates)?;
            // Where reads by predicate count, nothing is said of levels that leave them out.
            let mut implied = implied.filter(|&level| !predicates || !is_of_items(level));
            implied.any(|level| confirm_violation(&closed.history, level, violation).is_ok())
        }
        Violation::Dependencies(proof) => {
            confirm(history, proof)?;
            implied.any(|level| against::is_against(history, level, proof))
        }
        Violation::Reads(proof) => {
            weak::confirm(history, proof)?;
            weakest(&proof.evidence).is_some_and(|weakest| implies(guarantee, weakest))
        }
        Violation::Versions(proof) => {
            solve::confirm_proof(history, proof)?;
            match proof {
                solve::Proof::Faulty { .. } => implies(guarantee, Guarantee::ReadAtomic),
                solve::Proof::NoOrder { refutation, .. } => {
                    implied.any(|level| solve::level(level) == Some(refutation.level))
                }
            }
        }
    };
    match contradicts {
        true => Ok(()),
        false => Err(format!("{guarantee} allows what it shows")),
    }
}

/// The weakest level that such evidence contradicts, if it contradicts one of those that ask for
/// no order of versions.
fn weakest(evidence: &weak::Evidence) -> Option<Guarantee> {
    use weak::Evidence;
    match evidence {
        Evidence::Unwritten { .. }
        | Evidence::Future { .. }
        | Evidence::Aborted { .. }
        | Evidence::Intermediate { .. } => Some(Guarantee::ReadCommitted),
        Evidence::Internal { .. } | Evidence::NonRepeatable { .. } => Some(Guarantee::ReadAtomic),
        Evidence::LostUpdate { .. } => None,
        Evidence::Initial(overlooked) => Some(overlooking(overlooked)),
        Evidence::Cycle(steps) => {
            let needed = steps.iter().map(|step| match &step.because {
                weak::Because::Link(weak::Link::Read(_)) => Guarantee::ReadCommitted,
                weak::Because::Link(weak::Link::Session) => Guarantee::TransactionalCausal,
                weak::Because::Overlooked(overlooked) => overlooking(overlooked),
            });
            // They are a chain, the strongest first in the list of all.
            needed.min_by_key(|level| LEVELS.iter().position(|known| known == level))
        }
    }
}

/// The weakest level at which such a read may not overlook such a write: that of what its
/// transaction had read from before, that of what it reads from at all, that of its causal past.
fn overlooking(overlooked: &weak::Overlooked) -> Guarantee {
    match overlooked.seen.as_slice() {
        [(_, weak::Link::Read(at))] if *at < overlooked.read.position => {
            Guarantee::MonotonicAtomicView
        }
        [(_, weak::Link::Read(_))] => Guarantee::ReadAtomic,
        _ => Guarantee::TransactionalCausal,
    }
}

impl From<Kind> for &'static str {
    fn from(kind: Kind) -> &'static str {
        kind.name()
    }
}

/// A name that is none of a kind.
impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Kind, String> {
        let mut all = Kind::all();
        all.find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no anomaly `{name}`"))
    }
}

impl From<weak::Kind> for &'static str {
    fn from(kind: weak::Kind) -> &'static str {
        kind.name()
    }
}

/// A name that is none of a kind.
impl TryFrom<String> for weak::Kind {
    type Error = String;

    fn try_from(name: String) -> Result<weak::Kind, String> {
        let mut all = weak::Kind::ALL.into_iter();
        all.find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no anomaly `{name}`"))
    }
}
