//! What counting shows to be impossible of a container, however often its elements repeat.

/// A claim about a prefix of a history of a queue, stack, priority queue or bag. Each is checked by
/// counting how many operations on a value had begun and how many had ended by some moment.
///
/// *Put* and *take* mean operations of the prefix; a take of which nobody knows what it took, if
/// anything, may be a take of any value. One is *certain* if it had ended by the end of the prefix.
///
/// All of them rely on this: take an order of the prefix, and one of its operations *z*. What had
/// ended before *z* began comes before *z*, and what comes before *z* had begun by the end of *z*:
/// otherwise *z* would have to come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tally {
    /// By the end of a certain operation that takes or sees a value, more takes of that value had
    /// ended than puts of it had begun. Of an operation that only sees it, itself and the takes
    /// count that had ended before it began.
    ///
    /// For of those takes one comes last. All that comes before it, and it itself, had begun by the
    /// end of an operation that had ended by then. So no more were put in than had been put in by
    /// puts that had begun, and all those takes took one each, before one more was taken or seen.
    TooOften,
    /// A certain operation found nothing. And whenever an operation began while that one was open,
    /// or that one itself did, there was a value of which more certain puts had ended before than
    /// takes had begun.
    ///
    /// For let *z* be, of all operations up to it, the one that began last. It began while the
    /// operation in question was open, or is that one. All puts that had ended before *z* began
    /// come before it, and all takes that come before it had begun with *z*. So not all was taken
    /// again.
    NotEmpty,
    /// The same of a priority queue, of an operation that takes or sees a value and of greater ones.
    Outranked,
    /// Of a queue. So many takes of a value *b* had ended by the end of a certain one, and when as
    /// many puts of it had begun, more certain puts of another value *a* had ended before than takes
    /// of *a* had begun by the end of that take. Of an operation that only sees *b*, itself and the
    /// takes count that had ended before it began.
    ///
    /// For one of those puts of *b* comes last in the order, and one of the first so many puts of
    /// *b* in the order began no earlier than the last of so many that began first. So all those
    /// puts of *a* come before the put of the last of so many *b*. That one was taken or seen by the
    /// end of the operation in question, and what was put in before it was taken before.
    Overtaken,
}

impl Tally {
    /// Every claim.
    pub const ALL: [Tally; 4] = [
        Tally::TooOften,
        Tally::NotEmpty,
        Tally::Outranked,
        Tally::Overtaken,
    ];

    /// As it is written in files, as the name of a rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Tally::TooOften => "tally:too-often",
            Tally::NotEmpty => "tally:not-empty",
            Tally::Outranked => "tally:outranked",
            Tally::Overtaken => "tally:overtaken",
        }
    }

    /// What it claims, after *that*.
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Tally::TooOften => "an element was taken or seen more often than it had been put in",
            Tally::NotEmpty => {
                "nothing was found although at every moment more had been put in than taken"
            }
            Tally::Outranked => {
                "an element was next although at every moment more of greater ones had been put \
                 in than taken"
            }
            Tally::Overtaken => {
                "an element was next before as many of another one had been taken as had been put \
                 in before it"
            }
        }
    }
}
