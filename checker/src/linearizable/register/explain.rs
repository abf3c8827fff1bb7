//! Says what is wrong with a sub-history, in a sentence or two that a person believes.

use polygraph_history::{EventIndex, History, Op, Outcome, Time, Value};

use super::evidence::Piece;
use super::view::{Action, INITIAL, Item, KeyView, ValueId, item};

/// What kind of violation it is, and why.
pub(in crate::linearizable) struct Explanation {
    /// Its name in the field.
    pub(in crate::linearizable) kind: &'static str,
    /// The sentences.
    pub(in crate::linearizable) text: String,
    /// Further operations that the sentences are about, as events of invocations.
    pub(in crate::linearizable) besides: Vec<EventIndex>,
}

/// Explains a minimal sub-history of a key.
pub(in crate::linearizable) fn explain(
    history: &History,
    key: &KeyView,
    pieces: &[Piece],
) -> Explanation {
    let story = Story {
        history,
        key,
        pieces,
    };
    story
        .never_written()
        .or_else(|| story.overwritten())
        .or_else(|| story.new_then_old())
        .or_else(|| story.twice_the_same())
        .or_else(|| story.replaced())
        .or_else(|| story.never_possible())
        .or_else(|| story.behind())
        .or_else(|| story.to_and_fro())
        .or_else(|| story.two_at_once())
        .or_else(|| story.refused_in_spite())
        .unwrap_or_else(|| story.no_order())
}

pub(super) struct Story<'a> {
    history: &'a History,
    pub(super) key: &'a KeyView,
    pub(super) pieces: &'a [Piece],
}

impl Story<'_> {
    /// The value that a piece found, if it is used with that and did so for certain.
    fn found(piece: &Piece) -> Option<ValueId> {
        let used = piece.expectation && !piece.item.pending();
        piece.item.action.requires().copied().filter(|_| used)
    }

    pub(super) fn finders(&self) -> impl Iterator<Item = (&Item, ValueId)> {
        self.pieces
            .iter()
            .filter_map(|piece| Story::found(piece).map(|value| (&piece.item, value)))
    }

    pub(super) fn writers(&self, value: ValueId) -> Vec<&Item> {
        self.pieces
            .iter()
            .map(|piece| &piece.item)
            .filter(|item| item.action.writes() == Some(&value))
            .collect()
    }

    /// A value was found that nobody wrote, or nobody had begun to write.
    fn never_written(&self) -> Option<Explanation> {
        let (finder, value) = self
            .finders()
            .find(|&(_, value)| value != INITIAL && self.writers(value).is_empty())?;
        let first = self
            .key
            .rows
            .first_writer(value)
            .map(|row| item(self.history, row));
        let first = first.as_ref();
        let (why, besides) = match (first, self.failed_writer(value)) {
            (Some(first), _) => (
                format!(
                    "before anybody had begun to write {}: {} began to do so at {}",
                    self.value(value),
                    self.client(first),
                    self.began(first)
                ),
                vec![self.invoke(first)],
            ),
            (None, Some(failed)) => {
                let operation = &self.history.operations()[failed];
                (
                    format!(
                        "which nobody wrote: the only attempt, by client {} at {}, had failed{}",
                        operation.process,
                        self.moment(operation.invoke),
                        self.error(failed),
                    ),
                    vec![operation.invoke],
                )
            }
            (None, None) => ("which nobody ever wrote".to_owned(), Vec::new()),
        };
        Some(Explanation {
            kind: "phantom-read",
            text: format!(
                "{} {} at {}, {why}",
                self.client(finder),
                self.did(finder),
                self.ended(finder)
            ),
            besides,
        })
    }

    /// A value was found that had certainly been overwritten before.
    fn overwritten(&self) -> Option<Explanation> {
        for (finder, old) in self.finders() {
            let writers = self.writers(old);
            let between = self
                .pieces
                .iter()
                .map(|piece| &piece.item)
                .filter(|item| {
                    item.end < finder.start && !writers.iter().any(|w| w.end >= item.start)
                })
                .filter_map(|item| item.action.writes().map(|new| (item, *new)))
                .filter(|&(_, new)| new != old)
                .max_by_key(|(item, _)| item.end);
            let Some((writer, _)) = between else {
                continue;
            };
            let lost = matches!(finder.action, Action::Cas { .. });
            let before = match writers.iter().max_by_key(|writer| writer.end) {
                None => String::new(),
                Some(first) => format!(
                    "; {} had finished {} at {}, before that began",
                    self.client(first),
                    self.doing(first),
                    self.ended(first)
                ),
            };
            return Some(Explanation {
                kind: if lost { "lost-write" } else { "stale-read" },
                text: format!(
                    "{} {} at {} (begun at {}), after {} had finished {} at {}{before}",
                    self.client(finder),
                    self.did(finder),
                    self.ended(finder),
                    self.began(finder),
                    self.client(writer),
                    self.doing(writer),
                    self.ended(writer),
                ),
                besides: Vec::new(),
            });
        }
        None
    }

    /// A new value was found, and after that an older one.
    fn new_then_old(&self) -> Option<Explanation> {
        for (late, old) in self.finders() {
            for (early, new) in self.finders() {
                if early.end >= late.start || new == old || new == INITIAL {
                    continue;
                }
                let Some(before) = self.older(old, late, early, new) else {
                    continue;
                };
                return Some(Explanation {
                    kind: "stale-read",
                    text: format!(
                        "{} {} (finished {}), and then {}, beginning at {}, {} the older {}{before}",
                        self.client(early),
                        self.did(early),
                        self.ended(early),
                        self.client(late),
                        self.began(late),
                        match late.action {
                            Action::Cas { .. } => "replaced",
                            _ => "read",
                        },
                        self.value(old),
                    ),
                    besides: Vec::new(),
                });
            }
        }
        None
    }

    /// Why the old value was older than what an operation found early: whoever wrote it had done
    /// so before that began, or before the new value's write began.
    fn older(&self, old: ValueId, late: &Item, early: &Item, new: ValueId) -> Option<String> {
        let writers = self.writers(old);
        if writers.is_empty() {
            return Some(String::new());
        }
        let told = |witness: &Item, next: &Item| {
            format!(
                ". {} had finished {} at {}, before {} began {} at {}",
                capital(&self.client(witness)),
                self.doing(witness),
                self.ended(witness),
                self.client(next),
                self.doing(next),
                self.began(next),
            )
        };
        let last = writers.iter().copied().max_by_key(|writer| writer.end)?;
        let newer = self
            .writers(new)
            .into_iter()
            .min_by_key(|writer| writer.start)?;
        if last.end < newer.start {
            return Some(told(last, newer));
        }
        if last.end < early.start {
            return Some(told(last, early));
        }
        // The only writer may still have been busy when somebody had already seen its value.
        let seen = self
            .finders()
            .filter(|&(item, value)| value == old && item.operation != late.operation)
            .map(|(item, _)| item)
            .filter(|item| writers.len() == 1 && item.end < newer.start)
            .min_by_key(|item| item.end)?;
        Some(told(seen, newer))
    }

    /// Two compare-and-sets replaced the same value, which was there once.
    fn twice_the_same(&self) -> Option<Explanation> {
        let swaps: Vec<(&Item, ValueId)> = self
            .finders()
            .filter(|(item, _)| matches!(item.action, Action::Cas { .. }))
            .collect();
        let [(a, value), (b, same)] = swaps[..] else {
            return None;
        };
        let writers = self.writers(value);
        let once = writers.len() == usize::from(value != INITIAL);
        let mutators = self
            .pieces
            .iter()
            .filter(|piece| piece.item.action.writes().is_some());
        if value != same || !once || mutators.count() != 2 + writers.len() {
            return None;
        }
        let once = match writers.first() {
            None => format!("{} held nothing only at the beginning", self.key.key),
            Some(writer) => format!(
                "{} was written once{}, by {} at {}",
                self.value(value),
                self.in_this_time(value),
                self.client(writer),
                self.began(writer)
            ),
        };
        Some(Explanation {
            kind: "cas-double-success",
            text: format!(
                "{} {} at {}, and {} {} at {}, but {once}",
                self.client(a),
                self.did(a),
                self.ended(a),
                self.client(b),
                self.did(b),
                self.ended(b)
            ),
            besides: Vec::new(),
        })
    }

    /// A value was found that had been written once and replaced before.
    fn replaced(&self) -> Option<Explanation> {
        for (late, value) in self.finders() {
            let writers = self.writers(value);
            let swap = self.finders().map(|(item, _)| item).find(|item| {
                item.end < late.start
                    && matches!(&item.action, Action::Cas { from, to } if *from == value && to != from)
            });
            let Some(swap) = swap else { continue };
            if writers.len() != usize::from(value != INITIAL)
                || self.pieces.len() != writers.len() + 2
            {
                continue;
            }
            let once = match writers.first() {
                None => String::new(),
                Some(writer) => format!(
                    ", and {} had been written only once{}, by {} at {}",
                    self.value(value),
                    self.in_this_time(value),
                    self.client(writer),
                    self.began(writer)
                ),
            };
            return Some(Explanation {
                kind: "stale-read",
                text: format!(
                    "{} {} at {} (begun at {}), after {} had finished {} at {}{once}",
                    self.client(late),
                    self.did(late),
                    self.ended(late),
                    self.began(late),
                    self.client(swap),
                    self.doing(swap),
                    self.ended(swap),
                ),
                besides: Vec::new(),
            });
        }
        None
    }

    /// A value was found, then another, then the first again, and each was written once.
    fn to_and_fro(&self) -> Option<Explanation> {
        let once = |value: ValueId| self.writers(value).len() <= usize::from(value != INITIAL);
        for (first, a) in self.finders() {
            for (second, b) in self.finders() {
                let third = self.finders().find(|&(third, value)| {
                    value == a && first.end < second.start && second.end < third.start
                });
                let Some((third, _)) = third.filter(|_| a != b && once(a) && once(b)) else {
                    continue;
                };
                return Some(Explanation {
                    kind: "stale-read",
                    text: format!(
                        "{} {} (finished {}), then {} {} ({} to {}), and then {}, beginning at {}, \
                         found {} again, which was written only once{}",
                        self.client(first),
                        self.did(first),
                        self.ended(first),
                        self.client(second),
                        self.did(second),
                        self.began(second),
                        self.ended(second),
                        self.client(third),
                        self.began(third),
                        self.value(a),
                        self.in_this_time(a),
                    ),
                    besides: Vec::new(),
                });
            }
        }
        None
    }

    /// Nothing simpler: names the operation that cannot be placed, and what it depends on.
    fn no_order(&self) -> Explanation {
        let mut items: Vec<&Item> = self.pieces.iter().map(|piece| &piece.item).collect();
        items.sort_by_key(|item| item.end);
        let last = items.iter().rev().find(|item| !item.pending());
        let mut told: Vec<&Item> = items
            .iter()
            .rev()
            .filter(|i| !i.pending())
            .take(4)
            .copied()
            .collect();
        told.sort_by_key(|item| item.start);
        let told: Vec<String> = told
            .into_iter()
            .map(|item| {
                format!(
                    "{} {} ({} to {})",
                    self.client(item),
                    self.did(item),
                    self.began(item),
                    self.ended(item)
                )
            })
            .collect();
        let others = match self.pieces.len() - told.len() {
            0 => String::new(),
            1 => " and one more".to_owned(),
            more => format!(" and {more} more"),
        };
        let by = last.map_or_else(String::new, |last| format!(" by {}", self.ended(last)));
        Explanation {
            kind: "non-linearizable",
            text: format!(
                "no order of {} operations on {} explains what they returned{by}: {}{others}",
                self.pieces.len(),
                self.key.key,
                told.join(", "),
            ),
            besides: Vec::new(),
        }
    }

    /// What to add to *written once* where the value was written at other times too.
    fn in_this_time(&self, value: ValueId) -> &'static str {
        if self.key.rows.writers(value) > 1 {
            " in this time"
        } else {
            ""
        }
    }

    /// A failed attempt to write this value, if all attempts failed.
    fn failed_writer(&self, value: ValueId) -> Option<usize> {
        let value = self.value(value);
        self.history.operations().iter().position(|operation| {
            operation.outcome == Outcome::Fail
                && match self.history.op(operation) {
                    Op::Write { key, value: to } | Op::Cas { key, to, .. } => {
                        *key == self.key.key && to == value
                    }
                    _ => false,
                }
        })
    }

    fn error(&self, operation: usize) -> String {
        let operation = &self.history.operations()[operation];
        let error = self
            .history
            .completion(operation)
            .and_then(|event| event.error.as_ref());
        error.map_or_else(String::new, |error| format!(" ({error})"))
    }

    fn invoke(&self, item: &Item) -> EventIndex {
        self.history.operations()[item.operation].invoke
    }

    pub(super) fn client(&self, item: &Item) -> String {
        format!(
            "client {}",
            self.history.operations()[item.operation].process
        )
    }

    pub(super) fn value(&self, value: ValueId) -> &Value {
        let Some(naming) = self.key.rows.naming(value).filter(|_| value != INITIAL) else {
            return &Value::Null;
        };
        let operation = &self.history.operations()[naming.operation as usize];
        match self.history.op(operation) {
            Op::Read { value, .. } => value.as_ref().unwrap_or(&Value::Null),
            Op::Write { value, .. } => value,
            Op::Cas { to, .. } if naming.left => to,
            Op::Cas { from, .. } => from,
            _ => &Value::Null,
        }
    }

    /// `read x=7`, `wrote x=9`, `replaced x=7 by 9`.
    pub(super) fn did(&self, item: &Item) -> String {
        let key = &self.key.key;
        match &item.action {
            Action::Read(value) => format!("read {key}={}", self.value(*value)),
            Action::Write(value) => format!("wrote {key}={}", self.value(*value)),
            Action::Cas { from, to } => {
                format!(
                    "replaced {key}={} by {}",
                    self.value(*from),
                    self.value(*to)
                )
            }
            Action::Mismatch(value) => {
                format!(
                    "found {key} to be another value than {}",
                    self.value(*value)
                )
            }
        }
    }

    /// `its write of 9`.
    pub(super) fn doing(&self, item: &Item) -> String {
        match &item.action {
            Action::Read(value) => format!("its read of {}", self.value(*value)),
            Action::Write(value) => format!("its write of {}", self.value(*value)),
            Action::Cas { from, to } => {
                format!(
                    "its change from {} to {}",
                    self.value(*from),
                    self.value(*to)
                )
            }
            Action::Mismatch(_) => "its compare-and-set".to_owned(),
        }
    }

    pub(super) fn began(&self, item: &Item) -> String {
        self.moment(self.invoke(item))
    }

    pub(super) fn ended(&self, item: &Item) -> String {
        self.moment(item.returned)
    }

    /// The time of an event, or its number where the history has no times.
    fn moment(&self, event: EventIndex) -> String {
        match self.history.events().last() {
            Some(last) if last.time > Time::ZERO => self.history.time(event).to_string(),
            _ => format!("event {event}"),
        }
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
