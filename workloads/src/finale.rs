//! The end of a run: final reads, and peeks of every replica until they are alike.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use polygraph_history::{Body, Event, Key, Kind, NodeId, Op, Time, Value};

use crate::Next;

/// How long the replicas are left alone between two rounds of peeks.
const PAUSE: Duration = Duration::from_millis(500);

/// What is still to be done, and what was seen.
#[derive(Debug, Default)]
pub(crate) struct Finale {
    queue: VecDeque<Op>,
    open: usize,
    /// What each replica of a key answered in this round; `None` if it did not.
    seen: BTreeMap<Key, BTreeMap<NodeId, Option<Value>>>,
    peeking: bool,
    round_ended: Option<Time>,
    deadline: Time,
}

impl Finale {
    /// First these reads, then peeks of the replicas of these keys, in rounds, until those of
    /// each key are alike or the deadline has come.
    pub(crate) fn new(
        reads: impl IntoIterator<Item = Op>,
        replicas: impl IntoIterator<Item = (Key, Vec<NodeId>)>,
        deadline: Time,
    ) -> Finale {
        let mut finale = Finale {
            queue: reads.into_iter().collect(),
            deadline,
            ..Finale::default()
        };
        for (key, nodes) in replicas {
            finale
                .seen
                .insert(key, nodes.into_iter().map(|node| (node, None)).collect());
        }
        finale
    }

    pub(crate) fn next(&mut self, now: Time) -> Next {
        if let Some(op) = self.queue.pop_front() {
            self.open += 1;
            return Next::Op(op);
        }
        if self.open > 0 {
            return Next::Wait(Time::MAX);
        }
        if !self.peeking {
            self.peeking = true;
            self.begin_round();
        } else {
            // Only what differs, or did not answer, is looked at again.
            self.seen.retain(|_, answers| !alike(answers));
            let ended = *self.round_ended.get_or_insert(now);
            if self.seen.is_empty() || ended + PAUSE > self.deadline {
                return Next::Done;
            }
            if now < ended + PAUSE {
                return Next::Wait(ended + PAUSE);
            }
            self.begin_round();
        }
        match self.queue.is_empty() {
            true => Next::Done,
            false => self.next(now),
        }
    }

    fn begin_round(&mut self) {
        self.round_ended = None;
        for (key, answers) in &mut self.seen {
            for (&node, answer) in answers {
                *answer = None;
                self.queue.push_back(Op::Peek {
                    key: key.clone(),
                    node,
                    value: None,
                });
            }
        }
    }

    pub(crate) fn update(&mut self, event: &Event) {
        let Body::Op(op) = &event.body else { return };
        if event.kind == Kind::Invoke {
            return;
        }
        self.open = self.open.saturating_sub(1);
        if let (Kind::Ok, Op::Peek { key, node, value }) = (event.kind, op)
            && let Some(answers) = self.seen.get_mut(key)
        {
            answers.insert(*node, value.clone());
        }
    }
}

fn alike(answers: &BTreeMap<NodeId, Option<Value>>) -> bool {
    let mut answers = answers.values();
    let first = answers.next();
    first.is_none_or(|first| first.is_some() && answers.all(|answer| answer == first))
}
