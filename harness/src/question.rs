//! What a history is asked: one guarantee, or several that one explanation must keep together.

use polygraph_checker::{Options, Reason, Verdict, entry, session};
use polygraph_history::{Bound, Guarantee, History};

/// A question to a history, written `a` or `a+b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    guarantees: Vec<Guarantee>,
    /// With what measure, if that was said.
    bound: Option<Bound>,
}

impl Question {
    /// Asks for one guarantee.
    #[must_use]
    pub fn alone(guarantee: Guarantee) -> Question {
        Question {
            guarantees: vec![guarantee],
            bound: None,
        }
    }

    /// The same with a measure, unless it already has one.
    #[must_use]
    pub fn or_bound(mut self, bound: Option<Bound>) -> Question {
        self.bound = self.bound.or(bound);
        self
    }

    /// With what measure it is asked, if that was said.
    #[must_use]
    pub const fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// Reads `a`, `a=bound` or `a+b`.
    ///
    /// # Errors
    /// A sentence that says which guarantees can be asked for, and which jointly.
    pub fn parse(text: &str) -> Result<Question, String> {
        let (names, bound) = match text.split_once('=') {
            Some((name, bound)) => (name, Some(Bound::parse(name.parse()?, bound)?)),
            None => (text, None),
        };
        let mut guarantees = names
            .split('+')
            .map(|name| {
                let guarantee: Guarantee = name.parse()?;
                entry(guarantee).map(|_| guarantee).ok_or_else(|| {
                    format!("`{name}` cannot be checked yet; there are {}", checkable())
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        guarantees.sort_unstable();
        guarantees.dedup();
        let question = Question { guarantees, bound };
        if question.guarantees.len() > 1 && question.rules().is_none() {
            return Err(format!(
                "`{text}` cannot be decided jointly; only session guarantees can (such as \
                 read-your-writes+monotonic-reads), all of them plain or all axiomatic. \
                 Write commas to ask for each alone"
            ));
        }
        Ok(question)
    }

    /// The guarantees that are asked for together.
    #[must_use]
    pub fn guarantees(&self) -> &[Guarantee] {
        &self.guarantees
    }

    /// As it is written.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<_> = self.guarantees.iter().map(|name| name.name()).collect();
        let bound = self
            .bound
            .map_or(String::new(), |bound| format!("={bound}"));
        names.join("+") + &bound
    }

    /// How many opportunities a test must give before *holds* is said.
    #[must_use]
    pub fn minimum(&self) -> u64 {
        let entries = self.guarantees.iter().filter_map(|&name| entry(name));
        entries.map(|entry| entry.minimum).max().unwrap_or(0)
    }

    /// Decides it.
    #[must_use]
    pub fn check(&self, history: &History, options: &Options) -> Verdict {
        let first = self.guarantees[0];
        match (self.guarantees.len(), self.rules(), entry(first)) {
            (1, _, Some(entry)) => {
                let bound = self.bound.or(options.bound);
                (entry.check)(history, &Options { bound, ..*options })
            }
            (_, Some(rules), _) => session::check(history, options, first, rules),
            _ => Verdict::holds(first, "none").unknown(Reason::NotApplicable),
        }
    }

    /// The rules of the session guarantees that are asked for, if they are nothing else.
    fn rules(&self) -> Option<session::Rules> {
        let mut all = self.guarantees.iter().map(|&name| session::rules(name));
        let first = all.next()??;
        all.try_fold(first, |rules, next| rules.and(next?))
    }
}

/// The guarantees that can be checked, for messages.
fn checkable() -> String {
    let names = polygraph_checker::GUARANTEES
        .iter()
        .map(|entry| entry.guarantee.name());
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_one_engine_decides_is_asked_jointly() {
        let both = Question::parse("monotonic-reads+read-your-writes").unwrap();
        assert_eq!(both.name(), "read-your-writes+monotonic-reads");
        assert_eq!(
            Question::parse("durable").unwrap(),
            Question::alone(Guarantee::Durable)
        );
        for text in [
            "monotonic-writes+causal",
            "pram-axiomatic+causal-axiomatic",
            "available=quorum-of-key",
            "bounded-staleness=250ms",
            "k-atomic=3",
        ] {
            assert_eq!(Question::parse(text).unwrap().name(), text);
        }
        for (text, expected) in [
            ("durable+linearizable", "commas"),
            ("monotonic-writes+pram-axiomatic", "all of them plain"),
            (
                "available=all",
                "no side of `available`; there are majority, quorum-of-key, any",
            ),
            ("bounded-staleness=7", "takes a duration"),
            ("k-atomic=0", "a number of versions from 1 on"),
            ("durable=7", "`durable` has no measure"),
            ("read-your-writes+", "`` is not a guarantee"),
        ] {
            let error = Question::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
