//! Writes that reads can tell apart, and the reads that do.

use polygraph_history::{
    History, Key, Micro, MicroRef, Op, Operation, OperationId, Outcome, Value,
};
use rustc_hash::FxHashMap;

/// Stands for *none* where a number is expected.
const NONE: u32 = u32::MAX;

/// A write of which reads show whether it is there.
#[derive(Clone, Copy)]
pub(super) struct Item<'h> {
    pub(super) key: u32,
    pub(super) value: &'h Value,
    pub(super) operation: u32,
}

/// What is done to a key.
#[derive(Clone, Copy, Default)]
struct Use {
    /// How many writes replace its value, or may.
    writes: u32,
    /// How many add an element, or may.
    adds: u32,
    /// Whether anything else changes it.
    otherwise: bool,
    /// Whether somebody read a single value, or a list.
    single: bool,
    listed: bool,
}

impl Use {
    /// A register that is written once.
    const fn is_register(self) -> bool {
        self.writes == 1 && self.adds == 0 && !self.otherwise
    }

    /// A set or list; also one whose adds are called writes, as Jepsen does.
    const fn is_collection(self) -> bool {
        let added = self.writes == 0 && self.adds > 0;
        let written = self.adds == 0 && self.writes > 0 && self.listed && !self.single;
        (added || written) && !self.otherwise
    }
}

/// A read: which of the writes in its scope it shows.
pub(super) struct Read {
    pub(super) operation: u32,
    /// Reads of the same scope are comparable.
    pub(super) scope: u32,
    /// The items it shows, sorted.
    pub(super) present: Box<[u32]>,
}

/// Items, reads, and what reads are of.
pub(super) struct View<'h> {
    pub(super) history: &'h History,
    pub(super) keys: Vec<&'h Key>,
    pub(super) items: Vec<Item<'h>>,
    pub(super) reads: Vec<Read>,
    /// All items that reads of a scope may show, sorted.
    pub(super) scopes: Vec<Vec<u32>>,
    /// How many operations were looked at.
    pub(super) operations: u64,
    /// How many keys are neither.
    pub(super) left_out: usize,
}

impl<'h> View<'h> {
    pub(super) fn new(history: &'h History) -> View<'h> {
        let mut view = View {
            history,
            keys: Vec::new(),
            items: Vec::new(),
            reads: Vec::new(),
            scopes: Vec::new(),
            operations: 0,
            left_out: 0,
        };
        let mut build = Build::default();
        build.count_uses(history, &mut view.keys);
        build.add_items(history, &mut view);
        build.add_reads(history, &mut view);
        let changed = |it: &&Use| it.writes > 0 || it.adds > 0 || it.otherwise;
        let usable = |it: &Use| it.is_register() || it.is_collection();
        let uses = build.uses.iter().filter(changed);
        view.left_out = uses.filter(|it| !usable(it)).count();
        view
    }

    /// How many reads show one item and miss another.
    pub(super) fn opportunities(&self) -> u64 {
        let partial = |read: &&Read| {
            let all = self.scopes[read.scope as usize].len();
            !read.present.is_empty() && read.present.len() < all
        };
        self.reads.iter().filter(partial).count() as u64
    }

    /// The operation that began with an event.
    pub(super) fn operation_at(&self, event: u64) -> Option<OperationId> {
        let operations = self.history.operations();
        operations
            .binary_search_by_key(&event, |it| it.invoke as u64)
            .ok()
    }
}

#[derive(Default)]
struct Build<'h> {
    numbers: FxHashMap<&'h Key, u32>,
    uses: Vec<Use>,
    /// The item of a register.
    of_register: Vec<u32>,
    /// The items of collections; [`NONE`] where a value was added more than once.
    of_element: FxHashMap<(u32, &'h Value), u32>,
}

impl<'h> Build<'h> {
    fn number(&mut self, key: &'h Key, keys: &mut Vec<&'h Key>) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            keys.push(key);
            self.uses.push(Use::default());
            keys.len() as u32 - 1
        })
    }

    fn count_uses(&mut self, history: &'h History, keys: &mut Vec<&'h Key>) {
        for operation in history.operations() {
            let failed = operation.outcome == Outcome::Fail;
            let ok = operation.outcome == Outcome::Ok;
            each(history, operation, |step| {
                let number = self.number(step.key(), keys) as usize;
                let of = &mut self.uses[number];
                match step {
                    Step::Write(..) if !failed => of.writes += 1,
                    Step::Add(..) if !failed => of.adds += 1,
                    Step::Other(_) => of.otherwise = true,
                    Step::Read(_, Some(Value::List(_))) if ok => of.listed = true,
                    Step::Read(_, Some(Value::Int(_) | Value::Text(_))) if ok => of.single = true,
                    _ => {}
                }
            });
        }
    }

    fn add_items(&mut self, history: &'h History, view: &mut View<'h>) {
        self.of_register = vec![NONE; self.uses.len()];
        for (id, operation) in history.operations().iter().enumerate() {
            if operation.outcome == Outcome::Fail {
                continue;
            }
            each(history, operation, |step| {
                let (Step::Write(key, value) | Step::Add(key, value)) = step else {
                    return;
                };
                let key = self.numbers[key];
                let of = self.uses[key as usize];
                let number = view.items.len() as u32;
                let item = Item {
                    key,
                    value,
                    operation: id as u32,
                };
                if of.is_register() && *value != Value::Null {
                    self.of_register[key as usize] = number;
                    view.items.push(item);
                } else if of.is_collection() {
                    let known = self.of_element.entry((key, value)).or_insert(number);
                    match *known == number {
                        true => view.items.push(item),
                        // Whichever of them was seen: nothing follows.
                        false => *known = NONE,
                    }
                }
            });
        }
    }

    fn add_reads(&mut self, history: &'h History, view: &mut View<'h>) {
        let mut of_key: FxHashMap<u32, u32> = FxHashMap::default();
        let mut of_group: FxHashMap<Vec<u32>, u32> = FxHashMap::default();
        // The items of each collection are the scope of its reads.
        for number in 0..view.items.len() as u32 {
            let Item { key, value, .. } = view.items[number as usize];
            if self.of_element.get(&(key, value)) == Some(&number) {
                let fresh = view.scopes.len() as u32;
                let scope = *of_key.entry(key).or_insert(fresh);
                if scope == fresh {
                    view.scopes.push(Vec::new());
                }
                view.scopes[scope as usize].push(number);
            }
        }
        for (id, operation) in history.operations().iter().enumerate() {
            if operation.outcome != Outcome::Ok {
                continue;
            }
            let operation = id as u32;
            let mut group: Vec<u32> = Vec::new();
            let mut present: Vec<u32> = Vec::new();
            let mut own: Vec<u32> = Vec::new();
            each(history, &history.operations()[id], |step| {
                let key = self.numbers[step.key()];
                let Step::Read(_, Some(value)) = step else {
                    own.push(key);
                    return;
                };
                if own.contains(&key) {
                    return;
                }
                let item = self.of_register[key as usize];
                if item != NONE {
                    let shown = *value == *view.items[item as usize].value;
                    // Whatever else it is, nobody wrote it.
                    let twice = group.contains(&item) && present.contains(&item) != shown;
                    if twice {
                        // It changed under the transaction, which shows neither.
                        own.push(key);
                        group.retain(|other| *other != item);
                        present.retain(|other| *other != item);
                    } else if shown || *value == Value::Null {
                        group.push(item);
                        present.extend(shown.then_some(item));
                    }
                } else if let (Some(&scope), Some(all)) = (of_key.get(&key), value.elements()) {
                    let found = all.iter().filter_map(|element| {
                        let item = *self.of_element.get(&(key, element))?;
                        (item != NONE).then_some(item)
                    });
                    let mut shown: Vec<u32> = found.collect();
                    shown.sort_unstable();
                    shown.dedup();
                    view.operations += 1;
                    view.reads.push(Read {
                        operation,
                        scope,
                        present: shown.into(),
                    });
                }
            });
            group.sort_unstable();
            group.dedup();
            if group.len() < 2 {
                continue;
            }
            present.sort_unstable();
            present.dedup();
            view.operations += 1;
            let fresh = view.scopes.len() as u32;
            let scope = *of_group.entry(group).or_insert(fresh);
            if scope == fresh {
                view.scopes.push(Vec::new());
            }
            view.reads.push(Read {
                operation,
                scope,
                present: present.into(),
            });
        }
        for (group, scope) in of_group {
            view.scopes[scope as usize] = group;
        }
    }
}

/// What an operation does to a key.
enum Step<'h> {
    Write(&'h Key, &'h Value),
    Add(&'h Key, &'h Value),
    Read(&'h Key, Option<&'h Value>),
    Other(&'h Key),
}

impl<'h> Step<'h> {
    const fn key(&self) -> &'h Key {
        match self {
            Step::Write(key, _) | Step::Add(key, _) | Step::Read(key, _) | Step::Other(key) => key,
        }
    }
}

fn each<'h>(history: &'h History, operation: &Operation, mut step: impl FnMut(Step<'h>)) {
    if let Some(micros) = history.micros(operation) {
        for micro in micros {
            match micro {
                MicroRef::Read { key, value } => step(Step::Read(key, value)),
                MicroRef::Write { key, value } => step(Step::Write(key, value)),
                MicroRef::Append { key, value } => step(Step::Add(key, value)),
                MicroRef::Other(Micro::Insert { key, value }) => step(Step::Write(key, value)),
                MicroRef::Other(Micro::Delete { key }) => step(Step::Other(key)),
                MicroRef::Other(Micro::Init { objects }) => {
                    let items = objects.iter().flatten();
                    items.for_each(|item| step(Step::Other(&item.key)));
                }
                MicroRef::Other(_) => {}
            }
        }
        return;
    }
    match history.op(operation) {
        Op::Write { key, value } => step(Step::Write(key, value)),
        Op::Add { key, value } | Op::Append { key, value, .. } => step(Step::Add(key, value)),
        Op::Read { key, value } => step(Step::Read(key, value.as_ref())),
        // A peek sees one copy, and promises nothing.
        Op::Peek { .. } | Op::Contains { .. } => {}
        op => {
            if let Some(key) = op.key() {
                step(Step::Other(key));
            }
        }
    }
}
