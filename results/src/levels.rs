//! Which levels of isolation a history rules out, and which remain.

use polygraph_checker::isolation::{IMPLICATIONS, LEVELS};
use polygraph_history::Guarantee;
use serde::Serialize;

use crate::cycle::wrap;
use crate::diagram::Style;
use crate::lattice::{Level, Status, lattice, strongest, weakest};
use crate::{GuaranteeReport, Observed};

/// What a history says of all levels of isolation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// The weakest levels that it rules out, and with them all that imply one of these.
    ruled_out: Vec<String>,
    /// The strongest levels that it may have been made with, and with them all that these imply.
    possible: Vec<String>,
    /// Those of which it says nothing.
    unknown: Vec<String>,
    /// All, each after those that imply it.
    #[serde(skip)]
    levels: Vec<Level>,
}

impl Levels {
    /// What these answers say; `None` if they are about no level.
    #[must_use]
    pub fn of(guarantees: &[GuaranteeReport]) -> Option<Levels> {
        let levels: Vec<Level> = LEVELS.iter().map(|&it| level(it, guarantees)).collect();
        if levels.iter().all(|level| level.status == Status::Unknown) {
            return None;
        }
        let implications = implications();
        let which = |status| {
            let all = levels.iter().enumerate();
            let these = all.filter(|(_, level)| level.status == status);
            these.map(|(at, _)| at).collect::<Vec<usize>>()
        };
        let names = |these: Vec<usize>| these.iter().map(|&at| levels[at].name.clone()).collect();
        Some(Levels {
            ruled_out: names(weakest(&which(Status::RuledOut), &implications)),
            possible: names(strongest(&which(Status::Possible), &implications)),
            unknown: names(which(Status::Unknown)),
            levels,
        })
    }

    /// Draws the lattice, and says what follows. Every line ends with a newline.
    #[must_use]
    pub fn draw(&self, style: Style) -> String {
        let or_none = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let mut text = "\nlevels, each above those that it implies:\n".to_owned();
        text += &lattice(&self.levels, &implications(), style);
        for (what, names) in [
            ("ruled out, and all above:", &self.ruled_out),
            ("possible, and all below:", &self.possible),
        ] {
            for line in wrap(&format!("{what} {}", or_none(names)), style.width) {
                text += &line;
                text.push('\n');
            }
        }
        text
    }
}

fn level(guarantee: Guarantee, guarantees: &[GuaranteeReport]) -> Level {
    let name = guarantee.name();
    let found = guarantees.iter().find(|it| it.name == name);
    let first = found.and_then(|it| it.anomalies.first());
    let (status, why) = match found.map(|it| it.verdict) {
        Some(Observed::Violated) => (Status::RuledOut, first.map(|anomaly| anomaly.kind)),
        Some(Observed::Holds) => (Status::Possible, None),
        _ => (Status::Unknown, found.and_then(|it| it.reason)),
    };
    Level {
        name: name.to_owned(),
        status,
        why: why.unwrap_or("").to_owned(),
    }
}

/// The implications by places among the levels.
fn implications() -> Vec<(usize, usize)> {
    let place = |guarantee| LEVELS.iter().position(|&it| it == guarantee);
    IMPLICATIONS
        .iter()
        .filter_map(|&(stronger, weaker)| Some((place(stronger)?, place(weaker)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(level: Guarantee, verdict: Observed) -> GuaranteeReport {
        let mut report = GuaranteeReport::not_exercised(level.name(), false);
        report.verdict = verdict;
        report
    }

    #[test]
    fn what_is_ruled_out_and_what_remains_is_said_by_its_ends() {
        let skew = LEVELS.iter().map(|&level| {
            let verdict = match level {
                Guarantee::CursorStability => Observed::Unknown,
                Guarantee::StrictSerializable
                | Guarantee::StrongSessionSerializable
                | Guarantee::Serializable
                | Guarantee::UpdateSerializable
                | Guarantee::RepeatableRead => Observed::Violated,
                _ => Observed::Holds,
            };
            answer(level, verdict)
        });
        let skew: Vec<GuaranteeReport> = skew.collect();
        let levels = Levels::of(&skew).expect("it is about levels");
        assert_eq!(levels.ruled_out, ["update-serializable", "repeatable-read"]);
        assert_eq!(levels.possible, ["strong-snapshot-isolation"]);
        assert_eq!(levels.unknown, ["cursor-stability"]);
        for ascii in [false, true] {
            let drawn = levels.draw(Style { width: 80, ascii });
            let lines: Vec<&str> = drawn.lines().collect();
            let wide = lines.iter().all(|line| line.chars().count() <= 80);
            assert!(wide, "{drawn}");
            for level in LEVELS {
                let line = format!("  {}  ", level.name());
                let count = lines
                    .iter()
                    .filter(|it| format!("{it} ").contains(&line))
                    .count();
                assert_eq!(count, 1, "{line}: {drawn}");
            }
        }
    }

    #[test]
    fn answers_to_other_questions_draw_nothing() {
        assert_eq!(Levels::of(&[]), None);
        assert_eq!(
            Levels::of(&[answer(Guarantee::Linearizable, Observed::Holds)]),
            None
        );
    }
}
