//! Tries all orders (Wing & Gong, *Testing and verifying concurrent objects*, JPDC 1993), and
//! remembers which sets of operations were tried with which state (Lowe, *Testing for
//! linearizability*, CCPE 2017).
//!
//! Of operations that do the same and may come next only the one that ends first is tried: in an
//! order that has another of them there, the two can change places.

use rustc_hash::{FxHashMap, FxHashSet};

use super::object::Recorded;
use super::stretch::Stretch;
use super::{Effort, NotConfirmed, TOO_LARGE};
use crate::model::Object;

/// After how many steps the clock is looked at.
const GLANCE: u64 = 1 << 12;

/// Whether no order explains these operations.
pub(super) fn no_order<M: Object>(
    model: &M,
    stretch: &Stretch<M::State, M::Op>,
    effort: &Effort,
) -> Result<(), NotConfirmed> {
    match has_order(model, stretch, effort) {
        Some(false) => Ok(()),
        Some(true) => Err(NotConfirmed::Wrong(
            "an order explains these operations".to_owned(),
        )),
        None => Err(NotConfirmed::TooLarge(format!(
            "{} operations are {TOO_LARGE}",
            stretch.operations.len()
        ))),
    }
}

/// Which operations are placed: a bit each from the first word on that has one that is not, to the
/// last that has one that is. So it is as small as what is open at a moment.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Placed {
    /// How many words there are before, of operations that are all placed.
    full: usize,
    words: Vec<u64>,
}

impl Placed {
    /// The first operation that may not be placed.
    const fn from(&self) -> usize {
        64 * self.full
    }

    pub(super) fn has(&self, at: usize) -> bool {
        match (at / 64).checked_sub(self.full) {
            None => true,
            Some(word) => {
                let word = self.words.get(word);
                word.is_some_and(|word| word >> (at % 64) & 1 == 1)
            }
        }
    }

    pub(super) fn and(mut self, at: usize) -> Placed {
        let word = (at / 64).saturating_sub(self.full);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (at % 64);
        let open = self.words.iter().position(|&word| word != u64::MAX);
        let full = open.unwrap_or(self.words.len());
        self.words.drain(..full);
        self.full += full;
        self
    }
}

/// Operations by their beginnings, so that those that may come next are together.
struct Sorted<'a, O> {
    operations: Vec<&'a Recorded<O>>,
    /// Of each a number that those have in common that do the same.
    classes: Vec<usize>,
    /// Those that had ended, if the model can say of them early that they are not possible.
    must_come: Vec<usize>,
}

impl<'a, O: Eq + std::hash::Hash> Sorted<'a, O> {
    fn new<M: Object<Op = O>>(operations: &'a [Recorded<O>]) -> Sorted<'a, O> {
        let mut operations: Vec<&Recorded<O>> = operations.iter().collect();
        operations.sort_by_key(|operation| operation.start);
        let mut class_of: FxHashMap<&O, usize> = FxHashMap::default();
        let class = |operation: &&'a Recorded<O>| {
            let next = class_of.len();
            *class_of.entry(&operation.op).or_insert(next)
        };
        let classes = operations.iter().map(class).collect();
        let must_come =
            (0..operations.len()).filter(|&at| M::FORESEES && !operations[at].optional());
        Sorted {
            classes,
            must_come: must_come.collect(),
            operations,
        }
    }

    /// What may come next, of those that do the same the one that ends first; `None` if nothing
    /// must come any more. Adds to `steps` how many operations were looked at.
    fn next(&self, placed: &Placed, steps: &mut u64) -> Option<Vec<usize>> {
        let mut first_end = u64::MAX;
        let mut next = Vec::new();
        for (at, operation) in self.operations.iter().enumerate().skip(placed.from()) {
            // Nothing may come before what had ended when it began.
            if operation.start > first_end {
                break;
            }
            *steps += 1;
            if !placed.has(at) {
                first_end = first_end.min(operation.end);
                next.push(at);
            }
        }
        if first_end == u64::MAX {
            return None;
        }
        next.retain(|&at| self.operations[at].start <= first_end);
        next.sort_by_key(|&at| (self.classes[at], self.operations[at].end));
        next.dedup_by_key(|at| self.classes[*at]);
        Some(next)
    }

    /// Whether one that must still come will never be possible.
    fn is_over<M: Object<Op = O>>(
        &self,
        model: &M,
        (placed, state): &(Placed, M::State),
        steps: &mut u64,
    ) -> bool {
        let left = self.must_come.partition_point(|&at| at < placed.from());
        let mut left = self.must_come[left..].iter().filter(|at| !placed.has(**at));
        left.any(|&at| {
            *steps += 1;
            model.never(state, &self.operations[at].op)
        })
    }
}

/// Whether an order explains these operations; `None` if there is too much to try.
fn has_order<M: Object>(
    model: &M,
    stretch: &Stretch<M::State, M::Op>,
    effort: &Effort,
) -> Option<bool> {
    let sorted = Sorted::new::<M>(&stretch.operations);
    let first = (Placed::default(), stretch.state.clone());
    let mut tried: FxHashSet<(Placed, M::State)> = FxHashSet::from_iter([first.clone()]);
    let mut open = vec![first];
    let (mut steps, mut next_look) = (0, GLANCE);
    while let Some((placed, state)) = open.pop() {
        let Some(next) = sorted.next(&placed, &mut steps) else {
            return Some(true);
        };
        if tried.len() as u64 > effort.tried || steps > effort.steps {
            return None;
        }
        if steps >= next_look {
            if effort.is_over() {
                return None;
            }
            next_look = steps + GLANCE;
        }
        let op = |at: usize| &sorted.operations[at].op;
        let step = |at: usize| Some((at, model.step(&state, op(at)).ok()?));
        let mut next: Vec<(usize, M::State)> = next.into_iter().filter_map(step).collect();
        // What observes only can as well come at once: whatever came before it can follow it.
        if let Some(observer) = next.iter().position(|&(at, _)| model.only_observes(op(at))) {
            next = vec![next.swap_remove(observer)];
        }
        for (at, state) in next {
            let longer = (placed.clone().and(at), state);
            if !tried.contains(&longer) && !sorted.is_over(model, &longer, &mut steps) {
                tried.insert(longer.clone());
                open.push(longer);
            }
        }
    }
    Some(false)
}
