//! Registers whose values are all distinct, in near-linear time.
//!
//! Gibbons & Korach, *Testing shared memories*, SIAM J. Comput. 1997, section 4 (where it is
//! known who reads from whom), extended by compare-and-set: a successful one follows directly
//! what it replaces. So the write of a value, its reads, the compare-and-set that replaces it,
//! the reads of that, … form a *chain*, which stands together in every order. Its *zone* lies
//! between the first end and the last beginning of its operations. If the first end comes before
//! the last beginning, the register holds the chain throughout (a forward zone); otherwise all
//! operations have a moment in common, and the chain fits into any moment of the zone (a backward
//! zone). An order exists when every chain has one in itself, no two forward zones overlap, and
//! no backward zone lies inside a forward one: for no two chains does an operation of each end
//! before one of the other begins.
//!
//! Operations of unknown outcome cost nothing: `clusters` decides which of them took effect.

use super::clusters::{Clusters, Fault};
use super::rows::{NONE, Row, Rows};
use super::view::{INITIAL, ValueId};

/// Why there is no order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Conflict {
    /// Something is wrong with a single value.
    Value(Fault),
    /// In the chain that begins with this value, somebody ended before one began that comes
    /// first.
    Inside(ValueId),
    /// Compare-and-sets replace each other in a circle, one of them this value.
    Circle(ValueId),
    /// The register would have to hold both of these chains at a time.
    Between(ValueId, ValueId),
}

/// A chain, by its first value, and between which moments it must or can be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    /// The first end of its operations.
    pub(super) first_end: u32,
    /// Their last start.
    pub(super) last_start: u32,
    /// The value with which it begins.
    pub(super) root: ValueId,
}

/// Two chains in conflict, after how simply that is told and about when it can be seen.
type Ranked = ((u8, u32), ValueId, ValueId);

/// The chains of a register.
pub(super) struct Zones {
    /// Who wrote, found and replaced what.
    pub(super) clusters: Clusters,
    /// Zones that end after they begin, by their first end.
    pub(super) forward: Vec<Zone>,
    /// The other zones.
    pub(super) backward: Vec<Zone>,
}

impl Zones {
    /// Says why the rows have no order if they have none, failed compare-and-sets aside; `None`
    /// where a value has two writers.
    pub(super) fn new(rows: &Rows) -> Option<(Zones, Result<(), Conflict>)> {
        let mut zones = Zones {
            clusters: Clusters::new(rows)?,
            forward: Vec::new(),
            backward: Vec::new(),
        };
        let result = zones.fill(rows);
        Some((zones, result))
    }

    fn fill(&mut self, rows: &Rows) -> Result<(), Conflict> {
        if let Some(fault) = self.clusters.fault {
            return Err(Conflict::Value(fault));
        }
        let mut in_chains = self.add(rows, INITIAL)?;
        let mut written = 1;
        for row in rows.list.iter().filter(|row| row.leaves != NONE) {
            if self.clusters.took_effect(row) {
                written += 1;
                if row.needs == NONE {
                    in_chains += self.add(rows, row.leaves)?;
                }
            }
        }
        if in_chains < written {
            return Err(Conflict::Circle(self.in_a_circle(rows)));
        }
        self.forward
            .sort_unstable_by_key(|zone| (zone.first_end, zone.last_start));
        let conflicts = [self.overlap(rows), self.inside(rows)];
        match conflicts.into_iter().flatten().min() {
            Some((_, one, other)) => Err(Conflict::Between(one, other)),
            None => Ok(()),
        }
    }

    /// Adds the chain that begins with this value; gives the number of its values.
    fn add(&mut self, rows: &Rows, root: ValueId) -> Result<usize, Conflict> {
        let clusters = &self.clusters;
        let mut zone = Zone {
            first_end: NONE,
            last_start: 0,
            root,
        };
        let mut count = 0;
        let mut value = Some(root);
        while let Some(at) = value {
            count += 1;
            let writer = match clusters.writer[at as usize] {
                NONE => (0, 0),
                row => {
                    let row = &rows.list[row as usize];
                    (row.start, row.end)
                }
            };
            let readers = (
                clusters.last_start[at as usize],
                clusters.first_end[at as usize],
            );
            for (start, end) in [writer, readers] {
                if end < zone.last_start {
                    return Err(Conflict::Inside(root));
                }
                zone.last_start = zone.last_start.max(start);
                zone.first_end = zone.first_end.min(end);
            }
            value = clusters.successor(rows, at);
        }
        if zone.first_end < zone.last_start {
            self.forward.push(zone);
        } else {
            self.backward.push(zone);
        }
        Ok(count)
    }

    /// A value of compare-and-sets that replace each other in a circle: goes back from one that
    /// is in no chain.
    fn in_a_circle(&self, rows: &Rows) -> ValueId {
        let clusters = &self.clusters;
        let mut reached = vec![false; clusters.writer.len()];
        for zone in self.forward.iter().chain(&self.backward) {
            let mut value = Some(zone.root);
            while let Some(at) = value {
                reached[at as usize] = true;
                value = clusters.successor(rows, at);
            }
        }
        let outside = |row: &&Row| {
            row.leaves != NONE && clusters.took_effect(row) && !reached[row.leaves as usize]
        };
        let mut value = rows
            .list
            .iter()
            .find(outside)
            .map_or(INITIAL, |row| row.leaves);
        while !std::mem::replace(&mut reached[value as usize], true) {
            value = rows.list[clusters.writer[value as usize] as usize].needs;
        }
        value
    }

    /// Two forward zones that overlap: the simplest to tell, and of those the first.
    fn overlap(&self, rows: &Rows) -> Option<Ranked> {
        self.forward
            .windows(2)
            .filter(|pair| pair[1].first_end < pair[0].last_start)
            .map(|pair| self.ranked(rows, &pair[1], &pair[0]))
            .min()
    }

    /// A backward zone inside a forward one: the simplest to tell, and of those the first.
    fn inside(&self, rows: &Rows) -> Option<Ranked> {
        let mut near = 0;
        let mut first: Option<Ranked> = None;
        for zone in &self.backward {
            let Some(around) = self.before(zone.last_start, &mut near) else {
                continue;
            };
            if zone.first_end < around.last_start {
                let conflict = self.ranked(rows, zone, around);
                first = Some(first.map_or(conflict, |first| first.min(conflict)));
            }
        }
        first
    }

    /// A conflict of two chains, by how simply it is told and about when it can be seen.
    fn ranked(&self, rows: &Rows, inner: &Zone, outer: &Zone) -> Ranked {
        let writer = |value: ValueId| match self.clusters.writer[value as usize] {
            NONE => (0, 0),
            row => (rows.list[row as usize].start, rows.list[row as usize].end),
        };
        // Somebody wrote this after the other chain's first value was written, and had done so
        // before somebody began who is of the other chain.
        let (start, end) = writer(inner.root);
        let written = end < outer.last_start && outer.first_end < start;
        let direct = written && writer(outer.root).1 < start;
        let later = inner.first_end.max(outer.first_end);
        let moment = later.max(inner.last_start.min(outer.last_start));
        let effort = u8::from(!written) + u8::from(!direct);
        ((effort, moment), inner.root, outer.root)
    }

    /// The last forward zone that begins before this moment: looks further and further away from
    /// where one was found last.
    pub(super) fn before(&self, moment: u32, near: &mut usize) -> Option<&Zone> {
        let begins = |at: usize| self.forward[at].first_end < moment;
        let (mut low, mut high) = (*near, *near);
        let mut step = 1;
        while low > 0 && !begins(low - 1) {
            high = low - 1;
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 1;
        while high < self.forward.len() && begins(high) {
            low = high + 1;
            high = (high + step).min(self.forward.len());
            step *= 2;
        }
        let between = &self.forward[low..high];
        *near = low + between.partition_point(|zone| zone.first_end < moment);
        self.forward.get(near.checked_sub(1)?)
    }
}
