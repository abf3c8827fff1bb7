//! Levels of transactions over registers: each by the way that decides it, and those that depend
//! on the order of versions by the levels above and below them.
//!
//! What has no order of versions of its own can still be known: a level is ruled out with every
//! level that it implies, and holds with every level that implies it ([`implies`]).

use polygraph_history::{Guarantee, History, Micro, Op};

use crate::{Options, Reason, Validity, Verdict};

use super::lattice::{LEVELS, implies};
use super::register::View;
use super::{solve, weak};

/// Whether a history is one of transactions that read and write registers, and append to no lists.
pub(super) fn are_used(history: &History) -> bool {
    let mut written = false;
    for operation in history.operations() {
        let Op::Txn(micros) = history.op(operation) else {
            continue;
        };
        for micro in micros.iter() {
            match micro {
                Micro::Write { .. } => written = true,
                Micro::Read { .. } => {}
                _ => return false,
            }
        }
    }
    written
}

/// Decides a level.
pub(super) fn check(history: &History, options: &Options, guarantee: Guarantee) -> Verdict {
    if let Some(verdict) = directly(history, options, guarantee) {
        return verdict;
    }
    let unknown = || Verdict::holds(guarantee, "levels-around").unknown(Reason::NotObservable);
    if let Err(why) = View::new(history) {
        let mut verdict = unknown();
        verdict.reason = Some(Reason::NotApplicable);
        verdict.warnings.push(why);
        return verdict;
    }
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

fn directly(history: &History, options: &Options, guarantee: Guarantee) -> Option<Verdict> {
    if let Some(level) = weak_level(guarantee) {
        return Some(weak::check(level, history, options));
    }
    solve::level(guarantee)?;
    Some(solve::check(guarantee, history, options))
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
