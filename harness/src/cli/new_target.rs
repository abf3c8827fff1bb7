//! `polygraph new-target`: a working skeleton to begin with.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use polygraph_results::ErrorBody;
use polygraph_targets::FileTarget;

use super::failure::Failure;
use crate::judge::exit;

/// What a skeleton consists of: the name of each file, and the text.
const FILES: &[(&str, &str)] = &[
    (
        "target.toml",
        include_str!("../../../targets/examples/python/target.toml"),
    ),
    (
        "store.py",
        include_str!("../../../targets/examples/python/store.py"),
    ),
    (
        "client.py",
        include_str!("../../../targets/examples/python/client.py"),
    ),
];
/// What it is called there.
const EXAMPLE: &str = "name = \"python-kv\"";

/// Write a target of your own to begin with: a small store in Python, its client and its file.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What it is to be called; the folder too
    name: String,
    /// Where the folder goes
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let Arguments { name, out } = arguments;
    let folder = out.join(name);
    let texts: Vec<_> = FILES
        .iter()
        .map(|(file, text)| {
            let own = format!("name = \"{name}\"");
            (folder.join(file), text.replace(EXAMPLE, &own))
        })
        .collect();
    // A name that cannot be one is refused before anything is written.
    let (file, text) = &texts[0];
    FileTarget::read(text, file).map_err(|error| {
        Failure::usage(format!("`{name}` cannot be the name of a target: {error}"))
    })?;
    let failed = |error: std::io::Error| {
        Failure::input(ErrorBody {
            message: format!("{}: it cannot be made: {error}", folder.display()),
            file: Some(folder.display().to_string()),
            expected: Some("a folder that is not there yet".to_owned()),
            ..ErrorBody::default()
        })
    };
    fs::create_dir_all(out).map_err(failed)?;
    fs::create_dir(&folder).map_err(failed)?;
    for (file, text) in &texts {
        fs::write(file, text).map_err(failed)?;
        super::print(&format!("{}\n", file.display()));
    }
    super::print(&format!(
        "try: polygraph test --target-file {}\n",
        file.display()
    ));
    Ok(exit::OK)
}
