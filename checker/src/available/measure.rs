//! Which share of the operations was answered: by node, by kind, in the window of every fault.

use std::collections::BTreeMap;

use polygraph_history::{History, NodeId, Op, Time};

use super::{Window, answered};
use crate::measured::{Figure, Measured, Share};

/// What became of one operation.
struct Answer {
    began: Time,
    ended: Time,
    node: Option<NodeId>,
    answered: bool,
}

/// The tables of `available`.
pub(super) fn measure(history: &History, windows: &[Window]) -> Vec<Measured> {
    let mut nodes: BTreeMap<NodeId, Share> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, Share> = BTreeMap::new();
    let (mut all, mut quiet) = (Share::default(), Share::default());
    // In the order of their invocations, which is that of times.
    let mut answers: Vec<Answer> = Vec::new();
    for operation in history.operations() {
        let op = history.op(operation);
        if matches!(op, Op::Peek { .. }) {
            continue;
        }
        let answer = Answer {
            began: history.invoked_at(operation),
            ended: history.completed_at(operation).unwrap_or(Time::MAX),
            node: history.node(operation.invoke),
            answered: answered(history, operation),
        };
        all.count(answer.answered);
        kinds
            .entry(op.kind().name())
            .or_default()
            .count(answer.answered);
        if let Some(node) = answer.node {
            nodes.entry(node).or_default().count(answer.answered);
        }
        let inside = |it: &Window| it.from <= answer.began && answer.began <= it.to;
        if !windows.iter().any(inside) {
            quiet.count(answer.answered);
        }
        answers.push(answer);
    }
    if all.whole == 0 {
        return Vec::new();
    }
    let row = |name: String, share: Share| vec![Figure::Text(name), Figure::Share(share)];
    let mut rows = vec![row("all".to_owned(), all)];
    if !windows.is_empty() {
        rows.push(row("outside of faults".to_owned(), quiet));
    }
    rows.extend(
        nodes
            .into_iter()
            .map(|(node, share)| row(format!("at {node}"), share)),
    );
    rows.extend(
        kinds
            .into_iter()
            .map(|(kind, share)| row(kind.to_owned(), share)),
    );
    let mut tables = vec![Measured {
        name: "answered",
        about: "operations that the store answered, with what a longer run might show (Wilson, 95 %)",
        columns: &["operations", "answered"],
        rows,
    }];
    if !windows.is_empty() {
        tables.push(Measured {
            name: "faults",
            about: "operations invoked during each fault that were answered, and how long after \
                    its end every node that was asked had answered again",
            columns: &[
                "fault",
                "from_at_ns",
                "to_at_ns",
                "answered",
                "recovered_after_ns",
            ],
            rows: windows
                .iter()
                .map(|it| window(&answers, windows, it))
                .collect(),
        });
    }
    tables
}

fn window(answers: &[Answer], windows: &[Window], window: &Window) -> Vec<Figure> {
    let from = answers.partition_point(|it| it.began < window.from);
    let to = answers.partition_point(|it| it.began <= window.to);
    let mut share = Share::default();
    answers[from..to]
        .iter()
        .for_each(|it| share.count(it.answered));
    let end = match window.to {
        Time::MAX => Figure::Nothing,
        to => Figure::At(to),
    };
    vec![
        Figure::Text(window.name.clone()),
        Figure::At(window.from),
        end,
        Figure::Share(share),
        Figure::span(recovered(&answers[to..], windows, window)),
    ]
}

/// How long after the end of a fault each node that was asked before the next one had answered.
fn recovered(after: &[Answer], windows: &[Window], window: &Window) -> Option<u64> {
    let next = windows
        .iter()
        .map(|it| it.from)
        .filter(|&from| from >= window.to)
        .min();
    let next = next.unwrap_or(Time::MAX);
    let mut first: BTreeMap<NodeId, Option<Time>> = BTreeMap::new();
    for answer in after.iter().take_while(|it| it.began < next) {
        let Some(node) = answer.node else { continue };
        let known = first.entry(node).or_default();
        if answer.answered && answer.ended < next {
            *known = Some(known.map_or(answer.ended, |other| other.min(answer.ended)));
        }
    }
    let last = first
        .into_values()
        .collect::<Option<Vec<Time>>>()?
        .into_iter()
        .max()?;
    u64::try_from(last.since(window.to).as_nanos()).ok()
}
