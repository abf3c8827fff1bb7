//! Reads proofs.

use std::collections::BTreeMap;
use std::io::BufRead;

use polygraph_checker::FailedCas;
use polygraph_checker::isolation::{LEVELS, Schedule, Violation, has_schedules};
use polygraph_checker::linearizable::{Certificate, Kept, Linearization, ModelName, Rule, Witness};
use polygraph_checker::model::ModelKind;
use polygraph_history::{Guarantee, Key, ReadError, Value};
use serde::de::DeserializeOwned;

use super::line::{Cut, Header, Kind, Moments, Orders, Shown};
use super::{ProofFile, VERSION, name};

/// Reads a proof.
///
/// # Errors
/// Where the file is not as the format says, and what would be right.
pub fn read_proof(mut input: impl BufRead) -> Result<ProofFile, ReadError> {
    let mut bytes = Vec::new();
    let mut number = 0;
    let mut reading: Option<Reading> = None;
    loop {
        bytes.clear();
        number += 1;
        let read = input.read_until(b'\n', &mut bytes);
        let read =
            read.map_err(|error| wrong(number, "", format!("it cannot be read: {error}")))?;
        if read == 0 {
            break;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = Line {
            number,
            bytes: &bytes,
        };
        match &mut reading {
            None => reading = Some(Reading::begin(&line)?),
            Some(reading) => reading.add(&line)?,
        }
    }
    match reading {
        None => Err(ReadError {
            expected: "a proof, as `polygraph check --witness FILE` writes it".to_owned(),
            ..wrong(1, "", "the file is empty")
        }),
        Some(reading) => reading.end(number),
    }
}

/// An error in a line.
fn wrong(line: usize, field: &str, problem: impl Into<String>) -> ReadError {
    ReadError {
        line,
        column: 1,
        field: (!field.is_empty()).then(|| field.to_owned()),
        problem: problem.into(),
        expected: String::new(),
    }
}

struct Line<'a> {
    number: usize,
    bytes: &'a [u8],
}

impl Line<'_> {
    fn parse<T: DeserializeOwned>(&self, expected: &str) -> Result<T, ReadError> {
        serde_json::from_slice(self.bytes).map_err(|error| {
            let text = error.to_string();
            let problem = text
                .rsplit_once(" at line ")
                .map_or(&*text, |(text, _)| text);
            let field = problem
                .contains("field `")
                .then(|| problem.split('`').nth(1).map(str::to_owned));
            ReadError {
                line: self.number,
                column: error.column().max(1),
                field: field.flatten(),
                problem: problem.to_owned(),
                expected: expected.to_owned(),
            }
        })
    }

    /// A field with what it must not have.
    fn field(&self, field: &str, problem: String, expected: impl Into<String>) -> ReadError {
        ReadError {
            expected: expected.into(),
            ..wrong(self.number, field, problem)
        }
    }
}

/// A file that is being read.
struct Reading {
    failed_cas: FailedCas,
    objects: usize,
    found: Found,
}

enum Found {
    Orders(Vec<Linearization>),
    Cuts(Vec<Certificate>),
    Moments(Schedule),
    Shown(Guarantee, Vec<Violation>),
}

impl Reading {
    fn begin(line: &Line<'_>) -> Result<Reading, ReadError> {
        let header: Header = line.parse(
            "a header like {\"polygraph\":1,\"proof\":\"witness\",\"guarantee\":\"linearizable\",\
             \"failed_cas\":\"observe\",\"objects\":1}",
        )?;
        if header.polygraph != VERSION {
            let problem = format!("the proof has format version {}", header.polygraph);
            return Err(line.field("polygraph", problem, format!("version {VERSION}")));
        }
        let guarantee: Option<Guarantee> = header.guarantee.parse().ok();
        let (proves, expected) = match header.proof {
            Kind::Schedule => (
                guarantee.is_some_and(has_schedules),
                "serializable, snapshot-isolation, one of their stronger forms, or \
                 prefix-consistency",
            ),
            Kind::Violation => (
                guarantee.is_some_and(|level| LEVELS.contains(&level)),
                "a level of isolation",
            ),
            Kind::Witness | Kind::Certificate => {
                (guarantee == Some(Guarantee::Linearizable), "linearizable")
            }
        };
        let Some(guarantee) = guarantee.filter(|_| proves) else {
            let problem = format!("it is a proof of `{}`", header.guarantee);
            return Err(line.field("guarantee", problem, expected));
        };
        let ways = [FailedCas::Observe, FailedCas::Ignore];
        let failed_cas = ways.into_iter().find(|&how| name(how) == header.failed_cas);
        Ok(Reading {
            failed_cas: failed_cas.ok_or_else(|| {
                let problem = format!("a failed compare-and-set cannot `{}`", header.failed_cas);
                line.field("failed_cas", problem, "observe or ignore")
            })?,
            objects: header.objects,
            found: match header.proof {
                Kind::Witness => Found::Orders(Vec::new()),
                Kind::Certificate => Found::Cuts(Vec::new()),
                Kind::Schedule => Found::Moments(Schedule {
                    guarantee,
                    moments: Vec::new(),
                }),
                Kind::Violation => Found::Shown(guarantee, Vec::new()),
            },
        })
    }

    fn add(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        match &mut self.found {
            Found::Orders(objects) => add_order(objects, line),
            Found::Cuts(certificates) => {
                certificates.push(certificate(self.failed_cas, line)?);
                Ok(())
            }
            Found::Moments(schedule) => {
                let read: Moments = line.parse("moments like {\"moments\":[0,2,4]}")?;
                schedule.moments.extend(read.moments);
                Ok(())
            }
            Found::Shown(_, violations) => {
                let read: Shown = line.parse(
                    "an anomaly like {\"violation\":{\"dependencies\":{\"kind\":\"G1a\",\
                     \"evidence\":{…}}}}",
                )?;
                violations.push(read.violation);
                Ok(())
            }
        }
    }

    fn end(self, lines: usize) -> Result<ProofFile, ReadError> {
        let found = match &self.found {
            Found::Orders(objects) => objects.len(),
            Found::Cuts(certificates) => certificates.len(),
            Found::Moments(schedule) => schedule.moments.len(),
            Found::Shown(_, violations) => violations.len(),
        };
        if found != self.objects {
            return Err(ReadError {
                expected: format!("{} objects, as the header says", self.objects),
                ..wrong(
                    lines.saturating_sub(1),
                    "objects",
                    format!("the file ends after {found}"),
                )
            });
        }
        Ok(match self.found {
            Found::Orders(objects) => ProofFile::Witness(Witness {
                failed_cas: self.failed_cas,
                objects,
            }),
            Found::Cuts(certificates) => ProofFile::Certificates(certificates),
            Found::Moments(schedule) => ProofFile::Schedule(schedule),
            Found::Shown(guarantee, violations) => ProofFile::Violations(guarantee, violations),
        })
    }
}

fn add_order(objects: &mut Vec<Linearization>, line: &Line<'_>) -> Result<(), ReadError> {
    let read: Orders =
        line.parse("an order like {\"key\":\"x\",\"model\":\"cas-register\",\"order\":[0,2]}")?;
    match (read.model, objects.last_mut()) {
        (Some(kind), _) => objects.push(Linearization {
            keys: keys(line, read.key, read.keys)?,
            model: model(line, &kind, read.parameters)?,
            order: read.order,
        }),
        (None, Some(object)) if read.key.is_none() && read.keys.is_none() => {
            object.order.extend(read.order);
        }
        (None, _) => {
            return Err(line.field(
                "model",
                "an object has no model".to_owned(),
                "`model`, or neither `key` nor `keys` in a line that continues the order before",
            ));
        }
    }
    Ok(())
}

fn certificate(failed_cas: FailedCas, line: &Line<'_>) -> Result<Certificate, ReadError> {
    let cut: Cut = line.parse(
        "a certificate like {\"key\":\"x\",\"model\":\"cas-register\",\"rule\":\"origins\",\
         \"until\":9,\"operations\":[0,2]}",
    )?;
    let rule = Rule::ALL.into_iter().find(|rule| rule.name() == cut.rule);
    let rule = rule.ok_or_else(|| {
        let names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        let problem = format!("there is no rule `{}`", cut.rule);
        line.field("rule", problem, names.join(", "))
    })?;
    if let Some(other) = cut.since.filter(|at| !cut.operations.contains(at)) {
        let problem = format!("event {other} begins what is kept, and is not kept");
        return Err(line.field("since", problem, "one of `operations`"));
    }
    if let Some(other) = cut.as_writes.iter().find(|at| !cut.operations.contains(at)) {
        let problem = format!("event {other} counts as a write and is not kept");
        return Err(line.field("as_writes", problem, "some of `operations`"));
    }
    let as_writes = cut.as_writes;
    let kept = |&invoke: &usize| Kept {
        invoke,
        expectation: !as_writes.contains(&invoke),
    };
    Ok(Certificate {
        keys: keys(line, cut.key, cut.keys)?,
        model: model(line, &cut.model, cut.parameters)?,
        failed_cas,
        until: cut.until,
        operations: cut.operations.iter().map(kept).collect(),
        rule,
        since: cut.since,
    })
}

fn keys(line: &Line<'_>, key: Option<Key>, keys: Option<Vec<Key>>) -> Result<Vec<Key>, ReadError> {
    match (key, keys) {
        (Some(key), None) => Ok(vec![key]),
        (None, Some(keys)) if !keys.is_empty() => Ok(keys),
        _ => Err(line.field(
            "key",
            "it is not said which object this is".to_owned(),
            "`key`, or `keys` with at least one",
        )),
    }
}

fn model(
    line: &Line<'_>,
    kind: &str,
    parameters: BTreeMap<String, Value>,
) -> Result<ModelName, ReadError> {
    let kind: ModelKind = kind.parse().map_err(|problem: String| {
        let (problem, expected) = problem.split_once("; there are ").unwrap_or((&problem, ""));
        line.field("model", problem.to_owned(), format!("one of {expected}"))
    })?;
    Ok(ModelName { kind, parameters })
}
