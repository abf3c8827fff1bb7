//! From an edge of the graph to a fact of the history.

use crate::graph::Labels;

use super::Because;
use super::orders::Orders;
use super::relations::{RW, WR, WW};
use super::view::{NONE, View};

/// States an edge of data by what was read and appended, by an operation at this position of the
/// one that read, or else of the second, if it is given.
pub(super) fn because(
    view: &View<'_>,
    orders: &Orders,
    from: u32,
    to: u32,
    label: Labels,
    at: Option<u32>,
) -> Option<Because> {
    match label {
        WW => followed(view, orders, from, to, at),
        WR => observed(view, orders, from, to, at),
        RW => missed(view, orders, from, to, at),
        _ => None,
    }
}

/// Whether an operation stands where it is asked for.
fn stands(at: Option<u32>, position: u32) -> bool {
    at.is_none_or(|at| at == position)
}

/// The two elements that stand closest together.
fn followed(
    view: &View<'_>,
    orders: &Orders,
    from: u32,
    to: u32,
    at: Option<u32>,
) -> Option<Because> {
    let pairs = view.appends_of(from).flat_map(|first| {
        let key = view.appends[first as usize].key;
        view.appends_of(to)
            .filter(move |&second| {
                let second = &view.appends[second as usize];
                second.key == key && stands(at, second.position)
            })
            .map(move |second| (first, second))
    });
    let gap = |&(first, second): &(u32, u32)| {
        let (first, second) = (
            &view.appends[first as usize],
            &view.appends[second as usize],
        );
        view.elements[first.element as usize].only_append()?;
        let place = orders.position[first.element as usize];
        let next = orders.position[second.element as usize];
        if place == NONE || next <= place {
            return None;
        }
        if next != NONE {
            view.elements[second.element as usize].only_append()?;
        }
        Some(next - place)
    };
    let (_, (first, second)) = pairs
        .filter_map(|pair| Some((gap(&pair)?, pair)))
        .min_by_key(|&(gap, _)| gap)?;
    let (first, second) = (
        &view.appends[first as usize],
        &view.appends[second as usize],
    );
    Some(Because::Followed {
        key: view.keys[first.key as usize].clone(),
        element: first.value.clone(),
        next: second.value.clone(),
        read: view.at_read(orders.longest[first.key as usize]),
    })
}

/// The last element of the first that a read of the second shows.
fn observed(
    view: &View<'_>,
    orders: &Orders,
    from: u32,
    to: u32,
    at: Option<u32>,
) -> Option<Because> {
    let reads = view.reads_of(to);
    let reads = reads.filter(|&read| stands(at, view.reads[read as usize].position));
    let shown = reads.flat_map(|read| {
        let key = view.reads[read as usize].key;
        view.appends_of(from)
            .filter(move |&append| {
                let append = &view.appends[append as usize];
                append.key == key
                    && view.elements[append.element as usize]
                        .only_append()
                        .is_some()
                    && orders.shows(view, read, append.element, append.value)
            })
            .map(move |append| (append, read))
    });
    let (append, read) = shown.max_by_key(|&(append, read)| {
        let append = &view.appends[append as usize];
        let last = view.reads[read as usize].values().last() == Some(append.value);
        (
            last,
            orders.position[append.element as usize],
            std::cmp::Reverse(read),
        )
    })?;
    let append = &view.appends[append as usize];
    Some(Because::Observed {
        key: view.keys[append.key as usize].clone(),
        element: append.value.clone(),
        position: view.reads[read as usize].position as usize,
    })
}

/// The first element of the second that a read of the first lacks.
fn missed(
    view: &View<'_>,
    orders: &Orders,
    from: u32,
    to: u32,
    at: Option<u32>,
) -> Option<Because> {
    let reads = view.reads_of(from);
    let reads = reads.filter(|&read| stands(at, view.reads[read as usize].position));
    let lacking = reads.flat_map(|read| {
        let key = view.reads[read as usize].key;
        view.appends_of(to)
            .filter(move |&append| {
                let append = &view.appends[append as usize];
                append.key == key && !orders.shows(view, read, append.element, append.value)
            })
            .map(move |append| (append, read))
    });
    let (append, read) = lacking.min_by_key(|&(append, read)| {
        let element = view.appends[append as usize].element;
        (orders.position[element as usize], append, read)
    })?;
    let append = &view.appends[append as usize];
    Some(Because::Missed {
        key: view.keys[append.key as usize].clone(),
        element: append.value.clone(),
        position: view.reads[read as usize].position as usize,
    })
}
