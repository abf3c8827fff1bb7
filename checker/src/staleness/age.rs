//! How old what a read returned was at least, in versions and in time.
//!
//! A version is newer than the one that a read returned, and was there when the read began, in
//! every order that extends real time, if the returned one had taken effect before its write
//! began, and it had itself taken effect before the read began. Writes that overlap prove
//! nothing, so that both numbers are lower bounds.

use polygraph_history::{History, OperationId, Time};

use super::view::{Register, start};

/// How old what a read returned was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    pub(super) read: OperationId,
    /// So many newer versions were there when it began.
    pub(super) versions: u64,
    /// The end of the operation by which the first of them was there; `None` if there are none.
    pub(super) since: Option<Time>,
}

impl Age {
    /// For how long the returned version had been replaced when the read began, nanoseconds.
    pub(super) fn nanos(&self, history: &History) -> u64 {
        let began = history.invoked_at(&history.operations()[self.read]);
        let since = self.since.unwrap_or(began);
        u64::try_from(began.since(since).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The age of every read of a register, in the order in which they began.
pub(super) fn ages(history: &History, register: &Register<'_>) -> Vec<Age> {
    let operations = history.operations();
    let mut by_start: Vec<(u64, u64, Time)> = register
        .versions
        .iter()
        .skip(1)
        .map(|it| (it.start, it.took, it.took_at))
        .collect();
    by_start.sort_unstable();
    // Of the versions from a place on, the one that was there first.
    let mut first = vec![(u64::MAX, Time::MAX); by_start.len() + 1];
    for (at, &(_, took, took_at)) in by_start.iter().enumerate().rev() {
        first[at] = first[at + 1].min((took, took_at));
    }
    let mut by_took: Vec<(u64, usize)> = by_start
        .iter()
        .enumerate()
        .map(|(at, &(_, took, _))| (took, at))
        .collect();
    by_took.sort_unstable();
    let mut looks = register.looks.clone();
    looks.sort_by_key(|it| (operations[it.read].start, it.read));
    let mut there = Fenwick(vec![0; by_start.len() + 1]);
    let mut counted = 0;
    let age = |look: super::view::Look| {
        let began = start(&operations[look.read]);
        // Reads come in the order in which they begin, so that versions only join.
        while counted < by_took.len() && by_took[counted].0 < began {
            there.add(by_took[counted].1);
            counted += 1;
        }
        let returned = register.versions[look.version].took;
        let from = by_start.partition_point(|it| it.0 <= returned);
        let (took, took_at) = first[from];
        let stale = took < began;
        Age {
            read: look.read,
            versions: if stale {
                counted as u64 - there.before(from)
            } else {
                0
            },
            since: stale.then_some(took_at),
        }
    };
    looks.into_iter().map(age).collect()
}

/// Counts by place (Fenwick, *A new data structure for cumulative frequency tables*, 1994).
struct Fenwick(Vec<u64>);

impl Fenwick {
    fn add(&mut self, at: usize) {
        let mut node = at + 1;
        while node < self.0.len() {
            self.0[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    /// How many were added at places before this one.
    fn before(&self, at: usize) -> u64 {
        let (mut node, mut sum) = (at, 0);
        while node > 0 {
            sum += self.0[node];
            node &= node - 1;
        }
        sum
    }
}
