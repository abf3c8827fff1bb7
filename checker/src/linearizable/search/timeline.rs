//! The order of events of one object, prepared for the search: for every return, what is open
//! then.

use std::hash::Hash;

use polygraph_history::{EventIndex, OperationId};
use rustc_hash::FxHashMap;

use super::budget::{Meter, Owner};
use super::relevance::Uses;
use crate::Reason;
use crate::linearizable::item::Item;
use crate::model::Model;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// The distinct operations of a problem.
pub(super) struct Classes<'a, A> {
    /// What they do.
    pub(super) ops: Vec<&'a A>,
    /// Which class each item has.
    pub(super) of_item: Vec<u32>,
}

impl<'a, A: Eq + Hash> Classes<'a, A> {
    /// Numbers the operations as they come.
    pub(super) fn new(items: &'a [Item<A>]) -> Classes<'a, A> {
        let mut seen: FxHashMap<&A, u32> = FxHashMap::default();
        let mut ops = Vec::new();
        let of_item = items
            .iter()
            .map(|item| {
                *seen.entry(&item.action).or_insert_with(|| {
                    ops.push(&item.action);
                    ops.len() as u32 - 1
                })
            })
            .collect();
        Classes { ops, of_item }
    }
}

/// An operation that is open at a return: begun, and not ended before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Its bit in a configuration.
    pub(super) slot: u32,
    /// What it does, by number.
    pub(super) class: u32,
    /// The slot of the operation of the same class that ends next before it, or [`NONE`]. Of
    /// two that do the same the one that ends first goes first: exchanging them is always
    /// possible, so that the other order need not be tried.
    pub(super) twin: u32,
    /// Which.
    pub(super) item: u32,
}

/// A return: the moment by which an operation must have taken effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// The bit of the operation that returns.
    pub(super) slot: u32,
    /// Which.
    pub(super) item: u32,
    /// When, as a rank in real time.
    pub(super) rank: u64,
    /// The event.
    pub(super) event: EventIndex,
    /// Whether nothing is open afterwards, but for what is of unknown outcome.
    pub(super) quiet: bool,
    /// What only observes and is open, in [`Timeline::open`].
    observers: (u32, u32),
    /// What may change the state and is open, in [`Timeline::open`], those that end first first.
    mutators: (u32, u32),
}

/// Operations of unknown outcome that do the same: interchangeable, so that only their number
/// counts (the one that began first is used first).
#[derive(Clone, Debug)]
pub(super) struct Crashed {
    /// What they do, by number.
    pub(super) class: u32,
    /// When they began, in order, and which they are.
    starts: Vec<(u64, u32)>,
    /// Until which rank using one is of any use.
    until: u64,
}

impl Crashed {
    /// How many had begun by this moment.
    pub(super) fn begun(&self, rank: u64) -> u32 {
        self.starts.partition_point(|&(start, _)| start <= rank) as u32
    }

    /// How many may be used at this moment, if none was.
    pub(super) fn usable(&self, rank: u64) -> u32 {
        match rank <= self.until {
            true => self.begun(rank),
            false => 0,
        }
    }

    /// The item that is used after so many.
    pub(super) fn item(&self, used: u32) -> u32 {
        self.starts[used as usize].1
    }
}

/// All returns in order, with what is open at each.
pub(super) struct Timeline {
    /// How many distinct operations there are.
    pub(super) classes: usize,
    /// The returns, in order.
    pub(super) levels: Vec<Level>,
    /// What is open, for all levels.
    open: Vec<Open>,
    /// Operations of unknown outcome, by what they do.
    pub(super) crashed: Vec<Crashed>,
    /// How many bits a configuration needs.
    pub(super) slots: u32,
}

/// An operation that is open while the timeline is built.
#[derive(Clone, Copy)]
struct Begun {
    observes: bool,
    end: u64,
    operation: OperationId,
    item: u32,
    slot: u32,
    class: u32,
}

impl Begun {
    /// Those that observe first, then those that end first: in the order of their returns.
    const fn key(&self) -> (bool, u64, OperationId) {
        (!self.observes, self.end, self.operation)
    }
}

impl Timeline {
    /// Prepares items that are sorted by start. Those of unknown outcome that are of no use are left
    /// out.
    ///
    /// # Errors
    /// What ran out: that alone may take more than there is.
    pub(super) fn new<M: Model>(
        model: &M,
        items: &[Item<M::Op>],
        classes: &Classes<'_, M::Op>,
        uses: &Uses,
        meter: &mut Meter<'_>,
    ) -> Result<Timeline, Reason> {
        let observes: Vec<bool> = classes
            .ops
            .iter()
            .map(|op| model.only_observes(op))
            .collect();
        let mut returns: Vec<u32> = (0..items.len() as u32)
            .filter(|&at| !items[at as usize].pending())
            .collect();
        returns.sort_by_key(|&at| (items[at as usize].end, items[at as usize].operation));
        let mut timeline = Timeline {
            crashed: crashed(items, classes, uses),
            classes: classes.ops.len(),
            levels: Vec::new(),
            open: Vec::new(),
            slots: 0,
        };
        let fixed = items.len() * (size_of::<u32>() * 3 + 16) + classes.ops.len() * 40;
        if !meter.grow(Owner::Core, 0, fixed as u64) {
            return Err(Reason::BudgetMemory);
        }
        // The last slot of every class, and at which level that was.
        let mut latest = vec![(NONE, NONE); classes.ops.len()];
        let mut free: Vec<u32> = Vec::new();
        let mut open: Vec<Begun> = Vec::new();
        let mut next = 0;
        for (number, &at) in (0_u32..).zip(&returns) {
            let returned = &items[at as usize];
            while next < items.len() && items[next].start <= returned.end {
                if !items[next].pending() {
                    let class = classes.of_item[next];
                    let begun = Begun {
                        observes: observes[class as usize],
                        end: items[next].end,
                        operation: items[next].operation,
                        item: next as u32,
                        slot: free.pop().unwrap_or_else(|| {
                            timeline.slots += 1;
                            timeline.slots - 1
                        }),
                        class,
                    };
                    let place = open.partition_point(|other| other.key() < begun.key());
                    open.insert(place, begun);
                }
                next += 1;
            }
            let Some(place) = open.iter().position(|begun| begun.item == at) else {
                // It ended before it began: nothing of the kind is in a history.
                continue;
            };
            timeline.add_level(meter, returned, open[place], &open, |class, slot| {
                let (seen, before) = std::mem::replace(&mut latest[class as usize], (number, slot));
                if seen == number { before } else { NONE }
            })?;
            free.push(open.remove(place).slot);
            if number % 1024 == 0 {
                meter.look();
            }
            if let Some(reason) = meter.out {
                return Err(reason);
            }
        }
        Ok(timeline)
    }

    fn add_level<A>(
        &mut self,
        meter: &mut Meter<'_>,
        item: &Item<A>,
        returns: Begun,
        open: &[Begun],
        mut twin: impl FnMut(u32, u32) -> u32,
    ) -> Result<(), Reason> {
        let first = self.open.len() as u32;
        let observers = open.iter().take_while(|begun| begun.observes).count();
        let middle = first + observers as u32;
        for begun in open {
            let open = Open {
                slot: begun.slot,
                class: begun.class,
                twin: if begun.observes {
                    NONE
                } else {
                    twin(begun.class, begun.slot)
                },
                item: begun.item,
            };
            if !meter.push(Owner::Core, &mut self.open, open) {
                return Err(Reason::BudgetMemory);
            }
        }
        let level = Level {
            slot: returns.slot,
            item: returns.item,
            rank: item.end,
            event: item.returned,
            quiet: open.len() == 1,
            observers: (first, middle),
            mutators: (middle, self.open.len() as u32),
        };
        let enough = meter.push(Owner::Core, &mut self.levels, level)
            && self.open.len() < u32::MAX as usize / 2;
        if enough {
            Ok(())
        } else {
            Err(Reason::BudgetMemory)
        }
    }

    /// What only observes and is open at a return.
    pub(super) fn observers(&self, level: &Level) -> &[Open] {
        &self.open[level.observers.0 as usize..level.observers.1 as usize]
    }

    /// What may change the state and is open at a return.
    pub(super) fn mutators(&self, level: &Level) -> &[Open] {
        &self.open[level.mutators.0 as usize..level.mutators.1 as usize]
    }

    /// Everything that is open at a return.
    pub(super) fn open(&self, level: &Level) -> &[Open] {
        &self.open[level.observers.0 as usize..level.mutators.1 as usize]
    }
}

fn crashed<A>(items: &[Item<A>], classes: &Classes<'_, A>, uses: &Uses) -> Vec<Crashed> {
    let mut starts = vec![Vec::new(); classes.ops.len()];
    for (at, (item, &class)) in (0_u32..).zip(items.iter().zip(&classes.of_item)) {
        if item.pending() && item.start <= uses.until(class) {
            starts[class as usize].push((item.start, at));
        }
    }
    (0_u32..)
        .zip(starts)
        .filter(|(_, starts)| !starts.is_empty())
        .map(|(class, starts)| Crashed {
            class,
            starts,
            until: uses.until(class),
        })
        .collect()
}
