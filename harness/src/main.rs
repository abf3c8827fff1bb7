//! The `polygraph` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(polygraph::cli::main())
}
