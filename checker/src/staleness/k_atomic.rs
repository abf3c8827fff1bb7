//! `k-atomic`: one order of all operations extends real time, and each read returns one of the k
//! latest writes before it (Aiyer, Alvisi and Bazzi, *On the Availability of Non-strict Quorum
//! Systems*, DISC 2005; Golab, Hurwitz and Li, *On the k-Atomicity-Verification Problem*, ICDCS
//! 2013).
//!
//! Given the order of the writes, each read has its earliest place, and these decide in linear
//! time: the order in which writes took effect is tried first. What it does not explain is
//! searched: whatever read can be placed is placed at once, which harms no other operation, and
//! only among writes there is a choice.

use polygraph_history::{History, OperationId};
use rustc_hash::FxHashSet;

use super::view::{INITIAL, Register, end, start};

/// So many operations of a register can be searched.
const MOST: usize = 128;

/// One operation: when it began and ended, the version that it wrote or returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) id: OperationId,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) version: usize,
    pub(super) writes: bool,
}

/// What became of the search for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Order,
    NoOrder,
    /// The steps ran out, or there are too many operations.
    Nothing,
}

/// The operations of a register.
pub(super) fn steps(history: &History, register: &Register<'_>) -> Vec<Step> {
    let operations = history.operations();
    let writes = register
        .versions
        .iter()
        .enumerate()
        .filter_map(|(version, it)| {
            let id = it.write?;
            Some(Step {
                id,
                start: it.start,
                end: end(&operations[id]),
                version,
                writes: true,
            })
        });
    let reads = register.looks.iter().map(|look| {
        let read = &operations[look.read];
        Step {
            id: look.read,
            start: start(read),
            end: end(read),
            version: look.version,
            writes: false,
        }
    });
    writes.chain(reads).collect()
}

/// Whether the writes in the order in which they took effect explain all reads.
pub(super) fn in_order_of_effect(register: &Register<'_>, steps: &[Step], k: u64) -> bool {
    let took = |step: &&Step| register.versions[step.version].took;
    let mut writes: Vec<&Step> = steps.iter().filter(|it| it.writes).collect();
    writes.sort_by_key(|step| (took(step), step.start));
    // The place of each version, the initial one's being 0; and of the writes up to a place the
    // latest begin: nothing that had ended before may come after.
    let mut places = vec![0_u64; register.versions.len()];
    let mut begun = vec![0_u64; writes.len() + 1];
    for (at, write) in writes.iter().enumerate() {
        places[write.version] = at as u64 + 1;
        begun[at + 1] = begun[at].max(write.start);
    }
    if writes
        .iter()
        .zip(&begun)
        .any(|(write, &begun)| write.end < begun)
    {
        return false;
    }
    // The last place of a write that has ended before a rank.
    let mut ends: Vec<(u64, u64)> = writes
        .iter()
        .map(|it| (it.end, places[it.version]))
        .collect();
    ends.sort_unstable();
    let mut last = 0;
    for (_, place) in &mut ends {
        last = last.max(*place);
        *place = last;
    }
    let mut reads: Vec<&Step> = steps.iter().filter(|it| !it.writes).collect();
    reads.sort_by_key(|it| it.start);
    // Reads that have ended push those that begin later, by their ends.
    let mut placed: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
    for read in reads {
        let after = ends.partition_point(|&(end, _)| end < read.start);
        let after = after.checked_sub(1).map_or(0, |at| ends[at].1);
        let pushed = placed
            .range(..read.start)
            .next_back()
            .map_or(0, |(_, &gap)| gap);
        let version = places[read.version];
        let gap = version.max(after).max(pushed);
        // The writes that begin after it has ended must not be before it.
        let late = begun.partition_point(|&begun| begun <= read.end) as u64;
        if gap >= version.saturating_add(k) || gap >= late {
            return false;
        }
        let gap = placed
            .range(..=read.end)
            .next_back()
            .map_or(gap, |(_, &it)| it.max(gap));
        placed.insert(read.end, gap);
        // What ends later and is placed earlier says nothing any more.
        let said: Vec<u64> = placed
            .range(read.end + 1..)
            .take_while(|&(_, &it)| it <= gap)
            .map(|(&end, _)| end)
            .collect();
        for end in said {
            placed.remove(&end);
        }
    }
    true
}

/// Looks for an order; `budget` counts down.
pub(super) fn search(steps: &[Step], k: usize, budget: &mut u64) -> Found {
    if steps.len() > MOST {
        return Found::Nothing;
    }
    let mut search = Search {
        steps,
        k,
        dead: FxHashSet::default(),
        budget,
    };
    match search.from(0, vec![INITIAL]) {
        Some(true) => Found::Order,
        Some(false) => Found::NoOrder,
        None => Found::Nothing,
    }
}

struct Search<'a> {
    steps: &'a [Step],
    k: usize,
    /// What was placed and the latest versions, from which no order follows.
    dead: FxHashSet<(u128, Vec<usize>)>,
    budget: &'a mut u64,
}

impl Search<'_> {
    /// Whether an order follows when these are placed and these versions are the latest, the
    /// newest last; `None` if the budget ends.
    fn from(&mut self, mut placed: u128, latest: Vec<usize>) -> Option<bool> {
        *self.budget = self.budget.checked_sub(1)?;
        let is = |placed: u128, at: usize| placed >> at & 1 == 1;
        // Nothing may be placed after what had ended before it began.
        let earliest_end = |placed: u128| {
            let open = self
                .steps
                .iter()
                .enumerate()
                .filter(|&(at, _)| !is(placed, at));
            open.map(|(_, step)| step.end).min().unwrap_or(u64::MAX)
        };
        loop {
            let limit = earliest_end(placed);
            let ready = self.steps.iter().enumerate().find(|&(at, step)| {
                !is(placed, at)
                    && !step.writes
                    && step.start <= limit
                    && latest.contains(&step.version)
            });
            match ready {
                Some((at, _)) => placed |= 1 << at,
                None => break,
            }
        }
        if placed.count_ones() as usize == self.steps.len() {
            return Some(true);
        }
        let key = (placed, latest);
        if self.dead.contains(&key) {
            return Some(false);
        }
        let limit = earliest_end(placed);
        let mut writes: Vec<usize> = (0..self.steps.len())
            .filter(|&at| !is(placed, at) && self.steps[at].writes && self.steps[at].start <= limit)
            .collect();
        writes.sort_by_key(|&at| self.steps[at].end);
        for at in writes {
            let mut next = key.1.clone();
            next.push(self.steps[at].version);
            if next.len() > self.k {
                let gone = next.remove(0);
                // A read of what falls out of reach is still waiting.
                let waits = |(other, step): (usize, &Step)| {
                    !is(placed, other) && !step.writes && step.version == gone
                };
                if self.steps.iter().enumerate().any(waits) {
                    continue;
                }
            }
            if self.from(placed | 1 << at, next)? {
                return Some(true);
            }
        }
        self.dead.insert(key);
        Some(false)
    }
}

/// Leaves out reads, and versions with all their reads, as long as there is no order; what is
/// left has none, and less of it has.
pub(super) fn smallest(steps: &[Step], k: usize, budget: &mut u64) -> Vec<Step> {
    let mut left: Vec<Step> = steps.to_vec();
    let mut versions: Vec<usize> = left.iter().map(|it| it.version).collect();
    versions.sort_unstable();
    versions.dedup();
    for version in versions {
        let fewer: Vec<Step> = left
            .iter()
            .copied()
            .filter(|it| it.version != version)
            .collect();
        if search(&fewer, k, budget) == Found::NoOrder {
            left = fewer;
        }
    }
    let mut at = 0;
    while at < left.len() {
        let mut fewer = left.clone();
        let step = fewer.remove(at);
        if !step.writes && search(&fewer, k, budget) == Found::NoOrder {
            left = fewer;
        } else {
            at += 1;
        }
    }
    left
}
