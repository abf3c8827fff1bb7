//! A small plot over time, as SVG: lines that differ in dashes and markers besides colours, faults
//! shaded behind them. Drawn once for wide pages and once for narrow ones, so that its text keeps
//! its size.

use maud::{Markup, html};

use super::windows::Window;

/// The widths in which everything is drawn; a style sheet shows the one that fits.
pub(super) const WIDE: f64 = 1040.0;
/// The narrow one.
pub(super) const NARROW: f64 = 340.0;

/// Both drawings of something.
pub(super) fn both(draw: impl Fn(f64) -> Markup) -> Markup {
    html! {
        div.wide { (draw(WIDE)) }
        div.narrow { (draw(NARROW)) }
    }
}

/// How values become heights.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    /// From zero to the most.
    Linear(f64),
    /// Between two powers of ten, by the logarithm.
    Log(f64, f64),
    /// As much below zero as above: linear up to a unit, from there on by the logarithm.
    Signed(f64, f64),
}

impl Scale {
    /// From zero to a little more than this.
    pub(super) fn linear(most: f64) -> Scale {
        let step = step(most.max(1e-9), 4);
        Scale::Linear((most / step).ceil().max(1.0) * step)
    }

    /// By the logarithm, for positive values between these.
    pub(super) fn log(least: f64, most: f64) -> Scale {
        let low = 10_f64.powf(least.max(1e-12).log10().floor());
        let high = 10_f64.powf(most.max(least).max(1e-12).log10().ceil());
        Scale::Log(low, if high > low { high } else { low * 10.0 })
    }

    /// Of a value, its share of the height.
    fn share(self, value: f64) -> f64 {
        let share = match self {
            Scale::Linear(most) => value / most,
            Scale::Log(low, high) => (value.max(low) / low).ln() / (high / low).ln(),
            Scale::Signed(unit, most) => {
                let log = |value: f64| (1.0 + value.abs() / unit).ln().copysign(value);
                0.5 + log(value) / log(most) / 2.0
            }
        };
        share.clamp(0.0, 1.0)
    }

    /// The values that have a line.
    fn ticks(self) -> Vec<f64> {
        match self {
            Scale::Linear(most) => {
                let step = step(most, 4);
                let mut ticks = Vec::new();
                let mut at = 0.0;
                while at <= most * 1.001 {
                    ticks.push(at);
                    at += step;
                }
                ticks
            }
            Scale::Log(low, high) => {
                let mut ticks = Vec::new();
                let mut at = low;
                while at <= high * 1.001 {
                    ticks.push(at);
                    at *= 10.0;
                }
                ticks
            }
            Scale::Signed(unit, most) => {
                let mut ticks = vec![0.0];
                let mut at = unit * 10.0;
                while at <= most * 1.001 {
                    ticks.extend([at, -at]);
                    at *= 10.0;
                }
                ticks
            }
        }
    }
}

/// A round step: at most about so many of it up to this value.
fn step(most: f64, count: u32) -> f64 {
    let least = most / f64::from(count);
    let unit = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let found = steps.into_iter().map(|it| it * unit);
    let mut fitting = found.filter(|&it| it >= least * 0.999);
    fitting.next().unwrap_or(least)
}

/// What marks the points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    None,
}

impl Marker {
    /// The marker of the n-th line.
    pub(super) const fn nth(at: usize) -> Marker {
        const ALL: [Marker; 5] = [
            Marker::Circle,
            Marker::Square,
            Marker::Triangle,
            Marker::Diamond,
            Marker::Cross,
        ];
        ALL[at % ALL.len()]
    }

    /// Its outline around a point.
    fn path(self, x: f64, y: f64) -> String {
        match self {
            Marker::Circle => format!("M{:.1} {y:.1}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", x - 3.0),
            Marker::Square => format!("M{:.1} {:.1}h6v6h-6z", x - 3.0, y - 3.0),
            Marker::Triangle => format!("M{x:.1} {:.1}l3.6 6.2h-7.2z", y - 3.6),
            Marker::Diamond => format!("M{x:.1} {:.1}l3.8 3.8l-3.8 3.8l-3.8 -3.8z", y - 3.8),
            Marker::Cross => format!("M{:.1} {:.1}l6 6m0 -6l-6 6", x - 3.0, y - 3.0),
            Marker::None => String::new(),
        }
    }
}

/// A line.
pub(super) struct Line {
    pub(super) name: String,
    /// The class of its colour.
    pub(super) class: String,
    /// How it is broken; `none` if it is not.
    pub(super) dashes: &'static str,
    pub(super) marker: Marker,
    /// Points in order, nanoseconds and values; a gap where there is no value.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

impl Line {
    /// A piece of it, with its marker.
    fn swatch(&self) -> Markup {
        html! {
            svg.swatch viewBox="0 0 34 12" width="34" height="12" aria-hidden="true" {
                path class={ "line " (self.class) } d="M1 6H33" stroke-dasharray=(self.dashes) {}
                path class={ "mark " (self.class) } d=(self.marker.path(17.0, 6.0)) {}
            }
        }
    }
}

/// A plot.
pub(super) struct Chart<'a> {
    /// What it shows, for those who do not see it.
    pub(super) title: String,
    /// The end of the axis of time, nanoseconds.
    pub(super) end: f64,
    pub(super) scale: Scale,
    /// A value with its unit.
    pub(super) unit: fn(f64) -> String,
    pub(super) lines: Vec<Line>,
    pub(super) windows: &'a [Window],
    /// What is said of spans of time when pointed at: until when, and what.
    pub(super) hover: Vec<(f64, String)>,
    pub(super) height: f64,
}

/// Room for the numbers at the left, and for those of time.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Where a moment is on a plot that is so wide.
pub(super) fn x(time: f64, end: f64, width: f64) -> f64 {
    LEFT + (time / end.max(1.0)).clamp(0.0, 1.0) * (width - LEFT - RIGHT)
}

/// The axis of time at this height: its numbers, and faint lines up to the top.
pub(super) fn time_axis(end: f64, width: f64, top: f64, bottom: f64) -> Markup {
    let count = if width > 600.0 { 10 } else { 4 };
    let step = step(end / 1e9, count);
    let mut times = Vec::new();
    let mut at = 0.0;
    while at <= end / 1e9 {
        times.push(at);
        at += step;
    }
    let last = times.len() - 1;
    html! {
        @for (nth, time) in times.iter().enumerate() {
            @let x = x(time * 1e9, end, width);
            line.grid x1=(round(x)) y1=(round(top)) x2=(round(x)) y2=(round(bottom)) {}
            text.tick x=(round(x)) y=(round(bottom + 17.0)) text-anchor=(anchor(x, width)) {
                (number(*time)) @if nth == last { " s" }
            }
        }
    }
}

fn anchor(x: f64, width: f64) -> &'static str {
    match x {
        x if x > width - 28.0 => "end",
        _ => "middle",
    }
}

/// A number without digits that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A coordinate; a tenth of a pixel is enough.
pub(super) fn round(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0")
        .map_or(text.clone(), ToOwned::to_owned)
}

/// Bands behind a plot, where faults acted.
pub(super) fn shade(windows: &[Window], end: f64, width: f64, top: f64, bottom: f64) -> Markup {
    html! {
        @for window in windows.iter().filter(|it| it.acted()) {
            @let from = x(window.start.1 as f64, end, width);
            @let to = x(window.end.map_or(end, |(_, at)| at as f64), end, width);
            rect class={ "shade " (window.family) } x=(round(from)) y=(round(top))
                width=(round((to - from).max(1.0))) height=(round(bottom - top)) {}
        }
    }
}

impl Chart<'_> {
    /// The plot with its legend.
    pub(super) fn draw(&self) -> Markup {
        html! {
            ul.legend {
                @for line in &self.lines {
                    li { (line.swatch()) " " (line.name) }
                }
                @if self.windows.iter().any(Window::acted) {
                    li { span.swatch.shaded {} " a fault acts" }
                }
            }
            (both(|width| self.plot(width)))
        }
    }

    fn plot(&self, width: f64) -> Markup {
        let bottom = TOP + self.height;
        let y = |value: f64| bottom - self.scale.share(value) * self.height;
        html! {
            svg.zoom viewBox={ "0 0 " (width) " " (round(bottom + BOTTOM)) } role="img" {
                title { (self.title) }
                (shade(self.windows, self.end, width, TOP, bottom))
                (time_axis(self.end, width, TOP, bottom))
                @for value in self.scale.ticks() {
                    line.grid x1=(LEFT) y1=(round(y(value))) x2=(round(width - RIGHT)) y2=(round(y(value))) {}
                    text.tick x=(LEFT - 6.0) y=(round(y(value) + 4.0)) text-anchor="end" {
                        ((self.unit)(value))
                    }
                }
                @for line in &self.lines { (self.line(line, width, &y)) }
                @if width > 600.0 { (self.hover(width, bottom)) }
            }
        }
    }

    fn line(&self, line: &Line, width: f64, y: &dyn Fn(f64) -> f64) -> Markup {
        let mut path = String::new();
        let mut marks = String::new();
        let mut drawing = false;
        // As many markers as there is room for.
        let room = if width > 600.0 { 24 } else { 8 };
        let every = line.points.len().div_ceil(room).max(1);
        let known = |at: usize| {
            line.points
                .get(at)
                .is_some_and(|(_, value)| value.is_some())
        };
        for (nth, (time, value)) in line.points.iter().enumerate() {
            let Some(value) = value else {
                drawing = false;
                continue;
            };
            let (x, y) = (x(*time, self.end, width), y(*value));
            path += &format!("{}{x:.1} {y:.1}", if drawing { 'L' } else { 'M' });
            // A point between two gaps would not be seen.
            let alone = !drawing && !known(nth + 1);
            drawing = true;
            if nth % every == every / 2 || alone {
                marks += &line.marker.path(x, y);
            }
        }
        html! {
            path class={ "line " (line.class) } d=(path) stroke-dasharray=(line.dashes) {}
            path class={ "mark " (line.class) } d=(marks) {}
        }
    }

    fn hover(&self, width: f64, bottom: f64) -> Markup {
        html! {
            @for (at, (to, text)) in self.hover.iter().enumerate() {
                @let from = if at == 0 { 0.0 } else { self.hover[at - 1].0 };
                @let (left, right) = (x(from, self.end, width), x(*to, self.end, width));
                rect.hover x=(round(left)) y=(TOP) width=(round((right - left).max(0.5)))
                    height=(round(bottom - TOP)) { title { (text) } }
            }
        }
    }
}

/// A span of time with its unit, from seconds.
pub(super) fn span(seconds: f64) -> String {
    match seconds.abs() {
        0.0 => "0".to_owned(),
        it if it < 1e-6 => format!("{} ns", number(seconds * 1e9)),
        it if it < 1e-3 => format!("{} µs", number(seconds * 1e6)),
        it if it < 1.0 => format!("{} ms", number(seconds * 1e3)),
        _ => format!("{} s", number(seconds)),
    }
}

/// The same of a measurement, with three digits.
pub(super) fn measured(nanos: u64) -> String {
    let seconds = nanos as f64 / 1e9;
    if seconds == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - seconds.abs().log10().floor() as i32;
    let unit = 10_f64.powi(digits);
    span((seconds * unit).round() / unit)
}
