//! `consistent-prefix-total`: all clients see prefixes of one order of all writes, which extends
//! real time.
//!
//! - [`CONSISTENT_PREFIX_TOTAL`]: the registry's entry. [`Item`], [`Link`]: the evidence, writes
//!   that go in a circle.
//!
//! What can be told from a history are writes of which each read shows whether they are there:
//! registers that are written once, and elements of sets and lists that are added once and never
//! removed. A read that shows one such write and misses another puts the first before the second
//! (Jepsen's long fork and causal reverse; Adya's G-nonadjacent without a version order). An order
//! exists exactly if these pairs and real time have no circle.
//!
//! The pairs of a read are as many as its writes squared. Reads of the same writes must show
//! growing sets of them, so that a chain of sets takes the place of the pairs, and the graph is as
//! large as the reads are long.

mod confirm;
mod order;
mod view;

use polygraph_history::{Guarantee, History, Key, Outcome, Value};

pub(super) use self::confirm::confirm;
use self::order::find;
use self::view::View;
use super::who;
use crate::verdict::Proof as AnyProof;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// A write of which reads show whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The register, set or list.
    pub key: Key,
    /// What was written or added.
    pub value: Value,
    /// The event that began the operation that did.
    pub write: u64,
}

/// Why one write comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It had ended when the other began.
    RealTime,
    /// The read that began with this event shows it and misses the other.
    Read(u64),
}

/// The registry's entry.
pub const CONSISTENT_PREFIX_TOTAL: Entry = Entry {
    guarantee: Guarantee::ConsistentPrefixTotal,
    opportunity: "reads that show one write and miss another, of writes that reads can tell apart",
    minimum: 10,
    check,
};

fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::ConsistentPrefixTotal, "chains-of-reads");
    let view = View::new(history);
    verdict.operations_checked = view.operations;
    verdict.indeterminate = {
        let unknown = |it: &&polygraph_history::Operation| it.outcome == Outcome::Info;
        history.operations().iter().filter(unknown).count() as u64
    };
    verdict.opportunities = view.opportunities();
    if view.left_out > 0 {
        verdict.warnings.push(format!(
            "{} keys were left out: reads of them do not tell which writes they show",
            view.left_out
        ));
    }
    let (count, circles) = find(&view, options.max_anomalies);
    if count > 0 {
        verdict.validity = Validity::Violated;
        verdict.anomaly_count = count;
        verdict.anomalies = circles
            .into_iter()
            .map(|circle| anomaly(&view, circle))
            .collect();
        return verdict;
    }
    match (view.reads.is_empty(), verdict.opportunities) {
        (true, _) => verdict.unknown(Reason::NotApplicable),
        (false, 0) => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

fn anomaly(view: &View<'_>, circle: Vec<(u32, Link)>) -> Anomaly {
    let history = view.history;
    let reads = circle
        .iter()
        .filter(|(_, link)| matches!(link, Link::Read(_)));
    let kind = match (reads.count(), circle.len()) {
        (2, 2) => "long-fork",
        (1, 2) => "causal-reverse",
        _ => "contradicting-prefixes",
    };
    let mut operations = Vec::new();
    let mut sentences = Vec::new();
    let name = |item: u32| {
        let item = &view.items[item as usize];
        format!("{} = {}", view.keys[item.key as usize], item.value)
    };
    for (at, &(item, link)) in circle.iter().enumerate() {
        let next = circle[(at + 1) % circle.len()].0;
        let writer = view.items[item as usize].operation as usize;
        operations.push(super::event(history, writer));
        sentences.push(match link {
            Link::RealTime => format!(
                "the write of {} by {} had ended when that of {} by {} began",
                name(item),
                who(history, writer),
                name(next),
                who(history, view.items[next as usize].operation as usize)
            ),
            Link::Read(event) => {
                operations.push(event);
                let reader = view.operation_at(event);
                let reader = reader.map_or_else(String::new, |id| who(history, id));
                format!("{reader} saw {} without {}", name(item), name(next))
            }
        });
    }
    operations.sort_unstable();
    operations.dedup();
    let evidence = circle.iter().map(|&(item, link)| {
        let item = &view.items[item as usize];
        let write = super::event(history, item.operation as usize);
        let key = view.keys[item.key as usize].clone();
        let value = item.value.clone();
        (Item { key, value, write }, link)
    });
    Anomaly {
        kind,
        explanation: format!(
            "{}: no one order of the writes explains that",
            sentences.join("; ")
        ),
        operations,
        key: None,
        proof: AnyProof::Scenario(super::Proof::Order(evidence.collect())),
    }
}
