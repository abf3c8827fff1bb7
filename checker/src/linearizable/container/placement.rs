//! Moments for all operations of a container whose elements are ranked.
//!
//! From the greatest element down: whoever takes or sees an element needs a moment at which none
//! that is greater was certainly in; then the moments at which this one was certainly in are ruled
//! out for all that are smaller. An operation takes a moment as close as possible to those at
//! which its element is certainly in. So an element that is in for longer than it must is so at
//! moments that are ruled out already, and it does no harm. Whoever found nothing comes last.

use super::elements::{Element, Elements, NOBODY};
use super::moments::{Moments, Possible};
use super::pattern::Pattern;
use super::presence::cover;
use super::refuted::Why;
use super::schedule::Looks;
use crate::linearizable::item::Item;

/// Who goes before whom.
pub(super) struct Rules<'a> {
    /// All elements.
    pub(super) from_greatest: &'a [u32],
    /// Whether an element is put in only while no greater one is in, as a stack has it.
    pub(super) lifo: bool,
}

/// Gives every operation a moment.
///
/// # Errors
/// An operation for which there is none.
pub(super) fn place_all<A>(
    items: &[Item<A>],
    elements: &Elements,
    looks: &Looks,
    rules: &Rules<'_>,
    places: &mut impl Places,
) -> Result<(), Pattern> {
    let list = &elements.list;
    let moments = Moments::of(items);
    let mut search = Search {
        items,
        list,
        possible: Possible::all(moments.count()),
        moments,
        lifo: rules.lifo,
    };
    for (rank, &at) in (0_u32..).zip(rules.from_greatest) {
        places.begin(u32::MAX - rank);
        search.element(&list[at as usize], looks.of(at as usize), places)?;
    }
    for &at in &elements.empties {
        let item = &items[at as usize];
        let moment = search.next(item.start);
        if moment > search.moments.number(item.end) {
            let cover = cover(list, item.start, item.end);
            return Err(Pattern::of(Why::NotEmpty, vec![at as usize], &cover));
        }
        places.empty(moment, at);
    }
    Ok(())
}

struct Search<'a, A> {
    items: &'a [Item<A>],
    list: &'a [Element],
    moments: Moments,
    possible: Possible,
    lifo: bool,
}

impl<A> Search<'_, A> {
    fn next(&mut self, rank: u64) -> u32 {
        let moment = self.moments.number(rank);
        self.possible.next(moment)
    }

    /// Gives the operations of an element their moments.
    fn element(
        &mut self,
        element: &Element,
        looks: &[u32],
        places: &mut impl Places,
    ) -> Result<(), Pattern> {
        let put = &self.items[element.put as usize];
        let mut first = self.moments.number(put.end);
        let mut last = None;
        if element.take != NOBODY {
            let end = self.items[element.take as usize].end;
            let moment = self.next(element.last_start.rank);
            if moment > self.moments.number(end) {
                let late = element.last_start;
                return Err(self.outranked(element, element.take, (late.rank, end)));
            }
            first = first.min(moment);
            last = Some(moment);
        }
        let close = element.inside.rank.min(element.last_start.rank);
        for &look in looks {
            let item = &self.items[look as usize];
            let end = self.moments.number(item.end);
            let mut moment = self.next(item.start.max(close));
            if moment > end {
                // The last one before, then.
                let start = item.start.max(element.put_start);
                let earliest = self.moments.number(start);
                match self.possible.last(end).filter(|&last| earliest <= last) {
                    Some(before) => moment = before,
                    None => return Err(self.outranked(element, look, (start, item.end))),
                }
            }
            first = first.min(moment);
            places.look(moment, look);
        }
        if self.lifo {
            let earliest = self.moments.number(element.put_start);
            match self.possible.last(first).filter(|&last| earliest <= last) {
                Some(before) => first = before,
                None => {
                    let window = (element.put_start, element.inside.rank);
                    return Err(self.outranked(element, element.put, window));
                }
            }
        }
        places.finish(element, first, last);
        if element.present() {
            let until = self.moments.number(element.last_start.rank);
            let inside = self.moments.number(element.inside.rank);
            self.possible.rule_out(inside, until);
        }
        Ok(())
    }

    /// That an operation has no moment between these two.
    fn outranked(&self, element: &Element, by: u32, (start, end): (u64, u64)) -> Pattern {
        let greater = self.list.iter().filter(|other| other.value > element.value);
        let greater: Vec<Element> = greater.copied().collect();
        let mut operations = vec![element.put as usize, by as usize];
        operations.dedup();
        // The take must also come after the last look.
        let late = element.last_start.item;
        if by == element.take && late != NOBODY && !operations.contains(&(late as usize)) {
            operations.push(late as usize);
        }
        Pattern::of(Why::Outranked, operations, &cover(&greater, start, end))
    }
}

/// Where operations are placed.
pub(super) trait Places {
    /// Next comes an element of this rank.
    fn begin(&mut self, rank: u32);
    fn look(&mut self, moment: u32, item: u32);
    /// All looks are placed; the put and the take come at these moments.
    fn finish(&mut self, element: &Element, put: u32, take: Option<u32>);
    fn empty(&mut self, moment: u32, item: u32);
}

/// For who only wants to know whether there are places.
pub(super) struct Ignore;

impl Places for Ignore {
    fn begin(&mut self, _: u32) {}
    fn look(&mut self, _: u32, _: u32) {}
    fn finish(&mut self, _: &Element, _: u32, _: Option<u32>) {}
    fn empty(&mut self, _: u32, _: u32) {}
}

/// Moments of all operations, and what comes first of those at the same moment.
#[derive(Default)]
pub(super) struct Plan {
    rank: u32,
    placed: Vec<(Place, u32)>,
    looks: Vec<(u32, u32)>,
}

/// At one moment: what was in before goes, the greatest first, or is seen; then come those that
/// come and go at this moment; then nothing is there; then comes what stays, the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    moment: u32,
    phase: Phase,
    element: u32,
    step: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Goes,
    ComesAndGoes,
    Nothing,
    Comes,
}

impl Places for Plan {
    fn begin(&mut self, rank: u32) {
        self.rank = rank;
        self.looks.clear();
    }

    fn look(&mut self, moment: u32, item: u32) {
        self.looks.push((moment, item));
    }

    fn finish(&mut self, element: &Element, put: u32, take: Option<u32>) {
        let place = |moment, step| {
            let phase = match (moment == put, Some(moment) == take) {
                (true, true) => Phase::ComesAndGoes,
                (true, false) => Phase::Comes,
                (false, _) => Phase::Goes,
            };
            let element = match phase {
                Phase::Goes => u32::MAX - self.rank,
                _ => self.rank,
            };
            Place {
                moment,
                phase,
                element,
                step,
            }
        };
        self.placed.push((place(put, 0), element.put));
        for &(moment, look) in &self.looks {
            self.placed.push((place(moment, 1), look));
        }
        if let Some(take) = take {
            self.placed.push((place(take, 2), element.take));
        }
    }

    fn empty(&mut self, moment: u32, item: u32) {
        let place = Place {
            moment,
            phase: Phase::Nothing,
            element: 0,
            step: 0,
        };
        self.placed.push((place, item));
    }
}

impl Plan {
    /// All operations, as indices of items.
    pub(super) fn order(mut self) -> Vec<usize> {
        self.placed.sort_unstable();
        let items = self.placed.into_iter();
        items.map(|(_, item)| item as usize).collect()
    }
}
