//! Small histories of every format and how they are read, written down beside them.
//!
//! `UPDATE_GOLDEN=1 cargo test -p polygraph-history --test golden` writes them anew; the change is
//! then to be read like code.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use polygraph_history::{FORMATS, Format, History, ReadOptions, Reading, read};

const FILES: &[(&str, Format)] = &[
    ("cas_register.edn", Format::JepsenEdn),
    ("independent_keys.edn", Format::JepsenEdn),
    ("list_append.edn", Format::JepsenEdn),
    ("predicates.edn", Format::JepsenEdn),
    ("kafka.edn", Format::JepsenEdn),
    ("kafka.json", Format::JepsenJson),
    ("set.json", Format::JepsenJson),
    ("console.log", Format::JepsenLog),
    ("kv.txt", Format::PorcupineKv),
    ("queue.txt", Format::Fastlin),
    ("stack.hist", Format::Limo),
    ("ours.jsonl", Format::Polygraph),
];

/// A reading as a person sees it: how it was read, what was noticed, and each operation with its
/// interval in real time.
fn transcript(reading: &Reading) -> String {
    let history = &reading.history;
    let mut out = String::new();
    let keyed = if reading.keyed {
        ", tuples are keys and values"
    } else {
        ""
    };
    let order = history.order();
    writeln!(out, "{}, order by {order:?}{keyed}", reading.format).unwrap();
    for warning in history.warnings() {
        writeln!(out, "warning: {warning}").unwrap();
    }
    for (event, fault) in history.faults() {
        writeln!(out, "{:?} {fault}", event.kind).unwrap();
    }
    write_operations(history, &mut out);
    out
}

fn write_operations(history: &History, out: &mut String) {
    for operation in history.operations() {
        let end = match operation.end {
            u64::MAX => "∞".to_owned(),
            end => end.to_string(),
        };
        let (start, process, session) = (operation.start, operation.process, operation.session);
        write!(out, "{start}..{end} process {process} session {session}: ").unwrap();
        write!(out, "{} {:?}", history.op(operation), operation.outcome).unwrap();
        if let Some(completion) = history.completion(operation) {
            if let Some(error) = &completion.error {
                write!(out, ", {error}").unwrap();
            }
            if let Some(detail) = &completion.detail {
                write!(out, ": {detail}").unwrap();
            }
        }
        out.push('\n');
    }
}

#[test]
fn histories_read_as_written_down() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories"));
    for (name, format) in FILES {
        let file = File::open(folder.join(name)).unwrap();
        let reading = read(file, ReadOptions::default());
        let reading = reading.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(reading.format, *format, "{name}");
        let transcript = transcript(&reading);
        let golden = folder.join(format!("{name}.golden"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &transcript).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(transcript, expected, "{name}");
    }
}

#[test]
fn every_format_has_a_history_here() {
    for (format, about) in FORMATS {
        assert!(FILES.iter().any(|(_, known)| known == format), "{format}");
        assert_eq!(format.name().parse(), Ok(*format));
        assert!(!about.is_empty());
    }
}
