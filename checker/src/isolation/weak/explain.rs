//! Evidence in words: who, when, and why that cannot be.

use polygraph_history::{EventIndex, History, Key, Micro, Op, Outcome, Time, Value};

use crate::Anomaly;

use super::super::register::{After, Fact};
use super::proof::operation;
use super::{At, Because, Evidence, Link, Overlooked, Proof};

/// How many operations of a transaction and how many steps are written out.
const SHOWN: usize = 8;

/// An anomaly as people are told.
pub(super) fn anomaly(history: &History, proof: Proof) -> Anomaly {
    let (explanation, operations, key) = told(history, &proof.evidence);
    Anomaly {
        kind: proof.kind.name(),
        explanation,
        operations,
        key,
        proof: crate::Proof::Weak(proof),
    }
}

/// Why one transaction comes before another, by their names.
pub(in super::super) fn words(
    history: &History,
    (from, first): (EventIndex, &str),
    (to, second): (EventIndex, &str),
    fact: &Fact,
) -> String {
    let shown = |transaction, position| {
        let read = At {
            transaction,
            position,
        };
        read.read(history)
            .map_or_else(String::new, |(key, value)| format!("{key} = {value}"))
    };
    let written = |transaction, position| {
        let write = At {
            transaction,
            position,
        };
        write
            .write(history)
            .map_or_else(String::new, |(key, value)| format!("{key} = {value}"))
    };
    match *fact {
        Fact::Read(position) => {
            format!("{second} read {}, which {first} wrote", shown(to, position))
        }
        Fact::Replaced(position) => {
            let shown = shown(to, position);
            format!("{second} wrote over {shown} of {first}, which it had read")
        }
        Fact::Installed { earlier, later } => {
            let (before, after) = (version(history, from), version(history, to));
            let (old, new) = (written(from, earlier), written(to, later));
            format!(
                "{first} wrote {old} and {second} {new}, of which the store says that they are \
                 versions {before} and {after}"
            )
        }
        Fact::Missed {
            read,
            after: After::Installed(_),
        } => format!(
            "{first} read {}, and the store says that {second} wrote a later version, {}",
            shown(from, read),
            version(history, to)
        ),
        Fact::Missed {
            read,
            after: After::Initial(_),
        } => format!(
            "{first} read {}, the initial value, which {second} wrote over",
            shown(from, read)
        ),
        Fact::Missed {
            read,
            after: After::Read(_),
        } => format!(
            "{first} read {}, which {second} read, too, and wrote over",
            shown(from, read)
        ),
    }
}

/// The version that the store says a transaction made.
fn version(history: &History, event: EventIndex) -> String {
    let completed = operation(history, event).and_then(|operation| operation.complete);
    let version = completed.and_then(|at| history.version(at));
    version.map_or_else(String::new, |version| version.to_string())
}

/// Evidence in words, with the events of the transactions in question, and the register, where it
/// is about one.
pub(in super::super) fn told(
    history: &History,
    evidence: &Evidence,
) -> (String, Vec<u64>, Option<Key>) {
    let mut teller = Teller {
        history,
        named: Vec::new(),
        keys: Vec::new(),
    };
    let why = teller.tell(evidence);
    let lets: Vec<String> = teller
        .named
        .iter()
        .enumerate()
        .map(|(at, &event)| format!("T{} ({}) {}", at + 1, teller.who(event), teller.txn(event)))
        .collect();
    let one_key = teller
        .keys
        .first()
        .filter(|first| teller.keys.iter().all(|key| key == *first));
    let explanation = format!("Let {}. Then {why}.", lets.join(", "));
    let operations = teller.named.iter().map(|&event| event as u64).collect();
    (explanation, operations, one_key.cloned())
}

struct Teller<'h> {
    history: &'h History,
    /// The transactions in question, in the order in which they were named.
    named: Vec<EventIndex>,
    keys: Vec<Key>,
}

impl Teller<'_> {
    fn name(&mut self, event: EventIndex) -> String {
        let at = self.named.iter().position(|&known| known == event);
        let at = at.unwrap_or_else(|| {
            self.named.push(event);
            self.named.len() - 1
        });
        format!("T{}", at + 1)
    }

    /// `client 3, 1.203–1.250 s`; by events where there are no times.
    fn who(&self, event: EventIndex) -> String {
        let Some(operation) = operation(self.history, event) else {
            return format!("event {event}");
        };
        let begin = self.history.invoked_at(operation);
        let end = self.history.completed_at(operation).unwrap_or(begin);
        let client = format!("client {}", operation.process);
        let unknown = operation.outcome != Outcome::Ok;
        let begin_text = begin.to_string();
        match (end > Time::ZERO, operation.outcome) {
            (true, Outcome::Ok) => {
                format!("{client}, {}–{end}", begin_text.trim_end_matches(" s"))
            }
            (true, Outcome::Info) => format!("{client}, from {begin} on, outcome unknown"),
            (_, Outcome::Fail) => format!("{client}, event {event}, failed"),
            (false, _) if unknown => format!("{client}, event {event}, outcome unknown"),
            (false, _) => format!("{client}, event {event}"),
        }
    }

    fn txn(&self, event: EventIndex) -> String {
        let parts: Vec<String> = match operation(self.history, event) {
            None => Vec::new(),
            Some(operation) => match self.history.op(operation) {
                Op::Txn(micros) => micros.iter().map(Micro::to_string).collect(),
                op => vec![op.to_string()],
            },
        };
        let more = if parts.len() > SHOWN { ", …" } else { "" };
        let shown = &parts[..parts.len().min(SHOWN)];
        format!("{{ {}{more} }}", shown.join(", "))
    }

    /// `x = 5`, as it was read.
    fn read(&mut self, at: At) -> String {
        self.fact(at.read(self.history))
    }

    /// `x = 5`, as it was written.
    fn written(&mut self, at: At) -> String {
        self.fact(at.write(self.history))
    }

    fn fact(&mut self, fact: Option<(&Key, &Value)>) -> String {
        match fact {
            Some((key, value)) => {
                self.keys.push(key.clone());
                format!("{key} = {value}")
            }
            None => "something".to_owned(),
        }
    }

    fn tell(&mut self, evidence: &Evidence) -> String {
        match evidence {
            Evidence::Unwritten { read } => {
                let reader = self.name(read.transaction);
                format!(
                    "{reader} read {}, which nobody ever wrote",
                    self.read(*read)
                )
            }
            Evidence::Internal { read, write } => {
                let reader = self.name(read.transaction);
                let written = self.written(*write);
                let shown = self.read(*read);
                format!("{reader} wrote {written} and then read {shown} itself")
            }
            Evidence::Future { read } => {
                let reader = self.name(read.transaction);
                let shown = self.read(*read);
                format!("{reader} read {shown} before it wrote that itself, as nobody else did")
            }
            Evidence::Aborted { read, writer } => {
                let (writer, reader) = (self.name(*writer), self.name(read.transaction));
                let shown = self.read(*read);
                format!("{reader} read {shown}, which {writer} tried to write; but {writer} failed")
            }
            Evidence::Intermediate { read, last } => {
                let (writer, reader) = (self.name(last.transaction), self.name(read.transaction));
                let shown = self.read(*read);
                let written = self.written(*last);
                format!("{reader} read {shown} of {writer}, which went on to write {written}")
            }
            Evidence::NonRepeatable { read, earlier } => {
                let reader = self.name(read.transaction);
                let (before, after) = (self.read(*earlier), self.read(*read));
                format!(
                    "{reader} read {before} and later {after}, without a write of its own between"
                )
            }
            Evidence::LostUpdate {
                read,
                write,
                other_read,
                other_write,
            } => {
                let (one, other) = (
                    self.name(read.transaction),
                    self.name(other_read.transaction),
                );
                let shown = self.read(*read);
                let (first, second) = (self.written(*write), self.written(*other_write));
                format!(
                    "{one} and {other} both read {shown}; then {one} wrote {first} and {other} \
                     wrote {second}, so that one of them must have missed the other's"
                )
            }
            Evidence::Initial(overlooked) => {
                let reader = self.name(overlooked.read.transaction);
                let writer = self.name(overlooked.write.transaction);
                let shown = self.read(overlooked.read);
                let written = self.written(overlooked.write);
                let seen = self.seen(overlooked);
                format!(
                    "{reader} read {shown}, the initial value, although it had seen {writer}, \
                     which wrote {written}: {seen}"
                )
            }
            Evidence::Cycle(steps) => {
                let names: Vec<String> = steps.iter().map(|step| self.name(step.from)).collect();
                let mut whys: Vec<String> = Vec::new();
                for (at, step) in steps.iter().enumerate().take(SHOWN) {
                    let (from, to) = (&names[at], &names[(at + 1) % names.len()]);
                    let why = match &step.because {
                        Because::Link(link) => self.link(from, step.to, *link),
                        Because::Overlooked(overlooked) => self.overlooked(from, to, overlooked),
                    };
                    whys.push(format!("{from} < {to}, because {why}"));
                }
                if steps.len() > SHOWN {
                    whys.push(format!("and so on to {} < T1", names[names.len() - 1]));
                }
                format!("{}: a contradiction", whys.join("; "))
            }
        }
    }

    fn link(&mut self, from: &str, to: EventIndex, link: Link) -> String {
        let name = self.name(to);
        match link {
            Link::Read(position) => {
                let shown = self.read(At {
                    transaction: to,
                    position,
                });
                format!("{name} read {shown}, which {from} wrote")
            }
            Link::Session => format!("{name} follows {from} in its session"),
        }
    }

    fn overlooked(&mut self, from: &str, to: &str, overlooked: &Overlooked) -> String {
        let reader = self.name(overlooked.read.transaction);
        let shown = self.read(overlooked.read);
        let written = self.written(overlooked.write);
        let seen = self.seen(overlooked);
        format!(
            "{reader} read {shown} of {to} although it had seen {from}, which wrote {written} \
             ({seen})"
        )
    }

    /// How the reader had seen the transaction of the write.
    fn seen(&mut self, overlooked: &Overlooked) -> String {
        let mut from = self.name(overlooked.write.transaction);
        let mut whys: Vec<String> = Vec::new();
        for &(to, link) in overlooked.seen.iter().take(SHOWN) {
            whys.push(self.link(&from, to, link));
            from = self.name(to);
        }
        if overlooked.seen.len() > SHOWN {
            whys.push("and so on".to_owned());
        }
        whys.join(", ")
    }
}
