//! What history is wanted.

use std::fmt;

/// What the operations are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// Reads and writes of registers.
    Register,
    /// Reads, writes and compare-and-sets of registers.
    CasRegister,
    /// Enqueues and dequeues.
    Queue,
    /// Pushes and pops.
    Stack,
    /// Inserts, and extracts of the greatest.
    PriorityQueue,
    /// Adds, removes, and questions for elements.
    Set,
    /// Acquires and releases, by those who acquired.
    Mutex,
    /// Appends to lists and reads of whole lists.
    List,
    /// Increments, and reads of the sum.
    Counter,
}

impl Model {
    /// Every model.
    pub const ALL: [Model; 9] = [
        Model::Register,
        Model::CasRegister,
        Model::Queue,
        Model::Stack,
        Model::PriorityQueue,
        Model::Set,
        Model::Mutex,
        Model::List,
        Model::Counter,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Model::Register => "register",
            Model::CasRegister => "cas-register",
            Model::Queue => "fifo-queue",
            Model::Stack => "stack",
            Model::PriorityQueue => "priority-queue",
            Model::Set => "set",
            Model::Mutex => "mutex",
            Model::List => "list",
            Model::Counter => "counter",
        }
    }

    /// The violations that its histories can have.
    #[must_use]
    pub const fn violations(self) -> &'static [Violation] {
        use Violation as V;
        match self {
            Model::Register => &[V::StaleRead, V::PhantomRead],
            Model::CasRegister => &[
                V::StaleRead,
                V::PhantomRead,
                V::LostWrite,
                V::CasDoubleSuccess,
            ],
            Model::Queue | Model::Stack | Model::PriorityQueue => &[
                V::Overtake,
                V::LostElement,
                V::DuplicateElement,
                V::PhantomElement,
                V::EmptyWhileNotEmpty,
            ],
            Model::Set => &[V::LostElement, V::PhantomElement, V::ResurrectedElement],
            Model::Mutex => &[V::DoubleAcquire],
            Model::List => &[
                V::StaleRead,
                V::LostElement,
                V::PhantomElement,
                V::ReorderedRead,
            ],
            Model::Counter => &[V::StaleRead, V::PhantomRead],
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Each once.
    Unique,
    /// Any of so many, from 1 on.
    Few(u32),
}

/// What is wrong with one answer. That it is wrong follows from a handful of operations, whatever
/// all others did, those of unknown outcome included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A read returns what had been replaced, or misses what had been done, before it began.
    StaleRead,
    /// A read returns what nobody wrote.
    PhantomRead,
    /// A compare-and-set replaces what another write had replaced before it began.
    LostWrite,
    /// A value that was written once is replaced twice.
    CasDoubleSuccess,
    /// An element is taken before another one whose turn was earlier.
    Overtake,
    /// An element that was put in is never seen again, although others show that it should be.
    LostElement,
    /// An element is taken twice.
    DuplicateElement,
    /// A container is said to be empty while an element is in it all the time.
    EmptyWhileNotEmpty,
    /// An element is found or taken that nobody put in.
    PhantomElement,
    /// An element is found after it had been removed.
    ResurrectedElement,
    /// A lock is acquired while another client holds it all the time.
    DoubleAcquire,
    /// Elements are read in another order than they were appended in.
    ReorderedRead,
}

impl Violation {
    /// Every violation.
    pub const ALL: [Violation; 12] = [
        Violation::StaleRead,
        Violation::PhantomRead,
        Violation::LostWrite,
        Violation::CasDoubleSuccess,
        Violation::Overtake,
        Violation::LostElement,
        Violation::DuplicateElement,
        Violation::EmptyWhileNotEmpty,
        Violation::PhantomElement,
        Violation::ResurrectedElement,
        Violation::DoubleAcquire,
        Violation::ReorderedRead,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Violation::StaleRead => "stale-read",
            Violation::PhantomRead => "phantom-read",
            Violation::LostWrite => "lost-write",
            Violation::CasDoubleSuccess => "cas-double-success",
            Violation::Overtake => "overtake",
            Violation::LostElement => "lost-element",
            Violation::DuplicateElement => "duplicate-element",
            Violation::EmptyWhileNotEmpty => "empty-while-not-empty",
            Violation::PhantomElement => "phantom-element",
            Violation::ResurrectedElement => "resurrected-element",
            Violation::DoubleAcquire => "double-acquire",
            Violation::ReorderedRead => "reordered-read",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our JSON Lines.
    Polygraph,
    /// Jepsen's maps, one a line; keys in tuples where there are several.
    JepsenEdn,
    /// Porcupine's rows of gets and puts.
    PorcupineKv,
    /// The text of fastlin: method, value, start and end.
    Fastlin,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [
        Format::Polygraph,
        Format::JepsenEdn,
        Format::PorcupineKv,
        Format::Fastlin,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Polygraph => "polygraph",
            Format::JepsenEdn => "jepsen-edn",
            Format::PorcupineKv => "porcupine-kv",
            Format::Fastlin => "fastlin",
        }
    }

    /// The models that it can write.
    const fn models(self) -> &'static [Model] {
        match self {
            Format::Polygraph => &Model::ALL,
            Format::JepsenEdn => &[
                Model::Register,
                Model::CasRegister,
                Model::Queue,
                Model::Mutex,
            ],
            Format::PorcupineKv => &[Model::Register],
            Format::Fastlin => &[Model::Queue, Model::Stack, Model::PriorityQueue],
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What history is wanted. The same plan gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the operations are of.
    pub model: Model,
    /// How many clients work at the same time, each without a pause.
    pub clients: usize,
    /// How many keys are in use at the same time, each as likely.
    pub keys: usize,
    /// How many operations are invoked in all.
    pub operations: u64,
    /// Of a million operations so many have an unknown outcome.
    pub crash_ppm: u32,
    /// Which values are written.
    pub values: Values,
    /// What is wrong with one answer, if anything.
    pub violation: Option<Violation>,
    /// From which operation on that answer is looked for, in millionths of all.
    pub at_ppm: u32,
    /// After how many operations a key gives way to a fresh one; never if absent.
    pub retire: Option<u64>,
    /// From which everything is drawn.
    pub seed: u64,
    /// How it is written.
    pub format: Format,
}

/// Numbers of elements stay exact in every reader of JSON.
const MOST_OPERATIONS: u64 = 1 << 40;
/// Everything in use at the same time is in memory.
const MOST_CLIENTS: usize = 100_000;
/// The same.
const MOST_VALUES_HELD: u64 = 10_000_000;

impl Plan {
    /// Says what contradicts itself.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn check(&self) -> Result<(), String> {
        let Plan { model, format, .. } = *self;
        if self.clients == 0 || self.keys == 0 || self.operations == 0 {
            return Err("clients, keys and operations are at least one of each".to_owned());
        }
        let few = match self.values {
            Values::Unique => 1,
            Values::Few(values) => u64::from(values),
        };
        let room = (self.keys as u64).saturating_mul(few);
        if self.operations > MOST_OPERATIONS
            || self.clients > MOST_CLIENTS
            || room > MOST_VALUES_HELD
        {
            return Err(format!(
                "that is too much: at most {MOST_OPERATIONS} operations, {MOST_CLIENTS} clients, \
                 and {MOST_VALUES_HELD} keys, or keys times values where these are few"
            ));
        }
        if self.values == Values::Few(0) {
            return Err("`--values 0` leaves nothing to write; at least 1, or `unique`".to_owned());
        }
        if !format.models().contains(&model) {
            return Err(format!(
                "the format {format} has no operations of the model {model}; it has those of {}",
                listed(format.models())
            ));
        }
        if format == Format::Fastlin && self.crash_ppm > 0 {
            return Err(
                "the format fastlin has no operations of unknown outcome; take `--crash-rate 0`"
                    .to_owned(),
            );
        }
        if format == Format::Fastlin && self.keys > 1 {
            return Err("the format fastlin is of a single object; take `--keys 1`".to_owned());
        }
        let Some(violation) = self.violation else {
            return Ok(());
        };
        if !model.violations().contains(&violation) {
            return Err(format!(
                "a history of the model {model} cannot have a {violation}; it can have {}",
                listed(model.violations())
            ));
        }
        if needs_unique(model, violation) && self.values != Values::Unique {
            return Err(format!(
                "a {violation} of a {model} cannot be proven where values are written twice; \
                 take `--values unique`"
            ));
        }
        let container = matches!(model, Model::Queue | Model::Stack | Model::PriorityQueue);
        if container && violation == Violation::LostElement && self.crash_ppm > 0 {
            return Err(
                "no element is lost for certain where a take of unknown outcome may have taken \
                 it; take `--crash-rate 0`"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// Whether it is only provable where every value is written once.
fn needs_unique(model: Model, violation: Violation) -> bool {
    match violation {
        Violation::CasDoubleSuccess
        | Violation::Overtake
        | Violation::DuplicateElement
        | Violation::EmptyWhileNotEmpty
        | Violation::ReorderedRead => true,
        Violation::LostElement => !matches!(model, Model::List | Model::Set),
        _ => false,
    }
}

fn listed(names: &[impl fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}
