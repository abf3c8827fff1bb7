//! When a value may be left for good.
//!
//! A value with one writer does not come back: once another is written, every operation that
//! found it must have taken place. With distinct values this leaves the search hardly a choice.

use super::view::{Action, INITIAL, Item, OTHER, ValueId, size_of_domain};
use crate::linearizable::search::{Leave, Pruning};

/// What must have happened before a value may be left.
#[derive(Clone, Copy, Debug, Default)]
struct Obligation {
    /// How many operations write it.
    writers: u32,
    /// When the last operation begins that found it.
    last_start: u64,
    /// When the last operation ends that found it, of those that are known to have.
    last_end: u64,
    /// The compare-and-set that found it and replaced it, if one did for certain.
    swap: Swap,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Swap {
    #[default]
    None,
    One(u32),
    /// Two or more: one of them must find it again.
    Many,
}

/// For every value what must have happened before it may be left.
pub(in crate::linearizable) struct Obligations {
    of_value: Vec<Obligation>,
}

impl Obligations {
    /// Of these items, whose classes are given.
    pub(in crate::linearizable) fn new(items: &[Item], of_item: &[u32]) -> Obligations {
        let mut of_value = vec![Obligation::default(); size_of_domain(items)];
        of_value[INITIAL as usize].writers = 1;
        for (item, &class) in items.iter().zip(of_item) {
            if let Some(&value) = item.action.writes()
                && value != OTHER
            {
                of_value[value as usize].writers += 1;
            }
            if let Some(&value) = item.action.requires()
                && !item.pending()
            {
                let obligation = &mut of_value[value as usize];
                obligation.last_start = obligation.last_start.max(item.start);
                obligation.last_end = obligation.last_end.max(item.end);
                if matches!(&item.action, Action::Cas { from, to } if from != to) {
                    obligation.swap = match obligation.swap {
                        Swap::None => Swap::One(class),
                        Swap::One(_) | Swap::Many => Swap::Many,
                    };
                }
            }
        }
        Obligations { of_value }
    }
}

impl Pruning<ValueId> for Obligations {
    fn leave(&self, &value: &ValueId) -> Leave {
        let Some(obligation) = self.of_value.get(value as usize) else {
            return Leave::ALWAYS;
        };
        if obligation.writers > 1 {
            return Leave::ALWAYS;
        }
        Leave {
            from: obligation.last_start,
            known: obligation.last_end,
            by: match obligation.swap {
                Swap::None => Leave::ANY,
                Swap::One(swap) => swap,
                Swap::Many => Leave::NONE,
            },
        }
    }
}
