//! What a piece of evidence looks like: its operations, and the faults at the time.

use polygraph_history::{Event, History, Kind, Operation, Outcome, Phase, Time};

use crate::diagram::{Band, Moment, Span, Style, diagram};

/// The operations of a piece of evidence and the faults that overlap them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    spans: Vec<Span>,
    bands: Vec<Band>,
}

/// A picture of more operations than this says less than a sentence.
const MOST_OPERATIONS: usize = 12;
/// More faults than this would hide the operations.
const MOST_FAULTS: usize = 4;

impl Picture {
    /// The picture of operations, by the indices of their invocations; `None` if there are too
    /// many of them.
    #[must_use]
    pub fn of(history: &History, invocations: &[u64]) -> Option<Picture> {
        if invocations.is_empty() || invocations.len() > MOST_OPERATIONS {
            return None;
        }
        let find = |index: &u64| {
            let operations = history.operations();
            let at = operations.binary_search_by_key(index, |it| it.invoke as u64);
            at.ok().map(|at| &operations[at])
        };
        let operations: Vec<&Operation> = invocations.iter().filter_map(find).collect();
        let spans: Vec<Span> = operations.iter().map(|it| span(history, it)).collect();
        let start = spans.iter().map(|span| span.start.time).min()?;
        let end = spans
            .iter()
            .map(|span| span.end.map_or(u64::MAX, |end| end.time));
        let latest = spans.iter().map(|span| span.end.unwrap_or(span.start).time);
        let end = end.filter(|&end| end < u64::MAX).chain(latest).max()?;
        let mut bands = bands(history);
        bands.retain(|band| {
            band.start.time <= end && band.end.is_none_or(|healed| start <= healed.time)
        });
        bands.truncate(MOST_FAULTS);
        Some(Picture { spans, bands })
    }

    /// Draws it.
    #[must_use]
    pub fn draw(&self, style: Style) -> String {
        diagram(&self.spans, &self.bands, style)
    }
}

fn span(history: &History, operation: &Operation) -> Span {
    let at = |rank, time: Time| Moment {
        rank,
        time: time.as_nanos(),
    };
    let end = history.completed_at(operation);
    let end = end.filter(|_| operation.outcome != Outcome::Info);
    let failed = if operation.outcome == Outcome::Fail {
        " (failed)"
    } else {
        ""
    };
    Span {
        lane: format!("client {}", operation.process),
        text: format!("{}{failed}", history.op(operation)),
        start: at(operation.start, history.invoked_at(operation)),
        end: end.map(|time| at(operation.end, time)),
    }
}

/// The faults of a history, each from its beginning to its end.
fn bands(history: &History) -> Vec<Band> {
    let mut bands: Vec<(u64, Band)> = Vec::new();
    for (event, fault) in history.faults() {
        let moment = moment(event);
        match fault.phase {
            Phase::Start if event.kind == Kind::Ok && fault.effect.is_some() => {
                let band = Band {
                    text: fault.kind.name().to_owned(),
                    start: moment,
                    end: None,
                };
                bands.push((fault.id, band));
            }
            Phase::End if event.kind == Kind::Ok => {
                let open = bands
                    .iter_mut()
                    .find(|(id, band)| *id == fault.id && band.end.is_none());
                if let Some((_, band)) = open {
                    band.end = Some(moment);
                }
            }
            _ => {}
        }
    }
    bands.into_iter().map(|(_, band)| band).collect()
}

/// The faults that overlap some operations, in words.
pub(crate) fn faults_during(history: &History, operations: &[&Operation]) -> Vec<String> {
    let start = operations.iter().map(|it| it.start).min().unwrap_or(0);
    let end = operations.iter().map(|it| it.end).max().unwrap_or(0);
    let mut bands = bands(history);
    bands.retain(|band| {
        band.start.rank <= end && band.end.is_none_or(|healed| start <= healed.rank)
    });
    let left_out = bands.len().saturating_sub(MOST_FAULTS);
    let mut texts: Vec<String> = bands
        .iter()
        .take(MOST_FAULTS)
        .map(|band| {
            let from = Time(band.start.time);
            match band.end {
                Some(end) => {
                    let from = from.to_string();
                    let from = from.trim_end_matches(" s");
                    format!("{}, {from}–{}", band.text, Time(end.time))
                }
                None => format!("{}, from {from} on", band.text),
            }
        })
        .collect();
    if left_out > 0 {
        texts.push(format!("{left_out} more faults"));
    }
    texts
}

/// Faults are recorded in histories of ours only, whose events are in order.
fn moment(event: &Event) -> Moment {
    Moment {
        rank: event.index,
        time: event.time.as_nanos(),
    }
}
