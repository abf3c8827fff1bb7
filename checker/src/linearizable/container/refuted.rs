//! What is wrong with a history of a container or a lock.

use crate::linearizable::tally::Tally;

/// Why no order exists. The names are those of anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) enum Why {
    /// An element was taken or seen that nobody put in: that operation.
    NeverPut,
    /// An element was taken or seen before anybody began to put it in: the put, that operation.
    PutLater,
    /// An element was put in once and taken twice: the put, both takes.
    TakenTwice,
    /// An element was seen after it had been taken: the put, the take, the look.
    SeenAfterTaken,
    /// An element was taken or seen before another that had been put in before: the put of the
    /// one overtaken, the put of the other, who got the other, who got the one overtaken.
    Overtaken,
    /// The same, and the one overtaken was never taken, and is no longer there.
    Lost,
    /// An element was taken or seen while a greater one was in: its put and who got it, and who saw
    /// it last if the take had to come after that; then of every greater one its put and its
    /// take, or who saw it first and last.
    Outranked,
    /// Each of some elements has an operation that has another of them on top of it at every moment
    /// at which it may have happened: by element its put, its take, who saw it first and last, and
    /// that operation.
    Buried,
    /// Of two or three elements each was taken or seen before the next: the operations by element,
    /// its put first.
    Circle,
    /// More elements were overtaken by a moment than takes of unknown outcome had begun: the puts
    /// of those overtaken, the put and the take of who overtook the last of them.
    TooFewTakes,
    /// A container was found empty while at every moment an element was in it: who found that,
    /// then of every such element, in order, its put and its take, or who saw it first and last.
    NotEmpty,
    /// An element of a set was not found while it was certainly in: its add, its removal, who found
    /// it, who did not.
    Missed,
    /// Two processes held a lock at the same time that they did not share: the operations of the
    /// one from its acquire to its release, those of the other. Where anybody may release it: all
    /// that had begun, the acquire that was not possible last.
    NotExclusive,
    /// A process released a lock that it did not hold: what it did since it acquired it last, that
    /// release. Where anybody may release it: all that had begun, the release last.
    NotHeld,
    /// A token was not greater than one before: the operations of the two sections, and of those
    /// between.
    TokenOrder,
    /// A permit was acquired while none was free: all operations that had begun, that acquire last.
    NotFree,
    /// A permit was released while none was taken: all operations that had begun, that release
    /// last.
    NotTaken,
    /// What was counted: the operation that is not possible, then some of those that were counted.
    Tally(Tally),
}

impl Why {
    /// The kind of the anomaly, as in verdicts.
    pub(in crate::linearizable) const fn kind(self) -> &'static str {
        match self {
            Why::NeverPut | Why::PutLater => "phantom-element",
            Why::TakenTwice | Why::SeenAfterTaken | Why::Tally(Tally::TooOften) => {
                "duplicate-element"
            }
            Why::Overtaken | Why::Circle | Why::Tally(Tally::Overtaken) => "queue-order",
            Why::Buried => "stack-order",
            Why::Outranked | Why::Tally(Tally::Outranked) => "priority-order",
            Why::Lost | Why::TooFewTakes => "lost-element",
            Why::Missed => "lost-element",
            Why::NotExclusive => "mutual-exclusion",
            Why::NotHeld | Why::NotTaken => "release-without-acquire",
            Why::TokenOrder => "token-order",
            Why::NotFree => "too-many-holders",
            Why::NotEmpty | Why::Tally(Tally::NotEmpty) => "empty-while-not-empty",
        }
    }
}

/// That there is no order, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct Refuted {
    /// A rank in real time by which there is none, whatever comes later.
    pub(in crate::linearizable) by: u64,
    /// The operations that show it, as indices of items; alone they have no order either.
    pub(in crate::linearizable) operations: Vec<usize>,
    /// Which pattern they form.
    pub(in crate::linearizable) why: Why,
}
