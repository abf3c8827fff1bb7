//! What a cycle of transactions looks like: each a box, with an arrow to the next.
//!
//! - [`Cycle::of`]: start here; a cycle from the proof of an anomaly.
//! - [`Cycle::draw`]: for a terminal. [`Cycle::svg`], [`Cycle::dot`]: as files.
//!
//! Terms: an arrow says that one transaction came before another, by a *dependency*: *ww* (the
//! other wrote after it), *wr* (read what it wrote), *rw* (wrote after what it read), *process*
//! (followed in the session) or *realtime* (began after its end). A box shows the operations on
//! which its arrows rest, and how many others there are.

use polygraph_checker::isolation::{After, Because, Evidence, Fact, Proof, Step};
use polygraph_history::{EventIndex, History, Key, Micro, Op, Operation, Outcome, Time, Value};
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use crate::picture;

mod dot;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;

/// A cycle of transactions, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Why each transaction came before the next, and the last before the first.
    steps: Vec<Arrow>,
    #[serde(default)]
    kind: String,
    /// The transactions, as many as there are steps.
    #[serde(default, rename = "transactions")]
    boxes: Vec<Transaction>,
    /// What was wrong at the time.
    #[serde(default)]
    faults: Vec<String>,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Transaction {
    /// `T1`, …
    name: String,
    /// Whose, and when.
    who: String,
    /// The operations that matter.
    operations: Vec<String>,
    /// How many others there are.
    others: usize,
}

/// From one transaction to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Arrow {
    /// The event that invoked the first.
    from: u64,
    /// The event that invoked the second.
    to: u64,
    dependency: Dependency,
    /// The key, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What shows it.
    because: String,
}

/// What an arrow stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Dependency {
    Ww,
    Wr,
    Rw,
    Process,
    Realtime,
}

impl Dependency {
    const fn name(self) -> &'static str {
        match self {
            Dependency::Ww => "ww",
            Dependency::Wr => "wr",
            Dependency::Rw => "rw",
            Dependency::Process => "process",
            Dependency::Realtime => "realtime",
        }
    }
}

/// So many transactions are drawn; of a longer cycle the first ones and the last.
const MOST: usize = 12;
/// So many operations a box shows, and so many elements a list.
const SHOWN: usize = 6;

/// What a drawing consists of, from top to bottom.
enum Part<'a> {
    Box(&'a Transaction),
    Arrow(&'a Arrow),
    /// So many transactions that are not drawn.
    Gap(usize),
}

impl Cycle {
    /// The cycle of a proof; `None` if it is of another kind, or not of this history.
    #[must_use]
    pub fn of(history: &History, proof: &Proof) -> Option<Cycle> {
        let Evidence::Cycle(steps) = &proof.evidence else {
            return None;
        };
        let operations = steps.iter().map(|step| operation(history, step.from));
        let operations: Vec<&Operation> = operations.collect::<Option<_>>()?;
        let boxes = operations.iter().enumerate().map(|(at, operation)| {
            let before = &steps[(at + steps.len() - 1) % steps.len()];
            transaction(history, operation, at, before, &steps[at])
        });
        let arrows = steps.iter().enumerate().map(|(at, step)| {
            let (key, because) = reason(history, step, at + 1, (at + 1) % steps.len() + 1);
            Arrow {
                from: step.from as u64,
                to: step.to as u64,
                dependency: dependency(&step.because),
                key,
                because,
            }
        });
        Some(Cycle {
            kind: proof.kind.name().to_owned(),
            boxes: boxes.collect(),
            steps: arrows.collect(),
            faults: picture::faults_during(history, &operations),
        })
    }

    /// The name of the anomaly.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether it is whole enough to be drawn, wherever it was read from.
    pub(crate) fn can_be_drawn(&self) -> bool {
        !self.steps.is_empty() && self.boxes.len() == self.steps.len()
    }

    /// What is drawn from top to bottom; after the last part the cycle is closed.
    fn parts(&self) -> Vec<Part<'_>> {
        let count = self.boxes.len();
        let shown = if count <= MOST { count } else { MOST - 1 };
        let mut parts = Vec::new();
        for at in 0..shown {
            parts.push(Part::Box(&self.boxes[at]));
            parts.push(Part::Arrow(&self.steps[at]));
        }
        if shown < count {
            parts.push(Part::Gap(count - shown - 1));
            parts.push(Part::Box(&self.boxes[count - 1]));
            parts.push(Part::Arrow(&self.steps[count - 1]));
        }
        parts
    }
}

fn operation(history: &History, event: EventIndex) -> Option<&Operation> {
    let operations = history.operations();
    let found = operations.binary_search_by_key(&event, |it| it.invoke);
    found.ok().map(|at| &operations[at])
}

fn micros<'h>(history: &'h History, operation: &Operation) -> &'h [Micro] {
    match history.op(operation) {
        Op::Txn(micros) => micros,
        _ => &[],
    }
}

/// A transaction, between the step to it and the step from it.
fn transaction(
    history: &History,
    operation: &Operation,
    at: usize,
    before: &Step,
    after: &Step,
) -> Transaction {
    let micros = micros(history, operation);
    let matters = |(at, micro): &(usize, &Micro)| {
        let (reads, writes) = (&before.because, &after.because);
        let of_write = |key: &Key, value: &Value| match micro {
            Micro::Append { key: k, value: v } | Micro::Write { key: k, value: v } => {
                k == key && v == value
            }
            _ => false,
        };
        let of_register = |step: &Step| {
            let key = register(history, step);
            matches!(micro, Micro::Write { key: k, .. } if Some(k) == key)
        };
        let to_here = match reads {
            Because::Followed { key, next, .. } => of_write(key, next),
            Because::Observed { position, .. } => position == at,
            Because::Missed { key, element, .. } => of_write(key, element),
            Because::Register(Fact::Read(position)) => position == at,
            Because::Register(Fact::Replaced(read)) => read == at || of_register(before),
            Because::Register(Fact::Missed { after, .. }) => {
                *after == After::Read(*at) || of_register(before)
            }
            Because::Register(Fact::Installed { later, .. }) => later == at,
            Because::Session | Because::RealTime => false,
        };
        to_here
            || match writes {
                Because::Followed { key, element, .. } | Because::Observed { key, element, .. } => {
                    of_write(key, element)
                }
                Because::Missed { position, .. } => position == at,
                Because::Register(Fact::Missed { read, .. }) => read == at,
                Because::Register(Fact::Installed { earlier, .. }) => earlier == at,
                Because::Register(_) => of_register(after),
                Because::Session | Because::RealTime => false,
            }
    };
    let mut shown: Vec<&Micro> = micros
        .iter()
        .enumerate()
        .filter(matters)
        .map(|(_, micro)| micro)
        .take(SHOWN)
        .collect();
    if shown.is_empty() {
        shown = micros.iter().take(SHOWN / 2).collect();
    }
    Transaction {
        name: format!("T{}", at + 1),
        who: format!("client {}, {}", operation.process, when(history, operation)),
        operations: shown.iter().map(|micro| plain(&short(micro))).collect(),
        others: micros.len() - shown.len(),
    }
}

/// `1.203–1.250 s`, in microseconds where it is shorter; the event where there are no times.
fn when(history: &History, operation: &Operation) -> String {
    let begin = history.invoked_at(operation);
    let end = history.completed_at(operation);
    let unknown = operation.outcome == Outcome::Info;
    let timed = end.unwrap_or(begin) > Time::ZERO;
    match (timed, end.filter(|_| !unknown)) {
        (true, Some(end)) => {
            let micros = end.as_nanos().saturating_sub(begin.as_nanos()) < 2_000_000;
            format!("{}–{} s", seconds(begin, micros), seconds(end, micros))
        }
        (true, None) => format!("from {begin} on, outcome unknown"),
        (false, _) if unknown => format!("event {}, outcome unknown", operation.invoke),
        (false, _) => format!("event {}", operation.invoke),
    }
}

fn seconds(time: Time, micros: bool) -> String {
    if micros {
        let all = time.as_nanos() / 1000;
        return format!("{}.{:06}", all / 1_000_000, all % 1_000_000);
    }
    let text = time.to_string();
    text.trim_end_matches(" s").to_owned()
}

const fn dependency(because: &Because) -> Dependency {
    match because {
        Because::Followed { .. }
        | Because::Register(Fact::Replaced(_) | Fact::Installed { .. }) => Dependency::Ww,
        Because::Observed { .. } | Because::Register(Fact::Read(_)) => Dependency::Wr,
        Because::Missed { .. } | Because::Register(Fact::Missed { .. }) => Dependency::Rw,
        Because::Session => Dependency::Process,
        Because::RealTime => Dependency::Realtime,
    }
}

/// The register that a step is about, if it is about one.
fn register<'h>(history: &'h History, step: &Step) -> Option<&'h Key> {
    let (event, position) = match step.because {
        Because::Register(Fact::Read(read) | Fact::Replaced(read)) => (step.to, read),
        Because::Register(Fact::Missed { read, .. }) => (step.from, read),
        Because::Register(Fact::Installed { later, .. }) => (step.to, later),
        _ => return None,
    };
    let operation = operation(history, event)?;
    micros(history, operation).get(position)?.key()
}

/// The key of a step, and what shows it.
fn reason(history: &History, step: &Step, this: usize, next: usize) -> (Option<String>, String) {
    let read = |event, position: usize| {
        let operation = operation(history, event)?;
        match micros(history, operation).get(position)? {
            Micro::Read { value, .. } => Some((operation.process, value.as_ref()?)),
            _ => None,
        }
    };
    let (key, text) = match &step.because {
        Because::Followed {
            key,
            element,
            next: later,
            read: at,
        } => {
            let by = read(at.transaction, at.position);
            let by = by.map_or(String::new(), |(process, value)| {
                format!(": client {process} read {}", short_value(value))
            });
            let text = format!("T{next} wrote {later} after {element} of T{this}{by}");
            (Some(key), text)
        }
        Because::Observed { key, element, .. } => (
            Some(key),
            format!("T{next} read {element}, which T{this} wrote"),
        ),
        Because::Missed {
            key,
            element,
            position,
        } => {
            let state = read(step.from, *position);
            let state = state.map_or(String::new(), |(_, value)| short_value(value));
            let text = format!("T{this} read {state}, before T{next} wrote {element}");
            (Some(key), text)
        }
        Because::Register(fact) => {
            let (event, position) = match fact {
                Fact::Missed { read, .. } => (step.from, read),
                Fact::Read(position) | Fact::Replaced(position) => (step.to, position),
                Fact::Installed { later, .. } => (step.to, later),
            };
            let value = read(event, *position);
            let value = value.map_or(String::new(), |(_, value)| short_value(value));
            let text = match fact {
                Fact::Installed { .. } => {
                    format!("the store says T{next} wrote a later version than T{this}")
                }
                Fact::Missed {
                    after: After::Installed(_),
                    ..
                } => format!("T{this} read {value}, and T{next} a later version, the store says"),
                Fact::Read(_) => format!("T{next} read {value}, which T{this} wrote"),
                Fact::Replaced(_) => {
                    format!("T{next} read {value}, which T{this} wrote, and wrote over it")
                }
                Fact::Missed { .. } => {
                    format!("T{this} read {value}, which T{next} wrote over")
                }
            };
            (register(history, step), text)
        }
        Because::Session => (None, format!("T{next} follows T{this} in its session")),
        Because::RealTime => (None, format!("T{this} had ended before T{next} began")),
    };
    (key.map(|key| plain(&key.to_string())), plain(&text))
}

/// An operation without most of the elements of long lists.
pub(crate) fn short_op(op: &Op) -> String {
    let text = match op {
        Op::Txn(micros) => micros.iter().map(short).collect::<Vec<_>>().join(", "),
        Op::Read {
            key,
            value: Some(value),
        } => format!("read {key} → {}", short_value(value)),
        Op::Peek {
            key,
            node,
            value: Some(value),
        } => {
            format!("peek {key} at {node} → {}", short_value(value))
        }
        other => other.to_string(),
    };
    plain(&text)
}

fn short(micro: &Micro) -> String {
    match micro {
        Micro::Read {
            key,
            value: Some(value),
        } => format!("read {key} → {}", short_value(value)),
        other => other.to_string(),
    }
}

/// A list with its last elements only, if it is long.
fn short_value(value: &Value) -> String {
    match value.elements() {
        Some(list) if list.len() > SHOWN => {
            let last = &list[list.len() - SHOWN..];
            let last: Vec<String> = last.iter().map(ToString::to_string).collect();
            format!("[… {}]", last.join(" "))
        }
        Some([]) if *value != Value::Null => "[]".to_owned(),
        _ => value.to_string(),
    }
}

/// A text without characters that would disturb a line.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        // Controls, and what turns around the text beside it.
        c if c.is_control() => ' ',
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            ' '
        }
        c => c,
    };
    text.chars().map(plain).collect()
}

/// A text in lines of so many columns, broken between words; a longer word is cut.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word.to_owned();
        if word.width() > room {
            while word.width() >= room && word.pop().is_some() {}
            word.push('…');
        }
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
