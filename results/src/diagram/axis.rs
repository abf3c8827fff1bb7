//! Which moment is in which column.

use super::{Moment, Span};

/// The beginning or the end of something. Of equal ranks, beginnings come first: intervals are
/// closed, so that what touches overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    rank: u64,
    is_end: bool,
    time: u64,
}

impl Edge {
    pub(crate) const fn start(Moment { rank, time }: Moment) -> Edge {
        Edge {
            rank,
            is_end: false,
            time,
        }
    }

    pub(crate) const fn end(Moment { rank, time }: Moment) -> Edge {
        Edge {
            rank,
            is_end: true,
            time,
        }
    }
}

/// The columns of time.
pub(crate) struct Axis {
    /// In order.
    edges: Vec<Edge>,
    /// The column of each.
    columns: Vec<usize>,
    /// The first of the two columns of each mark of a span that is cut out.
    cuts: Vec<usize>,
    width: usize,
}

/// Columns from one moment to the next, at least.
const STEP: usize = 2;
/// The same where a span is cut out.
const CUT: usize = 5;
/// A span is cut out if it is longer than so many times all shorter ones together.
const LONG: u64 = 3;

impl Axis {
    /// For operations, on so many columns.
    pub(crate) fn new(spans: &[Span], width: usize) -> Axis {
        let starts = spans.iter().map(|span| Edge::start(span.start));
        let ends = spans.iter().filter_map(|span| span.end.map(Edge::end));
        let mut edges: Vec<Edge> = starts.chain(ends).collect();
        edges.sort_unstable();
        edges.dedup();
        let gaps: Vec<u64> = edges
            .windows(2)
            .map(|pair| pair[1].time.saturating_sub(pair[0].time))
            .collect();
        let longest = longest(&gaps);
        // What is open at the end has the last columns.
        let room = (width - 1).saturating_sub(STEP);
        let least: usize = gaps
            .iter()
            .map(|&gap| if gap > longest { CUT } else { STEP })
            .sum();
        let shown = gaps.iter().filter(|&&gap| gap <= longest);
        let whole: u128 = shown.map(|&gap| u128::from(gap)).sum();
        let spare = room.saturating_sub(least);
        let mut columns = vec![0];
        let mut cuts = Vec::new();
        let (mut column, mut passed) = (0, 0_u128);
        for &gap in &gaps {
            if gap > longest {
                cuts.push(column + 2);
                column += CUT;
            } else {
                // By what has passed in all, so that nothing is lost by rounding.
                let before = share(spare, passed, whole);
                passed += u128::from(gap);
                column += STEP + share(spare, passed, whole) - before;
            }
            columns.push(column);
        }
        if column > room {
            // Too many moments for so few columns: they share them, in order.
            let last = gaps.len().max(1);
            columns = (0..=gaps.len()).map(|at| at * room / last).collect();
            cuts.clear();
        }
        columns.truncate(edges.len());
        Axis {
            edges,
            columns,
            cuts,
            width,
        }
    }

    /// How many columns there are.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// The first of the two columns of each mark of a span that is cut out.
    pub(crate) fn cuts(&self) -> &[usize] {
        &self.cuts
    }

    /// The column of a moment. What lies between two known ones is between them, by its time;
    /// what lies outside is at the edge.
    pub(crate) fn column(&self, edge: Edge) -> usize {
        let of = |edge: &Edge| (edge.rank, edge.is_end);
        let at = self.edges.partition_point(|known| of(known) < of(&edge));
        let Some((next, &right)) = self.edges.get(at).zip(self.columns.get(at)) else {
            return self.width - 1;
        };
        if at == 0 || of(next) == of(&edge) {
            return right;
        }
        let (before, left) = (self.edges[at - 1], self.columns[at - 1]);
        if let Some(cut) = self.cuts.iter().find(|&&cut| left < cut && cut < right) {
            return cut + usize::from(edge.is_end);
        }
        let whole = next.time.saturating_sub(before.time);
        let passed = edge.time.saturating_sub(before.time).min(whole);
        left + share(right.saturating_sub(left), passed.into(), whole.into())
    }

    /// Which time is in which column, from left to right.
    pub(crate) fn labels(&self) -> Vec<(usize, String)> {
        let times: Vec<u64> = self.edges.iter().map(|edge| edge.time).collect();
        let mut steps = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        // Moments that differ should not look alike.
        let close = steps.any(|step| (1..1_000_000).contains(&step));
        let columns = self.columns.iter().zip(times);
        columns
            .map(|(&column, time)| (column, seconds(time, close)))
            .collect()
    }
}

/// The part of some columns that belongs to a part of a time.
fn share(columns: usize, part: u128, whole: u128) -> usize {
    if whole == 0 {
        return 0;
    }
    usize::try_from(columns as u128 * part / whole).unwrap_or_default()
}

/// The longest gap that is drawn; longer ones are cut out. At least half of the gaps are drawn.
fn longest(gaps: &[u64]) -> u64 {
    let mut sorted = gaps.to_vec();
    sorted.sort_unstable();
    let mut sum = 0_u64;
    let mut longest = u64::MAX;
    for (at, &gap) in sorted.iter().enumerate() {
        let far = gap > sum.saturating_mul(LONG);
        if at > 0 && 2 * at >= sorted.len() && far && sum > 0 {
            longest = sorted[at - 1];
        }
        sum = sum.saturating_add(gap);
    }
    longest
}

/// Seconds since the start, with milliseconds or with microseconds.
fn seconds(time: u64, close: bool) -> String {
    if close {
        let micros = time / 1000 + u64::from(time % 1000 >= 500);
        return format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000);
    }
    let millis = time / 1_000_000 + u64::from(time % 1_000_000 >= 500_000);
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}
