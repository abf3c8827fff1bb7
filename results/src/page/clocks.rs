//! How far the clocks of nodes were off, as far as it was seen by reading them.

use maud::{Markup, html};
use polygraph_history::Effect;

use super::chart::{Chart, Line, Marker, Scale, span};
use super::windows::Window;

/// More nodes than this are not told apart.
const MOST: usize = 12;

/// A node, and its clock's offset in seconds at moments in nanoseconds.
type Course = (String, Vec<(f64, Option<f64>)>);

/// The section; `None` where no clock was wrong.
pub(super) fn section(windows: &[Window], end: u64) -> Option<Markup> {
    let mut nodes: Vec<Course> = Vec::new();
    for window in windows.iter().filter(|it| it.acted() && it.seen.is_some()) {
        let Some(Effect::Clock(clock)) = &window.effect else {
            continue;
        };
        let node = clock.node.to_string();
        let at = nodes
            .iter()
            .position(|(name, _)| *name == node)
            .unwrap_or_else(|| {
                nodes.push((node, vec![(0.0, Some(0.0))]));
                nodes.len() - 1
            });
        let (from, to) = (
            window.start.1 as f64,
            window.end.map_or(end, |(_, at)| at) as f64,
        );
        let offset = clock.wall_offset_ns as f64 / 1e9;
        let drift = clock.rate_ppm as f64 / 1e6;
        let points = &mut nodes[at].1;
        points.extend([(from, Some(0.0)), (from, Some(offset))]);
        match clock.strobe {
            // A line to the amplitude and back: drawn as a block, it flips too often.
            Some(strobe) => {
                let amplitude = strobe.amplitude_ns as f64 / 1e9;
                points.extend([
                    (from, Some(offset + amplitude)),
                    (to, Some(offset + amplitude)),
                ]);
            }
            None => {
                // Straight in time is bent by a logarithm.
                let parts = 16.0;
                for part in 1..=16 {
                    let share = f64::from(part) / parts;
                    let value = offset + drift * (to - from) / 1e9 * share;
                    points.push((from + (to - from) * share, Some(value)));
                }
            }
        }
        points.push((to, Some(0.0)));
    }
    if nodes.is_empty() {
        return None;
    }
    nodes.sort_by_key(|(name, _)| (name.len(), name.clone()));
    nodes.truncate(MOST);
    for (_, points) in &mut nodes {
        points.push((end as f64, Some(0.0)));
    }
    let values = nodes.iter().flat_map(|(_, points)| points);
    let most = values
        .filter_map(|(_, value)| value.map(f64::abs))
        .fold(0.01, f64::max);
    let most = 10_f64.powf(most.log10().ceil());
    let strobes = windows
        .iter()
        .any(|it| matches!(&it.effect, Some(Effect::Clock(clock)) if clock.strobe.is_some()));
    let lines = nodes
        .into_iter()
        .enumerate()
        .map(|(at, (name, points))| Line {
            name,
            class: format!("c{}", at % 6),
            dashes: ["none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"][at % 6],
            marker: Marker::nth(at),
            points,
        });
    let chart = Chart {
        title: "How far the clock of each node was off, over time".to_owned(),
        end: end as f64,
        scale: Scale::Signed(0.001, most),
        unit: |value| {
            if value > 0.0 {
                format!("+{}", span(value))
            } else {
                span(value)
            }
        },
        lines: lines.collect(),
        windows: &[],
        hover: Vec::new(),
        height: 200.0,
    };
    Some(html! {
        section {
            h2 { "Clocks" }
            p.note {
                "How far the wall clock of each node was off true time. Each fault was seen by reading the clock before and after it."
                @if strobes { " Where a clock flips to and fro, the line is where it flips to." }
            }
            (chart.draw())
        }
    })
}
