//! What the run was asked to do, and what a reader should know besides.

use maud::{Markup, html};

use super::verdict::Verdict;

/// More of a spec is not shown.
const MOST: usize = 20_000;

/// The section.
pub(super) fn section(verdict: Option<&Verdict>, spec: Option<&str>, notes: &[String]) -> Markup {
    let warnings = verdict.iter().flat_map(|it| {
        let of_guarantees = it.guarantees.iter().flat_map(|it| &it.warnings);
        it.warnings.iter().chain(of_guarantees)
    });
    let warnings: Vec<&String> = warnings.chain(notes).collect();
    let assumptions = verdict.map_or(&[][..], |it| &it.assumptions);
    html! {
        section {
            h2 { "How it was run and read" }
            @if !warnings.is_empty() || !assumptions.is_empty() {
                ul.notes {
                    @for warning in &warnings { li { (warning) } }
                    @for assumption in assumptions { li { "Read so: " (assumption) "." } }
                }
            }
            @if let Some(spec) = spec {
                details {
                    summary { "The spec" }
                    pre { (spec.chars().take(MOST).collect::<String>()) }
                }
            }
        }
    }
}
