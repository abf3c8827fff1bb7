//! Files of proofs: what `check --witness` writes and `confirm` reads.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context;
use polygraph_checker::Verdict;
use polygraph_history::{Guarantee, History, ReadError};
use polygraph_results::{
    ErrorBody, GuaranteeReport, Observed, ProofFile, read_proof, write_certificates,
    write_schedule, write_violations, write_witness,
};

use super::failure::Failure;

/// Whether a proof of the answer to these files can be written there, as far as can be seen
/// before there is one.
pub(super) fn can_be_written(proof: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let shown = proof.display();
    let [file] = files else {
        return Err(Failure::usage(format!(
            "--witness {shown} has room for the proof of one file; check the {} files one by one",
            files.len()
        )));
    };
    let parent = proof.parent().filter(|parent| *parent != Path::new(""));
    let same = |a: &Path, b: &Path| fs::canonicalize(a).ok() == fs::canonicalize(b).ok();
    let problem = if proof.is_dir() {
        "it is a directory"
    } else if parent.is_some_and(|parent| !parent.is_dir()) {
        "its folder does not exist"
    } else if proof.exists() && same(proof, file) {
        "it is the history itself"
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!(
        "--witness {shown}: {problem}; name a file to be written"
    )))
}

/// Writes a proof of an answer, if there is one, and gives back the name of its file.
pub(super) fn write(
    path: &Path,
    history: &History,
    report: &mut GuaranteeReport,
    verdict: &Verdict,
) -> Result<Option<String>, Failure> {
    let written = match (report.verdict, &verdict.witness) {
        (Observed::Holds, Some(witness)) => {
            create(path, |out| write_witness(out, witness))?;
            true
        }
        (Observed::Holds, None) if verdict.schedule.is_some() => {
            let schedule = verdict.schedule.as_ref().expect("it was just there");
            create(path, |out| write_schedule(out, schedule))?;
            true
        }
        (Observed::Violated, _) => {
            // What the second check does not accept is no proof.
            let confirmed = verdict.anomalies.iter().zip(&report.anomalies);
            let confirmed = confirmed.filter(|(_, shown)| shown.confirmed);
            let anomalies = confirmed.map(|(anomaly, _)| anomaly);
            create(path, |out| match verdict.guarantee {
                Guarantee::Linearizable => write_certificates(out, history, anomalies),
                level => write_violations(out, history, level, anomalies),
            })? > 0
        }
        _ => false,
    };
    if !written {
        report.warnings.push(format!(
            "no proof was written to {}: {}",
            path.display(),
            match report.verdict {
                Observed::Holds => "the way that decided keeps no order",
                Observed::Violated => "none of the evidence stands by itself",
                _ => "the answer is unknown",
            }
        ));
    }
    Ok(written.then(|| path.display().to_string()))
}

fn create<T>(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> std::io::Result<T>,
) -> Result<T, Failure> {
    File::create(path)
        .and_then(|file| write(BufWriter::new(file)))
        .with_context(|| format!("the proof cannot be written to {}", path.display()))
        .map_err(|error| Failure::harness(&error))
}

/// Reads a proof.
pub(super) fn load(path: &Path) -> Result<ProofFile, Failure> {
    let body = |problem: String| ErrorBody {
        message: format!("{}: {problem}", path.display()),
        file: Some(path.display().to_string()),
        expected: Some("the file of a proof".to_owned()),
        ..ErrorBody::default()
    };
    if path.is_dir() {
        let problem = "it is a directory; expected the file of a proof";
        return Err(Failure::input(body(problem.to_owned())));
    }
    let file = File::open(path)
        .map_err(|error| Failure::input(body(format!("it cannot be read: {error}"))))?;
    read_proof(BufReader::new(file)).map_err(|error| {
        let message = error.to_string();
        let ReadError {
            line,
            column,
            field,
            expected,
            ..
        } = error;
        Failure::input(ErrorBody {
            line: Some(line),
            column: Some(column),
            field,
            expected: (!expected.is_empty()).then_some(expected),
            ..body(message)
        })
    })
}
