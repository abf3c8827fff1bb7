//! A second look at evidence, with nothing but the history and the definitions.

use polygraph_history::{EventIndex, History, Key, MicroRef, Op, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use super::super::register::{After, Fact};
use super::super::{Because as Why, Step};
use super::proof::operation;
use super::{At, Because, Evidence, Link, Overlooked, Proof};

type Checked = Result<(), String>;

/// Checks that evidence shows what it is said to show.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let kind = proof.evidence.kind();
    ensure(kind == proof.kind, || {
        format!("that is a {}, not a {}", kind.name(), proof.kind.name())
    })?;
    let record = Record::new(history, &reads(&proof.evidence));
    match &proof.evidence {
        Evidence::Unwritten { read } => {
            let (key, value) = record.answered(*read)?;
            ensure(*value != Value::Null, || {
                "every register is null at first".to_owned()
            })?;
            let writers = record.writers(key, value).count();
            ensure(writers == 0, || format!("{value} was written to {key}"))
        }
        Evidence::Internal { read, write } => {
            let (key, value) = record.answered(*read)?;
            let (written_to, written) = record.written(*write)?;
            let own = own_write_before(history, *read, key);
            ensure(own == Some(*write) && written_to == key, || {
                "that is not the transaction's last write to the register before the read"
                    .to_owned()
            })?;
            ensure(value != written, || "the read shows the write".to_owned())
        }
        Evidence::Future { read } => {
            let (key, value) = record.answered(*read)?;
            let author = record.author(key, value)?;
            ensure(author == Some(read.transaction), || {
                "somebody else may have written it".to_owned()
            })?;
            let earlier = (0..read.position).map(|position| At { position, ..*read });
            let mut earlier = earlier.filter_map(|at| at.write(history));
            ensure(!earlier.any(|write| write == (key, value)), || {
                "the transaction had written it before".to_owned()
            })
        }
        Evidence::Aborted { read, writer } => {
            let (key, value) = record.answered(*read)?;
            ensure(*value != Value::Null, || {
                "every register is null at first".to_owned()
            })?;
            let failed = record.writers(key, value).all(|writer| writer.failed);
            let known = record
                .writers(key, value)
                .any(|found| found.event == *writer);
            ensure(failed && known, || {
                format!("not only failed transactions wrote {value} to {key}")
            })
        }
        Evidence::Intermediate { read, last } => {
            let (key, value) = record.answered(*read)?;
            let author = record.author(key, value)?;
            let own = author == Some(read.transaction);
            ensure(author == Some(last.transaction) && !own, || {
                format!("another transaction may have written {value} to {key}")
            })?;
            let (written_to, written) = record.written(*last)?;
            ensure(
                last_write(history, last.transaction, key) == Some(*last),
                || "that is not the transaction's last write to the register".to_owned(),
            )?;
            ensure(written_to == key && written != value, || {
                "the read shows the last write".to_owned()
            })
        }
        Evidence::NonRepeatable { read, earlier } => {
            let (key, value) = record.external(*read)?;
            let (other_key, other) = record.external(*earlier)?;
            let one = read.transaction == earlier.transaction && earlier.position < read.position;
            ensure(one && key == other_key, || {
                "these are not two reads of a register by one transaction".to_owned()
            })?;
            ensure(value != other, || "both reads show the same".to_owned())
        }
        Evidence::LostUpdate {
            read,
            write,
            other_read,
            other_write,
        } => {
            let seen = record.external(*read)?;
            ensure(seen == record.external(*other_read)?, || {
                "the two read different versions".to_owned()
            })?;
            record.author(seen.0, seen.1)?;
            ensure(read.transaction != other_read.transaction, || {
                "that is one transaction".to_owned()
            })?;
            for (read, write) in [(read, write), (other_read, other_write)] {
                let (written_to, _) = record.written(*write)?;
                let after = read.transaction == write.transaction && written_to == seen.0;
                ensure(after, || "they did not both write the register".to_owned())?;
            }
            Ok(())
        }
        Evidence::Initial(overlooked) => {
            let author = record.overlooked(overlooked)?;
            ensure(author.is_none(), || {
                "the read does not show the initial value".to_owned()
            })
        }
        Evidence::Cycle(steps) => {
            ensure(steps.len() > 1, || {
                "a cycle has at least two steps".to_owned()
            })?;
            for (at, step) in steps.iter().enumerate() {
                let next = &steps[(at + 1) % steps.len()];
                ensure(step.to == next.from && step.from != step.to, || {
                    format!("step {at} does not lead to the next")
                })?;
                let checked = match &step.because {
                    Because::Link(link) => record.link(step.from, step.to, *link),
                    Because::Overlooked(overlooked) => {
                        let author = record.overlooked(overlooked)?;
                        let both =
                            overlooked.write.transaction == step.from && author == Some(step.to);
                        ensure(both, || "the read overlooks something else".to_owned())
                    }
                };
                checked.map_err(|problem| format!("step {at}: {problem}"))?;
            }
            Ok(())
        }
    }
}

/// Checks the steps of a cycle of transactions over registers.
pub(in super::super) fn confirm_steps(history: &History, steps: &[Step]) -> Checked {
    let wanted = steps.iter().filter_map(|step| match &step.because {
        Why::Register(Fact::Read(position) | Fact::Replaced(position)) => Some(At {
            transaction: step.to,
            position: *position,
        }),
        Why::Register(Fact::Missed { read, .. }) => Some(At {
            transaction: step.from,
            position: *read,
        }),
        _ => None,
    });
    let record = Record::new(history, &wanted.collect::<Vec<_>>());
    for (at, step) in steps.iter().enumerate() {
        let checked = match &step.because {
            Why::Register(fact) => record.fact(step.from, step.to, fact),
            Why::Session => record.link(step.from, step.to, Link::Session),
            Why::RealTime => {
                let first = operation(history, step.from);
                let second = operation(history, step.to);
                let ended = first.zip(second).is_some_and(|(a, b)| a.precedes(b));
                ensure(ended, || {
                    "the first had not ended when the second began".to_owned()
                })
            }
            _ => Err("that is no step of registers".to_owned()),
        };
        checked
            .and_then(|()| certain(history, step.from))
            .map_err(|problem| format!("step {at}: {problem}"))?;
    }
    Ok(())
}

/// That a transaction certainly took place: it was acknowledged, or an acknowledged one read what
/// it alone can have written.
fn certain(history: &History, event: EventIndex) -> Checked {
    let outcome = operation(history, event).map(|operation| operation.outcome);
    if outcome == Some(Outcome::Ok) {
        return Ok(());
    }
    let own = |at: At| at.write(history);
    let writes: Vec<(&Key, &Value)> = (0..)
        .map(|position| At {
            transaction: event,
            position,
        })
        .take(operations(history, event))
        .filter_map(own)
        .collect();
    let mut seen = Vec::new();
    for other in history.operations() {
        if other.outcome == Outcome::Ok {
            let reads = (0..operations(history, other.invoke)).map(|position| At {
                transaction: other.invoke,
                position,
            });
            seen.extend(reads.filter(|at| {
                let read = at.read(history);
                read.is_some_and(|read| writes.contains(&read))
            }));
        }
    }
    let record = Record::new(history, &seen);
    // A read that contradicts its own transaction shows as well that somebody wrote it.
    let observed = seen.iter().any(|at| {
        let author = record
            .answered(*at)
            .and_then(|(key, value)| record.author(key, value));
        at.transaction != event && author == Ok(Some(event))
    });
    ensure(observed && outcome == Some(Outcome::Info), || {
        format!("the transaction of event {event} may not have taken place")
    })
}

/// How many operations a transaction has.
fn operations(history: &History, event: EventIndex) -> usize {
    match operation(history, event).map(|operation| history.op(operation)) {
        Some(Op::Txn(micros)) => micros.len(),
        Some(_) => 1,
        None => 0,
    }
}

fn ensure(condition: bool, problem: impl FnOnce() -> String) -> Checked {
    condition.then_some(()).ok_or_else(problem)
}

/// A transaction that tried to write a value.
#[derive(Clone, Copy)]
struct Writer {
    event: EventIndex,
    failed: bool,
}

/// The history, and who wrote what the evidence is about.
struct Record<'h> {
    history: &'h History,
    writers: FxHashMap<(&'h Key, &'h Value), Vec<Writer>>,
}

impl<'h> Record<'h> {
    /// Looks for the writers of everything that the evidence says was read, in one pass.
    fn new(history: &'h History, reads: &[At]) -> Record<'h> {
        let mut writers: FxHashMap<(&'h Key, &'h Value), Vec<Writer>> = FxHashMap::default();
        for read in reads {
            if let Some(read) = read.read(history) {
                writers.insert(read, Vec::new());
            }
        }
        for operation in history.operations() {
            let mut add = |key: &'h Key, value: &'h Value| {
                if let Some(known) = writers.get_mut(&(key, value))
                    && known
                        .last()
                        .is_none_or(|last| last.event != operation.invoke)
                {
                    known.push(Writer {
                        event: operation.invoke,
                        failed: operation.outcome == Outcome::Fail,
                    });
                }
            };
            if let Some(micros) = history.micros(operation) {
                for micro in micros {
                    if let MicroRef::Write { key, value } = micro {
                        add(key, value);
                    }
                }
            } else if let Op::Write { key, value } | Op::Cas { key, to: value, .. } =
                history.op(operation)
            {
                add(key, value);
            }
        }
        Record { history, writers }
    }

    fn writers(&self, key: &'h Key, value: &'h Value) -> impl Iterator<Item = &Writer> {
        self.writers.get(&(key, value)).into_iter().flatten()
    }

    /// The one transaction that can have written it; nobody for the initial value.
    fn author(&self, key: &'h Key, value: &'h Value) -> Result<Option<EventIndex>, String> {
        let mut possible = self.writers(key, value).filter(|writer| !writer.failed);
        let several = || format!("it is not known who wrote {value} to {key}");
        match (possible.next(), *value == Value::Null) {
            (None, true) => Ok(None),
            (Some(writer), false) if possible.next().is_none() => Ok(Some(writer.event)),
            _ => Err(several()),
        }
    }

    /// A read of an acknowledged transaction.
    fn answered(&self, at: At) -> Result<(&'h Key, &'h Value), String> {
        let known = operation(self.history, at.transaction);
        ensure(
            known.is_some_and(|operation| operation.outcome == Outcome::Ok),
            || {
                format!(
                    "the transaction of event {} was not acknowledged",
                    at.transaction
                )
            },
        )?;
        at.read(self.history)
            .ok_or_else(|| format!("event {} has no read at {}", at.transaction, at.position))
    }

    fn written(&self, at: At) -> Result<(&'h Key, &'h Value), String> {
        at.write(self.history)
            .ok_or_else(|| format!("event {} has no write at {}", at.transaction, at.position))
    }

    /// A read before any write of its own transaction to the register.
    fn external(&self, at: At) -> Result<(&'h Key, &'h Value), String> {
        let read = self.answered(at)?;
        ensure(own_write_before(self.history, at, read.0).is_none(), || {
            "the transaction itself had written to the register".to_owned()
        })?;
        Ok(read)
    }

    /// That the second transaction learns from the first.
    fn link(&self, from: EventIndex, to: EventIndex, link: Link) -> Checked {
        match link {
            Link::Read(position) => {
                let read = At {
                    transaction: to,
                    position,
                };
                let (key, value) = self.answered(read)?;
                ensure(self.author(key, value)? == Some(from) && from != to, || {
                    format!("the read does not show what event {from} wrote")
                })
            }
            Link::Session => {
                let (Some(first), Some(second)) =
                    (operation(self.history, from), operation(self.history, to))
                else {
                    return Err("there is no such transaction".to_owned());
                };
                let ended = first.complete.is_some_and(|end| end < second.invoke);
                let follows = first.session == second.session && ended;
                ensure(follows && took_place(first), || {
                    "they do not follow one another in one session".to_owned()
                })
            }
        }
    }

    /// That one transaction comes before another by what was read and written.
    fn fact(&self, from: EventIndex, to: EventIndex, fact: &Fact) -> Checked {
        let at = |transaction, position| At {
            transaction,
            position,
        };
        let writes = |key: &Key| {
            ensure(last_write(self.history, to, key).is_some(), || {
                format!("the transaction of event {to} does not write {key}")
            })
        };
        match *fact {
            Fact::Read(position) => self.link(from, to, Link::Read(position)),
            Fact::Replaced(position) => {
                let (key, _) = self.external(at(to, position))?;
                self.link(from, to, Link::Read(position))?;
                writes(key)
            }
            Fact::Installed { earlier, later } => {
                let (key, _) = self.written(at(from, earlier))?;
                let (written_to, _) = self.written(at(to, later))?;
                ensure(key == written_to && from != to, || {
                    "these are not two transactions that wrote one register".to_owned()
                })?;
                self.told(from, to)
            }
            Fact::Missed { read, after } => {
                let (key, value) = self.external(at(from, read))?;
                let author = self.author(key, value)?;
                ensure(from != to, || "that is one transaction".to_owned())?;
                match after {
                    After::Initial(write) => {
                        let (written_to, _) = self.written(at(to, write))?;
                        ensure(author.is_none() && written_to == key, || {
                            "that write does not follow the initial value".to_owned()
                        })
                    }
                    After::Read(other) => {
                        ensure(self.external(at(to, other))? == (key, value), || {
                            "the two read different versions".to_owned()
                        })?;
                        writes(key)
                    }
                    After::Installed(write) => {
                        let (written_to, _) = self.written(at(to, write))?;
                        let author = author.ok_or("the read shows the initial value")?;
                        ensure(written_to == key && author != to, || {
                            "that write does not follow what was read".to_owned()
                        })?;
                        self.told(author, to)
                    }
                }
            }
        }
    }

    /// That the store says of one transaction's version that it came before another's.
    fn told(&self, before: EventIndex, after: EventIndex) -> Checked {
        let version = |event| {
            let operation = operation(self.history, event)?;
            self.history.version(operation.complete?)
        };
        match (version(before), version(after)) {
            (Some(before), Some(after)) if before < after => Ok(()),
            (before, after) => Err(format!(
                "the store says {before:?} and {after:?} of the versions"
            )),
        }
    }

    /// That a reader overlooks a write; returns whose value it shows instead, nobody's for the
    /// initial one.
    fn overlooked(&self, overlooked: &Overlooked) -> Result<Option<EventIndex>, String> {
        let Overlooked { write, read, seen } = overlooked;
        let (key, value) = self.answered(*read)?;
        let (written_to, _) = self.written(*write)?;
        ensure(key == written_to, || {
            format!("the read is of {key}, the write to {written_to}")
        })?;
        let author = self.author(key, value)?;
        ensure(author != Some(write.transaction), || {
            "the read shows that transaction's write".to_owned()
        })?;
        ensure(author != Some(read.transaction), || {
            "the read shows the reader's own write".to_owned()
        })?;
        let mut from = write.transaction;
        for &(to, link) in seen {
            self.link(from, to, link)?;
            from = to;
        }
        ensure(!seen.is_empty() && from == read.transaction, || {
            "the reader did not see the transaction of the write".to_owned()
        })?;
        Ok(author)
    }
}

fn took_place(operation: &Operation) -> bool {
    operation.outcome == Outcome::Ok
}

/// The reads whose author the evidence depends on.
fn reads(evidence: &Evidence) -> Vec<At> {
    let at = |transaction: EventIndex, link: Link| match link {
        Link::Read(position) => Some(At {
            transaction,
            position,
        }),
        Link::Session => None,
    };
    let overlooking = |overlooked: &Overlooked| -> Vec<At> {
        let seen = overlooked
            .seen
            .iter()
            .filter_map(|&(to, link)| at(to, link));
        seen.chain([overlooked.read]).collect()
    };
    match evidence {
        Evidence::Unwritten { read }
        | Evidence::Future { read }
        | Evidence::Aborted { read, .. }
        | Evidence::Intermediate { read, .. } => vec![*read],
        Evidence::Internal { .. } | Evidence::NonRepeatable { .. } => Vec::new(),
        Evidence::LostUpdate { read, .. } => vec![*read],
        Evidence::Initial(overlooked) => overlooking(overlooked),
        Evidence::Cycle(steps) => steps
            .iter()
            .flat_map(|step| match &step.because {
                Because::Link(link) => at(step.to, *link).into_iter().collect(),
                Because::Overlooked(overlooked) => overlooking(overlooked),
            })
            .collect(),
    }
}

/// The last write of a transaction to a register before one of its operations.
fn own_write_before(history: &History, at: At, key: &Key) -> Option<At> {
    let earlier = (0..at.position).rev().map(|position| At { position, ..at });
    earlier.into_iter().find(|earlier| {
        let write = earlier.write(history);
        write.is_some_and(|(written_to, _)| written_to == key)
    })
}

fn last_write(history: &History, transaction: EventIndex, key: &Key) -> Option<At> {
    let operations = match history.op(operation(history, transaction)?) {
        Op::Txn(micros) => micros.len(),
        _ => 1,
    };
    let end = At {
        transaction,
        position: operations,
    };
    own_write_before(history, end, key)
}
