//! What must be one: the decision of an instance of consensus (`agreement`, `validity`), the
//! leader of an epoch, the outcome of a transaction, the owner of a name.
//!
//! Agreement, integrity and validity are those of uniform consensus (Cachin, Guerraoui and
//! Rodrigues, *Introduction to Reliable and Secure Distributed Programming*, 2011, 5.2): nobody
//! decides otherwise than another, nor than itself before, and only what was proposed. Whether
//! everybody decides at all is a matter of liveness: the verdict on agreement counts it.

use polygraph_history::{Guarantee, History, Op, OperationId, Outcome};
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use super::{Finding, Proof, certain, client, ended, event};
use crate::measured::{Figure, Measured};
use crate::{Options, Verdict};

/// Of which custom operation which argument names the group in which another must be one.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) value: &'static str,
    kind: &'static str,
}

/// The rule of a promise.
pub(super) const fn rule(guarantee: Guarantee) -> Option<Rule> {
    let (name, group, value, kind) = match guarantee {
        Guarantee::Agreement => ("decide", "instance", "value", "disagreement"),
        Guarantee::OneLeaderPerEpoch => ("lead", "epoch", "leader", "two-leaders"),
        Guarantee::AtomicCommit => ("resolve", "transaction", "outcome", "mixed-outcome"),
        Guarantee::UniqueClaim => ("claim", "name", "by", "claimed-twice"),
        _ => return None,
    };
    Some(Rule {
        name,
        group,
        value,
        kind,
    })
}

/// An argument as text, if it is there.
pub(super) fn argument(args: &Json, name: &str) -> Option<String> {
    match args.get(name)? {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub(super) fn agreement(history: &History, options: &Options) -> Verdict {
    let mut verdict = one(history, options, Guarantee::Agreement);
    let mut instances: FxHashMap<String, (bool, bool)> = FxHashMap::default();
    for operation in history.operations() {
        if let Op::Custom { name, args } = history.op(operation)
            && let Some(instance) = argument(args, "instance")
        {
            let of = instances.entry(instance).or_default();
            of.0 |= name == "propose";
            of.1 |= name == "decide" && operation.outcome == Outcome::Ok;
        }
    }
    let decided = instances.values().filter(|(_, decided)| *decided).count() as u64;
    let open = instances
        .values()
        .filter(|&&of| of == (true, false))
        .count() as u64;
    if decided + open > 0 {
        verdict.measured.push(Measured {
            name: "termination",
            about: "instances of which a decision is known, and those that were proposed to and are \
                    not known to be decided",
            columns: &["decided", "not decided"],
            rows: vec![vec![Figure::Count(decided), Figure::Count(open)]],
        });
    }
    verdict
}

pub(super) fn one_leader(history: &History, options: &Options) -> Verdict {
    one(history, options, Guarantee::OneLeaderPerEpoch)
}

pub(super) fn atomic_commit(history: &History, options: &Options) -> Verdict {
    one(history, options, Guarantee::AtomicCommit)
}

pub(super) fn unique_claim(history: &History, options: &Options) -> Verdict {
    one(history, options, Guarantee::UniqueClaim)
}

/// All operations of a group say the same.
fn one(history: &History, options: &Options, guarantee: Guarantee) -> Verdict {
    let concerns = |op: &Op| matches!((op, rule(guarantee)), (Op::Custom { name, .. }, Some(rule)) if name == rule.name);
    let mut finding = Finding::of(history, options, guarantee, concerns);
    let Some(rule) = rule(guarantee) else {
        return finding.conclude();
    };
    let mut first: FxHashMap<String, (OperationId, String)> = FxHashMap::default();
    for (id, op) in certain(history) {
        let Op::Custom { name, args } = op else {
            continue;
        };
        let (Some(group), Some(value)) = (argument(args, rule.group), argument(args, rule.value))
        else {
            continue;
        };
        if name != rule.name {
            continue;
        }
        let Some((other, known)) = first.get(&group) else {
            first.insert(group, (id, value));
            continue;
        };
        finding.verdict.opportunities += 1;
        if *known != value {
            let explain = || {
                format!(
                    "of {} {group}, {} was told {} {known} at {}, and {} was told {value} at {}",
                    rule.group,
                    client(history, *other),
                    rule.value,
                    ended(history, *other),
                    client(history, id),
                    ended(history, id),
                )
            };
            finding.pair(rule.kind, None, (*other, id), explain);
        }
    }
    finding.conclude()
}

pub(super) fn validity(history: &History, options: &Options) -> Verdict {
    let concerns = |op: &Op| matches!(op, Op::Custom { name, .. } if name == "decide");
    let mut finding = Finding::of(history, options, Guarantee::Validity, concerns);
    let operations = history.operations();
    // When each value was first proposed; a proposal that failed was made all the same.
    let mut proposed: FxHashMap<(String, String), u64> = FxHashMap::default();
    for operation in operations {
        if let Op::Custom { name, args } = history.op(operation)
            && name == "propose"
            && let (Some(instance), Some(value)) =
                (argument(args, "instance"), argument(args, "value"))
        {
            let at = proposed.entry((instance, value)).or_insert(u64::MAX);
            *at = (*at).min(operation.start);
        }
    }
    for (id, op) in certain(history) {
        let Op::Custom { name, args } = op else {
            continue;
        };
        let (Some(instance), Some(value)) = (argument(args, "instance"), argument(args, "value"))
        else {
            continue;
        };
        if name != "decide" {
            continue;
        }
        finding.verdict.opportunities += 1;
        let known = proposed.get(&(instance.clone(), value.clone()));
        if known.is_none_or(|&proposed| proposed > operations[id].end) {
            let explain = || {
                format!(
                    "{} was told at {} that {instance} is decided for {value}, which nobody had \
                     proposed",
                    client(history, id),
                    ended(history, id)
                )
            };
            let proof = Proof::Invented {
                decision: event(history, id),
            };
            finding.add("invented-decision", None, &[id], explain, proof);
        }
    }
    finding.conclude()
}
