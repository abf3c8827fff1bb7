//! How old what reads return may be: in time (`bounded-staleness`) and in versions (`k-atomic`).
//!
//! - [`BOUNDED_STALENESS`], [`K_ATOMIC`]: the registry's entries. [`Proof`], `confirm`: the
//!   evidence. The bound is [`crate::Options::bound`].
//! - Whatever the answer, `bounded-staleness` carries how many reads were stale, how old what
//!   they returned was at least, and how soon writes became visible.
//!
//! Both are about registers whose values are written once; a register for which that is not so,
//! or of which a value was read that nobody had begun to write, is unknown. Indeterminate writes
//! exist only if somebody read them. Transactions and peeks are left out.
//!
//! **Invariant:** linearizable histories keep both, with every bound.

mod age;
mod bounded;
mod confirm;
mod explain;
mod k_atomic;
mod measure;
mod view;

use std::time::Duration;

use polygraph_history::{Bound, Guarantee, History, Key, Order, Time};

pub(crate) use self::confirm::confirm;
use self::k_atomic::Found;
use self::view::{Register, View, view};
use crate::measured::{Figure, Measured};
use crate::{Entry, Options, Reason, Validity, Verdict};

/// The registry's entry.
pub const BOUNDED_STALENESS: Entry = Entry {
    guarantee: Guarantee::BoundedStaleness,
    opportunity: "reads of registers whose values are written once",
    minimum: 1,
    check: bounded_staleness,
};

/// The registry's entry.
pub const K_ATOMIC: Entry = Entry {
    guarantee: Guarantee::KAtomic,
    opportunity: "reads of registers whose values are written once",
    minimum: 1,
    check: k_atomic,
};

/// Evidence that a read returned what was too old. Operations are named by the events that began
/// them.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Two values of which each must come before the other: of each, an operation on it that had
    /// ended before one on the other began, a read by more than the bound.
    Conflict {
        /// The register.
        key: Key,
        /// By how much reads may be late.
        bound: Duration,
        /// Of one value: what ended, if it is not the initial one, and what began.
        first: (Option<u64>, u64),
        /// Of the other value: what ended, and what began.
        second: (Option<u64>, u64),
    },
    /// A read returned a version though as many newer ones were there as may be latest.
    TooOld {
        /// The register.
        key: Key,
        /// The read.
        read: u64,
        /// The operation by whose end the returned version was there, if it is not the initial
        /// one.
        returned: Option<u64>,
        /// The newer writes, each with the operation by whose end it was there.
        newer: Vec<(u64, u64)>,
    },
    /// Operations that no order explains; less of them one does.
    NoOrder {
        /// The register.
        key: Key,
        /// Among how many latest versions a read may choose.
        versions: u32,
        /// The operations.
        operations: Vec<u64>,
    },
}

/// The verdict on what can be seen of registers at all, and what is left to be decided.
fn begin<'h>(
    history: &'h History,
    name: Guarantee,
    algorithm: &str,
) -> Result<(Verdict, View<'h>), Box<Verdict>> {
    let mut verdict = Verdict::holds(name, algorithm);
    if history.order() == Order::Session {
        return Err(Box::new(verdict.unknown(Reason::NotObservable)));
    }
    let view = view(history);
    verdict.operations_checked = view.operations;
    verdict.indeterminate = view.indeterminate;
    let doubted: Vec<&Register<'_>> = view
        .registers
        .iter()
        .filter(|it| it.doubt.is_some())
        .collect();
    if let Some(first) = doubted.first() {
        verdict.warnings.push(format!(
            "{}; what is not violated there is unknown (key {}, {} in all)",
            first.doubt.unwrap_or_default(),
            first.key,
            doubted.len()
        ));
    }
    let clear = view.registers.iter().filter(|it| it.doubt.is_none());
    verdict.opportunities = clear.map(|it| it.looks.len() as u64).sum();
    Ok((verdict, view))
}

/// The verdict when everything was decided that can be.
fn conclude(mut verdict: Verdict, view: &View<'_>, open: Option<Reason>) -> Verdict {
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    let doubt = view.registers.iter().any(|it| it.doubt.is_some());
    match (view.registers.is_empty(), doubt, open) {
        (true, ..) => verdict.unknown(Reason::NotApplicable),
        (_, true, _) => verdict.unknown(Reason::NotObservable),
        (_, _, Some(reason)) => verdict.unknown(reason),
        _ if verdict.opportunities == 0 => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

/// The registers of which something can be said.
fn clear<'v, 'h>(view: &'v View<'h>) -> impl Iterator<Item = &'v Register<'h>> {
    view.registers.iter().filter(|it| it.doubt.is_none())
}

fn bounded_staleness(history: &History, options: &Options) -> Verdict {
    let bound = match options.bound {
        Some(Bound::Staleness(bound)) => bound,
        _ => match Bound::default_of(Guarantee::BoundedStaleness) {
            Some(Bound::Staleness(bound)) => bound,
            _ => Duration::ZERO,
        },
    };
    let (mut verdict, view) = match begin(history, Guarantee::BoundedStaleness, "zones") {
        Ok(begun) => begun,
        Err(verdict) => return *verdict,
    };
    let events = history.events().len();
    if events == 0 || history.time(events - 1) == Time::ZERO {
        // Nobody wrote down when things happened.
        return match view.registers.is_empty() {
            true => verdict.unknown(Reason::NotApplicable),
            false => verdict.unknown(Reason::NotObservable),
        };
    }
    let ages: Vec<_> = clear(&view)
        .map(|it| (it, age::ages(history, it)))
        .collect();
    verdict.measured = measure::measure(history, &ages);
    verdict.measured.extend(smallest_bound(history, &view));
    for register in clear(&view) {
        for conflict in bounded::conflicts(history, register, bound) {
            verdict.anomaly_count += 1;
            if verdict.anomalies.len() < options.max_anomalies {
                let anomaly = explain::conflict(history, register.key, bound, conflict);
                verdict.anomalies.push(anomaly);
            }
        }
    }
    conclude(verdict, &view, None)
}

/// So many operations are not too many to look for the smallest bound.
const MOST: usize = 300_000;

/// The smallest bound that no register contradicts.
fn smallest_bound(history: &History, view: &View<'_>) -> Option<Measured> {
    let operations: usize = clear(view)
        .map(|it| it.versions.len() + it.looks.len())
        .sum();
    if operations > MOST || clear(view).all(|it| it.looks.is_empty()) {
        return None;
    }
    let all: Option<Vec<u64>> = clear(view)
        .map(|it| bounded::smallest(history, it))
        .collect();
    let smallest = all?.into_iter().max()?;
    Some(Measured {
        name: "smallest bound",
        about: "the bound from which on `bounded-staleness` holds",
        columns: &["bound_ns"],
        rows: vec![vec![Figure::span(Some(smallest))]],
    })
}

fn k_atomic(history: &History, options: &Options) -> Verdict {
    let versions = match options.bound {
        Some(Bound::Versions(versions)) => versions.max(1),
        _ => 2,
    };
    let (mut verdict, view) = match begin(history, Guarantee::KAtomic, "order-search") {
        Ok(begun) => begun,
        Err(verdict) => return *verdict,
    };
    let k = u64::from(versions);
    let mut budget = options.budget.max_steps;
    let mut open: Vec<&Key> = Vec::new();
    for register in clear(&view) {
        let old = age::ages(history, register)
            .into_iter()
            .filter(|it| it.versions >= k);
        let before = verdict.anomaly_count;
        for age in old {
            verdict.anomaly_count += 1;
            if verdict.anomalies.len() < options.max_anomalies {
                verdict
                    .anomalies
                    .push(explain::too_old(history, register, age.read, versions));
            }
        }
        if verdict.anomaly_count > before {
            continue;
        }
        let steps = k_atomic::steps(history, register);
        if k_atomic::in_order_of_effect(register, &steps, k) {
            continue;
        }
        if versions == 1 {
            // Then it is linearizability, which zones decide.
            let conflicts = bounded::conflicts(history, register, Duration::ZERO);
            for conflict in conflicts {
                verdict.anomaly_count += 1;
                if verdict.anomalies.len() < options.max_anomalies {
                    let none = Duration::ZERO;
                    verdict.anomalies.push(explain::conflict(
                        history,
                        register.key,
                        none,
                        conflict,
                    ));
                }
            }
            continue;
        }
        let reach = usize::try_from(versions).unwrap_or(usize::MAX);
        match k_atomic::search(&steps, reach, &mut budget) {
            Found::Order => {}
            Found::Nothing => open.push(register.key),
            Found::NoOrder => {
                let left = k_atomic::smallest(&steps, reach, &mut budget);
                match left.len() <= confirm::MOST {
                    true => {
                        verdict.anomaly_count += 1;
                        let anomaly = explain::no_order(history, register.key, versions, &left);
                        verdict.anomalies.push(anomaly);
                    }
                    // What nobody can check is not said.
                    false => open.push(register.key),
                }
            }
        }
    }
    if let Some(key) = open.first() {
        verdict.established = Some(format!(
            "no read is known to be {versions} versions behind, and no order was found (key {key}, \
             {} in all)",
            open.len()
        ));
    }
    let reason = (!open.is_empty()).then_some(Reason::BudgetSteps);
    conclude(verdict, &view, reason)
}
