//! Random small histories of sets.

use super::generate::{Rng, Times, item};
use super::subject::{FEW, MANY, Subject};
use crate::linearizable::container::elements::NEVER;
use crate::linearizable::container::set;
use crate::linearizable::item::Item;
use crate::model::{Model, Set, SetOp};

fn history(model: &Set<u32>, rng: &mut Rng) -> Vec<Item<SetOp<u32>>> {
    let (members, repeats) = (rng.pick(&[1, 1, 2]), rng.pick(&[0, 0, 20]));
    let (crashes, looks) = (rng.pick(&[0, 10, 30]), rng.pick(&[30, 60]));
    let whole_reads = rng.pick(&[0, 0, 0, 25]);
    let mut times = Times::new(rng);
    let mut state = model.initial();
    let mut items: Vec<Item<SetOp<u32>>> = Vec::new();
    for _ in 0..2 + rng.below(7) {
        let value = rng.below(members) as u32;
        let found = model
            .step(&state, &SetOp::Contains { value, found: true })
            .is_ok();
        let op = if rng.percent(whole_reads) {
            let inside = state.iter().map(|&(value, ())| value);
            let also = rng.percent(10).then(|| rng.below(members) as u32);
            SetOp::Read(inside.chain(also).collect())
        } else if rng.percent(looks) {
            SetOp::Contains {
                value,
                found: found != rng.percent(5),
            }
        } else if found != rng.percent(10) {
            SetOp::Remove(value)
        } else {
            SetOp::Add(value)
        };
        let changes = matches!(op, SetOp::Add(_) | SetOp::Remove(_));
        if changes && items.iter().any(|item| item.action == op) && !rng.percent(repeats) {
            continue;
        }
        if let Ok(next) = model.step(&state, &op) {
            state = next;
        } else if rng.percent(50) {
            continue;
        }
        let mut new = item(op, times.next(rng));
        if rng.percent(crashes) {
            new.end = NEVER;
        }
        items.push(new);
    }
    if rng.percent(50) && !items.is_empty() {
        let at = rng.below(items.len() as u64) as usize;
        let other = rng.below(items.len() as u64) as usize;
        let action = items[at].action.clone();
        items[at].action = items[other].action.clone();
        items[other].action = action;
    }
    items.sort_by_key(|item| item.start);
    items
}

fn sets(model: Set<u32>, histories: u64) {
    let strict = model.strict;
    let subject = Subject {
        model,
        decide: Box::new(move |items| set::decide(items, strict)),
        order: Box::new(move |items| set::order(items, strict)),
        crashed: |op| match op {
            SetOp::Add(_) | SetOp::Remove(_) => Some(op.clone()),
            SetOp::Contains { .. } | SetOp::Read(_) => None,
        },
        renamed: |op| match *op {
            SetOp::Read(ref read) => SetOp::Read(read.iter().map(|value| 7 - value).collect()),
            SetOp::Add(value) => SetOp::Add(7 - value),
            SetOp::Remove(value) => SetOp::Remove(7 - value),
            SetOp::Contains { value, found } => SetOp::Contains {
                value: 7 - value,
                found,
            },
        },
    };
    subject.histories(histories, |rng| history(&subject.model, rng));
}

#[test]
fn sets_agree_with_the_definition() {
    sets(Set::default(), FEW);
    sets(Set::strict(), FEW);
}

#[test]
#[ignore = "takes minutes"]
fn many_sets_agree_with_the_definition() {
    sets(Set::default(), MANY);
    sets(Set::strict(), MANY);
}

#[test]
fn whoever_reads_all_needs_one_moment_for_all_elements() {
    // For each element alone there is one: before 1 was removed, after 2 was added.
    let read = SetOp::Read([1, 2].into_iter().collect());
    let mut items = vec![
        item(SetOp::Add(1), (0, 1)),
        item(read, (2, 9)),
        item(SetOp::Remove(1), (3, 4)),
        item(SetOp::Add(2), (5, 6)),
    ];
    assert_eq!(set::decide(&items, false), None);
    assert_eq!(set::order(&items, false), None);
    assert_eq!(set::undecided(&items, false), [0, 1, 2, 3]);
    // What is wrong without the read is wrong with it.
    items.push(item(
        SetOp::Contains {
            value: 2,
            found: false,
        },
        (7, 8),
    ));
    let refuted = set::decide(&items, false).unwrap().unwrap_err();
    assert_eq!(refuted.operations, [3, 4]);
}

#[test]
fn only_elements_that_are_not_decided_are_left() {
    let items = vec![
        item(SetOp::Add(1), (0, 1)),
        item(SetOp::Add(2), (2, 3)),
        item(SetOp::Add(1), (4, 5)),
        item(SetOp::Remove(1), (6, 7)),
    ];
    assert_eq!(set::undecided(&items, false), [0, 2, 3]);
    assert_eq!(set::decide(&items, false), None);
}
