//! Sets and lists: what a session added or saw must be in what it reads, in the same order.
//!
//! An element that is never removed stays in every later state, so that what was visible once
//! must be in every later read of the session, whatever the order of others; no search is needed.
//! An element of a set that some operation removes is a register of its own, absent or present.

use polygraph_history::{History, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Rules;
use super::graph::{Edge, Graph, Zone, real_time};
use super::log::{Access, KeyLog, Part, Shape, access, so_before};
use super::orders::Judged;
use super::register::{Doubt, NONE, Register};

/// A read of a set or list that lacks or reverses what the session had to see.
#[derive(Clone, Debug)]
pub(super) enum Breach<'h> {
    /// Elements that are not there, each with the session's own add or earlier read.
    Missing {
        read: Part,
        elements: Vec<(&'h Value, Part)>,
    },
    /// `first` was before `second` for the session, and now comes after it.
    Reversed {
        read: Part,
        /// The session's own appends, or its earlier read twice.
        because: (Part, Part),
        first: &'h Value,
        second: &'h Value,
    },
}

impl Breach<'_> {
    pub(super) const fn read(&self) -> Part {
        match *self {
            Breach::Missing { read, .. } | Breach::Reversed { read, .. } => read,
        }
    }
}

/// What was found about a set or list.
#[derive(Debug, Default)]
pub(super) struct Checked<'h> {
    pub(super) breaches: Vec<Breach<'h>>,
    /// Violations of elements that some operation removes.
    pub(super) removable: Vec<Judged<'h>>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) opportunities: u64,
}

/// An element, and who may have added it.
#[derive(Clone, Copy)]
struct Element<'h> {
    value: &'h Value,
    /// How many adds that may exist.
    adds: u32,
    /// The first of them.
    first: Part,
    removable: bool,
    /// Whether a read lists it, and whether one does so twice.
    seen: bool,
    doubled: bool,
}

/// A step with its elements as numbers.
enum Step {
    Add(u32),
    Remove(u32),
    Read(Vec<u32>),
}

/// An element that a session has to see, and its own add or read because of which it has to.
type Due = (u32, Part);

#[derive(Default)]
struct Session {
    own: Vec<Due>,
    /// Its adds and removes of elements that some operation removes.
    removable: Vec<Part>,
    shown: Vec<Shown>,
}

/// An earlier read of the session, and what it should have shown besides.
struct Shown {
    part: Part,
    /// The number of its step.
    step: usize,
    lacked: Vec<Due>,
}

/// A set or list while it is checked.
struct Sweep<'a, 'h> {
    history: &'h History,
    rules: Rules,
    list: bool,
    elements: &'a [Element<'h>],
    steps: &'a [(Part, Step)],
    /// The read that last listed each element, and where.
    stamp: Vec<(usize, u32)>,
    checked: Checked<'h>,
}

/// Decides a set or list.
pub(super) fn check<'h>(history: &'h History, log: &KeyLog<'h>, rules: Rules) -> Checked<'h> {
    let (mut elements, steps, mut doubts) = number(history, log);
    let list = log.shape() == Shape::List;
    let mut sessions: FxHashMap<u32, Session> = FxHashMap::default();
    let mut sweep = Sweep {
        history,
        rules,
        list,
        elements: &elements,
        steps: &steps,
        stamp: vec![(usize::MAX, 0); elements.len()],
        checked: Checked::default(),
    };
    for (number, (part, step)) in steps.iter().enumerate() {
        let operation = &history.operations()[part.id()];
        let session = sessions.entry(operation.session).or_default();
        match step {
            Step::Read(listed) => sweep.read(session, number, *part, listed),
            Step::Add(element) | Step::Remove(element) => {
                if operation.outcome == Outcome::Ok {
                    match elements[*element as usize].removable {
                        true => session.removable.push(*part),
                        false => session.own.push((*element, *part)),
                    }
                }
            }
        }
    }
    let mut checked = sweep.checked;
    if list {
        let ambiguous = |element: &Element<'_>| element.adds > 1 || element.doubled;
        if elements.iter().any(ambiguous) {
            doubts.push(Doubt::AmbiguousValue);
        }
        if !orders_hold(history, rules, &mut elements, &steps) {
            // What the session itself saw reversed is its own; all else depends on an order
            // that does not exist.
            let reversed = |breach: &Breach<'_>| matches!(breach, Breach::Reversed { .. });
            checked.breaches.retain(reversed);
            doubts.push(Doubt::CyclicOrders);
        }
    }
    for judged in removable(history, log, rules, &elements, &steps) {
        doubts.extend(&judged.decided.doubts);
        if !judged.decided.violations.is_empty() {
            checked.removable.push(judged);
        }
    }
    checked.doubts = doubts;
    checked
}

type Numbered<'h> = (Vec<Element<'h>>, Vec<(Part, Step)>, Vec<Doubt>);

/// Gives elements numbers.
fn number<'h>(history: &'h History, log: &KeyLog<'h>) -> Numbered<'h> {
    let mut elements: Vec<Element<'h>> = Vec::new();
    let mut numbers: FxHashMap<&Value, u32> = FxHashMap::default();
    let mut steps = Vec::with_capacity(log.parts.len());
    let mut doubts = Vec::new();
    let mut last_seen: Vec<usize> = Vec::new();
    for &part in &log.parts {
        let mut number = |value: &'h Value| {
            let next = u32::try_from(elements.len()).expect("fewer elements than 2^32");
            *numbers.entry(value).or_insert_with(|| {
                last_seen.push(usize::MAX);
                elements.push(Element {
                    value,
                    adds: 0,
                    first: part,
                    removable: false,
                    seen: false,
                    doubled: false,
                });
                next
            })
        };
        match access(history, part) {
            Some((_, Access::Add(value) | Access::Append(value))) => {
                let at = number(value);
                let element = &mut elements[at as usize];
                if element.adds == 0 {
                    element.first = part;
                }
                element.adds += 1;
                steps.push((part, Step::Add(at)));
            }
            Some((_, Access::Remove(value))) => {
                let at = number(value);
                elements[at as usize].removable = true;
                steps.push((part, Step::Remove(at)));
            }
            Some((_, Access::Read(value))) => match value.elements() {
                Some(values) => {
                    let listed: Vec<u32> = values.iter().map(number).collect();
                    for &at in &listed {
                        let element = &mut elements[at as usize];
                        element.seen = true;
                        element.doubled |= last_seen[at as usize] == steps.len();
                        last_seen[at as usize] = steps.len();
                    }
                    steps.push((part, Step::Read(listed)));
                }
                None => doubts.push(Doubt::PhantomValue),
            },
            _ => {}
        }
    }
    if elements
        .iter()
        .any(|element| element.seen && element.adds == 0)
    {
        doubts.push(Doubt::PhantomValue);
    }
    (elements, steps, doubts)
}

impl<'h> Sweep<'_, 'h> {
    fn read(&mut self, session: &mut Session, number: usize, part: Part, listed: &[u32]) {
        let operations = self.history.operations();
        let before = |earlier: Part| so_before(operations, earlier.id(), part.id());
        for (&element, position) in listed.iter().zip(0..) {
            self.stamp[element as usize] = (number, position);
        }
        let mut missing: Vec<Due> = Vec::new();
        let mut reversed = None;
        let own = session.own.iter().map(|&(_, part)| part);
        let wrote = own.chain(session.removable.iter().copied()).any(before);
        if self.rules.own_writes && wrote {
            self.checked.opportunities += 1;
            let own = session
                .own
                .iter()
                .copied()
                .filter(|&(_, part)| before(part));
            self.compare(number, own, &mut missing, &mut reversed);
        }
        if self.rules.seen_reads {
            let seen = session.shown.iter().any(|shown| before(shown.part));
            let counted = self.rules.own_writes && wrote;
            self.checked.opportunities += u64::from(seen && !counted);
            self.outdo(session, part);
            for shown in session.shown.iter().filter(|shown| before(shown.part)) {
                let Step::Read(listed) = &self.steps[shown.step].1 else {
                    continue;
                };
                let listed = listed.iter().map(|&element| (element, shown.part));
                self.compare(number, listed, &mut missing, &mut reversed);
                self.compare(
                    number,
                    shown.lacked.iter().copied(),
                    &mut missing,
                    &mut None,
                );
            }
        }
        missing.sort_unstable_by_key(|&(element, part)| (element, part.operation, part.step));
        missing.dedup_by_key(|&mut (element, _)| element);
        if let Some((first, second)) = reversed {
            let value = |(element, _): Due| self.elements[element as usize].value;
            self.checked.breaches.push(Breach::Reversed {
                read: part,
                because: (first.1, second.1),
                first: value(first),
                second: value(second),
            });
        }
        if !missing.is_empty() {
            let value = |&(element, part): &Due| (self.elements[element as usize].value, part);
            self.checked.breaches.push(Breach::Missing {
                read: part,
                elements: missing.iter().map(value).collect(),
            });
        }
        if self.rules.seen_reads {
            session.shown.push(Shown {
                part,
                step: number,
                lacked: missing,
            });
        }
    }

    /// Compares what the session had to see, in the order in which it had to, with a read.
    fn compare(
        &self,
        number: usize,
        expected: impl Iterator<Item = Due>,
        missing: &mut Vec<Due>,
        reversed: &mut Option<(Due, Due)>,
    ) {
        let operations = self.history.operations();
        // What the read has listed furthest so far, and everything before it.
        let mut last: Option<(Due, u32)> = None;
        let mut passed: Vec<(Due, u32)> = Vec::new();
        for entry in expected {
            let element = self.elements[entry.0 as usize];
            let (read, position) = self.stamp[entry.0 as usize];
            if element.removable || element.adds == 0 {
                continue;
            }
            if read != number {
                missing.push(entry);
                continue;
            }
            if !self.list || element.adds > 1 || element.doubled {
                continue;
            }
            if let Some((before, reached)) = last
                && position < reached
            {
                // Devices that share a session append at the same time: then any other may do.
                let earlier = |&&(due, place): &&(Due, u32)| {
                    place > position && so_before(operations, due.1.id(), entry.1.id())
                };
                let found = match so_before(operations, before.1.id(), entry.1.id()) {
                    true => Some(before),
                    false => passed.iter().find(earlier).map(|&(due, _)| due),
                };
                *reversed = reversed.or(found.map(|before| (before, entry)));
            } else {
                last = Some((entry, position));
            }
            passed.push((entry, position));
        }
    }

    /// Drops earlier reads that a later one repeats. One that lacks something carries what, but
    /// not the order in which it was: the earlier ones stay besides, a few of them.
    fn outdo(&self, session: &mut Session, now: Part) {
        const KEPT: usize = 16;
        let operations = self.history.operations();
        let before = |a: Part, b: Part| so_before(operations, a.id(), b.id());
        let many = session.shown.len() > KEPT;
        let later: Vec<(Part, bool)> = session
            .shown
            .iter()
            .map(|shown| (shown.part, many || !self.list || shown.lacked.is_empty()))
            .collect();
        let mut at = 0;
        session.shown.retain(|shown| {
            at += 1;
            !later[at..].iter().any(|&(new, repeats)| {
                let ended = new.operation != now.operation && before(new, now);
                repeats && ended && before(shown.part, new)
            })
        });
    }
}

/// Whether real time (where it counts), session order and what reads list agree on some order of a list.
fn orders_hold(
    history: &History,
    rules: Rules,
    elements: &mut [Element<'_>],
    steps: &[(Part, Step)],
) -> bool {
    let operations = history.operations();
    let mut node = vec![NONE; elements.len()];
    let mut zones = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        let operation = &operations[element.first.id()];
        let exists = element.seen || operation.outcome == Outcome::Ok;
        if element.adds == 1 && !element.doubled && exists {
            node[at] = zones.len() as u32;
            zones.push(Zone {
                start: operation.start,
                end: operation.end,
            });
        }
    }
    let mut edges: Vec<Edge> = Vec::new();
    let mut successor = vec![NONE; zones.len()];
    let mut own: FxHashMap<u32, (u32, Part)> = FxHashMap::default();
    for (part, step) in steps {
        match step {
            Step::Read(listed) => {
                let known = listed.iter().map(|&element| node[element as usize]);
                let mut previous = NONE;
                for here in known.filter(|&here| here != NONE) {
                    if previous != NONE && successor[previous as usize] != here {
                        successor[previous as usize] = here;
                        edges.push((previous, here, 0));
                    }
                    previous = here;
                }
            }
            Step::Add(element) if node[*element as usize] != NONE => {
                let here = node[*element as usize];
                let session = operations[part.id()].session;
                if let Some((before, earlier)) = own.insert(session, (here, *part))
                    && so_before(operations, earlier.id(), part.id())
                {
                    edges.push((before, here, 0));
                }
            }
            Step::Add(_) | Step::Remove(_) => {}
        }
    }
    let nodes = match rules.real_time {
        true => real_time(&zones, 0, &mut edges),
        false => zones.len(),
    };
    Graph::new(nodes, &edges).components(u32::MAX).acyclic()
}

/// Decides the elements that some operation removes, each as a register.
fn removable<'h>(
    history: &'h History,
    log: &KeyLog<'h>,
    rules: Rules,
    elements: &[Element<'h>],
    steps: &[(Part, Step)],
) -> Vec<Judged<'h>> {
    const WROTE: u8 = 2;
    let watched: Vec<u32> = (0..elements.len() as u32)
        .filter(|&at| elements[at as usize].removable)
        .collect();
    let mut touches: Vec<Vec<(Part, bool, bool)>> = vec![Vec::new(); elements.len()];
    if watched.is_empty() {
        return Vec::new();
    }
    let shared = shared_sessions(history, steps);
    // What each session read last, so that a read that shows nothing new costs nothing; where
    // several processes share a session, which was last depends on whom one asks.
    let mut last: FxHashMap<(u32, u32), u8> = FxHashMap::default();
    let mut stamp = vec![usize::MAX; elements.len()];
    for (number, (part, step)) in steps.iter().enumerate() {
        let session = history.operations()[part.id()].session;
        let alone = !shared.contains(&session);
        match step {
            &Step::Add(element) | &Step::Remove(element) => {
                if elements[element as usize].removable {
                    let present = matches!(step, Step::Add(_));
                    touches[element as usize].push((*part, false, present));
                    last.insert((session, element), WROTE);
                }
            }
            Step::Read(listed) => {
                for &element in listed {
                    stamp[element as usize] = number;
                }
                for &element in &watched {
                    let present = stamp[element as usize] == number;
                    let state = last.entry((session, element)).or_insert(0);
                    if *state != u8::from(present) || !alone {
                        *state = u8::from(present);
                        touches[element as usize].push((*part, true, present));
                    }
                }
            }
        }
    }
    let registers = watched.iter().map(|&at| {
        let touches = std::mem::take(&mut touches[at as usize]).into_iter();
        Register::of_element(history, log.key, elements[at as usize].value, touches)
    });
    registers
        .map(|register| Judged::new(register, rules))
        .collect()
}

/// The sessions that have several processes.
fn shared_sessions(history: &History, steps: &[(Part, Step)]) -> FxHashSet<u32> {
    let mut shared = FxHashSet::default();
    let mut processes: FxHashMap<u32, u64> = FxHashMap::default();
    for (part, _) in steps {
        let operation = &history.operations()[part.id()];
        let process = *processes
            .entry(operation.session)
            .or_insert(operation.process);
        if process != operation.process {
            shared.insert(operation.session);
        }
    }
    shared
}
