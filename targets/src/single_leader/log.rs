//! The log: every change in the order in which the leader made it.

use polygraph_history::{Key, Value};
use serde::{Deserialize, Serialize};

use super::epoch::{Position, Reign};

/// A change of the store. A compare-and-set that succeeds is logged as the write that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Replace the value of a register.
    Write(Key, Value),
    /// Add an element to a set.
    Add(Key, Value),
}

/// Where the entries of a reign begin in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The first of them, counted from one.
    pub(crate) first: u64,
    /// The reign.
    pub(crate) reign: Reign,
}

/// Entries 1 to `end`, each made in one reign.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    commands: Vec<Command>,
    /// By place; the last reigns until the end.
    starts: Vec<Start>,
}

impl Log {
    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.commands.len() as u64
    }

    /// Behind the last entry.
    pub(super) fn end(&self) -> Position {
        self.position(self.len())
    }

    /// Behind the entry with this number.
    pub(super) fn position(&self, index: u64) -> Position {
        match self.reign_at(index) {
            Some(reign) => Position {
                index,
                reign: Some(reign),
            },
            None => Position::START,
        }
    }

    /// Who made the entry with this number, if there is one.
    fn reign_at(&self, index: u64) -> Option<Reign> {
        if index == 0 || index > self.len() {
            return None;
        }
        let after = self.starts.partition_point(|start| start.first <= index);
        Some(self.starts[after - 1].reign)
    }

    /// Whether the log is, up to this position, the same as the one that the position is of.
    pub(super) fn holds(&self, position: Position) -> bool {
        match position.reign {
            None => position.index == 0,
            Some(reign) => self.reign_at(position.index) == Some(reign),
        }
    }

    /// The entry with this number, from 1 to the end.
    pub(super) fn get(&self, index: u64) -> &Command {
        &self.commands[place(index) - 1]
    }

    /// Adds an entry; gives back its number.
    pub(super) fn push(&mut self, reign: Reign, command: Command) -> u64 {
        if self.starts.last().is_none_or(|last| last.reign != reign) {
            let first = self.len() + 1;
            self.starts.push(Start { first, reign });
        }
        self.commands.push(command);
        self.len()
    }

    /// Forgets all entries behind this one.
    pub(super) fn truncate(&mut self, to: u64) {
        self.commands.truncate(place(to));
        self.starts.retain(|start| start.first <= to);
    }

    /// Which reigns made it, from the beginning.
    pub(super) fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// The entries behind this number and up to another, as far as one reign made them and at
    /// most so many.
    pub(super) fn after(&self, index: u64, to: u64, most: u64) -> Option<(Reign, Vec<Command>)> {
        let reign = self.reign_at(index + 1).filter(|_| index < to)?;
        let next = self
            .starts
            .partition_point(|start| start.first <= index + 1);
        let reigns_to = self.starts.get(next).map_or(self.len(), |s| s.first - 1);
        let last = reigns_to.min(to).min(index + most);
        Some((reign, self.commands[place(index)..place(last)].to_vec()))
    }

    /// How long the common beginning with another log is, of which the reigns and the length are
    /// known.
    pub(super) fn common(&self, starts: &[Start], len: u64) -> u64 {
        let mut common = 0;
        let mut ours = self.starts.iter().peekable();
        let mut theirs = starts.iter().peekable();
        while let (Some(a), Some(b)) = (ours.next(), theirs.next()) {
            if a != b {
                break;
            }
            let a_to = ours.peek().map_or(self.len(), |next| next.first - 1);
            let b_to = theirs.peek().map_or(len, |next| next.first - 1);
            common = a_to.min(b_to);
            if a_to != b_to {
                break;
            }
        }
        common
    }
}

/// A number of an entry as a place in memory, which it has there.
fn place(index: u64) -> usize {
    usize::try_from(index).expect("a log in memory has fewer than 2^32 entries")
}

#[cfg(test)]
mod tests {
    use polygraph_history::random::Random;
    use polygraph_history::{Key, NodeId, Value};

    use super::*;
    use crate::single_leader::epoch::Epoch;

    fn reign(number: u64) -> Reign {
        let leader = NodeId::at(0);
        let epoch = Epoch { number, leader };
        Reign { epoch, nonce: 0 }
    }

    fn log(reigns: &[u64]) -> Log {
        let mut log = Log::default();
        for (at, &number) in reigns.iter().enumerate() {
            let command = Command::Write(Key::from("x"), Value::from(at as i64));
            log.push(reign(number), command);
        }
        log
    }

    #[test]
    fn common_beginnings() {
        for (a, b, expected) in [
            (&[][..], &[][..], 0),
            (&[1, 1, 1], &[1, 1], 2),
            (&[1, 1], &[1, 1, 1], 2),
            (&[1, 1, 1], &[1, 1, 2], 2),
            (&[1, 1, 2, 2], &[1, 1, 2, 3], 3),
            (&[1, 2], &[1, 3, 3], 1),
            (&[2], &[1], 0),
            (&[1, 1, 1, 3], &[1, 1, 2, 3], 2),
            (&[1, 2, 3], &[1, 2, 3], 3),
        ] {
            let (a, b) = (log(a), log(b));
            assert_eq!(a.common(b.starts(), b.len()), expected);
            assert_eq!(b.common(a.starts(), a.len()), expected);
        }
    }

    /// Against a plain vector of reigns.
    #[test]
    fn behaves_as_a_vector_does() {
        for seed in 0..300 {
            let mut random = Random::keyed(&[seed]);
            let (mut log, mut plain, mut number) = (log(&[]), Vec::new(), 1);
            for _ in 0..60 {
                match random.below(10) {
                    0 => number += 1,
                    1 => {
                        let to = random.below(plain.len() as u64 + 1);
                        log.truncate(to);
                        plain.truncate(to as usize);
                    }
                    _ => {
                        let command = Command::Add(Key::from("s"), Value::from(1));
                        log.push(reign(number), command);
                        plain.push(number);
                    }
                }
                let index = random.below(plain.len() as u64 + 2);
                let made = (index > 0).then(|| plain.get(index as usize - 1)).flatten();
                let position = Position {
                    index,
                    reign: made.map(|&n| reign(n)),
                };
                assert_eq!(log.holds(position), made.is_some() || index == 0);
                let expected = plain.get(index as usize);
                let got = log.after(index, log.len(), 4);
                assert_eq!(got.as_ref().map(|(r, _)| *r), expected.map(|&n| reign(n)));
                if let Some((_, commands)) = got {
                    let same = |n: &&u64| Some(*n) == expected;
                    let run = plain[index as usize..].iter().take_while(same).count();
                    assert_eq!(commands.len(), run.min(4));
                }
            }
        }
    }
}
