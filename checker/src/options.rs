//! How hard a check may try, and how it reads what is ambiguous.

use std::time::Duration;

use polygraph_history::{Bound, Format};

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
    /// How many permits of a semaphore are free at first.
    pub permits: u32,
    /// How many of them may be free at most; as many as at first where it is not given.
    pub permit_limit: Option<u32>,
    /// Whether adding to a set and removing from it succeed only if they change it.
    pub strict_sets: bool,
    /// Whether only who acquired a lock may release it. Otherwise anybody may.
    pub owned_locks: bool,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
    /// How hard to try.
    pub budget: Budget,
    /// How many anomalies are worked out in full; all are counted.
    pub max_anomalies: usize,
    /// The measure of the guarantee that is asked, where it has one; else its default.
    pub bound: Option<Bound>,
    /// Whether an order is wanted where a history is linearizable: [`crate::Verdict::witness`].
    pub witness: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            model: None,
            permits: 1,
            permit_limit: None,
            strict_sets: false,
            owned_locks: true,
            failed_cas: FailedCas::Observe,
            budget: Budget::default(),
            max_anomalies: 16,
            bound: None,
            witness: false,
        }
    }
}

impl Options {
    /// What histories in a format mean where they do not say it, as the tool means it that the
    /// format is of.
    ///
    /// - Jepsen: its processes are not the clients of a lock, for one that crashes is followed by
    ///   another; Knossos's `mutex` has no owner. In EDN and JSON failures say nothing (Knossos
    ///   leaves them out); in logs they do, as Porcupine reads them.
    /// - fastlin and its kin: adds and removals that change nothing return 0; a semaphore has no
    ///   permit at first, and any number later.
    #[must_use]
    pub fn of_format(format: Format) -> Options {
        let own = Options::default();
        match format {
            Format::JepsenEdn | Format::JepsenJson => Options {
                failed_cas: FailedCas::Ignore,
                owned_locks: false,
                ..own
            },
            Format::JepsenLog => Options {
                owned_locks: false,
                ..own
            },
            Format::Fastlin => Options {
                permits: 0,
                permit_limit: Some(u32::MAX),
                strict_sets: true,
                ..own
            },
            Format::Polygraph
            | Format::PorcupineKv
            | Format::Limo
            | Format::Plume
            | Format::Awdit
            | Format::Dbcop
            | Format::TimeKiller => own,
        }
    }
}
