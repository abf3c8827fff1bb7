//! `unique-ids`: no identifier is given out twice. `ordered-ids`: whoever asks after somebody was
//! answered gets a greater one, as a counter or a timestamp oracle gives; with that their order
//! is consistent with causality, for a cause has ended before its effect begins.

use polygraph_history::{Guarantee, History, Key, Op, OperationId, Value};
use rustc_hash::FxHashMap;

use super::{Finding, began, certain, client, ended, inversions};
use crate::{Options, Verdict};

const fn is_generate(op: &Op) -> bool {
    matches!(op, Op::Generate { .. })
}

/// The identifiers that were given out, by source.
fn given(history: &History) -> Vec<(&Key, Vec<(OperationId, &Value)>)> {
    let mut all: Vec<(&Key, Vec<(OperationId, &Value)>)> = Vec::new();
    let mut numbers: FxHashMap<&Key, usize> = FxHashMap::default();
    for (id, op) in certain(history) {
        if let Op::Generate {
            key,
            value: Some(value),
        } = op
        {
            let at = *numbers.entry(key).or_insert_with(|| {
                all.push((key, Vec::new()));
                all.len() - 1
            });
            all[at].1.push((id, value));
        }
    }
    all
}

pub(super) fn unique(history: &History, options: &Options) -> Verdict {
    let mut finding = Finding::of(history, options, Guarantee::UniqueIds, is_generate);
    for (key, given) in given(history) {
        finding.verdict.opportunities += given.len() as u64;
        let mut first: FxHashMap<&Value, OperationId> = FxHashMap::default();
        for (id, value) in given {
            let other = *first.entry(value).or_insert(id);
            if other != id {
                let explain = || {
                    format!(
                        "{} and {} were both given {value} of {key} (at {} and {})",
                        client(history, other),
                        client(history, id),
                        ended(history, other),
                        ended(history, id),
                    )
                };
                finding.pair("duplicate-id", Some(key), (other, id), explain);
            }
        }
    }
    finding.conclude()
}

pub(super) fn ordered(history: &History, options: &Options) -> Verdict {
    let mut finding = Finding::of(history, options, Guarantee::OrderedIds, is_generate);
    for (key, given) in given(history) {
        let numbered: Vec<(OperationId, i128)> = given
            .iter()
            .filter_map(|&(id, value)| match value {
                Value::Int(number) => Some((id, i128::from(*number))),
                _ => None,
            })
            .collect();
        finding.verdict.opportunities += numbered.len() as u64;
        for (left, right) in inversions(history, &numbered) {
            let of = |id: OperationId| {
                let found = numbered.binary_search_by_key(&id, |&(id, _)| id);
                found.map_or(0, |at| numbered[at].1)
            };
            let explain = || {
                format!(
                    "{} was given {} of {key} at {}, and {}, who asked at {}, the number {}, which \
                     is not greater",
                    client(history, left),
                    of(left),
                    ended(history, left),
                    client(history, right),
                    began(history, right),
                    of(right),
                )
            };
            finding.pair("id-not-greater", Some(key), (left, right), explain);
        }
    }
    finding.conclude()
}
