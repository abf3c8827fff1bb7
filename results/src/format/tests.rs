//! Limits and escapes: what others cannot read, they do not get.

use super::*;
use crate::{Case, Evidence, Status, StoredAnomaly, Suite};
use quick_junit::Report as Junit;

fn case(at: usize, status: Status, message: &str) -> Case {
    Case {
        cell: format!("store/register/fault-{at}/sim"),
        line: at as u64 + 1,
        guarantee: "linearizable".to_owned(),
        status,
        message: message.to_owned(),
        evidence: Vec::new(),
        alone: "polygraph test store".to_owned(),
    }
}

fn suite(cases: Vec<Case>) -> Suite {
    Suite {
        name: "many".to_owned(),
        file: Some("dir with space/c,1:2.toml".to_owned()),
        verdict: "violated".to_owned(),
        exit: 1,
        cases,
        ..Suite::default()
    }
}

fn evidence(explanation: &str) -> Evidence {
    Evidence {
        seed: Some(7),
        replay: "polygraph test store --seed 7".to_owned(),
        anomaly: StoredAnomaly {
            kind: "stale-read".to_owned(),
            explanation: explanation.to_owned(),
            operations: vec![4, 9],
            key: Some("x".to_owned()),
            confirmed: true,
        },
    }
}

#[test]
fn annotations_keep_to_what_github_shows() {
    let errors = |count| {
        (0..count)
            .map(|at| case(at, Status::Violated, "no"))
            .collect()
    };
    let text = github::annotations(&suite(errors(10)));
    assert_eq!(text.lines().count(), 10);
    assert!(!text.contains("more"), "{text}");
    let mut cases: Vec<Case> = errors(25);
    cases.extend((0..11).map(|at| case(at, Status::Unknown, "budget-steps")));
    let text = github::annotations(&suite(cases));
    let count = |start: &str| text.lines().filter(|it| it.starts_with(start)).count();
    assert_eq!((count("::error "), count("::warning ")), (10, 10), "{text}");
    assert!(
        text.contains("16 more") && text.contains("2 more"),
        "{text}"
    );
    // Nothing in a message begins a command of its own, or ends this one.
    let text = github::annotations(&suite(vec![case(0, Status::Violated, "50%\r\n::error::a")]));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("file=dir with space/c%2C1%3A2.toml,line=1,title="),
        "{text}"
    );
    assert!(text.contains("50%25 ::error::a"), "{text}");
}

#[test]
fn summaries_fit_and_say_what_did_not() {
    let long = "x".repeat(300);
    let mut cases: Vec<Case> = (0..5000).map(|at| case(at, Status::Holds, &long)).collect();
    cases.push(case(5000, Status::Violated, "the one that matters"));
    let all = suite(cases);
    assert!(markdown(&all).len() > 1 << 20);
    let text = github::step_summary(&all, 1000);
    assert!(text.len() <= (1 << 20) - 1000, "{}", text.len());
    assert!(text.contains("the one that matters"));
    let small = markdown_within(&all, 4000);
    assert!(
        small.len() <= 4000 && small.contains("the one that matters"),
        "{small}"
    );
    assert!(small.contains("more cases did not fit here"), "{small}");
    assert!(markdown_within(&all, 0).len() < 400, "a head at least");
    let few = suite(vec![case(0, Status::Holds, "fine")]);
    assert_eq!(markdown_within(&few, 1 << 20), markdown(&few));
}

#[test]
fn markdown_has_no_markup_of_others() {
    let mut bad = case(0, Status::Violated, "a|b <script> `c` *d*\nnext");
    bad.evidence.push(evidence("<b>|"));
    let text = markdown(&suite(vec![bad]));
    assert!(
        !text.contains("<script>") && !text.contains("<b>"),
        "{text}"
    );
    let row = text
        .lines()
        .find(|it| it.starts_with("| store"))
        .expect("a row");
    let bars = row.replace("\\|", "").matches('|').count();
    assert_eq!(bars, 5, "{row}");
}

#[test]
fn junit_is_read_whatever_is_in_it() {
    let mut bad = case(0, Status::Violated, "bell \u{7} and <&\"> and ]]>");
    bad.evidence.push(evidence(&"é]]>".repeat(30_000)));
    let documented = {
        let mut case = case(1, Status::ViolatedAsDocumented, "seen");
        case.evidence.push(evidence("as documented"));
        case
    };
    let cases = vec![
        bad,
        documented,
        case(2, Status::Unknown, "budget"),
        case(3, Status::Error, "no"),
        case(4, Status::NotSeen, "gone"),
        case(5, Status::Holds, "fine"),
    ];
    let all = suite(cases);
    for (strict, errors) in [(false, 1), (true, 2)] {
        let text = junit(&all, strict).unwrap();
        let read = Junit::deserialize_from_str(&text).unwrap();
        assert_eq!(
            (read.tests, read.failures, read.errors),
            (6, 2, errors),
            "{strict}"
        );
        assert!(text.len() < 80_000, "bodies are short: {}", text.len());
        assert!(!text.contains('\u{7}'));
        let seen = read.test_suites[0].test_cases[1].system_out.as_ref();
        assert!(seen.is_some_and(|it| it.as_str().contains("as documented")));
    }
}

#[test]
fn sarif_has_a_result_for_what_there_is_to_see() {
    let mut bad = case(3, Status::Violated, "no");
    bad.evidence.push(evidence("first"));
    let mut other = bad.clone();
    other.evidence[0].seed = Some(8);
    other.evidence[0].replay = "another".to_owned();
    let of =
        |cases| -> serde_json::Value { serde_json::from_str(&sarif(&suite(cases))).expect("JSON") };
    let value = of(vec![
        bad,
        case(1, Status::Holds, "fine"),
        case(2, Status::Unknown, "open"),
    ]);
    let results = value["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 2);
    assert_eq!(
        (&results[0]["level"], &results[1]["level"]),
        (&"error".into(), &"warning".into())
    );
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "dir%20with%20space/c%2C1%3A2.toml"
    );
    assert_eq!(place["region"]["startLine"], 4);
    let print =
        |value: &serde_json::Value| value["runs"][0]["results"][0]["partialFingerprints"].clone();
    assert_eq!(
        print(&value),
        print(&of(vec![other])),
        "seeds do not make it another"
    );
    assert_ne!(
        print(&value),
        print(&of(vec![case(3, Status::NotSeen, "gone")]))
    );
}
