//! `polygraph node`: one node of a built-in store in this process. Started by the harness only.

use anyhow::Context as _;
use clap::Args;
use polygraph_cluster::local;
use polygraph_targets::target;

use super::failure::Failure;
use crate::judge::exit;

/// Run one node, as the harness says over standard input.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The store
    target: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let target = target(&arguments.target).map_err(Failure::usage)?;
    let seat = local::Seat::read().context("a node is started by the harness only");
    let seat = seat.map_err(|error| Failure::harness(&error))?;
    let deployment = seat
        .deployment(target.knobs())
        .map_err(|error| Failure::harness(&error.into()))?;
    let store = target
        .built_in()
        .ok_or_else(|| Failure::usage(format!("{} is no store of ours", target.name())))?;
    store
        .serve(&deployment, seat)
        .map_err(|error| Failure::harness(&anyhow::Error::from(error)))?;
    Ok(exit::OK)
}
