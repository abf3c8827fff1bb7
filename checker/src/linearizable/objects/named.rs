//! Which of the operations that a near-linear way named show what is wrong, and by which rule.

use std::mem::discriminant;

use crate::linearizable::container::refuted::Why;
use crate::linearizable::item::Item;
use crate::linearizable::pattern::Pattern;
use crate::linearizable::proof::Rule;
use crate::linearizable::sequence::Why as Sequence;
use crate::linearizable::tally::Tally;

/// So many operations a person looks at.
const MOST_SHOWN: usize = 6;

/// What a near-linear way named.
pub(super) struct Named<'a, O> {
    pub(super) items: &'a [Item<O>],
    /// Indices of items; what each pattern names is said where it is defined.
    pub(super) operations: &'a [usize],
    /// Who performed an item.
    pub(super) process: &'a dyn Fn(usize) -> u64,
}

/// What may show it.
pub(super) struct Attempt {
    /// What is kept.
    pub(super) kept: Vec<usize>,
    /// The prefix is the one in which those of these have ended that end at all.
    pub(super) ended: Vec<usize>,
    /// Why the others may be left out.
    pub(super) rule: Rule,
}

impl Attempt {
    /// With nothing but what is kept.
    pub(super) fn of(kept: Vec<usize>, rule: Rule) -> Attempt {
        Attempt {
            ended: kept.clone(),
            kept,
            rule,
        }
    }
}

impl<O> Named<'_, O> {
    /// What may show it of a lock or semaphore, the smallest first. Nothing of other objects.
    pub(super) fn of_lock(&self, why: Why, anybodys: bool) -> Vec<Attempt> {
        let (Some(&first), Some(&last)) = (self.operations.first(), self.operations.last()) else {
            return Vec::new();
        };
        let sections = |kept| Attempt::of(kept, Rule::Sections);
        let whole = self.operations.to_vec();
        match why {
            Why::NotExclusive | Why::NotHeld | Why::NotFree | Why::NotTaken if anybodys => {
                vec![Attempt::of(self.alike(last), Rule::Permits)]
            }
            // Who holds it and who acquires it; no release had begun when both had it.
            Why::NotExclusive => {
                let holder = (self.process)(first);
                let other = self.operations.iter().copied();
                let other = other.clone().find(|&at| (self.process)(at) != holder);
                vec![
                    sections(vec![first, other.unwrap_or(last)]),
                    sections(whole),
                ]
            }
            // The section before, from its beginning to its end.
            Why::NotHeld => {
                let before = self.operations.len().checked_sub(2);
                let mut kept = vec![last];
                kept.extend(before.map(|at| self.operations[at]));
                kept.extend(before.map(|_| first));
                vec![sections(kept), sections(whole)]
            }
            Why::TokenOrder => {
                let acquires = |&&at: &&usize| self.same(at, first);
                let until = self.operations.iter().rfind(acquires);
                let until = until.copied().unwrap_or(last);
                let release = self.operations.get(1).copied();
                let release = release.filter(|&at| !self.same(at, first));
                let ends = [Some(first), release, Some(until)];
                let up_to = |&at: &usize| self.items[at].start <= self.items[until].end;
                let all = self.operations.iter().copied().filter(up_to).collect();
                vec![
                    sections(ends.into_iter().flatten().collect()),
                    sections(all),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// What shows it of an object that grows.
    pub(super) fn of_growth(&self, why: Sequence) -> Attempt {
        let pattern = match why {
            Sequence::Diverge => Pattern::Diverge,
            Sequence::Phantom => Pattern::Phantom,
            Sequence::Twice => Pattern::Twice,
            Sequence::SamePlace => Pattern::SamePlace,
            Sequence::TooMuch => Pattern::TooMuch,
            Sequence::NotYet => Pattern::NotYet,
            Sequence::Missed => Pattern::Missed,
            Sequence::Older => Pattern::Older,
            Sequence::Reversed => Pattern::Reversed,
            Sequence::TooFew => Pattern::TooFew,
            Sequence::TooMany => Pattern::TooMany,
        };
        // The first of them shows it; of the others the prefix has all.
        let most = self.operations.len().min(MOST_SHOWN);
        Attempt {
            kept: self.operations[..most].to_vec(),
            ended: self.operations.to_vec(),
            rule: Rule::Growth(pattern),
        }
    }

    /// What shows it of a container, by counting: the first of them is not possible.
    pub(super) fn of_tally(&self, tally: Tally) -> Attempt {
        Attempt {
            kept: self.operations.to_vec(),
            ended: self.operations[..1].to_vec(),
            rule: Rule::Tally(tally),
        }
    }

    /// Whether two operations are of the same form.
    fn same(&self, one: usize, other: usize) -> bool {
        discriminant(&self.items[one].action) == discriminant(&self.items[other].action)
    }

    /// An operation, and of those of the same form that had ended before it the last ones.
    fn alike(&self, last: usize) -> Vec<usize> {
        let end = self.items[last].end;
        let ended = |&at: &usize| at != last && self.same(at, last) && self.items[at].end <= end;
        let mut alike: Vec<usize> = self.operations.iter().copied().filter(ended).collect();
        alike.sort_by_key(|&at| self.items[at].end);
        let most = alike.len().saturating_sub(MOST_SHOWN - 1);
        alike.drain(..most);
        alike.push(last);
        alike
    }
}
