//! What the file of a campaign leaves out, and what it expects.

use super::cells::Expectation;
use super::place::Source;
use super::product::Draft;
use super::spec::{Expected, File, Matching, Word, Wrong};

/// What the file leaves out, and what it expects.
pub(super) struct Rules {
    pub(super) excludes: Vec<(Matching, String)>,
    pub(super) expects: Vec<(Matching, Expectation)>,
}

impl Rules {
    /// Refuses rules that are about no test: they were meant for one.
    pub(super) fn new(source: Source<'_>, file: &File, drafts: &[Draft]) -> Result<Rules, Wrong> {
        let about = |matching: &Matching, why: &Word, what: &str| match drafts
            .iter()
            .any(|draft| draft.fits(matching))
        {
            true => Ok(()),
            false => Err(source.wrong(
                &why.span(),
                "why",
                format!("this {what} is about no test of this file"),
                "target, settings, workload, nemesis and world of one (`--list` shows them)",
            )),
        };
        let mut rules = Rules {
            excludes: Vec::new(),
            expects: Vec::new(),
        };
        for exclude in &file.exclude {
            about(&exclude.matching(), &exclude.why, "[[exclude]]")?;
            rules
                .excludes
                .push((exclude.matching(), exclude.why.get_ref().clone()));
        }
        for expect in &file.expect {
            about(&expect.matching(), &expect.why, "[[expect]]")?;
            let expectation = Expectation {
                guarantee: expect.guarantee.get_ref().clone(),
                unknown: expect.verdict == Expected::Unknown,
                anomalies: expect.anomaly.clone().unwrap_or_default().0,
                must_be_seen: expect.must_be_seen,
                why: expect.why.get_ref().clone(),
            };
            rules.expects.push((expect.matching(), expectation));
        }
        Ok(rules)
    }
}
