//! The general search, for any model: two halves that take turns, the first that knows answers.
//!
//! - [`search`], [`search_with`]: is there an order, and which. [`dead_ends`]: why there is none.
//! - `relevance`: until when what is of unknown outcome is of use.
//! - `timeline`: what is open at each return. `machine`: the model by numbers. `expand`: what
//!   follows from a configuration. `breadth`, `lazy`: the halves. `budget`: what ends them.
//!
//! By breadth is fast where no order exists, by depth where one does. They take turns by steps,
//! so that the answer depends on the budget and not on the machine.
//!
//! At a moment at which nothing is open a configuration is a state and what was used of the
//! operations of unknown outcome; the search by breadth carries nothing else past it. The search
//! by depth looks there at what still waits behind, as long as that takes a few times as long as
//! going ahead did; once nothing waits behind it forgets all of it. When it has no memory left, it
//! begins again where the search by breadth is.

mod breadth;
mod budget;
#[cfg(test)]
mod budget_tests;
mod config;
mod dead_ends;
mod expand;
mod lazy;
mod machine;
mod observed;
mod pruning;
mod relevance;
#[cfg(test)]
mod relevance_tests;
#[cfg(test)]
pub(in crate::linearizable) mod tests;
mod timeline;
mod trace;

use crate::Reason;
use crate::linearizable::item::Item;
use crate::model::Model;
use breadth::Breadth;
use budget::{Meter, Owner};
use expand::Core;
use lazy::Lazy;
use machine::{Machine, Numbered, States};
use relevance::Uses;
use timeline::{Classes, Timeline};

pub(in crate::linearizable) use budget::{Limits, Ration};
pub(in crate::linearizable) use dead_ends::{DeadEnd, dead_ends};
pub(in crate::linearizable) use pruning::{Leave, Nothing, Pruning};

/// How many steps a half makes before the other has its turn, at most.
const LONGEST_TURN: u64 = 1 << 16;
/// And at first.
const FIRST_TURN: u64 = 1 << 10;
/// So many operations are named that made a search grow.
const MOST_NAMED: usize = 8;

/// How far a half has come.
#[derive(Debug)]
enum Progress {
    /// There is an order.
    Linearizable,
    /// There is none; up to this return there is.
    Violated(usize),
    /// It may go on.
    Paused,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) enum Answer {
    /// There is an order.
    Linearizable,
    /// There is none.
    Violated {
        /// The rank in real time before which every return can be explained.
        from: u64,
        /// The rank by which there is no order any more: `from`, unless the search used
        /// knowledge about what happens later.
        by: u64,
    },
    /// Not known.
    Unknown {
        /// What ran out.
        reason: Reason,
        /// The event up to which an order exists, if up to any.
        explained: Option<usize>,
    },
}

/// How large a search was when it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::linearizable) struct Growth {
    /// How many configurations were possible at the moment at which it was.
    pub(in crate::linearizable) frontier: usize,
    /// What made them many: how many of (a sample of) the configurations have the rarer choice,
    /// and of which item, by index; the most first.
    pub(in crate::linearizable) items: Vec<(usize, u32)>,
}

/// What a search found, and what it took.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Found {
    /// The answer.
    pub(in crate::linearizable) answer: Answer,
    /// How many steps it took.
    pub(in crate::linearizable) steps: u64,
    /// If there is none: the item whose return the search could not explain.
    pub(in crate::linearizable) violated: Option<usize>,
    /// An order of indices of items, if there is one and it was asked for. What is of unknown
    /// outcome and not in it did not take effect.
    pub(in crate::linearizable) order: Option<Vec<usize>>,
    /// If it did not end: how far it had grown.
    pub(in crate::linearizable) growth: Growth,
}

impl Found {
    /// Nothing is known, for this reason.
    fn nothing(reason: Reason, steps: u64) -> Found {
        Found {
            answer: out_of(reason),
            steps,
            violated: None,
            order: None,
            growth: Growth::default(),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) enum Wanted {
    /// Whether there is an order.
    Answer,
    /// And which.
    Order,
}

/// Looks for an order of items that are sorted by start.
pub(in crate::linearizable) fn search<M: Model>(
    model: &M,
    items: &[Item<M::Op>],
    limits: &Limits<'_>,
    wanted: Wanted,
) -> Found {
    search_with(model, items, |_| Nothing, limits, wanted)
}

/// The same with knowledge about the states of this problem. It is made from the class of each
/// item; items that do the same are of the same class, and classes are numbered as they come.
pub(in crate::linearizable) fn search_with<M: Model, P: Pruning<M::State>>(
    model: &M,
    items: &[Item<M::Op>],
    pruning: impl FnOnce(&[u32]) -> P,
    limits: &Limits<'_>,
    wanted: Wanted,
) -> Found {
    let mut meter = Meter::new(limits);
    let classes = Classes::new(items);
    let uses = Uses::new(model, items, &classes);
    let timeline = match Timeline::new(model, items, &classes, &uses, &mut meter) {
        Ok(timeline) => timeline,
        Err(reason) => return Found::nothing(reason, 0),
    };
    let pruning = pruning(&classes.of_item);
    let mut states = States::new(model, pruning, classes.ops);
    search_numbered(&timeline, &mut states, meter, wanted)
}

/// Picks the width of configurations.
fn search_numbered<'a>(
    timeline: &'a Timeline,
    states: &'a mut dyn Numbered,
    meter: Meter<'a>,
    wanted: Wanted,
) -> Found {
    let machine = Machine::new(states, timeline.classes);
    let core = Core::new(timeline, machine, meter);
    match (timeline.slots, wanted) {
        (0..=64, Wanted::Answer) => portfolio::<1, 0>(core),
        (0..=64, Wanted::Order) => portfolio::<1, 1>(core),
        (65..=128, Wanted::Answer) => portfolio::<2, 0>(core),
        (65..=128, Wanted::Order) => portfolio::<2, 1>(core),
        (129..=512, Wanted::Answer) => portfolio::<8, 0>(core),
        (129..=512, Wanted::Order) => portfolio::<8, 1>(core),
        (513..=4096, Wanted::Answer) => portfolio::<64, 0>(core),
        (513..=4096, Wanted::Order) => portfolio::<64, 1>(core),
        _ => Found::nothing(Reason::BudgetMemory, 0),
    }
}

/// Nothing is known, for this reason.
pub(in crate::linearizable) const fn out_of(reason: Reason) -> Answer {
    Answer::Unknown {
        reason,
        explained: None,
    }
}

fn portfolio<const W: usize, const T: usize>(mut core: Core<'_>) -> Found {
    let mut breadth = Some(Breadth::<W, T>::new());
    let mut lazy: Option<Lazy<W, T>> = None;
    let mut lazy_gone = false;
    // What the halves had explained when their memory ran out.
    let mut explained = 0;
    let mut growth = Growth::default();
    let mut turn = FIRST_TURN;
    while core.meter.out.is_none() {
        if let Some(search) = &mut breadth {
            let until = core.meter.steps.saturating_add(turn);
            let progress = search.run(&mut core, until);
            if let Some(answer) = answer(&core, &progress) {
                let order = || search.notes.past.order(search.frontier.first()?);
                return found(&core, answer, &progress, order);
            }
            explained = explained.max(search.level);
            if core.meter.is_full(Owner::Breadth) {
                growth = search.growth(&core);
                breadth = None;
                core.meter.leave(Owner::Breadth);
            }
        }
        // Most searches end before.
        if lazy.is_none() && !lazy_gone {
            lazy = Some(Lazy::new(&mut core));
        }
        if let Some(search) = &mut lazy {
            let until = core.meter.steps.saturating_add(turn);
            let progress = search.run(&mut core, until);
            if let Some(answer) = answer(&core, &progress) {
                let order = || search.notes.past.order(&search.last?);
                return found(&core, answer, &progress, order);
            }
            explained = explained.max(search.deepest);
            if core.meter.is_full(Owner::Lazy) {
                let relieved = breadth.as_ref().is_some_and(|breadth| {
                    search.begin_again(&mut core, breadth.level, &breadth.frontier)
                });
                if !relieved {
                    lazy = None;
                    lazy_gone = true;
                    core.meter.leave(Owner::Lazy);
                }
            }
        }
        if breadth.is_none() && lazy.is_none() {
            break;
        }
        turn = (turn * 2).min(LONGEST_TURN);
    }
    if let Some(search) = &breadth {
        growth = search.growth(&core);
    }
    growth.items.truncate(MOST_NAMED);
    let explained = explained
        .checked_sub(1)
        .map(|level| core.timeline.levels[level].event);
    let reason = core.meter.out.unwrap_or(Reason::BudgetMemory);
    Found {
        growth,
        ..found(
            &core,
            Answer::Unknown { reason, explained },
            &Progress::Paused,
            || None,
        )
    }
}

fn found(
    core: &Core<'_>,
    answer: Answer,
    progress: &Progress,
    order: impl FnOnce() -> Option<Vec<usize>>,
) -> Found {
    Found {
        violated: match *progress {
            Progress::Violated(level) => Some(core.timeline.levels[level].item as usize),
            _ => None,
        },
        answer,
        steps: core.meter.steps,
        order: match answer {
            Answer::Linearizable => order(),
            _ => None,
        },
        growth: Growth::default(),
    }
}

fn answer(core: &Core<'_>, progress: &Progress) -> Option<Answer> {
    // What ran out cut off what was to be looked at.
    if core.meter.out.is_some() {
        return None;
    }
    let levels = &core.timeline.levels;
    match *progress {
        Progress::Linearizable => Some(Answer::Linearizable),
        Progress::Violated(level) => {
            let from = levels[level].rank;
            // Who looks ahead notices early.
            let by = from.max(core.looked_ahead);
            Some(Answer::Violated { from, by })
        }
        Progress::Paused => None,
    }
}
