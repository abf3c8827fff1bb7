//! Verdicts: what a check answers, and the evidence for it.

use polygraph_history::{Guarantee, History, Key};

use crate::measured::Measured;
use crate::{
    available, coordination, isolation, linearizable, recovers, replicas, scenario, session,
    staleness,
};

/// Whether a guarantee held. The worse is the greater, so that verdicts compose by `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// Every execution that explains the history keeps it, or at least one does, as it demands.
    Holds,
    /// Not decided; [`Verdict::reason`] says why.
    Unknown,
    /// No execution that the guarantee allows explains the history.
    Violated,
}

impl Validity {
    /// As it is written in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Validity::Holds => "holds",
            Validity::Unknown => "unknown",
            Validity::Violated => "violated",
        }
    }
}

/// Why a verdict is *unknown*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The steps ran out.
    BudgetSteps,
    /// The bytes ran out.
    BudgetMemory,
    /// The time ran out.
    BudgetTime,
    /// Somebody asked it to stop.
    Interrupted,
    /// Too little happened for the guarantee to mean something.
    TooFewOpportunities,
    /// The history has nothing that the guarantee is about.
    NotApplicable,
    /// The history cannot show it: a replica did not answer, an order is not recoverable.
    NotObservable,
    /// A requested family of faults never took place.
    FaultNotApplied,
}

impl Reason {
    /// As it is written in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::BudgetSteps => "budget-steps",
            Reason::BudgetMemory => "budget-memory",
            Reason::BudgetTime => "budget-time",
            Reason::Interrupted => "interrupted",
            Reason::TooFewOpportunities => "too-few-opportunities",
            Reason::NotApplicable => "not-applicable",
            Reason::NotObservable => "not-observable",
            Reason::FaultNotApplied => "fault-not-applied",
        }
    }
}

/// What a check answers.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was asked.
    pub guarantee: Guarantee,
    /// The answer.
    pub validity: Validity,
    /// Which algorithm decided, for people who compare.
    pub algorithm: String,
    /// How many operations it looked at.
    pub operations_checked: u64,
    /// How many of them had an unknown outcome.
    pub indeterminate: u64,
    /// How often something happened that could have shown a violation.
    pub opportunities: u64,
    /// What was shown before the budget ended: `linearizable up to event 812`.
    pub established: Option<String>,
    /// Why the answer is unknown.
    pub reason: Option<Reason>,
    /// The evidence, the most telling first; at most [`crate::Options::max_anomalies`].
    pub anomalies: Vec<Anomaly>,
    /// Of the first of them, whether the check has confirmed them itself; of the others that is
    /// not known.
    pub confirmed: Vec<bool>,
    /// How many anomalies there are in all.
    pub anomaly_count: u64,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
    /// What must be true besides the history for the answer to be right.
    pub assumptions: Vec<String>,
    /// Orders that show that it holds, where [`crate::Options::witness`] asks for them and the way
    /// that decided has them.
    pub witness: Option<linearizable::Witness>,
    /// The same of transactions: when each took its snapshot and committed.
    pub schedule: Option<isolation::Schedule>,
    /// What was counted and timed besides, whatever the answer.
    pub measured: Vec<Measured>,
}

impl Verdict {
    /// A verdict that holds, to be filled in.
    #[must_use]
    pub fn holds(guarantee: Guarantee, algorithm: impl Into<String>) -> Verdict {
        Verdict {
            guarantee,
            validity: Validity::Holds,
            algorithm: algorithm.into(),
            operations_checked: 0,
            indeterminate: 0,
            opportunities: 0,
            established: None,
            reason: None,
            anomalies: Vec::new(),
            confirmed: Vec::new(),
            anomaly_count: 0,
            warnings: Vec::new(),
            assumptions: Vec::new(),
            witness: None,
            schedule: None,
            measured: Vec::new(),
        }
    }

    /// The same, unknown for this reason.
    #[must_use]
    pub fn unknown(mut self, reason: Reason) -> Verdict {
        self.validity = Validity::Unknown;
        self.reason = Some(reason);
        self
    }
}

/// One violation, with what shows it.
#[derive(Clone, Debug)]
pub struct Anomaly {
    /// Its name in the field: `stale-read`, `G-single`, `lost-write`, …
    pub kind: &'static str,
    /// One or two sentences that a person believes: who, what, when.
    pub explanation: String,
    /// The operations that show it, as indices of their invocations' events.
    pub operations: Vec<u64>,
    /// The key it is about, where it is about one.
    pub key: Option<Key>,
    /// What [`Anomaly::confirm`] checks.
    pub proof: Proof,
}

/// Evidence in a form that a second, simple function checks.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Of a register that is not linearizable.
    Linearizable(linearizable::Proof),
    /// The same of any object.
    Certificate(linearizable::Certificate),
    /// Of a transactional anomaly.
    Isolation(isolation::Proof),
    /// Of an anomaly of a weak level of isolation over registers.
    Weak(isolation::weak::Proof),
    /// Of registers whose versions no order explains.
    VersionOrder(isolation::solve::Proof),
    /// Of an anomaly where objects are found by predicates.
    Closed(isolation::ClosedProof),
    /// Of a session that saw what it must not.
    Session(session::Proof),
    /// Of replicas that disagree or lack something.
    Replicas(replicas::Proof),
    /// Of a promise that a workload puts to the test.
    Scenario(scenario::Proof),
    /// Of a read that returned what was too old.
    Staleness(staleness::Proof),
    /// Of a promise about locks, identifiers, delivery or decisions.
    Coordination(coordination::Proof),
    /// Of an operation that had to be answered and was not.
    Available(available::Proof),
    /// Of a node that does not answer after everything was healed.
    Recovers(recovers::Proof),
}

impl Anomaly {
    /// Checks the evidence against the history, with code that shares nothing with the search.
    ///
    /// # Errors
    /// What is wrong with the evidence, as a sentence.
    pub fn confirm(&self, history: &History) -> Result<(), String> {
        match &self.proof {
            Proof::Linearizable(proof) => linearizable::confirm(history, proof),
            Proof::Certificate(certificate) => {
                linearizable::confirm_certificate(history, certificate)
                    .map(|_| ())
                    .map_err(|problem| problem.to_string())
            }
            Proof::Isolation(proof) => isolation::confirm(history, proof),
            Proof::Weak(proof) => isolation::weak::confirm(history, proof),
            Proof::VersionOrder(proof) => isolation::solve::confirm_proof(history, proof),
            Proof::Closed(proof) => isolation::confirm_closed(history, proof),
            Proof::Session(proof) => session::confirm(history, proof),
            Proof::Replicas(proof) => replicas::confirm(history, proof),
            Proof::Scenario(proof) => scenario::confirm(history, proof),
            Proof::Staleness(proof) => staleness::confirm(history, proof),
            Proof::Coordination(proof) => coordination::confirm(history, proof),
            Proof::Available(proof) => available::confirm(history, proof),
            Proof::Recovers(proof) => recovers::confirm(history, proof),
        }
    }

    /// The evidence as it is written to a file, where it is against a level of isolation.
    #[must_use]
    pub fn violation(&self) -> Option<isolation::Violation> {
        isolation::Violation::try_from(&self.proof).ok()
    }

    /// The evidence as it is written to a file, where it is that of linearizability.
    #[must_use]
    pub fn certificate(&self) -> Option<linearizable::Certificate> {
        match &self.proof {
            Proof::Linearizable(proof) => Some(proof.into()),
            Proof::Certificate(certificate) => Some(certificate.clone()),
            Proof::Isolation(_)
            | Proof::Weak(_)
            | Proof::Closed(_)
            | Proof::Session(_)
            | Proof::Replicas(_)
            | Proof::Scenario(_)
            | Proof::VersionOrder(_)
            | Proof::Available(_)
            | Proof::Coordination(_)
            | Proof::Staleness(_)
            | Proof::Recovers(_) => None,
        }
    }
}
