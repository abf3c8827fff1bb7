//! Evidence against levels of isolation, through a file and back: every violated history has some
//! that stands, and nothing stands against a level that holds, whatever was done to the file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polygraph_checker::isolation::{LEVELS, Violation, confirm_violation};
use polygraph_checker::{Options, Validity, entry};
use polygraph_history::random::Random;
use polygraph_history::{
    Body, Event, Guarantee, History, Key, Kind, Micro, Op, Order, Process, ReadOptions, Time,
    Value, read,
};
use polygraph_results::{ProofFile, read_proof, write_violations};

/// How many random histories are tried: `POLYGRAPH_FUZZ` times as many as usual.
fn factor() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ");
    factor.ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// What a history keeps, and the evidence against all else as it was read back from a file.
struct Judged {
    holds: Vec<Guarantee>,
    violated: Vec<(Guarantee, Vec<Violation>)>,
}

/// Asserts that every level that is violated has evidence that survives a file.
fn judge(history: &History, levels: &[Guarantee], what: &str) -> Judged {
    let mut judged = Judged {
        holds: Vec::new(),
        violated: Vec::new(),
    };
    for &level in levels {
        let entry = entry(level).expect("every level is in the registry");
        let verdict = (entry.check)(history, &Options::default());
        match verdict.validity {
            Validity::Holds => judged.holds.push(level),
            Validity::Unknown => {}
            Validity::Violated => {
                let mut text = Vec::new();
                let written = write_violations(&mut text, history, level, &verdict.anomalies);
                // Of several anomalies one may rest on a transaction whose outcome nobody knows,
                // and that the second look does not accept as one that took place.
                assert!(
                    written.unwrap() > 0,
                    "{what}: {level}: {:?}",
                    verdict.anomalies
                );
                let read = read_proof(text.as_slice());
                let read = read.unwrap_or_else(|error| panic!("{what}: {level}: {error}"));
                let ProofFile::Violations(guarantee, violations) = read else {
                    panic!("{what}: it was evidence of transactions");
                };
                assert_eq!(guarantee, level);
                let meant = verdict.anomalies.iter().filter_map(|it| it.violation());
                let stands = |it: &Violation| confirm_violation(history, level, it).is_ok();
                let meant = meant.filter(stands);
                assert!(meant.eq(violations.iter().cloned()), "{what}: {level}");
                for violation in &violations {
                    let confirmed = confirm_violation(history, level, violation);
                    assert_eq!(confirmed, Ok(()), "{what}: {level}");
                }
                judged.violated.push((level, violations));
            }
        }
    }
    judged
}

impl Judged {
    /// Asserts that no evidence stands against what holds.
    fn assert_sound(&self, history: &History, what: &str) {
        for (level, violations) in &self.violated {
            for violation in violations {
                for &kept in &self.holds {
                    assert!(
                        confirm_violation(history, kept, violation).is_err(),
                        "{what}: {violation:?} against {level} counts against {kept}, which holds"
                    );
                }
            }
        }
    }
}

/// A few transactions of lists or of registers, in which anything may have been read.
fn history(random: &mut Random) -> History {
    let lists = random.below(2) == 0;
    let keys = ["x", "y"].map(Key::from);
    let processes = random.between(2, 3);
    let mut open: Vec<Option<Vec<Micro>>> = vec![None; processes as usize];
    let mut written = 0;
    let mut events = Vec::new();
    let mut left = random.between(2, 6);
    while left > 0 || open.iter().any(Option::is_some) {
        let process = random.below(processes);
        let slot = &mut open[process as usize];
        let (kind, micros) = match slot.take() {
            None if left == 0 => continue,
            None => {
                left -= 1;
                let micros = (0..random.between(1, 3)).map(|_| {
                    let key = random.choose(&keys).clone();
                    let value = match random.below(8) {
                        // Now and then a value that is there already.
                        0 if written > 0 => Value::Int(random.between(1, written) as i64),
                        _ => {
                            written += 1;
                            Value::Int(written as i64)
                        }
                    };
                    match (random.below(2), lists) {
                        (0, _) => Micro::Read { key, value: None },
                        (_, true) => Micro::Append { key, value },
                        (_, false) => Micro::Write { key, value },
                    }
                });
                let micros: Vec<Micro> = micros.collect();
                *slot = Some(micros.clone());
                (Kind::Invoke, micros)
            }
            Some(mut micros) => {
                let kind = match random.below(12) {
                    0 => Kind::Fail,
                    1 => Kind::Info,
                    _ => Kind::Ok,
                };
                for micro in &mut micros {
                    if let Micro::Read { value, .. } = micro
                        && kind == Kind::Ok
                    {
                        *value = Some(seen(random, lists, written));
                    }
                }
                (kind, micros)
            }
        };
        let index = events.len() as u64;
        let body = Body::Op(Op::Txn(micros));
        let process = Process::Client(process);
        events.push(Event::new(index, Time(index), process, kind, body));
    }
    History::new(None, Order::Index, events).expect("it is well formed")
}

fn seen(random: &mut Random, lists: bool, written: u64) -> Value {
    let one = |random: &mut Random| Value::Int(random.between(1, written.max(1)) as i64);
    match lists {
        true => Value::list(
            (0..random.below(4))
                .map(|_| one(random))
                .collect::<Vec<_>>(),
        ),
        false if random.below(3) == 0 => Value::Null,
        false => one(random),
    }
}

#[test]
fn evidence_survives_a_file_and_stands_only_against_what_is_violated() {
    let (mut violated, mut kept) = (0, 0);
    for seed in 0..2_000 * factor() {
        let history = history(&mut Random::keyed(&[seed, 1]));
        let what = format!("seed {seed}");
        let judged = judge(&history, LEVELS, &what);
        judged.assert_sound(&history, &what);
        violated += judged.violated.len();
        kept += judged.holds.len();
    }
    println!("{violated} levels violated, {kept} kept");
    assert!(violated > 1_000 && kept > 500, "{violated} {kept}");
}

/// Changes one number or one word somewhere in it.
fn tamper(random: &mut Random, value: &mut serde_json::Value) {
    let mut places = 0;
    visit(value, &mut |_| places += 1);
    let mut chosen = random.below(places) as i64;
    visit(value, &mut |leaf| {
        chosen -= 1;
        if chosen != -1 {
            return;
        }
        let number = leaf.as_u64().unwrap_or(0);
        *leaf = match random.below(5) {
            0 => number.wrapping_add(1).into(),
            1 => number.saturating_sub(1).into(),
            2 => random.below(12).into(),
            3 => u64::MAX.into(),
            _ => u64::from(u32::MAX).into(),
        };
    });
}

fn visit(value: &mut serde_json::Value, each: &mut impl FnMut(&mut serde_json::Value)) {
    match value {
        serde_json::Value::Array(all) => all.iter_mut().for_each(|one| visit(one, each)),
        serde_json::Value::Object(all) => all.values_mut().for_each(|one| visit(one, each)),
        leaf => each(leaf),
    }
}

#[test]
fn evidence_that_was_tampered_with_counts_against_nothing_that_holds() {
    let (mut tampered, mut refused) = (0, 0);
    for seed in 0..2_000 * factor() {
        let random = &mut Random::keyed(&[seed, 2]);
        let history = history(random);
        let judged = judge(&history, LEVELS, &format!("seed {seed}"));
        for (level, violations) in &judged.violated {
            let violation = &violations[random.below(violations.len() as u64) as usize];
            let mut json = serde_json::to_value(violation).expect("it is JSON");
            for _ in 0..random.between(1, 2) {
                tamper(random, &mut json);
            }
            let Ok(changed) = serde_json::from_value::<Violation>(json) else {
                continue;
            };
            if changed == *violation {
                continue;
            }
            tampered += 1;
            refused += u32::from(confirm_violation(&history, *level, &changed).is_err());
            for &kept in &judged.holds {
                assert!(
                    confirm_violation(&history, kept, &changed).is_err(),
                    "seed {seed}: {changed:?} counts against {kept}, which holds"
                );
            }
        }
    }
    println!("{tampered} tampered with, {refused} refused");
    // Some say something else that is also so.
    let most = refused * 10 > tampered * 8;
    assert!(tampered > 1_000 && most, "{refused} of {tampered}");
}

/// The levels that are asked of other people's histories.
const ASKED: &[Guarantee] = &[
    Guarantee::ReadCommitted,
    Guarantee::ReadAtomic,
    Guarantee::TransactionalCausal,
    Guarantee::RepeatableRead,
    Guarantee::SnapshotIsolation,
    Guarantee::Serializable,
    Guarantee::StrictSerializable,
];

/// Files of a folder, and of those in it, that are not large; of each folder only so many.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    const MOST: usize = 60;
    const LARGE: u64 = 400_000;
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let small = |path: &&PathBuf| {
        path.metadata()
            .is_ok_and(|it| it.is_file() && it.len() < LARGE)
    };
    found.extend(entries.iter().filter(small).take(MOST).cloned());
    for path in entries.iter().filter(|path| path.is_dir()) {
        files(path, found);
    }
}

#[test]
fn every_violated_history_of_the_corpora_has_a_proof() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora/txn");
    if !corpora.is_dir() {
        println!("skipped: there are no corpora at {}", corpora.display());
        return;
    }
    let mut found = Vec::new();
    files(&corpora, &mut found);
    let (mut histories, mut violated) = (0, 0);
    for path in &found {
        let file = File::open(path).expect("it was there");
        let Ok(reading) = read(file, ReadOptions::default()) else {
            continue;
        };
        let what = path.display().to_string();
        let judged = judge(&reading.history, ASKED, &what);
        judged.assert_sound(&reading.history, &what);
        histories += 1;
        violated += usize::from(!judged.violated.is_empty());
    }
    println!("{violated} of {histories} histories are violated");
    assert!(violated > 100, "{violated} of {histories}");
}
