//! Logs in the manner of Kafka: producers send messages to logs, which give each an offset;
//! consumers poll and get the messages after those they got before (Jepsen's kafka workload).
//!
//! - [`LOG_INTEGRITY`]: a message that was acknowledged is delivered, at one offset, and nothing
//!   is that was not sent. [`LOG_ORDER`]: messages lie in the order in which they were sent, and
//!   consumers get them in that order, without gaps. [`Proof`]: the evidence.
//!
//! A message is *lost* if it was acknowledged at an offset and nobody ever got it, although
//! somebody got a message of a greater offset: it is presumed that consumers together read each
//! log from its beginning. Acknowledged messages beyond all that was polled are *unseen*, which
//! is told in a warning: whether anybody should have read on the history does not say.
//!
//! Offsets may be left out, for transactions take some. A gap is therefore one only if a message
//! is known to lie in it. After `subscribe` partitions may be taken from a consumer at any moment;
//! gaps and steps back of such a consumer say nothing, as they say nothing across an `assign` or
//! an operation that is not known to have taken place. That other messages come between those
//! that one transaction sends is no anomaly of these logs.

mod confirm;
mod integrity;
mod order;
mod view;

use polygraph_history::{Guarantee, History, Key, Value};

pub(super) use self::confirm::confirm;
use self::view::View;
use super::{Proof as ScenarioProof, event, who};
use crate::verdict::Proof as AnyProof;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// A message as an operation sent or got it; the operation by the event that began it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub event: u64,
    /// What.
    pub value: Value,
    /// Where, if that is known.
    pub offset: Option<u64>,
}

/// Evidence about a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The log.
    pub key: Key,
    /// What is wrong with it.
    pub case: Case,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// Two messages at one offset.
    InconsistentOffsets(Seen, Seen),
    /// One message, sent once, at two offsets.
    Duplicate(Seen, Seen),
    /// A message was polled that certainly was not sent: its send failed, or there is none.
    NotSent(Seen),
    /// A transaction polled what it had sent itself.
    Precommitted(Seen),
    /// A message was acknowledged, and never polled, although a later one was.
    Lost {
        /// The acknowledged send.
        sent: Seen,
        /// A poll beyond it.
        beyond: Seen,
    },
    /// A consumer got one message and then another, and not one that lies between.
    Skip {
        /// What it got first.
        before: Seen,
        /// What it got next.
        after: Seen,
        /// What lies between, as somebody else sent or got it.
        skipped: Seen,
    },
    /// A consumer got one message, and then one that does not lie behind it.
    PollBack(Seen, Seen),
    /// A producer sent one message, and then another that does not lie behind it.
    SendBack(Seen, Seen),
}

/// The registry's entry.
pub const LOG_INTEGRITY: Entry = Entry {
    guarantee: Guarantee::LogIntegrity,
    opportunity: "messages that were acknowledged and polled",
    minimum: 10,
    check: |history, options| check(history, options, Guarantee::LogIntegrity, integrity::find),
};

/// The registry's entry.
pub const LOG_ORDER: Entry = Entry {
    guarantee: Guarantee::LogOrder,
    opportunity: "messages that a client sent or polled after others of the same log",
    minimum: 10,
    check: |history, options| check(history, options, Guarantee::LogOrder, order::find),
};

/// What was found: how often something could have gone wrong, how often it did, and the first.
#[derive(Default)]
struct Found {
    opportunities: u64,
    count: u64,
    most: usize,
    anomalies: Vec<Anomaly>,
    warnings: Vec<String>,
}

impl Found {
    fn add(&mut self, make: impl FnOnce() -> Anomaly) {
        self.count += 1;
        if self.anomalies.len() < self.most {
            self.anomalies.push(make());
        }
    }
}

fn check(
    history: &History,
    options: &Options,
    guarantee: Guarantee,
    find: fn(&View<'_>, &mut Found),
) -> Verdict {
    let mut verdict = Verdict::holds(guarantee, "offsets");
    let view = View::new(history);
    verdict.operations_checked = view.operations;
    verdict.indeterminate = view.indeterminate;
    if view.operations == 0 {
        return verdict.unknown(Reason::NotApplicable);
    }
    let mut found = Found {
        most: options.max_anomalies,
        ..Found::default()
    };
    find(&view, &mut found);
    verdict.opportunities = found.opportunities;
    verdict.anomaly_count = found.count;
    verdict.anomalies = found.anomalies;
    verdict.warnings = found.warnings;
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match verdict.opportunities {
        0 => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

/// An anomaly of a log, whose sentence continues who did what.
fn anomaly(
    kind: &'static str,
    explanation: String,
    key: &Key,
    case: Case,
    mut operations: Vec<u64>,
) -> Anomaly {
    operations.sort_unstable();
    operations.dedup();
    Anomaly {
        kind,
        explanation,
        operations,
        key: Some(key.clone()),
        proof: AnyProof::Scenario(ScenarioProof::Log(Proof {
            key: key.clone(),
            case,
        })),
    }
}
