//! Checks evidence by looking at the record of faults once more.
//!
//! **Invariant:** shares nothing with the search but the proof and [`SETTLED`].

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{
    Body, Effect, ErrorName, FaultEvent, History, Kind, Link, NodeId, Op, Outcome, Phase, Side,
    Time,
};

use super::{Proof, SETTLED};

/// Checks that the operation was asked of a live node on the side, in a settled fault, and was
/// not answered.
///
/// # Errors
/// What is wrong with the evidence.
pub(crate) fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let operations = history.operations();
    let at = operations
        .binary_search_by_key(&proof.operation, |it| it.invoke as u64)
        .map_err(|_| format!("no operation begins with event {}", proof.operation))?;
    let operation = &operations[at];
    let refused = history
        .completion(operation)
        .and_then(|it| it.error.clone());
    let refused =
        refused.is_some_and(|it| it == ErrorName::CAS_MISMATCH || it == ErrorName::CONFLICT);
    if operation.outcome == Outcome::Ok || (operation.outcome == Outcome::Fail && refused) {
        return Err("the operation was answered".to_owned());
    }
    let invoked = history.time(operation.invoke);
    let ended = operation.complete.map(|it| history.time(it));
    let ended = ended.ok_or("the history ends before the operation does")?;
    let node = history
        .node(operation.invoke)
        .ok_or("it does not say which node was asked")?;
    let effects = effects(history, invoked, ended)?;
    let dead = |node: NodeId| {
        effects.iter().any(|effect| match effect {
            Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes) => {
                nodes.contains(&node)
            }
            _ => false,
        })
    };
    let talk = |a: NodeId, b: NodeId| {
        !effects.iter().any(|effect| match effect {
            Effect::Cut(links) | Effect::Hold(links) => {
                links.contains(&Link { from: a, to: b }) || links.contains(&Link { from: b, to: a })
            }
            _ => false,
        })
    };
    if dead(node) {
        return Err(format!("{node} was not alive"));
    }
    let all: BTreeSet<NodeId> = match history.spec() {
        Some(spec) => NodeId::all(spec.nodes).into_iter().collect(),
        None => {
            let peeked = operations.iter().filter_map(|it| match history.op(it) {
                Op::Peek { node, .. } => Some(*node),
                _ => None,
            });
            let asked = operations.iter().filter_map(|it| history.node(it.invoke));
            asked.chain(peeked).collect()
        }
    };
    // Whoever is next to the group joins it, until nobody is.
    let mut group = vec![node];
    loop {
        let next = all.iter().copied().find(|&other| {
            !group.contains(&other) && !dead(other) && group.iter().any(|&it| talk(it, other))
        });
        match next {
            Some(next) => group.push(next),
            None => break,
        }
    }
    let clean = group
        .iter()
        .all(|&a| group.iter().all(|&b| a == b || talk(a, b)));
    if proof.side != Side::Any && !clean {
        return Err(format!(
            "{node}'s group has no sides: some of it talk only through others"
        ));
    }
    let majority =
        |of: &BTreeSet<NodeId>| of.iter().filter(|it| group.contains(it)).count() > of.len() / 2;
    let on_side = match proof.side {
        Side::Any => true,
        Side::Majority => majority(&all),
        Side::QuorumOfKey => {
            let op = history.op(operation);
            let keys: Vec<_> = match op {
                Op::Txn(micros) => micros.iter().filter_map(|it| it.key()).collect(),
                op => op.key().into_iter().collect(),
            };
            keys.iter().all(|wanted| {
                let replicas: BTreeSet<NodeId> = operations
                    .iter()
                    .filter_map(|it| match history.op(it) {
                        Op::Peek { key, node, .. } if key == *wanted => Some(*node),
                        _ => None,
                    })
                    .collect();
                !replicas.is_empty() && majority(&replicas)
            })
        }
    };
    match on_side {
        true => Ok(()),
        false => Err(format!(
            "{node} was not on the side of {}",
            proof.side.name()
        )),
    }
}

/// The effects that were there from [`SETTLED`] before the operation began until it ended.
fn effects(history: &History, invoked: Time, ended: Time) -> Result<Vec<Effect>, String> {
    let mut stories: BTreeMap<u64, Vec<(Time, Kind, FaultEvent)>> = BTreeMap::new();
    for event in history.events() {
        if let Body::Fault(fault) = &event.body {
            let story = stories.entry(fault.id).or_default();
            story.push((event.time, event.kind, fault.clone()));
        }
    }
    let mut effects = Vec::new();
    for story in stories.into_values() {
        let when = |phase: Phase, kinds: &[Kind]| {
            let mut found = story
                .iter()
                .filter(|(_, kind, fault)| fault.phase == phase && kinds.contains(kind));
            found.next().map(|(time, ..)| *time)
        };
        let effect = story.iter().find_map(|(_, kind, fault)| {
            let begins = fault.phase == Phase::Start && *kind == Kind::Invoke;
            fault.effect.clone().filter(|_| begins)
        });
        let (Some(effect), Some(began)) = (effect, when(Phase::Start, &[Kind::Invoke])) else {
            continue;
        };
        let over = when(Phase::End, &[Kind::Ok, Kind::Fail, Kind::Info]);
        let before = over.is_some_and(|over| over < invoked - SETTLED);
        if began > ended || before {
            continue;
        }
        let seen = when(Phase::Start, &[Kind::Ok]);
        if seen.is_none_or(|seen| seen > invoked - SETTLED) {
            return Err("a fault had only just begun, or was not seen to act".to_owned());
        }
        if when(Phase::End, &[Kind::Invoke]).is_some_and(|ending| ending <= ended) {
            return Err("a fault was being ended".to_owned());
        }
        effects.push(effect);
    }
    match effects.is_empty() {
        true => Err("there was no fault".to_owned()),
        false => Ok(effects),
    }
}
