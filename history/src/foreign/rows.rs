//! The rows of a history so far: in columns as long as they follow each other as a history's
//! should, else as events that can still be put in order.

use super::assemble::same_name;
use super::quick::Lists;
use crate::history::{Builder, Head, Rare};
use crate::{Body, Event, History, Kind, Op, Order, Process, Time};

/// Processes below this number have it from the file, and have no other.
const PLAIN: u64 = 1 << 32;

/// A row whose operation is known.
pub(super) struct Entry {
    pub(super) process: u64,
    pub(super) kind: Kind,
    pub(super) time: Option<u64>,
    /// Its index in the file.
    pub(super) index: Option<i64>,
    /// Its line and column.
    pub(super) place: (usize, usize),
    pub(super) op: Op,
    /// It completes its operation without a value that could be trusted.
    pub(super) bare: bool,
    pub(super) rare: Option<Box<Rare>>,
}

/// What is known of an event besides itself.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
    /// Its index in the file.
    pub(super) index: Option<i64>,
    pub(super) timed: bool,
    /// It completes its operation without a value that could be trusted.
    pub(super) bare: bool,
    /// It is not part of the history.
    pub(super) dropped: bool,
}

/// The rows so far.
pub(super) struct Rows {
    /// All of them, while nothing has to be put in order.
    orderly: Option<Orderly>,
    /// Else all of them.
    pub(super) events: Vec<Event>,
    pub(super) places: Vec<Place>,
    pub(super) untimed: usize,
    pub(super) lists: Lists,
}

impl Rows {
    /// No row; in columns from the beginning, or not at all.
    pub(super) fn new(short: bool) -> Rows {
        Rows {
            orderly: short.then(Orderly::new),
            events: Vec::new(),
            places: Vec::new(),
            untimed: 0,
            lists: Lists::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        let orderly = self.orderly.as_ref();
        orderly.map_or(self.events.len(), |orderly| orderly.builder.len())
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.untimed += usize::from(entry.time.is_none());
        let entry = match &mut self.orderly {
            Some(orderly) => match orderly.push(entry) {
                None => return,
                Some(entry) => entry,
            },
            None => entry,
        };
        self.events_mut();
        self.places.push(Place {
            line: small(entry.place.0),
            column: small(entry.place.1),
            index: entry.index,
            timed: entry.time.is_some(),
            bare: entry.bare,
            dropped: false,
        });
        let time = Time(entry.time.unwrap_or(0));
        let process = Process::Client(entry.process);
        let mut event = Event::new(0, time, process, entry.kind, Body::Op(entry.op));
        if let Some(rare) = entry.rare {
            let rare = *rare;
            (event.node, event.error, event.detail) = (rare.node, rare.error, rare.detail);
        }
        self.events.push(event);
    }

    /// All rows as events, from now on.
    pub(super) fn events_mut(&mut self) -> &mut [Event] {
        if let Some(orderly) = self.orderly.take() {
            (self.events, self.places) = orderly.spread();
        }
        &mut self.events
    }

    /// The history of all rows, if they are in order.
    pub(super) fn history(&mut self) -> Option<History> {
        let orderly = self.orderly.take()?;
        let order = match self.untimed == 0 && orderly.times.0 != orderly.times.1 {
            true => Order::Time,
            false => Order::Index,
        };
        Some(orderly.builder.finish(None, order))
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Rows of numbered processes in the order of their indices, each completion behind the
/// invocation of its process that it repeats.
struct Orderly {
    builder: Builder,
    /// The earliest and the latest.
    times: (u64, u64),
    /// The index of the last row; none if there was a row without.
    index: Option<i64>,
    runs: Vec<Run>,
    bare: Vec<u32>,
    /// What stood in the file where a completion was given its invocation's operation.
    replaced: Vec<(u32, Op)>,
}

/// Rows whose lines and indices count up one by one.
struct Run {
    /// The first event.
    event: u32,
    line: u32,
    column: u32,
    index: Option<i64>,
    timed: bool,
}

impl Run {
    fn place(&self, event: u32) -> (u32, u32, Option<i64>, bool) {
        let further = event - self.event;
        let index = self
            .index
            .map(|index| index.saturating_add(i64::from(further)));
        let line = self.line.saturating_add(further);
        (line, self.column, index, self.timed)
    }
}

impl Orderly {
    fn new() -> Orderly {
        Orderly {
            builder: Builder::new(false),
            times: (u64::MAX, 0),
            index: Some(0),
            runs: Vec::new(),
            bare: Vec::new(),
            replaced: Vec::new(),
        }
    }

    /// Adds a row, or gives it back if it does not follow.
    fn push(&mut self, mut entry: Entry) -> Option<Entry> {
        let in_order = match (self.index, entry.index) {
            (Some(last), Some(index)) => last <= index,
            _ => true,
        };
        if !in_order || entry.process >= PLAIN {
            return Some(entry);
        }
        let at = self.builder.len() as u32;
        match (entry.kind, self.builder.repeats(entry.process, &entry.op)) {
            (Kind::Invoke, None) => {}
            (Kind::Invoke, Some(_)) | (_, None) => return Some(entry),
            (_, Some(true)) => {}
            (_, Some(false)) => {
                let trusted = entry.kind == Kind::Ok && !entry.bare;
                let Some(invoked) = self.builder.open_op(entry.process) else {
                    return Some(entry);
                };
                if trusted || !same_name(&invoked, &entry.op) {
                    return Some(entry);
                }
                let stated = std::mem::replace(&mut entry.op, invoked.without_results());
                self.replaced.push((at, stated));
            }
        }
        self.index = self.index.and(entry.index);
        let time = entry.time.unwrap_or(0);
        self.times = (self.times.0.min(time), self.times.1.max(time));
        if entry.bare {
            self.bare.push(at);
        }
        let (line, column) = (small(entry.place.0), small(entry.place.1));
        let place = (line, column, entry.index, entry.time.is_some());
        if self.runs.last().is_none_or(|run| run.place(at) != place) {
            self.runs.push(Run {
                event: at,
                line,
                column,
                index: entry.index,
                timed: entry.time.is_some(),
            });
        }
        let head = Head {
            time: Time(time),
            process: entry.process,
            kind: entry.kind,
        };
        let added = match entry.rare {
            Some(rare) => self.builder.client_with(head, entry.op, *rare),
            None => self.builder.client(head, entry.op),
        };
        debug_assert!(added.is_ok());
        None
    }

    /// The same rows as events, as they stood in the file.
    fn spread(self) -> (Vec<Event>, Vec<Place>) {
        let count = self.builder.len() as u32;
        let mut places = Vec::with_capacity(count as usize);
        let mut runs = self.runs.iter().peekable();
        let mut run = None;
        for at in 0..count {
            run = runs.next_if(|run| run.event == at).or(run);
            let Some((line, column, index, timed)) = run.map(|run| run.place(at)) else {
                continue;
            };
            places.push(Place {
                line,
                column,
                index,
                timed,
                bare: false,
                dropped: false,
            });
        }
        for at in self.bare {
            places[at as usize].bare = true;
        }
        let mut events = self.builder.finish(None, Order::Index).events().to_vec();
        for (at, op) in self.replaced {
            events[at as usize].body = Body::Op(op);
        }
        (events, places)
    }
}
