//! What clients do: generators, and the guarantees their histories are asked for.
//!
//! - [`WORKLOADS`], [`workload`]: start here; every workload, by name.
//! - [`Workload`]: what a workload tells of itself. [`Setup`]: what it is told.
//! - [`Generator`], [`Next`]: the plan of what clients do, without clocks or threads.
//! - [`synthetic`]: whole histories of simulated objects, with a verdict by construction.
//!
//! **Invariant:** a generator is a function of its setup and of the events it was told; it knows
//! neither a cluster nor the time but as it is given.

mod append;
mod finale;
mod keys;
mod register;
mod set;
pub mod synthetic;
mod workload;

pub use workload::{Generator, Next, Replicas, Setup, Workload};

/// Every workload, in the order in which they are shown.
pub const WORKLOADS: &[&dyn Workload] = &[&register::Register, &set::Set, &append::Append];

/// The workload of this name.
///
/// # Errors
/// A sentence that names those there are.
pub fn workload(name: &str) -> Result<&'static dyn Workload, String> {
    WORKLOADS
        .iter()
        .copied()
        .find(|workload| workload.name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name()).collect();
            format!(
                "there is no workload `{name}`; there are {}",
                names.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::rc::Rc;

    use polygraph_history::settings::Settings;
    use polygraph_history::{Key, Micro, NodeId, Op, OpKind, Value};

    use super::*;

    const EVERYTHING: &[OpKind] = &[
        OpKind::Read,
        OpKind::Write,
        OpKind::Cas,
        OpKind::Peek,
        OpKind::Add,
        OpKind::Txn,
    ];

    /// What ten clients are given in turn.
    fn issue(workload: &dyn Workload, supported: &[OpKind], seed: u64, count: u64) -> Vec<Op> {
        let mut generator = workload.generator(Setup {
            seed,
            nodes: NodeId::all(3),
            settings: Settings::defaults(workload.knobs()),
            supported: supported.to_vec(),
            replicas: Rc::new(|_: &Key| NodeId::all(3)),
        });
        (0..count)
            .map(|n| generator.next((n % 10) as usize, n / 10))
            .collect()
    }

    fn share(ops: &[Op], kind: OpKind) -> usize {
        ops.iter().filter(|op| op.kind() == kind).count() * 100 / ops.len()
    }

    #[test]
    fn the_same_seed_is_the_same_plan() {
        for workload in WORKLOADS {
            let plan = issue(*workload, EVERYTHING, 1, 1000);
            assert_eq!(plan, issue(*workload, EVERYTHING, 1, 1000));
            assert_ne!(plan, issue(*workload, EVERYTHING, 2, 1000));
        }
    }

    #[test]
    fn only_what_is_supported_is_issued_in_its_share() {
        let plan = issue(&register::Register, EVERYTHING, 1, 10_000);
        assert!(share(&plan, OpKind::Read).abs_diff(50) < 3);
        assert!(share(&plan, OpKind::Write).abs_diff(30) < 3);
        assert!(share(&plan, OpKind::Cas).abs_diff(20) < 3);
        let plan = issue(
            &register::Register,
            &[OpKind::Read, OpKind::Write],
            1,
            10_000,
        );
        assert!(share(&plan, OpKind::Read).abs_diff(62) < 3);
        assert!(plan.iter().all(|op| op.kind() != OpKind::Cas));
        let plan = issue(&set::Set, EVERYTHING, 1, 10_000);
        assert!(share(&plan, OpKind::Add).abs_diff(95) < 2);
    }

    #[test]
    fn every_value_is_written_once_and_keys_retire() {
        for workload in WORKLOADS {
            let (mut written, mut used) = (BTreeSet::new(), BTreeMap::<Key, u64>::new());
            for op in issue(*workload, EVERYTHING, 3, 20_000) {
                let micros = match op {
                    Op::Txn(micros) => micros,
                    Op::Read { key, value } => vec![Micro::Read { key, value }],
                    Op::Write { key, value }
                    | Op::Cas { key, to: value, .. }
                    | Op::Add { key, value } => vec![Micro::Write { key, value }],
                    other => panic!("{other}"),
                };
                for micro in micros {
                    let key = micro.key().expect("workloads name keys");
                    *used.entry(key.clone()).or_default() += 1;
                    if let Micro::Append { key, value } | Micro::Write { key, value } = micro {
                        assert!(value != Value::Null && written.insert((key, value)));
                    }
                }
            }
            let most = if workload.name() == "set" { 600 } else { 100 };
            assert!(
                used.values().all(|&count| count <= most),
                "{}",
                workload.name()
            );
            assert!(used.len() > 30, "{}: {} keys", workload.name(), used.len());
        }
    }
}
