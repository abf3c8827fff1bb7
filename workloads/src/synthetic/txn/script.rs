//! What the transactions of an anomaly do, letter by letter.

use super::{Anomaly, Workload};

/// A handful of transactions whose reads are laid down beforehand.
///
/// Transactions are named `a`, `b`, … The text of one is its operations: `wx1` writes 1 to (or
/// appends it to) the key *x*; `rx12` reads the list of 1 and 2, or a register that holds the
/// last of these; `rx.` reads what was never written. A `!` before the first says that it fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// In which order they begin (small letters) and end (capitals).
    order: &'static str,
    /// The client of each.
    clients: &'static str,
    transactions: &'static [&'static str],
}

pub(super) const fn script(
    order: &'static str,
    clients: &'static str,
    transactions: &'static [&'static str],
) -> Script {
    Script {
        order,
        clients,
        transactions,
    }
}

/// A transaction begins or ends; by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Begins(usize),
    Ends(usize),
}

/// An operation, its key counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: usize,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Write(u64),
    /// The digits of what is read; none if it was never written.
    Read(&'static str),
}

impl Script {
    /// What makes an anomaly, if histories of this workload can prove it.
    pub(super) fn of(anomaly: Anomaly, workload: Workload) -> Option<Script> {
        anomaly.fits(workload).then(|| anomaly.script())
    }

    pub(super) const fn transactions(&self) -> u64 {
        self.transactions.len() as u64
    }

    /// How many clients it takes.
    pub(super) fn clients(&self) -> usize {
        let numbers = self.clients.bytes().map(|digit| usize::from(digit - b'0'));
        numbers.max().unwrap_or(0)
    }

    /// How many keys it takes.
    pub(super) fn keys(&self) -> usize {
        let all = 0..self.transactions.len();
        let keys = all.flat_map(|txn| self.lines(txn)).map(|line| line.key + 1);
        keys.max().unwrap_or(0)
    }

    /// The client of a transaction, counted from 0.
    pub(super) fn client(&self, txn: usize) -> usize {
        usize::from(self.clients.as_bytes()[txn] - b'1')
    }

    /// What happens at a place in the order.
    pub(super) fn turn(&self, at: usize) -> Option<Turn> {
        let letter = *self.order.as_bytes().get(at)?;
        Some(match letter {
            b'a'..=b'z' => Turn::Begins(usize::from(letter - b'a')),
            _ => Turn::Ends(usize::from(letter - b'A')),
        })
    }

    pub(super) fn fails(&self, txn: usize) -> bool {
        self.transactions[txn].starts_with('!')
    }

    pub(super) fn needs_failure(&self) -> bool {
        (0..self.transactions.len()).any(|txn| self.fails(txn))
    }

    /// The operations of a transaction.
    pub(super) fn lines(&self, txn: usize) -> impl Iterator<Item = Line> + use<> {
        let text = self.transactions[txn].trim_start_matches('!');
        text.split(' ').map(|word| {
            let (what, values) = (word.as_bytes()[0], &word[2..]);
            Line {
                // Keys are named from `z` down to `t`; any order of numbers will do.
                key: usize::from(b'z' - word.as_bytes()[1]),
                what: match what {
                    b'w' => What::Write(values.bytes().map(digit).sum()),
                    _ => What::Read(values.trim_end_matches('.')),
                },
            }
        })
    }
}

/// The value of a digit.
pub(super) fn digit(digit: u8) -> u64 {
    u64::from(digit - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_written_as_scripts_are() {
        for anomaly in Anomaly::ALL {
            let script = anomaly.script();
            let count = script.transactions.len();
            assert_eq!(script.clients.len(), count, "{anomaly}");
            let mut begun = vec![false; count];
            let mut ended = vec![false; count];
            let mut open = vec![false; script.clients()];
            for at in 0..script.order.len() {
                match script.turn(at).expect("a letter") {
                    Turn::Begins(txn) => {
                        assert!(!begun[txn] && !open[script.client(txn)], "{anomaly}");
                        (begun[txn], open[script.client(txn)]) = (true, true);
                    }
                    Turn::Ends(txn) => {
                        assert!(begun[txn] && !ended[txn], "{anomaly}");
                        (ended[txn], open[script.client(txn)]) = (true, false);
                    }
                }
            }
            assert!(begun.iter().chain(&ended).all(|&it| it), "{anomaly}");
            for text in script.transactions {
                for word in text.trim_start_matches('!').split(' ') {
                    let values = &word[2..];
                    let key = ('t'..='z').contains(&char::from(word.as_bytes()[1]));
                    let right = match &word[..1] {
                        "r" => values == "." || values.bytes().all(|it| it.is_ascii_digit()),
                        "w" => matches!(values, "1" | "2"),
                        _ => false,
                    };
                    let right = right && key && !values.is_empty();
                    assert!(right, "{anomaly}: {word}");
                }
            }
        }
    }
}
