//! The names in the file of a campaign, held against the registries.

use std::ops::Range;

use polygraph_nemesis::NEMESES;
use polygraph_targets::TARGETS;
use polygraph_workloads::WORKLOADS;
use toml::Spanned;

use super::place::Source;
use super::spec::{Matching, Word, Words, Wrong, families};
use crate::question::Question;
use crate::spec::WORLDS;

/// Holds names against the registries.
pub(super) struct Names<'a> {
    pub(super) source: Source<'a>,
}

impl Names<'_> {
    fn one_of(&self, field: &str, word: &Word, known: &[&str]) -> Result<(), Wrong> {
        self.known(field, &word.span(), word.get_ref(), known)
    }

    fn known(
        &self,
        field: &str,
        span: &Range<usize>,
        name: &str,
        known: &[&str],
    ) -> Result<(), Wrong> {
        if known.contains(&name) {
            return Ok(());
        }
        let expected = format!("one of {}", known.join(", "));
        Err(self
            .source
            .wrong(span, field, format!("there is no `{name}`"), &expected))
    }

    pub(super) fn lists(
        &self,
        targets: &[Word],
        workloads: &[Word],
        nemeses: &[Word],
        worlds: &[Word],
    ) -> Result<(), Wrong> {
        for word in targets {
            self.target("targets", word)?;
        }
        for word in workloads {
            self.one_of("workloads", word, &workload_names())?;
        }
        for word in nemeses {
            self.nemesis("nemeses", &word.span(), word.get_ref())?;
        }
        for word in worlds {
            self.one_of("worlds", word, WORLDS)?;
        }
        Ok(())
    }

    pub(super) fn target(&self, field: &str, word: &Word) -> Result<(), Wrong> {
        self.one_of(field, word, &target_names())
    }

    fn nemesis(&self, field: &str, span: &Range<usize>, text: &str) -> Result<(), Wrong> {
        let mut known: Vec<&str> = NEMESES.iter().map(|it| it.family().name()).collect();
        if !text.contains('+') {
            known.extend(["none", "all"]);
        }
        families(text)
            .iter()
            .try_for_each(|name| self.known(field, span, name, &known))
    }

    pub(super) fn variant(&self, field: &str, target: &str, word: &Word) -> Result<(), Wrong> {
        let plain = |c: char| c.is_alphanumeric() || "-_.=".contains(c);
        if !word.get_ref().is_empty() && word.get_ref().chars().all(plain) {
            return Ok(());
        }
        let problem = format!("`{}` cannot name settings of {target}", word.get_ref());
        let expected = "letters, digits, `-`, `_`, `.` and `=`";
        Err(self.source.wrong(&word.span(), field, problem, expected))
    }

    pub(super) fn guarantees(&self, words: &[Word]) -> Result<(), Wrong> {
        for word in words {
            Question::parse(word.get_ref())
                .map_err(|problem| self.source.wrong(&word.span(), "guarantee", problem, ""))?;
        }
        Ok(())
    }

    pub(super) fn matching(&self, matching: &Matching) -> Result<(), Wrong> {
        let each = |field: &str, words: &Option<Spanned<Words>>, known: &[&str]| {
            let words = words.iter();
            words
                .flat_map(|it| it.get_ref().0.iter().map(|word| (it.span(), word)))
                .try_for_each(|(span, word)| self.known(field, &span, word, known))
        };
        each("target", &matching.target, &target_names())?;
        each("workload", &matching.workload, &workload_names())?;
        each("world", &matching.world, WORLDS)?;
        if let Some(words) = &matching.nemesis {
            for word in &words.get_ref().0 {
                self.nemesis("nemesis", &words.span(), word)?;
            }
        }
        Ok(())
    }
}

fn target_names() -> Vec<&'static str> {
    TARGETS.iter().map(|it| it.name()).collect()
}

fn workload_names() -> Vec<&'static str> {
    WORKLOADS.iter().map(|it| it.name()).collect()
}
