//! How many operations were answered while each fault acted, by the node that was asked.

use maud::{Markup, html};
use polygraph_history::{History, Outcome};

use super::windows::Window;

/// More nodes than this have no column each.
const MOST_NODES: usize = 9;
/// More windows than this are not told one by one.
const MOST_WINDOWS: usize = 40;

/// Operations invoked, and those of them that were answered `ok`.
#[derive(Clone, Copy, Default)]
struct Answered {
    ok: u64,
    all: u64,
}

/// A row of the table.
struct Row<'a> {
    window: Option<&'a Window>,
    whole: Answered,
    nodes: Vec<Answered>,
}

/// The section; `None` where no fault acted on operations.
pub(super) fn section(history: &History, windows: &[Window]) -> Option<Markup> {
    let acted = windows.iter().filter(|it| it.acted());
    let mut rows: Vec<Row<'_>> = acted
        .map(|window| Row {
            window: Some(window),
            whole: Answered::default(),
            nodes: Vec::new(),
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let left_out = rows.len().saturating_sub(MOST_WINDOWS);
    rows.truncate(MOST_WINDOWS);
    rows.insert(
        0,
        Row {
            window: None,
            whole: Answered::default(),
            nodes: Vec::new(),
        },
    );
    let mut nodes = 0;
    // Both are in order of time: each operation is asked of few windows.
    let mut first = 1;
    for operation in history.operations() {
        let time = history.invoked_at(operation).as_nanos();
        let ok = operation.outcome == Outcome::Ok;
        let node = history.node(operation.invoke).map(|node| node.position());
        nodes = nodes.max(node.map_or(0, |at| at + 1));
        let over = |row: &Row<'_>| {
            row.window
                .and_then(|it| it.end)
                .is_some_and(|(_, end)| end < time)
        };
        while first < rows.len() && over(&rows[first]) {
            first += 1;
        }
        let mut during = false;
        for row in &mut rows[first..] {
            let Some(window) = row.window else { continue };
            if window.start.1 > time {
                break;
            }
            if window.overlaps(time, time) {
                during = true;
                row.count(ok, node);
            }
        }
        if !during {
            rows[0].count(ok, node);
        }
    }
    if rows.iter().all(|row| row.whole.all == 0) {
        return None;
    }
    let nodes = if nodes <= MOST_NODES { nodes } else { 0 };
    Some(html! {
        section {
            h2 { "Availability while faults acted" }
            p.note {
                "Of the operations that were invoked while a fault acted, the share that was answered ok"
                @if nodes > 0 { ", in all and by the node that was asked" } "."
            }
            div.scroll { table.numbers.shares {
                thead { tr {
                    th { "#" } th { "fault" } th { "operations" } th { "ok" }
                    @for node in 1..=nodes { th { "n" (node) } }
                } }
                tbody {
                    @for row in &rows {
                        tr {
                            td { @if let Some(window) = row.window { (window.number) } }
                            th { @match row.window { Some(window) => (window.what()), None => "no fault" } }
                            td { (row.whole.all) }
                            (share(row.whole))
                            @for node in 0..nodes { (share(row.nodes.get(node).copied().unwrap_or_default())) }
                        }
                    }
                }
            } }
            @if left_out > 0 { p.note { "Of " (left_out) " more faults see history.jsonl." } }
        }
    })
}

impl Row<'_> {
    fn count(&mut self, ok: bool, node: Option<usize>) {
        let add = |of: &mut Answered| {
            of.all += 1;
            of.ok += u64::from(ok);
        };
        add(&mut self.whole);
        if let Some(node) = node {
            if self.nodes.len() <= node {
                self.nodes.resize(node + 1, Answered::default());
            }
            add(&mut self.nodes[node]);
        }
    }
}

/// A share as a number, with a bar behind it.
fn share(Answered { ok, all }: Answered) -> Markup {
    if all == 0 {
        return html! { td.share { "–" } };
    }
    let percent = ok as f64 * 100.0 / all as f64;
    // Never rounded up to all of them, nor down to none.
    let text = match percent {
        it if ok == all || ok == 0 => format!("{it:.0} %"),
        it if it > 99.9 => ">99.9 %".to_owned(),
        it if it < 0.1 => "<0.1 %".to_owned(),
        it => format!("{it:.1} %"),
    };
    html! {
        td.share title={ (ok) " of " (all) } {
            span.fill style={ "width:" (format!("{percent:.0}")) "%" } {}
            span.of { (text) }
        }
    }
}
