//! The short ways of reading agree with the general ones: the same history or the same error for
//! random histories, for these with random damage, and for the public corpora.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::foreign::{self, Dialect, Keying, Syntax};
use crate::random::Random;
use crate::{
    Body, ErrorName, Event, History, Key, Kind, Micro, NodeId, Op, Process, ReadError, Session,
    Time, Value, jsonl,
};

fn factor() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ");
    factor.ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Everything that can be told of a history, or the error.
fn told(read: Result<(History, bool), ReadError>) -> Result<String, ReadError> {
    let (history, keyed) = read?;
    let mut text = format!(
        "{keyed} {:?} {:?} {} {:?}\n",
        history.spec(),
        history.order(),
        history.truncated(),
        history.warnings()
    );
    for operation in history.operations() {
        let op = history.op(operation);
        let completion = history.completion(operation);
        writeln!(text, "{operation:?} {op:?} {completion:?}").unwrap();
    }
    for event in history.events() {
        writeln!(text, "{event:?}").unwrap();
    }
    Ok(text)
}

/// Checks that both ways of reading our own format agree; whether they read a history.
fn agrees_on_lines(text: &[u8]) -> bool {
    let read = |short| told(jsonl::read_with(text, short).map(|history| (history, false)));
    let short = read(true);
    assert_eq!(short, read(false), "{}", String::from_utf8_lossy(text));
    short.is_ok()
}

/// Checks that both ways of reading a foreign format agree; whether they read a history.
fn agrees_on_rows(text: &[u8], dialect: Dialect, keying: Keying) -> bool {
    let read = |short| told(foreign::read_with(text, dialect, keying, short));
    let short = read(true);
    assert_eq!(short, read(false), "{}", String::from_utf8_lossy(text));
    short.is_ok()
}

/// Does to a text what editors, disks and other programs do.
fn damage(text: &mut Vec<u8>, random: &mut Random) {
    const BYTES: &[u8] = b"{}[]():,\"\\ \n\r\t-+0123456789nulltruefNxeE.#;_^\x00\x7f\xc3\xa9";
    const PIECES: &[&str] = &[
        "null",
        "nil",
        "\"k\"",
        "1.5",
        "-0",
        "00",
        "[1 2]",
        "[1,2]",
        ",\"node\":\"n1\"",
        "\n\n",
        "18446744073709551616",
        "9223372036854775808",
        " ",
        ":time 3 ",
        ", :index 1",
        "#_ ",
        "[[",
        "]]",
        "{}",
        "\"x\":1,",
        "\r\n",
        "\\u0041",
        "é",
        "[",
        "]",
        "; c\n",
        "-1",
    ];
    for _ in 0..=random.below(2) {
        let at = random.below(text.len() as u64 + 1) as usize;
        let end = (at + random.below(4) as usize).min(text.len());
        match random.below(6) {
            0 => drop(text.drain(at..end)),
            1 => text.insert(at, *random.choose(BYTES)),
            2 => drop(text.splice(at..at, random.choose(PIECES).bytes())),
            3 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = *random.choose(BYTES);
                }
            }
            4 => text.truncate(at),
            _ => {
                // Lines change places.
                let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
                let count = lines.len() as u64;
                let (one, other) = (random.below(count.max(1)), random.below(count.max(1)));
                if count > 0 {
                    lines.swap(one as usize, other as usize);
                }
                *text = lines.concat();
            }
        }
    }
}

/// A list of integers: most are prefixes of each other, also as texts where they branch off.
fn list(random: &mut Random) -> Value {
    let (length, branch) = (random.below(7), random.below(12));
    let element = |at| if at == branch { 1 } else { at as i64 * 9 };
    Value::list((0..length).map(|at| Value::Int(element(at))))
}

fn value(random: &mut Random) -> Value {
    match random.below(11) {
        0 => Value::Null,
        9 | 10 => list(random),
        1 => Value::from(*random.choose(&["", "a", "b c", "é", "\"", "\\", "\n", "~"])),
        2 => Value::list(
            (0..random.below(3))
                .map(|_| value(random))
                .collect::<Vec<_>>(),
        ),
        3 => Value::Int(random.bits().cast_signed()),
        4 => Value::Int(*random.choose(&[i64::MIN, i64::MAX, 999_999_999_999_999_999, -1])),
        _ => Value::Int(random.below(20) as i64 - 3),
    }
}

fn op(random: &mut Random) -> Op {
    let key = Key::from(*random.choose(&["x", "y", "z z", "é", ""]));
    let maybe = |random: &mut Random| (random.below(6) == 0).then(|| value(random));
    match random.below(22) {
        0..=3 => Op::Read {
            key,
            value: maybe(random),
        },
        4 | 5 => Op::Write {
            key,
            value: value(random),
        },
        6 => Op::Cas {
            key,
            from: value(random),
            to: value(random),
        },
        7 => Op::Peek {
            key,
            node: NodeId::at(random.below(3) as usize),
            value: None,
        },
        8 => Op::Add {
            key,
            value: value(random),
        },
        9 => Op::Remove {
            key,
            value: value(random),
        },
        10 => Op::Contains {
            key,
            value: value(random),
            found: None,
        },
        11 => Op::Enqueue {
            key,
            value: value(random),
        },
        12 => Op::Dequeue {
            key,
            value: maybe(random),
        },
        13 => Op::Push {
            key,
            value: value(random),
        },
        14 => Op::Pop { key, value: None },
        15 => Op::Insert {
            key,
            value: value(random),
        },
        16 => match random.below(3) {
            0 => Op::Extract { key, value: None },
            1 => Op::Front { key, value: None },
            _ => Op::Generate { key, value: None },
        },
        17 => Op::Acquire {
            key,
            shared: random.below(2) == 0,
            token: None,
        },
        18 => match random.below(2) {
            0 => Op::Release { key },
            _ => Op::Increment {
                key,
                by: random.below(5) as i64 - 2,
                value: None,
            },
        },
        19 => match random.below(2) {
            0 => Op::Append {
                key,
                value: value(random),
                offset: None,
            },
            _ => Op::Poll {
                key,
                from: random.below(9),
                value: None,
            },
        },
        20 => Op::Custom {
            name: "transfer".into(),
            args: serde_json::json!({ "a": [1, null] }),
        },
        _ => Op::Txn(
            (0..random.below(4))
                .map(|at| {
                    let key = key.clone();
                    match at {
                        0 => Micro::Read {
                            key,
                            value: maybe(random),
                        },
                        1 => Micro::Append {
                            key,
                            value: value(random),
                        },
                        _ => Micro::Write {
                            key,
                            value: value(random),
                        },
                    }
                })
                .collect(),
        ),
    }
}

/// What the operation may have returned.
fn completed(mut op: Op, random: &mut Random) -> Op {
    match &mut op {
        Op::Read { value: seen, .. }
        | Op::Peek { value: seen, .. }
        | Op::Dequeue { value: seen, .. }
        | Op::Pop { value: seen, .. }
        | Op::Extract { value: seen, .. }
        | Op::Front { value: seen, .. }
        | Op::Increment { value: seen, .. }
        | Op::Generate { value: seen, .. }
        | Op::Poll { value: seen, .. } => *seen = (random.below(5) > 0).then(|| value(random)),
        Op::Contains { found, .. } => *found = Some(random.below(2) == 0),
        Op::Acquire { token, .. } => *token = (random.below(2) == 0).then(|| random.below(9)),
        Op::Append { offset, .. } => *offset = (random.below(2) == 0).then(|| random.below(9)),
        Op::Txn(micros) => {
            for micro in micros {
                if let Micro::Read { value: seen, .. } = micro {
                    *seen = Some(match random.below(2) {
                        0 => list(random),
                        _ => value(random),
                    });
                }
            }
        }
        Op::Custom { args, .. } if random.below(2) == 0 => *args = serde_json::json!("done"),
        _ => {}
    }
    op
}

/// Who does what, when, and how it ends: of few processes, mostly as it should be.
fn events(random: &mut Random) -> Vec<Event> {
    let mut open: Vec<Option<Op>> = vec![None; 3];
    let transactions = random.below(3) == 0;
    let mut time = 0;
    let mut all = Vec::new();
    for index in 0..random.between(1, 12) {
        time += random.below(4);
        let process = random.below(open.len() as u64) as usize;
        let (kind, op) = match open[process].take() {
            Some(invoked) => {
                let kind = *random.choose(&[Kind::Ok, Kind::Ok, Kind::Ok, Kind::Fail, Kind::Info]);
                let returns = kind == Kind::Ok || random.below(5) == 0;
                let op = if returns {
                    completed(invoked, random)
                } else {
                    invoked
                };
                (kind, op)
            }
            None => {
                let mut op = op(random);
                while transactions && !matches!(op, Op::Txn(_)) {
                    op = self::op(random);
                }
                open[process] = Some(op.clone());
                (Kind::Invoke, op)
            }
        };
        let process = process as u64 * random.below(2).max(1);
        let body = Body::Op(op);
        let mut event = Event::new(index, Time(time), Process::Client(process), kind, body);
        if random.below(3) == 0 {
            let some = |random: &mut Random| random.below(2) == 0;
            event.node = some(random).then(|| NodeId::at(1));
            event.session = some(random).then(|| Session("s".into()));
            event.version = some(random).then(|| random.bits());
            event.snapshot = some(random).then(|| random.bits());
            event.intended = some(random).then_some(Time(7));
            event.error = some(random).then(|| ErrorName::new("boom"));
            event.detail = some(random).then(|| "it \"broke\"".to_owned());
        }
        all.push(event);
    }
    all
}

#[test]
fn canonical_lines_are_read_like_any() {
    let mut read = 0;
    let cases = 20_000 * factor();
    for seed in 0..cases {
        let random = &mut Random::keyed(&[1, seed]);
        let mut writer = jsonl::Writer::new(Vec::new(), None).unwrap();
        for event in events(random) {
            writer.write(&event).unwrap();
        }
        let mut text = writer.finish().unwrap();
        read += u64::from(agrees_on_lines(&text));
        damage(&mut text, random);
        read += u64::from(agrees_on_lines(&text));
    }
    assert!(
        read > cases / 2 && read < 2 * cases,
        "{read} of {}",
        2 * cases
    );
}

/// A list of integers.
fn list_text(random: &mut Random) -> String {
    let separator = *random.choose(&[" ", ", "]);
    // Most are prefixes of each other.
    let branch = random.below(9);
    let numbers = (0..random.below(6)).map(|at| match at == branch {
        true => random.below(99).to_string(),
        false => (at * 9).to_string(),
    });
    format!("[{}]", numbers.collect::<Vec<_>>().join(separator))
}

/// A value of a row of EDN: sometimes of another form than its operation wants.
fn form(random: &mut Random, name: &str, keyed: bool, kind: &str) -> String {
    let key = *random.choose(&["1", "1", "2", "0", ":a", ":b-c", "\"s\"", "[3]", "07"]);
    let list = list_text;
    let plain = match (name, random.below(12)) {
        (_, 0) => "nil".to_owned(),
        (_, 1) => list(random),
        (_, 2) => (*random.choose(&[
            ":timed-out",
            "\"text\"",
            "#{2 1}",
            "{:a 1}",
            "1.5",
            "-7",
            "+3",
        ]))
        .to_owned(),
        ("cas", _) => format!("[{} {}]", random.below(3), random.below(3)),
        ("read", _) if kind == "invoke" => "nil".to_owned(),
        _ => random.below(5).to_string(),
    };
    match (name, keyed) {
        ("txn", _) => {
            let micros = (0..random.between(1, 4)).map(|_| {
                let seen = match kind {
                    "ok" => list(random),
                    _ => "nil".to_owned(),
                };
                match random.below(4) {
                    0 => format!("[:append {key} {}]", random.below(9)),
                    1 => format!("[:w {key} {}]", random.below(9)),
                    _ => format!("[:r {key} {seen}]"),
                }
            });
            format!("[{}]", micros.collect::<Vec<_>>().join(" "))
        }
        (_, true) => format!("[{key} {plain}]"),
        (_, false) => plain,
    }
}

/// Rows as Jepsen might print them, and some as it would not.
fn rows(random: &mut Random) -> String {
    const NAMES: &[&str] = &[
        "read", "write", "cas", "read", "write", "add", "txn", "other",
    ];
    let style = random.below(64);
    let (keyed, indexed, timed) = (style & 1 > 0, style & 2 > 0, style & 4 > 0);
    let transactions = style & 24 == 24;
    let mut open: Vec<Option<(&str, String)>> = vec![None; 3];
    let mut text = String::new();
    if style & 32 > 0 {
        text.push_str("[\n");
    }
    for index in 0..random.between(1, 14) {
        let odd = random.below(40);
        let process = random.below(open.len() as u64) as usize;
        let (kind, name, value) = match open[process].take() {
            Some((name, invoked)) => {
                let kind = *random.choose(&["ok", "ok", "ok", "fail", "info"]);
                let value = match (name, random.below(8)) {
                    ("write" | "cas" | "add" | "other", 1..) | (_, 1) => invoked,
                    ("txn", _) if kind == "ok" => {
                        let mut filled = invoked;
                        while filled.contains("nil") {
                            filled = filled.replacen("nil", &list_text(random), 1);
                        }
                        filled
                    }
                    _ => form(random, name, keyed, kind),
                };
                (kind, name, value)
            }
            None => {
                let name = if transactions {
                    "txn"
                } else {
                    *random.choose(NAMES)
                };
                let name = if name == "txn" && !transactions {
                    "read"
                } else {
                    name
                };
                let value = form(random, name, keyed, "invoke");
                open[process] = Some((name, value.clone()));
                ("invoke", name, value)
            }
        };
        let who = match odd {
            0 => ":nemesis".to_owned(),
            1 => ":named".to_owned(),
            2 => "9223372036854775807".to_owned(),
            _ => process.to_string(),
        };
        let mut fields = vec![
            format!(":type :{kind}"),
            format!(":f :{name}"),
            format!(":value {value}"),
            format!(":process {who}"),
        ];
        if timed && odd != 3 {
            fields.push(format!(":time {}", index * 10 + random.below(13)));
        }
        if indexed && odd != 4 {
            let index = if odd == 5 { random.below(9) } else { index };
            fields.push(format!(":index {index}"));
        }
        match random.below(30) {
            0 => fields.push(":error :timeout".to_owned()),
            1 => fields.push(":node \"n2\"".to_owned()),
            2 => fields.push(":f :read".to_owned()),
            3 => drop(fields.remove(random.below(fields.len() as u64) as usize)),
            4..=6 => random.shuffle(&mut fields),
            _ => {}
        }
        let tag = if odd == 6 { "#jepsen.history.Op" } else { "" };
        let end = if odd == 7 { " " } else { "\n" };
        write!(text, "{tag}{{{}}}{end}", fields.join(", ")).unwrap();
    }
    if style & 32 > 0 {
        text.push(']');
    }
    text
}

#[test]
fn usual_rows_are_read_like_any() {
    let mut read = 0;
    let cases = 20_000 * factor();
    for seed in 0..cases {
        let random = &mut Random::keyed(&[2, seed]);
        let mut text = rows(random).into_bytes();
        let keying = *random.choose(&[Keying::Undecided, Keying::On, Keying::Off]);
        let edn = Dialect::Rows(Syntax::Edn);
        read += u64::from(agrees_on_rows(&text, edn, keying));
        damage(&mut text, random);
        read += u64::from(agrees_on_rows(&text, edn, keying));
    }
    assert!(
        read > cases / 2 && read < 2 * cases,
        "{read} of {}",
        2 * cases
    );
}

#[test]
fn corpora_are_read_like_any() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora");
    if !corpora.is_dir() {
        eprintln!("skipped: there are no corpora at {}", corpora.display());
        return;
    }
    let mut read = 0;
    let mut folders = vec![corpora];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read(&path).unwrap();
            for dialect in [
                Dialect::Rows(Syntax::Edn),
                Dialect::Rows(Syntax::Json),
                Dialect::Log,
                Dialect::PorcupineKv,
            ] {
                read += u64::from(agrees_on_rows(&text, dialect, Keying::Undecided));
            }
        }
    }
    assert!(read > 300, "{read}");
}
