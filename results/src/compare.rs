//! Two verdicts side by side: what is new, what is gone, what has changed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::campaign::Verdicts;
use crate::stored::read_json;
use crate::{ErrorBody, Latency, Stored, Suite};

/// What differs between two verdicts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// The version of the format.
    pub polygraph: u32,
    /// `compare`.
    pub command: &'static str,
    /// Anomalies and broken promises that only the second has.
    pub new: Vec<Difference>,
    /// Those that only the first has.
    pub gone: Vec<Difference>,
    /// Answers, claims, availability and latency that are others.
    pub changed: Vec<Change>,
    /// Tests that only the second has.
    pub added: Vec<String>,
    /// Tests that only the first has.
    pub removed: Vec<String>,
}

/// An anomaly that one of two has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The test.
    pub cell: String,
    /// The guarantee.
    pub guarantee: String,
    /// What was seen.
    pub anomaly: String,
    /// What it means there.
    pub status: &'static str,
    /// How it is had again.
    pub replay: String,
}

/// Something that both have, and that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The test.
    pub cell: String,
    /// `status of …`, `claim of …`, `availability` or `latency …`.
    pub what: String,
    /// In the first.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// What is compared of a verdict.
#[derive(Clone, Debug, Default)]
struct Side {
    cells: BTreeMap<String, Measures>,
    /// By test and guarantee.
    answers: BTreeMap<(String, String), Answer>,
}

/// What was measured of a test.
#[derive(Clone, Debug, Default)]
struct Measures {
    /// The share of operations that were answered ok; `None` without operations.
    available: Option<f64>,
    latency: Option<Latency>,
}

#[derive(Clone, Debug, Default)]
struct Answer {
    status: &'static str,
    claimed: Option<bool>,
    /// Kinds of anomalies, and how they are had again.
    anomalies: BTreeMap<String, String>,
}

/// Below this a share of operations that were answered is the same, absolutely.
const SAME_SHARE: f64 = 0.01;
/// Below this a latency is the same, relatively.
const SAME_LATENCY: f64 = 0.10;

/// Compares two verdicts: folders of runs or campaigns, or the files of their verdicts.
///
/// Availability, the share of operations that were answered ok, counts as changed from one
/// percentage point on, a quantile of latency from a tenth on.
///
/// # Errors
/// What is wrong with one of the files, and what would be right.
pub fn compare(before: &Path, after: &Path) -> Result<Comparison, Box<ErrorBody>> {
    Ok(differences(&Side::read(before)?, &Side::read(after)?))
}

fn differences(before: &Side, after: &Side) -> Comparison {
    let only = |of: &Side, other: &Side| -> Vec<Difference> {
        let mut all = Vec::new();
        for ((cell, guarantee), answer) in &of.answers {
            // A test that the other does not have says nothing about what is gone there; its
            // anomalies are new all the same.
            let there = other.answers.get(&(cell.clone(), guarantee.clone()));
            for (anomaly, replay) in &answer.anomalies {
                if there.is_none_or(|it| !it.anomalies.contains_key(anomaly)) {
                    all.push(Difference {
                        cell: cell.clone(),
                        guarantee: guarantee.clone(),
                        anomaly: anomaly.clone(),
                        status: answer.status,
                        replay: replay.clone(),
                    });
                }
            }
        }
        all
    };
    let names = |of: &Side, other: &Side| -> Vec<String> {
        let missing = of
            .cells
            .keys()
            .filter(|cell| !other.cells.contains_key(*cell));
        missing.cloned().collect()
    };
    let mut gone = only(before, after);
    gone.retain(|it| after.cells.contains_key(&it.cell));
    Comparison {
        polygraph: crate::VERSION,
        command: "compare",
        new: only(after, before),
        gone,
        changed: changes(before, after),
        added: names(after, before),
        removed: names(before, after),
    }
}

fn changes(before: &Side, after: &Side) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |cell: &str, what: String, before: String, after: String| {
        let cell = cell.to_owned();
        changes.push(Change {
            cell,
            what,
            before,
            after,
        });
    };
    let claim = |claimed: Option<bool>| {
        match claimed {
            Some(true) => "holds",
            Some(false) => "broken",
            None => "none",
        }
        .to_owned()
    };
    for (key, new) in &after.answers {
        let Some(old) = before.answers.get(key) else {
            continue;
        };
        let (cell, guarantee) = key;
        if old.status != new.status {
            let what = format!("status of {guarantee}");
            note(cell, what, old.status.to_owned(), new.status.to_owned());
        }
        if old.claimed != new.claimed {
            note(
                cell,
                format!("claim of {guarantee}"),
                claim(old.claimed),
                claim(new.claimed),
            );
        }
    }
    for (cell, new) in &after.cells {
        let Some(old) = before.cells.get(cell) else {
            continue;
        };
        if let (Some(old), Some(new)) = (old.available, new.available)
            && (old - new).abs() >= SAME_SHARE
        {
            let share = |it: f64| format!("{:.1}%", it * 100.0);
            note(cell, "availability".to_owned(), share(old), share(new));
        }
        if let (Some(old), Some(new)) = (old.latency, new.latency) {
            for (name, old, new) in [
                ("p50", old.p50_ns, new.p50_ns),
                ("p95", old.p95_ns, new.p95_ns),
                ("p99", old.p99_ns, new.p99_ns),
            ] {
                let (a, b) = (old as f64, new as f64);
                if (a - b).abs() > a.max(b) * SAME_LATENCY {
                    let ms = |it: f64| format!("{:.3} ms", it / 1e6);
                    note(cell, format!("latency {name}"), ms(a), ms(b));
                }
            }
        }
    }
    changes
}

impl Side {
    fn read(path: &Path) -> Result<Side, Box<ErrorBody>> {
        // The suite has the answers of either kind of verdict; the rest is told apart here.
        let suite = Suite::read(path)?;
        let mut side = Side::default();
        for case in &suite.cases {
            side.cells.entry(case.cell.clone()).or_default();
            let kinds = case.evidence.iter().filter(|_| case.status.is_violation());
            let kinds = kinds.map(|it| (it.anomaly.kind.clone(), it.replay.clone()));
            let answer = Answer {
                status: case.status.name(),
                claimed: None,
                anomalies: kinds.collect(),
            };
            side.answers
                .insert((case.cell.clone(), case.guarantee.clone()), answer);
        }
        match Verdicts::read(path) {
            Ok(verdicts) if !verdicts.cells.is_empty() => side.measure_campaign(&verdicts),
            _ => side.measure_run(path)?,
        }
        Ok(side)
    }

    fn measure_campaign(&mut self, verdicts: &Verdicts) {
        for cell in &verdicts.cells {
            self.measure(&cell.name, cell.operations, cell.latency);
            for guarantee in &cell.guarantees {
                self.claim(&cell.name, &guarantee.name, guarantee.claimed);
            }
        }
    }

    fn measure_run(&mut self, path: &Path) -> Result<(), Box<ErrorBody>> {
        let file = match path.is_dir() {
            true => path.join("verdict.json"),
            false => path.to_owned(),
        };
        let value = read_json(&file, "verdict.json of a run")?;
        let Ok(stored) = serde_json::from_value::<Stored>(value) else {
            return Ok(());
        };
        let Some(cell) = self.cells.keys().next().cloned() else {
            return Ok(());
        };
        self.measure(&cell, stored.operations, stored.latency);
        for guarantee in &stored.guarantees {
            self.claim(&cell, &guarantee.name, guarantee.claimed);
        }
        Ok(())
    }

    fn measure(&mut self, cell: &str, operations: crate::Counts, latency: Option<Latency>) {
        let all = operations.ok + operations.fail + operations.info + operations.not_issued;
        let measures = self.cells.entry(cell.to_owned()).or_default();
        measures.available = (all > 0).then(|| operations.ok as f64 / all as f64);
        measures.latency = latency;
    }

    fn claim(&mut self, cell: &str, guarantee: &str, claimed: Option<bool>) {
        let key = (cell.to_owned(), guarantee.to_owned());
        if let Some(answer) = self.answers.get_mut(&key) {
            answer.claimed = claimed;
        }
    }
}

impl Comparison {
    /// Whether there is no difference at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Comparison {
            new,
            gone,
            changed,
            added,
            removed,
            ..
        } = self;
        new.is_empty()
            && gone.is_empty()
            && changed.is_empty()
            && added.is_empty()
            && removed.is_empty()
    }

    /// As a person reads it: one line a difference.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        let difference = |word: &str, it: &Difference| {
            format!(
                "{word:8} {} · {}: {} ({})\n",
                it.cell, it.guarantee, it.anomaly, it.status
            )
        };
        for it in &self.new {
            text += &difference("new", it);
            if !it.replay.is_empty() {
                text += &format!("         {}\n", it.replay);
            }
        }
        for it in &self.gone {
            text += &difference("gone", it);
        }
        for it in &self.changed {
            text += &format!(
                "changed  {} · {}: {} → {}\n",
                it.cell, it.what, it.before, it.after
            );
        }
        for it in &self.added {
            text += &format!("added    {it}\n");
        }
        for it in &self.removed {
            text += &format!("removed  {it}\n");
        }
        text + &format!(
            "{} new, {} gone, {} changed\n",
            self.new.len(),
            self.gone.len(),
            self.changed.len()
        )
    }
}

#[cfg(test)]
mod tests;
