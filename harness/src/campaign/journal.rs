//! What has been run: one line a run, written as soon as it is over, so that a campaign that was
//! killed goes on where it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use polygraph_history::random;
use polygraph_results::{ErrorBody, Stored, VERSION};
use serde::{Deserialize, Serialize};

use super::cells::Plan;
use super::place::Source;
use super::shard::Shard;

/// The name of the file.
const FILE: &str = "journal.jsonl";

/// The first line: what is being run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The version of the format.
    pub(crate) polygraph: u32,
    /// The campaign.
    pub(crate) campaign: String,
    /// Its file, as it was named.
    pub(crate) file: String,
    /// The profile.
    pub(crate) profile: Option<String>,
    /// Which part of it.
    pub(crate) shard: Option<String>,
    /// A digest of everything that decides what is run.
    pub(crate) digest: String,
    /// The version of the program.
    pub(crate) version: String,
}

impl Header {
    /// Of a plan.
    pub(crate) fn new(plan: &Plan, shard: Option<Shard>) -> Header {
        Header {
            polygraph: VERSION,
            campaign: plan.name.clone(),
            file: plan.file.clone(),
            profile: plan.profile.clone(),
            shard: shard.map(|shard| shard.to_string()),
            digest: digest(plan),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether another one's lines may be used for this.
    pub(crate) fn continues(&self, other: &Header) -> bool {
        let same = |it: &Header| (it.shard.clone(), it.digest.clone(), it.version.clone());
        same(self) == same(other)
    }
}

/// A digest of everything that decides what is run and what it means.
fn digest(plan: &Plan) -> String {
    let mut text = format!("{} {:?}\n", plan.name, plan.profile);
    for cell in &plan.cells {
        let spec = serde_json::to_string(&cell.resolved.spec).expect("specs are JSON");
        text += &format!("{}\n{spec}\n{:?}\n", cell.name, cell.expectations);
    }
    for unit in &plan.units {
        text += &format!("{} {}\n", unit.cell, unit.seed);
    }
    format!("{:016x}", random::text(&text))
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The test.
    pub(crate) cell: String,
    /// The seed.
    pub(crate) seed: u64,
    /// What was found, unless the harness failed.
    pub(crate) report: Option<Stored>,
    /// What failed, if the harness did.
    pub(crate) error: Option<String>,
}

/// The journal of a campaign that is running; nobody else can write it.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Flock<File>,
}

impl Journal {
    /// Begins one in a folder.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn create(folder: &Path, header: &Header) -> io::Result<Journal> {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(folder.join(FILE))?;
        let mut journal = Journal { file: lock(file)? };
        journal.write(header)?;
        Ok(journal)
    }

    /// Goes on with the one of a folder; gives what is done. A line that was cut short is taken
    /// away: its run was not over.
    ///
    /// # Errors
    /// What is wrong with the folder.
    pub(crate) fn resume(
        folder: &Path,
        header: &Header,
    ) -> Result<(Journal, Vec<Line>), Box<ErrorBody>> {
        let path = folder.join(FILE);
        let told = |problem: String| at_file(&path, problem);
        let file = OpenOptions::new().read(true).append(true).open(&path);
        let file = file.map_err(|error| told(format!("it cannot be opened: {error}")))?;
        let file = lock(file).map_err(|error| told(error.to_string()))?;
        let record = Record::read(folder)?;
        if !header.continues(&record.header) {
            return Err(told(format!(
                "it is of another campaign: {} of polygraph {} (digest {}), not {} of polygraph {} \
                 (digest {}); the file, the profile, the shard or the program has changed. Begin \
                 anew without --resume",
                record.header.campaign,
                record.header.version,
                record.header.digest,
                header.campaign,
                header.version,
                header.digest
            )));
        }
        file.set_len(record.whole as u64)
            .map_err(|error| told(format!("it cannot be mended: {error}")))?;
        Ok((Journal { file }, record.lines))
    }

    /// Adds a run that is over.
    ///
    /// # Errors
    /// What writing gives.
    pub(crate) fn add(&mut self, line: &Line) -> io::Result<()> {
        self.write(line)
    }

    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(value)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

/// Nobody else may run the same campaign in the same folder.
fn lock(file: File) -> io::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| {
        io::Error::other(format!(
            "another polygraph is running this campaign (or it cannot be locked: {error})"
        ))
    })
}

/// A journal that was read.
#[derive(Debug)]
pub(crate) struct Record {
    /// What was run.
    pub(crate) header: Header,
    /// The runs that are over.
    pub(crate) lines: Vec<Line>,
    /// How many bytes of the file are whole lines.
    whole: usize,
}

impl Record {
    /// Reads the journal of a folder.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn read(folder: &Path) -> Result<Record, Box<ErrorBody>> {
        let path = folder.join(FILE);
        let bytes = fs::read(&path).map_err(|error| {
            at_file(
                &path,
                format!("it cannot be read: {error}; expected the folder of a campaign"),
            )
        })?;
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let name = path.display().to_string();
        let source = Source {
            file: &name,
            text: &text,
        };
        let mut at = 0;
        let mut header: Option<Header> = None;
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            let damaged = |error: serde_json::Error| {
                source.wrong(
                    &(at..at),
                    "",
                    format!("it is damaged: {error}"),
                    "a line of a journal",
                )
            };
            match header {
                None => {
                    let value: serde_json::Value = serde_json::from_str(line).map_err(damaged)?;
                    if value["polygraph"]
                        .as_u64()
                        .is_some_and(|it| it > u64::from(VERSION))
                    {
                        return Err(source.wrong(
                            &(at..at),
                            "polygraph",
                            format!("it is of version {} of the format", value["polygraph"]),
                            "version 1, or a newer polygraph",
                        ));
                    }
                    header = Some(serde_json::from_value(value).map_err(damaged)?);
                }
                Some(_) => lines.push(serde_json::from_str(line).map_err(damaged)?),
            }
            at += line.len();
        }
        let header = header.ok_or_else(|| at_file(&path, "it is empty".to_owned()))?;
        Ok(Record {
            header,
            lines,
            whole,
        })
    }
}

/// The newest folder in `parent` whose journal a header continues.
pub(crate) fn find(parent: &Path, header: &Header) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(parent)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .rev()
        .find(|folder| Record::read(folder).is_ok_and(|record| header.continues(&record.header)))
}

fn at_file(path: &Path, problem: String) -> Box<ErrorBody> {
    let file = path.display().to_string();
    Box::new(ErrorBody {
        kind: "input",
        message: format!("{file}: {problem}"),
        file: Some(file),
        ..ErrorBody::default()
    })
}
