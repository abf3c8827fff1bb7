//! Levels of isolation beside their neighbours, told apart by the smallest histories.

use std::fmt::Write as _;

use polygraph_checker::isolation::{IMPLICATIONS, LEVELS};
use polygraph_checker::{Options, Proof, entry};
use polygraph_history::{Guarantee, jsonl};
use polygraph_results::diagram::Style;
use polygraph_results::{Cycle, Picture};
use polygraph_workloads::synthetic::txn::{Anomaly, write};

/// Of a level of isolation: what implies it and what it implies, and how these differ.
pub(super) fn neighbours(level: Guarantee, text: &mut String) {
    if !LEVELS.contains(&level) {
        return;
    }
    let above = IMPLICATIONS.iter().filter(|(_, weaker)| *weaker == level);
    let above: Vec<Guarantee> = above.map(|&(stronger, _)| stronger).collect();
    let below = IMPLICATIONS
        .iter()
        .filter(|(stronger, _)| *stronger == level);
    let below: Vec<Guarantee> = below.map(|&(_, weaker)| weaker).collect();
    for (what, which) in [("implied by", &above), ("implies", &below)] {
        if !which.is_empty() {
            let names: Vec<&str> = which.iter().map(|it| it.name()).collect();
            let _ = writeln!(text, "\n{what}\n  {}", names.join(", "));
        }
    }
    for stronger in above {
        let what = format!("it allows what {stronger} rules out");
        apart(&what, stronger, level, text);
    }
    for weaker in below {
        let what = format!("it rules out what {weaker} allows");
        apart(&what, level, weaker, text);
    }
}

/// The smallest history that one level rules out and another allows.
fn apart(what: &str, stronger: Guarantee, weaker: Guarantee, text: &mut String) {
    let apart = Anomaly::ALL
        .iter()
        .filter(|it| it.separates(stronger, weaker));
    let Some(&anomaly) = apart.min_by_key(|it| it.alone().transactions) else {
        let _ = writeln!(text, "\n{what}\n  only where predicates are read");
        return;
    };
    let _ = writeln!(text, "\n{what}: {anomaly}\n  {}", anomaly.about());
    text.push_str(&drawn(anomaly, stronger).unwrap_or_default());
}

/// An anomaly alone, as the checker of a level that rules it out shows it, or else in time.
fn drawn(anomaly: Anomaly, level: Guarantee) -> Option<String> {
    let mut bytes = Vec::new();
    let summary = write(&anomaly.alone(), &mut bytes).ok()?;
    let history = jsonl::read(&bytes[..]).ok()?;
    let style = Style {
        width: super::width().min(80),
        ascii: false,
    };
    let found = entry(level).map(|entry| (entry.check)(&history, &Options::default()));
    let cycle = found
        .iter()
        .flat_map(|it| &it.anomalies)
        .find_map(|it| match &it.proof {
            Proof::Isolation(proof) => Cycle::of(&history, proof),
            _ => None,
        });
    match cycle {
        Some(cycle) => Some(cycle.draw(style)),
        None => Some(Picture::of(&history, &summary.planted?.operations)?.draw(style)),
    }
}
