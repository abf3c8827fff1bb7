//! The same run once more: its spec, plan and schedule followed to the letter.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use polygraph_checker::Options;
use polygraph_history::spec::Spec;
use polygraph_results::{Folder, Report};

use crate::interpreter::{Interrupt, Progress};
use crate::plan::read_lines;
use crate::run::{Conduct, run};
use crate::spec::Resolved;

/// What a recorded run was asked to do.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn load_spec(path: &Path) -> Result<Spec, String> {
    let file = path.join("spec.toml");
    let text = fs::read_to_string(&file).map_err(|error| {
        format!(
            "{} is not the folder of a run: {}: {error}",
            path.display(),
            file.display()
        )
    })?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Replays a run into a folder of its own; gives back what was found, and whether the history has
/// the same bytes.
///
/// # Errors
/// What reading the run, deploying and writing give.
pub fn replay(
    path: &Path,
    resolved: &Resolved,
    options: &Options,
    folder: &Folder,
    interrupt: &Interrupt,
    progress: &dyn Fn(Progress),
) -> anyhow::Result<(Report, bool)> {
    let read = |name: &str| -> anyhow::Result<BufReader<File>> {
        let file = path.join(name);
        let file = File::open(&file).with_context(|| format!("{}", file.display()))?;
        Ok(BufReader::new(file))
    };
    let wrong = |name: &'static str| move |error: String| anyhow::anyhow!("{name}, {error}");
    let plan = read_lines(read("plan.jsonl")?).map_err(wrong("plan.jsonl"))?;
    let schedule = read_lines(read("schedule.jsonl")?).map_err(wrong("schedule.jsonl"))?;
    let conduct = Conduct {
        interrupt,
        progress,
        replay: Some((plan, schedule)),
    };
    let report = run(resolved, options, conduct, Some(folder))?;
    let before = fs::read(path.join("history.jsonl"))?;
    let after = fs::read(folder.file("history.jsonl"))?;
    Ok((report, before == after))
}
