//! What happened to each element of a container: who put it in, who saw it, who took it.

use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;

/// An operation of any container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Put this in.
    Put(u32),
    /// Took this, or nobody knows what.
    Take(Option<u32>),
    /// Saw this, which would have been taken.
    Look(u32),
    /// Found nothing.
    Empty,
}

/// A moment as a rank, and the operation that it belongs to: its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) rank: u64,
    pub(super) item: u32,
}

/// No operation.
pub(super) const NOBODY: u32 = u32::MAX;

/// Never.
pub(super) const NEVER: u64 = u64::MAX;

impl Bound {
    const NEVER: Bound = Bound {
        rank: NEVER,
        item: NOBODY,
    };
}

/// An element that was certainly put in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// Its value.
    pub(super) value: u32,
    /// Who put it in: its index.
    pub(super) put: u32,
    /// When that began.
    pub(super) put_start: u64,
    /// By when it was in: the first end of all its operations.
    pub(super) inside: Bound,
    /// The first end of its takes and looks; never without any.
    pub(super) first_end: Bound,
    /// The last start of all its operations: until then it was in. Never, if it was not taken.
    pub(super) last_start: Bound,
    /// Who took it.
    pub(super) take: u32,
    /// How many saw it.
    pub(super) looks: u32,
    /// When the last of them began.
    last_look: Bound,
}

impl Element {
    /// Whether it certainly was in at some moment.
    pub(super) const fn present(&self) -> bool {
        self.inside.rank < self.last_start.rank
    }

    /// Whether at some moment it certainly was the next that would be taken.
    pub(super) const fn forward(&self) -> bool {
        self.first_end.rank < self.last_start.rank && self.first_end.rank < NEVER
    }

    /// The operations that show that it was in from `inside` to `last_start`: its put first.
    pub(super) fn witnesses(&self) -> Vec<usize> {
        let mut all = vec![self.put];
        for bound in [self.inside, self.last_start] {
            if bound.item != NOBODY && !all.contains(&bound.item) {
                all.push(bound.item);
            }
        }
        all.into_iter().map(|item| item as usize).collect()
    }

    /// The operations that show between which moments it was next: its put first.
    pub(super) fn zone_witnesses(&self) -> Vec<usize> {
        let mut all = self.witnesses();
        if self.first_end.item != NOBODY && !all.contains(&(self.first_end.item as usize)) {
            all.push(self.first_end.item as usize);
        }
        all
    }
}

/// All elements, and the operations that are not about one.
#[derive(Debug)]
pub(super) struct Elements {
    /// Those that were certainly put in, in the order of the items that put them in.
    pub(super) list: Vec<Element>,
    /// Who found nothing.
    pub(super) empties: Vec<u32>,
    /// Who may have taken anything, and may not have.
    pub(super) pending_takes: Vec<u32>,
}

impl Elements {
    /// Sorts operations by element. `None` if that cannot be done: an element was put in twice,
    /// or somebody took something and nobody knows what.
    ///
    /// # Errors
    /// If what happened to one element alone is impossible.
    pub(super) fn of<A>(
        items: &[Item<A>],
        step: impl Fn(&A) -> Step,
    ) -> Option<Result<Elements, Refuted>> {
        let mut elements = Elements {
            list: Vec::with_capacity(items.len() / 2 + 1),
            empties: Vec::new(),
            pending_takes: Vec::new(),
        };
        let mut of_value: Vec<u32> = Vec::new();
        for (at, item) in (0_u32..).zip(items) {
            let Step::Put(value) = step(&item.action) else {
                continue;
            };
            let slot = value as usize;
            if of_value.len() <= slot {
                of_value.resize(slot + 1, NOBODY);
            }
            if of_value[slot] != NOBODY {
                return None;
            }
            of_value[slot] = elements.list.len() as u32;
            elements.list.push(Element::put_in(value, at, item));
        }
        let mut wrong = None;
        for (at, item) in (0_u32..).zip(items) {
            let (value, takes) = match step(&item.action) {
                Step::Put(_) => continue,
                Step::Empty => {
                    if !item.pending() {
                        elements.empties.push(at);
                    }
                    continue;
                }
                Step::Take(None) if item.pending() => {
                    elements.pending_takes.push(at);
                    continue;
                }
                Step::Take(None) => return None,
                Step::Take(Some(_)) if item.pending() => return None,
                Step::Look(_) if item.pending() => continue,
                Step::Take(Some(value)) => (value, true),
                Step::Look(value) => (value, false),
            };
            let element = match of_value.get(value as usize) {
                Some(&element) if element != NOBODY => &mut elements.list[element as usize],
                _ => {
                    wrong = wrong.or(Some(Refuted {
                        by: item.end,
                        operations: vec![at as usize],
                        why: Why::NeverPut,
                    }));
                    continue;
                }
            };
            if takes && element.take != NOBODY {
                let first = element.take as usize;
                wrong = wrong.or(Some(Refuted {
                    by: item.end.max(items[first].end),
                    operations: vec![element.put as usize, first, at as usize],
                    why: Why::TakenTwice,
                }));
            }
            element.add(at, item, takes);
        }
        if let Some(wrong) = wrong {
            return Some(Err(wrong));
        }
        // What was put in and neither seen nor taken may as well not have been put in.
        let happened = |element: &Element| {
            !items[element.put as usize].pending() || element.first_end.item != NOBODY
        };
        elements.list.retain(happened);
        for element in &mut elements.list {
            if let Err(wrong) = element.finish(items) {
                return Some(Err(wrong));
            }
        }
        Some(Ok(elements))
    }
}

impl Element {
    const fn put_in<A>(value: u32, at: u32, item: &Item<A>) -> Element {
        Element {
            value,
            put: at,
            put_start: item.start,
            inside: Bound {
                rank: item.end,
                item: at,
            },
            first_end: Bound::NEVER,
            last_start: Bound {
                rank: item.start,
                item: at,
            },
            take: NOBODY,
            looks: 0,
            last_look: Bound {
                rank: 0,
                item: NOBODY,
            },
        }
    }

    const fn add<A>(&mut self, at: u32, item: &Item<A>, takes: bool) {
        let (start, end) = (
            Bound {
                rank: item.start,
                item: at,
            },
            Bound {
                rank: item.end,
                item: at,
            },
        );
        if takes {
            self.take = at;
        } else {
            self.looks += 1;
            if self.last_look.item == NOBODY || self.last_look.rank < start.rank {
                self.last_look = start;
            }
        }
        if end.rank < self.first_end.rank {
            self.first_end = end;
        }
        if self.last_start.rank < start.rank {
            self.last_start = start;
        }
    }

    /// Once all its operations are known.
    fn finish<A>(&mut self, items: &[Item<A>]) -> Result<(), Refuted> {
        let put = self.put as usize;
        if self.first_end.rank < self.put_start {
            return Err(Refuted {
                by: self.first_end.rank,
                operations: vec![put, self.first_end.item as usize],
                why: Why::PutLater,
            });
        }
        if self.first_end.rank < self.inside.rank {
            self.inside = self.first_end;
        }
        if self.take == NOBODY {
            self.last_start = Bound::NEVER;
            return Ok(());
        }
        let (take, look) = (self.take as usize, self.last_look);
        if look.item != NOBODY && items[take].end < look.rank {
            let look = look.item as usize;
            return Err(Refuted {
                by: items[take].end.max(items[look].end),
                operations: vec![put, take, look],
                why: Why::SeenAfterTaken,
            });
        }
        Ok(())
    }
}
