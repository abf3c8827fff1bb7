//! Levels of transactions over registers: each by the way that decides it, and those that depend
//! on the order of versions by the levels above and below them.
//!
//! What has no order of versions of its own can still be known: a level is ruled out with every
//! level that it implies, and holds with every level that implies it ([`implies`]). Where the store
//! tells the order of versions, a level is held against that, too: what is violated only so is
//! said to be ([`Verdict::assumptions`]).

use std::cell::OnceCell;
use std::rc::Rc;

use polygraph_history::{Guarantee, History, MicroRef, Op, Order};

use crate::{Options, Proof, Reason, Validity, Verdict};

use super::lattice::{LEVELS, implies};
use super::level::Level;
use super::register::{Demand, Fault, Registers, View};
use super::relations::{IN_SESSION, REALTIME};
use super::solve::Instance;
use super::verdict::decide;
use super::{Because, Evidence, solve, weak};

/// What is said of a violation that the data alone do not show.
const TOLD: &str = "the store installed the versions of each register in the order that it says, \
                    which nothing contradicts: violated relative to the store's own versions";

/// Whether a history is one of transactions that read and write registers, and append to no lists.
pub(super) fn are_used(history: &History) -> bool {
    let (mut transactions, mut written) = (false, false);
    for operation in history.operations() {
        match history.micros(operation) {
            Some(micros) => {
                transactions = true;
                for micro in micros {
                    match micro {
                        MicroRef::Write { .. } => written = true,
                        MicroRef::Read { .. } => {}
                        _ => return false,
                    }
                }
            }
            None => written |= matches!(history.op(operation), Op::Write { .. } | Op::Cas { .. }),
        }
    }
    transactions && written
}

/// A history of registers, with what the levels have in common.
pub(super) struct Decider<'h> {
    history: &'h History,
    options: Options,
    view: Rc<View<'h>>,
    plain: OnceCell<Registers<'h>>,
    /// With the order that the store tells, as far as it extends what was read, the order of
    /// sessions and real time; none if the store tells none.
    told: [OnceCell<Option<Registers<'h>>>; 3],
    instance: OnceCell<Instance>,
    /// What was found of levels by themselves.
    known: Vec<Verdict>,
}

impl<'h> Decider<'h> {
    /// # Errors
    /// Why it is not a history of transactions over registers.
    pub(super) fn new(history: &'h History, options: &Options) -> Result<Decider<'h>, String> {
        Ok(Decider {
            history,
            options: *options,
            view: Rc::new(View::new(history)?),
            plain: OnceCell::new(),
            told: Default::default(),
            instance: OnceCell::new(),
            known: Vec::new(),
        })
    }

    /// Decides a level, by itself or by those around it.
    pub(super) fn check(&mut self, level: Level) -> Verdict {
        let guarantee = level.guarantee;
        let alone = self.directly(level);
        if alone.reason != Some(Reason::NotObservable) {
            return alone;
        }
        let known = |mut verdict: Verdict, by: Guarantee| {
            verdict.guarantee = guarantee;
            verdict.algorithm = format!("{} of {by}", verdict.algorithm);
            verdict
        };
        let decided = |level: &Guarantee| *level != guarantee && decides(*level);
        // The strongest of those that it implies are the likeliest to be ruled out.
        let below = LEVELS.iter().copied().filter(decided);
        let below: Vec<Guarantee> = below.filter(|&level| implies(guarantee, level)).collect();
        let covered = |level: Guarantee| {
            let mut others = below.iter();
            others.any(|&other| other != level && implies(other, level))
        };
        for &level in below.iter().filter(|&&level| !covered(level)) {
            // An order that the store tells may count there and contradict what this level asks.
            let by_data =
                |it: &Verdict| it.validity == Validity::Violated && it.assumptions.is_empty();
            if let Some(verdict) = self.named(level).filter(by_data) {
                return known(verdict, level);
            }
        }
        for level in LEVELS.iter().rev().copied().filter(decided) {
            if !implies(level, guarantee) {
                continue;
            }
            let verdict = self.named(level);
            if let Some(verdict) = verdict.filter(|it| it.validity == Validity::Holds) {
                return known(verdict, level);
            }
        }
        let mut verdict = Verdict {
            algorithm: "levels-around".to_owned(),
            warnings: Vec::new(),
            ..alone
        };
        verdict.warnings.push(format!(
            "whether {guarantee} holds depends on the order of versions, which reads of registers \
             do not tell"
        ));
        verdict
    }

    fn named(&mut self, guarantee: Guarantee) -> Option<Verdict> {
        if real_time(guarantee) && self.history.order() == Order::Session {
            return None;
        }
        Some(self.directly(Level::of(guarantee)?))
    }

    /// What is known of a level by itself, or of one that implies it and was looked at before.
    fn directly(&mut self, level: Level) -> Verdict {
        let guarantee = level.guarantee;
        let same = self.known.iter().find(|it| it.guarantee == guarantee);
        if let Some(verdict) = same {
            return verdict.clone();
        }
        let stronger = self
            .known
            .iter()
            .find(|it| it.validity == Validity::Holds && implies(it.guarantee, guarantee));
        // What the store tells may contradict a level though the data do not.
        let shared = !self.options.witness && self.told(level).is_none();
        if let Some(stronger) = stronger.filter(|_| shared) {
            let mut verdict = stronger.clone();
            verdict.algorithm = format!("{} of {}", verdict.algorithm, verdict.guarantee);
            verdict.guarantee = guarantee;
            return verdict;
        }
        let verdict = self.alone(level);
        self.known.push(verdict.clone());
        verdict
    }

    fn plain(&self) -> &Registers<'h> {
        self.plain
            .get_or_init(|| Registers::new(Rc::clone(&self.view)))
    }

    /// The same with what the store tells, as far as it may count at this level.
    fn told(&self, level: Level) -> Option<&Registers<'h>> {
        let timed = self.history.order() != Order::Session;
        let demand = match level.labels {
            labels if labels & REALTIME != 0 && timed => Demand::RealTime,
            labels if labels & IN_SESSION != 0 => Demand::Sessions,
            _ => Demand::Data,
        };
        let told = &self.told[demand as usize];
        told.get_or_init(|| Registers::told(Rc::clone(&self.view), demand))
            .as_ref()
    }

    /// A verdict of a level by what is known of it alone.
    fn alone(&self, level: Level) -> Verdict {
        let guarantee = level.guarantee;
        let weak = weak_level(guarantee);
        let mut verdict = match weak {
            Some(weak) => weak::check_view(weak, &self.view, &self.options),
            // Cycles of what reads show of the order have the most telling names.
            None => decide(self.plain(), &self.options, level),
        };
        if verdict.validity == Validity::Violated {
            return verdict;
        }
        let open = verdict.reason == Some(Reason::NotObservable);
        let mut warnings = Vec::new();
        if let Some(told) = self.told(level).filter(|_| open || weak.is_some()) {
            let mut by_versions = decide(told, &self.options, level);
            warnings = told.contradictions();
            let rests = |verdict: &Verdict| verdict.anomalies.iter().any(|it| is_told(&it.proof));
            if by_versions.validity == Validity::Violated {
                if rests(&by_versions) {
                    by_versions.assumptions.push(TOLD.to_owned());
                }
                verdict = by_versions;
            } else if by_versions.validity == Validity::Holds && weak.is_none() {
                verdict = by_versions;
            }
        }
        if verdict.reason == Some(Reason::NotObservable) && solve::level(guarantee).is_some() {
            let instance = self.instance.get_or_init(|| Instance::new(&self.view));
            verdict = solve::check_instance(guarantee, &self.view, instance, &self.options);
        }
        if verdict.validity == Validity::Holds
            && weak.is_none()
            && let Some(below) = self.overlooked(guarantee)
        {
            verdict = below;
        }
        verdict.warnings.extend(warnings);
        verdict
    }

    /// What a read that contradicts its own transaction shows of others, if that violates one of
    /// the levels that a level implies: cycles of versions leave such reads out.
    fn overlooked(&self, guarantee: Guarantee) -> Option<Verdict> {
        let mut faults = self.view.faults.iter();
        if !faults.any(|faulty| faulty.fault == Fault::Internal) {
            return None;
        }
        let below = LEVELS.iter().filter(|&&level| implies(guarantee, level));
        let mut verdicts = below.filter_map(|&level| {
            let mut verdict = weak::check_view(weak_level(level)?, &self.view, &self.options);
            verdict.algorithm = format!("{} of {level}", verdict.algorithm);
            verdict.guarantee = guarantee;
            Some(verdict)
        });
        verdicts.find(|verdict| verdict.validity == Validity::Violated)
    }
}

/// Whether evidence rests on what the store says of its versions.
fn is_told(proof: &Proof) -> bool {
    match proof {
        Proof::Isolation(proof) => match &proof.evidence {
            Evidence::Cycle(steps) => steps.iter().any(|step| match &step.because {
                Because::Register(fact) => fact.is_told(),
                _ => false,
            }),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a level is decided without an order of versions.
fn decides(guarantee: Guarantee) -> bool {
    weak_level(guarantee).is_some() || solve::level(guarantee).is_some()
}

fn real_time(guarantee: Guarantee) -> bool {
    Level::of(guarantee).is_some_and(|level| level.labels & REALTIME != 0)
}

fn weak_level(guarantee: Guarantee) -> Option<weak::Level> {
    match guarantee {
        Guarantee::ReadCommitted => Some(weak::Level::READ_COMMITTED),
        Guarantee::MonotonicAtomicView => Some(weak::Level::MONOTONIC_ATOMIC_VIEW),
        Guarantee::ReadAtomic => Some(weak::Level::READ_ATOMIC),
        Guarantee::TransactionalCausal => Some(weak::Level::CAUSAL),
        _ => None,
    }
}
