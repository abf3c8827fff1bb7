//! When a container was certainly not empty.

use super::elements::{Element, Elements};
use super::pattern::Pattern;
use super::refuted::Why;
use crate::linearizable::item::Item;

/// The moments at which an element was certainly in: open intervals that do not meet, in order.
pub(super) struct Presence {
    spans: Vec<(u64, u64)>,
}

impl Presence {
    /// Of these elements.
    pub(super) fn of(elements: &[Element]) -> Presence {
        let mut all: Vec<(u64, u64)> = elements
            .iter()
            .filter(|element| element.present())
            .map(|element| (element.inside.rank, element.last_start.rank))
            .collect();
        all.sort_unstable();
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for (from, to) in all {
            match spans.last_mut() {
                // Where one ends another may begin: in between there is a moment without either.
                Some(last) if from < last.1 => last.1 = last.1.max(to),
                _ => spans.push((from, to)),
            }
        }
        Presence { spans }
    }

    /// The first moment between these two at which perhaps nothing was in.
    pub(super) fn gap(&self, start: u64, end: u64) -> Option<u64> {
        let before = self.spans.partition_point(|span| span.0 < start);
        let moment = match before.checked_sub(1).map(|at| self.spans[at]) {
            Some((_, to)) if start < to => to,
            _ => start,
        };
        (moment <= end).then_some(moment)
    }
}

/// Whether everybody who found nothing had a moment for it.
///
/// # Errors
/// Who had none.
pub(super) fn not_empty<A>(items: &[Item<A>], elements: &Elements) -> Result<(), Pattern> {
    if elements.empties.is_empty() {
        return Ok(());
    }
    let presence = Presence::of(&elements.list);
    for &at in &elements.empties {
        let item = &items[at as usize];
        if presence.gap(item.start, item.end).is_some() {
            continue;
        }
        let cover = cover(&elements.list, item.start, item.end);
        return Err(Pattern::of(Why::NotEmpty, vec![at as usize], &cover));
    }
    Ok(())
}

/// As few elements as possible of which at every moment between these two at least one was in;
/// in order. Only if there are such.
pub(super) fn cover(elements: &[Element], start: u64, end: u64) -> Vec<&Element> {
    let mut all: Vec<&Element> = elements
        .iter()
        .filter(|element| element.present() && element.inside.rank < end)
        .collect();
    all.sort_unstable_by_key(|element| element.inside.rank);
    let mut cover: Vec<&Element> = Vec::new();
    let (mut next, mut reached) = (0, start);
    let mut best: Option<&Element> = None;
    loop {
        while next < all.len() && all[next].inside.rank < reached {
            let further = best.is_none_or(|best| best.last_start.rank < all[next].last_start.rank);
            if further {
                best = Some(all[next]);
            }
            next += 1;
        }
        let Some(element) = best.filter(|best| reached < best.last_start.rank) else {
            return cover;
        };
        cover.push(element);
        reached = element.last_start.rank;
        if reached > end {
            return cover;
        }
    }
}
