//! A small sub-history that is already wrong.
//!
//! What is left out is left out soundly (see [`crate::linearizable::Proof`]): whoever compares with a value
//! keeps everybody who may have written it. Deleting a write therefore deletes its readers with
//! it, and a compare-and-set whose expectation cannot be kept remains as a write. Deletions are
//! tried in halves, quarters, … (Zeller & Hildebrandt, *Simplifying and isolating
//! failure-inducing input*, TSE 2002) until no single one is possible.

use polygraph_history::History;
use rustc_hash::FxHashMap;

use super::certificate::Certificate;
use super::distinct;
use super::refute::Overwritten;
use super::view::{Action, INITIAL, Item, KeyView, ValueId, without_mismatches};
use crate::linearizable::decide::decide;
use crate::linearizable::search::{Answer, Limits, Ration};

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
    pub(in crate::linearizable) fn used(&self) -> Item {
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
/// Where that runs out of what there is, the end of a longer one without.
pub(in crate::linearizable) fn shortest(
    items: &[Item],
    from: u64,
    by: u64,
    ration: &mut Ration<'_>,
) -> u64 {
    let mut ends: Vec<u64> = items.iter().map(|item| item.end).collect();
    ends.retain(|end| (from..=by).contains(end));
    ends.sort_unstable();
    let mut wrong_by = |end: u64| {
        let pieces = prefix(items, end);
        let items: Vec<Item> = pieces.into_iter().map(|piece| piece.item).collect();
        let decision = decide(&items, &ration.next()?);
        Some(ration.spend(decision.steps, items.len(), decision.answer))
    };
    // All before `left` have an order, the one at `last` has none.
    let last = ends.len().saturating_sub(1);
    let (mut left, mut right, mut step) = (0, 0, 1);
    while right < last {
        match wrong_by(ends[right]) {
            Some(true) => break,
            Some(false) => left = right + 1,
            None => right = last,
        }
        right = last.min(right + step);
        step *= 2;
    }
    while left < right {
        let middle = left + (right - left) / 2;
        match wrong_by(ends[middle]) {
            Some(true) => right = middle,
            Some(false) => left = middle + 1,
            None => break,
        }
    }
    ends.get(right).copied().unwrap_or(by)
}

/// Finds a sub-history of a violated key that is wrong and from which no single operation can be
/// left out soundly, unless the limits end that early: then as far as it has come. If it is known
/// which rows show it, that need not be found out again.
pub(in crate::linearizable) fn minimal(
    history: &History,
    key: &KeyView,
    known: Option<&Certificate>,
    (from, by): (u64, u64),
    limits: &Limits,
) -> Vec<Piece> {
    let again;
    let refuted = match known {
        Some(known) => Some(known),
        None => {
            again = distinct::refuted(&key.rows);
            again.as_ref()
        }
    };
    if let Some(certificate) = refuted {
        // Where values are distinct, whoever may have left what is found is among these already.
        let mut pieces = certificate.pieces(history, &key.rows);
        pieces.sort_by_key(|piece| (piece.item.start, piece.item.operation));
        return shrunk(pieces, (0, certificate.by), Ration::new(limits));
    }
    let mut ration = Ration::new(limits);
    let items = &*key.items(history);
    // Failed compare-and-sets tie down almost every writer: better to do without them.
    let plain: Vec<Item> = without_mismatches(items);
    let mut whole = (items, from, by);
    if plain.len() < items.len()
        && let Some(limits) = ration.next()
    {
        let decision = decide(&plain, &limits);
        ration.spend(decision.steps, plain.len(), decision.answer);
        if let Answer::Violated { from: later, by } = decision.answer {
            // Perhaps wrong only later than with them.
            whole = (&plain, from.max(later), by);
        }
    }
    let (items, from, by) = whole;
    let pieces = items.iter().cloned().map(Piece::whole).collect();
    shrunk(pieces, (from, by), ration)
}

/// The same of some pieces, whose prefix up to `by` has no order, nor any that ends before `from`
/// none.
pub(in crate::linearizable) fn shrunk(
    pieces: Vec<Piece>,
    (from, by): (u64, u64),
    mut ration: Ration<'_>,
) -> Vec<Piece> {
    let items: Vec<Item> = pieces.iter().map(Piece::used).collect();
    let rank = shortest(&items, from, by, &mut ration);
    let mut shrink = Shrink::new(cut(pieces.into_iter(), rank), ration);
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
    ration: Ration<'a>,
}

impl<'a> Shrink<'a> {
    fn new(pieces: Vec<Piece>, ration: Ration<'a>) -> Shrink<'a> {
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
            ration,
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
        let Some(limits) = self.ration.next() else {
            return false;
        };
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
        let decision = decide(&items, &limits);
        let wrong = (self.ration).spend(decision.steps, items.len(), decision.answer);
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
                let mut begun = writers.begun(item.end).peekable();
                all_kept(writers, &|_| true)
                    && (*value == INITIAL || begun.peek().is_none() || begun.any(|at| keep[at]))
            }
        }
    }

    /// Tries to keep the end only, with the writers of what is found there.
    fn by_window(&mut self) {
        let latest = Overwritten::new(self.pieces.iter().map(|piece| &piece.item));
        let mut size = 8;
        while size < self.pieces.len() {
            let from = self.pieces.len() - size;
            let mut keep: Vec<bool> = (0..self.pieces.len()).map(|at| at >= from).collect();
            let expect = keep.clone();
            for Piece { item, .. } in &self.pieces[from..] {
                if let Some(value) = item.action.requires()
                    && let Some(writers) = self.writers.get(value)
                {
                    let since = latest.before(item.start).unwrap_or(0);
                    let possible = writers.not_overwritten(item.end, since);
                    for writer in possible.chain(writers.last_begun(item.end)) {
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
            while self.ration.out().is_none() {
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
            if self.ration.out().is_some() {
                return;
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
            if self.ration.out().is_some() {
                return;
            }
            if matches!(self.pieces[at].item.action, Action::Cas { .. }) && self.choice.expect[at] {
                let mut choice = self.choice.clone();
                choice.expect[at] = false;
                choice.keep[at] = self.pieces[at].item.action.writes().is_some();
                self.attempt(choice);
            }
        }
    }
}

/// Some of the pieces that write.
#[derive(Default)]
struct Writers {
    ended: Starts,
    /// The latest end of all that ended up to each.
    last_end: Vec<u64>,
    pending: Starts,
}

/// Places by start.
#[derive(Default)]
struct Starts {
    places: Vec<usize>,
    starts: Vec<u64>,
}

impl Starts {
    /// Those that had begun by this moment.
    fn begun(&self, moment: u64) -> &[usize] {
        &self.places[..self.starts.partition_point(|&start| start <= moment)]
    }
}

impl Writers {
    fn push(&mut self, place: usize, item: &Item) {
        let list = if item.pending() {
            &mut self.pending
        } else {
            let before = self.last_end.last().copied().unwrap_or(0);
            self.last_end.push(item.end.max(before));
            &mut self.ended
        };
        list.places.push(place);
        list.starts.push(item.start);
    }

    /// Those that had begun by this moment; of those that ended the last first.
    fn begun(&self, moment: u64) -> impl Iterator<Item = usize> {
        let ended = self.ended.begun(moment).iter().rev();
        ended.chain(self.pending.begun(moment)).copied()
    }

    /// The one of those that ended that began last by this moment.
    fn last_begun(&self, moment: u64) -> Option<usize> {
        self.ended.begun(moment).last().copied()
    }

    /// Those that had begun by this moment, without such as begin the list and all ended before
    /// `since`.
    fn not_overwritten(&self, moment: u64, since: u64) -> impl Iterator<Item = usize> {
        let ended = self.ended.begun(moment);
        let first = self.last_end[..ended.len()].partition_point(|&end| end < since);
        let pending = self.pending.begun(moment);
        ended[first..].iter().rev().chain(pending).copied()
    }
}
