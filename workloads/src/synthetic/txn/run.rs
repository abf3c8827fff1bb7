//! Clients that run transactions without a pause, one event after the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use polygraph_history::random::{Random, exponential};

use super::keys::Keys;
use super::pen::{Pen, Stage, separator};
use super::plot::Plot;
use super::script::{Line, Script, Turn, What as Does, digit};
use super::versions::{Access, Cell, Snapshot, Txn, Versions};
use super::{Plan, Summary, Workload};

/// How long a transaction takes on average, in nanoseconds.
const LENGTH: u64 = 1_500_000;
/// How long a client rests after it.
const REST: u64 = 100_000;
/// How long a crashed transaction takes until it has an effect.
const LATE: u64 = 20_000_000;
/// How far the events of a planted anomaly are apart.
const APART: u64 = 100_000;

/// A transaction on its way.
struct Slot {
    txn: Txn,
    process: u64,
    begins: u64,
    length: u64,
    /// Why it fails.
    fails: Option<&'static str>,
    crashed: bool,
    /// How much of it is still to happen: its commit, its end.
    left: u8,
}

/// What happens, and to whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A client is ready for its next transaction.
    Next(u32),
    /// A transaction performs its next operation.
    Step(u32),
    /// A transaction commits.
    Commit(u32),
    /// A transaction is answered, or its client gives up.
    End(u32),
    /// What is planted goes on.
    Plot,
}

pub(super) struct Run<'a, W> {
    plan: &'a Plan,
    versions: Versions,
    keys: Keys,
    random: Random,
    pen: Pen<W>,
    happenings: BinaryHeap<Reverse<(u64, What)>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The process that each client is now.
    processes: Vec<u64>,
    plot: Option<Plot>,
    summary: Summary,
}

impl<'a, W: Write> Run<'a, W> {
    pub(super) fn new(plan: &'a Plan, out: W) -> Run<'a, W> {
        let from = u128::from(plan.transactions) * u128::from(plan.at_ppm) / 1_000_000;
        let from = u64::try_from(from).unwrap_or(u64::MAX);
        let script = plan
            .anomaly
            .and_then(|anomaly| Script::of(anomaly, plan.workload));
        let mut run = Run {
            plan,
            versions: Versions::new(plan, separator(plan)),
            keys: Keys::new(plan),
            random: Random::keyed(&[plan.seed]),
            pen: Pen::new(plan, out),
            happenings: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            processes: (0..plan.clients as u64).collect(),
            plot: script.map(|script| Plot::new(script, from, plan.transactions)),
            summary: Summary::default(),
        };
        for _ in 0..plan.keys {
            let cell = run.versions.fresh();
            run.keys.add(cell);
        }
        for client in 0..plan.clients {
            let at = exponential(run.random.bits(), REST);
            run.plan_for(at, What::Next(client as u32));
        }
        run
    }

    /// Runs to the end.
    pub(super) fn finish(mut self) -> io::Result<Summary> {
        while let Some(Reverse((now, what))) = self.happenings.pop() {
            match what {
                What::Next(client) => self.next(now, client)?,
                What::Step(slot) => self.step(now, slot),
                What::Commit(slot) => self.commit(slot),
                What::End(slot) => self.end(now, slot)?,
                What::Plot => self.play(now)?,
            }
        }
        let (events, bytes) = self.pen.finish()?;
        Ok(Summary {
            events,
            bytes,
            ..self.summary
        })
    }

    fn plan_for(&mut self, at: u64, what: What) {
        self.happenings.push(Reverse((at, what)));
    }

    /// A client begins its next transaction, or is needed elsewhere.
    fn next(&mut self, now: u64, client: u32) -> io::Result<()> {
        let started = self.summary.transactions;
        let mut reserved = 0;
        if let Some(plot) = &mut self.plot {
            if plot.calls(started) {
                if plot.take(client) {
                    plot.first_key = self.versions.keys;
                    self.versions.keys += plot.script.keys() as u64;
                    self.plan_for(now, What::Plot);
                }
                return Ok(());
            }
            reserved = plot.left;
        }
        if started + reserved >= self.plan.transactions {
            return Ok(());
        }
        self.summary.transactions += 1;
        self.begin(now, client)
    }

    fn begin(&mut self, now: u64, client: u32) -> io::Result<()> {
        let at = self.slot(client);
        let (fewest, most) = self.plan.length;
        let count = self.random.between(u64::from(fewest), u64::from(most));
        let mut accesses = std::mem::take(&mut self.slots[at as usize].txn.accesses);
        for _ in 0..count {
            self.choose(&mut accesses);
        }
        let crashed = self.random.chance_ppm(self.plan.crash_ppm);
        let fails = !crashed && self.random.chance_ppm(self.plan.fail_ppm);
        // Each operation and the commit have a moment of their own.
        let steps = accesses.len() as u64;
        let length = exponential(self.random.bits(), LENGTH).max(steps + 2);
        let slot = &mut self.slots[at as usize];
        slot.process = self.processes[client as usize];
        slot.txn.accesses = accesses;
        (slot.begins, slot.length) = (now, length);
        slot.crashed = crashed;
        slot.fails = fails.then_some("aborted");
        self.pen.begin(now, slot.process, Stage::Invoked);
        invoked(&mut self.pen, &self.versions, &slot.txn);
        self.pen.end()?;
        self.versions.begin(&mut slot.txn, &mut self.random);
        let stepwise = self.versions.is_stepwise();
        let commits = match (crashed, stepwise) {
            (true, _) => {
                Some(exponential(self.random.bits(), LATE)).filter(|_| self.random.below(2) == 0)
            }
            (false, true) => Some(length * (steps + 1) / (steps + 2)),
            (false, false) => Some(self.random.below(length)),
        };
        let commits = commits.filter(|_| !fails);
        if stepwise && !crashed && !fails {
            self.plan_for(now + length / (steps + 2), What::Step(at));
        }
        if let Some(after) = commits {
            self.plan_for(now + after, What::Commit(at));
        }
        self.slots[at as usize].left = 1 + u8::from(commits.is_some());
        self.plan_for(now + length, What::End(at));
        Ok(())
    }

    /// A slot for a transaction.
    fn slot(&mut self, client: u32) -> u32 {
        let client = client as usize;
        if let Some(at) = self.free.pop() {
            let txn = &mut self.slots[at as usize].txn;
            txn.accesses.clear();
            (txn.client, txn.performed, txn.commit) = (client, 0, None);
            return at;
        }
        self.slots.push(Slot {
            txn: Txn {
                client,
                accesses: Vec::new(),
                snapshot: Snapshot::Now,
                performed: 0,
                commit: None,
            },
            process: 0,
            begins: 0,
            length: 0,
            fails: None,
            crashed: false,
            left: 0,
        });
        u32::try_from(self.slots.len() - 1).expect("there are fewer than four billion clients")
    }

    /// Adds one more operation, and before it the read that it needs.
    fn choose(&mut self, accesses: &mut Vec<Access>) {
        let place = self.keys.draw(&mut self.random);
        let at = self.keys.at(place);
        let cell = &mut self.versions.cells[at as usize];
        let add = |accesses: &mut Vec<Access>, cell: &mut Cell, writes| {
            cell.open += 1;
            accesses.push(Access {
                cell: at,
                writes,
                shown: 0,
                with_own: false,
            });
        };
        if self.random.chance_ppm(self.plan.read_ppm) {
            return add(accesses, cell, None);
        }
        if self.plan.read_first && !reads(accesses, at) {
            add(accesses, cell, None);
        }
        cell.written += 1;
        let value = cell.written;
        add(accesses, cell, Some(value));
        if self.keys.is_used_up(value) {
            self.versions.retire(at);
            let fresh = self.versions.fresh();
            self.keys.replace(place, fresh);
        }
    }

    /// A transaction performs its next operation.
    fn step(&mut self, now: u64, at: u32) {
        let slot = &mut self.slots[at as usize];
        if slot.fails.is_some() {
            return;
        }
        if self.versions.step(&mut slot.txn).is_err() {
            slot.fails = Some("conflict");
            return;
        }
        let steps = slot.txn.accesses.len() as u64;
        if (slot.txn.performed as u64) < steps {
            let next = slot.txn.performed as u64 + 1;
            let at_time = slot.begins + slot.length * next / (steps + 2);
            self.plan_for(at_time.max(now), What::Step(at));
        }
    }

    fn commit(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        if slot.fails.is_none() && self.versions.commit(&mut slot.txn).is_err() {
            slot.fails = Some("conflict");
        }
        self.done_with(at);
    }

    /// A transaction is answered, or its client gives up and goes on as another process.
    fn end(&mut self, now: u64, at: u32) -> io::Result<()> {
        let slot = &self.slots[at as usize];
        let client = slot.txn.client;
        let stage = match slot.fails {
            _ if slot.crashed => Stage::Lost,
            Some(why) => Stage::Failed(why),
            None => Stage::Done,
        };
        self.pen.begin(now, slot.process, stage);
        match stage {
            Stage::Done => done(&mut self.pen, &self.versions, &slot.txn, self.plan.workload),
            _ => invoked(&mut self.pen, &self.versions, &slot.txn),
        }
        self.pen.end()?;
        match stage {
            Stage::Failed(_) => self.summary.failed += 1,
            Stage::Lost => {
                self.summary.indeterminate += 1;
                self.processes[client] += self.plan.clients as u64;
            }
            Stage::Invoked | Stage::Done => {}
        }
        self.rest(now, client as u32);
        self.done_with(at);
        Ok(())
    }

    fn rest(&mut self, now: u64, client: u32) {
        let rest = exponential(self.random.bits(), REST);
        self.plan_for(now + rest + 1, What::Next(client));
    }

    /// Part of a transaction is over; after the last one it is forgotten.
    fn done_with(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        slot.left -= 1;
        if slot.left > 0 {
            return;
        }
        for access in &slot.txn.accesses {
            self.versions.release(access.cell);
        }
        self.free.push(at);
    }

    /// The next letter of what is planted.
    fn play(&mut self, now: u64) -> io::Result<()> {
        let Some(plot) = &mut self.plot else {
            return Ok(());
        };
        let Some(turn) = plot.turn() else {
            for client in plot.dismiss().to_vec() {
                self.rest(now, client);
            }
            if let Some(plot) = self.plot.take() {
                self.summary.planted = Some(plot.planted);
            }
            return Ok(());
        };
        let (Turn::Begins(txn) | Turn::Ends(txn)) = turn;
        let stage = match turn {
            Turn::Begins(_) => Stage::Invoked,
            Turn::Ends(_) if plot.script.fails(txn) => Stage::Failed("aborted"),
            Turn::Ends(_) => Stage::Done,
        };
        let process = self.processes[plot.client(txn) as usize];
        let index = self.pen.begin(now, process, stage);
        for Line { key, what } in plot.script.lines(txn) {
            let key = plot.first_key + key as u64;
            match (what, self.plan.workload) {
                (Does::Write(value), _) => self.pen.write(key, value),
                (Does::Read(_), _) if stage != Stage::Done => self.pen.unread(key),
                (Does::Read(digits), Workload::Register) => {
                    let last = digits.bytes().last().map_or(0, digit);
                    self.pen.read_register(key, last);
                }
                (Does::Read(digits), Workload::Append) => {
                    self.pen.read_list(key, &[], digits.bytes().map(digit));
                }
            }
        }
        self.pen.end()?;
        match stage {
            Stage::Invoked => {
                self.summary.transactions += 1;
                plot.left -= 1;
                plot.planted.operations[txn] = index;
            }
            Stage::Failed(_) => self.summary.failed += 1,
            Stage::Done | Stage::Lost => {}
        }
        let keys = (0..plot.script.keys() as u64).map(|key| self.pen.key(plot.first_key + key));
        plot.planted.keys = keys.collect();
        let apart = exponential(self.random.bits(), APART);
        self.plan_for(now + apart + 1, What::Plot);
        Ok(())
    }
}

/// Whether a cell is among those that are read.
fn reads(accesses: &[Access], cell: u32) -> bool {
    let read = |access: &Access| access.cell == cell && access.writes.is_none();
    accesses.iter().any(read)
}

/// The operations of a transaction, as it is invoked.
fn invoked<W: Write>(pen: &mut Pen<W>, versions: &Versions, txn: &Txn) {
    for access in &txn.accesses {
        let key = versions.cells[access.cell as usize].number;
        match access.writes {
            Some(value) => pen.write(key, value),
            None => pen.unread(key),
        }
    }
}

/// The same with what it has read.
fn done<W: Write>(pen: &mut Pen<W>, versions: &Versions, txn: &Txn, workload: Workload) {
    for (at, access) in txn.accesses.iter().enumerate() {
        let cell = &versions.cells[access.cell as usize];
        match (access.writes, workload) {
            (Some(value), _) => pen.write(cell.number, value),
            (None, Workload::Register) => pen.read_register(cell.number, access.shown),
            (None, Workload::Append) => {
                let own = txn.accesses[..at]
                    .iter()
                    .filter(|earlier| access.with_own && earlier.cell == access.cell)
                    .filter_map(|earlier| earlier.writes);
                pen.read_list(cell.number, cell.first(access.shown), own);
            }
        }
    }
}
