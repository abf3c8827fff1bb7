//! The faults of a run on the axis of time, and in words.

use maud::{Markup, html};

use super::chart::{both, round, time_axis, x};
use super::windows::Window;

/// The height of a family's row.
const ROW: f64 = 26.0;
/// More faults than this are not told one by one.
const MOST: usize = 60;

/// The section; `None` where nothing was broken.
pub(super) fn section(windows: &[Window], end: u64) -> Option<Markup> {
    if windows.is_empty() {
        return None;
    }
    Some(html! {
        section {
            h2 { "Faults" }
            p.note { "What was broken and when. A fault counts only if it was seen to act, otherwise than by its switch." }
            (both(|width| strip(windows, end as f64, width)))
            details open[windows.len() <= 12] {
                summary { (windows.len()) @if windows.len() == 1 { " fault" } @else { " faults" } " in words" }
                div.scroll { table.list {
                    thead { tr { th { "#" } th { "when" } th { "family" } th { "what" } th { "seen by" } } }
                    tbody {
                        @for window in windows.iter().take(MOST) {
                            tr {
                                td { (window.number) }
                                td.nowrap { (window.when()) }
                                td { (window.family) @if !window.shape.is_empty() { ", " (window.shape) } }
                                td { (window.what()) }
                                td {
                                    @match (&window.error, &window.seen) {
                                        (Some(error), _) => { "✗ not applied: " (error) }
                                        (None, Some(seen)) => { "✓ " (seen) }
                                        (None, None) => "–",
                                    }
                                }
                            }
                        }
                    }
                } }
                @if windows.len() > MOST { p.note { (windows.len() - MOST) " more are in history.jsonl." } }
            }
        }
    })
}

/// A row a family, a bar a fault. Bars of a row that overlap lie in rows of their own.
fn strip(windows: &[Window], end: f64, width: f64) -> Markup {
    let mut rows: Vec<(&str, Vec<&Window>)> = Vec::new();
    for window in windows.iter().filter(|it| it.acted()) {
        let from = window.start.1;
        let free = rows.iter().position(|(family, row)| {
            let after = |other: &&Window| other.end.is_some_and(|(_, end)| end <= from);
            *family == window.family && row.iter().all(after)
        });
        match free {
            Some(at) => rows[at].1.push(window),
            None => {
                let next = rows
                    .iter()
                    .rposition(|(family, _)| *family == window.family);
                rows.insert(
                    next.map_or(rows.len(), |at| at + 1),
                    (window.family, vec![window]),
                );
            }
        }
    }
    let bottom = 6.0 + rows.len() as f64 * ROW;
    html! {
        svg.zoom viewBox={ "0 0 " (width) " " (round(bottom + 26.0)) } role="img" {
            title { "Faults over time" }
            (time_axis(end, width, 4.0, bottom))
            @for (at, (family, row)) in rows.iter().enumerate() {
                @let top = 6.0 + at as f64 * ROW;
                @if at == 0 || rows[at - 1].0 != *family {
                    text.label x="55" y=(round(top + 14.0)) text-anchor="end" { (family) }
                }
                @for window in row { (bar(window, end, width, top)) }
            }
        }
    }
}

fn bar(window: &Window, end: f64, width: f64, top: f64) -> Markup {
    let from = x(window.start.1 as f64, end, width);
    let to = x(window.end.map_or(end, |(_, at)| at as f64), end, width);
    let wide = (to - from).max(2.0);
    let full = format!("{} {}", window.number, window.what());
    // 6.6 units a character at this size.
    let text = match wide {
        wide if full.chars().count() as f64 * 6.7 + 8.0 <= wide => full.clone(),
        wide if window.number.to_string().len() as f64 * 6.7 + 4.0 <= wide => {
            window.number.to_string()
        }
        _ => String::new(),
    };
    html! {
        g {
            title { (full) " (" (window.when()) ")" }
            rect class={ "bar " (window.family) } x=(round(from)) y=(round(top)) width=(round(wide)) height="20" rx="3" {}
            rect.hatch x=(round(from)) y=(round(top)) width=(round(wide)) height="20" rx="3"
                fill={ "url(#hatch-" (window.family) ")" } {}
            @if !text.is_empty() {
                text.inbar x=(round(from + wide / 2.0)) y=(round(top + 14.0)) text-anchor="middle" { (text) }
            }
        }
    }
}
