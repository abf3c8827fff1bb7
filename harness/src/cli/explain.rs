//! `polygraph explain`: what a name means, with its settings, claims and numbers.

use std::fmt::Write;

use clap::Args;
use polygraph_checker::{entry, session};
use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{Bound, Guarantee, format_duration};
use polygraph_nemesis::{NEMESES, Nemesis};
use polygraph_targets::{Claim, Stance, TARGETS, Target};
use polygraph_workloads::{WORKLOADS, Workload};

use super::failure::Failure;
use super::levels;
use crate::defaults;
use crate::judge::exit;

/// Explain a name: a target, a workload, a nemesis, a guarantee, or `defaults`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The name
    name: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let name = arguments.name.as_str();
    let mut text = String::new();
    if name == "defaults" {
        explain_defaults(&mut text);
    }
    for target in TARGETS.iter().filter(|target| target.name() == name) {
        explain_target(*target, &mut text);
    }
    for workload in WORKLOADS.iter().filter(|workload| workload.name() == name) {
        explain_workload(*workload, &mut text);
    }
    for nemesis in NEMESES
        .iter()
        .filter(|nemesis| nemesis.family().name() == name)
    {
        explain_nemesis(*nemesis, &mut text);
    }
    if let Ok(guarantee) = name.parse() {
        explain_guarantee(guarantee, &mut text);
    }
    if text.is_empty() {
        return Err(Failure::usage(format!(
            "there is nothing called `{name}`; see `polygraph list targets|workloads|nemeses|guarantees`, or explain `defaults`"
        )));
    }
    super::print(&text);
    Ok(exit::OK)
}

fn heading(text: &mut String, kind: &str, name: &str, about: &str) {
    let _ = writeln!(text, "{name} ({kind})\n  {about}");
}

fn knobs(text: &mut String, prefix: &str, knobs: &[Knob]) {
    if knobs.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nsettings (--set {prefix}key=value)");
    for Knob {
        key,
        accepts,
        default,
        about,
    } in knobs
    {
        let _ = writeln!(
            text,
            "  {prefix}{key}={default}  ({accepts})\n      {about}"
        );
    }
}

fn explain_target(target: &dyn Target, text: &mut String) {
    heading(text, "target", target.name(), target.about());
    knobs(text, "", target.knobs());
    let settings = Settings::defaults(target.knobs());
    let supports: Vec<_> = target
        .supports(&settings)
        .iter()
        .map(|kind| kind.name())
        .collect();
    let _ = writeln!(text, "\noperations\n  {}", supports.join(", "));
    let _ = writeln!(text, "\nclaims with default settings");
    for Claim {
        guarantee,
        bound,
        stance,
        faults,
        row,
        why,
        ..
    } in target.claims(&settings)
    {
        let stance = match stance {
            Stance::Holds => "holds",
            Stance::Broken => "is broken",
        };
        let kinds: Vec<_> = faults.kinds.iter().map(|kind| kind.name()).collect();
        let under = if kinds.is_empty() {
            "no fault".to_owned()
        } else {
            kinds.join(", ")
        };
        let bound = bound.map_or(String::new(), |bound| format!("={bound}"));
        let row = if row.is_empty() {
            String::new()
        } else {
            format!(" [{row}]")
        };
        let _ = writeln!(
            text,
            "  {guarantee}{bound} {stance}{row}: {why}\n      under: {under}"
        );
    }
    let _ = writeln!(text, "\nerrors");
    for row in target.errors() {
        let _ = writeln!(text, "  {} → {}: {}", row.error, row.outcome, row.why);
    }
    let _ = writeln!(text, "\nplanted bugs (--bug NAME)");
    for bug in target.bugs() {
        let _ = writeln!(text, "  {}: {}", bug.name, bug.about);
    }
}

fn explain_workload(workload: &dyn Workload, text: &mut String) {
    heading(text, "workload", workload.name(), workload.about());
    knobs(text, "workload.", workload.knobs());
    let names: Vec<_> = workload
        .guarantees()
        .iter()
        .map(|name| name.name())
        .collect();
    let _ = writeln!(text, "\nasked for\n  {}, recovers", names.join(", "));
}

fn explain_nemesis(nemesis: &dyn Nemesis, text: &mut String) {
    heading(text, "nemesis", nemesis.family().name(), nemesis.about());
    let kinds: Vec<_> = nemesis.kinds().iter().map(|kind| kind.name()).collect();
    let _ = writeln!(text, "\nkinds\n  {}", kinds.join(", "));
    knobs(text, "nemesis.", polygraph_nemesis::KNOBS);
}

fn explain_guarantee(guarantee: Guarantee, text: &mut String) {
    heading(text, "guarantee", guarantee.name(), guarantee.about());
    match entry(guarantee) {
        Some(entry) => {
            let _ = writeln!(
                text,
                "\nan opportunity is\n  {}\n`test` says that it holds only from {} on",
                entry.opportunity, entry.minimum
            );
        }
        None => text.push_str("\nit cannot be checked yet\n"),
    }
    if let Some(bound) = Bound::default_of(guarantee) {
        let _ = writeln!(
            text,
            "\nit is asked with a measure, `{guarantee}={bound}` unless said"
        );
    }
    if let Some(acts) = session::example(guarantee) {
        text.push_str("\na smallest history that violates it, one thing after the other\n");
        for (client, act) in acts {
            let _ = writeln!(text, "  client {client} {act}");
        }
    }
    levels::neighbours(guarantee, text);
}

fn explain_defaults(text: &mut String) {
    let span = format_duration;
    let options = polygraph_cluster::sim::Options::default();
    let _ = write!(
        text,
        "what a run uses unless told otherwise
  nodes {}, clients {} homed in turn, {} operations a second in all, seed {}
  workload {}, nemesis {}, world sim
  clients work for {} of virtual time, {} in worlds with real processes
  an operation is indeterminate after {}; one that is due waits {} for its client
  simulated links: {:?}
  client links: {:?}
  a simulated sync takes {}
  every node must answer within {} of healing, replicas must be alike within {}
  a fault must be seen within {}
",
        defaults::NODES,
        defaults::CLIENTS,
        defaults::RATE,
        defaults::SEED,
        defaults::WORKLOAD,
        defaults::NEMESIS,
        span(defaults::TIME_SIM),
        span(defaults::TIME_REAL),
        span(defaults::OPERATION_TIMEOUT),
        span(defaults::PATIENCE),
        options.node_links,
        options.client_links,
        span(options.disk_sync),
        span(defaults::RECOVERY_DEADLINE),
        span(defaults::CONVERGENCE_DEADLINE),
        span(defaults::VERIFY_WITHIN),
    );
    knobs(text, "nemesis.", polygraph_nemesis::KNOBS);
}
