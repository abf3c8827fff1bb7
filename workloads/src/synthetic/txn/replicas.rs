//! Replicas that learn of one another's transactions late.
//!
//! Each transaction commits at the replica of its client, which is its *origin*, and has a number
//! there. What a replica shows is a [`Vector`]: of each origin, up to which number. Whoever sees
//! a transaction also sees what it *needs*: all earlier ones of its origin, and what these need;
//! besides, as the store demands, what it saw itself, or what stands below it in a list.

use std::collections::VecDeque;

use polygraph_history::random::Random;

use super::versions::lag;

/// The most replicas.
const MOST: usize = 4;
/// How many transactions of an origin a replica may lack.
pub(super) const MOST_LAG: u64 = 64;

/// Of each origin, up to which of its transactions.
pub(super) type Vector = [u64; MOST];

/// A transaction by its origin and its number there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) origin: u8,
    pub(super) number: u64,
    pub(super) needs: Vector,
}

impl Place {
    /// Whether it is among these.
    pub(super) fn is_in(&self, seen: &Vector) -> bool {
        self.number <= seen[usize::from(self.origin)]
    }
}

pub(super) struct Replicas {
    count: usize,
    /// How many transactions each origin has.
    committed: Vector,
    /// What each replica shows.
    shown: [Vector; MOST],
    /// What the last transactions of each origin need; the first of all needs nothing.
    needs: [VecDeque<Vector>; MOST],
}

impl Replicas {
    pub(super) fn new(clients: usize) -> Replicas {
        Replicas {
            count: clients.min(MOST),
            committed: [0; MOST],
            shown: [[0; MOST]; MOST],
            needs: [(); MOST].map(|()| VecDeque::from([[0; MOST]])),
        }
    }

    /// What a client's replica shows, after it has heard a little more.
    pub(super) fn snapshot(&mut self, client: usize, random: &mut Random) -> Vector {
        let home = client % self.count;
        for origin in (0..self.count).filter(|&origin| origin != home) {
            let lag = lag(random).min(self.committed[origin]);
            let number = self.committed[origin] - lag;
            if number <= self.shown[home][origin] {
                continue;
            }
            let remembered = &self.needs[origin];
            join(
                &mut self.shown[home],
                &remembered[remembered.len() - 1 - lag as usize],
            );
            self.shown[home][origin] = number;
        }
        self.shown[home]
    }

    /// A client's transaction commits that needs these and whatever stands `below` it.
    pub(super) fn commit(
        &mut self,
        client: usize,
        mut needs: Vector,
        below: impl Iterator<Item = Place>,
    ) -> Place {
        let home = client % self.count;
        if let Some(last) = self.needs[home].back() {
            join(&mut needs, last);
        }
        needs[home] = self.committed[home];
        for place in below {
            join(&mut needs, &place.needs);
            let number = &mut needs[usize::from(place.origin)];
            *number = place.number.max(*number);
        }
        self.committed[home] += 1;
        let number = self.committed[home];
        self.needs[home].push_back(needs);
        if self.needs[home].len() as u64 > MOST_LAG + 1 {
            self.needs[home].pop_front();
        }
        join(&mut self.shown[home], &needs);
        self.shown[home][home] = number;
        Place {
            origin: home as u8,
            number,
            needs,
        }
    }
}

fn join(these: &mut Vector, others: &Vector) {
    for (one, other) in these.iter_mut().zip(others) {
        *one = (*one).max(*other);
    }
}
