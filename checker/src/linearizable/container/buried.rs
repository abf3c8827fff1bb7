//! Few elements of a stack that cannot be ranked.

use super::elements::{Element, Elements, NOBODY};
use super::eliminate::Stuck;
use super::pattern::Pattern;
use super::refuted::Why;
use crate::linearizable::item::Item;

/// Up to so many elements each is tried whether it may be left out.
const FEW: usize = 64;

/// Elements each of which has an operation that at every moment has another of them in its way:
/// first as many as a cover of such operations takes, then, where they are few, no more than
/// necessary. `wrong` says of operations whether they have no order.
pub(super) fn buried<A>(
    items: &[Item<A>],
    elements: &Elements,
    stuck: &Stuck,
    wrong: impl Fn(&[usize]) -> bool,
) -> Pattern {
    let covers = Covers::new(&elements.list, stuck);
    let mut chosen = covers.closed(items, stuck);
    if chosen.len() <= FEW {
        let mut at = 0;
        while at < chosen.len() {
            let mut fewer = chosen.clone();
            fewer.remove(at);
            if wrong(&operations(&elements.list, &fewer)) {
                chosen = fewer;
            } else {
                at += 1;
            }
        }
    }
    Pattern {
        why: Why::Buried,
        operations: operations(&elements.list, &chosen),
        stays: chosen
            .iter()
            .any(|&(element, _)| elements.list[element as usize].take == NOBODY),
    }
}

/// Of every element its put, its take, who saw it first and last, and who could not.
fn operations(list: &[Element], chosen: &[(u32, u32)]) -> Vec<usize> {
    let mut all = Vec::new();
    for &(at, by) in chosen {
        let element = &list[at as usize];
        let mut own = element.witnesses();
        for item in [element.take, by] {
            if item != NOBODY && !own.contains(&(item as usize)) {
                own.push(item as usize);
            }
        }
        all.extend(own);
    }
    all
}

/// What covers which moments.
struct Covers<'a> {
    list: &'a [Element],
    /// The elements that are left by when they were in, with their place in [`Stuck::left`].
    by_inside: Vec<(u64, u32)>,
    /// Of those up to each the two that are in for longest.
    longest: Vec<[u32; 2]>,
}

impl<'a> Covers<'a> {
    fn new(list: &'a [Element], stuck: &Stuck) -> Covers<'a> {
        let mut by_inside: Vec<(u64, u32)> = (0_u32..)
            .zip(&stuck.left)
            .map(|(place, &(at, _))| (list[at as usize].inside.rank, place))
            .collect();
        by_inside.sort_unstable();
        let until = |place: u32| list[stuck.left[place as usize].0 as usize].last_start.rank;
        let mut longest = Vec::with_capacity(by_inside.len());
        let mut best = [NOBODY; 2];
        for &(_, place) in &by_inside {
            if best[0] == NOBODY || until(best[0]) < until(place) {
                best = [place, best[0]];
            } else if best[1] == NOBODY || until(best[1]) < until(place) {
                best[1] = place;
            }
            longest.push(best);
        }
        Covers {
            list,
            by_inside,
            longest,
        }
    }

    /// An element, those that cover the operation of it that is in question, and so on.
    fn closed<A>(&self, items: &[Item<A>], stuck: &Stuck) -> Vec<(u32, u32)> {
        let window = |place: u32| self.window(items, stuck.left[place as usize]);
        let narrow = (0..stuck.left.len() as u32).min_by_key(|&place| {
            let (start, end) = window(place);
            end.saturating_sub(start)
        });
        let mut chosen = vec![false; stuck.left.len()];
        let mut order = Vec::new();
        order.extend(narrow);
        let mut next = 0;
        while let Some(&place) = order.get(next) {
            next += 1;
            if std::mem::replace(&mut chosen[place as usize], true) {
                continue;
            }
            let (start, end) = window(place);
            let mut reached = start;
            while reached <= end {
                let before = self.by_inside.partition_point(|other| other.0 < reached);
                let Some(pair) = before.checked_sub(1).map(|at| self.longest[at]) else {
                    break;
                };
                let other = if pair[0] == place { pair[1] } else { pair[0] };
                if other == NOBODY {
                    break;
                }
                let until = self.list[stuck.left[other as usize].0 as usize]
                    .last_start
                    .rank;
                if until <= reached {
                    break;
                }
                order.push(other);
                reached = until;
            }
        }
        let places = (0..stuck.left.len()).filter(|&place| chosen[place]);
        places.map(|place| stuck.left[place]).collect()
    }

    /// Between which moments an operation of an element must be.
    fn window<A>(&self, items: &[Item<A>], (at, by): (u32, u32)) -> (u64, u64) {
        let element = &self.list[at as usize];
        let item = &items[by as usize];
        if by == element.put {
            (element.put_start, element.inside.rank)
        } else if by == element.take {
            (element.last_start.rank, item.end)
        } else {
            (item.start.max(element.put_start), item.end)
        }
    }
}
