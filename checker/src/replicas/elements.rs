//! What became of the elements of sets: the classes of Jepsen's `set-full` by what reads showed,
//! and where the elements are in the end.
//!
//! An element is *known* from the end of its add on, or of the first read that shows it. It is
//! *stable* if the last read that could show it did, *lost* if a read that began after it was
//! known, and all later ones, lacked it, and *never read* otherwise. A stable element was *stale*
//! as long as reads still lacked it after it was known.

use polygraph_history::{History, Op, Operation, Outcome, Time, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::finals::{KeyFinals, Shape, Update, elements};
use super::some;
use crate::measured::{Figure, Measured, spread};

/// So many elements of reads are looked at; a history with more has no such table.
const MOST: usize = 50_000_000;

/// The tables of `durable`.
pub(super) fn measure(history: &History, keys: &[KeyFinals<'_>]) -> Vec<Measured> {
    let mut tables = Vec::new();
    tables.extend(classes(history, keys));
    tables.extend(copies(history, keys));
    tables
}

/// What reads showed of one element.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The rank and the time from which it was known.
    known: Option<(u64, Time)>,
    /// The rank and the time at which the last read began that showed it.
    present: Option<(u64, Time)>,
    /// The same of the last that did not.
    absent: Option<(u64, Time)>,
    twice: bool,
    removed: bool,
}

/// One class: its elements and their spans of time.
#[derive(Default)]
struct Class<'h> {
    spans: Vec<u64>,
    count: u64,
    examples: Vec<&'h Value>,
}

impl<'h> Class<'h> {
    fn add(&mut self, element: &'h Value, span: Option<u64>) {
        self.count += 1;
        self.spans.extend(span);
        if self.examples.len() < 3 {
            self.examples.push(element);
        }
    }

    fn row(mut self, name: &str) -> Option<Vec<Figure>> {
        if self.count == 0 {
            return None;
        }
        self.spans.sort_unstable();
        let mut row = vec![name.into(), Figure::Count(self.count)];
        row.extend(spread(&self.spans));
        row.push(Figure::Text(some(&self.examples)));
        Some(row)
    }
}

fn classes(history: &History, keys: &[KeyFinals<'_>]) -> Option<Measured> {
    let sets: FxHashMap<&str, &KeyFinals<'_>> = keys
        .iter()
        .filter(|key| key.shape() == Shape::Set)
        .map(|key| (&*key.key.0, key))
        .collect();
    if sets.is_empty() {
        return None;
    }
    let mut reads: FxHashMap<&str, Vec<(&Operation, &Value)>> = FxHashMap::default();
    let mut listed = 0;
    for operation in history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Ok)
    {
        if let Op::Read {
            key,
            value: Some(value),
        } = history.op(operation)
            && sets.contains_key(&*key.0)
        {
            listed += elements(value).len();
            reads.entry(&*key.0).or_default().push((operation, value));
        }
    }
    if reads.is_empty() || listed > MOST {
        return None;
    }
    let mut found: [Class<'_>; 6] = Default::default();
    for key in keys {
        let Some(reads) = reads.get_mut(&*key.key.0) else {
            continue;
        };
        for (element, seen) in of_key(history, key, reads) {
            let [stable, stale, lost, never, twice, removed] = &mut found;
            if seen.twice {
                twice.add(element, None);
            }
            if seen.removed {
                removed.add(element, None);
                continue;
            }
            let Some((known, since)) = seen.known else {
                continue;
            };
            let span = |until: Option<(u64, Time)>| {
                let until = until.map_or(Time::ZERO, |(_, at)| at);
                u64::try_from(until.since(since).as_nanos()).unwrap_or(u64::MAX)
            };
            let rank = |of: Option<(u64, Time)>| of.map(|(rank, _)| rank);
            let missed = rank(seen.absent).is_some_and(|absent| absent > known);
            match (rank(seen.present) > rank(seen.absent), missed) {
                (true, false) => stable.add(element, Some(0)),
                (true, true) => {
                    stable.add(element, Some(span(seen.absent)));
                    stale.add(element, Some(span(seen.absent)));
                }
                (false, true) => lost.add(element, Some(span(seen.present))),
                (false, false) => never.add(element, None),
            }
        }
    }
    let names = [
        "stable",
        "of them stale",
        "lost",
        "never read",
        "read twice at once",
        "removed",
    ];
    let rows = found
        .into_iter()
        .zip(names)
        .filter_map(|(class, name)| class.row(name));
    Some(Measured {
        name: "elements",
        about: "elements by what reads showed: how long after they were known a read still lacked \
                them, or, of those lost, one still showed them",
        columns: &[
            "class",
            "elements",
            "median_ns",
            "p99_ns",
            "longest_ns",
            "such as",
        ],
        rows: rows.collect(),
    })
}

/// What the reads of a set showed of each of its elements, in the order of the adds.
fn of_key<'h>(
    history: &'h History,
    key: &KeyFinals<'h>,
    reads: &mut [(&'h Operation, &'h Value)],
) -> Vec<(&'h Value, Seen)> {
    let mut numbers: FxHashMap<&Value, usize> = FxHashMap::default();
    let mut all: Vec<(&Value, Seen)> = Vec::new();
    let operations = history.operations();
    for &(id, update) in &key.updates {
        let Update::Add(value) = update else {
            continue;
        };
        let at = *numbers.entry(value).or_insert_with(|| {
            all.push((value, Seen::default()));
            all.len() - 1
        });
        let add = &operations[id];
        if add.outcome == Outcome::Ok {
            earlier(&mut all[at].1.known, history, add);
        }
    }
    for &(_, update) in &key.updates {
        if let Update::Remove(value) = update
            && let Some(&at) = numbers.get(value)
        {
            all[at].1.removed = true;
        }
    }
    // From the last read to the first: an element that is absent for the first time so is absent
    // for the last time, and need not be looked for any more.
    reads.sort_by_key(|(read, _)| std::cmp::Reverse((read.start, read.invoke)));
    let mut sought: Vec<usize> = (0..all.len()).collect();
    let mut here: FxHashSet<usize> = FxHashSet::default();
    for &(read, value) in &*reads {
        here.clear();
        let began = (read.start, history.invoked_at(read));
        for element in elements(value) {
            let Some(&at) = numbers.get(element) else {
                continue;
            };
            let seen = &mut all[at].1;
            seen.twice |= !here.insert(at);
            seen.present = seen.present.max(Some(began));
            earlier(&mut seen.known, history, read);
        }
        sought.retain(|at| {
            let present = here.contains(at);
            if !present {
                all[*at].1.absent = Some(began);
            }
            present
        });
    }
    all
}

/// Moves the moment from which an element is known to the end of an operation that shows it.
fn earlier(known: &mut Option<(u64, Time)>, history: &History, shows: &Operation) {
    let ended = history
        .completed_at(shows)
        .unwrap_or_else(|| history.invoked_at(shows));
    let ended = (shows.end, ended);
    *known = Some(known.map_or(ended, |other| other.min(ended)));
}

fn copies(history: &History, keys: &[KeyFinals<'_>]) -> Option<Measured> {
    let mut counts = [0_u64; 4];
    let mut any = false;
    for key in keys
        .iter()
        .filter(|key| matches!(key.shape(), Shape::Set | Shape::List))
    {
        let answers: Vec<_> = key.answers().collect();
        if answers.is_empty() || !key.silent().is_empty() {
            continue;
        }
        any = true;
        let mut holders: FxHashMap<&Value, usize> = FxHashMap::default();
        for (_, answer) in &answers {
            let once: FxHashSet<&Value> = elements(answer.value).iter().collect();
            once.into_iter()
                .for_each(|value| *holders.entry(value).or_default() += 1);
        }
        let removals = key.updates.iter().filter_map(|&(_, update)| match update {
            Update::Remove(value) => Some(value),
            _ => None,
        });
        let removed: FxHashSet<&Value> = removals.collect();
        for &(id, update) in &key.updates {
            let Update::Add(value) = update else {
                continue;
            };
            if history.operations()[id].outcome != Outcome::Ok {
                continue;
            }
            let held = holders.get(value).copied().unwrap_or(0);
            let class = match (removed.contains(value), held) {
                (true, _) => 3,
                (_, 0) => 2,
                (_, held) if held == answers.len() => 0,
                _ => 1,
            };
            counts[class] += 1;
        }
    }
    any.then(|| Measured {
        name: "copies",
        about: "acknowledged elements by where they are in the end",
        columns: &["everywhere", "on some replicas only", "nowhere", "removed"],
        rows: vec![counts.map(Figure::Count).to_vec()],
    })
}
