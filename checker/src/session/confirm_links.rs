//! Checks evidence across keys: every link looked up in the history.
//!
//! **Invariant:** shares nothing with the search but the types of the proof.

use polygraph_history::{History, Key, Operation, Outcome, Value};

use super::confirm::{Effect, ensure, find, in_session, steps};
use super::{At, Link, Place, Rules};

struct Book<'h> {
    history: &'h History,
    rules: Rules,
}

/// A step on a register.
struct Line<'h> {
    operation: &'h Operation,
    key: &'h Key,
    read: Option<&'h Value>,
    write: Option<&'h Value>,
}

/// That a read found nothing though a path leads there from a write of its key.
pub(super) fn unseen(history: &History, rules: Rules, path: &[Place]) -> Result<(), String> {
    let book = Book { history, rules };
    let (write, read) = book.path(path)?;
    let (line, newer) = (book.line(read.at)?, book.line(write.at)?);
    ensure(
        line.key == newer.key && line.read == Some(&Value::Null),
        || format!("event {} finds something", read.at.event),
    )?;
    ensure(book.writers(line.key, &Value::Null).is_empty(), || {
        "somebody writes nothing".to_owned()
    })
}

/// That links lead in a circle, and somebody saw something.
pub(super) fn circle(history: &History, rules: Rules, links: &[Link]) -> Result<(), String> {
    let book = Book { history, rules };
    let ends: Vec<(Place, Place)> = links
        .iter()
        .map(|link| book.link(link))
        .collect::<Result<_, _>>()?;
    let seen = |link: &Link| matches!(link, Link::Saw { .. } | Link::ReadsFrom { .. });
    ensure(links.iter().any(seen), || "nobody saw anything".to_owned())?;
    for (at, &(_, to)) in ends.iter().enumerate() {
        ensure(ends[(at + 1) % ends.len()].0 == to, || {
            format!("link {at} does not lead to the next")
        })?;
    }
    Ok(())
}

impl<'h> Book<'h> {
    fn line(&self, at: At) -> Result<Line<'h>, String> {
        let (operation, effect) = find(self.history, at)?;
        let (key, read, write) = match effect {
            Effect::Read(key, Some(value)) => (key, Some(value), None),
            Effect::Write(key, value) => (key, None, Some(value)),
            Effect::Cas(key, from, to) => (key, Some(from), Some(to)),
            _ => return Err(format!("event {} reads or writes no register", at.event)),
        };
        ensure(operation.outcome != Outcome::Fail, || {
            format!("event {} failed", at.event)
        })?;
        Ok(Line {
            operation,
            key,
            read,
            write,
        })
    }

    fn place(&self, place: Place) -> Result<Line<'h>, String> {
        let line = self.line(place.at)?;
        let right = match place.writes {
            true => line.write.is_some(),
            false => line.read.is_some() && line.operation.outcome == Outcome::Ok,
        };
        ensure(right, || {
            format!("event {} does something else", place.at.event)
        })?;
        Ok(line)
    }

    fn writers(&self, wanted: &Key, value: &Value) -> Vec<At> {
        let mut writers = Vec::new();
        for operation in self.history.operations() {
            if operation.outcome == Outcome::Fail {
                continue;
            }
            for (step, effect) in steps(self.history, operation).into_iter().enumerate() {
                if let Effect::Write(key, written) | Effect::Cas(key, _, written) = effect
                    && key == wanted
                    && written == value
                {
                    writers.push(At {
                        event: operation.invoke as u64,
                        step,
                    });
                }
            }
        }
        writers
    }

    /// That a read can only have returned that write.
    fn reads_from(&self, write: At, read: At) -> Result<(), String> {
        let line = self.place(Place {
            at: read,
            writes: false,
        })?;
        let value = line.read.unwrap_or(&Value::Null);
        ensure(
            write != read && *value != Value::Null && self.writers(line.key, value) == [write],
            || format!("event {} need not have returned that write", read.event),
        )
    }

    /// That one session did both, and the rules make something of it.
    fn session(&self, before: Place, after: Place, keyed: bool) -> Result<(), String> {
        let (a, b) = (self.place(before)?, self.place(after)?);
        let one = before.at == after.at
            && !before.writes
            && after.writes
            && a.operation.outcome == Outcome::Ok;
        let (first, second) = ((a.operation, before.at), (b.operation, after.at));
        ensure(one || in_session(first, second), || {
            format!(
                "event {} is not before event {} in one session",
                before.at.event, after.at.event
            )
        })?;
        let named = match (before.writes, after.writes) {
            (true, true) => self.rules.session_writes || keyed && a.key == b.key,
            (true, false) => self.rules.own_writes,
            (false, true) => self.rules.read_context,
            (false, false) => self.rules.seen_reads,
        };
        ensure(named, || {
            format!("no rule leads from event {}", before.at.event)
        })
    }

    /// That a path leads from a write to a read.
    fn path(&self, path: &[Place]) -> Result<(Place, Place), String> {
        let (Some(&first), Some(&last)) = (path.first(), path.last()) else {
            return Err("the path is empty".to_owned());
        };
        ensure(first.writes && !last.writes, || {
            "the path does not lead from a write to a read".to_owned()
        })?;
        for pair in path.windows(2) {
            let read = pair[0].writes && !pair[1].writes;
            if !(read && self.reads_from(pair[0].at, pair[1].at).is_ok()) {
                self.session(pair[0], pair[1], false)?;
            }
        }
        Ok((first, last))
    }

    fn link(&self, link: &Link) -> Result<(Place, Place), String> {
        let write = |at: At| Place { at, writes: true };
        let read = |at: At| Place { at, writes: false };
        match link {
            Link::Session { before, after } => {
                self.session(*before, *after, true)?;
                Ok((*before, *after))
            }
            Link::ReadsFrom {
                write: from,
                read: to,
            } => {
                self.reads_from(*from, *to)?;
                Ok((write(*from), read(*to)))
            }
            Link::RealTime { before, after } => {
                let (a, b) = (self.place(write(*before))?, self.place(write(*after))?);
                let ordered = a.key == b.key && a.operation.precedes(b.operation);
                ensure(self.rules.real_time && ordered, || {
                    format!(
                        "event {} had not ended when event {} began",
                        before.event, after.event
                    )
                })?;
                Ok((write(*before), write(*after)))
            }
            Link::Replaced { from, to } => {
                let line = self.place(write(*to))?;
                let value = line.read.unwrap_or(&Value::Null);
                let known = *value != Value::Null && self.writers(line.key, value) == [*from];
                ensure(known && from != to, || {
                    format!("event {} need not have replaced that", to.event)
                })?;
                Ok((write(*from), write(*to)))
            }
            Link::Saw { path, returned } => {
                let (visible, last) = self.path(path)?;
                self.reads_from(*returned, last.at)?;
                let same = self.line(visible.at)?.key == self.line(last.at)?.key;
                ensure(same && visible.at != *returned, || {
                    format!("event {} orders nothing", last.at.event)
                })?;
                Ok((visible, write(*returned)))
            }
        }
    }
}
