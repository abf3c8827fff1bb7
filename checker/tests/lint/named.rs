//! Each finding in the smallest history that has it.

use polygraph_checker::lint;

use super::{found, history, names, parse, row};

#[test]
fn a_clean_history_has_no_finding() {
    let clean = [
        "0 invoke txn [[:append 1 1] [:r 2 nil]]",
        "1 invoke txn [[:r 1 nil]]",
        "0 ok txn [[:append 1 1] [:r 2 []]]",
        "1 ok txn [[:r 1 [1]]]",
        "2 invoke txn [[:append 1 2]]",
        "2 info txn [[:append 1 2]] ! timeout",
        "1 invoke txn [[:append 1 3]]",
        "1 fail txn [[:append 1 3]] ! conflict",
    ];
    assert_eq!(found(&clean), Vec::<&str>::new());
}

#[test]
fn one_value_of_one_key_is_written_twice() {
    let lines = [
        "0 invoke txn [[:w 1 7]]",
        "1 invoke txn [[:w 1 7] [:w 2 7]]",
        "0 ok txn [[:w 1 7]]",
        "1 ok txn [[:w 1 7] [:w 2 7]]",
    ];
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["duplicate-write"]);
    assert_eq!(findings[0].count, 1);
    let example = &findings[0].examples[0];
    assert_eq!(example.events, [0, 1]);
    assert_eq!(
        example.sentence,
        "process 0 (event 0) and process 1 at 0.000 s (event 1) both wrote 1 = 7"
    );
    // Registers that are written to one by one may well hold the same value twice.
    let single = [
        "0 invoke write 7",
        "1 invoke write 7",
        "0 ok write 7",
        "1 ok write 7",
    ];
    assert_eq!(found(&single), Vec::<&str>::new());
    // A value that failed to be written is free.
    let again = [
        "0 invoke txn [[:w 1 7]]",
        "0 fail txn [[:w 1 7]] ! conflict",
        "0 invoke txn [[:w 1 7]]",
        "0 ok txn [[:w 1 7]]",
    ];
    assert_eq!(found(&again), Vec::<&str>::new());
}

#[test]
fn values_come_out_of_nowhere() {
    let lines = [
        "0 invoke txn [[:append 1 1]]",
        "1 invoke txn [[:r 1 nil]]",
        "0 ok txn [[:append 1 1]]",
        "1 ok txn [[:r 1 [1 9]]]",
    ];
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["unwritten-value"]);
    assert_eq!(findings[0].examples[0].events, [1]);
    let initial = [
        "0 invoke write 7",
        "1 invoke read nil",
        "1 ok read 0",
        "0 ok write 7",
    ];
    assert_eq!(found(&initial), ["initial-value"]);
    // An operation that nobody here understands may have written it.
    let custom = [
        "0 invoke write 7",
        "1 invoke blend 9",
        "1 ok blend 9",
        "0 ok write 7",
        "0 invoke read nil",
        "0 ok read 9",
    ];
    assert_eq!(found(&custom), ["unknown-operation"]);
}

/// Twenty writers that fail, of whom so many are seen, each with its error.
fn failures(seen: impl Fn(usize) -> bool, error: impl Fn(usize) -> &'static str) -> String {
    let mut lines = Vec::new();
    for at in 0..20 {
        let write = format!("[[:w {at} {at}]]");
        lines.push(format!("0 invoke txn {write}"));
        lines.push(format!("1 invoke txn [[:r {at} nil]]"));
        lines.push(format!("0 fail txn {write} ! {}", error(at)));
        let value = if seen(at) {
            at.to_string()
        } else {
            "nil".to_owned()
        };
        lines.push(format!("1 ok txn [[:r {at} {value}]]"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let findings = lint(&history(&lines));
    let finding = findings.iter().find(|it| it.name == "failed-but-observed");
    finding.expect("some were seen").sentence.clone()
}

#[test]
fn failed_writes_are_seen() {
    let one_name = failures(
        |at| at < 8,
        |at| if at < 10 { "rejected" } else { "conflict" },
    );
    assert!(
        one_name.contains("0 of 10 with `conflict`, 8 of 10 with `rejected`"),
        "{one_name}"
    );
    assert!(one_name.contains("under the wrong outcome"), "{one_name}");
    let open = failures(|at| at == 1, |_| "timeout");
    assert!(open.contains("leaves the outcome open"), "{open}");
    let rare = failures(|at| at == 1, |_| "conflict");
    assert!(rare.contains("1 of 20 with `conflict`"), "{rare}");
    assert!(rare.contains("aborted reads"), "{rare}");
    let several = failures(|at| at % 3 == 0, |at| ["conflict", "deadlock"][at % 2]);
    assert!(several.contains("aborted reads"), "{several}");
}

#[test]
fn an_error_leaves_the_outcome_open_and_is_recorded_as_failure() {
    let lines = [
        "0 invoke write 1",
        "1 invoke read nil",
        "0 fail write 1 ! connection-lost",
        "1 fail read nil ! timeout",
    ];
    let lines: Vec<&str> = lines
        .into_iter()
        .chain(["1 invoke read nil", "1 ok read nil"])
        .collect();
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["open-failure"]);
    assert_eq!(findings[0].count, 1, "a read that failed changes nothing");
    assert!(findings[0].sentence.contains("1 with `connection-lost`"));
}

#[test]
fn a_process_goes_on_after_an_indeterminate_operation() {
    let lines = [
        "0 invoke write 1",
        "1 invoke read nil",
        "0 info write 1 ! timeout",
        "0 invoke read nil",
        "1 ok read 1",
        "0 ok read 1",
    ];
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["process-after-info"]);
    assert_eq!(findings[0].examples[0].events, [0, 3]);
}

#[test]
fn nobody_or_one_client_never_succeeds() {
    let mut lines = Vec::new();
    for _ in 0..10 {
        lines.extend(["0 invoke write 1", "1 invoke read nil"]);
        lines.extend(["0 fail write 1 ! refused", "1 ok read nil"]);
    }
    assert_eq!(found(&lines), ["client-never-succeeds"]);
    let failed: Vec<&str> = lines
        .into_iter()
        .filter(|line| line.starts_with('0'))
        .collect();
    assert_eq!(found(&failed), ["no-success"]);
}

#[test]
fn nothing_overlaps() {
    let lines: Vec<String> = (0..25)
        .flat_map(|at| {
            let value = format!("{} ok write {at}", at % 3);
            [value.replace("ok", "invoke"), value]
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(found(&lines), ["no-overlap"]);
    assert_eq!(found(&lines[..30]), Vec::<&str>::new(), "too short to say");
}

#[test]
fn reads_find_nothing() {
    let lines: Vec<String> = (0..6)
        .flat_map(|at| {
            [
                format!("0 invoke write {at}"),
                "1 invoke read nil".to_owned(),
                format!("0 ok write {at}"),
                "1 ok read nil".to_owned(),
            ]
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(found(&lines), ["reads-find-nothing"]);
    let keys: Vec<String> = (0..12)
        .flat_map(|at| {
            [
                format!("0 invoke txn [[:w {at} 1]]"),
                format!("1 invoke txn [[:r :k{at} nil]]"),
                format!("0 ok txn [[:w {at} 1]]"),
                format!("1 ok txn [[:r :k{at} nil]]"),
            ]
        })
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(found(&keys), ["never-written-key"]);
}

#[test]
fn one_key_is_several_things() {
    let lines = [
        "0 invoke txn [[:w 1 1] [:append 2 1]]",
        "1 invoke txn [[:append 1 2]]",
        "0 ok txn [[:w 1 1] [:append 2 1]]",
        "1 ok txn [[:append 1 2]]",
    ];
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["mixed-types", "mixed-workloads"]);
    assert_eq!(findings[0].examples[0].events, [0, 1]);
}

#[test]
fn transactions_do_nothing() {
    let lines = [
        "0 invoke txn []",
        "1 invoke txn [[:w 1 1]]",
        "0 ok txn []",
        "1 ok txn [[:w 1 1]]",
    ];
    assert_eq!(found(&lines), ["empty-transaction"]);
}

#[test]
fn operations_never_end() {
    let mut lines = vec!["9 invoke write 0"];
    for _ in 0..60 {
        lines.extend([
            "0 invoke write 1",
            "1 invoke read nil",
            "0 ok write 1",
            "1 ok read 1",
        ]);
    }
    lines.push("8 invoke write 0");
    let findings = lint(&history(&lines));
    assert_eq!(names(&findings), ["missing-completion"]);
    assert_eq!(findings[0].count, 1, "what is open in the end is usual");
}

#[test]
fn clocks_run_backwards() {
    let lines = [
        row("0 invoke write 1", "100"),
        row("1 invoke read nil", "90"),
        row("0 ok write 1", "80"),
        row("1 ok read 1", "200"),
    ];
    let findings = lint(&parse(&lines.join("\n")));
    assert_eq!(
        names(&findings),
        ["time-backwards", "ends-before-it-begins"]
    );
    assert_eq!(findings[0].count, 2);
    assert_eq!(findings[1].examples[0].events, [0, 2]);
    let tied = [
        row("0 invoke write 1", "100"),
        row("0 ok write 1", "200"),
        row("1 invoke read nil", "200"),
        row("1 ok read 1", "300"),
    ];
    // The order within a moment is decided by kind: what begins then comes before what ends.
    let findings = lint(&parse(&tied.join("\n")));
    assert_eq!(names(&findings), ["tied-times"]);
    assert_eq!(findings[0].count, 1);
}

#[test]
fn what_readers_tolerate_is_told() {
    let nobody = "{:type :invoke, :f :txn, :value [[:append 1 1]]}\n\
                  {:type :ok, :f :txn, :value [[:append 1 1]]}";
    let findings = lint(&parse(nobody));
    assert!(
        names(&findings).contains(&"missing-process"),
        "{findings:?}"
    );
    let uninvoked = [
        "0 ok txn [[:append 1 1]]",
        "1 invoke txn [[:append 1 2]]",
        "1 ok txn [[:append 1 2]]",
    ];
    assert_eq!(found(&uninvoked), ["missing-invocation"]);
    let overlapping = [
        "0 invoke txn [[:append 1 1]]",
        "0 invoke txn [[:append 1 2]]",
        "0 ok txn [[:append 1 2]]",
        "0 ok txn [[:append 1 1]]",
    ];
    assert_eq!(found(&overlapping), ["process-overlap"]);
    let alike = [
        "0 invoke txn [[:r 1 nil]]",
        "0 invoke txn [[:r 1 nil]]",
        "0 ok txn [[:r 1 []]]",
        "0 ok txn [[:r 1 []]]",
    ];
    let findings = lint(&history(&alike));
    assert_eq!(
        names(&findings),
        ["process-overlap", "ambiguous-completion"]
    );
    let untimed = format!(
        "{}\n{{:process 0, :type :ok, :f :write, :value 1}}",
        row("0 invoke write 1", "5")
    );
    assert_eq!(names(&lint(&parse(&untimed))), ["missing-time"]);
    // Whatever a finding repeats, `check` leaves out of its notes.
    for warning in parse(nobody).warnings() {
        assert!(lint::tells(warning), "{warning}");
    }
}
