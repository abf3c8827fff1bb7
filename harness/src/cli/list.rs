//! `polygraph list`: the registries.

use clap::{Args, ValueEnum};
use polygraph_checker::GUARANTEES;
use polygraph_nemesis::NEMESES;
use polygraph_targets::TARGETS;
use polygraph_workloads::WORKLOADS;
use serde::Serialize;

use super::failure::Failure;
use crate::judge::exit;

/// List what there is.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Of what
    #[arg(value_name = "targets|workloads|nemeses|guarantees|models|formats")]
    what: What,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Stores that can be tested
    Targets,
    /// What clients do
    Workloads,
    /// What goes wrong
    Nemeses,
    /// What can be checked
    Guarantees,
    /// What operations of a history may be of
    Models,
    /// Formats of histories that can be read
    Formats,
}

#[derive(Serialize)]
struct Item {
    name: &'static str,
    about: &'static str,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let item = |name, about| Item { name, about };
    let items: Vec<Item> = match arguments.what {
        What::Targets => TARGETS
            .iter()
            .map(|it| item(it.name(), it.about()))
            .collect(),
        What::Workloads => WORKLOADS
            .iter()
            .map(|it| item(it.name(), it.about()))
            .collect(),
        What::Nemeses => NEMESES
            .iter()
            .map(|it| item(it.family().name(), it.about()))
            .collect(),
        What::Guarantees => GUARANTEES
            .iter()
            .map(|it| item(it.guarantee.name(), it.guarantee.about()))
            .collect(),
        What::Models => polygraph_checker::model::MODELS
            .iter()
            .map(|(model, about)| item(model.name(), about))
            .collect(),
        What::Formats => polygraph_history::FORMATS
            .iter()
            .map(|(format, about)| item(format.name(), about))
            .collect(),
    };
    let text = if arguments.json {
        serde_json::to_string(&items).expect("items are JSON") + "\n"
    } else {
        let widest = items.iter().map(|item| item.name.len()).max().unwrap_or(0);
        items
            .iter()
            .map(|item| format!("{:widest$}  {}\n", item.name, item.about))
            .collect()
    };
    super::print(&text);
    Ok(exit::OK)
}
