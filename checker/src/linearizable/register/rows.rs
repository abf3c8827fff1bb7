//! The operations of a key in little space: twenty bytes each.

use super::view::{Action, INITIAL, Item, OTHER, ValueId};

/// No value; as an end: it may take effect at any later moment, or never.
pub(in crate::linearizable) const NONE: u32 = u32::MAX;

/// The largest rank that a row can hold.
pub(in crate::linearizable) const MAX_RANK: u64 = u32::MAX as u64 - 2;

/// A read, a write or a successful compare-and-set. Moments are ranks plus one, for the initial
/// value is written at zero. A compare-and-set of a value by itself counts as a read.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Row {
    /// When it began.
    pub(super) start: u32,
    /// When it ended; [`NONE`] if it may still take effect, or never.
    pub(super) end: u32,
    /// The value that must be there, or [`NONE`].
    pub(super) needs: ValueId,
    /// The value that is there afterwards, or [`NONE`] if it only observes.
    pub(super) leaves: ValueId,
    /// Which operation of the history.
    pub(super) operation: u32,
}

impl Row {
    /// Whether it is not known to have taken effect.
    pub(super) const fn pending(&self) -> bool {
        self.end == NONE
    }
}

/// A compare-and-set that found another value than it had named.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Mismatch {
    /// When it began.
    pub(super) start: u32,
    /// When it ended.
    pub(super) end: u32,
    /// The value that was not there.
    pub(super) forbids: ValueId,
    /// Which operation of the history.
    pub(super) operation: u32,
}

/// The operations of a key, by start.
#[derive(Clone, Debug, Default)]
pub(in crate::linearizable) struct Rows {
    /// What reads or writes.
    pub(super) list: Vec<Row>,
    /// What found another value.
    pub(super) mismatches: Vec<Mismatch>,
    /// How many values there are, the initial one included.
    pub(super) values: u32,
}

impl Rows {
    /// How many operations there are.
    pub(in crate::linearizable) const fn len(&self) -> usize {
        self.list.len() + self.mismatches.len()
    }

    /// The same operations, if their ranks fit. Rows that stand for items name them by their
    /// places. Values that nobody can observe become values of their own.
    pub(super) fn of(items: &[Item]) -> Option<Rows> {
        let mut rows = Rows::default();
        rows.list.reserve_exact(items.len());
        let mut values = super::view::size_of_domain(items) as u32;
        for (place, item) in items.iter().enumerate() {
            let fits = item.start <= MAX_RANK && (item.pending() || item.end <= MAX_RANK);
            if !fits {
                return None;
            }
            let start = item.start as u32 + 1;
            let end = if item.pending() {
                NONE
            } else {
                item.end as u32 + 1
            };
            let mut named = |value: ValueId| {
                if value != OTHER {
                    return value;
                }
                values += 1;
                values - 1
            };
            let (needs, leaves) = match item.action {
                Action::Mismatch(forbids) => {
                    rows.mismatches.push(Mismatch {
                        start,
                        end,
                        forbids,
                        operation: place as u32,
                    });
                    continue;
                }
                Action::Cas { from, to } if from == to && item.pending() => continue,
                Action::Cas { from, to } if from == to => (from, NONE),
                Action::Cas { from, to } => (from, named(to)),
                Action::Read(value) => (value, NONE),
                Action::Write(value) => (NONE, named(value)),
            };
            rows.list.push(Row {
                start,
                end,
                needs,
                leaves,
                operation: place as u32,
            });
        }
        rows.values = values.max(INITIAL + 1);
        Some(rows)
    }

    /// Brings the rows into the order of their starts, which they mostly have.
    pub(super) fn sort(&mut self) {
        if !self.list.is_sorted_by_key(|row| row.start) {
            self.list.sort_by_key(|row| (row.start, row.operation));
        }
        if !self.mismatches.is_sorted_by_key(|row| row.start) {
            self.mismatches
                .sort_by_key(|row| (row.start, row.operation));
        }
    }
}

/// Where a value is named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming {
    /// By which operation of the history.
    pub(super) operation: u32,
    /// Whether as what is there afterwards.
    pub(super) left: bool,
}

/// For sentences, which need few of these.
impl Rows {
    /// The first row that writes a value.
    pub(super) fn first_writer(&self, value: ValueId) -> Option<&Row> {
        self.list.iter().find(|row| row.leaves == value)
    }

    /// How many rows write a value.
    pub(super) fn writers(&self, value: ValueId) -> usize {
        self.list.iter().filter(|row| row.leaves == value).count()
    }

    /// An operation that names a value.
    pub(super) fn naming(&self, value: ValueId) -> Option<Naming> {
        let row = |row: &Row| {
            let named = row.leaves == value || row.needs == value;
            named.then_some(Naming {
                operation: row.operation,
                left: row.leaves == value,
            })
        };
        let mismatch = |mismatch: &Mismatch| {
            (mismatch.forbids == value).then_some(Naming {
                operation: mismatch.operation,
                left: false,
            })
        };
        let named = self.list.iter().find_map(row);
        named.or_else(|| self.mismatches.iter().find_map(mismatch))
    }
}
