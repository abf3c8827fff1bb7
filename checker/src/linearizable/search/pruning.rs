//! What is known of a problem besides its model, for the search to use.

/// Knowledge about the states of a problem that spares the search choices.
pub(in crate::linearizable) trait Pruning<S> {
    /// When a state may be left, in configurations where everything that is open, only observes
    /// and is possible has taken effect.
    fn leave(&self, _state: &S) -> Leave {
        Leave::ALWAYS
    }
}

/// When a state may be left for another one, and by which operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct Leave {
    /// Not at a return before this rank in real time.
    pub(in crate::linearizable) from: u64,
    /// The only class that may, [`Leave::ANY`] or [`Leave::NONE`].
    pub(in crate::linearizable) by: u32,
    /// The rank by which all has ended that this follows from.
    pub(in crate::linearizable) known: u64,
}

impl Leave {
    /// Every class.
    pub(in crate::linearizable) const ANY: u32 = u32::MAX;
    /// No class.
    pub(in crate::linearizable) const NONE: u32 = u32::MAX - 1;
    /// A state about which nothing is known.
    pub(in crate::linearizable) const ALWAYS: Leave = Leave {
        from: 0,
        by: Leave::ANY,
        known: 0,
    };

    /// Whether an operation of this class may change the state at a return of this rank.
    #[inline]
    pub(super) const fn allows(self, class: u32, rank: u64) -> bool {
        self.from <= rank && (self.by == Leave::ANY || self.by == class)
    }
}

/// Nothing is known.
pub(in crate::linearizable) struct Nothing;

impl<S> Pruning<S> for Nothing {}
