//! `mutual-exclusion`: no two hold a lock at once, unless they share it. `fencing-tokens`: tokens
//! grow from one acquisition to the next, and a storage that has taken a write with one token
//! takes none with an older one (Kleppmann, *How to do distributed locking*, 2016).
//!
//! A lock is certainly held from the end of its acquisition to the begin of its release by the
//! same process. An acquisition without a release says nothing: a lease may have run out.

use polygraph_history::{Guarantee, History, Key, Op, OperationId};
use rustc_hash::FxHashMap;

use super::decisions::argument;
use super::{Finding, Proof, began, certain, client, ended, event, inversions};
use crate::{Options, Verdict};

/// One time that a lock was held.
#[derive(Clone, Copy)]
struct Hold {
    acquire: OperationId,
    release: OperationId,
    from: u64,
    until: u64,
    shared: bool,
}

pub(super) fn mutual_exclusion(history: &History, options: &Options) -> Verdict {
    let is_lock = |op: &Op| matches!(op, Op::Acquire { .. } | Op::Release { .. });
    let mut finding = Finding::of(history, options, Guarantee::MutualExclusion, is_lock);
    for (key, mut holds) in holds(history) {
        finding.verdict.opportunities += holds.len() as u64;
        holds.sort_by_key(|it| it.from);
        // Of those before, the one that lasts longest: of all, and of those not shared.
        let (mut longest, mut alone): (Option<Hold>, Option<Hold>) = (None, None);
        for hold in holds {
            let other = if hold.shared { alone } else { longest };
            if let Some(other) = other.filter(|it| hold.from < it.until && it.from < hold.until) {
                let proof = Proof::Held {
                    first: (event(history, other.acquire), event(history, other.release)),
                    second: (event(history, hold.acquire), event(history, hold.release)),
                };
                let explain = || {
                    format!(
                        "{} had acquired {key} at {} and began to release it at {}; in between, {} \
                         had acquired it at {}",
                        client(history, other.acquire),
                        ended(history, other.acquire),
                        began(history, other.release),
                        client(history, hold.acquire),
                        ended(history, hold.acquire),
                    )
                };
                let named = [other.acquire, hold.acquire, other.release, hold.release];
                finding.add("two-holders", Some(key), &named, explain, proof);
            }
            let longer = |known: Option<Hold>| match known {
                Some(known) if known.until >= hold.until => Some(known),
                _ => Some(hold),
            };
            longest = longer(longest);
            if !hold.shared {
                alone = longer(alone);
            }
        }
    }
    finding.conclude()
}

/// The times that each lock was certainly held, by first appearance.
fn holds(history: &History) -> Vec<(&Key, Vec<Hold>)> {
    let operations = history.operations();
    let mut all: Vec<(&Key, Vec<Hold>)> = Vec::new();
    let mut numbers: FxHashMap<&Key, usize> = FxHashMap::default();
    let mut open: FxHashMap<(u64, &Key), (OperationId, bool)> = FxHashMap::default();
    for (id, operation) in operations.iter().enumerate() {
        match history.op(operation) {
            Op::Acquire { key, shared, .. } => {
                // Whoever acquires twice without a release in between holds it since the first
                // time at most until the second: nothing is said of that.
                open.remove(&(operation.process, key));
                if operation.outcome == polygraph_history::Outcome::Ok {
                    open.insert((operation.process, key), (id, *shared));
                }
            }
            Op::Release { key } => {
                let Some((acquire, shared)) = open.remove(&(operation.process, key)) else {
                    continue;
                };
                let at = *numbers.entry(key).or_insert_with(|| {
                    all.push((key, Vec::new()));
                    all.len() - 1
                });
                all[at].1.push(Hold {
                    acquire,
                    release: id,
                    from: operations[acquire].end,
                    until: operation.start,
                    shared,
                });
            }
            _ => {}
        }
    }
    all
}

pub(super) fn fencing_tokens(history: &History, options: &Options) -> Verdict {
    let concerns = |op: &Op| match op {
        Op::Acquire { shared, .. } => !shared,
        Op::Custom { name, .. } => name == "fenced-write",
        _ => false,
    };
    let mut finding = Finding::of(history, options, Guarantee::FencingTokens, concerns);
    let mut locks: FxHashMap<&str, Vec<(OperationId, i128)>> = FxHashMap::default();
    let mut writes: FxHashMap<String, Vec<(OperationId, i128)>> = FxHashMap::default();
    for (id, op) in certain(history) {
        match op {
            Op::Acquire {
                key,
                shared: false,
                token: Some(token),
            } => {
                locks
                    .entry(&*key.0)
                    .or_default()
                    .push((id, i128::from(*token)));
            }
            Op::Custom { name, args } if name == "fenced-write" => {
                let token = args.get("token").and_then(serde_json::Value::as_u64);
                if let (Some(key), Some(token)) = (argument(args, "key"), token) {
                    writes.entry(key).or_default().push((id, i128::from(token)));
                }
            }
            _ => {}
        }
    }
    let mut locks: Vec<_> = locks.into_iter().collect();
    locks.sort_unstable();
    for (key, tokens) in locks {
        finding.verdict.opportunities += tokens.len() as u64;
        let key = Key::from(key);
        let mut pairs = inversions(history, &tokens);
        pairs.extend(equal(&tokens, &pairs));
        for (left, right) in pairs {
            let explain = || {
                format!(
                    "{} acquired {key} with token {} (ended at {}), and {} with token {} (begun at \
                     {}), which is not greater",
                    client(history, left),
                    token(&tokens, left),
                    ended(history, left),
                    client(history, right),
                    token(&tokens, right),
                    began(history, right),
                )
            };
            finding.pair("token-not-greater", Some(&key), (left, right), explain);
        }
    }
    let mut writes: Vec<_> = writes.into_iter().collect();
    writes.sort_unstable();
    for (key, tokens) in writes {
        finding.verdict.opportunities += tokens.len() as u64;
        for (left, right) in inversions(history, &tokens) {
            if token(&tokens, left) == token(&tokens, right) {
                continue;
            }
            let explain = || {
                format!(
                    "the storage of {key} took {}'s write with token {} (ended at {}), and then {}'s \
                     with the older token {} (begun at {})",
                    client(history, left),
                    token(&tokens, left),
                    ended(history, left),
                    client(history, right),
                    token(&tokens, right),
                    began(history, right),
                )
            };
            finding.pair("older-token-taken", None, (left, right), explain);
        }
    }
    finding.conclude()
}

fn token(tokens: &[(OperationId, i128)], id: OperationId) -> i128 {
    let found = tokens.binary_search_by_key(&id, |&(id, _)| id);
    found.map_or(0, |at| tokens[at].1)
}

/// Pairs with the same token, besides those that are known.
fn equal(
    tokens: &[(OperationId, i128)],
    known: &[(OperationId, OperationId)],
) -> Vec<(OperationId, OperationId)> {
    let mut first: FxHashMap<i128, OperationId> = FxHashMap::default();
    let mut found = Vec::new();
    for &(id, token) in tokens {
        let other = *first.entry(token).or_insert(id);
        if other != id && !known.iter().any(|&(_, right)| right == id) {
            found.push((other, id));
        }
    }
    found
}
