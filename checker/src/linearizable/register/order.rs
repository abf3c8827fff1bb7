//! An order of operations whose values are all distinct: chain after chain, by their zones.

use super::clusters::Clusters;
use super::rows::{NONE, Rows};
use super::view::{INITIAL, ValueId};
use super::zones::Zones;

/// The rows in an order that explains them, in linear time but for sorting chains; those left out
/// did not happen. For rows whose zones are in no conflict.
///
/// A forward chain stands at its zone. A backward chain stands where its last operation begins,
/// or, if the register holds a forward chain then, directly after that: its own zone reaches
/// beyond, or it would lie inside. Of two chains none then comes before the other although it
/// began after that had ended.
pub(super) fn order(rows: &Rows, zones: &Zones) -> Vec<u32> {
    let mut chains: Vec<(u32, bool, ValueId)> = Vec::new();
    chains.reserve_exact(zones.forward.len() + zones.backward.len());
    chains.extend(
        zones
            .forward
            .iter()
            .map(|zone| (zone.first_end, true, zone.root)),
    );
    let mut near = 0;
    for zone in &zones.backward {
        let around = zones.before(zone.last_start, &mut near);
        let moment = match around {
            Some(around) => zone.last_start.max(around.last_start),
            None => zone.last_start,
        };
        chains.push((moment, false, zone.root));
    }
    chains.sort_unstable();
    let readers = Readers::new(rows);
    let clusters: &Clusters = &zones.clusters;
    let mut order = Vec::with_capacity(rows.list.len());
    for (_, _, root) in chains {
        let mut value = Some(root);
        while let Some(at) = value {
            if at != INITIAL {
                order.push(clusters.writer[at as usize]);
            }
            order.extend_from_slice(readers.of(at));
            value = clusters.successor(rows, at);
        }
    }
    order
}

/// The rows that read each value, by start: one list, cut by value.
struct Readers {
    begin: Vec<u32>,
    list: Vec<u32>,
}

impl Readers {
    fn new(rows: &Rows) -> Readers {
        let mut begin = vec![0_u32; rows.values as usize + 1];
        let readers = || {
            (0_u32..)
                .zip(&rows.list)
                .filter(|(_, row)| row.leaves == NONE)
        };
        for (_, row) in readers() {
            begin[row.needs as usize] += 1;
        }
        let mut before = 0;
        for count in &mut begin {
            before += std::mem::replace(count, before);
        }
        let mut list = vec![0; before as usize];
        // Every beginning moves on to the next one's, and the list is full.
        for (at, row) in readers() {
            let place = &mut begin[row.needs as usize];
            list[*place as usize] = at;
            *place += 1;
        }
        Readers { begin, list }
    }

    fn of(&self, value: ValueId) -> &[u32] {
        let value = value as usize;
        let from = match value.checked_sub(1) {
            Some(before) => self.begin[before],
            None => 0,
        };
        &self.list[from as usize..self.begin[value] as usize]
    }
}
