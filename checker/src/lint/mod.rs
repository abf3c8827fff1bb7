//! A lint of histories: what makes verdicts on them worth less, told before any verdict.
//!
//! - [`lint`]: start here. [`Finding`], [`Example`]: what it noticed. [`tells`]: whether it says
//!   what a reader's warning says.
//!
//! The first source of false verdicts in practice is not a checker but a client that records an
//! error under the wrong outcome. What looks like it is said here, with what speaks for and
//! against; so is what a reader tolerated, what a generator did that leaves checkers in the dark,
//! and what makes a history prove little.
//!
//! **Invariant:** a finding is true of the history, and a history of a correct client and a
//! correct store has none. It never is a verdict: what a checker would find and confirm is left
//! to it.
//!
//! Everything is decided in a few passes over the operations; of lists only what no earlier read
//! has shown is looked at.

mod clients;
mod objects;
mod order;
mod reader;
mod values;

use polygraph_history::{ErrorName, History, Op, Operation, OperationId};

use objects::Objects;

pub use reader::tells;

/// How many examples a finding has at most.
const EXAMPLES: usize = 10;

/// Something in a history that a person should know before a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in kebab case.
    pub name: &'static str,
    /// What it is in a sentence, and what follows from it.
    pub sentence: String,
    /// How often it occurs.
    pub count: u64,
    /// The first occurrences, at most ten. What a reader noticed has none.
    pub examples: Vec<Example>,
}

/// One occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Who, what, when.
    pub sentence: String,
    /// The events concerned, by index.
    pub events: Vec<u64>,
}

/// Everything noticed about a history, what matters most for verdicts first.
#[must_use]
pub fn lint(history: &History) -> Vec<Finding> {
    let objects = Objects::new(history);
    let mut findings = Vec::new();
    values::find(&objects, &mut findings);
    clients::find(history, &mut findings);
    objects::find(&objects, &mut findings);
    order::find(history, &mut findings);
    reader::find(history, &mut findings);
    findings
}

/// A finding that grows.
struct Collector {
    name: &'static str,
    count: u64,
    examples: Vec<Example>,
}

impl Collector {
    const fn new(name: &'static str) -> Collector {
        Collector {
            name,
            count: 0,
            examples: Vec::new(),
        }
    }

    /// Counts an occurrence, and keeps it while there is room.
    fn add(&mut self, example: impl FnOnce() -> Example) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    /// Tells of it, if it occurred.
    fn tell(self, findings: &mut Vec<Finding>, sentence: impl Into<String>) {
        if self.count > 0 {
            findings.push(Finding {
                name: self.name,
                sentence: sentence.into(),
                count: self.count,
                examples: self.examples,
            });
        }
    }
}

/// Who performed an operation: `client 3` in our own histories, whose clients go on as other
/// processes, else `process 3`.
fn who(history: &History, operation: &Operation) -> String {
    match history.spec() {
        Some(spec) if spec.clients > 0 => {
            format!("client {}", operation.process % spec.clients as u64)
        }
        _ => format!("process {}", operation.process),
    }
}

/// Who did it and when: `client 3 at 1.200 s (event 7)`.
fn place(history: &History, id: OperationId) -> String {
    let operation = &history.operations()[id];
    let event = operation.invoke;
    let who = who(history, operation);
    match history.invoked_at(operation) {
        polygraph_history::Time::ZERO => format!("{who} (event {event})"),
        at => format!("{who} at {at} (event {event})"),
    }
}

/// The event that began an operation.
fn event(history: &History, id: OperationId) -> u64 {
    history.operations()[id].invoke as u64
}

/// Why an operation failed or is not known, if that was recorded.
fn error<'h>(history: &'h History, operation: &Operation) -> Option<&'h ErrorName> {
    history.completion(operation)?.error.as_ref()
}

/// An operation for a sentence, cut if it is long.
fn shorten(op: &Op) -> String {
    cut(&op.to_string())
}

/// A text for a sentence, cut if it is long.
fn cut(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
