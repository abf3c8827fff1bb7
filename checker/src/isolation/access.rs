//! What a transaction did to one key, as levels see it that look inside transactions.

/// A read or write of a key whose versions have a known order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    /// Where it stands in the transaction.
    pub(super) position: u32,
    pub(super) key: u32,
    /// The version that was read or written: greater the later it is in the order of the key.
    /// [`LAST`] for one that was written and never read, after all others.
    pub(super) version: u32,
    pub(super) write: bool,
    /// The transaction that wrote the version that was read or written over, or `NONE`.
    pub(super) of: u32,
}

/// The version of writes that come after all that was read.
pub(super) const LAST: u32 = u32::MAX;
