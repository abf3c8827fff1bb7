//! Random small histories: an object that does one thing after the other, seen with intervals
//! around the moments, and then perhaps told differently.

use crate::linearizable::container::elements::{NEVER, Step};
use crate::linearizable::item::Item;
use crate::model::Model;

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub(super) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len() as u64) as usize]
    }
}

/// Draws intervals around moments that follow one another, some of them the same.
pub(super) struct Times {
    moment: u64,
    step: u64,
    spread: u64,
    unit: u64,
}

impl Times {
    pub(super) fn new(rng: &mut Rng) -> Times {
        Times {
            moment: 20,
            step: rng.pick(&[2, 3, 5]),
            spread: rng.pick(&[1, 2, 3, 4, 6, 10]),
            unit: rng.pick(&[1, 1, 1000]),
        }
    }

    pub(super) fn next(&mut self, rng: &mut Rng) -> (u64, u64) {
        self.moment += rng.below(self.step + 1);
        let start = self.moment - rng.below(self.spread);
        let end = self.moment + rng.below(self.spread);
        (start * self.unit, end * self.unit)
    }
}

/// An item with these times, the others made up.
pub(super) fn item<A>(action: A, (start, end): (u64, u64)) -> Item<A> {
    Item {
        operation: 0,
        action,
        start,
        end,
        returned: 0,
    }
}

/// A history of a container. `op` makes its operations.
pub(super) fn container<M: Model>(
    model: &M,
    op: impl Fn(Step) -> M::Op,
    rng: &mut Rng,
) -> Vec<Item<M::Op>> {
    let size = rng.pick(&[2, 3, 4, 5, 6, 7, 7, 8, 8]);
    let mut values: Vec<u32> = (0..size as u32).collect();
    for at in (1..size).rev() {
        values.swap(at, rng.below(at as u64 + 1) as usize);
    }
    if rng.percent(5) {
        values[0] = values[size - 1];
    }
    let (puts, looks) = (rng.pick(&[30, 50, 60]), rng.pick(&[0, 0, 10, 40]));
    let (empties, crashes) = (rng.pick(&[0, 0, 15]), rng.pick(&[0, 0, 10, 30]));
    let mut times = Times::new(rng);
    let mut state = model.initial();
    let mut items: Vec<Item<Step>> = Vec::new();
    let mut put = 0;
    for _ in 0..size {
        let next = (0..size as u32)
            .find(|&value| model.step(&state, &op(Step::Take(Some(value)))).is_ok());
        let step = if rng.percent(empties) || (next.is_none() && rng.percent(empties * 4)) {
            Step::Empty
        } else if rng.percent(puts) || next.is_none() {
            put += 1;
            Step::Put(values[put - 1])
        } else if rng.percent(looks) {
            next.map_or(Step::Empty, Step::Look)
        } else {
            Step::Take(next)
        };
        let (start, end) = times.next(rng);
        if let Ok(next) = model.step(&state, &op(step)) {
            state = next;
        } else if !rng.percent(10) {
            continue;
        }
        items.push(item(step, (start, end)));
        if rng.percent(crashes) {
            crash(items.last_mut());
        }
        if rng.percent(crashes / 3) {
            let never = rng.pick(&[Step::Put(99), Step::Take(None)]);
            items.push(item(never, (start, NEVER)));
        }
    }
    for _ in 0..rng.pick(&[0, 1, 2, 2, 3]) {
        tell_differently(&mut items, rng);
    }
    items.truncate(8);
    items.sort_by_key(|item| item.start);
    let named = items.into_iter().map(|item| Item {
        action: op(item.action),
        operation: item.operation,
        start: item.start,
        end: item.end,
        returned: item.returned,
    });
    named.collect()
}

/// Forgets how an operation ended.
fn crash(item: Option<&mut Item<Step>>) {
    if let Some(item) = item {
        item.end = NEVER;
        if let Step::Take(_) = item.action {
            item.action = Step::Take(None);
        }
    }
}

/// Changes a result or an interval, or leaves an operation out.
fn tell_differently(items: &mut Vec<Item<Step>>, rng: &mut Rng) {
    if items.is_empty() {
        return;
    }
    let (at, other) = (
        rng.below(items.len() as u64) as usize,
        rng.below(items.len() as u64) as usize,
    );
    match rng.below(8) {
        0 => {
            items.remove(at);
        }
        1 | 5 | 6 => {
            let action = items[at].action;
            let taken = [Step::Take(None), items[other].action];
            if items[at].end != NEVER && items[other].end != NEVER && !taken.contains(&action) {
                items[at].action = items[other].action;
                items[other].action = action;
            }
        }
        2 | 7 => {
            let (start, end) = (items[at].start, items[at].end);
            items[at].start = items[other].start.min(end);
            items[other].start = start.min(items[other].end);
        }
        3 => {
            let value = match items[other].action {
                Step::Put(value) | Step::Take(Some(value)) | Step::Look(value) => value,
                Step::Take(None) | Step::Empty => rng.below(8) as u32,
            };
            items[at].action = match items[at].action {
                Step::Take(Some(_)) => {
                    rng.pick(&[Step::Take(Some(value)), Step::Empty, Step::Look(value)])
                }
                Step::Look(_) | Step::Empty => rng.pick(&[Step::Look(value), Step::Empty]),
                action => action,
            };
        }
        _ => {
            let start = items[at].start;
            items[at].start = start.saturating_sub(rng.below(8));
            if items[at].end != NEVER {
                items[at].end = start + rng.below(8);
            }
        }
    }
}
