//! JUnit XML: a suite, a case for each test and guarantee, a failure for each anomaly.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::clipped;
use crate::{Case, Status, Suite};

/// A suite as JUnit XML. What could not be decided is skipped, or with `strict` an error where it
/// is claimed or asked for: JUnit has no word for it. Bodies stay below 64 KB, which is what
/// readers take.
///
/// # Errors
/// What writing gives.
pub fn junit(suite: &Suite, strict: bool) -> Result<String, String> {
    let mut inner = TestSuite::new(&suite.name);
    inner.add_property(("verdict", suite.verdict.as_str()));
    inner.add_property(("runs", suite.runs.to_string().as_str()));
    for case in &suite.cases {
        inner.add_test_case(of_case(suite, case, strict));
    }
    let mut report = Report::new(&suite.name);
    report.add_test_suite(inner);
    report.to_string().map_err(|error| error.to_string())
}

fn of_case(suite: &Suite, case: &Case, strict: bool) -> TestCase {
    let failed = |kind, what: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(clipped(&case.message, 1000));
        status.set_type(what);
        status.set_description(clipped_body(&body(case)));
        status
    };
    let status = match case.status {
        status if status.fails() => {
            let kind = case.evidence.first().map(|it| it.anomaly.kind.as_str());
            failed(NonSuccessKind::Failure, kind.unwrap_or(status.name()))
        }
        Status::Error => failed(NonSuccessKind::Error, "harness"),
        Status::Unknown if strict => failed(NonSuccessKind::Error, "unknown"),
        status if status.skips() => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(clipped(&case.message, 1000));
            skipped
        }
        _ => TestCaseStatus::success(),
    };
    let mut test = TestCase::new(&case.guarantee, status);
    test.set_classname(&case.cell);
    if let Some(file) = &suite.file {
        test.extra.insert("file".into(), file.as_str().into());
        test.extra
            .insert("line".into(), case.line.to_string().into());
    }
    if case.status.is_violation() && !case.status.fails() {
        // It passes, and a reader may want to know what was seen.
        test.set_system_out(clipped_body(&body(case)));
    }
    test
}

/// The evidence, and how it is had again.
fn body(case: &Case) -> String {
    let mut text = format!("{}\n", case.message);
    for evidence in &case.evidence {
        let operations: Vec<_> = evidence
            .anomaly
            .operations
            .iter()
            .map(ToString::to_string)
            .collect();
        text += &format!(
            "\n{} ({}): {}\nevents: {}\nreplay: {}\n",
            evidence.anomaly.kind,
            if evidence.anomaly.confirmed {
                "confirmed"
            } else {
                "not confirmed"
            },
            evidence.anomaly.explanation,
            operations.join(", "),
            evidence.replay
        );
    }
    if case.evidence.is_empty() && !case.alone.is_empty() {
        text += &format!("\nalone: {}\n", case.alone);
    }
    text
}

/// At most 60,000 bytes of a text.
fn clipped_body(text: &str) -> String {
    const MOST: usize = 60_000;
    let at = (0..=MOST.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    match text.len() > MOST {
        true => format!("{}…", &text[..at.unwrap_or(0)]),
        false => text.to_owned(),
    }
}
