//! Runs of a store in the simulator, under faults drawn from a seed: what the tests of stores
//! share. `run` drives, `judge` looks at what clients saw.

pub(crate) mod judge;

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::{Deployment, Reply, RequestId, Submission, World, sim};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{
    ClockEffect, DiskEffect, Key, Link, Lose, NodeId, Op, SlowEffect, Time, Value,
};

use crate::Target;

/// What can go wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Partition,
    Kill,
    /// All nodes die at once.
    KillAll,
    Pause,
    Slow,
    /// Messages arrive twice and overtake each other.
    Shuffle,
    Clock,
    /// Crashes keep a part of what was not synced.
    Disk,
}

/// What claims mean by default.
pub(crate) const DEFAULT: &[Fault] = &[Fault::Partition, Fault::Kill, Fault::Pause, Fault::Slow];

/// A run.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: &'static dyn Target,
    /// `key=value`, separated by commas.
    pub(crate) settings: &'static str,
    pub(crate) bug: Option<&'static str>,
    pub(crate) nodes: usize,
    pub(crate) faults: &'static [Fault],
    /// Whether clients add to sets and read them, instead of writing registers.
    pub(crate) sets: bool,
    /// The mean time between two operations of a client.
    pub(crate) pace: Duration,
    pub(crate) seed: u64,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Fail,
    Info,
}

/// An operation as its client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) session: usize,
    /// With what was read, if anything was.
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
    /// Places in the order of all invocations and completions.
    pub(crate) invoked: usize,
    /// After everything if it is not known to have ended.
    pub(crate) completed: usize,
}

/// What was seen of a run.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) done: Vec<Done>,
    /// What each replica of each key held in the end.
    pub(crate) copies: BTreeMap<Key, Vec<Value>>,
    /// Whether every node answered after all faults had ended.
    pub(crate) recovered: bool,
}

/// How long clients work, faults included.
const WORK: Time = Time::from_secs(16);
/// How long is waited afterwards.
const REST: Duration = Duration::from_secs(4);
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(1);
const CLIENTS: usize = 10;
/// Operations after which a set of keys is left alone.
const KEYS_LIVE_FOR: u64 = 1500;

impl Plan {
    /// A plan with five nodes, registers and the default faults.
    pub(crate) fn new(target: &'static dyn Target, settings: &'static str) -> Plan {
        Plan {
            target,
            settings,
            bug: None,
            nodes: 5,
            faults: DEFAULT,
            sets: false,
            pace: Duration::from_millis(50),
            seed: 1,
        }
    }

    /// What is run, in a line.
    pub(crate) fn label(&self) -> String {
        let settings = match self.settings {
            "" => "defaults",
            settings => settings,
        };
        let bug = self.bug.map_or(String::new(), |bug| format!(" with {bug}"));
        let what = if self.sets { "sets" } else { "registers" };
        let faults = &self.faults;
        format!("{} {settings}{bug}, {what}, {faults:?}", self.target.name())
    }

    /// What is deployed.
    pub(crate) fn deployment(&self) -> Deployment {
        let knobs = self.target.knobs();
        let mut settings = Settings::defaults(knobs);
        for setting in self.settings.split(',').filter(|text| !text.is_empty()) {
            let (key, value) = setting.split_once('=').expect("key=value");
            settings.set(knobs, key, value).expect("a setting");
        }
        let deployment = Deployment {
            nodes: self.nodes,
            settings,
            bug: self.bug.map(str::to_owned),
            seed: self.seed,
        };
        self.target.validate(&deployment).expect("what fits");
        deployment
    }

    /// Runs it with seeds from 1 on, so many times what `POLYGRAPH_FUZZ` says.
    pub(crate) fn records(&self, seeds: u64) -> impl Iterator<Item = (u64, Record)> {
        let plan = self.clone();
        (1..=seeds * factor()).map(move |seed| {
            let plan = Plan {
                seed,
                ..plan.clone()
            };
            (seed, Run::of(&plan).finished())
        })
    }
}

fn factor() -> u64 {
    std::env::var("POLYGRAPH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
}

/// A fault as it was drawn.
struct Planned {
    start: Time,
    end: Time,
    kind: Fault,
    on: bool,
    nodes: Vec<NodeId>,
}

/// A run under way.
struct Run {
    world: Box<dyn World>,
    deployment: Deployment,
    target: &'static dyn Target,
    sets: bool,
    pace: Duration,
    random: Random,
    faults: Vec<Planned>,
    /// Of each client: when it asks next, and what it waits for.
    clients: Vec<(Time, Option<usize>)>,
    sessions: Vec<usize>,
    ordinal: usize,
    record: Record,
}

impl Run {
    fn of(plan: &Plan) -> Run {
        let deployment = plan.deployment();
        let store = plan.target.built_in().expect("a store of ours");
        let world = store.simulate(&deployment, &sim::Options::default());
        let mut random = Random::keyed(&[plan.seed, 77]);
        let faults = schedule(plan, &mut random);
        let clients = (0..CLIENTS)
            .map(|_| (Time(random.below(100_000_000)), None))
            .collect();
        Run {
            world,
            deployment,
            target: plan.target,
            sets: plan.sets,
            pace: plan.pace,
            random,
            faults,
            clients,
            sessions: (0..CLIENTS).collect(),
            ordinal: 0,
            record: Record::default(),
        }
    }

    fn finished(mut self) -> Record {
        while self.world.now() < WORK {
            self.step(WORK);
        }
        for client in &mut self.clients {
            client.0 = Time::MAX;
        }
        let rest = WORK + REST;
        while self.world.now() < rest {
            self.step(rest);
        }
        for done in &mut self.record.done {
            if done.completed == usize::MAX {
                done.outcome = Outcome::Info;
            }
        }
        self.look_at_copies();
        self.record
    }

    /// Lets time pass until something is due or a client is answered.
    fn step(&mut self, until: Time) {
        let now = self.world.now();
        let due = self.clients.iter().map(|(due, _)| *due);
        let faults = self.faults.iter().map(|fault| match fault.on {
            false => fault.start,
            true => fault.end,
        });
        let next = due.chain(faults).min().unwrap_or(until).min(until);
        if next > now
            && let Some(occurrence) = self.world.advance(next)
        {
            self.answered(occurrence.request, occurrence.reply);
            return;
        }
        self.fault_due();
        for client in 0..self.clients.len() {
            if self.clients[client].0 <= self.world.now() {
                self.client_due(client);
            }
        }
    }

    fn client_due(&mut self, client: usize) {
        let now = self.world.now();
        if let Some(at) = self.clients[client].1.take() {
            // It has waited long enough, and goes on as somebody else.
            self.record.done[at].outcome = Outcome::Info;
            self.new_session(client);
        }
        let at = self.record.done.len();
        let op = self.draw(at as u64);
        self.ordinal += 1;
        self.record.done.push(Done {
            session: self.sessions[client],
            op: op.clone(),
            outcome: Outcome::Info,
            invoked: self.ordinal,
            completed: usize::MAX,
        });
        self.clients[client] = (now + PATIENCE, Some(at));
        self.world.submit(Submission {
            request: RequestId(at as u64),
            client,
            node: NodeId::at(client % self.deployment.nodes),
            op,
        });
    }

    fn new_session(&mut self, client: usize) {
        self.sessions[client] += CLIENTS;
    }

    fn draw(&mut self, number: u64) -> Op {
        // Skewed: the first key of ten is asked for about four times as often as the last.
        let name = self.random.below(10) * self.random.between(5, 10) / 10;
        let key = Key::from(format!("x{}", number / KEYS_LIVE_FOR * 10 + name).as_str());
        let value = Value::Int(i64::try_from(number).expect("a small number") + 1);
        match (self.random.below(10), self.sets) {
            (0..5, false) | (0..3, true) => Op::Read { key, value: None },
            (_, false) => Op::Write { key, value },
            (_, true) => Op::Add { key, value },
        }
    }

    fn answered(&mut self, request: RequestId, reply: Reply) {
        let Ok(at) = usize::try_from(request.0) else {
            return;
        };
        let Some(client) = (0..CLIENTS).find(|&client| self.clients[client].1 == Some(at)) else {
            return;
        };
        self.ordinal += 1;
        let done = &mut self.record.done[at];
        match reply {
            Reply::Ok { op, .. } => {
                assert!(done.op.repeated_by(&op), "{} answered by {op}", done.op);
                done.op = op;
                done.outcome = Outcome::Ok;
                done.completed = self.ordinal;
            }
            Reply::Fail { .. } => {
                done.outcome = Outcome::Fail;
                done.completed = self.ordinal;
            }
            Reply::Info { .. } => self.new_session(client),
        }
        let pause = self.random.below(2 * self.pace.as_nanos() as u64);
        let next = match self.world.now() < WORK {
            true => self.world.now() + Duration::from_nanos(pause),
            false => Time::MAX,
        };
        self.clients[client] = (next, None);
    }

    fn fault_due(&mut self) {
        let now = self.world.now();
        for at in 0..self.faults.len() {
            let fault = &mut self.faults[at];
            let id = at as u64;
            if !fault.on && fault.start <= now {
                fault.on = true;
                let (kind, nodes) = (fault.kind, fault.nodes.clone());
                self.begin(id, kind, &nodes);
            } else if fault.on && fault.end <= now {
                fault.start = Time::MAX;
                fault.on = false;
                let (kind, nodes) = (fault.kind, fault.nodes.clone());
                self.end(id, kind, &nodes);
            }
        }
    }

    fn begin(&mut self, id: u64, kind: Fault, nodes: &[NodeId]) {
        let all = NodeId::all(self.deployment.nodes);
        let across = all.iter().flat_map(|&a| all.iter().map(move |&b| (a, b)));
        let out: Vec<Link> = across
            .filter(|(a, b)| nodes.contains(a) && !nodes.contains(b))
            .map(Link::from)
            .collect();
        let back = out.iter().map(|link| Link::from((link.to, link.from)));
        let both: Vec<Link> = out.iter().copied().chain(back).collect();
        match kind {
            Fault::Partition => match self.random.below(4) {
                0 => self.world.cut(id, &out),
                1 => self.world.hold(id, &both),
                _ => self.world.cut(id, &both),
            },
            Fault::Kill | Fault::KillAll => {
                nodes.iter().for_each(|&node| self.world.kill(id, node));
            }
            Fault::Pause => nodes.iter().for_each(|&node| self.world.pause(id, node)),
            Fault::Slow | Fault::Shuffle => {
                let shuffle = u32::from(kind == Fault::Shuffle);
                let effect = SlowEffect {
                    links: both,
                    delay_ns: self.random.below(200_000_000) * u64::from(1 - shuffle),
                    jitter_ns: self.random.below(300_000_000) * u64::from(1 - shuffle),
                    loss: 100_000 * (1 - shuffle),
                    duplicate: 300_000 * shuffle,
                    reorder: 300_000 * shuffle,
                };
                self.world.slow(id, &effect);
            }
            Fault::Clock => {
                for &node in nodes {
                    let span = 1_i64 << self.random.between(23, 35);
                    let sign = if self.random.below(2) == 0 { 1 } else { -1 };
                    self.world.set_clock(&ClockEffect {
                        node,
                        wall_offset_ns: sign * span,
                        rate_ppm: sign * 50_000,
                        strobe: None,
                    });
                }
            }
            Fault::Disk => {
                for &node in nodes {
                    self.world.set_disk(id, &disk(node, Lose::Subset));
                    self.world.kill(id, node);
                }
            }
        }
    }

    fn end(&mut self, id: u64, kind: Fault, nodes: &[NodeId]) {
        match kind {
            Fault::Partition | Fault::Slow | Fault::Shuffle => self.world.release(id),
            Fault::Kill | Fault::KillAll | Fault::Pause => {
                nodes.iter().for_each(|&node| self.world.revive(id, node));
            }
            Fault::Clock => {
                for &node in nodes {
                    self.world.set_clock(&ClockEffect {
                        node,
                        wall_offset_ns: 0,
                        rate_ppm: 0,
                        strobe: None,
                    });
                }
            }
            Fault::Disk => {
                for &node in nodes {
                    self.world.revive(id, node);
                    self.world.set_disk(id, &disk(node, Lose::None));
                }
            }
        }
    }

    /// Asks every replica of every key what it holds.
    fn look_at_copies(&mut self) {
        let keys: Vec<Key> = {
            let mut keys: Vec<_> = self.record.done.iter().filter_map(|d| d.op.key()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().cloned().collect()
        };
        let mut asked = 0;
        for key in keys {
            for node in self.target.replicas(&self.deployment, &key) {
                self.world.submit(Submission {
                    request: RequestId(1_000_000 + asked),
                    client: 0,
                    node,
                    op: Op::Peek {
                        key: key.clone(),
                        node,
                        value: None,
                    },
                });
                asked += 1;
            }
        }
        let until = self.world.now() + PATIENCE;
        let mut answers = BTreeMap::new();
        while let Some(occurrence) = self.world.advance(until) {
            if let Reply::Ok {
                op: Op::Peek { key, value, .. },
                ..
            } = occurrence.reply
            {
                answers.insert(occurrence.request, (key, value.expect("a value")));
            }
        }
        self.record.recovered = answers.len() as u64 == asked;
        for (key, value) in answers.into_values() {
            self.record.copies.entry(key).or_default().push(value);
        }
    }
}

fn disk(node: NodeId, lose: Lose) -> DiskEffect {
    DiskEffect {
        node,
        torn: lose != Lose::None,
        lose,
        sync_error: false,
    }
}

/// Faults one after the other, some overlapping, all ended two seconds before the end.
fn schedule(plan: &Plan, random: &mut Random) -> Vec<Planned> {
    let mut faults = Vec::new();
    let mut start = 1000;
    while start < 12_000 && !plan.faults.is_empty() {
        let end = (start + random.between(300, 4000)).min(14_000);
        let kind = *random.choose(plan.faults);
        let mut nodes = NodeId::all(plan.nodes);
        random.shuffle(&mut nodes);
        if kind != Fault::KillAll {
            nodes.truncate(random.between(1, plan.nodes as u64 - 1) as usize);
        }
        faults.push(Planned {
            start: Time::from_millis(start),
            end: Time::from_millis(end),
            kind,
            on: false,
            nodes,
        });
        start += random.between(500, 4000);
    }
    faults
}
