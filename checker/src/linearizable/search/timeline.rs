//! The order of events of one key, prepared for the search: for every return, what is open then.

use polygraph_history::EventIndex;

use crate::linearizable::register::obligations::Obligations;
use crate::linearizable::register::view::{Action, INITIAL, Item, classes};
use crate::model::{CasRegister, Model};

/// No twin: see [`Open::twin`].
pub(in crate::linearizable) const NONE: u32 = u32::MAX;

/// An operation that is open at a return: begun, and not ended before.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Open {
    /// Its bit in a configuration.
    pub(in crate::linearizable) slot: u32,
    /// What it does, by number.
    pub(in crate::linearizable) class: u32,
    /// The slot of the operation of the same class that ends next before it, or [`NONE`]. Of
    /// two that do the same the one that ends first goes first: exchanging them is always
    /// possible, so that the other order need not be tried.
    pub(in crate::linearizable) twin: u32,
}

/// A return: the moment by which an operation must have taken effect.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Level {
    /// The bit of the operation that returns.
    pub(in crate::linearizable) slot: u32,
    /// When, as a rank in real time.
    pub(in crate::linearizable) rank: u64,
    /// The event.
    pub(in crate::linearizable) event: EventIndex,
    /// What only observes and is open, in [`Timeline::open`].
    observers: (u32, u32),
    /// What may change the state and is open, in [`Timeline::open`], those that end first first.
    mutators: (u32, u32),
}

/// Operations of unknown outcome that do the same: interchangeable, so that only their number
/// counts (the one that began first is used first).
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Crashed {
    /// What they do, by number.
    pub(in crate::linearizable) class: u32,
    /// When they began, in order.
    starts: Vec<u64>,
}

impl Crashed {
    /// How many had begun before this moment.
    pub(in crate::linearizable) fn begun(&self, rank: u64) -> u32 {
        self.starts.partition_point(|&start| start < rank) as u32
    }
}

/// All returns in order, with what is open at each.
pub(in crate::linearizable) struct Timeline {
    /// The distinct operations, by class.
    pub(in crate::linearizable) classes: Vec<Action>,
    /// The returns, in order.
    pub(in crate::linearizable) levels: Vec<Level>,
    /// What is open, for all levels.
    open: Vec<Open>,
    /// Operations of unknown outcome, by what they do.
    pub(in crate::linearizable) crashed: Vec<Crashed>,
    /// Of every class, whether it has one operation only.
    alone: Vec<bool>,
    /// When values may be left.
    pub(in crate::linearizable) obligations: Obligations,
    /// How many bits a configuration needs.
    pub(in crate::linearizable) slots: u32,
}

/// An operation that is open while the timeline is built.
struct Begun {
    slot: u32,
    class: u32,
    end: u64,
    observes: bool,
}

impl Timeline {
    /// Prepares items that are sorted by start. `None` if that alone takes more than `max_bytes`.
    pub(in crate::linearizable) fn new(items: &[Item], max_bytes: u64) -> Option<Timeline> {
        let (classes, of_item) = classes(items);
        let mut returns: Vec<usize> = (0..items.len())
            .filter(|&at| !items[at].pending())
            .collect();
        returns.sort_by_key(|&at| (items[at].end, items[at].operation));
        let mut timeline = Timeline {
            alone: alone(&of_item, classes.len()),
            obligations: Obligations::new(items, &of_item),
            crashed: crashed(items, &of_item, classes.len()),
            classes,
            levels: Vec::with_capacity(returns.len()),
            open: Vec::new(),
            slots: 0,
        };
        let model = CasRegister { initial: INITIAL };
        let mut slot_of = vec![0_u32; items.len()];
        let mut free: Vec<u32> = Vec::new();
        let mut open: Vec<Begun> = Vec::new();
        let mut next = 0;
        for &at in &returns {
            while next < items.len() && items[next].start <= items[at].end {
                if !items[next].pending() {
                    let slot = free.pop().unwrap_or_else(|| {
                        timeline.slots += 1;
                        timeline.slots - 1
                    });
                    slot_of[next] = slot;
                    open.push(Begun {
                        slot,
                        class: of_item[next],
                        end: items[next].end,
                        observes: model.only_observes(&items[next].action),
                    });
                }
                next += 1;
            }
            timeline.add_level(&items[at], slot_of[at], &mut open);
            open.retain(|begun| begun.slot != slot_of[at]);
            free.push(slot_of[at]);
            if timeline.bytes() > max_bytes || timeline.open.len() > u32::MAX as usize / 2 {
                return None;
            }
        }
        Some(timeline)
    }

    fn add_level(&mut self, item: &Item, slot: u32, open: &mut [Begun]) {
        open.sort_by_key(|begun| (!begun.observes, begun.end, begun.slot));
        let first = self.open.len() as u32;
        let observers = open.iter().take_while(|begun| begun.observes).count();
        for (at, begun) in open.iter().enumerate() {
            let earlier = &open[..at];
            // Most often every operation is the only one of its class.
            let twin = if begun.observes || self.alone[begun.class as usize] {
                None
            } else {
                earlier
                    .iter()
                    .rev()
                    .find(|other| other.class == begun.class)
            };
            self.open.push(Open {
                slot: begun.slot,
                class: begun.class,
                twin: twin.map_or(NONE, |twin| twin.slot),
            });
        }
        let middle = first + observers as u32;
        self.levels.push(Level {
            slot,
            rank: item.end,
            event: item.returned,
            observers: (first, middle),
            mutators: (middle, self.open.len() as u32),
        });
    }

    /// What only observes and is open at a return.
    pub(in crate::linearizable) fn observers(&self, level: &Level) -> &[Open] {
        &self.open[level.observers.0 as usize..level.observers.1 as usize]
    }

    /// What may change the state and is open at a return.
    pub(in crate::linearizable) fn mutators(&self, level: &Level) -> &[Open] {
        &self.open[level.mutators.0 as usize..level.mutators.1 as usize]
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        (self.open.len() * size_of::<Open>() + self.levels.len() * size_of::<Level>()) as u64
    }
}

fn alone(of_item: &[u32], classes: usize) -> Vec<bool> {
    let mut count = vec![0_u32; classes];
    for &class in of_item {
        count[class as usize] += 1;
    }
    count.into_iter().map(|count| count == 1).collect()
}

fn crashed(items: &[Item], of_item: &[u32], classes: usize) -> Vec<Crashed> {
    let mut starts = vec![Vec::new(); classes];
    for (item, &class) in items.iter().zip(of_item) {
        if item.pending() {
            starts[class as usize].push(item.start);
        }
    }
    (0_u32..)
        .zip(starts)
        .filter(|(_, starts)| !starts.is_empty())
        .map(|(class, starts)| Crashed { class, starts })
        .collect()
}
