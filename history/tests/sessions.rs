//! Histories of sessions without times: what their lines mean, however they are put.

use polygraph_history::{Format, History, Op, Order, Outcome, ReadError, ReadOptions, read};

use polygraph_history::random::Random;

fn history(text: &str) -> History {
    let reading = read(text.as_bytes(), ReadOptions::default());
    reading
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .history
}

fn error(text: &str) -> ReadError {
    read(text.as_bytes(), ReadOptions::default())
        .map(|reading| panic!("read as {}: {text}", reading.format))
        .unwrap_err()
}

/// The transactions of each session, in order.
fn sessions(history: &History) -> Vec<Vec<String>> {
    let mut sessions = Vec::new();
    let mut of_process = std::collections::BTreeMap::new();
    for operation in history.operations() {
        let next = of_process.len();
        let at = *of_process.entry(operation.process).or_insert(next);
        sessions.resize(sessions.len().max(at + 1), Vec::new());
        let outcome = if operation.outcome == Outcome::Ok {
            ""
        } else {
            "!"
        };
        sessions[at].push(format!("{}{outcome}", history.op(operation)));
    }
    sessions
}

#[test]
fn zero_is_the_initial_value_unless_it_was_written() {
    let plume = history("w(1,0,0,0)\nw(2,0,0,0)\nr(1,0,1,1)\nw(1,3,1,1)\nr(3,0,2,2)\n");
    assert_eq!(
        sessions(&plume),
        [
            ["txn { read 1 → nothing, write 1 3 }"],
            ["txn { read 3 → nothing }"]
        ]
    );
    assert_eq!(
        plume.warnings(),
        ["writes of the first transaction, all of 0: 2; they state the initial values"]
    );
    // Who reads 0 then may have read either.
    let either = history("w(1,3,0,0)\nw(1,0,1,1)\nr(1,0,2,2)\nr(2,0,2,2)\n");
    assert_eq!(sessions(&either)[2], ["txn { read 1, read 2 → nothing }"]);
    assert_eq!(either.warnings().len(), 1);
    // AWDIT's tests and dbcop have no other initial value then.
    let awdit = history("w 1 0\nw 2 4\n===\nr 1 0\nr 3 0\n");
    assert_eq!(
        sessions(&awdit)[1],
        ["txn { read 1 → 0, read 3 → nothing }"]
    );
    let dbcop = "[[{\"events\":[[\"w\",1,0]],\"committed\":true}],\
         [{\"events\":[[\"r\",1,0],[\"r\",1,null],[\"r\",2,0]],\"committed\":true}]]";
    assert_eq!(
        sessions(&history(dbcop))[1],
        ["txn { read 1 → 0, read 1 → nothing, read 2 → nothing }"]
    );
}

#[test]
fn aborted_transactions_failed() {
    let text = "w(1,5,1,-1)\nw(2,5,1,-1)\nw(1,6,2,-1)\nw(1,7,1,3)\nw(1,8,1,-1)\n";
    assert_eq!(
        sessions(&history(text)),
        [
            vec![
                "txn { write 1 5, write 2 5 }!",
                "txn { write 1 7 }",
                "txn { write 1 8 }!"
            ],
            vec!["txn { write 1 6 }!"]
        ]
    );
}

/// A session as its transactions, each with its number and the lines that it is written in.
type Session = Vec<(i64, Vec<String>)>;

/// Lines of sessions in turns, whole transactions one after the other or their lines mixed.
fn put(sessions: &[Session], mixed: bool, random: &mut Random) -> String {
    let mut left: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| {
            let mut lines: Vec<String> = Vec::new();
            let mut last = 0;
            for (_, transaction) in session {
                // The last line of a transaction may stand behind the first of the next one.
                let swapped = mixed && last > 1 && random.below(3) == 0;
                let place = lines.len() - usize::from(swapped);
                last = transaction.len();
                let mut own = transaction.clone();
                let first = own.remove(0);
                lines.insert(place, first);
                lines.extend(own);
            }
            lines.reverse();
            lines
        })
        .collect();
    let mut text = String::new();
    let mut whole: Option<usize> = None;
    while left.iter().any(|lines| !lines.is_empty()) {
        let at = match whole {
            Some(at) if !mixed && !left[at].is_empty() => at,
            _ => random.below(left.len() as u64) as usize,
        };
        if let Some(line) = left[at].pop() {
            text += &line;
            text += ["\n", "\r\n", " \n\n"][if mixed { random.below(3) as usize } else { 0 }];
            whole = Some(at);
        }
    }
    text
}

/// However lines are mixed, each belongs to its transaction.
#[test]
fn lines_of_a_transaction_need_not_stand_together() {
    for seed in 0..3000 {
        let random = &mut Random::keyed(&[9, seed]);
        let mut number = 1;
        let sessions_drawn: Vec<Session> = (0..random.between(1, 3))
            .map(|session| {
                (0..random.between(1, 5))
                    .map(|_| {
                        // Numbers need not count up.
                        number += 1;
                        let own = if random.below(4) == 0 {
                            1000 - number
                        } else {
                            number
                        };
                        let lines = (0..random.between(1, 4)).map(|_| {
                            let (key, value) = (random.below(4), random.between(1, 99));
                            let name = *random.choose(&["r", "w"]);
                            format!("{name}({key},{value},{session},{own})")
                        });
                        (own, lines.collect())
                    })
                    .collect()
            })
            .collect();
        let apart = history(&put(&sessions_drawn, false, random));
        let mixed = history(&put(&sessions_drawn, true, random));
        let sorted = |history: &History| {
            let mut all = sessions(history);
            all.sort();
            all
        };
        assert_eq!(sorted(&apart), sorted(&mixed), "{seed}");
        let count: usize = sessions_drawn.iter().map(Vec::len).sum();
        assert_eq!(mixed.operations().len(), count);
        assert_eq!(mixed.order(), Order::Session);
    }
}

/// Longer than a chunk, so that lines are cut by its end.
#[test]
fn lines_across_the_ends_of_chunks() {
    let lines = 60_000;
    let text: String = (0..lines)
        .map(|at| format!("w({},{},{},{})\n", at % 1000, at + 1, at % 7, at))
        .collect();
    assert!(text.len() > 3 << 18);
    for shift in 0..16 {
        let history = history(&("\n".repeat(shift) + &text));
        assert_eq!(history.operations().len(), lines);
        let last = &history.operations()[lines - 1];
        assert_eq!(history.op(last).to_string(), "txn { write 999 60000 }");
    }
    let broken = error(&(text + "w(1,x,3,4)"));
    assert_eq!((broken.line, broken.column), (lines + 1, 5));
}

#[test]
fn timestamps_are_versions() {
    let text = "[{\"sid\":1,\"sts\":{\"p\":\"7\",\"l\":0},\"cts\":{\"p\":9,\"l\":0},\
         \"ops\":[{\"t\":\"w\",\"k\":1,\"v\":2}]}]";
    let read = history(text);
    assert_eq!((read.snapshot(0), read.version(0)), (Some(7), Some(9)));
    let ranked = history(&text.replace("\"p\":9,\"l\":0", "\"p\":7,\"l\":3"));
    assert_eq!((ranked.snapshot(0), ranked.version(0)), (Some(0), Some(1)));
    assert!(matches!(read.op(&read.operations()[0]), Op::Txn(micros) if micros.len() == 1));
}

#[test]
fn each_problem_is_named_with_its_place() {
    let dbcop = |event: &str| format!("[[{{\"events\":[{event}],\"committed\":true}}]]");
    let cases = [
        (
            "w(1,2,3,4)\nx(1,2,3,4)\n".to_owned(),
            "line 2, column 1: a line of another form; expected a line like r(key,value,session,transaction)",
        ),
        (
            "w(1,2,3,4)\nw(1,2.5,3,4)\n".to_owned(),
            "line 2, column 5: the value is `2.5`; expected an integer of 64 bits",
        ),
        (
            "w(1,2,3,4)\nw(1,2,3)\n".to_owned(),
            "line 2, column 8: no `,` here; expected a line like r(key,value,session,transaction)",
        ),
        (
            "w(1,2,3,4) w(1,2,3,4)\n".to_owned(),
            "line 1, column 11: something behind the operation; expected a line like r(key,value,session,transaction)",
        ),
        (
            "w 1 2\nr 1\n".to_owned(),
            "line 2, column 4: no value; expected a line like `r key value`, or one of `-` or `=` only",
        ),
        (
            "w 1 2\nr 1 b\n".to_owned(),
            "line 2, column 5: `b` is no value; expected an integer of 64 bits",
        ),
        (
            "w 1 2\n-=\n".to_owned(),
            "line 2, column 1: a line of another form; expected a line like `r key value`, or one of `-` or `=` only",
        ),
        (
            dbcop("[\"q\",1,2]"),
            "line 1, column 14: no event: `[\"q\" 1 2]`; expected an event like {\"Write\":{\"variable\":0,\"version\":1}} or [\"w\",0,1]",
        ),
        (
            "[{\"sid\":1,\"ops\":[],\"sts\":{\"p\":1},\"cts\":{\"p\":-1}}]".to_owned(),
            "line 1, column 40: no timestamp; expected a timestamp like {\"p\":10,\"l\":0}, of natural numbers",
        ),
        (
            "[{\"sid\":1,\"ops\":[{\"t\":\"x\",\"k\":1,\"v\":2}],\"sts\":{\"p\":1},\"cts\":{\"p\":1}}]".to_owned(),
            "line 1, column 18: no operation; expected an operation like {\"t\":\"w\",\"k\":1,\"v\":2}",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text).to_string(), expected, "{text}");
    }
    assert_eq!(error("w(1,2,3,x)").field.as_deref(), Some("transaction"));
    let options = ReadOptions {
        format: Some(Format::Plume),
        ..ReadOptions::default()
    };
    let nothing = read(&b"\n \nw(1,0,0,0)\n"[..], options).unwrap_err();
    assert_eq!(nothing.problem, "the history has no event");
}
