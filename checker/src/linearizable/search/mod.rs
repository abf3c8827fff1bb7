//! The general search: two halves that take turns, the first that knows answers.
//!
//! By breadth is fast where no order exists, by depth where one does. They take turns by steps,
//! so that the answer depends on the budget and not on the machine.

pub(in crate::linearizable) mod breadth;
pub(in crate::linearizable) mod config;
pub(in crate::linearizable) mod expand;
pub(in crate::linearizable) mod lazy;
pub(in crate::linearizable) mod machine;
pub(in crate::linearizable) mod timeline;

use std::time::Instant;

use crate::Reason;
use crate::linearizable::register::view::Item;
use breadth::Breadth;
use expand::Core;
use lazy::Lazy;
use timeline::Timeline;

/// How many steps a half makes before the other has its turn, at most.
const LONGEST_TURN: u64 = 1 << 16;
/// And at first.
const FIRST_TURN: u64 = 1 << 10;

/// How far a half has come.
pub(in crate::linearizable) enum Progress {
    /// There is an order.
    Linearizable,
    /// There is none; up to this return there is.
    Violated(usize),
    /// It may go on.
    Paused,
}

/// How much a search may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Limits {
    /// Transitions looked at.
    pub(in crate::linearizable) steps: u64,
    /// Bytes held.
    pub(in crate::linearizable) bytes: u64,
    /// When to stop in any case.
    pub(in crate::linearizable) deadline: Option<Instant>,
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
        /// The rank by which there is no order any more.
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

/// Looks for an order of these items, sorted by start; says also how many steps it took.
pub(in crate::linearizable) fn search(items: &[Item], limits: &Limits) -> (Answer, u64) {
    let Some(timeline) = Timeline::new(items, limits.bytes) else {
        return (out_of(Reason::BudgetMemory), 0);
    };
    match timeline.slots {
        0..=64 => portfolio::<1>(&timeline, limits),
        65..=128 => portfolio::<2>(&timeline, limits),
        129..=512 => portfolio::<8>(&timeline, limits),
        513..=4096 => portfolio::<64>(&timeline, limits),
        _ => (out_of(Reason::BudgetMemory), 0),
    }
}

/// Nothing is known, for this reason.
pub(in crate::linearizable) const fn out_of(reason: Reason) -> Answer {
    Answer::Unknown {
        reason,
        explained: None,
    }
}

fn portfolio<const W: usize>(timeline: &Timeline, limits: &Limits) -> (Answer, u64) {
    let mut core = Core::new(timeline);
    let mut breadth = Some(Breadth::<W>::new());
    let mut lazy = Some(Lazy::<W>::new(&mut core));
    // What the halves had explained when their memory ran out.
    let mut explained = 0;
    let mut turn = FIRST_TURN;
    loop {
        let half = limits.bytes.saturating_sub(core.bytes()) / 2;
        if let Some(search) = &mut breadth {
            let until = limits.steps.min(core.steps + turn);
            let progress = search.run(&mut core, until);
            if let Some(answer) = answer(&core, progress) {
                return (answer, core.steps);
            }
            explained = explained.max(search.level);
            if search.bytes() > half {
                breadth = None;
            }
        }
        if let Some(search) = &mut lazy {
            let until = limits.steps.min(core.steps + turn);
            let progress = search.run(&mut core, until);
            if let Some(answer) = answer(&core, progress) {
                return (answer, core.steps);
            }
            explained = explained.max(search.deepest);
            if search.bytes() > half {
                lazy = None;
            }
        }
        let late = || {
            limits
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
        };
        let reason = if breadth.is_none() && lazy.is_none() {
            Reason::BudgetMemory
        } else if core.steps >= limits.steps {
            Reason::BudgetSteps
        } else if late() {
            Reason::BudgetTime
        } else {
            turn = (turn * 2).min(LONGEST_TURN);
            continue;
        };
        let explained = explained
            .checked_sub(1)
            .map(|level| timeline.levels[level].event);
        return (Answer::Unknown { reason, explained }, core.steps);
    }
}

fn answer(core: &Core<'_>, progress: Progress) -> Option<Answer> {
    let levels = &core.timeline.levels;
    match progress {
        Progress::Linearizable => Some(Answer::Linearizable),
        Progress::Violated(level) => {
            let from = levels[level].rank;
            // Who looks ahead notices early.
            let by = if core.looked_ahead {
                levels[levels.len() - 1].rank
            } else {
                from
            };
            Some(Answer::Violated { from, by })
        }
        Progress::Paused => None,
    }
}
