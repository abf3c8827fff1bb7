//! Closed predicates: histories in which every object that a predicate may match is known, so that
//! a read by predicate is one of every object.
//!
//! That an object was found tells whose version was read. That it was not tells as much where only
//! one of its versions matches the predicate not: the one before it existed, a deletion, or some
//! value. So such a history is translated into one of registers: a deletion writes what nobody
//! else does, what was there in the beginning is the initial version, and a read by predicate
//! reads all objects of which it is known what was seen. Where several versions would do, nothing
//! is concluded, and nothing *holds* for certain (Adya, *Weak Consistency*, PhD thesis, MIT 1999,
//! section 4.4.2: version sets; Elle's closed predicates).
//!
//! **Invariant:** [`Init`](polygraph_history::Micro::Init) precedes everything.

mod check;
mod proof;
mod translation;

pub use proof::{ClosedProof, confirm_closed};

pub(super) use check::{are_used, check, is_of_items};
pub(super) use translation::Closed;
