//! What to say of violations that take more than one value: chains of compare-and-sets, two
//! values at a time, and failed compare-and-sets.

use super::evidence::Piece;
use super::explain::{Explanation, Story, capital};
use super::view::{Action, INITIAL, Item, ValueId};

impl Story<'_> {
    fn items(&self) -> impl Iterator<Item = &Item> {
        self.pieces.iter().map(|piece| &piece.item)
    }

    /// The compare-and-sets that are used with what they replaced.
    fn swaps(&self) -> impl Iterator<Item = (&Item, ValueId, ValueId)> {
        let swap = |piece: &Piece| match piece.item.action {
            Action::Cas { from, to } if piece.expectation && from != to => Some((from, to)),
            _ => None,
        };
        self.pieces
            .iter()
            .filter_map(move |piece| swap(piece).map(|(from, to)| (&piece.item, from, to)))
    }

    /// The values from this one on, each with the compare-and-set by which it came there.
    fn chain(&self, value: ValueId) -> Vec<(ValueId, Option<&Item>)> {
        let mut chain = vec![(value, None)];
        while let Some((swap, _, to)) = self
            .swaps()
            .find(|&(_, from, _)| chain.last().is_some_and(|&(last, _)| last == from))
        {
            if chain.iter().any(|&(value, _)| value == to) {
                break;
            }
            chain.push((to, Some(swap)));
        }
        chain
    }

    /// Every value was written once.
    fn all_once(&self) -> bool {
        let mut written: Vec<ValueId> = self
            .items()
            .filter_map(|i| i.action.writes())
            .copied()
            .collect();
        let count = written.len();
        written.sort_unstable();
        written.dedup();
        written.len() == count && !written.contains(&INITIAL)
    }

    /// A value was found that only a compare-and-set can have left, which cannot have happened.
    pub(super) fn never_possible(&self) -> Option<Explanation> {
        let (swap, from, to) = self.swaps().find(|&(swap, from, _)| {
            swap.pending() && from != INITIAL && self.writers(from).is_empty()
        })?;
        let (finder, _) = self.finders().find(|&(_, value)| value == to)?;
        if self.writers(to).len() > 1 {
            return None;
        }
        Some(Explanation {
            kind: "phantom-read",
            text: format!(
                "{} {} at {}, which only {}, begun at {}, can have left there; but nobody had \
                 written {} by then",
                self.client(finder),
                self.did(finder),
                self.ended(finder),
                self.doing_of(swap),
                self.began(swap),
                self.value(from),
            ),
            besides: Vec::new(),
        })
    }

    /// A value was found after another one, by which it had been replaced.
    pub(super) fn behind(&self) -> Option<Explanation> {
        if !self.all_once() {
            return None;
        }
        for (late, value) in self.finders() {
            let chain = self.chain(value);
            for (later, swap) in chain.iter().skip(1) {
                // The compare-and-set itself finds what it replaces, and nothing later.
                let early = self.items().find(|early| {
                    let is = early.action.requires() == Some(later)
                        || early.action.writes() == Some(later);
                    is && early.end < late.start && !early.pending()
                });
                let (Some(early), Some(swap)) = (early, swap) else {
                    continue;
                };
                let by = match chain.get(1) {
                    Some((_, Some(first))) if chain.len() > 2 && *later != chain[1].0 => {
                        format!(
                            "{} had replaced {}, and {} the last before it",
                            self.doing_of(first),
                            self.value(value),
                            self.doing_of(swap)
                        )
                    }
                    _ => format!("{} had replaced {}", self.doing_of(swap), self.value(value)),
                };
                return Some(Explanation {
                    kind: "stale-read",
                    text: format!(
                        "{} {} (finished {}), before which {by}; and then {}, beginning at {}, {}",
                        self.client(early),
                        self.did(early),
                        self.ended(early),
                        self.client(late),
                        self.began(late),
                        self.did(late),
                    ),
                    besides: Vec::new(),
                });
            }
        }
        None
    }

    /// Two values must have been there at a time.
    pub(super) fn two_at_once(&self) -> Option<Explanation> {
        if !self.all_once() {
            return None;
        }
        let replaced = |value: ValueId| self.swaps().any(|(_, _, to)| to == value);
        let mut roots: Vec<ValueId> = self
            .items()
            .flat_map(|item| [item.action.writes(), item.action.requires()])
            .flatten()
            .copied()
            .filter(|&value| !replaced(value))
            .collect();
        roots.sort_unstable();
        roots.dedup();
        let held: Vec<Held<'_>> = roots.iter().filter_map(|&root| self.held(root)).collect();
        for one in &held {
            for other in &held {
                let both = one.first.end < other.last.start && other.first.end < one.last.start;
                // Told from the one that was there first.
                if !both || one.chain == other.chain || one.first.end > other.first.end {
                    continue;
                }
                return Some(Explanation {
                    kind: "non-linearizable",
                    text: format!(
                        "{} held {} from {}, when {} had finished {}, to {}, when {} began {}; but \
                         from {}, when {} had finished {}, to {}, when {} began {}, it held {}",
                        self.key.key,
                        self.values(one),
                        self.ended(one.first),
                        self.client(one.first),
                        self.doing(one.first),
                        self.began(one.last),
                        self.client(one.last),
                        self.doing(one.last),
                        self.ended(other.first),
                        self.client(other.first),
                        self.doing(other.first),
                        self.began(other.last),
                        self.client(other.last),
                        self.doing(other.last),
                        self.values(other),
                    ),
                    besides: Vec::new(),
                });
            }
        }
        None
    }

    /// Between which operations the chain of a value was certainly there, if for any time.
    fn held(&self, root: ValueId) -> Option<Held<'_>> {
        let chain: Vec<ValueId> = self
            .chain(root)
            .into_iter()
            .map(|(value, _)| value)
            .collect();
        let named = |value: Option<&ValueId>| value.is_some_and(|value| chain.contains(value));
        let of_chain = |item: &&Item| named(item.action.writes()) || named(item.action.requires());
        let items: Vec<&Item> = self.items().filter(of_chain).collect();
        let first = items.iter().copied().min_by_key(|item| item.end)?;
        let last = items.iter().copied().max_by_key(|item| item.start)?;
        (first.end < last.start).then_some(Held { first, last, chain })
    }

    fn values(&self, held: &Held<'_>) -> String {
        let values: Vec<String> = held
            .chain
            .iter()
            .map(|&value| self.value(value).to_string())
            .collect();
        values.join(", then ")
    }

    /// A compare-and-set failed although the value that it had named was there.
    pub(super) fn refused_in_spite(&self) -> Option<Explanation> {
        let mut failed = self.items().filter_map(|item| match item.action {
            Action::Mismatch(value) => Some((item, value)),
            _ => None,
        });
        let (failed_one, value) = failed.next()?;
        if failed.next().is_some() || self.items().any(|i| i.pending()) {
            return None;
        }
        let writers = self.writers(value);
        let others = self
            .items()
            .filter(|item| item.action.writes().is_some_and(|other| *other != value));
        // Simple where all others had written before it was there.
        let before = |other: &Item| writers.iter().any(|writer| other.end < writer.start);
        if writers.len() > 1 || !{ others }.all(before) {
            return None;
        }
        let why = match writers.first() {
            Some(writer) if writer.end < failed_one.start => format!(
                "{} had finished {} at {}, and nobody else had begun to write since",
                self.client(writer),
                self.doing(writer),
                self.ended(writer)
            ),
            None if value == INITIAL => "nobody had begun to write before it ended".to_owned(),
            _ => return None,
        };
        Some(Explanation {
            kind: "non-linearizable",
            text: format!(
                "{}'s compare-and-set of {}={}, begun at {}, failed at {} for finding another \
                 value, but {why}",
                capital(&self.client(failed_one)),
                self.key.key,
                self.value(value),
                self.began(failed_one),
                self.ended(failed_one),
            ),
            besides: Vec::new(),
        })
    }

    /// `client 4's change from 1 to 2`.
    fn doing_of(&self, item: &Item) -> String {
        let doing = self.doing(item);
        format!(
            "{}'s {}",
            self.client(item),
            doing.trim_start_matches("its ")
        )
    }
}

/// A chain that was there for a time.
struct Held<'a> {
    /// Who had ended first.
    first: &'a Item,
    /// Who began last.
    last: &'a Item,
    chain: Vec<ValueId>,
}
