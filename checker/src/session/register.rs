//! Registers: which write every read of a session returned, and which writes it had to see.
//!
//! The sweep implements the visibility half of the engine (Viotti and Vukolić, *Consistency in
//! non-transactional distributed storage systems*, ACM CSUR 2016, section 3): visibility is the
//! least that the rules demand, and every read turns it into constraints on the arbitration
//! order: what was visible and was not returned comes before what was returned.

use polygraph_history::{History, Key, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use super::Rules;
use super::log::{Access, Part, access, so_before};

/// Where there is no write or value.
pub(super) const NONE: u32 = u32::MAX;
/// The initial value, as a write and as a value.
pub(super) const INITIAL: u32 = 0;

/// A write that may exist; the first of a register stands for its initial value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) part: Part,
    /// What it writes, by number.
    pub(super) value: u32,
    /// What it replaces, if it is a compare-and-set.
    pub(super) from: u32,
}

/// A read, a write, or (a compare-and-set) one after the other.
#[derive(Clone, Copy, Debug)]
struct Touch {
    part: Part,
    read: u32,
    write: u32,
}

/// Who may have written a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writers {
    /// How many writes that may exist.
    pub(super) count: u32,
    /// The first of them.
    pub(super) first: u32,
    /// The latest end of any.
    latest_end: u64,
    /// Whether any was acknowledged.
    acknowledged: bool,
}

/// A register, or an element of a set: a register that says whether it is there.
#[derive(Debug)]
pub(super) struct Register<'h> {
    pub(super) history: &'h History,
    pub(super) key: &'h Key,
    pub(super) element: Option<&'h Value>,
    pub(super) writes: Vec<Write>,
    pub(super) values: Vec<Writers>,
    touches: Vec<Touch>,
    /// Whether real time orders writes that do not overlap.
    pub(super) real_time: bool,
}

/// A constraint: a session had to see a write when it read another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saw {
    /// What it had to see.
    pub(super) visible: u32,
    /// Why: its own write, or the read that showed it before.
    pub(super) because: Part,
    /// What it returned.
    pub(super) returned: u32,
    /// The read.
    pub(super) read: Part,
}

/// Why the answer on a key may be incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Real-time order, session order and the data contradict each other.
    CyclicOrders,
    /// A read returned a value that several writes may have written.
    AmbiguousValue,
    /// A read returned a value that nobody wrote, or only a write that failed.
    PhantomValue,
    /// Sets and lists, of which not everything is decided.
    Elements,
    /// It stays open whether compare-and-sets can follow immediately what they replaced.
    OpenOrder,
    /// Operations of several data types.
    MixedTypes,
}

/// What the sweep of a register found.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) saws: Vec<Saw>,
    /// Reads whose every possible writer is older than what was visible, whatever the order:
    /// what was visible, why, and the read.
    pub(super) stale: Vec<(u32, Part, Part)>,
    /// Session order of writes where real time does not give it.
    pub(super) session_order: Vec<(u32, u32)>,
    /// Writes whose value was read.
    pub(super) observed: Vec<u32>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) opportunities: u64,
}

/// What a session has behind it.
#[derive(Default)]
struct Session {
    /// Its writes.
    own: Vec<Entry>,
    /// What the rules make visible to it.
    visible: Vec<Entry>,
    /// A read that ended first.
    first_read: Option<Part>,
}

#[derive(Clone, Copy)]
struct Entry {
    part: Part,
    write: u32,
    is_write: bool,
}

impl<'h> Register<'h> {
    fn empty(history: &'h History, key: &'h Key, element: Option<&'h Value>) -> Register<'h> {
        let nowhere = Part {
            operation: NONE,
            step: 0,
        };
        Register {
            history,
            key,
            element,
            writes: vec![Write {
                part: nowhere,
                value: INITIAL,
                from: NONE,
            }],
            values: vec![Writers::none()],
            touches: Vec::new(),
            real_time: true,
        }
    }

    /// The register of a key, from its steps.
    pub(super) fn of(history: &'h History, key: &'h Key, parts: &[Part]) -> Register<'h> {
        let mut register = Register::empty(history, key, None);
        let mut numbers: FxHashMap<&Value, u32> = FxHashMap::default();
        numbers.insert(&Value::Null, INITIAL);
        register.touches.reserve(parts.len());
        for &part in parts {
            let mut number = |value: &'h Value| {
                let next = u32::try_from(numbers.len()).expect("fewer values than operations");
                *numbers.entry(value).or_insert(next)
            };
            let (read, write) = match access(history, part) {
                Some((_, Access::Read(value))) => (number(value), NONE),
                Some((_, Access::Write(value))) => (NONE, number(value)),
                Some((_, Access::Cas { from, to })) => (number(from), number(to)),
                _ => continue,
            };
            register.values.resize(numbers.len(), Writers::none());
            register.touch(part, read, write);
        }
        register
    }

    /// The register that says whether an element is in a set: 0 as long as it is not, else 1.
    pub(super) fn of_element(
        history: &'h History,
        key: &'h Key,
        element: &'h Value,
        touches: impl Iterator<Item = (Part, bool, bool)>,
    ) -> Register<'h> {
        let mut register = Register::empty(history, key, Some(element));
        register.values.push(Writers::none());
        for (part, is_read, present) in touches {
            match is_read {
                true => register.touch(part, u32::from(present), NONE),
                false => register.touch(part, NONE, u32::from(present)),
            }
        }
        register
    }

    fn touch(&mut self, part: Part, read: u32, written: u32) {
        let mut write = NONE;
        if written != NONE {
            write = u32::try_from(self.writes.len()).expect("fewer writes than operations");
            self.writes.push(Write {
                part,
                value: written,
                from: read,
            });
            let Operation { end, outcome, .. } = self.history.operations()[part.id()];
            let writers = &mut self.values[written as usize];
            writers.count += 1;
            writers.first = writers.first.min(write);
            writers.latest_end = writers.latest_end.max(end);
            writers.acknowledged |= outcome == Outcome::Ok;
        }
        self.touches.push(Touch { part, read, write });
    }

    /// The operation of a write other than the initial one.
    pub(super) fn operation(&self, write: u32) -> &'h Operation {
        &self.history.operations()[self.writes[write as usize].part.id()]
    }

    /// The one write that a compare-and-set replaced, if only one is possible.
    pub(super) fn replaced(&self, write: u32) -> Result<u32, Doubt> {
        let from = self.writes[write as usize].from;
        let writers = self.values[from as usize];
        match writers.count {
            0 if from == INITIAL => Ok(INITIAL),
            1 if from != INITIAL && writers.first != write => Ok(writers.first),
            0 | 1 if from != INITIAL => Err(Doubt::PhantomValue),
            _ => Err(Doubt::AmbiguousValue),
        }
    }

    /// Follows every session through the register.
    pub(super) fn sweep(&self, rules: Rules) -> Swept {
        let mut swept = Swept::default();
        let mut sessions: FxHashMap<u32, Session> = FxHashMap::default();
        let operations = self.history.operations();
        for &touch in &self.touches {
            let operation = &operations[touch.part.id()];
            let session = sessions.entry(operation.session).or_default();
            let ok = operation.outcome == Outcome::Ok;
            if ok && touch.read != NONE {
                self.read(&mut swept, session, touch, rules);
            }
            if touch.write == NONE {
                continue;
            }
            let entry = Entry {
                part: touch.part,
                write: touch.write,
                is_write: true,
            };
            for earlier in active(operations, &mut session.own, touch.part) {
                let timed = operations[earlier.part.id()].precedes(operation);
                if !(self.real_time && timed) {
                    swept.session_order.push((earlier.write, touch.write));
                }
            }
            if ok {
                session.own.push(entry);
                if rules.own_writes {
                    session.visible.push(entry);
                }
            }
        }
        swept
    }

    /// One read: what it had to see, and what it returned.
    fn read(&self, swept: &mut Swept, session: &mut Session, touch: Touch, rules: Rules) {
        let operations = self.history.operations();
        let part = touch.part;
        let wrote = rules.own_writes && active(operations, &mut session.own, part).next().is_some();
        let read_before = session
            .first_read
            .is_some_and(|first| so_before(operations, first.id(), part.id()));
        swept.opportunities += u64::from(wrote || (rules.seen_reads && read_before));
        let end = |part: Part| operations[part.id()].end;
        if session
            .first_read
            .is_none_or(|first| end(part) < end(first))
        {
            session.first_read = Some(part);
        }
        let writers = self.values[touch.read as usize];
        let initial = touch.read == INITIAL;
        let own_result = writers.count == 1 && writers.first == touch.write;
        if (writers.count == 0 && !initial) || own_result {
            swept.doubts.push(Doubt::PhantomValue);
            return;
        }
        // Reads first, then writes: `active` keeps the list short, it is one or two long.
        let visible = |entry: &Entry| so_before(operations, entry.part.id(), part.id());
        prune(operations, &mut session.visible, part);
        let mut seen = session.visible.iter().filter(|entry| visible(entry));
        let Some(&first) = seen.next() else {
            if initial {
                // Nothing speaks against the initial value, which asks least of the order.
            } else if writers.count == 1 {
                self.returned(swept, session, touch, writers.first, rules);
            } else if rules.seen_reads || !writers.acknowledged {
                // Later reads depend on which it was, or the orders on which took place.
                swept.doubts.push(Doubt::AmbiguousValue);
            }
            return;
        };
        let alone = seen.next().is_none();
        let is_seen = self.writes[first.write as usize].value == touch.read;
        if writers.count > 1 && alone && is_seen {
            // It may have returned just what it had to see, which asks least of the order.
            return;
        }
        if writers.count == 1 {
            for entry in session.visible.iter().filter(|entry| visible(entry)) {
                if entry.write != writers.first {
                    swept.saws.push(Saw {
                        visible: entry.write,
                        because: entry.part,
                        returned: writers.first,
                        read: part,
                    });
                }
            }
            self.returned(swept, session, touch, writers.first, rules);
            return;
        }
        // The initial value, which is older than everything visible, or one of several writes.
        let older = |entry: &&Entry| {
            let newer = self.operation(entry.write);
            writers.count == 0 || (self.real_time && writers.latest_end < newer.start)
        };
        match session
            .visible
            .iter()
            .filter(|entry| visible(entry))
            .find(older)
        {
            Some(entry) => swept.stale.push((entry.write, entry.part, part)),
            None => swept.doubts.push(Doubt::AmbiguousValue),
        }
    }

    /// Notes which write a read returned.
    fn returned(
        &self,
        swept: &mut Swept,
        session: &mut Session,
        touch: Touch,
        write: u32,
        rules: Rules,
    ) {
        swept.observed.push(write);
        if rules.seen_reads {
            session.visible.push(Entry {
                part: touch.part,
                write,
                is_write: false,
            });
        }
    }
}

impl Writers {
    const fn none() -> Writers {
        Writers {
            count: 0,
            first: NONE,
            latest_end: 0,
            acknowledged: false,
        }
    }
}

/// The entries that come before an operation in session order and are not outdone by another.
fn active<'a>(
    operations: &'a [Operation],
    entries: &'a mut Vec<Entry>,
    now: Part,
) -> impl Iterator<Item = Entry> + 'a {
    prune(operations, entries, now);
    entries
        .iter()
        .copied()
        .filter(move |entry| so_before(operations, entry.part.id(), now.id()))
}

/// Drops what later entries outdo for this operation and all that come after it: a write of the
/// same session is later in every order, and a read returned nothing older than what was visible
/// to it. A write does not outdo what was read before it: that would be writes-follow-reads.
fn prune(operations: &[Operation], entries: &mut Vec<Entry>, now: Part) {
    if entries.len() < 2 {
        return;
    }
    let before = |a: Part, b: Part| so_before(operations, a.id(), b.id());
    let mut at = 0;
    while at < entries.len() {
        let old = entries[at];
        let outdone = entries[at + 1..].iter().any(|new| {
            // An earlier step of the same transaction has not ended for others of the session.
            before(old.part, new.part)
                && new.part.operation != now.operation
                && before(new.part, now)
                && (!new.is_write || old.is_write)
        });
        match outdone {
            true => {
                entries.remove(at);
            }
            false => at += 1,
        }
    }
}
