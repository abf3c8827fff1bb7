//! What is no history gives one clear sentence, and nothing makes a reader panic.

use polygraph_history::{FORMATS, Format, Keyed, ReadError, ReadOptions, read};
use proptest::prelude::*;

fn error(bytes: &[u8]) -> ReadError {
    match read(bytes, ReadOptions::default()) {
        Ok(reading) => panic!("read as {}", reading.format),
        Err(error) => error,
    }
}

const HEADER: &str = "{\"polygraph\":1}\n";
const EVENT: &str = "{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\",\"op\":{\"read\":{\"key\":\"x\"}}}\n";

#[test]
fn each_problem_is_named_with_its_place() {
    let deep = "[".repeat(200_000);
    let deep_json = format!("{{\"value\":{deep}");
    let deep_sets = format!("{{:value {}", "#{".repeat(200_000));
    let deep_tags = format!("{{:value {}", "#a ".repeat(200_000));
    let deep_discards = "#_".repeat(200_000);
    let bad_line = format!("{HEADER}{EVENT}{{\"index\":1,\n{EVENT}");
    let gap = format!(
        "{HEADER}\n\n{EVENT}{}",
        EVENT.replace("\"index\":0", "\"index\":2")
    );
    let wrong_type = format!("{HEADER}{}", EVENT.replace("invoke", "begin"));
    let no_time = format!("{HEADER}{}", EVENT.replace("\"time\":1,", ""));
    let version = HEADER.replace('1', "2");
    let cases: &[(&[u8], &str)] = &[
        (
            b"",
            "line 1, column 1: the file is empty; expected a history",
        ),
        (
            b" \n\n ",
            "line 1, column 1: the file is empty; expected a history",
        ),
        (
            b"; nothing\n",
            "line 1, column 1: the history has no event; expected an operation of a client",
        ),
        (
            b"[]",
            "line 1, column 1: the history has no event; expected an operation of a client",
        ),
        (
            b"\x1f\x8b\x08\0\0\0",
            "line 1, column 1: the file is a gzip archive; expected the history itself, in UTF-8",
        ),
        (
            b"PK\x03\x04junk",
            "line 1, column 1: the file is a zip archive; expected the history itself, in UTF-8",
        ),
        (
            b"ab\xff\xfe",
            "line 1, column 3: byte 0xff is not text; expected a history in UTF-8",
        ),
        (
            b"hello, world\n",
            "line 1, column 1: the beginning is of no format known here; expected one of polygraph, jepsen-edn, jepsen-json, jepsen-log, porcupine-kv, fastlin, limo, plume, awdit, dbcop, timekiller",
        ),
        (
            b"{:process 0, :type :invoke, :f :read",
            "line 1, column 1: the file ends within what is opened here; expected `}`",
        ),
        (
            b"[{:process 0, :type :invoke, :f :read}\n",
            "line 1, column 1: the file ends within what is opened here; expected `]` at its end",
        ),
        (
            b"{:type :invoke :f :read}\n {:type :ok :value \"a",
            "line 2, column 20: a string is not closed; expected `\"`",
        ),
        (
            b"{:type :invoke :f :read]",
            "line 1, column 24: `]` closes what was opened otherwise; expected `}`",
        ),
        (
            b"{:type :invoke :f}",
            "line 1, column 1: a map with a key that has no value; expected keys and values in turn",
        ),
        (
            b"{:type :invoke :f :read}}",
            "line 1, column 25: `}` closes nothing; expected an operation or the end of the file",
        ),
        (
            b"[{:type :invoke :f :read})",
            "line 1, column 26: `)` closes what line 1, column 1 opened otherwise; expected `]`",
        ),
        (
            b"{:type :invoke :f :read} 7",
            "line 1, column 26: a form that is not the map of an operation; expected a map like {:process 0, :type :invoke, :f :read, :value nil}",
        ),
        (
            b"{:type :start :f :read}",
            "line 1, column 8: the type is `:start`; expected a type: invoke, ok, fail or info",
        ),
        (
            b"\n  {:f :read}",
            "line 2, column 3: an operation without a type; expected a type: invoke, ok, fail or info",
        ),
        (
            b"{:type :ok :time 1.5 :f :read}",
            "line 1, column 18: the time is `1.5`; expected an integer, nanoseconds",
        ),
        (
            b"{:type :ok :process [1] :f :read}",
            "line 1, column 21: the process is `[1]`; expected a number or :nemesis",
        ),
        (
            b"{:type :ok :value \"\\q\" :f :read}",
            "line 1, column 20: an unknown escape `\\q`; expected one of \\\" \\\\ \\n \\t \\r \\b \\f \\uXXXX",
        ),
        (
            b"{:type :ok :value #(a) :f :read}",
            "line 1, column 19: `#(` is not EDN; expected a set `#{…}`, a tag `#name` or `#_`",
        ),
        (
            b"{:type :ok :value \"\xff\" :f :read}\n",
            "line 1, column 20: byte 0xff is not text; expected a history in UTF-8",
        ),
        (
            b"{:type :ok :f :a}\n{:type :ok :value \"\xff\" :f :read}\n",
            "line 2, column 20: a byte that is not text; expected UTF-8",
        ),
        (
            b"{\"type\":\"ok\",\"f\":\"a\",\"value\":tru}",
            "line 1, column 30: `t` is not JSON here; expected a JSON value",
        ),
        (
            b"{\"type\":\"ok\",\"f\":\"a\",}",
            "line 1, column 22: `}` is not JSON here; expected a key in quotes",
        ),
        (
            b"{\"type\":\"ok\" \"f\":\"a\"}",
            "line 1, column 14: `\"` is not JSON here; expected `,` or `}`",
        ),
        (
            b"[{\"type\":\"ok\",\"f\":\"a\",\"value\":01}]",
            "line 1, column 31: `0` is not JSON here; expected a JSON value",
        ),
        (
            b"[{\"type\":\"ok\",\"f\":\"a\",\"value\":[1",
            "line 1, column 31: the file ends within what is opened here; expected `]`",
        ),
        (
            deep.as_bytes(),
            "line 1, column 130: forms are nested more than 128 deep; expected the operations of a history",
        ),
        (
            deep_json.as_bytes(),
            "line 1, column 137: values are nested more than 128 deep; expected the operations of a history",
        ),
        (
            deep_sets.as_bytes(),
            "line 1, column 263: forms are nested more than 128 deep; expected the operations of a history",
        ),
        (
            deep_tags.as_bytes(),
            "line 1, column 390: forms are nested more than 128 deep; expected the operations of a history",
        ),
        (
            deep_discards.as_bytes(),
            "line 1, column 257: forms are nested more than 128 deep; expected the operations of a history",
        ),
        (
            EVENT.as_bytes(),
            "line 1, column 1: the history has no header; expected a first line like {\"polygraph\":1,\"spec\":{…}}",
        ),
        (
            HEADER.as_bytes(),
            "line 2, column 1: the history has no event; expected an event after the header",
        ),
        (
            version.as_bytes(),
            "line 1, column 1: the history has format version 2; expected version 1",
        ),
        (
            gap.as_bytes(),
            "line 5, column 1: its index is 2; expected 1",
        ),
    ];
    let mut wrong = Vec::new();
    for (bytes, expected) in cases {
        let text = error(bytes).to_string();
        if text != *expected {
            wrong.push(format!("got:  {text}\nwant: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (text, line, field) in [
        (&bad_line, 3, None),
        (&wrong_type, 2, None),
        (&no_time, 2, Some("time")),
    ] {
        let error = error(text.as_bytes());
        assert_eq!(
            (error.line, error.field.as_deref()),
            (line, field),
            "{error}"
        );
        assert!(error.expected.starts_with("an event like"), "{error}");
    }
}

#[test]
fn a_directory_is_no_history() {
    let directory = std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let error = read(directory, ReadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1, column 1: it is a directory; expected a file"
    );
}

#[test]
fn a_torn_last_line_of_ours_is_left_out() {
    let second = EVENT
        .replace("\"index\":0", "\"index\":1")
        .replace("invoke", "ok");
    let whole = format!("{HEADER}{EVENT}{}", second.trim_end());
    let reading = read(whole.as_bytes(), ReadOptions::default()).unwrap();
    assert!(!reading.history.truncated(), "only its newline is missing");
    assert_eq!(reading.history.events().len(), 2);
    let first = HEADER.len() + EVENT.len();
    for end in first + 1..whole.len() {
        let reading = read(&whole.as_bytes()[..end], ReadOptions::default()).unwrap();
        assert!(reading.history.truncated(), "{end}");
        assert_eq!(reading.history.events().len(), 1);
        assert_eq!(
            reading.history.warnings(),
            ["line 3 is torn and was left out"]
        );
    }
    // A file system may leave zeros where a line was not written to the disk.
    let zeros = format!("{HEADER}{EVENT}\0\0\0\0");
    assert!(
        read(zeros.as_bytes(), ReadOptions::default())
            .unwrap()
            .history
            .truncated()
    );
    // But what is whole and wrong was not torn.
    let wrong = format!(
        "{HEADER}{EVENT}{}",
        second.trim_end().replace("\"ok\"", "\"yes\"")
    );
    assert_eq!(error(wrong.as_bytes()).line, 3);
}

#[test]
fn formats_by_name() {
    assert_eq!("jepsen-log".parse(), Ok(Format::JepsenLog));
    let error = "csv".parse::<Format>().unwrap_err();
    assert!(
        error.contains("`csv`") && error.contains("porcupine-kv"),
        "{error}"
    );
    let options = ReadOptions {
        format: Some(Format::Polygraph),
        ..ReadOptions::default()
    };
    let error = read(&b"{:type :ok}"[..], options).unwrap_err();
    assert!(error.expected.starts_with("a header"), "{error}");
}

/// A chunk's end may fall anywhere: the same history with every row moved by a byte.
#[test]
fn rows_across_the_ends_of_chunks() {
    let mut text = String::new();
    let rows = 20_000;
    for index in 0..rows {
        let kind = if index % 2 == 0 { "invoke" } else { "ok" };
        text += &format!(
            "{{:type :{kind} :process 0 :f :write :value \"é{}\"}} ; {index}\n",
            index / 2
        );
    }
    assert!(text.len() > 3 << 18);
    for shift in 0..64 {
        let shifted = " ".repeat(shift) + &text;
        let history = read(shifted.as_bytes(), ReadOptions::default())
            .unwrap()
            .history;
        assert_eq!(history.events().len(), rows);
        let last = history.op(history.operations().last().unwrap()).to_string();
        assert_eq!(last, "write x é9999");
    }
    let broken = text.clone() + "{:type :oops}";
    assert_eq!(
        (
            error(broken.as_bytes()).line,
            error(broken.as_bytes()).column
        ),
        (rows + 1, 8)
    );
}

const SEEDS: &[&str] = &[
    "w(1,0,0,0)\nw(1,5,1,1)\nr(1,5,2,-1)\nr(1,5,2,2)\nr( 1 ,0,1,1)\n",
    "w 0 0\nw 1 0\n=====\nr 0 0\n-----\nw 0 1\n",
    "[[{\"events\":[[\"w\",0,1],{\"Read\":{\"variable\":0,\"version\":null}}],\"committed\":true}],[{\"events\":[{\"write\":false,\"variable\":1,\"value\":2,\"success\":true}],\"success\":false}]]",
    "[{\"sid\":1,\"sts\":{\"p\":\"7\",\"l\":0},\"cts\":{\"p\":9,\"l\":1},\"ops\":[{\"t\":\"r\",\"k\":1,\"v\":0},{\"t\":\"a\",\"k\":2,\"v\":3}]}]",
    "{:type :invoke :process 0 :f :init :value {:x 1}}{:type :ok :process 0 :f :init :value {:x 1}}{:type :invoke :process 0 :value [[:rp [:mod 2 1] nil] [:delete :x] [:insert :y 1]]}{:type :ok :process 0 :value [[:rp [:mod 2 1] {:x 1}] [:delete :x] [:insert :y 1]]}",
    "{:type :invoke :process 0 :f :assign :value [1 2]}{:type :ok :process 0 :f :assign :value [1 2]}{:type :invoke :process 0 :f :txn :value [[:send 1 5] [:poll]]}{:type :ok :process 0 :f :txn :value [[:send 1 [0 5]] [:poll {1 [[0 5]]}]]}",
    "[{:process 0, :type :invoke, :f :cas, :value [1 [2 3]], :time 10, :index 0}\n {:process 0, :type :info, :f :cas, :value :timed-out, :error [:net \"x\\u0041\"]}]",
    "{:type :invoke :f :txn :value [[:r #{1} nil] [:append \"k\" 1/2] [:w \\a {:a 1.5}]]} ; x\n#_ 1 #t {:type :ok, :value [[:r #{1} [1 2]] [:append \"k\" 1/2] [:w \\a {:a 1.5}]]}",
    "[{\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"process\":1},{\"type\":\"ok\",\"f\":\"read\",\"value\":[1,2.5e3,\"\\u00e9\"],\"process\":1}]",
    "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - :nemesis\t:info\t:start\t\"x\"\nINFO  jepsen.util - 0\t:info\t:cas\t:timed-out\n",
    "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x\"}\n{:process 0, :type :ok, :f :append, :key \"0\", :value \"x\"}",
    "{\"polygraph\":1}\n{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\",\"op\":{\"txn\":[{\"append\":{\"key\":\"x\",\"value\":5}}]}}\n{\"index\":1,\"time\":2,\"process\":\"nemesis\",\"type\":\"info\",\"fault\":{\"id\":1,\"kind\":\"kill\",\"phase\":\"start\",\"shape\":\"one\",\"effect\":{\"kill\":[\"n1\"]}}}\n",
];

/// How many random cases are tried, times the factor of the environment.
fn cases() -> ProptestConfig {
    let factor = std::env::var("POLYGRAPH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(2000 * factor.unwrap_or(1_u32))
}

/// Reads in every way; a panic is the failure.
fn read_all_ways(bytes: &[u8]) {
    let named = FORMATS.iter().map(|&(format, _)| Some(format));
    for format in named.chain([None]) {
        for keyed in [Keyed::Auto, Keyed::On, Keyed::Off] {
            if let Err(error) = read(bytes, ReadOptions { format, keyed }) {
                assert!(error.line > 0 && error.column > 0 && !error.problem.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes);
    }

    #[test]
    fn random_syntax_never_panics(text in "([\\[\\](){}#_^;,:\"\\\\ \n0-9a-f.+-]|nil|:type :ok |:f |:value ){0,60}") {
        read_all_ways(text.as_bytes());
        read_all_ways(format!("{{:type :ok :f :read :value {text}}}").as_bytes());
    }

    #[test]
    fn mutations_never_panic(
        seed in 0..SEEDS.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, edit, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"[](){}\"#:\\_;, \n"[byte as usize % 15]),
                _ => bytes.truncate(at),
            }
        }
        read_all_ways(&bytes);
    }
}

#[test]
fn the_seeds_of_mutation_are_histories() {
    for seed in SEEDS {
        read(seed.as_bytes(), ReadOptions::default())
            .unwrap_or_else(|error| panic!("{error}: {seed}"));
    }
}
