//! Shards made one: the same verdicts as one machine gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use polygraph_results::ErrorBody;

use super::cells::Plan;
use super::journal::{Header, Line, Record};
use super::memory;
use super::place::Source;
use super::verdicts::Ended;

/// The copy of the campaign's file in its folder.
pub(crate) const CAMPAIGN: &str = "campaign.toml";
/// The copy of what failed before.
pub(crate) const MEMORY: &str = "failures.jsonl";

/// What shards found together.
#[derive(Clone)]
pub(crate) struct Merged {
    /// The plan that they share.
    pub(crate) plan: Plan,
    /// The campaign's file.
    pub(crate) text: String,
    /// The runs, in the order of the plan.
    pub(crate) lines: Vec<Line>,
    /// Whether runs are missing.
    pub(crate) ended: Option<Ended>,
    /// What is missing, for a person.
    pub(crate) missing: Vec<String>,
}

/// Merges the folders of shards.
///
/// # Errors
/// Which folder does not belong to the others, and why.
pub(crate) fn merge(folders: &[PathBuf]) -> Result<Merged, Box<ErrorBody>> {
    let mut first: Option<(Plan, String, Header)> = None;
    let mut lines: BTreeMap<(String, u64), Line> = BTreeMap::new();
    let mut shards = Vec::new();
    for folder in folders {
        let record = Record::read(folder)?;
        if first.is_none() {
            first = Some(plan_of(folder, &record.header)?);
        }
        if let Some((_, _, header)) = &first {
            let alike = |it: &Header| (it.digest.clone(), it.version.clone());
            if alike(header) != alike(&record.header) {
                return Err(told(
                    folder,
                    format!(
                        "it is of another campaign than {}: {} of polygraph {} (digest {}), not {} \
                         of polygraph {} (digest {})",
                        folders[0].display(),
                        record.header.campaign,
                        record.header.version,
                        record.header.digest,
                        header.campaign,
                        header.version,
                        header.digest
                    ),
                ));
            }
        }
        shards.extend(record.header.shard);
        for line in record.lines {
            // The same run twice is the same run.
            lines.entry((line.cell.clone(), line.seed)).or_insert(line);
        }
    }
    let Some((plan, text, _)) = first else {
        let path = Path::new("merge");
        return Err(told(
            path,
            "there is nothing to merge; name the folders of shards".to_owned(),
        ));
    };
    let mut ordered = Vec::new();
    let mut missing = Vec::new();
    for unit in &plan.units {
        match lines.remove(&(plan.cells[unit.cell].name.clone(), unit.seed)) {
            Some(line) => ordered.push(line),
            None => missing.push(super::verdicts::unit_name(&plan, *unit)),
        }
    }
    let ended = (!missing.is_empty()).then_some(Ended::Incomplete);
    Ok(Merged {
        plan,
        text,
        lines: ordered,
        ended,
        missing,
    })
}

/// The plan that a folder was made by.
fn plan_of(folder: &Path, header: &Header) -> Result<(Plan, String, Header), Box<ErrorBody>> {
    let path = folder.join(CAMPAIGN);
    let text = fs::read_to_string(&path)
        .map_err(|error| told(&path, format!("it cannot be read: {error}")))?;
    let remembered = memory::read(&folder.join(MEMORY))?;
    let source = Source {
        file: &header.file,
        text: &text,
    };
    let plan = Plan::new(source, header.profile.as_deref(), &remembered)?;
    let own = Header::new(&plan, None);
    if own.digest != header.digest || own.version != header.version {
        return Err(told(
            folder,
            format!(
                "it was made by polygraph {} from another plan than this polygraph {} makes of its \
                 {CAMPAIGN}; merge with the program that ran it",
                header.version, own.version
            ),
        ));
    }
    Ok((plan, text, header.clone()))
}

fn told(path: &Path, problem: String) -> Box<ErrorBody> {
    let file = path.display().to_string();
    Box::new(ErrorBody {
        kind: "input",
        message: format!("{file}: {problem}"),
        file: Some(file),
        ..ErrorBody::default()
    })
}
