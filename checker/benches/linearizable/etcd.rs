//! The logs of etcd in the test data of Porcupine.

use std::path::PathBuf;

use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Time, Value};

/// The operations of a log of Porcupine's.
fn etcd_log(text: &str) -> History {
    let mut events: Vec<Event> = Vec::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("jepsen.util - ") else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let process = Process::Client(words[0].parse().expect("a process"));
        let kind = match words[1] {
            ":invoke" => Kind::Invoke,
            ":ok" => Kind::Ok,
            ":fail" => Kind::Fail,
            _ => Kind::Info,
        };
        let value = |at: usize| {
            let word = words[at].trim_matches(['[', ']']);
            word.parse().map_or(Value::Null, Value::Int)
        };
        let key = Key::from("r");
        let op = match (kind, words[2]) {
            (Kind::Fail | Kind::Info, _) => {
                let invoked = events.iter().rev().find(|event| event.process == process);
                invoked.and_then(Event::op).expect("an invocation").clone()
            }
            (kind, ":read") => Op::Read {
                key,
                value: (kind == Kind::Ok).then(|| value(3)),
            },
            (_, ":write") => Op::Write {
                key,
                value: value(3),
            },
            _ => Op::Cas {
                key,
                from: value(3),
                to: value(4),
            },
        };
        let index = events.len() as u64;
        events.push(Event::new(index, Time(index), process, kind, Body::Op(op)));
    }
    History::new(None, Order::Index, events).expect("a log is a history")
}

pub(crate) fn etcd_logs() -> Vec<History> {
    let shared = std::env::var("POLYGRAPH_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let folder = PathBuf::from(shared).join("corpora/lin/porcupine/jepsen");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no logs of etcd at {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let texts = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a log"));
    texts.map(|text| etcd_log(&text)).collect()
}
