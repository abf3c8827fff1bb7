//! The registry: every model, by name, and which operations are of it.

use std::fmt;
use std::str::FromStr;

use polygraph_history::{MicroRef, Micros, Op, OpKind, Value};

/// A model by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelKind {
    /// [`super::Register`].
    Register,
    /// [`super::CasRegister`].
    CasRegister,
    /// Registers that are read and written several at once.
    MultiRegister,
    /// Sets that only grow.
    GrowSet,
    /// Sets.
    Set,
    /// Queues.
    FifoQueue,
    /// Queues without an order.
    Bag,
    /// Stacks.
    Stack,
    /// Priority queues.
    PriorityQueue,
    /// Lists.
    List,
    /// Logs.
    Log,
    /// Texts.
    Text,
    /// Locks.
    Mutex,
    /// Locks with fencing tokens.
    FencedMutex,
    /// Locks that readers share.
    RwLock,
    /// Semaphores.
    Semaphore,
    /// Counters.
    Counter,
    /// Sources of identifiers.
    IdSource,
    /// Lists in transactions.
    ListAppend,
}

/// Every model with what its operations are. Of several models to which operations fit, the
/// first is taken.
pub const MODELS: &[(ModelKind, &str)] = &[
    (ModelKind::Register, "reads and writes of single registers"),
    (
        ModelKind::CasRegister,
        "reads, writes and compare-and-sets of single registers",
    ),
    (ModelKind::GrowSet, "adds to sets and reads of whole sets"),
    (
        ModelKind::Set,
        "adds to sets, removes, whether an element is in, reads of whole sets (--strict-sets)",
    ),
    (
        ModelKind::FifoQueue,
        "queues: what was enqueued first is dequeued first",
    ),
    (
        ModelKind::Bag,
        "queues without an order: what was enqueued is dequeued once",
    ),
    (
        ModelKind::Stack,
        "stacks: what was pushed last is popped first",
    ),
    (
        ModelKind::PriorityQueue,
        "priority queues: the greatest element is extracted first",
    ),
    (ModelKind::List, "appends to lists and reads of whole lists"),
    (
        ModelKind::Log,
        "appends to logs, which return an offset, and polls from an offset",
    ),
    (
        ModelKind::Text,
        "texts: writes, appends at the end, and reads of the whole",
    ),
    (
        ModelKind::Mutex,
        "locks that one client holds at a time (--lock-owners)",
    ),
    (
        ModelKind::FencedMutex,
        "locks with fencing tokens that grow",
    ),
    (ModelKind::RwLock, "locks that are acquired alone or shared"),
    (
        ModelKind::Semaphore,
        "semaphores: so many clients hold a permit at a time (--permits)",
    ),
    (ModelKind::Counter, "increments of counters, and reads"),
    (ModelKind::IdSource, "identifiers that nobody else gets"),
    (
        ModelKind::ListAppend,
        "transactions of reads of lists and appends to them",
    ),
    (
        ModelKind::MultiRegister,
        "reads and writes of several registers at once",
    ),
];

impl ModelKind {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ModelKind::Register => "register",
            ModelKind::CasRegister => "cas-register",
            ModelKind::MultiRegister => "multi-register",
            ModelKind::GrowSet => "grow-set",
            ModelKind::Set => "set",
            ModelKind::FifoQueue => "fifo-queue",
            ModelKind::Bag => "bag",
            ModelKind::Stack => "stack",
            ModelKind::PriorityQueue => "priority-queue",
            ModelKind::List => "list",
            ModelKind::Log => "log",
            ModelKind::Text => "text",
            ModelKind::Mutex => "mutex",
            ModelKind::FencedMutex => "fenced-mutex",
            ModelKind::RwLock => "rw-lock",
            ModelKind::Semaphore => "semaphore",
            ModelKind::Counter => "counter",
            ModelKind::IdSource => "id-source",
            ModelKind::ListAppend => "list-append",
        }
    }

    /// Whether an operation is of this model.
    #[must_use]
    pub fn has(self, op: &Op) -> bool {
        match op {
            Op::Txn(micros) => self.has_transaction(Micros::of(micros)),
            Op::Append {
                offset: Some(_), ..
            } => self == ModelKind::Log,
            // That is no collection, and no number.
            Op::Read {
                value: Some(Value::Text(_)),
                ..
            } => self.kinds().contains(&OpKind::Write),
            Op::Acquire { shared: true, .. } => self == ModelKind::RwLock,
            Op::Acquire { token: Some(_), .. } => self == ModelKind::FencedMutex,
            _ => self.kinds().contains(&op.kind()),
        }
    }

    /// Whether a transaction that does this is of this model.
    #[must_use]
    pub fn has_transaction(self, mut micros: Micros<'_>) -> bool {
        match self {
            ModelKind::ListAppend => {
                micros.all(|micro| matches!(micro, MicroRef::Read { .. } | MicroRef::Append { .. }))
            }
            ModelKind::MultiRegister => {
                micros.all(|micro| matches!(micro, MicroRef::Read { .. } | MicroRef::Write { .. }))
            }
            _ => false,
        }
    }

    /// The operations of single objects that it has.
    const fn kinds(self) -> &'static [OpKind] {
        match self {
            ModelKind::Register | ModelKind::MultiRegister => &[OpKind::Read, OpKind::Write],
            ModelKind::CasRegister => &[OpKind::Read, OpKind::Write, OpKind::Cas],
            ModelKind::GrowSet => &[OpKind::Read, OpKind::Add],
            ModelKind::Set => &[OpKind::Add, OpKind::Remove, OpKind::Contains, OpKind::Read],
            ModelKind::FifoQueue | ModelKind::Bag => {
                &[OpKind::Enqueue, OpKind::Dequeue, OpKind::Front]
            }
            ModelKind::Stack => &[OpKind::Push, OpKind::Pop, OpKind::Front],
            ModelKind::PriorityQueue => &[OpKind::Insert, OpKind::Extract, OpKind::Front],
            ModelKind::List => &[OpKind::Read, OpKind::Append],
            ModelKind::Log => &[OpKind::Append, OpKind::Poll, OpKind::Read],
            ModelKind::Text => &[OpKind::Read, OpKind::Write, OpKind::Append],
            ModelKind::Mutex
            | ModelKind::FencedMutex
            | ModelKind::RwLock
            | ModelKind::Semaphore => &[OpKind::Acquire, OpKind::Release],
            ModelKind::Counter => &[OpKind::Read, OpKind::Increment],
            ModelKind::IdSource => &[OpKind::Generate],
            ModelKind::ListAppend => &[],
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A model that does not exist; says which do.
impl FromStr for ModelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<ModelKind, String> {
        let text = match text {
            "unordered-queue" => "bag",
            text => text,
        };
        let model = MODELS.iter().find(|(model, _)| model.name() == text);
        model.map(|(model, _)| *model).ok_or_else(|| {
            let names: Vec<_> = MODELS.iter().map(|(model, _)| model.name()).collect();
            format!("there is no model `{text}`; there are {}", names.join(", "))
        })
    }
}
