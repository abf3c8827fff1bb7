//! How much a search may take, and the meter that stops it.
//!
//! Steps and bytes are exact: a search stops before the step, or the growth of a table, that
//! would exceed them. The clock and the flag are looked at every few thousand steps, and after
//! every step that a model made itself instead of the table of transitions; so a search ends late
//! by one step of the model at most.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::Answer;
use crate::Reason;

/// After how many steps the clock is looked at.
const GLANCE: u64 = 1 << 12;

/// How much a search may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Limits<'a> {
    /// Transitions looked at.
    pub(in crate::linearizable) steps: u64,
    /// Bytes held.
    pub(in crate::linearizable) bytes: u64,
    /// When to stop in any case.
    pub(in crate::linearizable) deadline: Option<Instant>,
    /// Set by whoever needs the answer no more.
    pub(in crate::linearizable) stop: Option<&'a AtomicBool>,
}

impl Limits<'_> {
    /// What a look at the clock and the flag says.
    pub(in crate::linearizable) fn interrupted(&self) -> Option<Reason> {
        let flagged = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if self.stop.is_some_and(flagged) {
            return Some(Reason::Interrupted);
        }
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
            .then_some(Reason::BudgetTime)
    }
}

/// So many steps a search of a ration may take in any case, if they are left.
const LEAST: u64 = 1 << 20;

/// Limits for many searches of ever smaller problems, one after the other. The clock is looked at
/// before each. None may take all: what takes four times as long as the last that found that there
/// is no order will hardly find that too.
#[derive(Debug)]
pub(in crate::linearizable) struct Ration<'a> {
    left: Limits<'a>,
    /// How many steps the next search may take.
    each: u64,
    out: Option<Reason>,
}

impl<'a> Ration<'a> {
    /// Nothing used yet.
    pub(in crate::linearizable) const fn new(limits: &Limits<'a>) -> Ration<'a> {
        Ration {
            left: *limits,
            each: u64::MAX,
            out: None,
        }
    }

    /// The limits of the next search; `None`, and never more, once anything has run out.
    pub(in crate::linearizable) fn next(&mut self) -> Option<Limits<'a>> {
        if self.out.is_none() {
            self.out = match self.left.steps {
                0 => Some(Reason::BudgetSteps),
                _ => self.left.interrupted(),
            };
        }
        let steps = self.each.min(self.left.steps / 4).max(LEAST);
        self.out.is_none().then_some(Limits {
            steps: steps.min(self.left.steps),
            ..self.left
        })
    }

    /// Takes off what a search of so many operations took; says whether it found that there is no
    /// order.
    pub(in crate::linearizable) fn spend(
        &mut self,
        steps: u64,
        operations: usize,
        answer: Answer,
    ) -> bool {
        // To make a search ready takes about as many steps as there are operations.
        let all = steps + operations as u64 + 1;
        self.left.steps = self.left.steps.saturating_sub(all);
        let wrong = matches!(answer, Answer::Violated { .. });
        if wrong {
            self.each = steps.saturating_mul(4);
        }
        wrong
    }

    /// What has run out, if anything was refused because of that.
    pub(in crate::linearizable) const fn out(&self) -> Option<Reason> {
        self.out
    }
}

/// Who holds memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The problem and the model's states.
    Core,
    /// The search by breadth.
    Breadth,
    /// The search by depth.
    Lazy,
}

/// Counts the steps and the bytes of a search.
pub(super) struct Meter<'a> {
    /// What the search may take.
    pub(super) limits: &'a Limits<'a>,
    /// How many steps it made.
    pub(super) steps: u64,
    /// What ran out, if something did: then the search is over.
    pub(super) out: Option<Reason>,
    next_look: u64,
    held: [u64; 3],
    /// Who asked for more than there is.
    full: [bool; 3],
    /// Who has given up, so that others have its part.
    gone: [bool; 3],
}

impl<'a> Meter<'a> {
    /// Nothing used yet.
    pub(super) fn new(limits: &'a Limits<'a>) -> Meter<'a> {
        Meter {
            limits,
            steps: 0,
            out: None,
            next_look: 0,
            held: [0; 3],
            full: [false; 3],
            gone: [false; 3],
        }
    }

    /// Counts a step; `false` if there is none left.
    #[inline]
    pub(super) fn tick(&mut self) -> bool {
        if self.steps >= self.next_look && !self.may_go_on() {
            return false;
        }
        self.steps += 1;
        true
    }

    #[cold]
    fn may_go_on(&mut self) -> bool {
        if self.out.is_none() {
            self.out = if self.steps >= self.limits.steps {
                Some(Reason::BudgetSteps)
            } else {
                self.limits.interrupted()
            };
        }
        self.next_look = match self.out {
            Some(_) => 0,
            None => self.limits.steps.min(self.steps + GLANCE),
        };
        self.out.is_none()
    }

    /// Looks at the clock now.
    pub(super) fn look(&mut self) {
        if self.out.is_none() {
            self.out = self.limits.interrupted();
            if self.out.is_some() {
                self.next_look = 0;
            }
        }
    }

    /// Makes room for `new` bytes in place of `old` ones, which are there until those are; `false`
    /// if there is not so much.
    pub(super) fn grow(&mut self, owner: Owner, old: u64, new: u64) -> bool {
        let all = self.limits.bytes;
        let total: u64 = self.held.iter().sum();
        let both = !self.gone[Owner::Breadth as usize] && !self.gone[Owner::Lazy as usize];
        let part = match owner {
            Owner::Breadth | Owner::Lazy if both => {
                all.saturating_sub(self.held[Owner::Core as usize]) / 2
            }
            _ => all,
        };
        let held = &mut self.held[owner as usize];
        if held.saturating_add(new) > part || total.saturating_add(new) > all {
            self.full[owner as usize] = true;
            if owner == Owner::Core && self.out.is_none() {
                self.out = Some(Reason::BudgetMemory);
                self.next_look = 0;
            }
            return false;
        }
        *held = (*held + new).saturating_sub(old);
        true
    }

    /// Gives back bytes.
    pub(super) fn shrink(&mut self, owner: Owner, bytes: u64) {
        let held = &mut self.held[owner as usize];
        *held = held.saturating_sub(bytes);
    }

    /// How many bytes somebody holds.
    #[cfg(test)]
    pub(super) const fn held(&self, owner: Owner) -> u64 {
        self.held[owner as usize]
    }

    /// Says that somebody has given up, and holds nothing any more.
    pub(super) const fn leave(&mut self, owner: Owner) {
        self.held[owner as usize] = 0;
        self.gone[owner as usize] = true;
    }

    /// Whether somebody asked for more than there is.
    pub(super) const fn is_full(&self, owner: Owner) -> bool {
        self.full[owner as usize]
    }

    /// Forgets that, after somebody has given back something.
    pub(super) const fn try_again(&mut self, owner: Owner) {
        self.full[owner as usize] = false;
    }

    /// Appends to a list; `false` if there is no room.
    #[inline]
    pub(super) fn push<T>(&mut self, owner: Owner, list: &mut Vec<T>, value: T) -> bool {
        if list.len() == list.capacity() && !self.extend(owner, list) {
            return false;
        }
        list.push(value);
        true
    }

    #[cold]
    fn extend<T>(&mut self, owner: Owner, list: &mut Vec<T>) -> bool {
        let (old, size) = (list.capacity(), size_of::<T>() as u64);
        let new = (2 * old).max(16);
        let allowed = self.grow(owner, old as u64 * size, new as u64 * size);
        if allowed {
            list.reserve_exact(new - list.len());
        }
        allowed
    }

    /// Makes room for one more entry in a table; `false` if there is none.
    #[inline]
    pub(super) fn reserve<K: Eq + Hash, V>(
        &mut self,
        owner: Owner,
        map: &mut FxHashMap<K, V>,
    ) -> bool {
        map.len() < map.capacity() || self.enlarge(owner, map)
    }

    #[cold]
    fn enlarge<K: Eq + Hash, V>(&mut self, owner: Owner, map: &mut FxHashMap<K, V>) -> bool {
        let old = table_bytes(map);
        let new = 2 * old.max(8 * (size_of::<(K, V)>() as u64 + 1));
        let allowed = self.grow(owner, old, new);
        if allowed {
            map.reserve(map.capacity() + 1 - map.len());
        }
        allowed
    }
}

/// How many bytes a table holds: its entries and a byte for each, with an eighth of it empty.
pub(super) fn table_bytes<K, V>(map: &FxHashMap<K, V>) -> u64 {
    let places = match map.capacity() {
        0 => return 0,
        few @ 1..8 => (few + 1).next_power_of_two(),
        many => (many * 8 / 7).next_power_of_two(),
    };
    (places * (size_of::<(K, V)>() + 1) + 16) as u64
}
