//! Public histories with known verdicts. The folder is found beside the repository or by
//! `POLYGRAPH_SHARED`; where it is absent these tests say so and pass.

use std::fs;
use std::path::PathBuf;

use polygraph_checker::{FailedCas, Options, Validity};
use polygraph_history::{History, Kind, Op};

use crate::build::{Build, check, int, key};

/// The folder of the corpora, if it is there.
fn folder() -> Option<PathBuf> {
    let shared = std::env::var("POLYGRAPH_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let folder = PathBuf::from(shared).join("corpora/lin");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpora at {}", folder.display());
    None
}

/// Path and expected verdict of every file below a prefix, by the manifest.
fn manifest(folder: &std::path::Path, prefix: &str) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let columns = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    columns
        .filter(|columns| columns[2].starts_with(prefix))
        .map(|columns| {
            (
                columns[2].to_owned(),
                columns[5].to_owned(),
                columns[7].to_owned(),
            )
        })
        .collect()
}

fn op(f: &str, value: &str, kind: Kind) -> Op {
    let numbers: Vec<i64> = value
        .split([' ', '[', ']'])
        .filter_map(|number| number.parse().ok())
        .collect();
    match f {
        "read" => Op::Read {
            key: key("r"),
            value: (kind == Kind::Ok).then(|| int(*numbers.first().unwrap_or(&-1))),
        },
        "write" => Op::Write {
            key: key("r"),
            value: int(*numbers.first().unwrap_or(&-1)),
        },
        "cas" => Op::Cas {
            key: key("r"),
            from: int(numbers[0]),
            to: int(numbers[1]),
        },
        other => panic!("{other}"),
    }
}

/// Adds an event, with the arguments of the invocation where a completion has none.
fn add(build: &mut Build, process: u64, kind: Kind, f: &str, value: &str) {
    let op = match kind {
        Kind::Info | Kind::Fail => {
            let mut invocations = build.events.iter().rev();
            let process = polygraph_history::Process::Client(process);
            let invoked = invocations.find(|event| event.process == process);
            invoked.unwrap().op().unwrap().clone()
        }
        Kind::Invoke | Kind::Ok => op(f, value, kind),
    };
    build.event(process, kind, op);
}

/// Lines like `INFO  jepsen.util - P :type :f value`.
fn jepsen_log(text: &str) -> History {
    let mut build = Build::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("jepsen.util - ") else {
            continue;
        };
        let columns: Vec<&str> = rest.split_whitespace().collect();
        let Ok(process) = columns[0].parse() else {
            continue;
        };
        let kind = kind(columns[1]);
        let f = columns[2].trim_start_matches(':');
        add(&mut build, process, kind, f, &columns[3..].join(" "));
    }
    build.history()
}

fn kind(text: &str) -> Kind {
    match text {
        ":invoke" => Kind::Invoke,
        ":ok" => Kind::Ok,
        ":fail" => Kind::Fail,
        ":info" => Kind::Info,
        other => panic!("{other}"),
    }
}

/// A sequence of flat maps. A read of nil says nothing to Knossos; what its test sets up before
/// the history begins is written first.
fn knossos_edn(text: &str, initial: Option<i64>) -> History {
    let mut build = Build::new();
    if let Some(initial) = initial {
        build.whole(1_000_000, op("write", &initial.to_string(), Kind::Ok));
    }
    let text: String = text
        .lines()
        .map(|line| line.split(';').next().unwrap().to_owned() + " ")
        .collect();
    for map in text
        .split('{')
        .skip(1)
        .map(|map| map.split('}').next().unwrap())
    {
        let field = |name: &str| {
            let (_, rest) = map.split_once(name)?;
            let rest = rest.trim_start();
            let end = match rest.starts_with('[') {
                true => rest.find(']').unwrap() + 1,
                false => rest.find([',', ' ']).unwrap_or(rest.len()),
            };
            Some(&rest[..end])
        };
        let (Some(process), Some(f)) = (field(":process "), field(":f ")) else {
            continue;
        };
        let Ok(process) = process.parse() else {
            continue;
        };
        let kind = kind(field(":type ").unwrap());
        let (f, value) = (f.trim_start_matches(':'), field(":value ").unwrap_or("nil"));
        if kind == Kind::Ok && f == "read" && value == "nil" {
            build.event(
                process,
                Kind::Ok,
                Op::Read {
                    key: key("r"),
                    value: None,
                },
            );
        } else {
            add(&mut build, process, kind, f, value);
        }
    }
    build.history()
}

fn expected(verdict: &str) -> Option<Validity> {
    match verdict {
        "valid" => Some(Validity::Holds),
        "invalid" => Some(Validity::Violated),
        _ => None,
    }
}

/// Compares with the manifest, confirms the evidence, and gives how many hold and do not.
fn compare(path: &str, history: &History, failed_cas: FailedCas, wanted: Validity) {
    let options = Options {
        failed_cas,
        ..Options::default()
    };
    let verdict = check(history, &options);
    assert_eq!(verdict.validity, wanted, "{path}");
    for anomaly in &verdict.anomalies {
        assert_eq!(anomaly.confirm(history), Ok(()), "{path}");
        if std::env::var_os("POLYGRAPH_SHOW").is_some() {
            println!(
                "{path}: {} {:?}\n  {}",
                anomaly.kind, anomaly.operations, anomaly.explanation
            );
        }
    }
}

#[test]
fn etcd_logs_have_the_verdicts_of_porcupine() {
    let Some(folder) = folder() else { return };
    let mut compared = (0, 0);
    for (path, verdict, _) in manifest(&folder, "porcupine/jepsen/") {
        let history = jepsen_log(&fs::read_to_string(folder.join(&path)).unwrap());
        let Some(wanted) = expected(&verdict) else {
            continue;
        };
        compare(&path, &history, FailedCas::Observe, wanted);
        match wanted {
            Validity::Holds => compared.0 += 1,
            _ => compared.1 += 1,
        }
    }
    assert_eq!(compared, (23, 79));
}

#[test]
fn knossos_histories_have_the_verdicts_of_knossos() {
    let Some(folder) = folder() else { return };
    let mut compared = (0, 0);
    for (path, verdict, note) in manifest(&folder, "knossos/cas-register/") {
        let text = fs::read_to_string(folder.join(&path)).unwrap();
        let initial = note.contains("init 0").then_some(0);
        let history = knossos_edn(&text, initial);
        let Some(wanted) = expected(&verdict) else {
            continue;
        };
        compare(&path, &history, FailedCas::Ignore, wanted);
        match wanted {
            Validity::Holds => compared.0 += 1,
            _ => compared.1 += 1,
        }
    }
    assert_eq!(compared, (57, 3));
}
