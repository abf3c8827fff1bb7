//! How many operations ended, and how, over time.

use maud::{Markup, html};

use super::chart::{Chart, Line, Marker, Scale, number, span};
use super::course::{Bin, Course};
use super::latency::points;
use super::windows::Window;

/// The section; `None` where there was no operation.
pub(super) fn section(course: &Course, windows: &[Window]) -> Option<Markup> {
    let sums = sums(course);
    let mut lines: Vec<Line> = Vec::new();
    for (at, of) in course
        .kinds
        .iter()
        .enumerate()
        .filter(|(_, of)| of.whole.ok > 0)
    {
        lines.push(Line {
            name: format!("{} ok", of.kind),
            class: format!("c{}", at % 6),
            dashes: "none",
            marker: Marker::nth(at),
            points: per_second(course, &points(course, of, |bin| Some(bin.ok as f64))),
        });
    }
    for (name, class, dashes, marker, count) in [
        (
            "failed, of all kinds",
            "fail",
            "6 3",
            Marker::Cross,
            (|it: &Bin| it.fail) as fn(&Bin) -> u64,
        ),
        (
            "outcome unknown",
            "info",
            "2 3",
            Marker::None,
            |it: &Bin| it.info,
        ),
    ] {
        if sums.iter().any(|bin| count(bin) > 0) {
            let values = sums.iter().enumerate();
            let values: Vec<_> = values
                .map(|(at, bin)| (course.middle(at), Some(count(bin) as f64)))
                .collect();
            lines.push(Line {
                name: name.to_owned(),
                class: class.to_owned(),
                dashes,
                marker,
                points: per_second(course, &values),
            });
        }
    }
    let values = lines.iter().flat_map(|line| &line.points);
    let most = values.filter_map(|(_, value)| *value).fold(0.0, f64::max);
    if lines.is_empty() {
        return None;
    }
    let chart = Chart {
        title: "Operations a second over time, by kind and outcome".to_owned(),
        end: course.end as f64,
        scale: Scale::linear(most),
        unit: |value| format!("{}/s", short(value)),
        lines,
        windows,
        hover: hover(course, &sums),
        height: 190.0,
    };
    Some(html! {
        section {
            h2 { "Rate" }
            p.note { "Operations that ended, a second; in spans of " (span(course.bin as f64 / 1e9)) "." }
            (chart.draw())
        }
    })
}

/// A large number in thousands or millions.
fn short(value: f64) -> String {
    match value {
        it if it >= 1e6 => format!("{}M", number(it / 1e6)),
        it if it >= 1e4 => format!("{}k", number(it / 1e3)),
        it => number(it),
    }
}

/// All kinds together.
fn sums(course: &Course) -> Vec<Bin> {
    let bins = course.kinds.first().map_or(0, |of| of.bins.len());
    let sum = |at: usize| {
        let mut sum = Bin::default();
        for of in &course.kinds {
            let bin = &of.bins[at];
            sum.ok += bin.ok;
            sum.fail += bin.fail;
            sum.info += bin.info;
        }
        sum
    };
    (0..bins).map(sum).collect()
}

/// By the whole length of a bin: the last is cut short, and to divide by less would make a peak of
/// whatever happened in its first moments.
fn per_second(course: &Course, counts: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let seconds = course.bin as f64 / 1e9;
    let all = counts.iter();
    all.map(|&(time, count)| (time, count.map(|it| it / seconds)))
        .collect()
}

fn hover(course: &Course, sums: &[Bin]) -> Vec<(f64, String)> {
    let all = sums.iter().enumerate();
    all.map(|(at, sum)| {
        let mut text = format!(
            "at {}\n{} ok, {} failed, {} unknown",
            span(course.middle(at) / 1e9),
            sum.ok,
            sum.fail,
            sum.info
        );
        for of in &course.kinds {
            text += &format!("\n{}: {} ok", of.kind, of.bins[at].ok);
        }
        (((at + 1) as u64 * course.bin) as f64, text)
    })
    .collect()
}
