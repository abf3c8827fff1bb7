//! Objects that grow: lists, logs, sets, counters, sources of identifiers.
//!
//! What operations return tells in which order others come: a read of a list that found three
//! elements comes behind the third append and before the fourth. So operations stand in layers,
//! and an order exists when real time contradicts no pair of layers (`layers`, which also finds
//! places for additions of which nothing is known). That takes near-linear time.
//!
//! - [`Refuted`], [`Why`]: why there is no order, by a few operations. Kinds: `phantom-element`,
//!   read though nobody had begun to add it; `duplicate-element`, read in two places;
//!   `duplicate-result`, two additions got the same place, number or identifier; `stale-read`,
//!   without what was there already; `incompatible-order`, of which neither continues the other;
//!   `reversed-additions`, in another order than real time's; `overcount` and `undercount`, a
//!   number or a place that so many additions cannot give.
//! - `list`, `log`, `grow_set`, `counter`, `ids`: `decide`, whether there is an order, `None` if
//!   this way does not apply; and `order`, an order that there is.

pub(in crate::linearizable) mod counter;
mod counting;
mod evidence;
pub(in crate::linearizable) mod grow_set;
pub(in crate::linearizable) mod ids;
mod layers;
pub(in crate::linearizable) mod list;
pub(in crate::linearizable) mod log;
mod positions;
#[cfg(test)]
mod tests;

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct Refuted {
    /// A rank in real time by which there is no order any more.
    pub(in crate::linearizable) by: u64,
    /// The operations whose results and times show it, as indices of items. Without all other
    /// reads, and without the results of all other additions, there is no order either; but the
    /// other additions must stay, for reads of everything may show what they added.
    pub(in crate::linearizable) operations: Vec<usize>,
    /// What is wrong with them.
    pub(in crate::linearizable) why: Why,
}

/// What is wrong with a few operations of an object that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::linearizable) enum Why {
    /// The first and the second show contents of which neither can become the other.
    Diverge,
    /// The first shows an element that nobody added, or not often enough; the others are all who
    /// added it, elsewhere.
    Phantom,
    /// The operations show the same element in two places, but it was added once.
    Twice,
    /// Both got the same place, number or identifier.
    SamePlace,
    /// The first shows more elements than had been added, or a number that no increments give.
    TooMuch,
    /// The first shows an element whose addition, the second, began only later.
    NotYet,
    /// The first had been added before the second began, which does not show it.
    Missed,
    /// The second shows less than the first, which had ended before it began.
    Older,
    /// The first had ended before the second began, which must come before it.
    Reversed,
    /// The first shows that more additions took place before it than had begun. The others are
    /// known to come behind it.
    TooFew,
    /// Too many additions had ended before the first of these began, which shows only so many.
    /// Where the last one is an operation that had ended before all of them began, it shows how
    /// many there were before.
    TooMany,
}

impl Why {
    /// The kind of the anomaly, as in verdicts.
    pub(in crate::linearizable) const fn kind(self) -> &'static str {
        match self {
            Why::Diverge => "incompatible-order",
            Why::Phantom | Why::NotYet => "phantom-element",
            Why::Twice => "duplicate-element",
            Why::SamePlace => "duplicate-result",
            Why::Missed | Why::Older => "stale-read",
            Why::Reversed => "reversed-additions",
            Why::TooMuch | Why::TooFew => "overcount",
            Why::TooMany => "undercount",
        }
    }
}
