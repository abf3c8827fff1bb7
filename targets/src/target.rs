//! What a target tells of itself, and how it is deployed.

use std::io;

use polygraph_cluster::external::Programs;
use polygraph_cluster::{Deployment, World, local, sim};
use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind};

use crate::Claim;

/// A store that can be deployed and tested.
pub trait Target: Sync {
    /// Its name on the command line; the folder has the same in `snake_case`.
    fn name(&self) -> &'static str;

    /// What it is, in one sentence.
    fn about(&self) -> &'static str;

    /// Its settings.
    fn knobs(&self) -> &'static [Knob];

    /// Its planted bugs, all off by default.
    fn bugs(&self) -> &'static [Bug];

    /// What its errors mean: every error that a reply of it carries.
    fn errors(&self) -> &'static [ErrorRow];

    /// Whether settings and cluster fit together.
    ///
    /// # Errors
    /// A sentence that says which settings contradict each other and what is allowed.
    fn validate(&self, deployment: &Deployment) -> Result<(), String>;

    /// The operations that clients may ask for.
    fn supports(&self, settings: &Settings) -> &'static [OpKind];

    /// Whether its nodes elect a leader that faults can be aimed at.
    fn has_leader(&self) -> bool;

    /// Whether each read goes to any replica of its key instead of the client's home node.
    fn reads_anywhere(&self, settings: &Settings) -> bool;

    /// The nodes that hold a copy of a key.
    fn replicas(&self, deployment: &Deployment, key: &Key) -> Vec<NodeId>;

    /// What it promises with these settings, and what it is documented to break.
    fn claims(&self, settings: &Settings) -> Vec<Claim>;

    /// How it is deployed.
    fn deploy(&self) -> Deploy<'_>;

    /// The store, if it is one of ours.
    fn built_in(&self) -> Option<&dyn BuiltIn> {
        match self.deploy() {
            Deploy::BuiltIn(store) => Some(store),
            Deploy::Programs(_) => None,
        }
    }
}

/// How a target is deployed.
#[derive(Clone, Copy)]
pub enum Deploy<'a> {
    /// It is a store of ours, that runs in the simulator and as processes of this program.
    BuiltIn(&'a dyn BuiltIn),
    /// It consists of programs that are not ours.
    Programs(&'a Programs),
}

/// A store of ours.
pub trait BuiltIn {
    /// Deploys it in the simulator.
    fn simulate(&self, deployment: &Deployment, options: &sim::Options) -> Box<dyn World>;

    /// Runs one node of it in this operating-system process, until it is told to end.
    ///
    /// # Errors
    /// What the sockets and files give.
    fn serve(&self, deployment: &Deployment, seat: local::Seat) -> io::Result<()>;
}

/// A named mistake in an otherwise correct protocol, of a kind that a real system shipped.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is wrong, and where it was seen.
    pub about: &'static str,
}

/// A row of a target's table of errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorRow {
    /// The error, as a reply carries it.
    pub error: &'static str,
    /// `fail` or `info`.
    pub outcome: &'static str,
    /// Why it means that.
    pub why: &'static str,
}
