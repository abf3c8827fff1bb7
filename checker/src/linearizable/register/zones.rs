//! Registers whose values are all distinct, in O(n log n).
//!
//! Gibbons & Korach, *Testing shared memories*, SIAM J. Comput. 1997, section 4 (where it is
//! known who reads from whom), extended by compare-and-set: a successful one follows directly
//! what it replaces. So the write of a value, its reads, the compare-and-set that replaces it,
//! the reads of that, … form a *chain*, which stands together in every order. Its *zone* lies
//! between the first end and the last beginning of its operations. If the first end comes before
//! the last beginning, the register holds the chain throughout (a forward zone); otherwise all
//! operations have a moment in common, and the chain fits into any moment of the zone (a backward
//! zone). An order exists when every chain has one in itself, no two forward zones overlap, and
//! no backward zone lies inside a forward one.
//!
//! Operations of unknown outcome cost nothing: `relevance` decides which of them took effect.

use super::view::{Action, INITIAL, Item, OTHER, size_of_domain, written_once};

/// Whether this way applies: every value was written once, every outcome is known, and no failed
/// compare-and-set says what the value was not.
pub(in crate::linearizable) fn apply(items: &[Item]) -> bool {
    items
        .iter()
        .all(|item| !item.pending() && !matches!(item.action, Action::Mismatch(_)))
        && written_once(items)
}

/// Says of reduced items to which this way applies whether they have no order; if so, gives a
/// rank by which they have none.
pub(in crate::linearizable) fn refuted(items: &[Item]) -> Option<u64> {
    let clusters = match Clusters::new(items) {
        Ok(clusters) => clusters,
        Err(rank) => return Some(rank),
    };
    let mut forward = Vec::new();
    let mut backward = Vec::new();
    let mut in_chains = 0;
    for root in clusters.roots() {
        match clusters.zone(root, &mut in_chains) {
            Ok(zone) if zone.first_end < zone.last_start => forward.push(zone),
            Ok(zone) => backward.push(zone),
            Err(rank) => return Some(rank),
        }
    }
    if in_chains < clusters.list.len() {
        // Compare-and-sets that replace each other in a circle.
        return items.iter().map(|item| item.end).max();
    }
    overlap(&mut forward).or_else(|| inside(&forward, &backward))
}

/// A value with who wrote and who observed it. Moments are ranks plus one, for the initial value
/// is written at zero.
struct Cluster {
    start: u64,
    end: u64,
    /// Written by compare-and-set out of another cluster.
    linked: bool,
    /// The compare-and-set that replaced it.
    next: Option<usize>,
    /// Who observed it: beginning and end.
    readers: Vec<(u64, u64)>,
}

struct Clusters {
    list: Vec<Cluster>,
}

impl Clusters {
    /// Sorts items by value; fails where two replaced the same.
    fn new(items: &[Item]) -> Result<Clusters, u64> {
        let mut clusters = Clusters {
            list: vec![Cluster {
                start: 0,
                end: 0,
                linked: false,
                next: None,
                readers: Vec::new(),
            }],
        };
        const NOBODY: u32 = u32::MAX;
        let mut of_value = vec![NOBODY; size_of_domain(items)];
        of_value[INITIAL as usize] = 0;
        for item in items {
            if let Some(&value) = item.action.writes() {
                if value != OTHER {
                    of_value[value as usize] = clusters.list.len() as u32;
                }
                clusters.list.push(Cluster {
                    start: item.start + 1,
                    end: item.end + 1,
                    linked: matches!(item.action, Action::Cas { .. }),
                    next: None,
                    readers: Vec::new(),
                });
            }
        }
        let mut writer = 0;
        for item in items {
            writer += usize::from(item.action.writes().is_some());
            let Some(&value) = item.action.requires() else {
                continue;
            };
            let found = of_value[value as usize];
            if found == NOBODY {
                return Err(item.end);
            }
            let cluster = &mut clusters.list[found as usize];
            if item.action.writes().is_none() {
                cluster.readers.push((item.start + 1, item.end + 1));
            } else if let Some(other) = cluster.next.replace(writer) {
                return Err(item.end.max(clusters.list[other].end - 1));
            }
        }
        Ok(clusters)
    }

    /// Where chains begin.
    fn roots(&self) -> impl Iterator<Item = usize> {
        (0..self.list.len()).filter(|&at| !self.list[at].linked)
    }

    /// Goes along a chain; fails where an operation ended before one began that comes first.
    fn zone(&self, root: usize, in_chains: &mut usize) -> Result<Zone, u64> {
        let mut zone = Zone::default();
        // The latest beginning in all layers before, and of this one.
        let (mut before, mut here) = (0, 0);
        let mut cluster = Some(root);
        while let Some(at) = cluster {
            *in_chains += 1;
            let Cluster {
                start,
                end,
                next,
                readers,
                ..
            } = &self.list[at];
            let layers = [&[(*start, *end)][..], readers];
            for layer in layers {
                for &(start, end) in layer {
                    zone.add(start, end);
                    if end < before {
                        return Err(zone.known_by - 1);
                    }
                    here = here.max(start);
                }
                before = here;
            }
            cluster = *next;
        }
        Ok(zone)
    }
}

/// Between the first end and the last beginning of a chain's operations.
#[derive(Clone, Copy)]
struct Zone {
    first_end: u64,
    last_start: u64,
    /// By when both are known.
    known_by: u64,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone {
            first_end: u64::MAX,
            last_start: 0,
            known_by: 0,
        }
    }
}

impl Zone {
    fn add(&mut self, start: u64, end: u64) {
        self.first_end = self.first_end.min(end);
        self.last_start = self.last_start.max(start);
        self.known_by = self.known_by.max(end);
    }
}

/// Two forward zones that overlap: the register would have to hold both.
fn overlap(forward: &mut [Zone]) -> Option<u64> {
    forward.sort_by_key(|zone| (zone.first_end, zone.last_start));
    let conflicts = forward
        .windows(2)
        .filter(|pair| pair[1].first_end < pair[0].last_start);
    conflicts
        .map(|pair| pair[0].known_by.max(pair[1].known_by) - 1)
        .min()
}

/// A backward zone inside a forward one; the forward ones are sorted and do not overlap.
fn inside(forward: &[Zone], backward: &[Zone]) -> Option<u64> {
    let conflict = |zone: &Zone| {
        let before = forward.partition_point(|other| other.first_end < zone.last_start);
        let around = &forward[before.checked_sub(1)?];
        let strictly = zone.first_end < around.last_start;
        strictly.then(|| zone.known_by.max(around.known_by) - 1)
    };
    backward.iter().filter_map(conflict).min()
}
