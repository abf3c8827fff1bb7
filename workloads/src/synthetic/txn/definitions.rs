//! The definitions of some levels, tried out in every order: for histories of a few transactions.
//!
//! An *order* is one of all transactions that took place. What a transaction sees is a set of
//! those before it: a read shows the writes of these in that order, and then its own.
//! (Cerone, Bernardi and Gotsman, CONCUR 2015; Biswas and Enea, OOPSLA 2019; Adya 1999 for *read
//! committed*.)

use std::collections::BTreeMap;

use polygraph_history::{Guarantee, History, Key, Micro, Op, Operation, Outcome, Value};

/// The levels that are decided here, the strongest first.
pub(super) const DEFINED: [Guarantee; 12] = [
    Guarantee::StrictSerializable,
    Guarantee::StrongSessionSerializable,
    Guarantee::Serializable,
    Guarantee::StrongSnapshotIsolation,
    Guarantee::StrongSessionSnapshotIsolation,
    Guarantee::SnapshotIsolation,
    Guarantee::ParallelSnapshotIsolation,
    Guarantee::PrefixConsistency,
    Guarantee::TransactionalCausal,
    Guarantee::ReadAtomic,
    Guarantee::ReadCommitted,
    Guarantee::ReadUncommitted,
];

/// A transaction that may have taken place.
struct Txn<'h> {
    operation: &'h Operation,
    micros: &'h [Micro],
}

/// Whether some order, with some of those of unknown outcome, explains what was read.
pub(super) fn holds(level: Guarantee, history: &History) -> bool {
    let (mut sure, mut open) = (Vec::new(), Vec::new());
    for operation in history.operations() {
        let Op::Txn(micros) = history.op(operation) else {
            panic!("there are transactions only");
        };
        let txn = Txn { operation, micros };
        match operation.outcome {
            Outcome::Ok => sure.push(txn),
            Outcome::Info => open.push(txn),
            Outcome::Fail => {}
        }
    }
    assert!(sure.len() + open.len() < 8, "that takes too long");
    (0..1_u32 << open.len()).any(|chosen| {
        let some = open
            .iter()
            .enumerate()
            .filter(|(at, _)| chosen & (1 << at) != 0);
        let mut txns: Vec<&Txn<'_>> = sure.iter().chain(some.map(|(_, txn)| txn)).collect();
        some_order(&mut txns, 0, &|order| explains(level, order))
    })
}

/// Whether one of the orders of what is left after `done` will do.
fn some_order<'a, 'h>(
    txns: &mut Vec<&'a Txn<'h>>,
    done: usize,
    will_do: &dyn Fn(&[&'a Txn<'h>]) -> bool,
) -> bool {
    if done == txns.len() {
        return will_do(txns);
    }
    (done..txns.len()).any(|next| {
        txns.swap(done, next);
        let found = some_order(txns, done + 1, will_do);
        txns.swap(done, next);
        found
    })
}

impl Txn<'_> {
    fn follows_in_session(&self, other: &Txn<'_>) -> bool {
        self.operation.session == other.operation.session
            && other.operation.complete < Some(self.operation.invoke)
    }

    fn follows(&self, other: &Txn<'_>) -> bool {
        other.operation.precedes(self.operation)
    }

    fn writes(&self, key: &Key) -> bool {
        let written =
            |micro: &Micro| !matches!(micro, Micro::Read { .. }) && micro.key() == Some(key);
        self.micros.iter().any(written)
    }

    fn conflicts(&self, other: &Txn<'_>) -> bool {
        self.micros
            .iter()
            .any(|micro| !matches!(micro, Micro::Read { .. }) && other.writes(key(micro)))
    }

    /// Whether each read is what these show, and then its own writes.
    fn sees(&self, others: &[&Txn<'_>]) -> bool {
        (0..self.micros.len()).all(|at| self.sees_at(at, others))
    }

    fn sees_at(&self, at: usize, others: &[&Txn<'_>]) -> bool {
        let Micro::Read { key, value } = &self.micros[at] else {
            return true;
        };
        if self.operation.outcome != Outcome::Ok {
            return true;
        }
        let mut state = State::default();
        for other in others {
            state.apply(other.micros);
        }
        state.apply(&self.micros[..at]);
        let value = value.as_ref().expect("what was read is known");
        value == state.0.get(key).unwrap_or(&Value::Null)
            || (!state.0.contains_key(key) && *value == Value::list([]))
    }
}

fn key(micro: &Micro) -> &Key {
    micro.key().expect("reads and writes have a key")
}

#[derive(Default)]
struct State<'h>(BTreeMap<&'h Key, Value>);

impl<'h> State<'h> {
    fn apply(&mut self, micros: &'h [Micro]) {
        for micro in micros {
            match micro {
                Micro::Read { .. } => {}
                Micro::Write { key, value } => {
                    self.0.insert(key, value.clone());
                }
                Micro::Append { key, value } => {
                    let before = self.0.get(key).and_then(Value::elements).unwrap_or(&[]);
                    let mut list = before.to_vec();
                    list.push(value.clone());
                    self.0.insert(key, Value::list(list));
                }
                other => unreachable!("{other} is not generated"),
            }
        }
    }
}

fn explains(level: Guarantee, order: &[&Txn<'_>]) -> bool {
    let never: &dyn Fn(&Txn<'_>, &Txn<'_>) -> bool = &|_, _| false;
    let in_session: &dyn Fn(&Txn<'_>, &Txn<'_>) -> bool = &|a, b| a.follows_in_session(b);
    let in_time: &dyn Fn(&Txn<'_>, &Txn<'_>) -> bool = &|a, b| a.follows(b);
    match level {
        Guarantee::StrictSerializable => serial(order, in_time),
        Guarantee::StrongSessionSerializable => serial(order, in_session),
        Guarantee::Serializable => serial(order, never),
        Guarantee::StrongSnapshotIsolation => snapshots(order, in_time, true),
        Guarantee::StrongSessionSnapshotIsolation => snapshots(order, in_session, true),
        Guarantee::SnapshotIsolation => snapshots(order, never, true),
        Guarantee::PrefixConsistency => snapshots(order, in_session, false),
        Guarantee::ParallelSnapshotIsolation
        | Guarantee::TransactionalCausal
        | Guarantee::ReadAtomic => visibility(level, order, &mut Vec::new()),
        Guarantee::ReadCommitted => order.iter().enumerate().all(|(at, txn)| {
            (0..txn.micros.len()).all(|read| (0..=at).any(|upto| txn.sees_at(read, &order[..upto])))
        }),
        // Writes take place at once and in this order; a read shows what there is at any time,
        // but of what the transaction itself writes nothing later.
        Guarantee::ReadUncommitted => order.iter().enumerate().all(|(at, txn)| {
            (0..txn.micros.len()).all(|read| {
                let key = key(&txn.micros[read]);
                let all = if txn.writes(key) { at + 1 } else { order.len() };
                (0..=all).any(|upto| match upto <= at {
                    true => txn.sees_at(read, &order[..upto]),
                    false => without_own(txn, read).sees_at(0, &order[..upto]),
                })
            })
        }),
        other => panic!("{other} is not defined here"),
    }
}

/// One operation of a transaction, alone.
fn without_own<'h>(txn: &Txn<'h>, at: usize) -> Txn<'h> {
    Txn {
        operation: txn.operation,
        micros: &txn.micros[at..=at],
    }
}

type Follows<'a> = &'a dyn Fn(&Txn<'_>, &Txn<'_>) -> bool;

/// Each sees all that come before it.
fn serial(order: &[&Txn<'_>], follows: Follows<'_>) -> bool {
    order.iter().enumerate().all(|(at, txn)| {
        !order[at..].iter().any(|later| follows(txn, later)) && txn.sees(&order[..at])
    })
}

/// Each sees a prefix with all that it follows; if the first wins, what comes between the prefix
/// and itself wrote other keys.
fn snapshots(order: &[&Txn<'_>], follows: Follows<'_>, first_wins: bool) -> bool {
    order.iter().enumerate().all(|(at, txn)| {
        (0..=at).any(|upto| {
            let late = order[upto..].iter().any(|later| follows(txn, later));
            let between = &order[upto..at];
            let beaten = first_wins && between.iter().any(|other| txn.conflicts(other));
            !late && !beaten && txn.sees(&order[..upto])
        })
    })
}

/// Each sees some set; `seen` are the sets of those that come first.
fn visibility(level: Guarantee, order: &[&Txn<'_>], seen: &mut Vec<u32>) -> bool {
    let at = seen.len();
    let Some(txn) = order.get(at) else {
        return true;
    };
    let causal = level != Guarantee::ReadAtomic;
    if causal
        && order[at..]
            .iter()
            .any(|later| txn.follows_in_session(later))
    {
        return false;
    }
    (0..1_u32 << at).any(|set| {
        let is_in = |other: usize| set & (1 << other) != 0;
        let may = (0..at).all(|other| {
            let closed = !causal || !is_in(other) || seen[other] & !set == 0;
            let session = causal && txn.follows_in_session(order[other]);
            let conflict =
                level == Guarantee::ParallelSnapshotIsolation && txn.conflicts(order[other]);
            closed && (is_in(other) || !(session || conflict))
        });
        if !may {
            return false;
        }
        let visible: Vec<&Txn<'_>> = (0..at)
            .filter(|&other| is_in(other))
            .map(|other| order[other])
            .collect();
        if !txn.sees(&visible) {
            return false;
        }
        seen.push(set);
        let found = visibility(level, order, seen);
        seen.pop();
        found
    })
}
