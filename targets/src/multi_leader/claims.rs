//! What the store promises.

use polygraph_history::Guarantee;

use crate::{Claim, Faults, Stance};

/// The claims, the same for all settings. Where clocks were right, a claim for right clocks and one
/// for any clocks both apply: then what holds counts.
pub(super) const CLAIMS: &[Claim] = &[
    claim(
        Guarantee::Converges,
        Stance::Holds,
        Faults::DEFAULT,
        "ML-01",
        "every entry is shipped until every node has confirmed it, and of the writes to a register \
         the one with the greatest stamp stays, in whatever order they arrive",
    ),
    claim(
        Guarantee::Converges,
        Stance::Holds,
        Faults::WITH_CLOCKS,
        "ML-12",
        "stamps are totally ordered and unique whatever clocks say",
    ),
    claim(
        Guarantee::Linearizable,
        Stance::Broken,
        Faults::DEFAULT,
        "ML-01",
        "a node answers reads before it has heard of writes that others have acknowledged",
    ),
    claim(
        Guarantee::ReadYourWrites,
        Stance::Holds,
        Faults::DEFAULT,
        "",
        "a session stays at its node, which has its write on disk, and with right clocks no write \
         that ended before that one began has a greater stamp",
    ),
    claim(
        Guarantee::ReadYourWrites,
        Stance::Broken,
        Faults::WITH_CLOCKS,
        "ML-12",
        "a session's write loses to an earlier one from a fast clock",
    ),
    claim(
        Guarantee::MonotonicReads,
        Stance::Holds,
        Faults::DEFAULT,
        "",
        "a session stays at its node, which shows only what is synced and replaces it only by \
         greater stamps, which with right clocks are not of earlier writes",
    ),
    claim(
        Guarantee::Durable,
        Stance::Holds,
        Faults::DEFAULT,
        "",
        "what is acknowledged is synced, an element of a set is replaced by nothing, and with right \
         clocks a register only by a write that did not end before it began",
    ),
    claim(
        Guarantee::Recovers,
        Stance::Holds,
        Faults::WITH_CLOCKS,
        "",
        "a node answers from its own copy as soon as it has read its log",
    ),
];

const fn claim(
    guarantee: Guarantee,
    stance: Stance,
    faults: Faults,
    row: &'static str,
    why: &'static str,
) -> Claim {
    Claim {
        guarantee,
        bound: None,
        stance,
        faults,
        world: None,
        row,
        why,
    }
}
