//! How long operations took, over time.

use maud::{Markup, html};

use super::chart::{Chart, Line, Marker, Scale, measured, span};
use super::course::{Course, OfKind};
use super::windows::Window;
use crate::Latency;

/// The section; `None` where nothing took place.
pub(super) fn section(course: &Course, windows: &[Window]) -> Option<Markup> {
    let timed = |of: &&OfKind| of.whole.latency.is_some();
    let kinds: Vec<&OfKind> = course.kinds.iter().filter(timed).collect();
    let all = kinds.iter().flat_map(|of| &of.bins);
    let all: Vec<Latency> = all.filter_map(|bin| bin.latency).collect();
    let least = all.iter().map(|it| it.p50_ns).min()?.max(1);
    let most = all.iter().map(|it| it.p99_ns).max()?;
    let chart = Chart {
        title: "Latency over time, the median and the 99th percentile of each kind of operation"
            .to_owned(),
        end: course.end as f64,
        scale: Scale::log(least as f64 / 1e9, most as f64 / 1e9),
        unit: span,
        lines: kinds
            .iter()
            .enumerate()
            .flat_map(|(at, of)| lines(course, of, at))
            .collect(),
        windows,
        hover: hover(course, &kinds),
        height: 220.0,
    };
    Some(html! {
        section {
            h2 { "Latency" }
            p.note {
                "From invocation to answer, of operations that took place; by the moment of the "
                "answer, in spans of " (span(course.bin as f64 / 1e9)) "."
            }
            (chart.draw())
            (table(&kinds))
        }
    })
}

fn lines(course: &Course, of: &OfKind, at: usize) -> Vec<Line> {
    let line = |name: &str, dashes, marker, pick: fn(Latency) -> u64| Line {
        name: format!("{} {name}", of.kind),
        class: format!("c{}", at % 6),
        dashes,
        marker,
        points: points(course, of, |bin| {
            bin.latency.map(|it| pick(it) as f64 / 1e9)
        }),
    };
    vec![
        line("median", "none", Marker::nth(at), |it| it.p50_ns),
        line("99 %", "5 4", Marker::None, |it| it.p99_ns),
    ]
}

/// A value for each bin, at its middle.
pub(super) fn points(
    course: &Course,
    of: &OfKind,
    value: impl Fn(&super::course::Bin) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let bins = of.bins.iter().enumerate();
    bins.map(|(at, bin)| (course.middle(at), value(bin)))
        .collect()
}

fn hover(course: &Course, kinds: &[&OfKind]) -> Vec<(f64, String)> {
    let bins = kinds.first().map_or(0, |of| of.bins.len());
    (0..bins)
        .map(|at| {
            let mut text = format!("at {}", span(course.middle(at) / 1e9));
            for of in kinds {
                if let Some(it) = of.bins[at].latency {
                    let (half, p99) = (measured(it.p50_ns), measured(it.p99_ns));
                    text += &format!(
                        "\n{}: median {half}, 99 % {p99}, most {}",
                        of.kind,
                        measured(it.max_ns)
                    );
                }
            }
            (((at + 1) as u64 * course.bin) as f64, text)
        })
        .collect()
}

fn table(kinds: &[&OfKind]) -> Markup {
    html! {
        div.scroll { table.numbers {
            thead { tr { th { "kind" } th { "ok" } th { "median" } th { "95 %" } th { "99 %" } th { "most" } } }
            tbody {
                @for of in kinds {
                    @if let Some(latency) = of.whole.latency {
                        tr {
                            th { (of.kind) }
                            td { (of.whole.ok) }
                            td { (measured(latency.p50_ns)) }
                            td { (measured(latency.p95_ns)) }
                            td { (measured(latency.p99_ns)) }
                            td { (measured(latency.max_ns)) }
                        }
                    }
                }
            }
        } }
    }
}
