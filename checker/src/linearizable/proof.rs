//! Evidence that a key is not linearizable.

use polygraph_history::{EventIndex, Key};

use crate::FailedCas;

/// A sub-history that no order explains, and that was cut out so that this says something about
/// the whole.
///
/// It is about the prefix of the history up to the event `until`: operations that had not ended
/// then may take effect later, or never. Of this prefix some operations are kept. Let *writer*
/// mean an operation that replaces the value of the key, whether or not by another one. The
/// evidence is sound when for every kept operation *y* that is used with what it found, every
/// writer *p* of the prefix that might have left what *y* found is
///
/// 1. kept, or
/// 2. began after *y* had ended, or
/// 3. overwritten: some kept writer that took effect for certain began after *p* had ended and
///    ended before *y* began.
///
/// For then, if the prefix has an order, so have the kept operations: leave the others out of it.
/// What *y* found was left by the last writer before it; that one is kept, by 2 and 3 it cannot be
/// another; so it is still the last writer before *y*. And if there was none before *y* there is
/// none now.
///
/// Besides, where somebody wrote a value that is found, one of the possible writers is kept, even
/// if all were overwritten: so that a reader sees where the value was from.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The key.
    pub key: Key,
    /// The event that ends the prefix: the completion of one of the operations.
    pub until: EventIndex,
    /// What is kept, in the order of their invocations.
    pub operations: Vec<Kept>,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
}

/// An operation that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The event of its invocation.
    pub invoke: EventIndex,
    /// Whether what it found is used; a compare-and-set without that counts as a write.
    pub expectation: bool,
}
