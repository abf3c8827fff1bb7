//! Why there is no order: all that may have been the case just before the return that none
//! explains, and what the model says to each operation that is open then.

use std::collections::BTreeMap;

use super::breadth::Breadth;
use super::budget::{Limits, Meter};
use super::config::{Config, has};
use super::expand::Core;
use super::machine::{Machine, Numbered, States};
use super::pruning::Nothing;
use super::relevance::Uses;
use super::timeline::{Classes, Timeline};
use super::{Answer, Progress};
use crate::Reason;
use crate::linearizable::item::Item;
use crate::model::Model;

/// A state in which an object may have been just before an operation returned that is not
/// possible there.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct DeadEnd<S> {
    /// The state.
    pub(in crate::linearizable) state: S,
    /// In how many ways it comes about: which open operations, and which of unknown outcome,
    /// have taken effect.
    pub(in crate::linearizable) ways: usize,
    /// One of them: the open operations that have taken effect, as indices of items.
    pub(in crate::linearizable) done: Vec<usize>,
    /// What has not taken effect in one of them and is not possible, by index, and why; the
    /// operation that returns first.
    pub(in crate::linearizable) refusals: Vec<(usize, String)>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct DeadEnds<S> {
    /// The item whose return ends the shortest prefix that has no order.
    pub(in crate::linearizable) item: usize,
    /// The states, those that come about in most ways first.
    pub(in crate::linearizable) states: Vec<DeadEnd<S>>,
    /// How many more states there are.
    pub(in crate::linearizable) more: usize,
}

/// Works out the dead ends of items that are sorted by start and have no order, so many states at
/// most.
///
/// # Errors
/// What ran out; or that there is an order after all.
pub(in crate::linearizable) fn dead_ends<M: Model>(
    model: &M,
    items: &[Item<M::Op>],
    limits: &Limits<'_>,
    most: usize,
) -> Result<DeadEnds<M::State>, Answer> {
    let unknown = |reason: Reason| super::out_of(reason);
    let mut meter = Meter::new(limits);
    let classes = Classes::new(items);
    // All that may have been the case, of use or not.
    let uses = Uses::unknown();
    let timeline = Timeline::new(model, items, &classes, &uses, &mut meter).map_err(unknown)?;
    let ops = classes.ops.clone();
    let mut states = States::new(model, Nothing, classes.ops);
    let (level, ends) = match timeline.slots {
        0..=64 => last_frontier::<1>(&timeline, &mut states, meter),
        65..=128 => last_frontier::<2>(&timeline, &mut states, meter),
        129..=512 => last_frontier::<8>(&timeline, &mut states, meter),
        513..=4096 => last_frontier::<64>(&timeline, &mut states, meter),
        _ => Err(unknown(Reason::BudgetMemory)),
    }?;
    let more = ends.len().saturating_sub(most);
    let mut ends: Vec<(u32, End)> = ends.into_iter().collect();
    ends.sort_by_key(|(state, end)| (usize::MAX - end.ways, *state));
    let item = timeline.levels[level].item as usize;
    let dead_end = |(number, end): (u32, End)| {
        let state = states.state(number).clone();
        let refusal = |at: u32| {
            let op = ops[classes.of_item[at as usize] as usize];
            let refusal = model.step(&state, op).err()?;
            Some((at as usize, refusal.to_string()))
        };
        let mut refusals: Vec<(usize, String)> = end.left.into_iter().filter_map(refusal).collect();
        refusals.sort_by_key(|&(at, _)| (at != item, at));
        DeadEnd {
            refusals,
            state,
            ways: end.ways,
            done: end.done,
        }
    };
    Ok(DeadEnds {
        item,
        states: ends.into_iter().take(most).map(dead_end).collect(),
        more,
    })
}

/// What is known of a state in the end.
#[derive(Default)]
struct End {
    ways: usize,
    done: Vec<usize>,
    left: Vec<u32>,
}

/// The states just before the return that nothing explains, by number, and which level that is.
fn last_frontier<'a, const W: usize>(
    timeline: &'a Timeline,
    states: &'a mut dyn Numbered,
    meter: Meter<'a>,
) -> Result<(usize, BTreeMap<u32, End>), Answer> {
    let machine = Machine::new(states, timeline.classes);
    let mut core = Core::new(timeline, machine, meter);
    let mut breadth = Breadth::<W, 0>::remembering();
    let progress = breadth.run(&mut core, u64::MAX);
    let at = match (super::answer(&core, &progress), progress) {
        (Some(Answer::Violated { .. }), Progress::Violated(at)) => at,
        (Some(answer), _) => return Err(answer),
        (None, _) => {
            let reason = core.meter.out.unwrap_or(Reason::BudgetMemory);
            let explained = breadth.level.checked_sub(1);
            return Err(Answer::Unknown {
                reason,
                explained: explained.map(|level| timeline.levels[level].event),
            });
        }
    };
    let mut ends: BTreeMap<u32, End> = BTreeMap::new();
    for config in breadth.remembered() {
        let (done, left) = halves(&core, at, config);
        let end = ends.entry(config.state).or_default();
        if end.ways == 0 {
            end.done = done;
        }
        end.ways += 1;
        end.left.extend(left);
        // Many ways have the same operations left.
        if end.left.len() > 1 << 12 {
            end.left.sort_unstable();
            end.left.dedup();
        }
    }
    for end in ends.values_mut() {
        end.left.sort_unstable();
        end.left.dedup();
    }
    Ok((at, ends))
}

/// Which of the open operations of a configuration have taken effect, and which operations have
/// not: open ones, and the next of each class of unknown outcome.
fn halves<const W: usize>(
    core: &Core<'_>,
    level: usize,
    config: &Config<W, 0>,
) -> (Vec<usize>, Vec<u32>) {
    let level = &core.timeline.levels[level];
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for open in core.timeline.open(level) {
        if has(&config.done, open.slot) {
            done.push(open.item as usize);
        } else {
            left.push(open.item);
        }
    }
    for (at, crashed) in core.timeline.crashed.iter().enumerate() {
        let used = core.usage.of(config.used, at);
        if used < crashed.begun(level.rank) {
            left.push(crashed.item(used));
        }
    }
    (done, left)
}
