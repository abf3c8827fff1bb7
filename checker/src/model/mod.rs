//! Sequential specifications: what one client alone would see.
//!
//! - [`Model`]: start here.
//! - [`Object`]: how operations of a history are operations of a model.
//! - [`Register`]: read and write. [`CasRegister`]: the same and compare-and-set.
//!
//! - [`Nondeterministic`], [`PowerSet`]: objects whose operations may leave one of several states.

use std::fmt;
use std::hash::Hash;

mod cas_register;
mod object;
mod power_set;
mod register;

pub use cas_register::{CasRegister, CasRegisterOp, CasRegisterRefusal};
pub use object::{Call, Foreign, Object};
pub use power_set::{Nondeterministic, PowerSet, PowerSetRefusal};
pub use register::{Register, RegisterOp, RegisterRefusal};

/// A sequential specification: which operations with which results are possible in which state,
/// and what state they leave.
pub trait Model {
    /// What the object remembers.
    type State: Clone + Eq + Hash;
    /// An operation together with its result.
    type Op: Clone + Eq + Hash;
    /// Why an operation is not possible, in words.
    type Refusal: fmt::Display;

    /// The name, as on the command line.
    fn name(&self) -> &'static str;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Performs an operation.
    ///
    /// # Errors
    /// Why the operation cannot have this result in this state.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Result<Self::State, Self::Refusal>;

    /// Whether the operation leaves every state in which it is possible as it is. A search
    /// performs such an operation as soon as it can.
    fn only_observes(&self, _op: &Self::Op) -> bool {
        false
    }

    /// About how many bytes a state holds besides [`size_of`] it: what its lists and maps have on
    /// the heap. Budgets of memory are as good as this.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}
