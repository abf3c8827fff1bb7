//! Rows to a history: order, pairing, and what is missing.
//!
//! - **Order of events**: that of the file, but by the file's own index where every row has one,
//!   all different, and the rows do not stand in their order. Our indices count from zero anyhow.
//! - **Real time**: by time where every row has one and not all are equal, else by position.
//! - **The nemesis** of another tool is left out; its faults say nothing that could be checked.
//! - **A completion without invocation** counts as an operation that may have begun at any time
//!   before, unless its process had invoked something earlier: then a row is missing or doubled.
//! - **A process that invokes while its operation is open** (Jepsen would not, test suites do): a
//!   completion belongs to the one open operation that it repeats, and the later operation gets
//!   a process of its own, which leaves it out of the session. **Rows without process** are
//!   treated as one such process.
//! - If a completion repeats several open operations of its process, nobody can tell which it
//!   ends. Equal operations differ only in when they began: the completion then counts as one
//!   without invocation, and the latest of the invocations is left out. This forbids no execution
//!   that was possible.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::ops::{Ops, Read};
use super::quick;
use super::row::{Row, Who, error_of};
use super::rows::{Entry, Rows};
use super::tape::Problem;
use crate::history::Rare;
use crate::{Body, Event, History, Kind, Op, Order, Process, ReadError};

/// Rows without process share this number until they get their own.
const NOBODY: u64 = u64::MAX;

/// How often something was missing; each becomes a warning.
#[derive(Default)]
struct Gaps {
    nemesis: usize,
    processless: usize,
    overlapping: usize,
    uninvoked: usize,
    ambiguous: usize,
    reordered: bool,
}

/// The rows so far.
pub(crate) struct Assembly {
    pub(crate) ops: Ops,
    short: bool,
    rows: Rows,
    names: BTreeMap<String, u64>,
    gaps: Gaps,
    /// What the format's reader noticed itself.
    pub(crate) warnings: Vec<String>,
    pub(crate) truncated: bool,
}

impl Assembly {
    /// No row; those that can be are read on the short way, or all like the others.
    pub(crate) fn new(ops: Ops, short: bool) -> Assembly {
        Assembly {
            ops,
            short,
            rows: Rows::new(short),
            names: BTreeMap::new(),
            gaps: Gaps::default(),
            warnings: Vec::new(),
            truncated: false,
        }
    }

    /// Adds the row of EDN that begins at `start`, if it is one of those that are read byte by
    /// byte: where it ends.
    pub(super) fn quick(
        &mut self,
        text: &[u8],
        start: usize,
        place: (usize, usize),
    ) -> Option<usize> {
        match self.short {
            true => quick::row(text, start, place, &mut self.ops, &mut self.rows),
            false => None,
        }
    }

    /// Adds a row; `read` makes its operation.
    pub(super) fn add(
        &mut self,
        row: &Row<'_>,
        place: (usize, usize),
        read: impl FnOnce(&mut Ops, &Row<'_>, &mut Rows) -> Result<Read, Problem>,
    ) -> Result<(), Problem> {
        let process = match &row.who {
            Who::Nemesis => {
                self.gaps.nemesis += 1;
                return Ok(());
            }
            Who::Number(number) => *number,
            Who::Nobody => {
                self.gaps.processless += 1;
                NOBODY
            }
            Who::Named(name) => {
                let next = NOBODY - 1 - self.names.len() as u64;
                *self.names.entry(name.clone()).or_insert(next)
            }
        };
        let Read { op, bare } = read(&mut self.ops, row, &mut self.rows)?;
        let mut rare = Rare {
            node: row.node,
            ..Rare::default()
        };
        if matches!(row.kind, Kind::Fail | Kind::Info) {
            let lost = row.value.filter(|form| bare && !form.is_nil());
            (rare.error, rare.detail) = row.error.or(lost).map_or((None, None), error_of);
        }
        self.rows.push(Entry {
            process,
            kind: row.kind,
            time: row.time,
            index: row.index,
            place,
            op,
            bare,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
        });
        Ok(())
    }

    /// The history of all rows.
    ///
    /// # Errors
    /// If there is none, or they contradict each other.
    pub(crate) fn finish(mut self) -> Result<History, ReadError> {
        self.rows.lists.chains.close();
        let count = self.rows.len();
        if count == 0 {
            let problem = match self.gaps.nemesis {
                0 => "the history has no event",
                _ => "the history has no event but the nemesis's",
            };
            return Err(ReadError::at((1, 1), problem, "an operation of a client"));
        }
        if let Some(history) = self.rows.history() {
            let warnings = self.warnings(count);
            return Ok(concluded(history, warnings, self.truncated));
        }
        self.sort_by_index();
        let order = self.order();
        self.pair()?;
        self.number_processes();
        let mut kept = self.rows.places.iter().map(|place| !place.dropped);
        self.rows.events.retain(|_| kept.next().unwrap_or(true));
        self.rows.places.retain(|place| !place.dropped);
        for (at, event) in self.rows.events.iter_mut().enumerate() {
            event.index = at as u64;
        }
        let warnings = self.warnings(self.rows.events.len());
        let history = History::new(None, order, self.rows.events).map_err(|invalid| {
            let place = self.rows.places.get(invalid.index);
            let place = place.map_or((1, 1), |place| (place.line as usize, place.column as usize));
            ReadError::at(place, invalid.problem, invalid.expected)
        })?;
        Ok(concluded(history, warnings, self.truncated))
    }

    /// Puts rows into the order of their own indices.
    fn sort_by_index(&mut self) {
        let indices: Option<Vec<i64>> = self.rows.places.iter().map(|place| place.index).collect();
        let Some(indices) = indices else { return };
        if indices.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..indices.len()).collect();
        order.sort_by_key(|&at| indices[at]);
        if order
            .windows(2)
            .any(|pair| indices[pair[0]] == indices[pair[1]])
        {
            self.warnings
                .push("indices repeat; events are taken in the order of the file".to_owned());
            return;
        }
        let mut events: Vec<Option<Event>> = self.rows.events.drain(..).map(Some).collect();
        self.rows.events = order.iter().filter_map(|&at| events[at].take()).collect();
        self.rows.places = order.iter().map(|&at| self.rows.places[at]).collect();
        self.gaps.reordered = true;
    }

    fn order(&self) -> Order {
        let times = || self.rows.events.iter().map(|event| event.time);
        let informative = times().min() != times().max();
        match self.rows.places.iter().all(|place| place.timed) && informative {
            true => Order::Time,
            false => Order::Index,
        }
    }

    /// Gives each completion its invocation's process, and its operation where its own value
    /// cannot be trusted.
    fn pair(&mut self) -> Result<(), ReadError> {
        let mut open: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        let mut invoked: FxHashSet<u64> = FxHashSet::default();
        let mut fresh = self.first_free_process();
        let mut own = |events: &mut [Event], at: usize| {
            events[at].process = Process::Client(fresh);
            fresh += 1;
        };
        for at in 0..self.rows.events.len() {
            let Process::Client(process) = self.rows.events[at].process else {
                continue;
            };
            let open = open.entry(process).or_default();
            if self.rows.events[at].kind == Kind::Invoke {
                invoked.insert(process);
                let overlaps = !open.is_empty();
                open.push(at);
                if process == NOBODY {
                    own(&mut self.rows.events, at);
                } else if overlaps {
                    self.gaps.overlapping += 1;
                    own(&mut self.rows.events, at);
                }
                continue;
            }
            match self.invocation(open, at) {
                Found::One(position) => {
                    let invocation = open.remove(position);
                    self.rows.events[at].process = self.rows.events[invocation].process;
                    self.complete(invocation, at);
                }
                Found::Several(latest) => {
                    self.gaps.ambiguous += 1;
                    // An operation that is left open is indeterminate already. Without a value
                    // the operations need not even be equal.
                    let vague =
                        self.rows.events[at].kind == Kind::Info || self.rows.places[at].bare;
                    let dropped = if vague { at } else { open.remove(latest) };
                    self.rows.places[dropped].dropped = true;
                    own(&mut self.rows.events, at);
                }
                Found::None if open.is_empty() && !invoked.contains(&process) => {
                    self.gaps.uninvoked += 1;
                    if process == NOBODY {
                        own(&mut self.rows.events, at);
                    }
                }
                Found::None => return Err(self.unmatched(at, process, open)),
            }
        }
        Ok(())
    }

    /// The open operation that an event completes, by its position among them.
    fn invocation(&self, open: &[usize], at: usize) -> Found {
        // A process with one open operation can complete no other; whether it does is checked
        // with the history.
        if let ([_], false) = (
            open,
            self.rows.events[at].process == Process::Client(NOBODY),
        ) {
            return Found::One(0);
        }
        let mut fitting = (0..open.len()).filter(|&position| self.fits(open[position], at));
        match (fitting.next(), fitting.next_back()) {
            (None, _) => Found::None,
            (Some(only), None) => Found::One(only),
            (Some(_), Some(latest)) => Found::Several(latest),
        }
    }

    fn fits(&self, invocation: usize, completion: usize) -> bool {
        match (
            self.rows.events[invocation].op(),
            self.rows.events[completion].op(),
        ) {
            (Some(invoked), Some(completed)) => {
                invoked.repeated_by(completed)
                    || self.rows.places[completion].bare && same_name(invoked, completed)
            }
            _ => false,
        }
    }

    /// A completion whose value cannot be trusted repeats its invocation.
    fn complete(&mut self, invocation: usize, completion: usize) {
        let trusted =
            self.rows.events[completion].kind == Kind::Ok && !self.rows.places[completion].bare;
        if trusted {
            return;
        }
        let (Some(invoked), Some(completed)) = (
            self.rows.events[invocation].op(),
            self.rows.events[completion].op(),
        ) else {
            return;
        };
        if same_name(invoked, completed) && !invoked.repeated_by(completed) {
            let unread = invoked.without_results();
            self.rows.events[completion].body = Body::Op(unread);
        }
    }

    fn unmatched(&self, at: usize, process: u64, open: &[usize]) -> ReadError {
        let place = &self.rows.places[at];
        let place = (place.line as usize, place.column as usize);
        let who = match process {
            NOBODY => "a row without process".to_owned(),
            process => match self.names.iter().find(|(_, number)| **number == process) {
                Some((name, _)) => format!("process {name}"),
                None => format!("process {process}"),
            },
        };
        match open {
            [] => ReadError::at(
                place,
                format!("{who} completes an operation that it did not invoke"),
                "an invocation before it",
            ),
            _ => ReadError::at(
                place,
                format!(
                    "{who} completes none of its open operations ({})",
                    open.len()
                ),
                "one of them with its results",
            ),
        }
    }

    fn first_free_process(&self) -> u64 {
        let limit = NOBODY - 1 - self.names.len() as u64;
        let numbers = self
            .rows
            .events
            .iter()
            .filter_map(|event| match event.process {
                Process::Client(number) if number <= limit => Some(number + 1),
                _ => None,
            });
        numbers.max().unwrap_or(0)
    }

    /// Processes that have a name get a number that is free.
    fn number_processes(&mut self) {
        if self.names.is_empty() {
            return;
        }
        let first = self.first_free_process();
        let limit = NOBODY - 1 - self.names.len() as u64;
        for event in &mut self.rows.events {
            if let Process::Client(number) = &mut event.process
                && *number > limit
            {
                *number = first + (NOBODY - 1 - *number);
            }
        }
    }

    fn warnings(&mut self, count: usize) -> Vec<String> {
        let gaps = &self.gaps;
        let mut warnings = std::mem::take(&mut self.warnings);
        let mut warn = |what: &str, count: usize, meaning: &str| {
            if count > 0 {
                warnings.push(format!("{what}: {count}; {meaning}"));
            }
        };
        warn("events of the nemesis", gaps.nemesis, "they were left out");
        warn(
            "events without process",
            gaps.processless,
            "their operations belong to no session",
        );
        warn(
            "operations begun while another of their process was open",
            gaps.overlapping,
            "they belong to no session",
        );
        warn(
            "completions without invocation",
            gaps.uninvoked,
            "their operations may have begun at any time before",
        );
        warn(
            "completions that may end any of several open operations",
            gaps.ambiguous,
            "when those began is not known",
        );
        if self.rows.untimed < count {
            warn(
                "events without time",
                self.rows.untimed,
                "operations are ordered by position",
            );
        }
        if gaps.reordered {
            warnings.push("events were put into the order of their own indices".to_owned());
        }
        warnings
    }
}

/// A history with what was noticed in reading it.
fn concluded(history: History, warnings: Vec<String>, truncated: bool) -> History {
    let history = history.with_warnings(warnings);
    match truncated {
        true => history.truncated_with("the last line is torn and was left out".to_owned()),
        false => history,
    }
}

/// Which of several open operations a completion ends.
enum Found {
    None,
    One(usize),
    /// It cannot be told; the latest that is possible.
    Several(usize),
}

/// Whether two operations have one name. A transaction is told by its value, which may be lost.
pub(super) fn same_name(invoked: &Op, completed: &Op) -> bool {
    fn name(op: &Op) -> &str {
        match op {
            Op::Custom { name, .. } => name,
            op => op.kind().name(),
        }
    }
    name(invoked) == name(completed) || matches!(invoked, Op::Txn(_))
}
