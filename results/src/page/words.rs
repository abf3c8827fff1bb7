//! The answer in words: what was claimed, what was seen, and on what.

use maud::{Markup, html};
use polygraph_history::format_duration;
use polygraph_history::spec::Spec;
use std::time::Duration;

use super::matrix::count;
use super::verdict::{Answer, Verdict};

/// The answer on the whole.
pub(crate) struct Headline {
    /// The class of its colour.
    pub(crate) tone: &'static str,
    /// What needs no colour.
    pub(crate) sign: &'static str,
    /// The sentence.
    pub(crate) sentence: String,
}

/// What a verdict comes to.
pub(crate) fn headline(verdict: &Verdict) -> Headline {
    let named = |outcome: &str| {
        let these = verdict.guarantees.iter().filter(|it| it.outcome == outcome);
        let names: Vec<&str> = these.map(|it| it.name.as_str()).collect();
        list(&names)
    };
    let of = |tone, sign, sentence: String| Headline {
        tone,
        sign,
        sentence,
    };
    let has = |outcome: &str| verdict.guarantees.iter().any(|it| it.outcome == outcome);
    let were = |outcome: &str| match verdict
        .guarantees
        .iter()
        .filter(|it| it.outcome == outcome)
        .count()
    {
        1 => "was",
        _ => "were",
    };
    let store = verdict.target.as_deref().unwrap_or("the store");
    if has("claim-broken") {
        return of(
            "bad",
            "✗",
            format!("{store} broke what it claims: {}", named("claim-broken")),
        );
    }
    if has("violated") {
        return of(
            "bad",
            "✗",
            format!("{} {} violated", named("violated"), were("violated")),
        );
    }
    match verdict.exit {
        130 => {
            return of(
                "unsure",
                "?",
                "Interrupted, and nothing was found until then".to_owned(),
            );
        }
        4 => {
            return of(
                "unsure",
                "?",
                "No verdict: faults or the harness failed".to_owned(),
            );
        }
        3 => return of("unsure", "?", format!("Not decided: {}", named("unknown"))),
        _ => {}
    }
    let documented = "violated-as-documented";
    if has(documented) {
        let sentence = format!(
            "{} {} violated, as {store} documents",
            named(documented),
            were(documented)
        );
        return of("found", "✗", sentence);
    }
    let held = verdict
        .guarantees
        .iter()
        .filter(|it| it.verdict == "holds")
        .count();
    match held {
        0 => of("unsure", "?", "Nothing was decided".to_owned()),
        1 => of("good", "✓", format!("{} held", named("holds"))),
        count => of(
            "good",
            "✓",
            format!("All {count} guarantees that were checked held"),
        ),
    }
}

/// Names, as a sentence has them.
fn list(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

/// The top of a page.
pub(super) fn answer(name: &str, verdict: &Verdict, spec: Option<&Spec>) -> Markup {
    let Headline {
        tone,
        sign,
        sentence,
    } = headline(verdict);
    html! {
        header class={ "answer " (tone) } {
            p.what { (about(name, verdict)) }
            h1 { span.sign { (sign) } " " (sentence) }
            (claimed_and_seen(verdict))
            p.facts { (facts(verdict, spec)) }
        }
    }
}

fn about(name: &str, verdict: &Verdict) -> String {
    match (&verdict.target, &verdict.workload) {
        (Some(target), Some(workload)) => {
            format!("A test of {target} with the workload {workload}")
        }
        _ => format!("A check of {name}"),
    }
}

/// So many answers are named at the top.
const MOST: usize = 10;

fn claimed_and_seen(verdict: &Verdict) -> Markup {
    let claimed: Vec<&Answer> = verdict
        .guarantees
        .iter()
        .filter(|it| it.claimed == Some(true))
        .collect();
    let broken: Vec<&Answer> = verdict
        .guarantees
        .iter()
        .filter(|it| it.claimed == Some(false))
        .collect();
    let mut seen: Vec<&Answer> = verdict
        .guarantees
        .iter()
        .filter(|it| {
            it.verdict != "not-exercised" && it.reason.as_deref() != Some("not-applicable")
        })
        .collect();
    if seen.len() > MOST {
        // Of a survey what is not as it should be comes first.
        seen.sort_by_key(|it| match it.verdict.as_str() {
            "violated" => 0,
            "unknown" => 1,
            _ => 2,
        });
    }
    let names = |these: &[&Answer]| {
        html! {
            @for (at, it) in these.iter().enumerate() { @if at > 0 { ", " } strong { (it.name) } }
        }
    };
    html! {
        dl.summary {
            @if !claimed.is_empty() || !broken.is_empty() {
                dt { "Claimed" }
                dd {
                    @if claimed.is_empty() { "nothing" } @else { (names(&claimed)) " to hold" }
                    @if !broken.is_empty() { "; " (names(&broken)) " documented as broken" }
                }
            }
            dt { "Seen" }
            dd {
                @for answer in seen.iter().take(MOST) {
                    @let (sign, word) = answer.observed();
                    span class={ "chip " (answer.tone()) } { span.sign { (sign) } " " (answer.name) ": " (word) } " "
                }
                @if seen.len() > MOST { (seen.len() - MOST) " more below" }
            }
        }
    }
}

fn facts(verdict: &Verdict, spec: Option<&Spec>) -> Markup {
    let operations = verdict.operations;
    let settings = verdict.settings.iter().flatten();
    let settings: Vec<String> = settings
        .map(|(key, value)| match value.as_str() {
            Some(word) => format!("{key}={word}"),
            None => format!("{key}={value}"),
        })
        .collect();
    let faults: Vec<String> = verdict
        .faults
        .iter()
        .map(|it| format!("{} {} ({} seen to act)", it.applied, it.kind, it.verified))
        .collect();
    html! {
        @if !settings.is_empty() { span { "Settings " code { (settings.join(" ")) } } }
        @if let Some(spec) = spec {
            span {
                (count(spec.nodes as u64, "node")) ", " (count(spec.clients as u64, "client")) ", "
                (spec.rate) " operations a second"
                @match spec.ops {
                    Some(ops) => { ", " (ops) " operations" }
                    None => { " for " (format_duration(Duration::from_nanos(spec.time_ns))) }
                }
            }
            @if let Some(bug) = &spec.bug { span { "planted bug " code { (bug) } } }
        }
        @if let Some(world) = &verdict.world { span { "world " (world) } }
        @if let Some(seed) = verdict.seed { span { "seed " (seed) } }
        span {
            (operations.ok) " operations took place, " (operations.fail) " failed"
            @if operations.info > 0 { ", of " (operations.info) " nobody knows" }
            @if operations.not_issued > 0 { "; " (operations.not_issued) " were never issued, for their client was busy" }
        }
        @if !faults.is_empty() { span { "faults: " (faults.join(", ")) } }
        @if verdict.truncated { span { "the history is cut short" } }
    }
}
