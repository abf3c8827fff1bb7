//! What a guarantee is asked with, where it has a measure: a side, a span, a number of versions.

use std::fmt;
use std::time::Duration;

use crate::{Guarantee, format_duration, parse_duration};

/// On which side of a fault operations must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// At nodes that can talk to a majority of the cluster.
    Majority,
    /// At nodes that can talk to a majority of the replicas of the key.
    QuorumOfKey,
    /// At every node that is alive.
    Any,
}

impl Side {
    /// Every side.
    pub const ALL: &[Side] = &[Side::Majority, Side::QuorumOfKey, Side::Any];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Side::Majority => "majority",
            Side::QuorumOfKey => "quorum-of-key",
            Side::Any => "any",
        }
    }
}

/// The measure of a guarantee, written after an equals sign: `bounded-staleness=100ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// Of `available`.
    Side(Side),
    /// Of `bounded-staleness`: how old a value may be that is read.
    Staleness(Duration),
    /// Of `k-atomic`: among how many of the latest versions a read may choose.
    Versions(u32),
}

impl Bound {
    /// What a guarantee is asked with if nothing is said; `None` if it has no measure.
    #[must_use]
    pub const fn default_of(guarantee: Guarantee) -> Option<Bound> {
        match guarantee {
            Guarantee::Available => Some(Bound::Side(Side::Majority)),
            Guarantee::BoundedStaleness => Some(Bound::Staleness(Duration::from_secs(1))),
            Guarantee::KAtomic => Some(Bound::Versions(2)),
            _ => None,
        }
    }

    /// Reads the measure of a guarantee.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(guarantee: Guarantee, text: &str) -> Result<Bound, String> {
        match Bound::default_of(guarantee) {
            None => Err(format!("`{guarantee}` has no measure; leave out `={text}`")),
            Some(Bound::Side(_)) => {
                let side = Side::ALL.iter().find(|side| side.name() == text);
                let side = side.ok_or_else(|| {
                    let names: Vec<_> = Side::ALL.iter().map(|side| side.name()).collect();
                    format!(
                        "`{text}` is no side of `{guarantee}`; there are {}",
                        names.join(", ")
                    )
                })?;
                Ok(Bound::Side(*side))
            }
            Some(Bound::Staleness(_)) => match parse_duration(text) {
                Ok(span) => Ok(Bound::Staleness(span)),
                Err(problem) => Err(format!(
                    "`{guarantee}` takes a duration, such as `{guarantee}=100ms`: {problem}"
                )),
            },
            Some(Bound::Versions(_)) => match text.parse() {
                Ok(versions @ 1..) => Ok(Bound::Versions(versions)),
                _ => Err(format!(
                    "`{guarantee}` takes a number of versions from 1 on, such as `{guarantee}=2`, \
                     not `{text}`"
                )),
            },
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Side(side) => f.write_str(side.name()),
            Bound::Staleness(span) => f.write_str(&format_duration(*span)),
            Bound::Versions(versions) => write!(f, "{versions}"),
        }
    }
}
