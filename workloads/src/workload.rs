//! What a workload tells of itself, and the plan it makes.

use std::rc::Rc;

use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{Event, Guarantee, Key, NodeId, Op, OpKind, Time};

/// Something that clients do to a store, made to show whether guarantees hold.
pub trait Workload: Sync {
    /// Its name on the command line; the file has the same in `snake_case`.
    fn name(&self) -> &'static str;

    /// What it is, in one sentence.
    fn about(&self) -> &'static str;

    /// Its settings.
    fn knobs(&self) -> &'static [Knob];

    /// What its main phase issues. Kinds that a target does not support are left out.
    fn mix(&self) -> &'static [OpKind];

    /// The kinds without which it shows nothing: a target that lacks one does not fit.
    fn needs(&self) -> &'static [OpKind];

    /// What its histories are asked for unless the user says otherwise.
    fn guarantees(&self) -> &'static [Guarantee];

    /// The plan of one run.
    fn generator(&self, setup: Setup) -> Box<dyn Generator>;
}

/// The nodes that hold a copy of a key.
pub type Replicas = Rc<dyn Fn(&Key) -> Vec<NodeId>>;

/// What a generator is told of the run.
#[derive(Clone)]
pub struct Setup {
    /// From which everything random is drawn.
    pub seed: u64,
    /// The nodes of the cluster.
    pub nodes: Vec<NodeId>,
    /// The workload's settings, all resolved.
    pub settings: Settings,
    /// The operations that the target supports.
    pub supported: Vec<OpKind>,
    /// The nodes that hold a copy of a key.
    pub replicas: Replicas,
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This.
    Op(Op),
    /// Nothing before this moment, or before something happens.
    Wait(Time),
    /// Nothing more.
    Done,
}

/// A plan of what clients do.
pub trait Generator {
    /// The next operation of a client in the main phase; the caller decides when it is due.
    /// `ordinal` counts what this client was given, from zero.
    fn next(&mut self, client: usize, ordinal: u64) -> Op;

    /// An operation that shows whether a node serves clients again.
    fn probe(&mut self) -> Op;

    /// The main phase is over and faults are healed: what follows are final reads, which may go
    /// on until the deadline to see replicas become alike.
    fn begin_final(&mut self, now: Time, deadline: Time);

    /// The next final operation; asked for whenever a client is free. A `peek` goes to the node
    /// that it names.
    fn next_final(&mut self, now: Time) -> Next;

    /// Something happened.
    fn update(&mut self, event: &Event);
}
