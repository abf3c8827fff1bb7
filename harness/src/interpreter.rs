//! Plan and schedule against a world: the one loop that runs every test, in every world.
//!
//! A run has phases. In the *main* phase each client works through its own Poisson plan while
//! faults come and go. Then everything is healed and what is open is *drained*; then the cluster
//! is asked until every node answers (*recovery*); then come *final* reads. A replay has no
//! phases: it issues what was issued, when it was.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use polygraph_cluster::{Occurrence, Reply, RequestId, Submission, World};
use polygraph_history::random::{below, exponential, keyed, text};
use polygraph_history::spec::Spec;
use polygraph_history::{Body, ErrorName, Key, Kind, NodeId, Op, Process, Time};
use polygraph_workloads::{Generator, Next, Replicas};

use crate::defaults::{
    CONVERGENCE_DEADLINE, OPERATION_TIMEOUT, PATIENCE, PROBE_EVERY, RECOVERY_DEADLINE,
};
use crate::faults::{Faults, Scheduled};
use crate::plan::PlannedOp;
use crate::recorder::Recorder;

/// Where requests go.
#[derive(Clone)]
pub struct Routing {
    /// The nodes that hold a copy of a key.
    pub replicas: Replicas,
    /// Whether each read goes to any of them instead of the client's home.
    pub reads_anywhere: bool,
}

/// Told from outside: 0 go on, 1 end the main phase now, 2 heal and leave.
pub type Interrupt = AtomicU8;

/// Where a run's operations come from.
pub enum Source {
    /// They are made up as it goes.
    Generated(Box<dyn Generator>),
    /// They are those of an earlier run.
    Replayed(Vec<PlannedOp>),
}

/// What a run did, besides its events.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The operations as they were issued.
    pub plan: Vec<PlannedOp>,
    /// The faults as they took place.
    pub schedule: Vec<Scheduled>,
    /// How many operations were due and never issued.
    pub not_issued: u64,
    /// Whether it was ended from outside.
    pub interrupted: bool,
}

/// A run.
pub struct Interpreter<'a, 'r> {
    world: &'a mut dyn World,
    recorder: &'a mut Recorder<'r>,
    faults: Faults,
    routing: Routing,
    spec: &'a Spec,
    interrupt: &'a Interrupt,
    progress: &'a dyn Fn(Progress),
    clients: Vec<Client>,
    /// When each client has something to do, or its operation is given up; in the phases that
    /// keep to a plan. Of equals the lower number comes first, in a replay as in the run.
    wakes: BTreeSet<(Time, usize)>,
    generator: Option<Box<dyn Generator>>,
    course: Course,
    issued: u64,
    completed: u64,
    /// The client that waits for a request, by the request's number.
    owners: VecDeque<Option<usize>>,
    /// The number of the first request in `owners`.
    oldest: u64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is doing.
    pub phase: &'static str,
    /// The world's time.
    pub time: Time,
    /// How many operations have completed.
    pub completed: u64,
}

struct Client {
    process: u64,
    open: Option<Open>,
    /// Its place in the order of wakes.
    wake: Option<Time>,
    /// When its next operation is due, and how many were before.
    due: Time,
    ordinal: u64,
    /// What it issues in a replay.
    queue: VecDeque<PlannedOp>,
}

struct Open {
    request: RequestId,
    op: Op,
    node: NodeId,
    deadline: Time,
}

impl<'a, 'r> Interpreter<'a, 'r> {
    /// A run that has not begun.
    #[must_use]
    pub fn new(
        spec: &'a Spec,
        world: &'a mut dyn World,
        recorder: &'a mut Recorder<'r>,
        routing: Routing,
        faults: Faults,
        interrupt: &'a Interrupt,
        progress: &'a dyn Fn(Progress),
    ) -> Interpreter<'a, 'r> {
        let client = |number: usize| Client {
            process: number as u64,
            open: None,
            wake: None,
            due: Time::MAX,
            ordinal: 0,
            queue: VecDeque::new(),
        };
        Interpreter {
            clients: (0..spec.clients).map(client).collect(),
            wakes: BTreeSet::new(),
            world,
            recorder,
            faults,
            routing,
            spec,
            interrupt,
            progress,
            generator: None,
            course: Course::default(),
            issued: 0,
            completed: 0,
            owners: VecDeque::new(),
            oldest: 0,
        }
    }

    /// Runs to the end.
    #[must_use]
    pub fn run(mut self, source: Source) -> Course {
        match source {
            Source::Generated(generator) => {
                self.generator = Some(generator);
                self.main_phase();
                self.heal_and_drain();
                if self.interrupt.load(Ordering::Relaxed) == 0 && !self.recorder.violated() {
                    self.recovery_phase();
                    self.final_phase();
                }
            }
            Source::Replayed(plan) => {
                for op in plan {
                    if let Some(client) = self.clients.get_mut(op.client) {
                        if client.queue.is_empty() {
                            client.due = op.at;
                        }
                        client.queue.push_back(op);
                    }
                }
                self.replay_phase();
            }
        }
        self.course.schedule = self.faults.into_schedule();
        self.course
    }

    fn main_phase(&mut self) {
        let end = Time(self.spec.time_ns);
        let mean = self.spec.clients as u64 * 1_000_000_000 / self.spec.rate.max(1);
        let seed = self.spec.seed;
        let gap = |client: usize, ordinal: u64| {
            let bits = keyed(&[seed, text("arrival"), client as u64, ordinal]);
            Duration::from_nanos(exponential(bits, mean))
        };
        for number in 0..self.clients.len() {
            self.clients[number].due = Time::ZERO + gap(number, 0);
            self.set_wake(number);
        }
        loop {
            let now = self.world.now();
            if now >= end || self.interrupted() || self.recorder.violated() {
                break;
            }
            if self.faults.due() <= now {
                self.faults.act(self.world, self.recorder);
            }
            while let Some(number) = self.woken(now) {
                self.expire(number, now);
                let client = &mut self.clients[number];
                if client.open.is_some() || client.due > now {
                    continue;
                }
                if self.spec.ops.is_some_and(|ops| self.issued >= ops) {
                    break;
                }
                let (due, ordinal) = (client.due, client.ordinal);
                client.ordinal += 1;
                client.due = due + gap(number, ordinal + 1);
                if now.since(due) > PATIENCE {
                    self.course.not_issued += 1;
                    self.set_wake(number);
                    continue;
                }
                let op = self.generator().next(number, ordinal);
                let node = self.route(number, ordinal, &op);
                self.issue(number, due, node, op);
            }
            if self.spec.ops.is_some_and(|ops| self.issued >= ops) {
                break;
            }
            let next = self.next_wake().min(self.faults.due()).min(end);
            self.advance("working", next);
        }
        for client in &mut self.clients {
            client.due = Time::MAX;
        }
    }

    fn heal_and_drain(&mut self) {
        self.faults.heal(self.world, self.recorder);
        loop {
            self.faults.act(self.world, self.recorder);
            let next = self.expire_all();
            let is_over = self.faults.is_over() && !self.is_waiting();
            if is_over || self.interrupt.load(Ordering::Relaxed) > 1 {
                return;
            }
            self.advance("draining", next.min(self.faults.due()));
        }
    }

    /// Asks every node until it answers, or for too long.
    fn recovery_phase(&mut self) {
        let began = self.world.now();
        let deadline = began + RECOVERY_DEADLINE;
        let nodes = self.world.nodes().to_vec();
        // The client that asks a node, and when it asks next; `None` once the node has answered.
        let mut asking: Vec<Option<Time>> = vec![Some(began); nodes.len()];
        loop {
            let now = self.world.now();
            let waits = self.expire_all();
            if asking.iter().all(Option::is_none) || now >= deadline || self.interrupted() {
                break;
            }
            let mut next = waits.min(deadline);
            for (at, &node) in nodes.iter().enumerate() {
                let number = at % self.clients.len();
                let Some(due) = asking[at] else { continue };
                if self.clients[number].open.is_some() {
                    continue;
                }
                if due > now {
                    next = next.min(due);
                    continue;
                }
                let op = self.generator().probe();
                self.issue(number, now, node, op);
                asking[at] = Some(now + PROBE_EVERY);
                next = next.min(now + OPERATION_TIMEOUT);
            }
            let answered = self.advance("recovering", next);
            if let Some((node, true)) = answered {
                asking[node.position()] = None;
            }
        }
        self.drain();
    }

    fn final_phase(&mut self) {
        let now = self.world.now();
        self.generator()
            .begin_final(now, now + CONVERGENCE_DEADLINE);
        loop {
            let now = self.world.now();
            let mut next = self.expire_all();
            if self.interrupted() {
                break;
            }
            let mut done = true;
            for number in 0..self.clients.len() {
                if self.clients[number].open.is_some() {
                    done = false;
                    continue;
                }
                match self.generator().next_final(now) {
                    Next::Op(op) => {
                        let ordinal = self.issued;
                        let node = self.route(number, ordinal, &op);
                        self.issue(number, now, node, op);
                        next = next.min(now + OPERATION_TIMEOUT);
                        done = false;
                    }
                    Next::Wait(until) => {
                        next = next.min(until);
                        done = false;
                        break;
                    }
                    Next::Done => break,
                }
            }
            if done {
                break;
            }
            self.advance("reading", next);
        }
        self.drain();
    }

    fn replay_phase(&mut self) {
        for number in 0..self.clients.len() {
            self.set_wake(number);
        }
        loop {
            let now = self.world.now();
            if self.faults.due() <= now {
                self.faults.act(self.world, self.recorder);
            }
            while let Some(number) = self.woken(now) {
                self.expire(number, now);
                let client = &mut self.clients[number];
                if client.open.is_none() && client.due <= now {
                    let op = client
                        .queue
                        .pop_front()
                        .expect("only who has a plan is due");
                    client.due = client.queue.front().map_or(Time::MAX, |op| op.at);
                    self.submit(number, op);
                }
            }
            let next = self.next_wake().min(self.faults.due());
            if (next == Time::MAX && self.faults.is_over()) || self.interrupted() {
                return;
            }
            self.advance("replaying", next);
        }
    }

    /// A client that has something to do by now.
    fn woken(&self, now: Time) -> Option<usize> {
        self.wakes
            .first()
            .filter(|(at, _)| *at <= now)
            .map(|&(_, number)| number)
    }

    fn next_wake(&self) -> Time {
        self.wakes.first().map_or(Time::MAX, |&(at, _)| at)
    }

    /// Puts a client where it belongs in the order of wakes.
    fn set_wake(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let wake = client
            .open
            .as_ref()
            .map_or(client.due, |open| open.deadline);
        let wake = Some(wake).filter(|&wake| wake < Time::MAX);
        if wake == client.wake {
            return;
        }
        if let Some(before) = std::mem::replace(&mut client.wake, wake) {
            self.wakes.remove(&(before, number));
        }
        if let Some(wake) = wake {
            self.wakes.insert((wake, number));
        }
    }

    fn drain(&mut self) {
        loop {
            let next = self.expire_all();
            // The last one may have been given up just now: then nothing is waited for.
            if !self.is_waiting() || self.interrupt.load(Ordering::Relaxed) > 1 {
                return;
            }
            self.advance("draining", next);
        }
    }

    /// Whether an operation is open.
    fn is_waiting(&self) -> bool {
        self.clients.iter().any(|client| client.open.is_some())
    }

    fn interrupted(&mut self) -> bool {
        let interrupted = self.interrupt.load(Ordering::Relaxed) > 0;
        self.course.interrupted |= interrupted;
        interrupted
    }

    fn generator(&mut self) -> &mut dyn Generator {
        self.generator
            .as_deref_mut()
            .expect("only generated runs have phases")
    }

    /// The node that a client asks.
    fn route(&self, client: usize, ordinal: u64, op: &Op) -> NodeId {
        let home = NodeId::at(client % self.spec.nodes);
        match op {
            Op::Peek { node, .. } => *node,
            Op::Read { key, .. } if self.routing.reads_anywhere => {
                let replicas = (self.routing.replicas)(key);
                let bits = keyed(&[self.spec.seed, text("route"), client as u64, ordinal]);
                replicas
                    .get(below(bits, replicas.len() as u64) as usize)
                    .copied()
                    .unwrap_or(home)
            }
            _ => home,
        }
    }

    fn issue(&mut self, client: usize, at: Time, node: NodeId, op: Op) {
        let id = self.course.plan.len() as u64;
        self.submit(
            client,
            PlannedOp {
                id,
                client,
                at,
                node,
                op,
            },
        );
    }

    fn submit(&mut self, number: usize, planned: PlannedOp) {
        let now = self.world.now();
        self.issued += 1;
        let request = RequestId(planned.id);
        let client = &mut self.clients[number];
        client.open = Some(Open {
            request,
            op: planned.op.clone(),
            node: planned.node,
            deadline: now + OPERATION_TIMEOUT,
        });
        self.set_wake(number);
        self.own(request, number);
        let process = Process::Client(self.clients[number].process);
        let body = Body::Op(planned.op.clone());
        let event = self
            .recorder
            .record(now, process, Kind::Invoke, body, |event| {
                event.node = Some(planned.node);
                event.intended = (planned.at < now).then_some(planned.at);
            });
        if let Some(generator) = &mut self.generator {
            generator.update(event);
        }
        self.world.submit(Submission {
            request,
            client: number,
            node: planned.node,
            op: planned.op.clone(),
        });
        self.course.plan.push(planned);
    }

    /// Remembers whose request it is.
    fn own(&mut self, request: RequestId, client: usize) {
        if self.owners.is_empty() {
            self.oldest = request.0;
        }
        if request.0 < self.oldest {
            // A plan whose numbers are out of order: make room in front.
            for _ in 0..self.oldest - request.0 {
                self.owners.push_front(None);
            }
            self.oldest = request.0;
        }
        let place = (request.0 - self.oldest) as usize;
        if self.owners.len() <= place {
            self.owners.resize(place + 1, None);
        }
        self.owners[place] = Some(client);
    }

    /// Whose request it is, if it is still waited for; from now on it is not.
    fn disown(&mut self, request: RequestId) -> Option<usize> {
        let place = usize::try_from(request.0.checked_sub(self.oldest)?).ok()?;
        let client = self.owners.get_mut(place)?.take();
        while self.owners.front().is_some_and(Option::is_none) {
            self.owners.pop_front();
            self.oldest += 1;
        }
        client
    }

    /// Ends a client's operation that has had no answer for too long.
    fn expire(&mut self, number: usize, now: Time) {
        let expired = self.clients[number]
            .open
            .as_ref()
            .filter(|open| open.deadline <= now);
        if let Some(request) = expired.map(|open| open.request) {
            self.disown(request);
            self.complete(number, now, Reply::info(ErrorName::TIMEOUT));
        }
    }

    /// The same for all; gives back when the next one is too late.
    fn expire_all(&mut self) -> Time {
        let now = self.world.now();
        for number in 0..self.clients.len() {
            self.expire(number, now);
        }
        let open = self
            .clients
            .iter()
            .filter_map(|client| client.open.as_ref());
        open.map(|open| open.deadline).min().unwrap_or(Time::MAX)
    }

    /// Lets time pass; gives back the node that answered, and whether it said ok.
    fn advance(&mut self, phase: &'static str, until: Time) -> Option<(NodeId, bool)> {
        let Occurrence {
            time,
            request,
            reply,
        } = self.world.advance(until)?;
        let number = self.disown(request)?;
        let node = self.clients[number].open.as_ref()?.node;
        let ok = matches!(reply, Reply::Ok { .. });
        self.complete(number, time, reply);
        self.completed += 1;
        if self.completed.is_multiple_of(256) {
            (self.progress)(Progress {
                phase,
                time,
                completed: self.completed,
            });
        }
        Some((node, ok))
    }

    fn complete(&mut self, number: usize, time: Time, reply: Reply) {
        let clients = self.clients.len() as u64;
        let client = &mut self.clients[number];
        let Some(open) = client.open.take() else {
            return;
        };
        self.set_wake(number);
        let client = &mut self.clients[number];
        let process = Process::Client(client.process);
        let (kind, op, version, error, detail) = match reply {
            Reply::Ok { op, version } => (Kind::Ok, op, version, None, String::new()),
            Reply::Fail { error, detail } => (Kind::Fail, open.op, None, Some(error), detail),
            Reply::Info { error, detail } => (Kind::Info, open.op, None, Some(error), detail),
        };
        if kind == Kind::Info {
            client.process += clients;
        }
        let event = self
            .recorder
            .record(time, process, kind, Body::Op(op), |event| {
                event.node = Some(open.node);
                event.version = version;
                event.error = error;
                event.detail = (!detail.is_empty()).then_some(detail);
            });
        if let Some(generator) = &mut self.generator {
            generator.update(event);
        }
    }
}

/// Every node holds every key.
#[must_use]
pub fn everywhere(nodes: usize) -> Replicas {
    let nodes = NodeId::all(nodes);
    Rc::new(move |_: &Key| nodes.clone())
}
