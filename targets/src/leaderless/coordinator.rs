//! The coordinator: what the node that was asked does for a request.
//!
//! A request is a sequence of rounds, each of which asks all n replicas and goes on when enough
//! have answered:
//!
//! - `version=lww`, write: **store**, w answers.
//! - `version=abd`, write: **fetch**, r answers; then **store** with a counter one above the
//!   greatest seen, w answers.
//! - read: **fetch**, r answers; with `repair=sync` then **store** of what is newest at all that
//!   are not known to have it, until w have. With `repair=async` the same after the answer, to
//!   those that turned out to be behind, when all have answered or the timer has run out.
//! - read of a set with `repair=sync`: fetch and store in turns, until a fetch that began after w
//!   replicas had the elements finds no others.
//!
//! **Why registers are linearizable** with `version=abd`, `repair=sync` and w + r > n (Attiya,
//! Bar-Noy and Dolev, "Sharing Memory Robustly in Message-Passing Systems", JACM 1995, section 3;
//! several writers: Lynch and Shvartsman, "Robust emulation of shared memory using dynamic
//! quorum-acknowledged broadcasts", FTCS 1997). A replica's stamp of a register never falls. When
//! an operation completes, w replicas hold its stamp or a greater one: a write's own, by its store
//! round; a read's, because it stored what it returned, or found w answers that had it. A fetch
//! round that begins later hears r replicas, and w + r > n makes one of them such a one. So a
//! later read returns that stamp or a greater one, and a later write takes a strictly greater one.
//! Stamps are unique; order the writes by them and put each read right behind the write that it
//! returns: that order keeps real time. That any two write quorums meet (2w > n) is not needed: a
//! write learns of earlier ones by its fetch round, not by its store round. Clocks play no part.
//! Skipping the store round of a read is safe only when w answers, not merely r, had the newest
//! stamp: otherwise (w = 3, r = 1) a later read could miss it.
//!
//! With `version=lww`, `repair=sync`, w + r > n and right clocks the same argument holds: of two
//! writes that do not overlap the later one has the later time, which takes the place of the fetch
//! round.
//!
//! **Why a set is**, though its elements are registers of their own: call *U* what a read returns.
//! At some time t, w replicas held all of U, and the fetch round that found nothing else began
//! after t. Of two reads let the first one's t be the earlier: the other's last fetch round began
//! after it and shares a replica with those w, so it returns a superset. Hence all reads of a set
//! lie on a chain, which real time agrees with.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::{Context, Reply, RequestId, Timer};
use polygraph_history::{ErrorName, Key, NodeId, Op, Value};

use super::config::{Repair, Version};
use super::message::{Body, Cell, Message, Stamp, Which};
use super::node::{Leaderless, REQUEST};
use super::replica::rendered;

/// How long a coordinator waits for replicas: less than clients wait for it, however its clock
/// drifts.
const PATIENCE: Duration = Duration::from_millis(800);

/// A request that is not finished.
#[derive(Debug)]
pub(super) struct Request {
    op: Op,
    key: Key,
    replicas: Vec<NodeId>,
    round: u32,
    phase: Phase,
}

/// What a request waits for.
#[derive(Debug)]
enum Phase {
    /// Replicas tell what they hold.
    Fetch {
        answers: Vec<(NodeId, Vec<Cell>)>,
        /// What w replicas were known to hold before this round began.
        settled: Vec<Cell>,
        /// The client has its answer; the rest is for the repair.
        answered: bool,
    },
    /// Replicas store; these hold it.
    Store {
        cells: Vec<Cell>,
        holders: Vec<NodeId>,
    },
}

impl Phase {
    const fn fetch(settled: Vec<Cell>) -> Phase {
        Phase::Fetch {
            answers: Vec::new(),
            settled,
            answered: false,
        }
    }
}

impl Leaderless {
    /// Begins what a client asks for.
    pub(super) fn coordinate(
        &mut self,
        request: RequestId,
        op: &Op,
        ctx: &mut Context<'_, Message>,
    ) {
        let (key, phase) = match (op, self.config.version) {
            (Op::Read { key, .. }, _)
            | (Op::Write { key, .. } | Op::Add { key, .. }, Version::Abd) => {
                (key, Phase::fetch(Vec::new()))
            }
            (Op::Write { key, value } | Op::Add { key, value }, Version::Lww) => {
                let element = matches!(op, Op::Add { .. });
                let cell = self.stamped(request, element, value, ctx.wall(), ctx);
                let holders = Vec::new();
                let cells = vec![cell];
                (key, Phase::Store { cells, holders })
            }
            _ => {
                ctx.reply(request, Reply::fail(ErrorName::NOT_SUPPORTED));
                return;
            }
        };
        let started = Request {
            op: op.clone(),
            key: key.clone(),
            replicas: self.config.replicas(key, ctx.nodes()),
            round: 0,
            phase,
        };
        self.requests.insert(request, started);
        let timer = Timer {
            kind: REQUEST,
            key: request.0,
        };
        ctx.set_timer(timer, PATIENCE);
        self.ask(request, ctx);
    }

    fn stamped(
        &self,
        request: RequestId,
        element: bool,
        value: &Value,
        counter: i64,
        ctx: &Context<'_, Message>,
    ) -> Cell {
        Cell {
            element,
            value: value.clone(),
            stamp: Stamp {
                counter,
                node: ctx.me(),
                incarnation: self
                    .replica
                    .as_ref()
                    .map_or(0, |replica| replica.incarnation),
                request,
            },
        }
    }

    /// Sends a round's question to all replicas but those whose answer is known.
    fn ask(&mut self, id: RequestId, ctx: &mut Context<'_, Message>) {
        let Some(request) = self.requests.get(&id) else {
            return;
        };
        let round = request.round;
        let (body, known) = match &request.phase {
            Phase::Fetch { .. } => {
                let body = Body::Fetch {
                    key: request.key.clone(),
                    which: which(&request.op),
                };
                (body, [].as_slice())
            }
            Phase::Store { cells, holders } => {
                let body = Body::Store {
                    key: request.key.clone(),
                    cells: cells.clone(),
                    repair: request.op.is_read_only(),
                };
                (body, holders.as_slice())
            }
        };
        let asked: Vec<_> = request
            .replicas
            .iter()
            .copied()
            .filter(|node| !known.contains(node))
            .collect();
        let message = Message {
            request: id,
            round,
            body,
        };
        // The others first: what this node answers itself may finish the request.
        let me = ctx.me();
        for &node in asked.iter().filter(|&&node| node != me) {
            ctx.send(node, message.clone());
        }
        if asked.contains(&me) {
            self.send(me, message, ctx);
        }
    }

    /// A replica tells what it holds.
    pub(super) fn on_fetched(
        &mut self,
        from: NodeId,
        id: RequestId,
        round: u32,
        cells: Vec<Cell>,
        ctx: &mut Context<'_, Message>,
    ) {
        let Some(request) = self.requests.get_mut(&id).filter(|r| r.round == round) else {
            return;
        };
        let Phase::Fetch {
            answers, answered, ..
        } = &mut request.phase
        else {
            return;
        };
        if answers.iter().any(|(node, _)| *node == from) {
            return;
        }
        answers.push((from, cells));
        if *answered {
            if answers.len() == request.replicas.len() {
                self.repair_in_the_background(id, ctx);
            }
        } else if answers.len() == self.config.r {
            self.fetched_enough(id, ctx);
        }
    }

    /// r replicas have told what they hold.
    fn fetched_enough(&mut self, id: RequestId, ctx: &mut Context<'_, Message>) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let Phase::Fetch {
            answers, settled, ..
        } = &mut request.phase
        else {
            return;
        };
        let newest = newest(answers);
        if let Op::Write { value, .. } | Op::Add { value, .. } = &request.op {
            let element = matches!(request.op, Op::Add { .. });
            let value = value.clone();
            let seen = newest.iter().map(|cell| cell.stamp.counter).max();
            let counter = seen.unwrap_or(0).saturating_add(1);
            let cell = self.stamped(id, element, &value, counter, ctx);
            self.store(id, vec![cell], Vec::new(), ctx);
            return;
        }
        let writes_back = self.config.repair == Repair::Sync && !self.config.abd_no_write_back;
        let is_set = newest.iter().any(|cell| cell.element);
        if !writes_back || newest.is_empty() || (is_set && *settled == newest) {
            self.answer_read(id, &newest, ctx);
            return;
        }
        let holders: Vec<_> = answers
            .iter()
            .filter(|(_, cells)| holds(cells, &newest))
            .map(|(node, _)| *node)
            .collect();
        if holders.len() < self.config.w {
            self.store(id, newest, holders, ctx);
        } else {
            self.settled(id, newest, ctx);
        }
    }

    /// Begins the round in which replicas store.
    fn store(
        &mut self,
        id: RequestId,
        cells: Vec<Cell>,
        holders: Vec<NodeId>,
        ctx: &mut Context<'_, Message>,
    ) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.round += 1;
            request.phase = Phase::Store { cells, holders };
            self.ask(id, ctx);
        }
    }

    /// A replica holds what it was sent.
    pub(super) fn on_stored(
        &mut self,
        from: NodeId,
        id: RequestId,
        round: u32,
        ctx: &mut Context<'_, Message>,
    ) {
        let Some(request) = self.requests.get_mut(&id).filter(|r| r.round == round) else {
            return;
        };
        let Phase::Store { cells, holders } = &mut request.phase else {
            return;
        };
        if holders.contains(&from) {
            return;
        }
        holders.push(from);
        if holders.len() != self.config.w {
            return;
        }
        if request.op.is_read_only() {
            let cells = std::mem::take(cells);
            self.settled(id, cells, ctx);
        } else {
            let op = request.op.clone();
            self.finish(id, Reply::ok(op), ctx);
        }
    }

    /// w replicas hold what a read is about to return.
    fn settled(&mut self, id: RequestId, cells: Vec<Cell>, ctx: &mut Context<'_, Message>) {
        if !cells.iter().any(|cell| cell.element) {
            self.answer_read(id, &cells, ctx);
        } else if let Some(request) = self.requests.get_mut(&id) {
            request.round += 1;
            request.phase = Phase::fetch(cells);
            self.ask(id, ctx);
        }
    }

    fn answer_read(&mut self, id: RequestId, cells: &[Cell], ctx: &mut Context<'_, Message>) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let op = Op::Read {
            key: request.key.clone(),
            value: Some(rendered(cells)),
        };
        let reply = Reply::ok(op);
        match &mut request.phase {
            Phase::Fetch { answered, .. } if self.config.repair == Repair::Async => {
                *answered = true;
                ctx.reply(id, reply);
                if self.config.r == self.config.n {
                    self.repair_in_the_background(id, ctx);
                }
            }
            _ => self.finish(id, reply, ctx),
        }
    }

    /// Brings what is newest to the replicas whose answer lacked it, and waits for nothing.
    fn repair_in_the_background(&mut self, id: RequestId, ctx: &mut Context<'_, Message>) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        cancel_timer(id, ctx);
        let Phase::Fetch { answers, .. } = request.phase else {
            return;
        };
        let newest = newest(&answers);
        for (node, cells) in answers {
            let lacked: Vec<_> = newest
                .iter()
                .filter(|cell| !cells.contains(cell))
                .cloned()
                .collect();
            if lacked.is_empty() {
                continue;
            }
            let body = Body::Store {
                key: request.key.clone(),
                cells: lacked,
                repair: true,
            };
            let message = Message {
                request: id,
                round: request.round + 1,
                body,
            };
            self.send(node, message, ctx);
        }
    }

    /// Too few replicas have answered in time.
    pub(super) fn on_timeout(&mut self, id: RequestId, ctx: &mut Context<'_, Message>) {
        let Some(request) = self.requests.get(&id) else {
            return;
        };
        let reply = match &request.phase {
            Phase::Fetch { answered: true, .. } => {
                self.repair_in_the_background(id, ctx);
                return;
            }
            // Nothing was sent to be stored, and nothing will be.
            Phase::Fetch { answers, .. } => Reply::Fail {
                error: ErrorName::UNAVAILABLE,
                detail: told(answers.len(), self.config.r),
            },
            Phase::Store { holders, .. } if request.op.is_read_only() => Reply::Fail {
                error: ErrorName::UNAVAILABLE,
                detail: told(holders.len(), self.config.w),
            },
            Phase::Store { holders, .. } => Reply::Info {
                error: ErrorName::TOO_FEW_ACKS,
                detail: told(holders.len(), self.config.w),
            },
        };
        self.finish(id, reply, ctx);
    }

    fn finish(&mut self, id: RequestId, reply: Reply, ctx: &mut Context<'_, Message>) {
        self.requests.remove(&id);
        cancel_timer(id, ctx);
        ctx.reply(id, reply);
    }
}

fn cancel_timer(id: RequestId, ctx: &mut Context<'_, Message>) {
    ctx.cancel_timer(Timer {
        kind: REQUEST,
        key: id.0,
    });
}

fn told(answered: usize, wanted: usize) -> String {
    format!("{answered} of {wanted} replicas answered")
}

/// Which registers an operation is about.
fn which(op: &Op) -> Which {
    match op {
        Op::Write { .. } => Which::One(None),
        Op::Add { value, .. } => Which::One(Some(value.clone())),
        _ => Which::All,
    }
}

/// Of each register the newest that was told, in a fixed order.
fn newest(answers: &[(NodeId, Vec<Cell>)]) -> Vec<Cell> {
    let mut newest: BTreeMap<Option<&Value>, &Cell> = BTreeMap::new();
    for cell in answers.iter().flat_map(|(_, cells)| cells) {
        let best = newest.entry(cell.slot()).or_insert(cell);
        if best.stamp < cell.stamp {
            *best = cell;
        }
    }
    newest.into_values().cloned().collect()
}

/// Whether a replica that told `cells` holds all of `newest`. Both are in the order of their
/// registers, and none told anything newer, so that holding all means telling the same.
fn holds(cells: &[Cell], newest: &[Cell]) -> bool {
    cells == newest
}
