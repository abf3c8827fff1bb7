//! A target that a file describes: any store, without a line of Rust.
//!
//! The file says how nodes are started and where they are reached, which program speaks to them
//! for a client, what the store supports and what it claims. `docs/targets.md` is its reference.

mod read;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use polygraph_cluster::Deployment;
use polygraph_cluster::external::Programs;
use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind, ReadError};

use crate::{Bug, Claim, Deploy, ErrorRow, Target};

/// A target that a file describes.
#[derive(Debug)]
pub struct FileTarget {
    name: &'static str,
    about: &'static str,
    knobs: &'static [Knob],
    errors: &'static [ErrorRow],
    supports: &'static [OpKind],
    reads_anywhere: bool,
    /// How many nodes it has unless told otherwise.
    count: usize,
    programs: Programs,
    claims: Vec<When>,
    text: String,
    path: PathBuf,
}

/// A claim, and the settings with which it is made.
#[derive(Debug)]
struct When {
    settings: Vec<(String, String)>,
    claim: Claim,
}

impl FileTarget {
    /// Reads the text of the target file at `path`, in whose folder its programs are started. What
    /// the target says of itself lives as long as this program.
    ///
    /// # Errors
    /// The first thing that is wrong: where, and what would be right.
    pub fn read(text: &str, path: &Path) -> Result<FileTarget, ReadError> {
        read::read(text, path)
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many nodes it has unless told otherwise.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

impl Target for FileTarget {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn knobs(&self) -> &'static [Knob] {
        self.knobs
    }

    fn bugs(&self) -> &'static [Bug] {
        &[]
    }

    fn errors(&self) -> &'static [ErrorRow] {
        self.errors
    }

    fn validate(&self, deployment: &Deployment) -> Result<(), String> {
        use polygraph_cluster::external::Nodes;
        if let Nodes::Running(addresses) = &self.programs.nodes
            && addresses.len() != deployment.nodes
        {
            return Err(format!(
                "{} runs already, on {} nodes; it cannot have {}",
                self.name,
                addresses.len(),
                deployment.nodes
            ));
        }
        Ok(())
    }

    fn supports(&self, _: &Settings) -> &'static [OpKind] {
        self.supports
    }

    fn has_leader(&self) -> bool {
        self.programs.leads.is_some()
    }

    fn reads_anywhere(&self, _: &Settings) -> bool {
        self.reads_anywhere
    }

    fn replicas(&self, deployment: &Deployment, _: &Key) -> Vec<NodeId> {
        NodeId::all(deployment.nodes)
    }

    fn claims(&self, settings: &Settings) -> Vec<Claim> {
        let is = |key: &str, value: &str| {
            settings
                .iter()
                .any(|(known, set)| known == key && set.to_string() == value)
        };
        let applies = |when: &&When| when.settings.iter().all(|(key, value)| is(key, value));
        self.claims
            .iter()
            .filter(applies)
            .map(|when| when.claim)
            .collect()
    }

    fn deploy(&self) -> Deploy<'_> {
        Deploy::Programs(&self.programs)
    }
}
