//! From an edge of the graph to a fact of the history.

use crate::graph::Labels;

use super::Because;
use super::orders::Orders;
use super::relations::{RW, WR, WW};
use super::view::{NONE, View};

/// States an edge of data by what was read and appended.
pub(super) fn because(
    view: &View<'_>,
    orders: &Orders,
    from: u32,
    to: u32,
    label: Labels,
) -> Option<Because> {
    match label {
        WW => followed(view, orders, from, to),
        WR => observed(view, orders, from, to),
        RW => missed(view, orders, from, to),
        _ => None,
    }
}

/// The two elements that stand closest together.
fn followed(view: &View<'_>, orders: &Orders, from: u32, to: u32) -> Option<Because> {
    let pairs = view.appends_of(from).flat_map(|first| {
        let key = view.appends[first as usize].key;
        view.appends_of(to)
            .filter(move |&second| view.appends[second as usize].key == key)
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
fn observed(view: &View<'_>, orders: &Orders, from: u32, to: u32) -> Option<Because> {
    let shown = view.reads_of(to).flat_map(|read| {
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
        let last = view.reads[read as usize].values.last() == Some(append.value);
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
fn missed(view: &View<'_>, orders: &Orders, from: u32, to: u32) -> Option<Because> {
    let lacking = view.reads_of(from).flat_map(|read| {
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
