//! The guarantees in a table: what each means, what the store claims, what was seen.

use maud::{Markup, html};

use super::verdict::{Answer, Verdict};

/// The section; `None` where nothing was asked.
pub(super) fn section(verdict: &Verdict) -> Option<Markup> {
    if verdict.guarantees.is_empty() {
        return None;
    }
    let claims = verdict.guarantees.iter().any(|it| it.claimed.is_some());
    // Of a survey, what the history is not about is named in one line.
    let several = verdict.guarantees.len() > 6;
    let strange = |it: &&Answer| {
        several
            && !it.asked
            && it.claimed.is_none()
            && it.reason.as_deref() == Some("not-applicable")
    };
    let (strange, shown): (Vec<&Answer>, Vec<&Answer>) =
        verdict.guarantees.iter().partition(strange);
    Some(html! {
        section {
            h2 { "Guarantees" }
            table.matrix {
                thead { tr {
                    th { "guarantee" }
                    @if claims { th { "claimed" } }
                    th { "observed" }
                    th { "on what ground" }
                } }
                tbody {
                    @for answer in shown {
                        tr class=(answer.tone()) {
                            th scope="row" {
                                @if answer.is_violated() && !answer.anomalies.is_empty() {
                                    a href={ "#" (answer.name) } { (answer.name) }
                                } @else { (answer.name) }
                                small { (answer.about()) }
                            }
                            @if claims { td data-label="claimed" { (answer.claim()) } }
                            @let (sign, word) = answer.observed();
                            td data-label="observed" { span.verdict { span.sign { (sign) } " " (word) } }
                            td data-label="on what ground" { (ground(answer)) }
                        }
                    }
                }
            }
            @if !strange.is_empty() {
                p.note {
                    "Not what the history is about: "
                    @for (at, answer) in strange.iter().enumerate() { @if at > 0 { ", " } (answer.name) }
                    "."
                }
            }
        }
    })
}

fn ground(answer: &Answer) -> Markup {
    let checked = html! {
        (count(answer.operations_checked, "operation"))
        @if answer.indeterminate > 0 { ", " (answer.indeterminate) " of them indeterminate" }
    };
    match answer.verdict.as_str() {
        "not-exercised" => html! { "this run did not evaluate it" },
        "violated" => html! {
            @if let Some(first) = answer.anomalies.first() {
                strong { (first.kind) }
                @if answer.anomaly_count > 1 { ", the first of " (answer.anomaly_count) }
                " in " (checked)
            }
        },
        "unknown" => html! {
            (answer.reason.as_deref().unwrap_or("unknown"))
            @match &answer.established {
                Some(established) => { ": " (established) }
                None => { ": " (checked) ", " (opportunities(answer.opportunities)) }
            }
        },
        _ => html! {
            (checked) ", " (opportunities(answer.opportunities)) " to see a violation"
            @if !answer.algorithm.is_empty() { " (" (answer.algorithm) ")" }
        },
    }
}

/// A number of things.
pub(super) fn count(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn opportunities(count: u64) -> String {
    match count {
        1 => "1 opportunity".to_owned(),
        count => format!("{count} opportunities"),
    }
}
