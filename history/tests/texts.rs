//! The texts of fastlin and its kin and of LiMo, and Knossos' locks and multi-registers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use polygraph_history::{
    ErrorName, Format, History, Op, Order, Outcome, ReadOptions, Reading, read,
};

fn reading(text: &str) -> Reading {
    read(text.as_bytes(), ReadOptions::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn problem(text: &str) -> String {
    match read(text.as_bytes(), ReadOptions::default()) {
        Ok(_) => panic!("it was read: {text}"),
        Err(error) => error.to_string(),
    }
}

/// Operations with their intervals as ranks.
fn shown(history: &History) -> String {
    let mut out = String::new();
    for operation in history.operations() {
        let end = match operation.end {
            u64::MAX => "∞".to_owned(),
            end => end.to_string(),
        };
        let (start, process) = (operation.start, operation.process);
        let op = history.op(operation);
        let outcome = match operation.outcome {
            Outcome::Ok => "",
            Outcome::Fail => " failed",
            Outcome::Info => " unknown",
        };
        writeln!(out, "{start}..{end} {process} {op}{outcome}").unwrap();
    }
    out
}

#[test]
fn lines_of_method_value_begin_and_end() {
    let Reading {
        history, format, ..
    } = reading("# queue\nenq 2 0 1\n\ndeq 2 2 3\nenq 1 1 2\ndeq -1 7 9");
    assert_eq!((format, history.order()), (Format::Fastlin, Order::Time));
    let expected = "\
0..2 0 enqueue x 2
1..4 1 enqueue x 1
3..5 2 dequeue x → 2
6..7 3 dequeue x → nothing
";
    assert_eq!(shown(&history), expected);
    // Ends and beginnings at one time are concurrent.
    assert!(
        history.warnings()[0].contains("concurrent"),
        "{:?}",
        history.warnings()
    );
}

#[test]
fn lines_of_process_begin_end_method_and_value() {
    let text = "# set\n2 0 2 CONTAINS 2 0\n0 0 4 INSERT 2 1\n1 1 5 INSERT 2 0\n2 3 6 REMOVE 2 1\n\
                2 5 9 REMOVE 2 0\n";
    let Reading {
        history, format, ..
    } = reading(text);
    assert_eq!(format, Format::Fastlin);
    let expected = "\
0..3 2 contains x 2 → no
1..5 0 add x 2
2..7 1 add x 2 failed
4..8 2 remove x 2
6..9 3 remove x 2 failed
";
    assert_eq!(shown(&history), expected);
    let overlapping = history
        .warnings()
        .iter()
        .any(|warning| warning.contains("no session"));
    assert!(overlapping, "{:?}", history.warnings());
    let errors: Vec<String> = (history.events().iter())
        .filter_map(|event| event.error.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(errors, ["present", "absent"]);
}

#[test]
fn objects_of_the_lines() {
    let ops = |text: &str| {
        let history = reading(text).history;
        let all = history
            .operations()
            .iter()
            .map(|operation| history.op(operation).to_string());
        all.collect::<Vec<String>>()
    };
    assert_eq!(
        ops("# stack\npush 1 1 2\npop 1 3 4\npeek -1 5 6"),
        ["push x 1", "pop x → 1", "front x → nothing"]
    );
    assert_eq!(
        ops("# pqueue\ninsert -1 1 2\npoll 3 3 4\npeek 2 5 6"),
        ["insert x -1", "extract x → 3", "front x → 2"]
    );
    assert_eq!(
        ops("# rmw\n0 1 10 READ_MODIFY_WRITE 0 2\n1 12 13 READ_MODIFY_WRITE 2 0"),
        ["cas x nothing → 2", "cas x 2 → nothing"]
    );
    let semaphore = reading("# semaphore\n0 0 2 INCR 1\n1 3 4 DECR 1\n0 5 6 DECR 0\n");
    assert_eq!(semaphore.object.as_deref(), Some("semaphore"));
    assert_eq!(
        shown(&semaphore.history),
        "0..1 0 release x\n2..3 1 acquire x\n4..5 0 acquire x failed\n"
    );
    let error = semaphore
        .history
        .events()
        .last()
        .and_then(|event| event.error);
    assert_eq!(error, Some(ErrorName::ABSENT));
    let history = reading("# deque\npush_front 1 1 2\npeek_back 2 5 6").history;
    let names: Vec<&str> = (history.operations().iter())
        .map(|operation| match history.op(operation) {
            Op::Custom { name, .. } => &**name,
            op => panic!("{op}"),
        })
        .collect();
    assert_eq!(names, ["push_front", "peek_back"]);
}

#[test]
fn calls_and_returns() {
    let text = "# from a paper\n# @object atomic-stack\n\n[1] call push(a)\n    [2] call push 4\n\
                [1] return\n[3] call pop\n[3] return a\n[1] call pop()\n[1] return\n\
                [3] call pop\n[3] return empty\n[1] call pop(?<1,0>)\n[1] return\n[5] call pop";
    let Reading {
        history, format, ..
    } = reading(text);
    assert_eq!((format, history.order()), (Format::Limo, Order::Index));
    let expected = "\
0..2 1 push x a
1..∞ 2 push x 4 unknown
3..4 3 pop x → a
5..6 1 pop x
7..8 3 pop x → nothing
9..10 1 pop x → ?<1,0>
11..∞ 5 pop x unknown
";
    assert_eq!(shown(&history), expected);
    let queue = reading("# @object atomic-queue\n[1] call enq(1)\n[2] call remove\n[2] return 1\n");
    assert_eq!(
        shown(&queue.history),
        "0..∞ 1 enqueue x 1 unknown\n1..2 2 dequeue x → 1\n"
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    const LINE: &str = "a line like `enq 2 0 1` (method, value, begin, end) or `0 0 1 ENQ 2` \
                        (process, begin, end, method, value)";
    let cases = [
        (
            "# queue\n",
            format!("line 1, column 1: the history has no event; expected {LINE}"),
        ),
        (
            "# queue\nenq 1\n",
            format!("line 2, column 1: a line of 2 words; expected {LINE}"),
        ),
        (
            "# queue\nenq 2 0 1\n enq 1 x 2",
            "line 3, column 8: `x` is no time; expected a whole number that is not negative".into(),
        ),
        (
            "# queue\nenq 2 3 1\n",
            "line 2, column 9: the operation ends at 1, before it begins at 3; expected an end \
             behind the beginning"
                .into(),
        ),
        (
            "# queue\npush 2 0 1\n",
            "line 2, column 1: `push` is no method of this object like this; expected enq, deq or \
             peek with a value"
                .into(),
        ),
        (
            "# set\n0 0 1 INSERT 2 7\n",
            "line 2, column 7: `INSERT` is no method of this object like this; expected insert, \
             remove or contains with an element, and 1 or 0"
                .into(),
        ),
        (
            "# @object atomic-queue\n[1] call pop\n",
            "line 2, column 5: `call` is no".into(),
        ),
        (
            "# @object atomic-queue\n[1] call enq(1)\n[1] call enq(2)\n",
            "line 3, column 1: process 1 invokes while its operation of event 0 is open; expected \
             its completion first"
                .into(),
        ),
        (
            "# semaphore\n0 0 2 INCR 0\n",
            "line 2, column 7: `INCR` is no method of this object like this; expected INCR with \
             1, or DECR with 1, or with 0 where no permit was free"
                .into(),
        ),
        (
            "# @object atomic-queue\n[1] return 1\n",
            "line 2, column 1: thread 1 returns, but has called nothing; expected a call before it"
                .into(),
        ),
        (
            "# @object atomic-queue\n[1] call enq(1)\n[1] return 1\n",
            "line 3, column 12: `1` is no result of this method; expected nothing".into(),
        ),
        (
            "# @object atomic-queue\n[1] enq(1)\n",
            "line 2, column 5: `enq(1)` is no call or return; expected a line like `[1] call \
             add(5)` or `[1] return 5`"
                .into(),
        ),
        (
            "# @object atomic-queue\n1 call enq(1)\n",
            "line 2, column 1: `1` is no thread; expected one like `[1]`".into(),
        ),
    ];
    for (text, expected) in cases {
        let found = problem(text);
        match text.contains("call pop") {
            true => assert!(
                found.contains("`pop` is no call that this object has"),
                "{found}"
            ),
            false => assert_eq!(found, expected),
        }
    }
}

#[test]
fn locks_of_knossos() {
    let text = "\
{:process 1, :type :invoke, :f :acquire, :value nil}
{:process 2, :type :invoke, :f :release}
{:process 1, :type :ok, :f :acquire, :value nil}
{:process 2, :type :fail, :f :release, :error :not-held}
{:process 1, :type :invoke, :f :release, :value nil}
{:process 1, :type :info, :f :release, :error :timeout}
";
    let expected = "\
0..2 1 acquire x
1..3 2 release x failed
4..∞ 1 release x unknown
";
    assert_eq!(shown(&reading(text).history), expected);
}

#[test]
fn several_registers_of_knossos() {
    let text = "\
{:type :invoke, :f :txn, :value [[:read :x nil] [:write :y 2]], :process 3}
{:type :ok, :f :txn, :value [[:read :x 0] [:write :y 2]], :process 3}
{:type :invoke, :f :txn, :value [[:read :y nil]], :process 0}
";
    let history = reading(text).history;
    for operation in history.operations() {
        assert!(matches!(history.op(operation), Op::Txn(_)));
    }
    assert_eq!(history.operations().len(), 2);
}

fn corpora() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora/lin");
    if !corpora.is_dir() {
        eprintln!("skipped: there are no corpora at {}", corpora.display());
        return None;
    }
    Some(corpora)
}

/// How many operations the manifest says a file has; for LiMo's the calls, in the file itself.
fn count(format: Format, text: &str) -> usize {
    match format {
        Format::Limo => text.matches("] call ").count(),
        _ => text
            .lines()
            .skip(1)
            .filter(|line| !line.trim().is_empty())
            .count(),
    }
}

/// Every file of the corpora is read, with all of its operations, and none of them is foreign
/// where there is a model for it.
#[test]
fn all_texts_of_the_corpora_are_read() {
    let Some(corpora) = corpora() else { return };
    let manifest = fs::read_to_string(corpora.join("MANIFEST.tsv")).unwrap();
    let mut files = 0;
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (path, model) = (columns[2], columns[4]);
        let format = match path.split('/').next() {
            Some("limo") => Format::Limo,
            Some("fastlin" | "fptlin" | "polylin") => Format::Fastlin,
            Some("knossos") => Format::JepsenEdn,
            _ => continue,
        };
        let text = fs::read_to_string(corpora.join(path)).unwrap();
        let Reading {
            history,
            format: found,
            ..
        } = read(text.as_bytes(), ReadOptions::default())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(found, format, "{path}");
        files += 1;
        if format != Format::JepsenEdn {
            assert_eq!(history.operations().len(), count(format, &text), "{path}");
            let listed: usize = columns[6].parse().unwrap();
            assert_eq!(history.operations().len(), listed, "{path}");
        }
        let foreign = model == "deque";
        for operation in history.operations() {
            let op = history.op(operation);
            assert_eq!(matches!(op, Op::Custom { .. }), foreign, "{path}: {op}");
        }
    }
    assert!(files > 350, "{files}");
}
