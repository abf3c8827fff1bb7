//! Sets, each of whose elements is added once at most and removed once at most, in O(n log n).
//!
//! Whether an element is in has nothing to do with the others, so that each is judged for itself
//! (locality: Herlihy & Wing, TOPLAS 1990, theorem 1). It is in from a moment of its add to one of
//! its removal, as late and as early as they can be: who found it needs a moment between these
//! two, who missed it one that is not. If that can be the same moment, everybody finds one. Where
//! a removal need not find anything, it may also come before the add.
//!
//! Not so where somebody reads the whole set, for which all elements need one moment. Then only
//! what is wrong even without these reads is found here.

use rustc_hash::FxHashMap;

use super::pattern::known_by;
use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;
use crate::model::SetOp;

type Set = [Item<SetOp<u32>>];

/// Says whether these operations have an order; `None` if no near-linear way is known for some
/// elements, or somebody reads the whole set, and nothing is wrong with the others. Of a `strict` set adds and removals succeed
/// only if they change something.
pub(in crate::linearizable) fn decide(items: &Set, strict: bool) -> Option<Result<(), Refuted>> {
    let mut known = !reads_all(items);
    for member in members(items) {
        match member.judge(items, strict) {
            Some(Ok(_)) => {}
            Some(Err(why)) => return Some(Err(member.refuted(items, strict, why))),
            None => known = false,
        }
    }
    known.then_some(Ok(()))
}

/// The operations on elements for which no near-linear way is known, as indices of items: there
/// is an order of all if there is one of these, and nothing is wrong with the others. They are
/// all operations where somebody reads the whole set.
pub(in crate::linearizable) fn undecided(items: &Set, strict: bool) -> Vec<usize> {
    if reads_all(items) {
        return (0..items.len()).collect();
    }
    let all = members(items).into_iter();
    let mut left: Vec<usize> = all
        .filter(|member| member.judge(items, strict).is_none())
        .flat_map(|member| member.all)
        .collect();
    left.sort_unstable();
    left
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Set, strict: bool) -> Option<Vec<usize>> {
    if reads_all(items) {
        return None;
    }
    let mut placed: Vec<(u64, u32, u8, usize)> = Vec::with_capacity(items.len());
    for (name, member) in (0_u32..).zip(members(items)) {
        let span = member.judge(items, strict)?.ok()?;
        for (at, rank, phase) in member.place(items, span) {
            placed.push((rank, name, phase, at));
        }
    }
    placed.sort_unstable();
    Some(placed.into_iter().map(|(.., at)| at).collect())
}

/// Whether somebody read the whole set.
fn reads_all(items: &Set) -> bool {
    let whole = |item: &Item<SetOp<u32>>| matches!(item.action, SetOp::Read(_));
    items.iter().any(|item| whole(item) && !item.pending())
}

/// The operations on an element, by kind.
#[derive(Debug, Default)]
struct Member {
    adds: Vec<usize>,
    removals: Vec<usize>,
    finds: Vec<usize>,
    misses: Vec<usize>,
    all: Vec<usize>,
}

/// When an element is in.
#[derive(Clone, Copy, Debug)]
enum Span {
    /// Never.
    Never,
    /// From the one moment to the other, if it is removed at all.
    Between(u64, u64),
    /// From a moment on; its removal, which found nothing, came before.
    From(u64),
}

fn members(items: &Set) -> Vec<Member> {
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut members: Vec<Member> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Some(&element) = item.action.element() else {
            continue;
        };
        let place = *places.entry(element).or_insert_with(|| {
            members.push(Member::default());
            members.len() - 1
        });
        let member = &mut members[place];
        member.all.push(at);
        match item.action {
            SetOp::Add(_) => member.adds.push(at),
            SetOp::Remove(_) => member.removals.push(at),
            SetOp::Contains { found: true, .. } if !item.pending() => member.finds.push(at),
            SetOp::Contains { found: false, .. } if !item.pending() => member.misses.push(at),
            SetOp::Contains { .. } | SetOp::Read(_) => {}
        }
    }
    members
}

impl Member {
    /// When the element is in, or what is wrong.
    fn judge(&self, items: &Set, strict: bool) -> Option<Result<Span, Why>> {
        let removed = || self.removals.iter().any(|&at| !items[at].pending());
        let add = match self.adds[..] {
            [] if !self.finds.is_empty() || strict && removed() => {
                return Some(Err(Why::NeverPut));
            }
            [] => return Some(Ok(Span::Never)),
            // As nobody saw it, it may as well not have happened.
            [add] if items[add].pending() && self.finds.is_empty() && !(strict && removed()) => {
                return Some(Ok(Span::Never));
            }
            [add] => &items[add],
            _ => return None,
        };
        let removal = match self.removals[..] {
            [] => None,
            [removal] => Some(&items[removal]),
            _ => return None,
        };
        let ends = self.finds.iter().map(|&at| items[at].end);
        let starts = self.finds.iter().map(|&at| items[at].start);
        let first_end = ends.chain([add.end]).min().unwrap_or(0);
        let last_start = starts.chain([add.start]).max().unwrap_or(0);
        let missed = self.misses.iter().map(|&at| &items[at]);
        if let (Some(removal), false) = (removal, strict) {
            let from = missed.clone().map(|item| item.start);
            let from = from.chain([add.start, removal.start]).max().unwrap_or(0);
            if from <= first_end {
                return Some(Ok(Span::From(from)));
            }
        }
        let (inside, until) = match removal {
            Some(removal) => (first_end.min(removal.end), last_start.max(removal.start)),
            None => (first_end, u64::MAX),
        };
        if inside < add.start {
            return Some(Err(Why::PutLater));
        }
        if removal.is_some_and(|removal| removal.end < until) {
            return Some(Err(Why::SeenAfterTaken));
        }
        if until <= inside {
            return Some(Ok(Span::Between(until, until)));
        }
        let mut missed = missed;
        if missed.any(|item| inside < item.start && item.end < until) {
            return Some(Err(Why::Missed));
        }
        Some(Ok(Span::Between(inside, until)))
    }

    /// Operations with their moments, and what comes first of those at the same moment.
    fn place(&self, items: &Set, span: Span) -> Vec<(usize, u64, u8)> {
        let (from, until) = match span {
            Span::Never => (u64::MAX, u64::MAX),
            Span::Between(from, until) => (from, until),
            Span::From(from) => (from, u64::MAX),
        };
        let mut placed = Vec::with_capacity(self.all.len());
        for &at in &self.misses {
            let start = items[at].start;
            if start <= from {
                placed.push((at, start, 0));
            } else {
                placed.push((at, start.max(until), 4));
            }
        }
        if let Span::Never = span {
            let ended = self.removals.iter().filter(|&&at| !items[at].pending());
            placed.extend(ended.map(|&at| (at, items[at].start, 0)));
            return placed;
        }
        placed.extend(self.adds.iter().map(|&at| (at, from, 1)));
        let finds = self.finds.iter();
        placed.extend(finds.map(|&at| (at, items[at].start.max(from), 2)));
        placed.extend(self.removals.iter().map(|&at| match span {
            Span::From(_) => (at, items[at].start, 0),
            _ => (at, until, 3),
        }));
        placed
    }

    /// With the add, the removal, and no more looks than necessary.
    fn refuted(&self, items: &Set, strict: bool, why: Why) -> Refuted {
        let mut few = Member {
            adds: self.adds.clone(),
            removals: self.removals.clone(),
            ..Member::default()
        };
        let end = |&&at: &&usize| items[at].end;
        let start = |&&at: &&usize| items[at].start;
        let finds = [
            self.finds.iter().min_by_key(end),
            self.finds.iter().max_by_key(start),
        ];
        few.finds.extend(finds.into_iter().flatten());
        few.finds.dedup();
        few.misses.extend(self.misses.iter().max_by_key(start));
        // One that lies between all that show that the element was in, if that is what is wrong.
        if few
            .judge(items, strict)
            .is_some_and(|judged| judged.is_ok())
        {
            let between = self.misses.iter().find(|&&at| {
                few.misses.push(at);
                let wrong = few
                    .judge(items, strict)
                    .is_some_and(|judged| judged.is_err());
                if !wrong {
                    few.misses.pop();
                }
                wrong
            });
            debug_assert!(between.is_some(), "one miss is enough with the others");
        }
        let looks: [fn(&mut Member) -> &mut Vec<usize>; 2] =
            [|few| &mut few.finds, |few| &mut few.misses];
        for looks in looks {
            let mut at = 0;
            while at < looks(&mut few).len() {
                let left_out = looks(&mut few).remove(at);
                if few
                    .judge(items, strict)
                    .is_some_and(|judged| judged.is_ok())
                {
                    looks(&mut few).insert(at, left_out);
                    at += 1;
                }
            }
        }
        let why = match few.judge(items, strict) {
            Some(Err(why)) => why,
            _ => why,
        };
        let mut operations = few.adds;
        operations.extend(few.removals);
        operations.extend(few.finds);
        operations.extend(few.misses);
        Refuted {
            by: known_by(items, &operations, false, |_| false),
            operations,
            why,
        }
    }
}
