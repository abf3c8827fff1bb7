//! Cycles of transactions as files.

use std::fs;
use std::path::Path;

use anyhow::Context;
use polygraph_results::{Cycle, Report};

use super::failure::Failure;

/// So many files of a kind.
const MOST: usize = 10;

/// Draws the cycles of a report into a folder: of each kind at most [`MOST`], each once, as SVG
/// and as DOT. Gives back a sentence.
pub(super) fn write(folder: &Path, report: &Report) -> Result<String, Failure> {
    draw(folder, report)
        .with_context(|| format!("cycles cannot be drawn into {}", folder.display()))
        .map_err(|error| Failure::harness(&error))
}

fn draw(folder: &Path, report: &Report) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    let anomalies = report.guarantees.iter().flat_map(|it| &it.anomalies);
    let mut drawn: Vec<&Cycle> = Vec::new();
    let mut left_out = 0;
    for cycle in anomalies.filter_map(|it| it.cycle.as_ref()) {
        if drawn.contains(&cycle) {
            continue;
        }
        let same = drawn.iter().filter(|it| it.kind() == cycle.kind()).count();
        if same == MOST {
            left_out += 1;
            continue;
        }
        let name = format!("{}-{}", cycle.kind(), same + 1);
        fs::write(folder.join(format!("{name}.svg")), cycle.svg())?;
        fs::write(folder.join(format!("{name}.dot")), cycle.dot())?;
        drawn.push(cycle);
    }
    let more = match left_out {
        0 => String::new(),
        more => format!(", {more} more left out"),
    };
    Ok(format!(
        "cycles: {} drawn in {} as SVG and DOT{more}\n",
        drawn.len(),
        folder.display()
    ))
}
