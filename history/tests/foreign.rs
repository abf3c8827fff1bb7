//! What other people's histories mean, in small: each text is what a tool writes, each
//! expectation the operations as a person reads them.

use polygraph_history::{
    ErrorName, Format, History, Keyed, Kind, Op, Order, Outcome, ReadError, ReadOptions, Reading,
    Value, read,
};
use serde_json::json;

fn reading(text: &str) -> Reading {
    read(text.as_bytes(), ReadOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn history(text: &str) -> History {
    reading(text).history
}

fn error(text: &str) -> ReadError {
    read(text.as_bytes(), ReadOptions::default())
        .map(|reading| panic!("read as {}: {text}", reading.format))
        .unwrap_err()
}

fn with(text: &str, format: Option<Format>, keyed: Keyed) -> Result<Reading, ReadError> {
    read(text.as_bytes(), ReadOptions { format, keyed })
}

/// Each operation: `process: what it did, outcome`.
fn operations(history: &History) -> Vec<String> {
    let each = history.operations().iter().map(|operation| {
        let outcome = match operation.outcome {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Info => "info",
        };
        format!(
            "{}: {}, {outcome}",
            operation.process,
            history.op(operation)
        )
    });
    each.collect()
}

fn value(edn: &str) -> Value {
    let text = format!("{{:process 0 :type :invoke :f :write :value {edn}}}");
    match with(&text, None, Keyed::Off).unwrap().history.event(0).op() {
        Some(Op::Write { value, .. }) => value.clone(),
        other => panic!("{edn} is {other:?}"),
    }
}

const REGISTER: &str = "
; a comment
[{:process 0, :type :invoke, :f :write, :value 3, :index 0, :time 10}
 {:process 1, :type :invoke, :f :read, :value nil, :index 1, :time 20}
 #_ {:process 9, :type :bogus} #_ #_ a b
 {:process 0, :type :ok, :f :write, :value 3, :index 2, :time 30}
 {:process 1, :type :ok, :f :read, :value 3, :index 3, :time 40}
 {:process 0, :type :invoke, :f :cas, :value [3 4], :index 4, :time 50}
 {:process 0, :type :fail, :f :cas, :value [3 4], :index 5, :time 60 :error :precondition}
 {:process 1, :type :invoke, :f :read, :value nil, :index 6, :time 70}
 {:process 1, :type :ok, :f :read, :value nil, :index 7, :time 80}]";

#[test]
fn a_register_in_edn() {
    let Reading {
        history,
        format,
        keyed,
        ..
    } = reading(REGISTER);
    assert_eq!((format, keyed), (Format::JepsenEdn, false));
    assert_eq!(history.order(), Order::Time);
    assert_eq!(
        operations(&history),
        [
            "0: write x 3, ok",
            "1: read x → 3, ok",
            "0: cas x 3 → 4, fail",
            "1: read x → nothing, ok"
        ]
    );
    assert_eq!(history.event(5).error, Some(ErrorName::new("precondition")));
    assert!(history.warnings().is_empty(), "{:?}", history.warnings());
}

#[test]
fn lists_single_maps_and_tagged_maps_are_the_same_history() {
    let expected = operations(&history(REGISTER));
    let list = REGISTER.replace("[{", "({").replace("80}]", "80})");
    let bare = REGISTER.replace("[{", "{").replace("80}]", "80}");
    let tagged = REGISTER.replace("{:process 0,", "#jepsen.history.Op{:process 0,");
    let strings = REGISTER
        .replace(":invoke", "\"invoke\"")
        .replace(":read", "\"read\"");
    for text in [list, bare, tagged, strings] {
        assert_eq!(operations(&history(&text)), expected, "{text}");
    }
}

#[test]
fn a_register_in_json() {
    let text = r#"[{"process":0,"type":"invoke","f":"write","value":3},
        {"process":0,"type":"ok","f":"write","value":3},
        {"process":1,"type":"invoke","f":"read","value":null},
        {"process":1,"type":"ok","f":"read","value":null}]"#;
    let reading = reading(text);
    assert_eq!(reading.format, Format::JepsenJson);
    assert_eq!(reading.history.order(), Order::Index);
    let expected = ["0: write x 3, ok", "1: read x → nothing, ok"];
    assert_eq!(operations(&reading.history), expected);
    let lines = text.replace(['[', ']'], "").replace("},", "}");
    assert_eq!(operations(&history(&lines)), expected);
}

#[test]
fn a_console_log() {
    let text = "SLF4J: something\nINFO  jepsen.core - Worker 0 starting\n\
        INFO  jepsen.util - 0\t:invoke\t:write\t3\n\
        INFO  jepsen.util - :nemesis\t:info\t:start\t\"Cut off {:n1 #{:n2}}\"\n\
        INFO  jepsen.util - 1   :invoke :cas    [3 4]\n\
        INFO  jepsen.util - 1\t:info\t:cas\t:timed-out\n\
        INFO  jepsen.util - 0\t:ok\t:write\t3\n\
        INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
        INFO  jepsen.util - 0\t:fail\t:read\t:timed-out\n\
        Linearizable prefix was:\n0\t:invoke\t:read\t9\n";
    let reading = reading(text);
    assert_eq!(reading.format, Format::JepsenLog);
    let expected = [
        "0: write x 3, ok",
        "1: cas x 3 → 4, info",
        "0: read x, fail",
    ];
    assert_eq!(operations(&reading.history), expected);
    assert_eq!(reading.history.event(2).error, Some(ErrorName::TIMEOUT));
    let warnings = reading.history.warnings();
    assert_eq!(warnings, ["events of the nemesis: 1; they were left out"]);
    assert!(!reading.history.truncated());
}

#[test]
fn newer_logs_and_history_txt() {
    let newer = "2024-01-01 12:00:00,1\tINFO\t[jepsen worker 0] jepsen.util: 0\t:invoke\t:txn\t[[:r 1 nil]]\n\
        2024-01-01 12:00:00,2\tINFO\t[jepsen worker 0] jepsen.util: 0\t:info\t:txn\t[[:r 1 nil]]\t[:net \"gone away\"]\n";
    let history_txt =
        "0\t:invoke\t:txn\t[[:r 1 nil]]\n0\t:info\t:txn\t[[:r 1 nil]]\t[:net \"gone away\"]\n";
    for text in [newer, history_txt] {
        let history = history(text);
        assert_eq!(operations(&history), ["0: txn { read 1 }, info"]);
        let completion = &history.event(1);
        assert_eq!(completion.error, Some(ErrorName::new("net")));
        assert_eq!(completion.detail.as_deref(), Some("gone away"));
    }
}

#[test]
fn a_torn_log_line_is_left_out() {
    let whole = "0\t:invoke\t:write\t3\n0\t:ok\t:write\t3\n";
    assert!(!history(whole).truncated());
    // Without its newline the value might have been 34.
    for torn in [
        "0\t:invoke\t:write\t3\n0\t:ok\t:write\t3",
        "0\t:invoke\t:cas\t[1 2]\n0\t:ok\t:cas\t[1",
    ] {
        let history = history(torn);
        assert!(history.truncated(), "{torn}");
        assert_eq!(history.operations()[0].outcome, Outcome::Info);
    }
    let closed = history("0\t:invoke\t:cas\t[1 2]\n0\t:ok\t:cas\t[1 2]");
    assert!(!closed.truncated() && closed.operations()[0].outcome == Outcome::Ok);
}

#[test]
fn porcupine_kv() {
    let text = r#"{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}
        {:process 1, :type :invoke, :f :get, :key "0", :value nil}
        {:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}
        {:process 1, :type :ok, :f :get, :key "0", :value ""}
        {:process 1, :type :invoke, :f :put, :key "0", :value "a"}
        {:process 1, :type :ok, :f :put, :key "0", :value "a"}"#;
    let reading = reading(text);
    assert_eq!(reading.format, Format::PorcupineKv);
    assert_eq!(
        operations(&reading.history),
        [
            "0: append 0 x 0 0 y, ok",
            "1: read 0 → nothing, ok",
            "1: write 0 a, ok"
        ]
    );
}

#[test]
fn transactions_of_both_kinds() {
    let text = "{:index 0 :type :invoke, :process 0, :f nil, :value ([:append :x 1] [:r \"y\" nil] [:w 7 nil])}
        {:index 1 :type :ok, :process 0, :f :txn, :value [[:append :x 1] [:r \"y\" [1 2]] [:w 7 nil]]}
        {:type :ok, :process 1, :f :txn, :value [[:r :x] [:r :z nil]]}
        {:type :ok, :process 2, :f :txn, :value []}
        {:type :ok, :process 3, :f :txn, :value [[:rp :true {:x 1}]]}";
    assert_eq!(
        operations(&history(text)),
        [
            "0: txn { append x 1, read y → [1 2], write 7 nothing }, ok",
            "1: txn { read x → nothing, read z → nothing }, ok",
            "2: txn { }, ok",
            "3: txn { read all that are there → {x 1} }, ok",
        ]
    );
}

#[test]
fn tuples_are_keys_if_every_value_is_one() {
    let text = "{:process 0 :type :invoke :f :write :value [:a 1]}
        {:process 1 :type :invoke :f :cas :value [2 [1 3]]}
        {:process 0 :type :ok :f :write :value [:a 1]}
        {:process 1 :type :info :f :cas :value [2 [1 3]] :error :timeout}
        {:process 0 :type :invoke :f :read :value [:a nil]}
        {:process 0 :type :ok :f :read :value [:a 1]}
        {:process 0 :type :invoke :f :acquire :value [:a nil]}";
    let reading = reading(text);
    assert!(reading.keyed);
    assert_eq!(
        operations(&reading.history),
        [
            "0: write a 1, ok",
            "1: cas 2 1 → 3, info",
            "0: read a → 1, ok",
            "0: acquire a, info"
        ]
    );
    let off = with(text, None, Keyed::Off).unwrap();
    assert!(!off.keyed);
    assert_eq!(
        operations(&off.history)[..2],
        ["0: write x [:a 1], ok", "1: cas x 2 → [1 3], info"]
    );
}

#[test]
fn one_other_value_shows_that_tuples_are_values() {
    let tuples = "{:process 0 :type :invoke :f :write :value [:a 1]}
        {:process 0 :type :ok :f :write :value [:a 1]}
        {:process 0 :type :invoke :f :cas :value [5 [6 7]]}
        {:process 0 :type :fail :f :cas :value [5 [6 7]]}
        {:process 0 :type :invoke :f :add :value [\":a\" nil]}
        {:process 0 :type :ok :f :add :value [\":a\" nil]}
        {:process 0 :type :invoke :f :read :value [:a nil]}
        {:process 0 :type :ok :f :read :value [:a 1]}\n";
    assert!(reading(tuples).keyed);
    let text = format!("{tuples}{{:process 0 :type :invoke :f :read :value nil}}");
    let late = reading(&text);
    assert!(!late.keyed);
    // The same as if it had been known from the first row on.
    let off = with(&text, None, Keyed::Off).unwrap();
    assert_eq!(late.history.events(), off.history.events());
    assert_eq!(operations(&late.history)[0], "0: write x [:a 1], ok");
    assert_eq!(
        operations(&late.history)[2],
        "0: add x [\":a\" nothing], ok"
    );

    let error = with(&text, None, Keyed::On).unwrap_err();
    assert_eq!((error.line, error.field.as_deref()), (9, Some("value")));
    assert_eq!(error.expected, "a tuple [key value], or `--keyed off`");
}

#[test]
fn pairs_of_a_compare_and_set_are_no_tuples() {
    let text = "{:process 0 :type :invoke :f :cas :value [1 2]}
        {:process 0 :type :ok :f :cas :value [1 2]}";
    let reading = reading(text);
    assert!(!reading.keyed);
    assert_eq!(operations(&reading.history), ["0: cas x 1 → 2, ok"]);
}

#[test]
fn a_lost_value_is_that_of_the_invocation() {
    let text = "{:process 0 :type :invoke :f :write :value [1 5]}
        {:process 1 :type :invoke :f :write :value [1 6]}
        {:process 0 :type :info :f :write :value :timed-out}
        {:process 1 :type :ok :f :write :value nil}";
    let reading = reading(text);
    assert!(reading.keyed);
    let expected = ["0: write 1 5, info", "1: write 1 6, ok"];
    assert_eq!(operations(&reading.history), expected);
    assert_eq!(reading.history.event(2).error, Some(ErrorName::TIMEOUT));
}

#[test]
fn values_are_equal_only_where_they_are() {
    let forms = [
        "nil",
        "7",
        "-7",
        "\"7\"",
        ":x",
        "\"x\"",
        "\":x\"",
        "x",
        "\"'x\"",
        "true",
        "\"true\"",
        "\"nil\"",
        "2.5",
        "\"2.5\"",
        "1/2",
        "\"1/2\"",
        "\\a",
        "\"\\\\a\"",
        "\"a\"",
        "99999999999999999999",
        "99999999999999999998",
        "\"99999999999999999999\"",
        "{:a 1}",
        "{\"a\" 1}",
        "\"{:a 1}\"",
        "[1 2]",
        "[2 1]",
        "[]",
        "\"\"",
        "#inst \"2020\"",
        "\"#inst \\\"2020\\\"\"",
        ":a/b",
        "\"\\\"x\\\"\"",
        "##Inf",
        "[nil]",
    ];
    for (at, one) in forms.iter().enumerate() {
        for (other_at, other) in forms.iter().enumerate() {
            assert_eq!(
                value(one) == value(other),
                at == other_at,
                "{one} and {other}"
            );
        }
    }
    let same = [
        ("7", "+7"),
        ("7", "7N"),
        ("[1 2]", "(1 2)"),
        ("#{1 2}", "#{2 1}"),
        ("{:a 1 :b 2}", "{:b 2, :a 1}"),
        ("\"a\\u0062\"", "\"ab\""),
        ("[1 #_ 2 3]", "[1 3]"),
        ("^{:m 1} [1]", "[1]"),
        ("#_ 1 2", "2"),
    ];
    for (one, other) in same {
        assert_eq!(value(one), value(other), "{one} and {other}");
    }
    assert_eq!(value("\"\\ud83d\\ude00\""), Value::from("😀"));
    assert_eq!(value(":x"), Value::from(":x"));
    assert_eq!(value("\"n1:80\""), Value::from("n1:80"));
    assert_eq!(value("\"10.0.0.1:80\""), Value::from("10.0.0.1:80"));
    assert_eq!(value("#{3 1 2}"), Value::list([1, 2, 3].map(Value::Int)));
}

#[test]
fn keys_keep_their_natural_names_and_stay_apart() {
    let text = "{:type :ok :process 0 :f :txn :value [[:w :x 1] [:w \"x\" 2] [:w x 3] [:w 5 4] [:w \"5\" 5] [:w [1 2] 6] [:w nil 7]]}
        {:type :ok :process 0 :f :txn :value [[:w \"x\" 8] [:w :x 9]]}";
    assert_eq!(
        operations(&history(text)),
        [
            "0: txn { write x 1, write \"x\" 2, write 'x 3, write 5 4, write \"5\" 5, write [1 2] 6, write nil 7 }, ok",
            "0: txn { write \"x\" 8, write x 9 }, ok",
        ]
    );
}

#[test]
fn what_is_not_understood_is_carried_without_loss() {
    let text = "{:process 0 :type :invoke :f :transfer :value {:from 1, \"to\" 2, 3 #{:a}, :rate 1/3, :f 2.5, :at #inst \"2020\", :ok true}}";
    let history = history(text);
    let event = history.event(0);
    let Some(Op::Custom { name, args }) = event.op() else {
        panic!("{:?}", history.events());
    };
    assert_eq!(name, "transfer");
    let expected = json!({
        ":from": 1, "to": 2, "3": {"#set": [":a"]}, ":rate": {"#number": "1/3"}, ":f": 2.5,
        ":at": {"#inst": "2020"}, ":ok": true
    });
    assert_eq!(*args, expected);
}

#[test]
fn completions_alone_are_operations() {
    let text = "{:process 0 :type :ok :f :txn :value [[:append :x 1]]}
        {:process 0 :type :ok :f :txn :value [[:r :x [1]]]}
        {:process 1 :type :fail :f :txn :value [[:append :x 2]]}";
    let history = history(text);
    let operations = history.operations();
    assert_eq!(operations.len(), 3);
    assert!(operations.iter().all(|operation| operation.start == 0));
    assert!(operations[0].end < operations[1].end);
    assert_eq!(operations[0].session, operations[1].session);
    assert_eq!(history.warnings().len(), 1);
}

#[test]
fn rows_without_process_are_paired_by_what_they_do() {
    let text = "{:type :invoke :value [[:append 1 1]]}
        {:type :invoke :value [[:append 1 2]]}
        {:type :ok :value [[:append 1 2]]}
        {:type :ok :value [[:append 1 1]]}";
    let history = history(text);
    let pairs: Vec<_> = history
        .operations()
        .iter()
        .map(|o| (o.invoke, o.complete))
        .collect();
    assert_eq!(pairs, [(0, Some(3)), (1, Some(2))]);
    assert_ne!(
        history.operations()[0].session,
        history.operations()[1].session
    );
}

#[test]
fn a_completion_of_several_equal_operations_may_be_of_any() {
    let text = "{:type :invoke :f :write :value 1}
        {:type :invoke :f :read :value nil}
        {:type :ok :f :write :value 1}
        {:type :invoke :f :read :value nil}
        {:type :ok :f :read :value 1}
        {:type :ok :f :read :value nil}";
    let history = history(text);
    // The read of 1 may be either; the one that is left is then the first.
    assert_eq!(
        operations(&history),
        [
            "0: write x 1, ok",
            "1: read x → nothing, ok",
            "3: read x → 1, ok"
        ]
    );
    assert_eq!(history.operations()[2].start, 0);
    assert_eq!(history.warnings().len(), 2);
}

#[test]
fn a_process_with_two_open_operations() {
    let text = "{:process 0 :type :invoke :f :write :value 1}
        {:process 0 :type :invoke :f :write :value 2}
        {:process 0 :type :ok :f :write :value 2}
        {:process 0 :type :ok :f :write :value 1}
        {:process 0 :type :invoke :f :write :value 3}";
    let overlapping = history(text);
    assert_eq!(
        operations(&overlapping),
        ["0: write x 1, ok", "1: write x 2, ok", "0: write x 3, info"]
    );
    let neither = text.replace(":ok :f :write :value 2", ":ok :f :write :value 9");
    let error = error(&neither);
    assert_eq!(
        error.to_string(),
        "line 3, column 9: process 0 completes none of its open operations (2); \
         expected one of them with its results"
    );
}

#[test]
fn rows_that_contradict_each_other_are_errors() {
    let twice = "{:process 3 :type :invoke :f :write :value 1}
{:process 3 :type :info :f :write :value 1}
{:process 3 :type :ok :f :write :value 1}";
    let other = "{:process 3 :type :invoke :f :write :value 1}
{:process 3 :type :ok :f :write :value 2}";
    for (text, expected) in [
        (
            twice,
            "line 3, column 1: process 3 completes an operation that it did not invoke; expected an invocation before it",
        ),
        (
            other,
            "line 2, column 1: it completes `write x 2`, but process 3 invoked `write x 1`; expected the invoked operation with its results",
        ),
    ] {
        assert_eq!(error(text).to_string(), expected);
    }
}

#[test]
fn processes_by_name_get_free_numbers() {
    let text = "{:process :worker-b :type :invoke :f :write :value 1}
        {:process 4 :type :invoke :f :write :value 2}
        {:process \"a\" :type :invoke :f :write :value 3}
        {:process :worker-b :type :ok :f :write :value 1}
        {:process \"nemesis\" :type :info :f :start}
        {:process \"4\" :type :ok :f :write :value 2}";
    assert_eq!(
        operations(&history(text)),
        ["5: write x 1, ok", "4: write x 2, ok", "6: write x 3, info"]
    );
}

#[test]
fn real_time_is_by_time_only_where_all_have_one() {
    let row = |kind: &str, process: u32, time: &str| {
        format!("{{:process {process} :type :{kind} :f :write :value {process}{time}}}\n")
    };
    let order = |times: [&str; 3]| {
        let rows = [
            row("invoke", 0, times[0]),
            row("ok", 0, times[1]),
            row("invoke", 1, times[2]),
        ];
        history(&rows.concat())
    };
    assert_eq!(
        order([" :time 1", " :time 2", " :time 3"]).order(),
        Order::Time
    );
    for times in [
        ["", "", ""],
        [" :time 0"; 3],
        [" :time -1"; 3],
        [" :time 1", "", " :time 3"],
    ] {
        assert_eq!(order(times).order(), Order::Index, "{times:?}");
    }
    // Closed intervals: what ends when another begins is concurrent with it.
    let touching = order([" :time 1", " :time 2", " :time 2"]);
    let [first, second] = touching.operations() else {
        panic!()
    };
    assert!(!first.precedes(second) && !second.precedes(first));
    assert_eq!(touching.warnings().len(), 1);
    let apart = order([" :time 1", " :time 2", " :time 3"]);
    assert!(apart.operations()[0].precedes(&apart.operations()[1]));
}

#[test]
fn the_files_own_indices_decide_where_all_rows_have_one() {
    let rows = [
        "{:index 5 :process 0 :type :ok :f :write :value 1}\n",
        "{:index 2 :process 0 :type :invoke :f :write :value 1}\n",
    ];
    let sorted = history(&rows.concat());
    assert_eq!(sorted.kind(0), Kind::Invoke);
    assert_eq!(sorted.operations().len(), 1);
    assert_eq!(
        sorted.warnings(),
        ["events were put into the order of their own indices"]
    );
    let repeated = rows
        .concat()
        .replace(":index 2", ":index 5")
        .replace(":ok", ":info");
    let repeated = history(&repeated);
    assert_eq!(repeated.kind(0), Kind::Info);
}
