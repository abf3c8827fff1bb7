//! A cluster that runs, in any world: requests go in, replies come out, time passes.

use polygraph_history::settings::Settings;
use polygraph_history::{ErrorName, NodeId, Op, Time};
use serde::{Deserialize, Serialize};

use crate::{Control, RequestId};

/// What is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// How many nodes.
    pub nodes: usize,
    /// The target's settings, all resolved.
    pub settings: Settings,
    /// The planted bug, if any.
    pub bug: Option<String>,
    /// From which everything random is drawn.
    pub seed: u64,
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its number, unique in the run.
    pub request: RequestId,
    /// The client, numbered from zero.
    pub client: usize,
    /// The node that is asked.
    pub node: NodeId,
    /// What is asked for.
    pub op: Op,
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It took place.
    Ok {
        /// The operation with its results filled in.
        op: Op,
        /// The version that the store gives it, if it does.
        version: Option<u64>,
    },
    /// It did not take place and never will: refused before any effect.
    Fail {
        /// Why.
        error: ErrorName,
        /// The same for a person; may be empty.
        detail: String,
    },
    /// It may take effect at any later moment, or never.
    Info {
        /// Why.
        error: ErrorName,
        /// The same for a person; may be empty.
        detail: String,
    },
}

impl Reply {
    /// It took place, with these results and no version.
    #[must_use]
    pub const fn ok(op: Op) -> Reply {
        Reply::Ok { op, version: None }
    }

    /// It did not and never will.
    #[must_use]
    pub const fn fail(error: ErrorName) -> Reply {
        Reply::Fail {
            error,
            detail: String::new(),
        }
    }

    /// Not known.
    #[must_use]
    pub const fn info(error: ErrorName) -> Reply {
        Reply::Info {
            error,
            detail: String::new(),
        }
    }
}

/// A reply as it reached its client.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// When, in the world's clock.
    pub time: Time,
    /// To which request.
    pub request: RequestId,
    /// What.
    pub reply: Reply,
}

/// A cluster that runs.
///
/// The harness drives every world by the same loop: it submits what is due, advances to the next
/// thing that it has planned, and takes what comes back before that.
pub trait World: Control {
    /// Now, in the world's clock.
    fn now(&self) -> Time;

    /// Sends a request. It is answered by an [`Occurrence`] at most once; when nobody listens at
    /// the node the answer is `fail: refused`, when the connection breaks, `info:
    /// connection-lost`; otherwise it may stay unanswered, and the client decides how long it
    /// waits.
    fn submit(&mut self, submission: Submission);

    /// Lets time pass until a reply reaches its client or until `until`, whichever is first.
    fn advance(&mut self, until: Time) -> Option<Occurrence>;

    /// What programs that are not ours did wrong in talking to the harness; no fault of the store.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends everything that runs.
    fn stop(&mut self);
}
