//! What became of every message, noted for tests and for people.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use polygraph_history::random::{keyed, text};
use polygraph_history::{Link, Time};

use crate::RequestId;

/// A message between two nodes as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When, in the world's clock.
    pub at: Time,
    /// From whom to whom.
    pub link: Link,
    /// What led to it: a request ([`cause_of`]), a timer or a start, perhaps by way of other
    /// messages and syncs.
    pub cause: u64,
    /// How many messages that cause had sent over that link before.
    pub ordinal: u32,
    /// How long it was to take; `None` if it was lost, or kept for later.
    pub delay: Option<Duration>,
}

/// Notes every message that is sent. Clones share what they note.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Trace {
    pub(super) fn note(&self, sent: Sent) {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(sent);
    }

    /// What was noted since the last call, in order.
    #[must_use]
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The cause of the messages that a request leads to.
#[must_use]
pub const fn cause_of(request: RequestId) -> u64 {
    keyed(&[text("request"), request.0])
}
