//! The program, run as a user runs it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a run of the program ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the program in a folder.
pub(crate) fn polygraph<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_polygraph"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program is built");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes text");
    Ran {
        code: output.status.code().expect("nobody killed it"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}
