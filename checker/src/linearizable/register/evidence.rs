//! A small sub-history that is already wrong.
//!
//! What is left out is left out soundly (see [`crate::linearizable::Proof`]): whoever compares with a value
//! keeps everybody who may have written it. Deleting a write therefore deletes its readers with
//! it, and a compare-and-set whose expectation cannot be kept remains as a write. Deletions are
//! tried in halves, quarters, … (Zeller & Hildebrandt, *Simplifying and isolating
//! failure-inducing input*, TSE 2002) until no single one is possible.

use polygraph_history::History;
use rustc_hash::FxHashMap;

use super::distinct;
use super::refute::Overwritten;
use super::view::{Action, INITIAL, Item, KeyView, ValueId, without_mismatches};
use crate::linearizable::decide::decide;
use crate::linearizable::search::{Answer, Limits};

/// An operation of the sub-history.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Piece {
    /// As it was recorded; pending if it ended after the prefix.
    pub(in crate::linearizable) item: Item,
    /// Whether what it found is used. A compare-and-set without that counts as a write.
    pub(in crate::linearizable) expectation: bool,
}

impl Piece {
    /// Used with what it found.
    const fn whole(item: Item) -> Piece {
        Piece {
            item,
            expectation: true,
        }
    }

    /// What of it is used.
    fn used(&self) -> Item {
        let mut item = self.item.clone();
        if let (Action::Cas { to, .. }, false) = (&item.action, self.expectation) {
            item.action = Action::Write(*to);
        }
        item
    }
}

/// The prefix up to a moment: what had not ended may take effect later, or never.
pub(in crate::linearizable) fn prefix(items: &[Item], rank: u64) -> Vec<Piece> {
    cut(items.iter().cloned().map(Piece::whole), rank)
}

fn cut(pieces: impl Iterator<Item = Piece>, rank: u64) -> Vec<Piece> {
    let piece = |mut piece: Piece| {
        if piece.item.end > rank {
            piece.item.end = u64::MAX;
            piece.item.action.writes()?;
        }
        Some(piece)
    };
    pieces
        .filter(|piece| piece.item.start <= rank)
        .filter_map(piece)
        .collect()
}

/// The end of the shortest prefix without an order: looks a return further, two, four, … and then
/// in between. Every prefix that ends before `from` has an order, and the one up to `by` has none.
pub(in crate::linearizable) fn shortest(
    items: &[Item],
    from: u64,
    by: u64,
    limits: &mut Limits,
) -> u64 {
    let mut ends: Vec<u64> = items.iter().map(|item| item.end).collect();
    ends.retain(|end| (from..=by).contains(end));
    ends.sort_unstable();
    let mut wrong_by = |end: u64| {
        let pieces = prefix(items, end);
        let items: Vec<Item> = pieces.into_iter().map(|piece| piece.item).collect();
        let limited = Limits {
            steps: limits.steps / 4,
            ..*limits
        };
        let decision = decide(&items, &limited);
        limits.steps = limits.steps.saturating_sub(decision.steps);
        matches!(decision.answer, Answer::Violated { .. })
    };
    let (mut right, mut step) = (0, 1);
    while right < ends.len() && !wrong_by(ends[right]) {
        right += step;
        step *= 2;
    }
    // The last that was seen to have an order lies half a step back.
    let mut left = (right + 1).saturating_sub(step / 2 + step % 2);
    right = right.min(ends.len());
    while left < right {
        let middle = left + (right - left) / 2;
        if wrong_by(ends[middle]) {
            right = middle;
        } else {
            left = middle + 1;
        }
    }
    ends.get(right).copied().unwrap_or(by)
}

/// Finds a sub-history of a violated key that is wrong and from which no single operation can be
/// left out soundly (unless the limits end that early).
pub(in crate::linearizable) fn minimal(
    history: &History,
    key: &KeyView,
    (from, by): (u64, u64),
    limits: &Limits,
) -> Vec<Piece> {
    if let Some(certificate) = distinct::refuted(&key.rows) {
        // Where values are distinct, whoever may have left what is found is among these already.
        let mut pieces = certificate.pieces(history, &key.rows);
        pieces.sort_by_key(|piece| (piece.item.start, piece.item.operation));
        return shrunk(pieces, (0, certificate.by), *limits);
    }
    let limits = *limits;
    let items = &*key.items(history);
    // Failed compare-and-sets tie down almost every writer: better to do without them.
    let plain: Vec<Item> = without_mismatches(items);
    let mut whole = (items, by);
    if plain.len() < items.len()
        && let Answer::Violated { by, .. } = decide(&plain, &limits).answer
    {
        // Perhaps wrong only later than with them.
        whole = (&plain, by);
    }
    let (items, by) = whole;
    let pieces = items.iter().cloned().map(Piece::whole).collect();
    shrunk(pieces, (from, by), limits)
}

/// The same of some pieces, whose prefix up to `by` has no order, nor any that ends before `from`
/// none.
fn shrunk(pieces: Vec<Piece>, (from, by): (u64, u64), mut limits: Limits) -> Vec<Piece> {
    let items: Vec<Item> = pieces.iter().map(Piece::used).collect();
    let rank = shortest(&items, from, by, &mut limits);
    let mut shrink = Shrink::new(cut(pieces.into_iter(), rank), limits);
    shrink.by_window();
    loop {
        let before = shrink.size();
        shrink.by_deletion();
        shrink.by_relaxation();
        if shrink.size() == before {
            break;
        }
    }
    shrink.kept()
}

/// Which pieces are kept, and how much of them.
#[derive(Clone)]
struct Choice {
    keep: Vec<bool>,
    expect: Vec<bool>,
}

struct Shrink<'a> {
    pieces: Vec<Piece>,
    /// Who writes each value, by start.
    writers: FxHashMap<ValueId, Writers>,
    /// Everybody who writes.
    mutators: Writers,
    choice: Choice,
    limits: Limits<'a>,
}

impl<'a> Shrink<'a> {
    fn new(pieces: Vec<Piece>, limits: Limits) -> Shrink {
        let mut writers: FxHashMap<ValueId, Writers> = FxHashMap::default();
        let mut mutators = Writers::default();
        for (at, piece) in pieces.iter().enumerate() {
            if let Some(&value) = piece.item.action.writes() {
                writers.entry(value).or_default().push(at, &piece.item);
                mutators.push(at, &piece.item);
            }
        }
        let choice = Choice {
            keep: vec![true; pieces.len()],
            expect: pieces.iter().map(|piece| piece.expectation).collect(),
        };
        Shrink {
            pieces,
            writers,
            mutators,
            choice,
            limits,
        }
    }

    /// How many operations and expectations are kept.
    fn size(&self) -> (usize, usize) {
        let count = |of: &[bool]| of.iter().filter(|&&is| is).count();
        (count(&self.choice.keep), count(&self.choice.expect))
    }

    fn kept_places(&self) -> Vec<usize> {
        (0..self.pieces.len())
            .filter(|&at| self.choice.keep[at])
            .collect()
    }

    fn kept(&self) -> Vec<Piece> {
        let piece = |at: usize| {
            let piece = &self.pieces[at];
            let compares = matches!(piece.item.action, Action::Cas { .. });
            Piece {
                expectation: self.choice.expect[at] || !compares,
                ..piece.clone()
            }
        };
        self.kept_places().into_iter().map(piece).collect()
    }

    /// Takes over a choice if, once made sound, it is still wrong.
    fn attempt(&mut self, mut choice: Choice) -> bool {
        self.make_sound(&mut choice);
        let piece = |at: usize| {
            Piece {
                expectation: choice.expect[at],
                ..self.pieces[at].clone()
            }
            .used()
        };
        let items: Vec<Item> = (0..self.pieces.len())
            .filter(|&at| choice.keep[at])
            .map(piece)
            .collect();
        if self.limits.steps == 0 {
            return false;
        }
        let decision = decide(&items, &self.limits);
        let cost = decision.steps + items.len() as u64 + 1;
        self.limits.steps = self.limits.steps.saturating_sub(cost);
        let wrong = matches!(decision.answer, Answer::Violated { .. });
        if wrong {
            self.choice = choice;
        }
        wrong
    }

    /// Drops every comparison whose possible writers are not all kept.
    fn make_sound(&self, choice: &mut Choice) {
        let kept = self
            .pieces
            .iter()
            .zip(&choice.keep)
            .filter(|&(_, &keep)| keep);
        let latest = Overwritten::new(kept.map(|(piece, _)| &piece.item));
        for at in 0..self.pieces.len() {
            if !choice.keep[at] || !choice.expect[at] || self.supported(at, &choice.keep, &latest) {
                continue;
            }
            choice.expect[at] = false;
            choice.keep[at] = self.pieces[at].item.action.writes().is_some();
        }
    }

    /// Whether everybody is kept who may have written what this operation found.
    fn supported(&self, at: usize, keep: &[bool], latest: &Overwritten) -> bool {
        let item = &self.pieces[at].item;
        let since = latest.before(item.start).unwrap_or(0);
        let all_kept = |writers: &Writers, matters: &dyn Fn(&Action) -> bool| {
            writers
                .not_overwritten(item.end, since)
                .filter(|&writer| writer != at && self.pieces[writer].item.end >= since)
                .all(|writer| keep[writer] || !matters(&self.pieces[writer].item.action))
        };
        match &item.action {
            Action::Write(_) => true,
            Action::Mismatch(value) => {
                all_kept(&self.mutators, &|action| action.writes() != Some(value))
            }
            Action::Read(value) | Action::Cas { from: value, .. } => {
                let Some(writers) = self.writers.get(value) else {
                    return true;
                };
                // One is kept in any case, so that a reader sees where the value was from.
                let mut begun = writers.begun(item.end).iter().rev().peekable();
                all_kept(writers, &|_| true)
                    && (*value == INITIAL || begun.peek().is_none() || begun.any(|&at| keep[at]))
            }
        }
    }

    /// Tries to keep the end only, with the writers of what is found there.
    fn by_window(&mut self) {
        let mut size = 8;
        while size < self.pieces.len() {
            let from = self.pieces.len() - size;
            let mut keep: Vec<bool> = (0..self.pieces.len()).map(|at| at >= from).collect();
            let expect = keep.clone();
            for at in from..self.pieces.len() {
                if let Some(value) = self.pieces[at].item.action.requires()
                    && let Some(writers) = self.writers.get(value)
                {
                    let end = self.pieces[at].item.end;
                    for &writer in writers.begun(end).iter().rev().take(8) {
                        keep[writer] = true;
                    }
                }
            }
            if self.attempt(Choice { keep, expect }) {
                return;
            }
            size *= 4;
        }
    }

    fn by_deletion(&mut self) {
        let mut size = (self.size().0 / 2).max(1);
        loop {
            let mut deleted = false;
            let mut position = 0;
            loop {
                let places = self.kept_places();
                let Some(chunk) = places.get(position..places.len().min(position + size)) else {
                    break;
                };
                if chunk.is_empty() {
                    break;
                }
                let mut choice = self.choice.clone();
                for &at in chunk {
                    choice.keep[at] = false;
                    choice.expect[at] = false;
                }
                if self.attempt(choice) {
                    deleted = true;
                } else {
                    position += size;
                }
            }
            if size > 1 {
                size = (size / 2).min(self.size().0.max(2) / 2).max(1);
            } else if !deleted {
                return;
            }
        }
    }

    /// Tries to count each compare-and-set as a write.
    fn by_relaxation(&mut self) {
        for at in self.kept_places() {
            if matches!(self.pieces[at].item.action, Action::Cas { .. }) && self.choice.expect[at] {
                let mut choice = self.choice.clone();
                choice.expect[at] = false;
                choice.keep[at] = self.pieces[at].item.action.writes().is_some();
                self.attempt(choice);
            }
        }
    }
}

/// Some of the pieces that write, by start.
#[derive(Default)]
struct Writers {
    places: Vec<usize>,
    starts: Vec<u64>,
    /// The latest end of all up to each.
    last_end: Vec<u64>,
}

impl Writers {
    fn push(&mut self, place: usize, item: &Item) {
        let before = self.last_end.last().copied().unwrap_or(0);
        self.places.push(place);
        self.starts.push(item.start);
        self.last_end.push(item.end.max(before));
    }

    /// Those that had begun by this moment.
    fn begun(&self, moment: u64) -> &[usize] {
        &self.places[..self.starts.partition_point(|&start| start <= moment)]
    }

    /// Those that had begun by this moment, the last first, without such as begin the list and
    /// all ended before `since`.
    fn not_overwritten(&self, moment: u64, since: u64) -> impl Iterator<Item = usize> {
        let begun = self.begun(moment);
        let first = self.last_end[..begun.len()].partition_point(|&end| end < since);
        begun[first..].iter().rev().copied()
    }
}
