//! The definitions: try all orders of commits, all authors, and all choices of what took place.

use polygraph_checker::isolation::weak::Axiom;
use polygraph_history::{History, Key, Micro, Op, Operation, Outcome, Value};

/// One transaction as the definitions see it.
#[derive(Clone)]
struct Txn {
    operation: Operation,
    /// Reads before an own write: key, value.
    reads: Vec<(Key, Value)>,
    /// Last writes.
    writes: Vec<(Key, Value)>,
}

/// One transaction came before the other in their session.
fn in_session(a: &Operation, b: &Operation) -> bool {
    a.session == b.session
        && a.outcome == Outcome::Ok
        && a.complete.is_some_and(|end| end < b.invoke)
}

/// The transactions that may have taken place; nothing if one contradicts its own writes and that
/// is not allowed. If it is, then what it read from others counts nevertheless.
fn txns(history: &History, internal: bool) -> Option<Vec<Txn>> {
    let mut txns = Vec::new();
    for operation in history.operations() {
        let Op::Txn(micros) = history.op(operation) else {
            panic!("the tests have transactions only");
        };
        let mut own: Vec<(&Key, &Value)> = Vec::new();
        let mut txn = Txn {
            operation: operation.clone(),
            reads: Vec::new(),
            writes: Vec::new(),
        };
        for micro in micros {
            match micro {
                Micro::Write { key, value } => {
                    own.push((key, value));
                    txn.writes.retain(|(other, _)| other != key);
                    txn.writes.push((key.clone(), value.clone()));
                }
                Micro::Read {
                    key,
                    value: Some(value),
                } if operation.outcome == Outcome::Ok => {
                    match txn.writes.iter().find(|(other, _)| other == key) {
                        Some((_, last)) if last != value && !internal => return None,
                        Some(_) if own.contains(&(key, value)) => {}
                        _ => txn.reads.push((key.clone(), value.clone())),
                    }
                }
                _ => {}
            }
        }
        if operation.outcome != Outcome::Fail {
            txns.push(txn);
        }
    }
    Some(txns)
}

/// Every choice of transactions that take place: all acknowledged ones, and any unknown ones.
fn choices(txns: &[Txn]) -> Vec<Vec<Txn>> {
    let unknown: Vec<usize> = (0..txns.len())
        .filter(|&at| txns[at].operation.outcome == Outcome::Info)
        .collect();
    (0..1_u32 << unknown.len())
        .map(|choice| {
            let out = |at: usize| {
                let bit = unknown.iter().position(|&other| other == at);
                bit.is_some_and(|bit| choice & (1 << bit) == 0)
            };
            let chosen = txns.iter().enumerate().filter(|&(at, _)| !out(at));
            chosen.map(|(_, txn)| txn.clone()).collect()
        })
        .collect()
}

/// Of each read the transactions that may have written it; `txns.len()` is the initial state.
fn candidates(txns: &[Txn]) -> Vec<Vec<Vec<usize>>> {
    let of = |reader: usize, key: &Key, value: &Value| -> Vec<usize> {
        let wrote = (0..txns.len()).filter(|&at| {
            let mut writes = txns[at].writes.iter();
            at != reader && writes.any(|write| write.0 == *key && write.1 == *value)
        });
        let initial = (*value == Value::Null).then_some(txns.len());
        wrote.chain(initial).collect()
    };
    let all = txns.iter().enumerate();
    all.map(|(at, txn)| {
        txn.reads
            .iter()
            .map(|(key, value)| of(at, key, value))
            .collect()
    })
    .collect()
}

type Authors = Vec<Vec<usize>>;

/// Calls `holds` with every choice of authors until one is good.
fn any_authors(
    candidates: &[Vec<Vec<usize>>],
    authors: &mut Authors,
    holds: &mut impl FnMut(&Authors) -> bool,
) -> bool {
    let open = (0..candidates.len()).find(|&at| authors[at].len() < candidates[at].len());
    let Some(at) = open else {
        return holds(authors);
    };
    for &author in &candidates[at][authors[at].len()] {
        authors[at].push(author);
        if any_authors(candidates, authors, holds) {
            return true;
        }
        authors[at].pop();
    }
    false
}

fn explained(
    history: &History,
    internal: bool,
    mut holds: impl FnMut(&[Txn], &Authors) -> bool,
) -> bool {
    let Some(txns) = txns(history, internal) else {
        return false;
    };
    choices(&txns).iter().any(|txns| {
        let mut authors = vec![Vec::new(); txns.len()];
        any_authors(&candidates(txns), &mut authors, &mut |authors| {
            holds(txns, authors)
        })
    })
}

/// Whether a history keeps a level, by the axioms of Biswas and Enea, or Adya's definition of
/// read committed.
pub(crate) fn keeps(history: &History, axiom: Axiom, sessions: bool) -> bool {
    let internal = axiom < Axiom::ReadAtomic && !sessions;
    explained(history, internal, |txns, authors| match axiom {
        Axiom::ReadCommitted => read_committed(txns, authors, sessions),
        _ => any_order(txns, &mut Vec::new(), &mut |order| {
            agrees(txns, authors, sessions, order) && axiom_holds(txns, authors, axiom, order)
        }),
    })
}

/// Calls `holds` with every order until one is good.
fn any_order(
    txns: &[Txn],
    order: &mut Vec<usize>,
    holds: &mut impl FnMut(&[usize]) -> bool,
) -> bool {
    if order.len() == txns.len() {
        return holds(order);
    }
    for at in 0..txns.len() {
        if !order.contains(&at) {
            order.push(at);
            if any_order(txns, order, holds) {
                return true;
            }
            order.pop();
        }
    }
    false
}

/// The place of a transaction, the initial state being before all.
fn place(order: &[usize], txn: usize) -> usize {
    order
        .iter()
        .position(|&other| other == txn)
        .map_or(0, |at| at + 1)
}

fn agrees(txns: &[Txn], authors: &Authors, sessions: bool, order: &[usize]) -> bool {
    let reads = (0..txns.len()).all(|reader| {
        let mut from = authors[reader].iter();
        from.all(|&author| place(order, author) < place(order, reader))
    });
    let session = |a: usize, b: usize| in_session(&txns[a].operation, &txns[b].operation);
    reads
        && (!sessions
            || (0..txns.len()).all(|a| {
                (0..txns.len()).all(|b| !session(a, b) || place(order, a) < place(order, b))
            }))
}

/// For each read of a key from `t1` and each other transaction `t2` that wrote the key and that
/// the reader has seen: `t2` comes before `t1`. Causality always has the order of sessions.
fn axiom_holds(txns: &[Txn], authors: &Authors, axiom: Axiom, order: &[usize]) -> bool {
    let count = txns.len();
    let wr = |a: usize, b: usize| authors[b].contains(&a);
    let so = |a: usize, b: usize| in_session(&txns[a].operation, &txns[b].operation);
    let mut past = vec![vec![false; count]; count];
    for (a, row) in past.iter_mut().enumerate() {
        for (b, entry) in row.iter_mut().enumerate() {
            *entry = wr(a, b) || so(a, b);
        }
    }
    for via in 0..count {
        for a in 0..count {
            for b in 0..count {
                past[a][b] |= past[a][via] && past[via][b];
            }
        }
    }
    (0..count).all(|reader| {
        (0..txns[reader].reads.len()).all(|at| {
            let author = authors[reader][at];
            let key = &txns[reader].reads[at].0;
            (0..count).all(|other| {
                let wrote = txns[other].writes.iter().any(|write| write.0 == *key);
                let seen = match axiom {
                    Axiom::ReadCommitted => false,
                    Axiom::MonotonicAtomicView => authors[reader][..at].contains(&other),
                    Axiom::ReadAtomic => wr(other, reader),
                    Axiom::Causal => past[other][reader],
                };
                other == author || !wrote || !seen || place(order, other) < place(order, author)
            })
        })
    })
}

/// The same for read atomic with the order of sessions in sight.
pub(crate) fn keeps_read_atomic_in_sessions(history: &History) -> bool {
    explained(history, false, |txns, authors| {
        any_order(txns, &mut Vec::new(), &mut |order| {
            let sees_session = (0..txns.len()).all(|reader| {
                (0..txns[reader].reads.len()).all(|at| {
                    let author = authors[reader][at];
                    (0..txns.len()).all(|other| {
                        let key = &txns[reader].reads[at].0;
                        let wrote = txns[other].writes.iter().any(|write| write.0 == *key);
                        let before = in_session(&txns[other].operation, &txns[reader].operation);
                        other == author
                            || !wrote
                            || !before
                            || place(order, other) < place(order, author)
                    })
                })
            });
            sees_session
                && agrees(txns, authors, true, order)
                && axiom_holds(txns, authors, Axiom::ReadAtomic, order)
        })
    })
}

/// Adya's G1c: whether each register's versions have an order, such that no circle of *ww* and
/// *wr* (and sessions) exists.
fn read_committed(txns: &[Txn], authors: &Authors, sessions: bool) -> bool {
    let count = txns.len();
    let mut edges = vec![vec![false; count]; count];
    for b in 0..count {
        for a in 0..count {
            let so = sessions && in_session(&txns[a].operation, &txns[b].operation);
            edges[a][b] = authors[b].contains(&a) || so;
        }
    }
    let mut keys: Vec<&Key> = txns
        .iter()
        .flat_map(|txn| txn.writes.iter().map(|w| &w.0))
        .collect();
    keys.sort();
    keys.dedup();
    let writers: Vec<Vec<usize>> = keys
        .iter()
        .map(|key| {
            let wrote = |at: &usize| txns[*at].writes.iter().any(|write| write.0 == **key);
            (0..count).filter(wrote).collect()
        })
        .collect();
    versions(&writers, &mut edges)
}

/// Orders the versions of one register after the other.
fn versions(writers: &[Vec<usize>], edges: &mut [Vec<bool>]) -> bool {
    if !acyclic(edges) {
        return false;
    }
    let Some((first, rest)) = writers.split_first() else {
        return true;
    };
    let mut orders = Vec::new();
    permutations(first, &mut Vec::new(), &mut orders);
    orders.iter().any(|order| {
        let mut edges = edges.to_vec();
        for pair in order.windows(2) {
            edges[pair[0]][pair[1]] = true;
        }
        versions(rest, &mut edges)
    })
}

fn permutations(of: &[usize], order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if order.len() == of.len() {
        all.push(order.clone());
    }
    for &item in of {
        if !order.contains(&item) {
            order.push(item);
            permutations(of, order, all);
            order.pop();
        }
    }
}

fn acyclic(edges: &[Vec<bool>]) -> bool {
    let count = edges.len();
    let mut gone = vec![false; count];
    for _ in 0..count {
        let free = (0..count)
            .find(|&at| !gone[at] && (0..count).all(|from| gone[from] || !edges[from][at]));
        match free {
            Some(at) => gone[at] = true,
            None => return false,
        }
    }
    true
}

/// Whether some serial order explains the history, one that keeps sessions if so asked.
pub(crate) fn serializable(history: &History, sessions: bool) -> bool {
    serial(history, sessions, false)
}

/// Whether some serial order that extends real time explains the history.
pub(crate) fn strict_serializable(history: &History) -> bool {
    serial(history, true, true)
}

fn serial(history: &History, sessions: bool, real_time: bool) -> bool {
    serial_with(history, sessions, real_time, |_, _, _| true)
}

/// The same with an order of writers besides: `in_order` says whether of two that wrote a register
/// the first may come first.
pub(crate) fn serial_with(
    history: &History,
    sessions: bool,
    real_time: bool,
    in_order: impl Fn(&Operation, &Operation, &Key) -> bool,
) -> bool {
    explained(history, false, |txns, authors| {
        any_order(txns, &mut Vec::new(), &mut |order| {
            let in_time = |a: usize, b: usize| {
                !real_time
                    || !txns[a].operation.precedes(&txns[b].operation)
                    || place(order, a) < place(order, b)
            };
            let installed = |a: usize, b: usize| {
                let mut keys = txns[a].writes.iter().map(|write| &write.0);
                place(order, a) >= place(order, b)
                    || keys.all(|key| {
                        let both = txns[b].writes.iter().any(|write| write.0 == *key);
                        !both || in_order(&txns[a].operation, &txns[b].operation, key)
                    })
            };
            agrees(txns, authors, sessions, order)
                && (0..txns.len()).all(|a| (0..txns.len()).all(|b| installed(a, b)))
                && (0..txns.len()).all(|a| (0..txns.len()).all(|b| in_time(a, b)))
                && (0..txns.len()).all(|reader| {
                    (0..txns[reader].reads.len()).all(|at| {
                        let key = &txns[reader].reads[at].0;
                        let last = order[..place(order, reader) - 1]
                            .iter()
                            .rev()
                            .find(|&&other| txns[other].writes.iter().any(|write| write.0 == *key));
                        authors[reader][at] == last.copied().unwrap_or(txns.len())
                    })
                })
        })
    })
}
