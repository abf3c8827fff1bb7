//! One operation of one object, as the algorithms of this family take it.

use polygraph_history::{EventIndex, OperationId};

/// An operation of an object: what it does and shows, and between which moments.
#[derive(Clone, Debug)]
pub(in crate::linearizable) struct Item<A> {
    /// Which.
    pub(in crate::linearizable) operation: OperationId,
    /// What it does and shows.
    pub(in crate::linearizable) action: A,
    /// When it began, as a rank in real time.
    pub(in crate::linearizable) start: u64,
    /// When it ended; `u64::MAX` if it may still take effect, or never.
    pub(in crate::linearizable) end: u64,
    /// The event that stands for `end`.
    pub(in crate::linearizable) returned: EventIndex,
}

impl<A> Item<A> {
    /// Whether it is not known to have taken effect.
    pub(in crate::linearizable) const fn pending(&self) -> bool {
        self.end == u64::MAX
    }
}
