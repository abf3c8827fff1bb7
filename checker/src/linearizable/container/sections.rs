//! Who held a lock between which moments.

use rustc_hash::FxHashMap;

use super::pattern::known_by;
use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;

/// An operation of a lock that only its holder releases.
#[derive(Clone, Copy, Debug)]
pub(super) enum LockStep {
    /// This process acquired it, perhaps so that others may too.
    Acquire { process: u64, shared: bool },
    /// This process released it.
    Release(u64),
}

/// That a process certainly held the lock. As it did one thing after the other, it acquired the
/// lock at the end of its acquire at the latest, and released it at the beginning of its release
/// at the earliest.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// When its acquire ended.
    pub(super) from: u64,
    /// When its release began; never, if it did not.
    pub(super) until: u64,
    /// Whether others may hold it at the same time, if they share it too.
    pub(super) shared: bool,
    /// The operations, in order: more than an acquire and a release where it was shared again.
    pub(super) operations: Vec<usize>,
}

/// The sections of all processes, by beginning. `None` if a process did several things at once,
/// or went on after an operation of unknown outcome.
///
/// # Errors
/// If a process released what it did not hold, or acquired what it held.
pub(super) fn sections<A>(
    items: &[Item<A>],
    step: impl Fn(&A) -> LockStep,
) -> Option<Result<Vec<Section>, Refuted>> {
    let mut of_process: FxHashMap<u64, Process> = FxHashMap::default();
    let mut by_start: Vec<usize> = (0..items.len()).collect();
    by_start.sort_by_key(|&at| items[at].start);
    let mut closed = Vec::new();
    let mut wrong = None;
    for at in by_start {
        let item = &items[at];
        let step = step(&item.action);
        let (LockStep::Acquire { process, .. } | LockStep::Release(process)) = step;
        let process = of_process.entry(process).or_default();
        if process.busy_until.is_some_and(|until| item.start <= until) {
            return None;
        }
        process.busy_until = Some(item.end);
        match process.perform(at, item, step) {
            Ok(section) => closed.extend(section),
            Err((why, operations)) => {
                wrong = wrong.or(Some(Refuted {
                    by: known_by(items, &operations, false, |_| false),
                    operations,
                    why,
                }));
                // The rest of what it did has no meaning.
                *process = Process {
                    busy_until: Some(item.end),
                    ..Process::default()
                };
            }
        }
    }
    if let Some(wrong) = wrong {
        return Some(Err(wrong));
    }
    closed.extend(of_process.into_values().filter_map(|process| process.open));
    closed.sort_unstable_by(|a, b| (a.from, &a.operations).cmp(&(b.from, &b.operations)));
    Some(Ok(closed))
}

/// What a process has done so far.
#[derive(Default)]
struct Process {
    busy_until: Option<u64>,
    open: Option<Section>,
    depth: usize,
    /// The operations of its last section that ended.
    last: Vec<usize>,
}

impl Process {
    /// Gives a section that is over.
    fn perform<A>(
        &mut self,
        at: usize,
        item: &Item<A>,
        step: LockStep,
    ) -> Result<Option<Section>, (Why, Vec<usize>)> {
        match (step, &mut self.open) {
            // Nobody needs that it acquired the lock, if it did.
            (LockStep::Acquire { .. }, _) if item.pending() => Ok(None),
            (LockStep::Acquire { shared, .. }, None) => {
                self.depth = 1;
                self.open = Some(Section {
                    from: item.end,
                    until: u64::MAX,
                    shared,
                    operations: vec![at],
                });
                Ok(None)
            }
            (LockStep::Acquire { shared: true, .. }, Some(section)) if section.shared => {
                self.depth += 1;
                section.operations.push(at);
                Ok(None)
            }
            (LockStep::Acquire { .. }, Some(section)) => {
                let mut operations = section.operations.clone();
                operations.push(at);
                Err((Why::NotExclusive, operations))
            }
            (LockStep::Release(_), Some(section)) => {
                section.operations.push(at);
                self.depth -= 1;
                if self.depth > 0 {
                    return Ok(None);
                }
                section.until = item.start;
                self.last.clone_from(&section.operations);
                Ok(self.open.take())
            }
            (LockStep::Release(_), None) if item.pending() => Ok(None),
            (LockStep::Release(_), None) => {
                let mut operations = std::mem::take(&mut self.last);
                operations.push(at);
                Err((Why::NotHeld, operations))
            }
        }
    }
}

/// Whether no two processes certainly held the lock at the same moment without sharing it.
///
/// # Errors
/// Two that did.
pub(super) fn exclusive<A>(items: &[Item<A>], sections: &[Section]) -> Result<(), Refuted> {
    // Of those so far, the one that is held for longest, and the same of those not shared.
    let (mut any, mut alone): (Option<&Section>, Option<&Section>) = (None, None);
    for section in sections {
        let other = if section.shared { alone } else { any };
        if let Some(other) = other.filter(|other| section.from < other.until) {
            let mut operations = other.operations.clone();
            operations.extend(&section.operations);
            return Err(Refuted {
                by: known_by(items, &operations, false, |_| false),
                operations,
                why: Why::NotExclusive,
            });
        }
        let longest = |kept: Option<&Section>| kept.is_none_or(|kept| kept.until < section.until);
        if longest(any) {
            any = Some(section);
        }
        if !section.shared && longest(alone) {
            alone = Some(section);
        }
    }
    Ok(())
}

/// All operations in order: who acquires does so as late as possible, who releases as early.
pub(super) fn order<A>(items: &[Item<A>], sections: &[Section]) -> Vec<usize> {
    let mut placed: Vec<(u64, bool, usize)> = Vec::with_capacity(items.len());
    for section in sections {
        for (position, &at) in section.operations.iter().enumerate() {
            // What goes on before it comes first.
            let acquires = position == 0;
            let rank = if acquires {
                items[at].end
            } else {
                items[at].start
            };
            placed.push((rank, acquires, at));
        }
    }
    placed.sort_unstable();
    placed.into_iter().map(|(.., at)| at).collect()
}
