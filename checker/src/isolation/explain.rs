//! Evidence in words, in Elle's manner: who, when, and why that cannot be.

use std::fmt::Write as _;

use polygraph_history::{EventIndex, History, Key, Micro, Op, Operation, Outcome, Time, Value};

use super::{At, Because, Evidence, Proof, Step, weak};

/// How many elements of a list, operations of a transaction and steps of a cycle are written out.
const SHOWN: usize = 8;

/// What people are told: one or two sentences, the events of the transactions in question, and
/// the list, where there is one.
pub(super) struct Told {
    pub(super) explanation: String,
    pub(super) operations: Vec<u64>,
    pub(super) key: Option<Key>,
}

/// Puts evidence into words.
pub(super) fn tell(history: &History, proof: &Proof) -> Told {
    let teller = Teller { history };
    let mut told = match &proof.evidence {
        Evidence::Cycle(steps) => teller.cycle(steps),
        Evidence::Register(evidence) => {
            let (explanation, operations, key) = weak::told(history, evidence);
            Told {
                explanation,
                operations,
                key,
            }
        }
        other => teller.facts(other),
    };
    // The same transaction may play two parts.
    let mut seen = Vec::new();
    told.operations.retain(|event| {
        let first = !seen.contains(event);
        seen.push(*event);
        first
    });
    told
}

struct Teller<'h> {
    history: &'h History,
}

impl<'h> Teller<'h> {
    fn operation(&self, event: EventIndex) -> Option<&'h Operation> {
        let operations = self.history.operations();
        let at = operations.partition_point(|operation| operation.invoke < event);
        operations
            .get(at)
            .filter(|operation| operation.invoke == event)
    }

    fn micros(&self, event: EventIndex) -> &'h [Micro] {
        match self
            .operation(event)
            .map(|operation| self.history.op(operation))
        {
            Some(Op::Txn(micros)) => micros,
            _ => &[],
        }
    }

    fn micro(&self, at: At) -> Option<&'h Micro> {
        self.micros(at.transaction).get(at.position)
    }

    /// `client 3, 1.203–1.250 s`; by events where there are no times.
    fn who(&self, event: EventIndex) -> String {
        let Some(operation) = self.operation(event) else {
            return format!("event {event}");
        };
        let begin = self.history.invoked_at(operation);
        let end = self.history.completed_at(operation);
        let mut text = format!("client {}, ", operation.process);
        let timed = end.unwrap_or(begin) > Time::ZERO;
        let begin_text = begin.to_string();
        let begin_text = begin_text.trim_end_matches(" s");
        let unknown = operation.outcome == Outcome::Info;
        let written = match (timed, end.filter(|_| !unknown)) {
            (true, Some(end)) => write!(text, "{begin_text}–{end}"),
            (true, None) => write!(text, "from {begin} on, outcome unknown"),
            (false, _) if unknown => write!(text, "event {event}, outcome unknown"),
            (false, _) => write!(text, "event {event}"),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        text
    }

    fn txn(&self, event: EventIndex) -> String {
        let micros = self.micros(event);
        let mut parts: Vec<String> = micros.iter().take(SHOWN).map(short).collect();
        if micros.len() > SHOWN {
            parts.push("…".to_owned());
        }
        format!("({}) {{ {} }}", self.who(event), parts.join(", "))
    }

    /// The list that an operation is about, and what it read or appended.
    fn list(&self, at: At) -> (Option<Key>, String, String) {
        match self.micro(at) {
            Some(Micro::Read { key, value }) => {
                let value = value.as_ref().map_or_else(String::new, short_value);
                (Some(key.clone()), key.to_string(), value)
            }
            Some(Micro::Append { key, value } | Micro::Write { key, value }) => {
                (Some(key.clone()), key.to_string(), value.to_string())
            }
            _ => (None, String::new(), String::new()),
        }
    }

    fn cycle(&self, steps: &[Step]) -> Told {
        let mut lets = String::new();
        let mut whys: Vec<String> = Vec::new();
        for (at, step) in steps.iter().enumerate().take(SHOWN) {
            let name = at + 1;
            let next = (at + 1) % steps.len() + 1;
            let separator = if at > 0 { ", " } else { "" };
            lets.push_str(&format!("{separator}T{name} {}", self.txn(step.from)));
            whys.push(format!(
                "T{name} < T{next}, because {}",
                self.why(step, name, next)
            ));
        }
        if steps.len() > SHOWN {
            lets.push_str(&format!(", and {} more", steps.len() - SHOWN));
            whys.push(format!("and so on to T{} < T1", steps.len()));
        }
        Told {
            explanation: format!("Let {lets}. Then {}: a contradiction.", whys.join("; ")),
            operations: steps.iter().map(|step| step.from as u64).collect(),
            key: one_key(steps),
        }
    }

    fn why(&self, step: &Step, name: usize, next: usize) -> String {
        let position = |transaction, position| At {
            transaction,
            position,
        };
        match &step.because {
            Because::Followed {
                key,
                element,
                next: later,
                read,
            } => {
                let (_, _, list) = self.list(*read);
                format!(
                    "T{next} appended {later} to {key} after T{name} had appended {element}: \
                     client {} read {list}",
                    self.operation(read.transaction)
                        .map_or(0, |operation| operation.process)
                )
            }
            Because::Observed { key, element, .. } => {
                format!("T{next} observed T{name}'s append of {element} to {key}")
            }
            Because::Missed {
                key,
                element,
                position: at,
            } => {
                let (_, _, list) = self.list(position(step.from, *at));
                format!("T{name} read {key} = {list}, before T{next} appended {element}")
            }
            Because::Register(fact) => {
                let (first, second) = (format!("T{name}"), format!("T{next}"));
                weak::words(self.history, (step.from, &first), (step.to, &second), fact)
            }
            Because::Session => format!("T{next} follows T{name} in its session"),
            Because::RealTime => format!("T{name} had ended before T{next} began"),
        }
    }

    fn facts(&self, evidence: &Evidence) -> Told {
        let (transactions, about, text) = match evidence {
            Evidence::Cycle(_) | Evidence::Register(_) => (vec![], None, String::new()),
            Evidence::NotAList { read } => {
                let (key, name, value) = self.list(*read);
                (
                    vec![*read],
                    key,
                    format!(
                        "{} read {name} = {value}, which is not a list",
                        self.txn(read.transaction)
                    ),
                )
            }
            Evidence::Unwritten { read, element } => {
                let (key, name, list) = self.list(*read);
                let text = format!(
                    "{} read {name} = {list}, but nobody ever appended {element} to {name}",
                    self.txn(read.transaction)
                );
                (vec![*read], key, text)
            }
            Evidence::Duplicate { read, element } => {
                let (key, name, list) = self.list(*read);
                let text = format!(
                    "{} read {name} = {list}, which shows {element} more often than it was appended",
                    self.txn(read.transaction)
                );
                (vec![*read], key, text)
            }
            Evidence::Diverged { read, other } => {
                let (key, name, list) = self.list(*read);
                let (_, _, longer) = self.list(*other);
                let text = format!(
                    "{} read {name} = {list} and {} read {name} = {longer}: neither list can have \
                     grown into the other",
                    self.txn(read.transaction),
                    self.txn(other.transaction)
                );
                (vec![*read, *other], key, text)
            }
            Evidence::Reordered {
                read,
                earlier,
                later,
            } => {
                let (key, name, list) = self.list(*read);
                let (_, _, first) = self.list(*earlier);
                let (_, _, second) = self.list(*later);
                let text = format!(
                    "T1 {} appended {first} to {name} and then {second}, but T2 {} read {name} = \
                     {list}, where {second} does not stand after {first}",
                    self.txn(earlier.transaction),
                    self.txn(read.transaction)
                );
                (vec![*earlier, *read], key, text)
            }
            Evidence::Internal { read } => {
                let (key, name, list) = self.list(*read);
                let text = format!(
                    "{} read {name} = {list} in operation {}, against what it had itself read or \
                     appended before",
                    self.txn(read.transaction),
                    read.position + 1
                );
                (vec![*read], key, text)
            }
            Evidence::Future { read, append } => {
                let (key, name, list) = self.list(*read);
                let (_, _, element) = self.list(*append);
                let text = format!(
                    "{} read {name} = {list} before it appended {element} itself",
                    self.txn(read.transaction)
                );
                (vec![*read], key, text)
            }
            Evidence::Aborted { read, append } => {
                let (key, name, list) = self.list(*read);
                let (_, _, element) = self.list(*append);
                let text = format!(
                    "T2 {} read {name} = {list}, with {element}, which T1 {} tried to append; but \
                     T1 failed",
                    self.txn(read.transaction),
                    self.txn(append.transaction)
                );
                (vec![*append, *read], key, text)
            }
            Evidence::OnAborted {
                read,
                aborted,
                committed,
            } => {
                let (key, name, list) = self.list(*read);
                let (_, _, below) = self.list(*aborted);
                let (_, _, above) = self.list(*committed);
                let text = format!(
                    "T2 {} appended {above} to {name} on top of {below} of T1 {}, which failed: \
                     T3 {} read {name} = {list}",
                    self.txn(committed.transaction),
                    self.txn(aborted.transaction),
                    self.txn(read.transaction)
                );
                (vec![*aborted, *committed, *read], key, text)
            }
            Evidence::Intermediate {
                read,
                append,
                later,
            } => {
                let (key, name, list) = self.list(*read);
                let (_, _, element) = self.list(*append);
                let (_, _, last) = self.list(*later);
                let text = format!(
                    "T2 {} read {name} = {list}, which ends with {element} of T1 {}; but T1 went \
                     on to append {last}",
                    self.txn(read.transaction),
                    self.txn(append.transaction)
                );
                (vec![*append, *read], key, text)
            }
            Evidence::Fractured {
                seen,
                write,
                missing,
                missed,
            } => {
                let (_, name, list) = self.list(*seen);
                let (_, _, element) = self.list(*write);
                let (key, other, lacking) = self.list(*missing);
                let (_, _, lost) = self.list(*missed);
                let text = format!(
                    "T2 {} read {name} = {list}, with {element} of T1 {}, but read {other} = \
                     {lacking}, without {lost}, which T1 appended as well",
                    self.txn(seen.transaction),
                    self.txn(write.transaction)
                );
                (vec![*write, *seen], key, text)
            }
            Evidence::SameState {
                read,
                append,
                other_read,
                other_append,
            } => {
                let (key, name, list) = self.list(*read);
                let (_, _, first) = self.list(*append);
                let (_, _, second) = self.list(*other_append);
                let text = format!(
                    "T1 {} and T2 {} both read {name} = {list}; then T1 appended {first} and T2 \
                     appended {second}, so that one of them must have missed the other's",
                    self.txn(read.transaction),
                    self.txn(other_read.transaction)
                );
                (vec![*read, *other_read], key, text)
            }
        };
        Told {
            explanation: format!("{text}."),
            operations: transactions
                .iter()
                .map(|at| at.transaction as u64)
                .collect(),
            key: about,
        }
    }
}

/// The list that all data in a cycle are of, if it is one.
fn one_key(steps: &[Step]) -> Option<Key> {
    let mut keys = steps.iter().filter_map(|step| match &step.because {
        Because::Followed { key, .. }
        | Because::Observed { key, .. }
        | Because::Missed { key, .. } => Some(key),
        Because::Register(_) | Because::Session | Because::RealTime => None,
    });
    let first = keys.next()?;
    keys.all(|key| key == first).then(|| first.clone())
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

/// A list with its last elements only, if it is long; `[]` for one never appended to.
fn short_value(value: &Value) -> String {
    match value.elements() {
        None => value.to_string(),
        Some([]) => "[]".to_owned(),
        Some(list) if list.len() <= SHOWN => value.to_string(),
        Some(list) => {
            let last = &list[list.len() - SHOWN..];
            let last: Vec<String> = last.iter().map(ToString::to_string).collect();
            format!("[… {}]", last.join(" "))
        }
    }
}
