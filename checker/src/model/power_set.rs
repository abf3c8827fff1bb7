//! Nondeterministic objects: an operation may leave one of several states.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;

use super::Model;

/// A sequential specification in which an operation with its result may leave one of several
/// states. [`PowerSet`] makes a [`Model`] of it.
pub trait Nondeterministic {
    /// What the object remembers.
    type State: Clone + Ord + Hash;
    /// An operation together with its result.
    type Op: Clone + Eq + Hash;
    /// Why an operation is not possible, in words.
    type Refusal: fmt::Display;

    /// The name, as on the command line.
    fn name(&self) -> &'static str;

    /// The states that are possible before the first operation.
    fn initial(&self) -> Vec<Self::State>;

    /// Performs an operation: all states that it may leave.
    ///
    /// # Errors
    /// Why the operation cannot have this result in this state.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Result<Vec<Self::State>, Self::Refusal>;

    /// About how many bytes a state holds besides [`size_of`] it.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}

/// A nondeterministic object as a [`Model`]: its state is the set of all states that are still
/// possible, and an operation is refused when none of them allows it.
#[derive(Clone, Debug)]
pub struct PowerSet<N>(pub N);

/// Why no state allows an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerSetRefusal {
    /// How many states were possible.
    pub states: usize,
    /// What they say, each different answer once, in order.
    pub reasons: Vec<String>,
}

/// So many different reasons are spelt out.
const MOST_REASONS: usize = 4;

impl fmt::Display for PowerSetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.states, &self.reasons[..]) {
            (0, _) => return f.write_str("no state is possible"),
            (_, []) => return f.write_str("it leaves no state"),
            (1, _) => {}
            (states, _) => write!(f, "refused in each of {states} possible states: ")?,
        }
        let shown = &self.reasons[..self.reasons.len().min(MOST_REASONS)];
        f.write_str(&shown.join("; "))?;
        match self.reasons.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more reasons"),
        }
    }
}

impl<N: Nondeterministic> Model for PowerSet<N> {
    type State = BTreeSet<N::State>;
    type Op = N::Op;
    type Refusal = PowerSetRefusal;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn initial(&self) -> BTreeSet<N::State> {
        self.0.initial().into_iter().collect()
    }

    fn step(
        &self,
        state: &BTreeSet<N::State>,
        op: &N::Op,
    ) -> Result<BTreeSet<N::State>, PowerSetRefusal> {
        let mut left = BTreeSet::new();
        let mut reasons = BTreeSet::new();
        for state in state {
            match self.0.step(state, op) {
                Ok(next) => left.extend(next),
                Err(refusal) => {
                    reasons.insert(refusal.to_string());
                }
            }
        }
        if left.is_empty() {
            return Err(PowerSetRefusal {
                states: state.len(),
                reasons: reasons.into_iter().collect(),
            });
        }
        Ok(left)
    }

    // `only_observes` stays false: what an observation shows rules out some of the states.

    fn heap_bytes(&self, state: &BTreeSet<N::State>) -> usize {
        // Nodes of a tree are two thirds full and carry a little besides.
        let each = |state: &N::State| 2 * size_of::<N::State>() + self.0.heap_bytes(state);
        state.iter().map(each).sum::<usize>() + 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A coin that lies heads (`true`) or tails.
    struct Coin;

    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    enum CoinOp {
        Toss,
        Look(bool),
    }

    impl Nondeterministic for Coin {
        type State = bool;
        type Op = CoinOp;
        type Refusal = String;

        fn name(&self) -> &'static str {
            "coin"
        }

        fn initial(&self) -> Vec<bool> {
            vec![true]
        }

        fn step(&self, state: &bool, op: &CoinOp) -> Result<Vec<bool>, String> {
            match *op {
                CoinOp::Toss => Ok(vec![false, true]),
                CoinOp::Look(seen) if seen == *state => Ok(vec![seen]),
                CoinOp::Look(seen) => Err(format!("cannot see {seen} where {state} is")),
            }
        }
    }

    #[test]
    fn what_is_seen_rules_states_out_and_a_refusal_says_why() {
        let coin = PowerSet(Coin);
        let tossed = coin.step(&coin.initial(), &CoinOp::Toss).unwrap();
        assert_eq!(tossed.len(), 2);
        let tails = coin.step(&tossed, &CoinOp::Look(false)).unwrap();
        let refusal = coin.step(&tails, &CoinOp::Look(true)).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot see true where false is");
        let many = PowerSetRefusal {
            states: 2,
            reasons: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(
            many.to_string(),
            "refused in each of 2 possible states: a; b"
        );
    }
}
