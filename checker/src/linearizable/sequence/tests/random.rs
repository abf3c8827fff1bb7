//! Small random histories: clients of a correct object, of whose results some are then changed.

use polygraph_history::{EventIndex, OperationId};

use super::subjects::Subject;
use crate::linearizable::item::Item;

/// SplitMix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

struct Running<A> {
    start: u64,
    invoked: A,
    performed: Option<A>,
}

/// A history of up to `most` operations, sorted by beginning.
pub(super) fn history<S: Subject>(rng: &mut Rng, most: usize) -> Vec<Item<S::Op>> {
    let count = 1 + rng.below(most);
    let clients = 1 + rng.below(5);
    let ties = rng.one_in(3);
    let crashes = [0, 4, 12][rng.below(3)];
    let distinct = !rng.one_in(6);
    let mut running: Vec<Option<Running<S::Op>>> = (0..clients).map(|_| None).collect();
    let mut state = S::State::default();
    let mut items: Vec<(u64, u64, S::Op)> = Vec::new();
    let (mut time, mut begun, mut value) = (0, 0, 0);
    while begun < count || running.iter().any(Option::is_some) {
        time += if ties { rng.below(2) as u64 } else { 1 };
        let client = rng.below(clients);
        match running[client].take() {
            None if begun < count => {
                begun += 1;
                value = if distinct {
                    value + 1
                } else {
                    rng.below(4) as u32
                };
                running[client] = Some(Running {
                    start: time,
                    invoked: S::draw(rng, value),
                    performed: None,
                });
            }
            None => {}
            Some(run) if crashes > 0 && rng.one_in(crashes) => {
                // A failure, which never took effect and is no item, or an unknown outcome.
                let failed = run.performed.is_none() && rng.one_in(3);
                if let Some(action) = S::without_result(&run.invoked)
                    && !failed
                {
                    items.push((run.start, u64::MAX, action));
                }
            }
            Some(mut run) => match run.performed.take() {
                None => {
                    run.performed = Some(S::perform(&mut state, &run.invoked));
                    running[client] = Some(run);
                }
                Some(action) => items.push((run.start, time, action)),
            },
        }
    }
    let wrong = [0, 0, 1, 1, 2][rng.below(5)];
    for _ in 0..wrong {
        let at = rng.below(items.len().max(1));
        if let Some((_, end, action)) = items.get_mut(at)
            && *end != u64::MAX
        {
            S::change(rng, action);
        }
    }
    // Wrong times as well: an operation that began later than it says.
    if wrong > 0
        && rng.one_in(2)
        && let at = rng.below(items.len().max(1))
        && let Some((start, end, _)) = items.get_mut(at)
    {
        *start = (*start + rng.below(4) as u64).min(*end);
    }
    items.sort_by_key(|&(start, end, _)| (start, end));
    let numbered = items.into_iter().enumerate();
    numbered.map(|(at, item)| build(at, item)).collect()
}

/// An item; its identity does not matter here.
pub(super) fn build<A>(at: usize, (start, end, action): (u64, u64, A)) -> Item<A> {
    Item {
        operation: at as OperationId,
        action,
        start,
        end,
        returned: at as EventIndex,
    }
}
