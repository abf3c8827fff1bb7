//! Why one transaction over registers comes before another, in terms of the history alone.

use serde::{Deserialize, Serialize};

/// The fact behind one edge of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// *wr*: the second read, at this position, what the first wrote.
    Read(usize),
    /// *ww*: the second read, at this position, what the first wrote, and then wrote the register
    /// itself.
    Replaced(usize),
    /// *ww*: both wrote the register, and the store says that the second's version came later.
    Installed {
        /// The position of the first's last write.
        earlier: usize,
        /// That of the second's.
        later: usize,
    },
    /// *rw*: the first read, at this position, what the second wrote over.
    Missed {
        /// The position of the read.
        read: usize,
        /// Why the second wrote over it.
        after: After,
    },
}

impl Fact {
    /// Whether it rests on what the store says of its versions.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        matches!(
            self,
            Fact::Installed { .. }
                | Fact::Missed {
                    after: After::Installed(_),
                    ..
                }
        )
    }
}

/// Why a write comes after a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// The version is the initial one; the write is at this position.
    Initial(usize),
    /// The transaction of the write read the same version at this position, before it wrote.
    Read(usize),
    /// The write is at this position, and the store says that its version came later.
    Installed(usize),
}
