//! What tools mean differently: by the format of a file, or as the command line says.

mod program;

use std::fs;

use program::polygraph;
use serde_json::Value;
use tempfile::TempDir;

/// `polygraph check FILE --json …`, with the words of `more`.
fn check(folder: &TempDir, text: &str, more: &str) -> Value {
    fs::write(folder.path().join("history"), text).expect("there is room");
    let line = format!("check history --json {more}");
    let ran = polygraph(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).expect("a line of JSON");
    assert_eq!((ran.err.as_str(), &report["exit"]), ("", &ran.code.into()));
    report
}

/// Asserts what is answered, and that it is said what was assumed, if that is anything.
fn answers(text: &str, more: &str, verdict: &str, assumed: Option<&str>) {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let report = check(&folder, text, more);
    assert_eq!(report["verdict"], verdict, "{more}: {report}");
    let all = report["assumptions"].as_array().expect("a list");
    for possible in [STRICT, ANYBODY, "permits"] {
        let said = all.iter().filter_map(Value::as_str);
        let said = said.filter(|said| said.starts_with(possible)).count();
        let expected = assumed.is_some_and(|assumed| assumed.starts_with(possible));
        assert_eq!(said, usize::from(expected), "{more}: {possible}: {report}");
    }
    if let Some(assumed) = assumed {
        assert!(all.iter().any(|said| said == assumed), "{more}: {report}");
    }
}

const STRICT: &str = "adds and removals succeed only if they change the set";
const ANYBODY: &str = "anybody may release a lock";

#[test]
fn adding_twice_succeeds_once_in_texts_of_fastlin() {
    let twice = "# set\ninsert 1 1 0 1\ninsert 1 1 2 3\n";
    answers(twice, "", "violated", Some(STRICT));
    answers(twice, "--strict-sets off", "holds", None);
    let fails = "# set\ninsert 1 1 0 1\ninsert 1 0 2 3\nremove 2 0 4 5\n";
    answers(fails, "", "holds", Some(STRICT));
    let ours = r#"{"polygraph":1}
{"index":0,"time":0,"process":0,"type":"invoke","op":{"add":{"key":"x","value":1}}}
{"index":1,"time":1,"process":0,"type":"ok","op":{"add":{"key":"x","value":1}}}
{"index":2,"time":2,"process":0,"type":"invoke","op":{"remove":{"key":"x","value":2}}}
{"index":3,"time":3,"process":0,"type":"ok","op":{"remove":{"key":"x","value":2}}}
"#;
    answers(ours, "", "holds", None);
    answers(ours, "--strict-sets on", "violated", Some(STRICT));
}

#[test]
fn anybody_releases_a_lock_of_jepsens() {
    let jepsens = "
{:process 0, :type :invoke, :f :acquire, :value nil}
{:process 0, :type :ok, :f :acquire, :value nil}
{:process 1, :type :invoke, :f :release, :value nil}
{:process 1, :type :ok, :f :release, :value nil}
";
    answers(jepsens, "", "holds", Some(ANYBODY));
    answers(jepsens, "--lock-owners on", "violated", None);
    let ours = r#"{"polygraph":1}
{"index":0,"time":0,"process":0,"type":"invoke","op":{"acquire":{"key":"x"}}}
{"index":1,"time":1,"process":0,"type":"ok","op":{"acquire":{"key":"x"}}}
{"index":2,"time":2,"process":1,"type":"invoke","op":{"release":{"key":"x"}}}
{"index":3,"time":3,"process":1,"type":"ok","op":{"release":{"key":"x"}}}
"#;
    answers(ours, "", "violated", None);
    answers(ours, "--lock-owners off", "holds", Some(ANYBODY));
}

#[test]
fn a_semaphore_of_fptlin_has_no_permit_at_first() {
    let permits = |count| format!("permits at first: {count}, any number later");
    let taken = "# semaphore\n0 0 2 INCR 1\n1 3 5 DECR 1\n1 6 7 DECR 0\n";
    answers(taken, "", "holds", Some(&permits(0)));
    answers(taken, "--permits 1", "violated", Some(&permits(1)));
    let twice = "# semaphore\n0 0 2 INCR 1\n1 3 5 DECR 1\n1 6 7 DECR 1\n";
    answers(twice, "", "violated", Some(&permits(0)));
    answers(twice, "--permits 1", "holds", Some(&permits(1)));
    // As many as were given, however many.
    let given = "# semaphore\n0 0 1 INCR 1\n0 2 3 INCR 1\n1 4 5 DECR 1\n1 6 7 DECR 1\n";
    answers(given, "", "holds", Some(&permits(0)));
}

#[test]
fn whole_reads_of_sets_are_judged_at_one_moment() {
    let read = |read: &str, found: &str| {
        format!(
            r#"{{"polygraph":1}}
{{"index":0,"time":0,"process":0,"type":"invoke","op":{{"add":{{"key":"x","value":1}}}}}}
{{"index":1,"time":1,"process":0,"type":"ok","op":{{"add":{{"key":"x","value":1}}}}}}
{{"index":2,"time":2,"process":1,"type":"invoke","op":{{"read":{{"key":"x"}}}}}}
{{"index":3,"time":3,"process":0,"type":"invoke","op":{{"{read}":{{"key":"x","value":1}}}}}}
{{"index":4,"time":4,"process":0,"type":"ok","op":{{"{read}":{{"key":"x","value":1}}}}}}
{{"index":5,"time":5,"process":0,"type":"invoke","op":{{"add":{{"key":"x","value":2}}}}}}
{{"index":6,"time":6,"process":0,"type":"ok","op":{{"add":{{"key":"x","value":2}}}}}}
{{"index":7,"time":7,"process":1,"type":"ok","op":{{"read":{{"key":"x","value":{found}}}}}}}
"#
        )
    };
    answers(&read("remove", "[1]"), "", "holds", None);
    answers(&read("remove", "[2]"), "", "holds", None);
    answers(&read("remove", "[]"), "", "holds", None);
    // Each for itself, but never both.
    answers(&read("remove", "[1,2]"), "", "violated", None);
}
