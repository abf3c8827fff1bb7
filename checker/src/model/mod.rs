//! Sequential specifications: what one client alone would see.
//!
//! - [`Model`]: start here.
//! - [`MODELS`], [`ModelKind`]: every model, by name.
//! - [`Object`]: how operations of a history are operations of a model.
//! - [`Register`]: read and write. [`CasRegister`]: the same and compare-and-set.
//!
//! A model of a nondeterministic object takes the set of states that are still possible as its
//! state, and refuses an operation when none of them allows it.

use std::fmt;
use std::hash::Hash;

mod cas_register;
mod kind;
mod object;
mod register;

pub use cas_register::{CasRegister, CasRegisterOp, CasRegisterRefusal};
pub use kind::{MODELS, ModelKind};
pub use object::{Call, Foreign, Object, Scope};
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
}
