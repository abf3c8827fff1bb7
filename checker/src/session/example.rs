//! Of each session guarantee a smallest history that violates it.

use std::fmt;

use polygraph_history::Guarantee;

/// What a client does in an example; each thing ends before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Writes a value to a key.
    Write(&'static str, i64),
    /// Reads a value of a key, or finds nothing.
    Read(&'static str, Option<i64>),
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Write(key, value) => write!(f, "writes {key}={value}"),
            Act::Read(key, Some(value)) => write!(f, "reads {key}={value}"),
            Act::Read(key, None) => write!(f, "finds nothing in {key}"),
        }
    }
}

/// A session reads no trace of its own write.
const FORGOTTEN: &[(u64, Act)] = &[(1, Act::Write("x", 1)), (1, Act::Read("x", None))];

/// A session no longer reads what it has read.
const UNREAD: &[(u64, Act)] = &[
    (1, Act::Write("x", 1)),
    (2, Act::Read("x", Some(1))),
    (2, Act::Read("x", None)),
];

/// The later write of a session is there, the earlier one is not.
const OVERTAKEN: &[(u64, Act)] = &[
    (1, Act::Write("x", 1)),
    (1, Act::Write("y", 2)),
    (2, Act::Read("y", Some(2))),
    (2, Act::Read("x", None)),
];

/// An answer is there, its question is not.
const ANSWERED: &[(u64, Act)] = &[
    (1, Act::Write("x", 1)),
    (2, Act::Read("x", Some(1))),
    (2, Act::Write("y", 2)),
    (3, Act::Read("y", Some(2))),
    (3, Act::Read("x", None)),
];

/// A small history that violates a session guarantee, without any operation that could be left
/// out: who does what, one after the other.
#[must_use]
pub const fn example(guarantee: Guarantee) -> Option<&'static [(u64, Act)]> {
    Some(match guarantee {
        Guarantee::ReadYourWrites | Guarantee::ReadYourWritesAxiomatic => FORGOTTEN,
        Guarantee::MonotonicReads | Guarantee::MonotonicReadsAxiomatic => UNREAD,
        Guarantee::MonotonicWrites
        | Guarantee::MonotonicWritesAxiomatic
        | Guarantee::Pram
        | Guarantee::PramAxiomatic => OVERTAKEN,
        Guarantee::WritesFollowReads
        | Guarantee::WritesFollowReadsAxiomatic
        | Guarantee::Causal
        | Guarantee::CausalAxiomatic => ANSWERED,
        _ => return None,
    })
}
