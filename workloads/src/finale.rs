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

#[cfg(test)]
mod tests {
    use polygraph_history::Process;

    use super::*;

    fn answer(op: &Op, value: i64) -> Event {
        let Op::Peek { key, node, .. } = op else {
            panic!("{op}")
        };
        let op = Op::Peek {
            key: key.clone(),
            node: *node,
            value: Some(Value::Int(value)),
        };
        Event::new(0, Time::ZERO, Process::Client(0), Kind::Ok, Body::Op(op))
    }

    fn round(finale: &mut Finale, now: Time) -> Vec<Op> {
        let mut ops = Vec::new();
        while let Next::Op(op) = finale.next(now) {
            ops.push(op);
        }
        ops
    }

    #[test]
    fn only_what_differs_is_peeked_again_until_it_is_alike() {
        let nodes = NodeId::all(2);
        let keys = [Key::from("x"), Key::from("y")].map(|key| (key, nodes.clone()));
        let mut finale = Finale::new([], keys, Time::from_secs(10));
        let first = round(&mut finale, Time::ZERO);
        assert_eq!(first.len(), 4);
        assert_eq!(finale.next(Time::ZERO), Next::Wait(Time::MAX));
        for op in &first {
            // The replicas of y differ.
            let differs = op.key() == Some(&Key::from("y"));
            let at = usize::from(matches!(op, Op::Peek { node, .. } if *node == nodes[1]));
            finale.update(&answer(op, if differs { at as i64 } else { 7 }));
        }
        assert_eq!(finale.next(Time::ZERO), Next::Wait(Time::ZERO + PAUSE));
        let second = round(&mut finale, Time::ZERO + PAUSE);
        assert_eq!(second.len(), 2);
        assert!(second.iter().all(|op| op.key() == Some(&Key::from("y"))));
        for op in &second {
            finale.update(&answer(op, 1));
        }
        assert_eq!(finale.next(Time::ZERO + PAUSE), Next::Done);
    }

    #[test]
    fn what_stays_apart_is_given_up_at_the_deadline() {
        let nodes = NodeId::all(2);
        let deadline = Time::from_secs(2);
        let mut finale = Finale::new([], [(Key::from("x"), nodes)], deadline);
        let (mut now, mut rounds) = (Time::ZERO, 0);
        loop {
            match finale.next(now) {
                Next::Op(op) => {
                    rounds += 1;
                    finale.update(&answer(&op, rounds));
                }
                Next::Wait(until) => now = until,
                Next::Done => break,
            }
        }
        assert!(now <= deadline && rounds == 10, "{now}, {rounds}");
    }
}
