//! An anomaly on its way into a history.

use super::Planted;
use super::script::{Script, Turn};

/// Clients that have come to play the parts, and how far they are.
pub(super) struct Plot {
    pub(super) script: Script,
    /// From which transaction on clients are taken away from their work.
    from: u64,
    /// Those who came.
    clients: Vec<u32>,
    /// How many of its transactions have not begun.
    pub(super) left: u64,
    /// How many letters of the script have been played.
    played: usize,
    /// The number of its first key.
    pub(super) first_key: u64,
    pub(super) planted: Planted,
}

impl Plot {
    /// Begins as late as `from`, but so that there is room for it.
    pub(super) fn new(script: Script, from: u64, transactions: u64) -> Plot {
        let last = transactions.saturating_sub(script.transactions());
        Plot {
            script,
            from: from.min(last),
            clients: Vec::new(),
            left: script.transactions(),
            played: 0,
            first_key: 0,
            planted: Planted {
                operations: vec![0; script.transactions() as usize],
                keys: Vec::new(),
            },
        }
    }

    /// Whether it still wants clients after so many transactions.
    pub(super) fn calls(&self, started: u64) -> bool {
        started >= self.from && self.lacks_clients()
    }

    fn lacks_clients(&self) -> bool {
        self.clients.len() < self.script.clients()
    }

    /// A client comes; whether that is the last one.
    pub(super) fn take(&mut self, client: u32) -> bool {
        self.clients.push(client);
        !self.lacks_clients()
    }

    /// The client of one of its transactions.
    pub(super) fn client(&self, txn: usize) -> u32 {
        self.clients[self.script.client(txn)]
    }

    /// The next letter.
    pub(super) fn turn(&mut self) -> Option<Turn> {
        self.played += 1;
        self.script.turn(self.played - 1)
    }

    /// Those who came, when it is over.
    pub(super) fn dismiss(&self) -> &[u32] {
        &self.clients
    }
}
