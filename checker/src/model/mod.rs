//! Sequential specifications: what one client alone would see.
//!
//! - [`Model`]: start here.
//! - [`MODELS`], [`ModelKind`]: every model, by name.
//! - [`Object`]: how operations of a history are operations of a model.
//! - [`Register`]: read and write. [`CasRegister`]: the same and compare-and-set.
//!   [`MultiRegister`]: reads and writes of several keys at once.
//! - [`FifoQueue`], [`Bag`], [`Stack`], [`PriorityQueue`]: put, take, look; [`Set`]: add, remove,
//!   ask.
//! - [`Mutex`], [`FencedMutex`], [`RwLock`], [`Semaphore`]: acquire and release.
//! - [`GrowSet`], [`List`]: additions and reads of all. [`Log`]: with offsets. [`Text`]: the same
//!   of characters, and writes.
//! - [`Counter`], [`IdSource`]: numbers, and identifiers.
//! - [`persistent`]: collections that are made for being the state of a model.
//!
//! - [`Nondeterministic`], [`PowerSet`]: objects whose operations may leave one of several states.

use std::fmt;
use std::hash::Hash;

mod bag;
mod cas_register;
mod counter;
mod fenced_mutex;
mod fifo_queue;
mod grow_set;
mod id_source;
mod kind;
mod list;
mod log;
mod multi_register;
mod mutex;
mod object;
mod observation;
pub mod persistent;
mod power_set;
mod priority_queue;
mod register;
mod rw_lock;
mod semaphore;
mod set;
mod stack;
mod text;

pub use bag::{Bag, BagOp, BagRefusal, BagState};
pub use cas_register::{CasRegister, CasRegisterOp, CasRegisterRefusal};
pub use counter::{Counter, CounterOp, CounterRefusal};
pub use fenced_mutex::{FencedMutex, FencedMutexOp, FencedMutexRefusal, FencedMutexState};
pub use fifo_queue::{FifoQueue, FifoQueueOp, FifoQueueRefusal, FifoQueueState};
pub use grow_set::{GrowSet, GrowSetOp, GrowSetRefusal};
pub use id_source::{Generate, IdSource, IdSourceRefusal};
pub use kind::{MODELS, ModelKind};
pub use list::{List, ListOp, ListRefusal};
pub use log::{Log, LogOp, LogRefusal};
pub use multi_register::{Access, MultiRegister, MultiRegisterOp, MultiRegisterRefusal};
pub use mutex::{Mutex, MutexOp, MutexRefusal, MutexState};
pub use object::{Call, Foreign, Object, Other, Scope};
pub use power_set::{Nondeterministic, PowerSet, PowerSetRefusal};
pub use priority_queue::{PriorityQueue, PriorityQueueOp, PriorityQueueRefusal};
pub use register::{Register, RegisterOp, RegisterRefusal};
pub use rw_lock::{RwLock, RwLockOp, RwLockRefusal, RwLockState};
pub use semaphore::{Semaphore, SemaphoreOp, SemaphoreRefusal};
pub use set::{Set, SetOp, SetRefusal};
pub use stack::{Stack, StackOp, StackRefusal};
pub use text::{Text, TextOp, TextRefusal};

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

    /// Whether an operation may be what makes a later one possible. Where that is said of none of
    /// those that come after it, leaving it out of a run leaves a run: if `a … m n … z` is possible
    /// from the initial state, and `m` enables none of `n … z`, then `a … n … z` is possible, too.
    ///
    /// A search leaves out operations of unknown outcome that enable nothing that is still to come:
    /// a write of what nobody reads any more, an element that nobody takes or shows.
    fn enables(&self, _op: &Self::Op, _later: &Self::Op) -> bool {
        true
    }

    /// About how many bytes a state has on the heap that no earlier state shares with it. Budgets
    /// of memory are as good as this; where nothing is said, a state that has anything there is
    /// taken for a persistent structure, in which a step replaces a few nodes.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        if std::mem::needs_drop::<Self::State>() {
            256
        } else {
            0
        }
    }
}
