//! A small sub-history that is already wrong, of any model.
//!
//! What is left out is left out soundly: observers one by one, and elements of containers with all
//! their operations (see [`Rule`]). Deletions are tried in halves, quarters, … (Zeller &
//! Hildebrandt, *Simplifying and isolating failure-inducing input*, TSE 2002) until no single one
//! is possible.

use polygraph_history::{History, Key, Value};
use rustc_hash::FxHashMap;

use super::item::Item;
use super::proof::{Certificate, Kept, Rule};
use super::witness::ModelName;
use crate::FailedCas;
use crate::model::{Object, Scope};

/// Says of operations that no order explains them; `false` also where that took too long to find
/// out, and `None`, from then on, when there is no time for more questions.
pub(in crate::linearizable) type Wrong<'a, O> = dyn FnMut(&[Item<O>]) -> Option<bool> + 'a;

/// The operations of a prefix: what had not ended by then may take effect later, or never.
fn prefix<M: Object>(model: &M, items: &[Item<M::Op>], end: u64) -> Vec<Item<M::Op>> {
    items
        .iter()
        .filter(|item| item.start <= end)
        .map(|item| Item {
            end: if item.end <= end { item.end } else { u64::MAX },
            ..item.clone()
        })
        // What observes later, or never, says nothing now.
        .filter(|item| !item.pending() || !model.only_observes(&item.action))
        .collect()
}

/// The end of the shortest prefix that is wrong. The whole is, and so is every prefix that is
/// longer than one that is. Where there is no time, the end of a longer one that is.
pub(in crate::linearizable) fn shortest<M: Object>(
    model: &M,
    items: &[Item<M::Op>],
    wrong: &mut Wrong<'_, M::Op>,
) -> u64 {
    let ends = items.iter().map(|item| item.end);
    let mut ends: Vec<u64> = ends.filter(|&end| end != u64::MAX).collect();
    ends.sort_unstable();
    let (mut left, mut right) = (0, ends.len().saturating_sub(1));
    while left < right {
        let middle = left + (right - left) / 2;
        match wrong(&prefix(model, items, ends[middle])) {
            Some(true) => right = middle,
            Some(false) => left = middle + 1,
            None => break,
        }
    }
    ends.get(right).copied().unwrap_or(0)
}

/// A sub-history that no order explains.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Minimal<O> {
    /// What is kept, by start.
    pub(in crate::linearizable) items: Vec<Item<O>>,
    /// Why the others may be left out.
    pub(in crate::linearizable) rule: Rule,
}

/// Leaves out of a prefix that is wrong whatever can be, so that it stays wrong. No single
/// observer and no single element can be left out of what is given back, if there is time.
pub(in crate::linearizable) fn minimal<M: Object>(
    model: &M,
    items: &[Item<M::Op>],
    end: u64,
    wrong: &mut Wrong<'_, M::Op>,
) -> Minimal<M::Op> {
    let mut shrink = Shrink {
        model,
        keep: Vec::new(),
        items: prefix(model, items, end),
        wrong,
        over: false,
    };
    shrink.keep = vec![true; shrink.items.len()];
    let mut size = usize::MAX;
    let mut rule = Rule::Observers;
    while shrink.size() < size {
        size = shrink.size();
        // Those first that keep elements from being left out.
        let observers = shrink.observers(|scope| scope == Scope::AllElements);
        shrink.leave_out(&observers);
        let elements = shrink.elements();
        if shrink.leave_out(&elements) {
            rule = Rule::Elements;
        }
        let found_nothing = shrink.found_nothing();
        if shrink.leave_out(&found_nothing) {
            rule = Rule::Elements;
        }
        let observers = shrink.observers(|_| true);
        shrink.leave_out(&observers);
    }
    Minimal {
        items: shrink.kept(),
        rule,
    }
}

/// Operations that are left out together.
type Unit = Vec<usize>;

struct Shrink<'a, 'w, M: Object> {
    model: &'a M,
    items: Vec<Item<M::Op>>,
    keep: Vec<bool>,
    wrong: &'a mut Wrong<'w, M::Op>,
    /// Whether there is no time for more.
    over: bool,
}

impl<M: Object> Shrink<'_, '_, M> {
    fn size(&self) -> usize {
        self.keep.iter().filter(|&&keep| keep).count()
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.items.len()).filter(|&at| self.keep[at])
    }

    fn kept(&self) -> Vec<Item<M::Op>> {
        self.places().map(|at| self.items[at].clone()).collect()
    }

    /// Each observer, of those of some scopes.
    fn observers(&self, of: impl Fn(Scope<'_>) -> bool) -> Vec<Unit> {
        let observes = |&at: &usize| {
            let action = &self.items[at].action;
            self.model.only_observes(action) && of(M::scope(action))
        };
        self.places().filter(observes).map(|at| vec![at]).collect()
    }

    /// Whether [`Rule::Elements`] applies to what is kept.
    fn separable(&self) -> bool {
        let takes_unknown = |item: &Item<M::Op>| M::scope(&item.action) == Scope::SomeElement;
        let depends = |at: usize| M::scope(&self.items[at].action) == Scope::AllElements;
        !self
            .items
            .iter()
            .any(|item| takes_unknown(item) && !item.pending())
            && !self.places().any(depends)
    }

    /// Each element with all its operations, in the order of the first of them.
    fn elements(&self) -> Vec<Unit> {
        if !self.separable() {
            return Vec::new();
        }
        let mut unit_of: FxHashMap<&Value, usize> = FxHashMap::default();
        let mut units: Vec<Unit> = Vec::new();
        for at in self.places() {
            if let Scope::Element(element) = M::scope(&self.items[at].action) {
                let unit = *unit_of.entry(element).or_insert(units.len());
                if unit == units.len() {
                    units.push(Vec::new());
                }
                units[unit].push(at);
            }
        }
        units
    }

    /// Each operation that found nothing and is no observer, because it tells what was possible.
    fn found_nothing(&self) -> Vec<Unit> {
        if !self.separable() {
            return Vec::new();
        }
        let found_nothing = |&at: &usize| {
            let action = &self.items[at].action;
            M::scope(action) == Scope::NoElement && !self.model.only_observes(action)
        };
        self.places()
            .filter(found_nothing)
            .map(|at| vec![at])
            .collect()
    }

    /// Whether it is still wrong without these units; then they are left out.
    fn attempt(&mut self, units: &[Unit]) -> bool {
        let mut keep = self.keep.clone();
        for &at in units.iter().flatten() {
            keep[at] = false;
        }
        std::mem::swap(&mut self.keep, &mut keep);
        let kept = self.kept();
        let wrong = (self.wrong)(&kept);
        self.over = wrong.is_none();
        if wrong != Some(true) {
            self.keep = keep;
        }
        wrong == Some(true)
    }

    /// Leaves out as many of these units as can be; says whether any was.
    fn leave_out(&mut self, units: &[Unit]) -> bool {
        let mut units = units.to_vec();
        let before = units.len();
        let mut size = units.len().div_ceil(2);
        while size > 0 {
            let (mut position, mut deleted) = (0, false);
            while position < units.len() && !self.over {
                let to = units.len().min(position + size);
                if self.attempt(&units[position..to]) {
                    units.drain(position..to);
                    deleted = true;
                } else {
                    position = to;
                }
            }
            size = match size {
                _ if self.over => 0,
                1 if deleted => 1,
                1 => 0,
                _ => size / 2,
            };
        }
        units.len() < before
    }
}

impl<O> Minimal<O> {
    /// What is kept as evidence. It is about the prefix up to the last end of what is kept.
    pub(in crate::linearizable) fn certificate(
        &self,
        history: &History,
        key: &Key,
        model: ModelName,
        failed_cas: FailedCas,
    ) -> Certificate {
        let ended = self.items.iter().filter(|item| !item.pending());
        let last = ended.max_by_key(|item| item.end);
        let (end, until) = last.map_or((0, 0), |item| (item.end, item.returned));
        let begun = self.items.iter().filter(|item| item.start <= end);
        let mut operations: Vec<Kept> = begun
            .map(|item| Kept {
                invoke: history.operations()[item.operation].invoke,
                expectation: true,
            })
            .collect();
        operations.sort_by_key(|kept| kept.invoke);
        Certificate {
            keys: vec![key.clone()],
            model,
            failed_cas,
            until,
            operations,
            rule: self.rule,
        }
    }
}

#[cfg(test)]
mod tests;
