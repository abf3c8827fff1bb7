//! Which keys there are, what is done to them, and which values were put there by whom.

use polygraph_history::{
    History, Key, Micro, MicroRef, Op, Operation, OperationId, Outcome, Value,
};
use rustc_hash::FxHashMap;

use super::{Collector, Example, Finding, event, place, shorten};
use crate::coordination;
use crate::numbers::{Keys, Numbers};
use crate::scenario::understands;

/// Stands for *none* where a number is expected.
pub(super) const NONE: u32 = u32::MAX;

/// What an object is, as far as an operation shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Register,
    List,
    Log,
    Set,
    Queue,
    Stack,
    PriorityQueue,
    Lock,
    Counter,
    Ids,
    /// Written, extended, and read as a whole.
    Text,
}

impl Class {
    const ALL: [Class; 11] = [
        Class::Register,
        Class::List,
        Class::Log,
        Class::Set,
        Class::Queue,
        Class::Stack,
        Class::PriorityQueue,
        Class::Lock,
        Class::Counter,
        Class::Ids,
        Class::Text,
    ];

    const fn name(self) -> &'static str {
        match self {
            Class::Register => "registers",
            Class::List => "lists",
            Class::Log => "logs",
            Class::Set => "sets",
            Class::Queue => "queues",
            Class::Stack => "stacks",
            Class::PriorityQueue => "priority queues",
            Class::Lock => "locks",
            Class::Counter => "counters",
            Class::Ids => "sources of identifiers",
            Class::Text => "texts",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What an operation, or one of a transaction, does to a key.
pub(super) enum Step<'h> {
    /// It puts a value there.
    Put {
        key: &'h Key,
        value: &'h Value,
        class: Class,
        /// Whether checkers can tell writers apart only by the value.
        distinct: bool,
    },
    /// It shows what is there, if that is known, and is done to this class only.
    Show {
        key: &'h Key,
        value: Option<&'h Value>,
        class: Option<Class>,
    },
    /// It does something else.
    Touch { key: &'h Key, class: Class },
}

impl<'h> Step<'h> {
    const fn key(&self) -> &'h Key {
        match self {
            Step::Put { key, .. } | Step::Show { key, .. } | Step::Touch { key, .. } => key,
        }
    }

    const fn class(&self) -> Option<Class> {
        match self {
            Step::Put { class, .. } | Step::Touch { class, .. } => Some(*class),
            Step::Show { class, .. } => *class,
        }
    }
}

/// What an operation does, step by step.
pub(super) fn steps<'h>(
    history: &'h History,
    operation: &Operation,
    mut each: impl FnMut(Step<'h>),
) {
    match history.micros(operation) {
        Some(micros) => micros.for_each(|one| micro(one, &mut each)),
        None => single(history.op(operation), each),
    }
}

fn single<'h>(op: &'h Op, mut each: impl FnMut(Step<'h>)) {
    let put = |key, value, class| Step::Put {
        key,
        value,
        class,
        distinct: false,
    };
    let touch = |key, class| Step::Touch { key, class };
    let show = |key, value: &'h Option<Value>, class| Step::Show {
        key,
        value: value.as_ref(),
        class,
    };
    each(match op {
        Op::Txn(_) | Op::Custom { .. } => return,
        Op::Read { key, value } | Op::Peek { key, value, .. } | Op::Front { key, value } => {
            show(key, value, None)
        }
        Op::Write { key, value } => put(key, value, Class::Register),
        Op::Cas { key, to, .. } => put(key, to, Class::Register),
        Op::Add { key, value } => put(key, value, Class::Set),
        Op::Remove { key, .. } | Op::Contains { key, .. } => touch(key, Class::Set),
        Op::Enqueue { key, value } => put(key, value, Class::Queue),
        Op::Dequeue { key, value } => show(key, value, Some(Class::Queue)),
        Op::Push { key, value } => put(key, value, Class::Stack),
        Op::Pop { key, value } => show(key, value, Some(Class::Stack)),
        Op::Insert { key, value } => put(key, value, Class::PriorityQueue),
        Op::Extract { key, value } => show(key, value, Some(Class::PriorityQueue)),
        Op::Acquire { key, .. } | Op::Release { key } => touch(key, Class::Lock),
        Op::Increment { key, .. } => touch(key, Class::Counter),
        Op::Generate { key, .. } => touch(key, Class::Ids),
        Op::Append {
            key,
            value: Value::Text(_),
            ..
        } => touch(key, Class::Text),
        Op::Append { key, value, .. } => Step::Put {
            key,
            value,
            class: Class::List,
            distinct: true,
        },
        Op::Poll { key, value, .. } => show(key, value, Some(Class::List)),
    });
}

fn micro<'h>(micro: MicroRef<'h>, each: &mut impl FnMut(Step<'h>)) {
    let put = |key, value, class, distinct| Step::Put {
        key,
        value,
        class,
        distinct,
    };
    let show = |key, value, class| Step::Show { key, value, class };
    let other = match micro {
        MicroRef::Read { key, value } => return each(show(key, value, None)),
        MicroRef::Append { key, value } => return each(put(key, value, Class::List, true)),
        MicroRef::Write { key, value } => return each(put(key, value, Class::Register, true)),
        MicroRef::Other(other) => other,
    };
    match other {
        Micro::Insert { key, value } => each(put(key, value, Class::Register, true)),
        Micro::Delete { key } => each(Step::Touch {
            key,
            class: Class::Register,
        }),
        Micro::PredicateRead(read) => {
            let items = read.found.iter().flatten();
            items.for_each(|item| each(show(&item.key, Some(&item.value), Some(Class::Register))));
        }
        Micro::Init { objects } => {
            let items = objects.iter().flatten();
            items.for_each(|item| each(put(&item.key, &item.value, Class::Register, false)));
        }
        Micro::Send(message) => each(put(&message.key, &message.value, Class::Log, true)),
        Micro::Poll { messages } => {
            let messages = messages.iter().flatten();
            messages.for_each(|it| each(show(&it.key, Some(&it.value), Some(Class::Log))));
        }
        Micro::Read { .. } | Micro::Append { .. } | Micro::Write { .. } => {}
    }
}

/// A value of a key that somebody tried to put there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// The first operation that put it there, or may have.
    pub(super) may: u32,
    /// Another one.
    pub(super) again: u32,
    /// The first that certainly did not.
    pub(super) failed: u32,
}

/// Keys and values by number.
pub(super) struct Objects<'h> {
    pub(super) history: &'h History,
    pub(super) keys: Vec<&'h Key>,
    /// What each key is, one bit for each class.
    classes: Vec<u16>,
    /// The key of each step of each operation, in order.
    pub(super) steps: Vec<u32>,
    pub(super) written: Vec<Written>,
    /// Values that must tell writers apart and do not: the number of the value, and who wrote it.
    pub(super) repeated: Vec<(u32, OperationId)>,
    /// The first operation that each operation nobody here understands occurs in, and how often.
    pub(super) custom: Vec<(&'h str, OperationId, u64)>,
    /// How many operations change objects of each class, and the first of them.
    changes: [(u64, OperationId); Class::ALL.len()],
    numbers: Numbers<'h>,
}

impl<'h> Objects<'h> {
    /// Looks at a history.
    pub(super) fn new(history: &'h History) -> Objects<'h> {
        let mut objects = Objects {
            history,
            keys: Vec::new(),
            classes: Vec::new(),
            steps: Vec::with_capacity(history.operations().len()),
            written: Vec::new(),
            repeated: Vec::new(),
            custom: Vec::new(),
            changes: [(0, 0); Class::ALL.len()],
            numbers: Numbers::default(),
        };
        let mut keys = Keys::default();
        for (id, operation) in history.operations().iter().enumerate() {
            if history.micros(operation).is_none()
                && let Op::Custom { name, .. } = history.op(operation)
            {
                objects.count_custom(name, id);
            }
            let mut last = None;
            steps(history, operation, |step| {
                let key = keys.number(step.key());
                objects.add(key, &step, id, operation.outcome);
                if let Some(class) = step.class()
                    && last != Some(class)
                {
                    last = Some(class);
                    let (count, first) = &mut objects.changes[class as usize];
                    *first = if *count == 0 { id } else { *first };
                    *count += 1;
                }
            });
        }
        objects.keys = keys.names;
        objects
    }

    fn count_custom(&mut self, name: &'h str, id: OperationId) {
        match self.custom.iter_mut().find(|known| known.0 == name) {
            Some(known) => known.2 += 1,
            None => self.custom.push((name, id, 1)),
        }
    }

    fn add(&mut self, key: u32, step: &Step<'h>, id: OperationId, outcome: Outcome) {
        self.steps.push(key);
        if self.classes.len() <= key as usize {
            self.classes.push(0);
        }
        if let Some(class) = step.class() {
            self.classes[key as usize] |= class.bit();
        }
        let Step::Put {
            value, distinct, ..
        } = *step
        else {
            return;
        };
        if *value == Value::Null {
            return;
        }
        let fresh = self.written.len() as u32;
        let number = self.numbers.insert(key, value, fresh);
        if number == fresh {
            self.written.push(Written {
                may: NONE,
                again: NONE,
                failed: NONE,
            });
        }
        let written = &mut self.written[number as usize];
        let id32 = id as u32;
        match outcome {
            Outcome::Fail => written.failed = written.failed.min(id32),
            _ if written.may == NONE => written.may = id32,
            _ => {
                written.again = written.again.min(id32);
                if distinct {
                    self.repeated.push((number, id));
                }
            }
        }
    }

    /// The number of a value, if somebody tried to put it there.
    pub(super) fn number(&self, key: u32, value: &Value) -> Option<u32> {
        self.numbers.get(key, value)
    }

    /// What a key is, if its operations agree.
    pub(super) fn class(&self, key: u32) -> Option<Class> {
        let mask = self.classes[key as usize];
        if mask & Class::Text.bit() != 0 {
            return Some(Class::Text);
        }
        Class::ALL.into_iter().find(|class| class.bit() == mask)
    }

    /// Whether nothing but reads is known of a key.
    pub(super) fn is_only_read(&self, key: u32) -> bool {
        self.classes[key as usize] == 0
    }

    /// The key of a value, for a sentence about the few that need one.
    pub(super) fn key_of(&self, id: OperationId, number: u32) -> Option<(&'h Key, &'h Value)> {
        let mut found = None;
        steps(self.history, &self.history.operations()[id], |step| {
            if let Step::Put { key, value, .. } = step {
                let at = self.keys.iter().position(|known| *known == key);
                if at.and_then(|at| self.number(at as u32, value)) == Some(number) {
                    found = Some((key, value));
                }
            }
        });
        found
    }
}

/// Operations of several kinds of objects, and those that nobody here understands.
pub(super) fn find(objects: &Objects<'_>, findings: &mut Vec<Finding>) {
    let history = objects.history;
    let example = |id: OperationId| Example {
        sentence: format!(
            "`{}` by {}",
            shorten(history.op(&history.operations()[id])),
            place(history, id)
        ),
        events: vec![event(history, id)],
    };
    let mut unknown = Collector::new("unknown-operation");
    let unread = objects
        .custom
        .iter()
        .filter(|(name, ..)| !understands(name) && !coordination::understands(name));
    for &(_, id, count) in unread {
        unknown.add(|| example(id));
        unknown.count += count - 1;
    }
    unknown.tell(
        findings,
        "operations that no checker here understands; nothing is known of what they changed",
    );
    mixed_keys(objects, findings);
    let mut mixed = Collector::new("mixed-workloads");
    let present = || {
        let counts = Class::ALL.into_iter().zip(objects.changes);
        let texts = objects.changes[Class::Text as usize].0 > 0;
        counts
            .filter(|(_, (count, _))| *count > 0)
            .filter(move |(class, _)| !(texts && *class == Class::Register))
    };
    if present().count() > 1 {
        for (_, (_, first)) in present() {
            mixed.add(|| example(first));
        }
        let words: Vec<String> = present()
            .map(|(class, (count, _))| format!("{count} of {}", class.name()))
            .collect();
        mixed.tell(
            findings,
            format!(
                "operations of several kinds of objects are in one history: {}; a check looks at \
                 those of one kind, the most frequent unless --model says another",
                words.join(", ")
            ),
        );
    }
}

fn mixed_keys(objects: &Objects<'_>, findings: &mut Vec<Finding>) {
    let history = objects.history;
    let is_mixed = |key: u32| {
        let mask = objects.classes[key as usize];
        // A text is written like a register.
        let also = match mask & Class::Text.bit() {
            0 => 0,
            _ => Class::Register.bit(),
        };
        (mask & !also).count_ones() > 1
    };
    if !(0..objects.keys.len() as u32).any(is_mixed) {
        return;
    }
    let mut mixed = Collector::new("mixed-types");
    // The first operation of each class on each such key.
    let mut first: FxHashMap<(u32, u16), OperationId> = FxHashMap::default();
    let mut at = 0;
    for (id, operation) in history.operations().iter().enumerate() {
        steps(history, operation, |step| {
            let key = objects.steps[at];
            at += 1;
            if let Some(class) = step.class().filter(|_| is_mixed(key)) {
                first.entry((key, class.bit())).or_insert(id);
            }
        });
    }
    for key in (0..objects.keys.len() as u32).filter(|&key| is_mixed(key)) {
        mixed.add(|| {
            let of = |class: Class| Some((class, *first.get(&(key, class.bit()))?));
            let all: Vec<(Class, OperationId)> = Class::ALL.into_iter().filter_map(of).collect();
            let words: Vec<String> = all
                .iter()
                .map(|&(class, id)| format!("those of {} by {}", class.name(), place(history, id)))
                .collect();
            Example {
                sentence: format!("{}: {}", objects.keys[key as usize], words.join(", ")),
                events: all.iter().map(|&(_, id)| event(history, id)).collect(),
            }
        });
    }
    mixed.tell(
        findings,
        "one key is used by operations of several kinds of objects; no checker can say what its \
         reads mean",
    );
}
