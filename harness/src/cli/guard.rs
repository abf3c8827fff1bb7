//! `polygraph guard`: between the harness and a program that is not ours. Started by the harness
//! only.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use polygraph_cluster::host::{self, Ward};

use super::failure::Failure;

/// Run a program, and end it and all that it started when standard input ends.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the program is to the harness
    ward: Kind,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A node
    Server,
    /// One that is spoken to
    Speaker,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let ward = match arguments.ward {
        Kind::Server => Ward::Server,
        Kind::Speaker => Ward::Speaker,
    };
    let (program, rest) = arguments
        .words
        .split_first()
        .ok_or_else(|| Failure::usage("there is no program to guard"))?;
    host::guard(ward, program, rest).map_err(|error| Failure::harness(&error.into()))
}
