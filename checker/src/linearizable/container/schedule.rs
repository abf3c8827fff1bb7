//! An order of all operations of a queue, from an order of its elements.

use super::elements::{Elements, NOBODY, Step};
use super::presence::Presence;
use super::sequence::{Node, sequence};
use crate::linearizable::item::Item;

/// All operations of a queue that has an order: as indices of items, in that order.
pub(super) fn queue<A>(
    items: &[Item<A>],
    elements: &Elements,
    step: impl Fn(&A) -> Step,
) -> Option<Vec<usize>> {
    let list = &elements.list;
    let mut nodes: Vec<Node> = list.iter().map(Node::of).collect();
    let presence = Presence::of(list);
    for &at in &elements.empties {
        let item = &items[at as usize];
        nodes.push(Node::moment(presence.gap(item.start, item.end)?));
    }
    let looks = Looks::new(items, elements, step);
    let mut lanes = Lanes::default();
    for at in sequence(&nodes).ok()? {
        let at = at as usize;
        let Some(element) = list.get(at) else {
            lanes.both(elements.empties[at - list.len()], nodes[at].put_start);
            continue;
        };
        lanes.put(items, element.put);
        for &look in looks.of(at) {
            lanes.take(items, look);
        }
        if element.take != NOBODY {
            lanes.take(items, element.take);
        }
    }
    Some(lanes.merge())
}

/// Who saw each element, by beginning.
pub(super) struct Looks {
    /// Where those of each element begin in `items`.
    first: Vec<u32>,
    items: Vec<u32>,
}

impl Looks {
    pub(super) fn new<A>(
        items: &[Item<A>],
        elements: &Elements,
        step: impl Fn(&A) -> Step,
    ) -> Looks {
        let mut first = vec![0; elements.list.len() + 1];
        for (at, element) in elements.list.iter().enumerate() {
            first[at + 1] = first[at] + element.looks;
        }
        if first[elements.list.len()] == 0 {
            return Looks {
                first,
                items: Vec::new(),
            };
        }
        let greatest = elements.list.iter().map(|element| element.value).max();
        let mut of_value = vec![NOBODY; greatest.map_or(0, |value| value as usize + 1)];
        for (at, element) in (0_u32..).zip(&elements.list) {
            of_value[element.value as usize] = at;
        }
        let mut all: Vec<(u32, u64, u32)> = (0_u32..)
            .zip(items)
            .filter(|(_, item)| !item.pending())
            .filter_map(|(at, item)| match step(&item.action) {
                Step::Look(value) => Some((of_value[value as usize], item.start, at)),
                _ => None,
            })
            .collect();
        all.sort_unstable();
        Looks {
            first,
            items: all.into_iter().map(|(_, _, at)| at).collect(),
        }
    }

    /// Of one element, by its place in the list.
    pub(super) fn of(&self, element: usize) -> &[u32] {
        &self.items[self.first[element] as usize..self.first[element + 1] as usize]
    }
}

/// An operation with a moment between its beginning and its end.
#[derive(Clone, Copy, Debug)]
struct Placed {
    rank: u64,
    item: u32,
    /// Whether it is in both lanes.
    both: bool,
}

/// Whatever is put in, in order, and whatever is seen or taken, in order, as early as can be; who
/// found nothing is in both, and separates what comes before it from what comes after it.
#[derive(Default)]
struct Lanes {
    puts: Vec<Placed>,
    takes: Vec<Placed>,
    put: u64,
    take: u64,
}

impl Lanes {
    fn put<A>(&mut self, items: &[Item<A>], item: u32) {
        self.put = self.put.max(items[item as usize].start);
        self.puts.push(Placed {
            rank: self.put,
            item,
            both: false,
        });
    }

    /// Takes or sees what was put in last.
    fn take<A>(&mut self, items: &[Item<A>], item: u32) {
        self.take = self.take.max(self.put).max(items[item as usize].start);
        self.takes.push(Placed {
            rank: self.take,
            item,
            both: false,
        });
    }

    fn both(&mut self, item: u32, rank: u64) {
        let rank = rank.max(self.put).max(self.take);
        (self.put, self.take) = (rank, rank);
        let placed = Placed {
            rank,
            item,
            both: true,
        };
        self.puts.push(placed);
        self.takes.push(placed);
    }

    /// By moments, what is put in first.
    fn merge(self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.puts.len() + self.takes.len());
        let mut puts = self.puts.into_iter().peekable();
        let mut takes = self.takes.into_iter().peekable();
        loop {
            let item = match (puts.peek(), takes.peek()) {
                (None, None) => return order,
                (Some(put), Some(take)) if put.both && take.both => {
                    puts.next();
                    takes.next()
                }
                (Some(put), Some(take)) if take.both || !put.both && put.rank <= take.rank => {
                    puts.next()
                }
                (Some(_), None) => puts.next(),
                (_, Some(_)) => takes.next(),
            };
            order.extend(item.map(|placed| placed.item as usize));
        }
    }
}
