//! A small sub-history that is already wrong, of any model.
//!
//! What is left out is left out soundly: whatever came before an operation that tells the whole
//! state (see [`Certificate::since`]), observers one by one, and elements of containers with all
//! their operations (see [`Rule`]). Deletions are tried in halves, quarters, … (Zeller &
//! Hildebrandt, *Simplifying and isolating failure-inducing input*, TSE 2002) until no single one
//! is possible.

use polygraph_history::{History, Key, Value};
use rustc_hash::FxHashMap;

use super::item::Item;
use super::proof::{Certificate, Kept, Rule};
use super::witness::ModelName;
use crate::FailedCas;
use crate::model::{Model, Object, Other, Scope};

/// Says of operations that no order explains them that begins in a state; `false` also where that
/// took too long to find out, and `None`, from then on, when there is no time for more questions.
pub(in crate::linearizable) type Wrong<'a, M> =
    dyn FnMut(&<M as Model>::State, &[Item<<M as Model>::Op>]) -> Option<bool> + 'a;

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
    wrong: &mut Wrong<'_, M>,
) -> u64 {
    let initial = model.initial();
    let ends = items.iter().map(|item| item.end);
    let mut ends: Vec<u64> = ends.filter(|&end| end != u64::MAX).collect();
    ends.sort_unstable();
    let (mut left, mut right) = (0, ends.len().saturating_sub(1));
    while left < right {
        let middle = left + (right - left) / 2;
        match wrong(&initial, &prefix(model, items, ends[middle])) {
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
    /// What is kept, by start, without the operation that all of it comes after.
    pub(in crate::linearizable) items: Vec<Item<O>>,
    /// That operation, if it does not begin with the first state.
    pub(in crate::linearizable) since: Option<Item<O>>,
    /// Why the others may be left out.
    pub(in crate::linearizable) rule: Rule,
}

/// Leaves out of a prefix that is wrong whatever can be, so that it stays wrong. No single
/// observer and no single element can be left out of what is given back, if there is time.
pub(in crate::linearizable) fn minimal<M: Object>(
    model: &M,
    items: &[Item<M::Op>],
    end: u64,
    wrong: &mut Wrong<'_, M>,
) -> Minimal<M::Op> {
    let items = prefix(model, items, end);
    let takes_unknown = |item: &Item<M::Op>| M::scope(&item.action) == Scope::SomeElement;
    let mut shrink = Shrink {
        model,
        keep: vec![true; items.len()],
        unknown_taken: items
            .iter()
            .any(|item| takes_unknown(item) && !item.pending()),
        items,
        since: None,
        state: model.initial(),
        wrong,
        over: false,
    };
    shrink.begin_later(false);
    let mut size = usize::MAX;
    let mut rule = Rule::Observers;
    while shrink.size() < size {
        size = shrink.size();
        // Those first that keep elements from being left out.
        let observers = shrink.observers(|scope| scope == Scope::AllElements);
        shrink.leave_out(&observers);
        let elements = shrink.elements();
        if shrink.only_the_last(&elements) || shrink.leave_out(&elements) {
            rule = Rule::Elements;
        }
        if shrink.is_alone() && shrink.begin_later(true) {
            rule = Rule::Elements;
        }
        let found_nothing = shrink.found_nothing();
        if shrink.leave_out(&found_nothing) {
            rule = Rule::Elements;
        }
        let observers = shrink.observers(|_| true);
        shrink.leave_out(&observers);
        // What was left out may have shown what nobody told.
        if M::OTHERS_TELL {
            shrink.begin_later(false);
        }
    }
    Minimal {
        items: shrink.kept(),
        since: shrink.since.map(|base| shrink.items[base].clone()),
        rule,
    }
}

/// Operations that are left out together.
type Unit = Vec<usize>;

struct Shrink<'a, 'w, M: Object> {
    model: &'a M,
    items: Vec<Item<M::Op>>,
    keep: Vec<bool>,
    /// Whether one took an element for certain that nobody knows.
    unknown_taken: bool,
    /// What all others come after; it is not among those that are kept.
    since: Option<usize>,
    /// The state that it left, or the first one.
    state: M::State,
    wrong: &'a mut Wrong<'w, M>,
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
        self.after(self.since)
    }

    /// What is kept and may come after an operation. Of what was open at the same time nobody
    /// knows whether it does.
    fn after(&self, since: Option<usize>) -> Vec<Item<M::Op>> {
        let open =
            |at: usize| since.is_some_and(|base| self.items[at].start <= self.items[base].end);
        let item = |at: usize| Item {
            end: if open(at) {
                u64::MAX
            } else {
                self.items[at].end
            },
            ..self.items[at].clone()
        };
        self.places_after(since).into_iter().map(item).collect()
    }

    /// The places of that.
    fn places_after(&self, since: Option<usize>) -> Vec<usize> {
        let (start, end) = match since.map(|base| &self.items[base]) {
            Some(base) => (base.start, Some(base.end)),
            None => (0, None),
        };
        let may_come = |&at: &usize| {
            let item = &self.items[at];
            let open = item.pending() || end.is_some_and(|end| item.start <= end);
            Some(at) != since
                && item.end >= start
                && !(open && self.model.only_observes(&item.action))
        };
        self.places().filter(may_come).collect()
    }

    /// The state in which everything begins that is kept and may come after an operation; `None` if
    /// that is not told.
    fn state_after(&self, base: usize, alone: bool) -> Option<M::State> {
        if !M::OTHERS_TELL {
            return self.model.leaves(&self.items[base].action, alone);
        }
        let places = self.places_after(Some(base));
        // The prefix ends with the last of these, whatever had ended later.
        let base_end = self.items[base].end;
        let behind = places.iter().map(|&at| &self.items[at]);
        let behind = behind.filter(|item| !item.pending() && item.start > base_end);
        let last = behind.map(|item| item.end).fold(base_end, u64::max);
        let others: Vec<Other<'_, M::Op>> = (places.iter())
            .map(|&at| Other {
                op: &self.items[at].action,
                certain: self.items[at].end <= last,
            })
            .collect();
        self.model
            .leaves_among(&self.items[base].action, alone, &others)
    }

    /// What the operation says that all others come after.
    fn base(&self) -> Option<&M::Op> {
        self.since.map(|base| &self.items[base].action)
    }

    /// Looks for the last operation that tells the state, and behind which it is wrong as well,
    /// and keeps only what may come after that; says whether there is one. Behind an operation
    /// that came earlier it is all the more wrong, so that few have to be tried, and the short
    /// ends first.
    fn begin_later(&mut self, alone: bool) -> bool {
        // What had ended before the one so far began is not kept any more. That one may come after
        // another one that was open at the same time.
        let old = self.since;
        let since = old.map_or(0, |old| self.items[old].start);
        if let Some(old) = old {
            self.keep[old] = true;
        }
        let found = self.find_later(since, alone);
        if let Some(old) = old
            && (!found || self.since == Some(old))
        {
            self.keep[old] = false;
        }
        found
    }

    fn find_later(&mut self, since: u64, alone: bool) -> bool {
        let tells = |&at: &usize| {
            let item = &self.items[at];
            !item.pending()
                && item.start >= since
                && Some(at) != self.since
                && self.model.tells(&item.action, alone)
        };
        let mut bases: Vec<usize> = self.places().filter(tells).collect();
        bases.sort_by_key(|&at| (u64::MAX - self.items[at].end, at));
        let mut not_wrong = 0;
        let mut size = 1;
        let mut found = None;
        while found.is_none() && not_wrong < bases.len() {
            let at = bases.len().min(size) - 1;
            match self.is_wrong_after(bases[at], alone) {
                Some(true) => found = Some(at),
                Some(false) => not_wrong = at + 1,
                None => return false,
            }
            size *= 2;
        }
        let Some(mut found) = found else {
            return false;
        };
        while not_wrong < found {
            let middle = not_wrong + (found - not_wrong) / 2;
            match self.is_wrong_after(bases[middle], alone) {
                Some(true) => found = middle,
                Some(false) => not_wrong = middle + 1,
                None => break,
            }
        }
        let at = bases[found];
        let model = self.model;
        let state = self.state_after(at, alone);
        self.state = state.expect("bases tell the state");
        let base = &self.items[at];
        for (item, keep) in self.items.iter().zip(&mut self.keep) {
            let open = item.pending() || item.start <= base.end;
            let shows_nothing = open && model.only_observes(&item.action);
            *keep &= item.end >= base.start && !shows_nothing;
        }
        self.keep[at] = false;
        self.since = Some(at);
        true
    }

    fn is_wrong_after(&mut self, at: usize, alone: bool) -> Option<bool> {
        let Some(state) = self.state_after(at, alone) else {
            return Some(false);
        };
        let items = self.after(Some(at));
        let wrong = (self.wrong)(&state, &items);
        self.over = wrong.is_none();
        wrong
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
        let depends = |action: &M::Op| M::scope(action) == Scope::AllElements;
        let kept = self.places().map(|at| &self.items[at].action);
        let mut actions = kept.chain(self.base());
        !self.unknown_taken && !actions.any(depends)
    }

    /// Whether it does, and all that is kept is about the same element.
    fn is_alone(&self) -> bool {
        let kept = self.places().map(|at| &self.items[at].action);
        let actions = kept.chain(self.base());
        let mut elements = actions.filter_map(|action| match M::scope(action) {
            Scope::Element(element) => Some(element),
            _ => None,
        });
        let first = elements.next();
        self.separable() && first.is_some() && elements.all(|element| Some(element) == first)
    }

    /// Each element with all its operations, in the order of the first of them.
    fn elements(&self) -> Vec<Unit> {
        if !self.separable() {
            return Vec::new();
        }
        // What all comes after stays.
        let of_base = match self.base().map(M::scope) {
            Some(Scope::Element(element)) => Some(element),
            _ => None,
        };
        let mut unit_of: FxHashMap<&Value, usize> = FxHashMap::default();
        let mut units: Vec<Unit> = Vec::new();
        for at in self.places() {
            if let Scope::Element(element) = M::scope(&self.items[at].action)
                && Some(element) != of_base
            {
                let unit = *unit_of.entry(element).or_insert(units.len());
                if unit == units.len() {
                    units.push(Vec::new());
                }
                units[unit].push(at);
            }
        }
        units
    }

    /// Leaves out all elements but that of the operation that ends last, if it is wrong then.
    fn only_the_last(&mut self, elements: &[Unit]) -> bool {
        let ended = self.places().filter(|&at| !self.items[at].pending());
        let Some(last) = ended.max_by_key(|&at| self.items[at].end) else {
            return false;
        };
        let others: Vec<Unit> = elements
            .iter()
            .filter(|unit| !unit.contains(&last))
            .cloned()
            .collect();
        others.len() + 1 == elements.len() && !others.is_empty() && self.attempt(&others)
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
        let told = match self.since {
            Some(base) if M::OTHERS_TELL => self.state_after(base, false),
            _ => Some(self.state.clone()),
        };
        let wrong = match &told {
            Some(state) => (self.wrong)(state, &kept),
            None => Some(false),
        };
        self.over = wrong.is_none();
        match told {
            Some(state) if wrong == Some(true) => self.state = state,
            _ => self.keep = keep,
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
        let all = || self.since.iter().chain(&self.items);
        let ended = all().filter(|item| !item.pending());
        let last = ended.max_by_key(|item| item.end);
        let (end, until) = last.map_or((0, 0), |item| (item.end, item.returned));
        let begun = all().filter(|item| item.start <= end);
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
            since: (self.since.as_ref()).map(|base| history.operations()[base.operation].invoke),
        }
    }
}

#[cfg(test)]
mod tests;
