//! How hard a check may try, and how it reads what is ambiguous.

use std::time::Duration;

use crate::model::ModelKind;

/// What a failed compare-and-set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCas {
    /// That the value was another at some moment: our own targets, and Porcupine's logs.
    Observe,
    /// Nothing: Knossos and Jepsen.
    Ignore,
}

/// How hard a check may try. Only steps and bytes are the same on every machine; a time limit
/// is for people who wait, and what it ends is *unknown*.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Steps of a search.
    pub max_steps: u64,
    /// Bytes that a search may hold.
    pub max_memory: u64,
    /// Time that a check may take.
    pub max_time: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            max_steps: 200_000_000,
            max_memory: 2 << 30,
            max_time: None,
        }
    }
}

/// Everything that a check takes besides the history.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the objects are; recognised by their operations where it is not given.
    pub model: Option<ModelKind>,
    /// How many permits a semaphore has.
    pub permits: u32,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
    /// How hard to try.
    pub budget: Budget,
    /// How many anomalies are worked out in full; all are counted.
    pub max_anomalies: usize,
    /// Whether an order is wanted where a history is linearizable: [`crate::Verdict::witness`].
    pub witness: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            model: None,
            permits: 1,
            failed_cas: FailedCas::Observe,
            budget: Budget::default(),
            max_anomalies: 16,
            witness: false,
        }
    }
}
