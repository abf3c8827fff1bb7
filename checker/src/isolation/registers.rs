//! Levels of transactions over registers: each by the way that decides it, and those that depend
//! on the order of versions by the levels above and below them.
//!
//! What has no order of versions of its own can still be known: a level is ruled out with every
//! level that it implies, and holds with every level that implies it ([`implies`]).

use polygraph_history::{Guarantee, History, MicroRef, Op};

use crate::{Options, Reason, Validity, Verdict};

use super::lattice::{LEVELS, implies};
use super::level::Level;
use super::register::Registers;
use super::verdict::decide;
use super::{solve, weak};

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

/// Decides a level.
pub(super) fn check(history: &History, options: &Options, level: Level) -> Verdict {
    let guarantee = level.guarantee;
    if let Some(verdict) = alone(history, options, level) {
        return verdict;
    }
    let unknown = || Verdict::holds(guarantee, "levels-around").unknown(Reason::NotObservable);
    let decided = |level: &Guarantee| *level != guarantee && decides(*level);
    let known = |mut verdict: Verdict, by: Guarantee| {
        verdict.guarantee = guarantee;
        verdict.algorithm = format!("{} of {by}", verdict.algorithm);
        verdict
    };
    // The strongest of those that it implies are the likeliest to be ruled out.
    let below = LEVELS.iter().copied().filter(decided);
    let below: Vec<Guarantee> = below.filter(|&level| implies(guarantee, level)).collect();
    let covered = |level: Guarantee| {
        let mut others = below.iter();
        others.any(|&other| other != level && implies(other, level))
    };
    let mut last = None;
    for &level in below.iter().filter(|&&level| !covered(level)) {
        let verdict = directly(history, options, level);
        if let Some(verdict) = verdict.filter(|it| it.validity == Validity::Violated) {
            return known(verdict, level);
        }
    }
    for level in LEVELS.iter().rev().copied().filter(decided) {
        if !implies(level, guarantee) {
            continue;
        }
        let Some(verdict) = directly(history, options, level) else {
            continue;
        };
        if verdict.validity == Validity::Holds {
            return known(verdict, level);
        }
        last = Some(verdict);
    }
    let mut verdict = unknown();
    if let Some(last) = last {
        verdict.operations_checked = last.operations_checked;
        verdict.indeterminate = last.indeterminate;
        verdict.opportunities = last.opportunities;
    }
    verdict.warnings.push(format!(
        "whether {guarantee} holds depends on the order of versions, which reads of registers do \
         not tell"
    ));
    verdict
}

/// Whether a level is decided without an order of versions.
fn decides(guarantee: Guarantee) -> bool {
    weak_level(guarantee).is_some() || solve::level(guarantee).is_some()
}

/// A verdict of a level by what is known of it alone; none where that is not enough.
fn alone(history: &History, options: &Options, level: Level) -> Option<Verdict> {
    let guarantee = level.guarantee;
    if let Some(weak) = weak_level(guarantee) {
        return Some(weak::check(weak, history, options));
    }
    let verdict = match Registers::new(history) {
        // Cycles of what reads show of the order have the most telling names.
        Ok(registers) => decide(&registers, options, level),
        Err(why) => {
            let verdict = Verdict::holds(guarantee, "register-cycles");
            let mut verdict = verdict.unknown(Reason::NotApplicable);
            verdict.warnings.push(why);
            return Some(verdict);
        }
    };
    if verdict.reason != Some(Reason::NotObservable) {
        return Some(verdict);
    }
    solve::level(guarantee)?;
    Some(solve::check(guarantee, history, options))
}

fn directly(history: &History, options: &Options, guarantee: Guarantee) -> Option<Verdict> {
    alone(history, options, Level::of(guarantee)?)
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
