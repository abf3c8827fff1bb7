//! The page of a campaign: its answer in words, a matrix of tests and guarantees, and the evidence.

use maud::{Markup, html};

use super::matrix::count;
use super::sentence;
use crate::Status;
use crate::campaign::{CellVerdict, GuaranteeVerdict, LeftOut, Verdicts};

/// The title and what is between header and footer.
pub(super) fn body(verdicts: &Verdicts) -> (String, Markup) {
    let (tone, sign, sentence) = headline(verdicts);
    let title = format!("{sign} {}: {sentence}", verdicts.name);
    let body = html! {
        header class={ "answer " (tone) } {
            p.what { "The campaign " (verdicts.name) }
            h1 { span.sign { (sign) } " " (sentence) }
            p {
                (verdicts.ran) " of " (count(verdicts.planned, "run")) " took place, of "
                (count(verdicts.cells.len() as u64, "test")) "."
                @if let Some(ended) = &verdicts.ended { " It ended early: " (ended) "." }
            }
            p.facts {
                span { "file " code { (verdicts.file) } }
                @if let Some(profile) = &verdicts.profile { span { "profile " (profile) } }
            }
        }
        (matrix(&verdicts.cells))
        @for cell in verdicts.cells.iter().filter(|it| shows(it)) { (evidence(cell)) }
        (remembered(verdicts))
        (left_out("Not possible", &verdicts.incompatible))
        (left_out("Excluded by the file", &verdicts.excluded))
    };
    (title, body)
}

/// The class of its colour, its sign, and what it comes to.
pub(crate) fn headline(verdicts: &Verdicts) -> (&'static str, &'static str, String) {
    let with = |wanted: fn(Status) -> bool| {
        let cells = verdicts.cells.iter();
        cells.filter(|cell| wanted(cell.status)).count() as u64
    };
    let failing = with(Status::fails);
    let errors = with(|status| status == Status::Error);
    let found = with(Status::is_violation);
    match verdicts.exit {
        1 => (
            "bad",
            "✗",
            format!("{} failed", count(failing.max(1), "test")),
        ),
        0 if found > 0 => {
            let more = format!(
                "{} showed what is documented or expected",
                count(found, "test")
            );
            ("good", "✓", format!("Every claim held; {more}"))
        }
        0 => ("good", "✓", "Every claim held".to_owned()),
        4 => (
            "unsure",
            "?",
            format!("The harness failed in {}", count(errors.max(1), "test")),
        ),
        130 => ("unsure", "?", "Interrupted".to_owned()),
        _ => ("unsure", "?", "Not everything was decided".to_owned()),
    }
}

/// The sign of a status, which needs no colour, and the class of its colour.
const fn sign(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Violated | Status::NotSeen => ("✗", "bad"),
        Status::ViolatedAsDocumented | Status::Expected | Status::Known | Status::Noted => {
            ("✗", "found")
        }
        Status::Holds | Status::NotExhibited => ("✓", "good"),
        Status::Unknown | Status::Undecided => ("?", "unsure"),
        Status::Error => ("!", "unsure"),
        Status::NotRun | Status::NotExercised => ("–", "none"),
    }
}

fn shows(cell: &CellVerdict) -> bool {
    let evidence = |it: &GuaranteeVerdict| !it.anomalies.is_empty();
    let errors = cell.runs.iter().any(|run| run.error.is_some());
    errors || cell.guarantees.iter().any(evidence)
}

fn matrix(cells: &[CellVerdict]) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for guarantee in cells.iter().flat_map(|cell| &cell.guarantees) {
        if guarantee.status != Status::NotExercised && !names.contains(&guarantee.name.as_str()) {
            names.push(&guarantee.name);
        }
    }
    html! {
        section {
            h2 { "Tests and guarantees" }
            ul.legend {
                li { span.chip.good { "✓" } " held" }
                li { span.chip.bad { "✗" } " violated although claimed or asked for" }
                li { span.chip.found { "✗" } " violated, as documented or expected" }
                li { span.chip.unsure { "?" } " not decided" }
                li { span.chip.unsure { "!" } " the harness failed" }
                li { "– not run or not evaluated" }
            }
            div.scroll { table.campaign {
                thead { tr {
                    th { "test" } th { "runs" }
                    @for name in &names { th.turned { span { (name) } } }
                } }
                tbody {
                    @for cell in cells {
                        tr {
                            th scope="row" {
                                @if shows(cell) { a href={ "#" (cell.name) } { (cell.name) } } @else { (cell.name) }
                            }
                            td { (cell.runs.iter().filter(|run| run.exit.is_some()).count()) }
                            @for name in &names { (entry(cell, name)) }
                        }
                    }
                }
            } }
        }
    }
}

fn entry(cell: &CellVerdict, name: &str) -> Markup {
    let found = cell.guarantees.iter().find(|it| it.name == name);
    let Some(guarantee) = found else {
        return html! { td {} };
    };
    let (sign, tone) = sign(guarantee.status);
    let seeds = guarantee.violated.len();
    html! {
        td title={ (name) ": " (guarantee.status.name().replace('-', " ")) } {
            span class={ "chip " (tone) } { (sign) @if seeds > 0 { " " (seeds) } }
        }
    }
}

fn evidence(cell: &CellVerdict) -> Markup {
    html! {
        section id=(cell.name) {
            h2 { (cell.name) }
            @for run in &cell.runs {
                @if let Some(error) = &run.error { p { strong { "! seed " (run.seed) } ": the harness failed: " (error) } }
            }
            @for guarantee in cell.guarantees.iter().filter(|it| !it.anomalies.is_empty()) {
                @let (sign, tone) = sign(guarantee.status);
                h3 {
                    span class={ "chip " (tone) } { (sign) " " (guarantee.status.name().replace('-', " ")) }
                    " " (guarantee.name)
                }
                @if let Some(expected) = &guarantee.expected { p.note { "Expected: " (expected) } }
                @for it in &guarantee.anomalies {
                    p {
                        strong { (it.anomaly.kind) } " with seed " (it.seed)
                        @if it.seeds > 1 { " and " (it.seeds - 1) " more" } ": "
                        (sentence(&it.anomaly.explanation))
                        @if !it.anomaly.confirmed { " " span.refuted { "Not confirmed." } }
                    }
                    p.command { "To see it again: " code { (it.replay) } }
                }
            }
            p.command { "This test alone: " code { (cell.alone) } }
        }
    }
}

fn remembered(verdicts: &Verdicts) -> Markup {
    html! {
        @if !verdicts.remembered.is_empty() {
            section {
                h2 { "Failures of earlier campaigns, run again" }
                ul.notes {
                    @for it in &verdicts.remembered {
                        li {
                            @match it.fails {
                                Some(true) => "✗ still fails: ",
                                Some(false) => "✓ no longer fails: ",
                                None => "– not run: ",
                            }
                            (it.cell) ", seed " (it.seed) ", " (it.guarantee) " (" (it.anomaly) ", seen by " (it.version) ")"
                        }
                    }
                }
            }
        }
    }
}

fn left_out(title: &str, these: &[LeftOut]) -> Markup {
    html! {
        @if !these.is_empty() {
            section {
                h2 { (title) }
                details {
                    summary { (count(these.len() as u64, "test")) }
                    ul.notes { @for it in these { li { (it.cell) " (line " (it.line) "): " (it.why) } } }
                }
            }
        }
    }
}
