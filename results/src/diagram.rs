//! The space-time diagram: one lane a client, time from left to right, faults on the same axis.
//!
//! What matters is which operation came before which, so every moment gets a column of its own;
//! within that, distances are those of time, except that spans without any event that are long
//! beside all others are cut out, with a mark.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

mod axis;

pub(crate) use axis::{Axis, Edge};

/// A moment of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its rank: of two moments that with the smaller one came first.
    pub rank: u64,
    /// Nanoseconds since the start of the history.
    pub time: u64,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Whose it is.
    pub lane: String,
    /// What it did.
    pub text: String,
    /// When it was invoked.
    pub start: Moment,
    /// When it completed; absent if it may still take effect.
    pub end: Option<Moment>,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// What went wrong.
    pub text: String,
    /// From when on.
    pub start: Moment,
    /// Until when; absent if it did not end.
    pub end: Option<Moment>,
}

/// How a diagram is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// How many columns it may have.
    pub width: usize,
    /// Whether it may have ASCII characters only.
    pub ascii: bool,
}

/// More operations than this are not drawn: each has a letter.
const MOST: usize = 26;
/// Nothing can be read in fewer columns.
const NARROWEST: usize = 40;
/// The most columns that names of clients and faults may have.
const LABEL: usize = 16;

/// Draws operations and faults. Every line ends with a newline; none is wider than the style
/// allows. Empty where there is nothing to draw, or no room for it.
#[must_use]
pub fn diagram(spans: &[Span], bands: &[Band], style: Style) -> String {
    let spans = &spans[..spans.len().min(MOST)];
    if spans.is_empty() || style.width < NARROWEST {
        return String::new();
    }
    let pen = Pen::of(style.ascii);
    let labels = spans.iter().map(|span| &span.lane);
    let labels = labels.chain(bands.iter().map(|band| &band.text));
    let widest = labels.map(|label| cells(&pen.plain(label)).len()).max();
    let margin = widest.unwrap_or(0).min(LABEL) + 2;
    let axis = Axis::new(spans, style.width - margin);
    let mut drawing = Drawing {
        pen,
        margin,
        width: style.width,
        axis,
        text: String::new(),
    };
    let mut legend = Vec::new();
    for (lane, rows) in lanes(spans) {
        for (at, row) in rows.iter().enumerate() {
            let name = if at == 0 { lane } else { "" };
            drawing.lane(name, spans, row, &mut legend);
        }
    }
    for band in bands {
        drawing.band(band);
    }
    drawing.axis();
    for (nth, at) in legend.into_iter().enumerate() {
        drawing.explain(letter(nth), &spans[at].text);
    }
    drawing.text
}

/// The operations of each client, in rows in which none covers another.
pub(crate) fn lanes(spans: &[Span]) -> Vec<(&str, Vec<Vec<usize>>)> {
    let mut lanes: Vec<(&str, Vec<Vec<usize>>)> = Vec::new();
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&at| spans[at].start.rank);
    for at in order {
        let span = &spans[at];
        let known = lanes.iter().position(|(lane, _)| *lane == span.lane);
        let rows = match known {
            Some(lane) => &mut lanes[lane].1,
            None => {
                lanes.push((&span.lane, Vec::new()));
                &mut lanes.last_mut().expect("one was pushed").1
            }
        };
        let over = |row: &Vec<usize>| {
            row.iter().all(|&other| {
                let end = spans[other].end;
                end.is_some_and(|end| end.rank < span.start.rank)
            })
        };
        match rows.iter_mut().find(|row| over(row)) {
            Some(row) => row.push(at),
            None => rows.push(vec![at]),
        }
    }
    lanes
}

/// What stands for the n-th text that does not fit.
fn letter(nth: usize) -> char {
    char::from(b'a' + u8::try_from(nth % MOST).unwrap_or_default())
}

/// The characters that lines are made of.
struct Pen {
    ascii: bool,
    begin: char,
    end: char,
    bar: char,
    open: char,
    arrow: char,
    band: char,
    line: char,
    tick: char,
    cut: char,
    ellipsis: &'static str,
}

impl Pen {
    const fn of(ascii: bool) -> Pen {
        if ascii {
            Pen {
                ascii,
                begin: '|',
                end: '|',
                bar: '-',
                open: '~',
                arrow: '?',
                band: '#',
                line: '-',
                tick: '+',
                cut: '/',
                ellipsis: "..",
            }
        } else {
            Pen {
                ascii,
                begin: '├',
                end: '┤',
                bar: '─',
                open: '╌',
                arrow: '?',
                band: '▒',
                line: '─',
                tick: '┴',
                cut: '╱',
                ellipsis: "…",
            }
        }
    }

    /// A text of which every character can be drawn.
    fn plain(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                _ if c.is_control() => plain.push(' '),
                _ if c.is_ascii() || !self.ascii => plain.push(c),
                '→' => plain.push_str("->"),
                '…' => plain.push_str(".."),
                '·' => plain.push('.'),
                _ => plain.push('?'),
            }
        }
        plain
    }
}

/// The columns of a text: a character each, and nothing after a character that is two wide.
/// Characters without a width are left out.
fn cells(text: &str) -> Vec<Option<char>> {
    let mut cells = Vec::with_capacity(text.len());
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > 0 {
            cells.push(Some(c));
            cells.extend((1..width).map(|_| None));
        }
    }
    cells
}

/// A text with ASCII characters only, of the same length: a table stays one.
#[must_use]
pub fn to_ascii(text: &str) -> String {
    let ascii = |c| match c {
        _ if char::is_ascii(&c) => c,
        '─' | '╌' | '—' | '–' => '-',
        '│' => '|',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '→' => '>',
        '·' => '*',
        '…' => '.',
        '▒' => '#',
        '╱' => '/',
        _ => '?',
    };
    text.chars().map(ascii).collect()
}

/// As much of the columns as there is room for.
fn cut(mut text: Vec<Option<char>>, room: usize, ellipsis: &str) -> Vec<Option<char>> {
    if text.len() <= room {
        return text;
    }
    let ellipsis = cells(ellipsis);
    let mut keep = room.saturating_sub(ellipsis.len());
    // A character that is two wide is not cut in half.
    if text.get(keep).is_some_and(Option::is_none) {
        keep = keep.saturating_sub(1);
    }
    text.truncate(keep);
    text.extend(ellipsis);
    text.truncate(room);
    text
}

struct Drawing {
    pen: Pen,
    /// Columns before those of time.
    margin: usize,
    width: usize,
    axis: Axis,
    text: String,
}

impl Drawing {
    fn line(&mut self, label: &str, plot: &[Option<char>]) {
        let label = cut(
            cells(&self.pen.plain(label)),
            self.margin - 2,
            self.pen.ellipsis,
        );
        let pad = self.margin - label.len();
        let blanks = std::iter::repeat_n(Some(' '), pad);
        let all: Vec<_> = label
            .into_iter()
            .chain(blanks)
            .chain(plot.iter().copied())
            .collect();
        self.push(&all);
    }

    fn push(&mut self, all: &[Option<char>]) {
        let line: String = all.iter().take(self.width).flatten().collect();
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&self) -> Vec<Option<char>> {
        vec![Some(' '); self.axis.width()]
    }

    /// Operations of a client; those whose text does not fit go to the legend.
    fn lane(&mut self, name: &str, spans: &[Span], row: &[usize], legend: &mut Vec<usize>) {
        let mut plot = self.blank();
        let last = plot.len() - 1;
        for &at in row {
            let span = &spans[at];
            let start = self.axis.column(Edge::start(span.start));
            let end = span
                .end
                .map_or(last, |end| self.axis.column(Edge::end(end)));
            let end = end.max(start);
            let fill = match span.end {
                Some(_) => self.pen.bar,
                None => self.pen.open,
            };
            plot[start..=end].fill(Some(fill));
            self.cut_out(&mut plot, start, end);
            plot[end] = Some(if span.end.is_some() {
                self.pen.end
            } else {
                self.pen.arrow
            });
            plot[start] = Some(self.pen.begin);
            let text = cells(&self.pen.plain(&span.text));
            let room = end.saturating_sub(start + 1);
            let text = if text.len() <= room {
                text
            } else {
                legend.push(at);
                vec![Some(letter(legend.len() - 1))]
            };
            if text.len() <= room {
                // In the middle.
                let from = start + 1 + (room - text.len()) / 2;
                plot[from..from + text.len()].copy_from_slice(&text);
            } else if let Some(cell) = plot.get_mut(start) {
                *cell = text[0];
            }
        }
        self.line(name, &plot);
    }

    fn cut_out(&self, plot: &mut [Option<char>], start: usize, end: usize) {
        for &column in self.axis.cuts() {
            for at in [column, column + 1] {
                if (start..=end).contains(&at) {
                    plot[at] = Some(self.pen.cut);
                }
            }
        }
    }

    /// A fault, as far as it overlaps the operations.
    fn band(&mut self, band: &Band) {
        let mut plot = self.blank();
        let last = plot.len() - 1;
        let start = self.axis.column(Edge::start(band.start));
        let end = band
            .end
            .map_or(last, |end| self.axis.column(Edge::end(end)));
        plot[start..=end.max(start)].fill(Some(self.pen.band));
        self.cut_out(&mut plot, start, end);
        self.line(&band.text, &plot);
    }

    /// Where which moment is.
    fn axis(&mut self) {
        let mut line = vec![Some(self.pen.line); self.axis.width()];
        let mut times = self.blank();
        let end = line.len() - 1;
        self.cut_out(&mut line, 0, end);
        // Free columns begin here.
        let mut free = 0;
        let mut last = String::new();
        for (column, label) in self.axis.labels() {
            if label == last {
                continue;
            }
            let text = cells(&label);
            let from = column.min(times.len().saturating_sub(text.len()));
            if from < free || from + text.len() > times.len() {
                continue;
            }
            line[column] = Some(self.pen.tick);
            times[from..from + text.len()].copy_from_slice(&text);
            free = from + text.len() + 2;
            last = label;
        }
        self.line("", &line);
        self.line("", &times);
    }

    fn explain(&mut self, letter: char, text: &str) {
        let mut line = String::new();
        let _ = write!(line, "{letter}: {}", self.pen.plain(text));
        let line = cut(cells(&line), self.width, self.pen.ellipsis);
        self.push(&line);
    }
}

#[cfg(test)]
mod tests;
