//! A run of a simulated object: clients that work without a pause, one event after the other.
//!
//! Every operation takes effect at one moment between its invocation and its answer, drawn
//! evenly; so the order of these moments is a linearization, by construction. Crashed operations
//! take effect later, or never. Memory is that of the object and of what is in flight.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, Write};

use polygraph_history::random::{Random, exponential};

use super::format::{Ended, Pen};
use super::object::{Answer, Call, Fate, Flight, Object, Tampered};
use super::{Error, Injected, Plan, Summary};

/// How long an operation takes on average, in nanoseconds.
const LENGTH: u64 = 1_500_000;
/// How long a client rests after an answer.
pub(super) const REST: u64 = 100_000;
/// How long a crashed operation takes until it has an effect.
const LATE: u64 = 20_000_000;

/// A key, from its first operation to its last.
struct Cell<S> {
    /// Its number, which no other key has.
    number: u64,
    state: S,
    /// How many operations it had.
    used: u64,
    /// How many of them something may still come of.
    open: u32,
    retired: bool,
    /// Operations that cannot take effect yet.
    waiting: VecDeque<u32>,
}

/// An operation on its way.
struct Slot<N> {
    flight: Flight<N>,
    process: u64,
    cell: u32,
    /// The index of its invocation among all events.
    invoked: u64,
    answer: Option<Answer>,
    /// How much of it is still to happen: its effect, its end.
    left: u8,
}

/// What happens, and to whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A client is ready for its next operation.
    Next(u32),
    /// An operation takes effect.
    Effect(u32),
    /// An operation is answered, or its client gives up.
    End(u32),
}

/// Whether an answer is still to be made wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plot {
    /// Not, or not any more.
    Over,
    /// From this operation on.
    From(u64),
    /// One was; its witness is still to be seen.
    Begun,
}

pub(super) struct Run<'a, O: Object, W> {
    plan: &'a Plan,
    object: O,
    random: Random,
    pen: Pen<W>,
    happenings: BinaryHeap<Reverse<(u64, What)>>,
    cells: Vec<Cell<O::State>>,
    free_cells: Vec<u32>,
    /// The keys in use.
    live: Vec<u32>,
    /// How many keys there were.
    keys: u64,
    slots: Vec<Slot<O::Note>>,
    free_slots: Vec<u32>,
    /// The process that each client is now, and the key that it used last.
    processes: Vec<(u64, u32)>,
    started: u64,
    indeterminate: u64,
    plot: Plot,
    injected: Option<Injected>,
}

impl<'a, O: Object, W: Write> Run<'a, O, W> {
    pub(super) fn new(plan: &'a Plan, object: O, out: W) -> Run<'a, O, W> {
        let from = u128::from(plan.operations) * u128::from(plan.at_ppm) / 1_000_000;
        let mut run = Run {
            plan,
            object,
            random: Random::keyed(&[plan.seed]),
            pen: Pen::new(plan, out),
            happenings: BinaryHeap::new(),
            cells: Vec::new(),
            free_cells: Vec::new(),
            live: Vec::new(),
            keys: 0,
            slots: Vec::new(),
            free_slots: Vec::new(),
            processes: (0..plan.clients as u64).map(|client| (client, 0)).collect(),
            started: 0,
            indeterminate: 0,
            plot: match plan.violation {
                Some(_) => Plot::From(u64::try_from(from).unwrap_or(u64::MAX)),
                None => Plot::Over,
            },
            injected: None,
        };
        for _ in 0..plan.keys {
            let cell = run.fresh_cell();
            run.live.push(cell);
        }
        for client in 0..plan.clients {
            let at = exponential(run.random.bits(), REST);
            run.plan_for(at, What::Next(narrow(client)));
        }
        run
    }

    /// Runs to the end.
    pub(super) fn finish(mut self) -> Result<Summary, Error> {
        self.pen.header()?;
        while let Some(Reverse((now, what))) = self.happenings.pop() {
            match what {
                What::Next(client) => self.next(now, client as usize)?,
                What::Effect(slot) => self.effect(now, slot),
                What::End(slot) => self.end(now, slot)?,
            }
        }
        // Whoever still waits never got anything.
        for cell in 0..self.cells.len() {
            while let Some(slot) = self.cells[cell].waiting.pop_front() {
                self.give_up(slot)?;
            }
        }
        let (events, bytes) = self.pen.finish()?;
        if self.plan.violation.is_some() && (self.injected.is_none() || self.plot == Plot::Begun) {
            return Err(Error::NoPlace(self.no_place()));
        }
        Ok(Summary {
            operations: self.started,
            indeterminate: self.indeterminate,
            events,
            bytes,
            injected: self.injected,
        })
    }

    fn no_place(&self) -> String {
        let name = self.plan.violation.map_or("violation", |kind| kind.name());
        let share = f64::from(self.plan.at_ppm) / 10_000.0;
        format!(
            "the history has no place for a {name} that could be proven after {share} % of its \
             operations; more operations, an earlier `--at`, fewer clients, distinct values, \
             fewer crashes or another seed would make one"
        )
    }

    fn plan_for(&mut self, at: u64, what: What) {
        self.happenings.push(Reverse((at, what)));
    }

    fn fresh_cell(&mut self) -> u32 {
        let fresh = Cell {
            number: self.keys,
            state: O::State::default(),
            used: 0,
            open: 0,
            retired: false,
            waiting: VecDeque::new(),
        };
        self.keys += 1;
        match self.free_cells.pop() {
            Some(cell) => {
                self.cells[cell as usize] = fresh;
                cell
            }
            None => {
                self.cells.push(fresh);
                narrow(self.cells.len() - 1)
            }
        }
    }

    /// The key of a client's next operation.
    fn choose(&mut self, client: usize) -> u32 {
        if self.object.returns(client) {
            return self.processes[client].1;
        }
        let at = usize::try_from(self.random.below(self.live.len() as u64)).unwrap_or_default();
        let cell = self.live[at];
        if self
            .plan
            .retire
            .is_some_and(|most| self.cells[cell as usize].used >= most)
        {
            let old = &mut self.cells[cell as usize];
            old.retired = true;
            if old.open == 0 {
                self.free_cells.push(cell);
            }
            self.live[at] = self.fresh_cell();
        }
        self.live[at]
    }

    /// A client begins its next operation.
    fn next(&mut self, now: u64, client: usize) -> io::Result<()> {
        if self.started == self.plan.operations {
            return Ok(());
        }
        let cell = self.choose(client);
        self.processes[client].1 = cell;
        let key = &mut self.cells[cell as usize];
        key.used += 1;
        key.open += 1;
        let call = self.object.call(&mut key.state, client, &mut self.random);
        let crashed = self.random.chance_ppm(self.plan.crash_ppm);
        let length = exponential(self.random.bits(), LENGTH).max(1);
        let happens = !crashed
            || match self.object.fate(call) {
                Fate::Never => false,
                Fate::Half => self.random.below(2) == 0,
                Fate::Always => true,
            };
        let chosen = match (self.plot, self.plan.violation) {
            (Plot::From(place), Some(violation)) => {
                !crashed && self.started >= place && self.object.can_show(call, violation)
            }
            _ => false,
        };
        let mut flight = Flight {
            client,
            call,
            begins: now,
            ends: if crashed { u64::MAX } else { now + length },
            happens,
            chosen,
            note: O::Note::default(),
        };
        self.object
            .begin(&mut key.state, &mut flight, self.plan.violation);
        let process = self.processes[client].0;
        let invoked = self.pen.invoke(now, process, key.number, flight.call)?;
        // The answer of one that is chosen is worked out when it is given.
        let effect = happens && !chosen;
        let slot = Slot {
            flight,
            process,
            cell,
            invoked,
            answer: None,
            left: 1 + u8::from(effect),
        };
        let slot = self.keep(slot);
        if effect {
            let after = if crashed {
                exponential(self.random.bits(), LATE)
            } else {
                self.random.below(length)
            };
            self.plan_for(now + after, What::Effect(slot));
        }
        if crashed || chosen {
            self.plan_for(now + length, What::End(slot));
        }
        self.started += 1;
        Ok(())
    }

    fn keep(&mut self, slot: Slot<O::Note>) -> u32 {
        match self.free_slots.pop() {
            Some(free) => {
                self.slots[free as usize] = slot;
                free
            }
            None => {
                self.slots.push(slot);
                narrow(self.slots.len() - 1)
            }
        }
    }

    /// An operation takes effect, or waits until another one did.
    fn effect(&mut self, now: u64, at: u32) {
        let slot = &mut self.slots[at as usize];
        let key = &mut self.cells[slot.cell as usize];
        let Some(answer) = self.object.effect(&mut key.state, &slot.flight) else {
            key.waiting.push_back(at);
            return;
        };
        slot.answer = Some(answer);
        let call = slot.flight.call;
        let woken = if self.object.wakes(call) {
            key.waiting.pop_front()
        } else {
            None
        };
        if slot.flight.crashed() {
            self.done_with(at);
        } else {
            slot.left -= 1;
            slot.flight.ends = slot.flight.ends.max(now + 1);
            let ends = slot.flight.ends;
            self.plan_for(ends, What::End(at));
        }
        if let Some(woken) = woken {
            self.plan_for(now, What::Effect(woken));
        }
    }

    /// An operation is answered, or its client gives up.
    fn end(&mut self, now: u64, at: u32) -> io::Result<()> {
        let slot = &mut self.slots[at as usize];
        if slot.flight.crashed() {
            return self.give_up_at(now, at);
        }
        let key = &mut self.cells[slot.cell as usize];
        if slot.answer.is_none() {
            let tampered = match (self.plot, self.plan.violation) {
                (Plot::From(_), Some(violation)) => {
                    self.object.tamper(&mut key.state, &slot.flight, violation)
                }
                _ => Tampered::No,
            };
            let (plot, answer) = match tampered {
                Tampered::Shown(answer) => (Plot::Over, answer),
                Tampered::Begun(answer) => (Plot::Begun, answer),
                Tampered::No => {
                    let Some(answer) = self.object.effect(&mut key.state, &slot.flight) else {
                        slot.left += 1;
                        key.waiting.push_back(at);
                        return Ok(());
                    };
                    (self.plot, answer)
                }
            };
            if plot != self.plot {
                self.plot = plot;
                self.injected = Some(Injected {
                    event: slot.invoked,
                    key: self.pen.key(key.number),
                });
            }
            slot.answer = Some(answer);
        }
        let answer = slot.answer.take().unwrap_or(Answer::Done);
        let ended = match answer {
            Answer::Mismatch => Ended::Fail,
            _ => Ended::Ok(&answer),
        };
        let (flight, process) = (&slot.flight, slot.process);
        let row = (slot.invoked, flight.call);
        self.pen.end(now, process, key.number, row, &ended)?;
        self.object.end(&mut key.state, flight, &answer);
        if self.plot == Plot::Begun && self.object.shown() {
            self.plot = Plot::Over;
        }
        let rest = exponential(self.random.bits(), self.object.rest(flight.call));
        let client = narrow(flight.client);
        self.plan_for(now + rest + 1, What::Next(client));
        self.done_with(at);
        Ok(())
    }

    /// A client does not learn how its operation ended, and goes on as another process.
    fn give_up_at(&mut self, now: u64, at: u32) -> io::Result<()> {
        self.give_up_of(now, at)?;
        let client = self.slots[at as usize].flight.client;
        let rest = exponential(self.random.bits(), REST);
        self.plan_for(now + rest + 1, What::Next(narrow(client)));
        self.done_with(at);
        Ok(())
    }

    /// The same when the history ends.
    fn give_up(&mut self, at: u32) -> io::Result<()> {
        self.give_up_of(0, at)
    }

    fn give_up_of(&mut self, now: u64, at: u32) -> io::Result<()> {
        let slot = &self.slots[at as usize];
        let key = &self.cells[slot.cell as usize];
        let row = (slot.invoked, slot.flight.call);
        self.pen
            .end(now, slot.process, key.number, row, &Ended::Info)?;
        self.processes[slot.flight.client].0 += self.plan.clients as u64;
        self.indeterminate += 1;
        Ok(())
    }

    /// Part of an operation is over; after the last one it is forgotten.
    fn done_with(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        slot.left -= 1;
        if slot.left > 0 {
            return;
        }
        let key = &mut self.cells[slot.cell as usize];
        self.object.forget(&mut key.state, &slot.flight);
        key.open -= 1;
        if key.retired && key.open == 0 {
            self.free_cells.push(slot.cell);
        }
        self.free_slots.push(at);
    }
}

/// Indices of what is in memory at the same time.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("there are fewer than four billion clients and keys")
}

/// The call and the index of its invocation.
pub(super) type Row = (u64, Call);
