//! The levels and their verdicts.

use polygraph_history::{Guarantee, History};

use crate::{Anomaly, Options, Reason, Validity, Verdict};

use super::super::register::{Chains, Fault, INIT, View};
use super::causal::causal;
use super::cycles::Witness;
use super::order::{Before, Forced, Incoming};
use super::{Evidence, Kind, Proof, axioms, explain};

const ALGORITHM: &str = "commit-order-saturation";

/// How many steps the search for a short circle may take for each anomaly that is worked out.
const STEPS: u64 = 1_000_000;

/// What a transaction may not overlook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axiom {
    /// Nothing: reads are of what was committed in the end, and not in a circle (Adya's PL-2).
    ReadCommitted,
    /// The writes of those that it has read from before (*read committed* of Biswas and Enea).
    MonotonicAtomicView,
    /// The writes of those that it reads from.
    ReadAtomic,
    /// The writes in its causal past.
    Causal,
}

/// A level of isolation that needs no order of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    axiom: Axiom,
    sessions: bool,
}

impl Level {
    /// Read committed, as Adya defines it.
    pub const READ_COMMITTED: Level = Level::plain(Axiom::ReadCommitted);
    /// Monotonic atomic view.
    pub const MONOTONIC_ATOMIC_VIEW: Level = Level::plain(Axiom::MonotonicAtomicView);
    /// Read atomic.
    pub const READ_ATOMIC: Level = Level::plain(Axiom::ReadAtomic);
    /// Transactional causal consistency, which keeps the order of sessions.
    pub const CAUSAL: Level = Level::plain(Axiom::Causal).in_sessions();

    const fn plain(axiom: Axiom) -> Level {
        Level {
            axiom,
            sessions: false,
        }
    }

    /// The same as Biswas and Enea define it: commits keep the order of each session, from read
    /// atomic on all that the session did before is in sight, and a transaction reads its own
    /// writes (which Adya's and Bailis's levels below read atomic are not held to, as in Elle).
    #[must_use]
    pub const fn in_sessions(self) -> Level {
        Level {
            axiom: self.axiom,
            sessions: true,
        }
    }

    /// What a transaction may not overlook.
    #[must_use]
    pub const fn axiom(self) -> Axiom {
        self.axiom
    }

    /// The guarantee that it decides, or one that is weaker by the order of sessions.
    #[must_use]
    pub const fn guarantee(self) -> Guarantee {
        match self.axiom {
            Axiom::ReadCommitted => Guarantee::ReadCommitted,
            Axiom::MonotonicAtomicView => Guarantee::MonotonicAtomicView,
            Axiom::ReadAtomic => Guarantee::ReadAtomic,
            Axiom::Causal => Guarantee::TransactionalCausal,
        }
    }
}

/// Decides a level for a history of transactions over registers.
///
/// *Unknown* for want of applicability if it is none, for want of opportunities if no transaction
/// was acknowledged, and as not observable where it is not violated but a value was read that
/// several transactions may have written. An opportunity is a read of what another transaction
/// wrote.
#[must_use]
pub fn check(level: Level, history: &History, options: &Options) -> Verdict {
    match View::new(history) {
        Ok(view) => check_view(level, &view, options),
        Err(why) => {
            let verdict = Verdict::holds(level.guarantee(), ALGORITHM);
            let mut verdict = verdict.unknown(Reason::NotApplicable);
            verdict.warnings.push(why);
            verdict
        }
    }
}

/// The same of a history that was looked at already.
pub(in super::super) fn check_view(level: Level, view: &View<'_>, options: &Options) -> Verdict {
    let verdict = Verdict::holds(level.guarantee(), ALGORITHM);
    let mut verdict = begin(verdict, view);
    let chains = level.sessions.then(|| Chains::new(view));
    let mut found = Findings {
        witness: Witness {
            view,
            chains: chains.as_ref(),
        },
        most: options.max_anomalies.max(1),
        count: 0,
        kept: Vec::new(),
    };
    found.add_faults(level);
    let forced = force(level.axiom, view, chains.as_ref());
    found.add_initial(&forced.initial);
    if !forced.is_ordered {
        found.add_circles(forced.pairs, options.budget.max_steps);
    }
    verdict.anomaly_count = found.count;
    if found.count > 0 {
        verdict.validity = Validity::Violated;
        verdict.anomalies = found.work_out(view.history);
        return verdict;
    }
    if (0..view.len() as u32).all(|txn| !view.acknowledged(txn)) {
        return verdict.unknown(Reason::TooFewOpportunities);
    }
    match view.first_ambiguous {
        None => verdict,
        Some(_) => {
            verdict.warnings.push(format!(
                "{} reads are of values that several transactions may have written: who did \
                 cannot be known",
                view.ambiguous
            ));
            verdict.unknown(Reason::NotObservable)
        }
    }
}

fn begin(mut verdict: Verdict, view: &View<'_>) -> Verdict {
    let outcomes = 0..view.len() as u32;
    let unknown = outcomes.filter(|&txn| view.is_unknown(txn));
    verdict.operations_checked = view.len() as u64;
    verdict.indeterminate = unknown.count() as u64;
    let from_others = view.reads.iter().filter(|read| read.author < INIT);
    verdict.opportunities = from_others.count() as u64;
    if view.left_out > 0 {
        verdict.warnings.push(format!(
            "{} operations that are neither transactions nor on registers were not looked at",
            view.left_out
        ));
    }
    verdict
}

/// What an axiom forces.
struct ForcedPairs {
    pairs: Vec<Forced>,
    /// Of each read of an initial value one pair that forbids it.
    initial: Vec<Forced>,
    /// Whether there is an order that agrees with all pairs.
    is_ordered: bool,
}

fn force(axiom: Axiom, view: &View<'_>, chains: Option<&Chains>) -> ForcedPairs {
    let mut pairs: Vec<Forced> = Vec::new();
    let mut initial: Vec<Forced> = Vec::new();
    let mut add = |pair: Forced| {
        if pair.after != INIT {
            pairs.push(pair);
        } else if initial
            .last()
            .is_none_or(|last| (last.reader, last.key) != (pair.reader, pair.key))
        {
            initial.push(pair);
        }
    };
    // Where each transaction stands in an order that follows causality.
    let mut rank: Vec<u32> = Vec::new();
    let mut causal_order = true;
    match axiom {
        Axiom::ReadCommitted => {}
        Axiom::MonotonicAtomicView => axioms::monotonic(view, add),
        Axiom::ReadAtomic => {
            axioms::atomic(view, &mut add);
            if let Some(chains) = chains {
                axioms::in_sessions(view, chains, add);
            }
        }
        Axiom::Causal => {
            if let Some(chains) = chains {
                rank.resize(view.len(), 0);
                let mut next = 0;
                causal_order = causal(view, chains, add, |txn| {
                    rank[txn as usize] = next;
                    next += 1;
                });
            }
        }
    }
    let forward = |pair: &Forced| rank[pair.before as usize] < rank[pair.after as usize];
    let is_ordered = if !causal_order {
        false
    } else if axiom == Axiom::Causal && pairs.iter().all(forward) {
        true
    } else {
        let before = Before {
            view,
            chains,
            forced: Incoming::new(view.len(), &pairs),
        };
        before.visit(|_| {})
    };
    ForcedPairs {
        pairs,
        initial,
        is_ordered,
    }
}

/// Anomalies as they are found: all are counted, a few are kept.
struct Findings<'v, 'h> {
    witness: Witness<'v, 'h>,
    most: usize,
    count: u64,
    kept: Vec<Evidence>,
}

impl Findings<'_, '_> {
    fn add_faults(&mut self, level: Level) {
        let mut kept = [0; 6];
        for faulty in &self.witness.view.faults {
            let allowed = match faulty.fault {
                Fault::NonRepeatable => level.axiom < Axiom::ReadAtomic,
                Fault::Internal => level.axiom < Axiom::ReadAtomic && !level.sessions,
                _ => false,
            };
            if allowed {
                continue;
            }
            self.count += 1;
            let kept = &mut kept[faulty.fault as usize];
            if *kept < self.most {
                *kept += 1;
                self.kept.push(self.witness.faulty(faulty));
            }
        }
    }

    fn add_initial(&mut self, initial: &[Forced]) {
        self.count += initial.len() as u64;
        for forced in initial.iter().take(self.most) {
            let overlooked = self.witness.overlooked(forced);
            self.kept.push(Evidence::Initial(overlooked));
        }
    }

    fn add_circles(&mut self, pairs: Vec<Forced>, max_steps: u64) {
        let circles = self.witness.circles(pairs);
        self.count += circles.count() as u64;
        for at in 0..circles.count().min(self.most) {
            let steps = STEPS.min(max_steps);
            self.kept.push(self.witness.circle(&circles, at, steps));
        }
    }

    /// The most telling in full: the first of each kind, then more of each.
    fn work_out(self, history: &History) -> Vec<Anomaly> {
        let mut sorted: Vec<(Kind, Evidence)> = self
            .kept
            .into_iter()
            .map(|evidence| (evidence.kind(), evidence))
            .collect();
        sorted.sort_by_key(|&(kind, _)| kind);
        let mut chosen: Vec<(usize, Kind, Evidence)> = Vec::new();
        for (kind, evidence) in sorted {
            let at = match chosen.last() {
                Some(&(at, last, _)) if last == kind => at + 1,
                _ => 0,
            };
            chosen.push((at, kind, evidence));
        }
        chosen.sort_by_key(|&(at, kind, _)| (at > 0, kind, at));
        chosen.truncate(self.most);
        chosen.sort_by_key(|&(at, kind, _)| (kind, at));
        let proofs = chosen
            .into_iter()
            .map(|(_, kind, evidence)| Proof { kind, evidence });
        proofs
            .map(|proof| explain::anomaly(history, proof))
            .collect()
    }
}
