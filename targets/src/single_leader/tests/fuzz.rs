//! Many runs in the simulator, each with faults of its own: what must hold holds in all of them,
//! and what is documented to break breaks in some.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::sim::Options;
use polygraph_cluster::{Deployment, Reply, RequestId, Submission, World};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{
    ClockEffect, DiskEffect, ErrorName, Key, Link, Lose, NodeId, Op, SlowEffect, Time, Value,
};

use super::checks::{Done, chain, linearizable, lost, prefixes, reads_its_writes};
use crate::single_leader::SingleLeader;
use crate::single_leader::config::KNOBS;
use crate::{BuiltIn, Target};

const NODES: usize = 5;
const CLIENTS: usize = 10;
const REGISTERS: [&str; 3] = ["x", "y", "z"];
const CHAIN: &str = "c";
const SET: &str = "s";

/// Which faults are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Faults {
    Default,
    /// And clocks that drift, and disks that lose, tear and fail.
    ClocksAndDisks,
    /// And disks that are emptied.
    Wipes,
}

/// What a run was, and how it ended.
struct Run {
    done: Vec<Done>,
    /// The final copy of each node, by key.
    finals: BTreeMap<&'static str, BTreeMap<NodeId, Value>>,
    /// The nodes that lead at the end.
    leaders: usize,
    /// Whether a write at every node is answered ok at the end.
    recovered: bool,
}

impl Run {
    fn converged(&self) -> bool {
        self.finals.values().all(|copies| {
            let first = copies.values().next();
            copies.len() == NODES && copies.values().all(|copy| Some(copy) == first)
        })
    }

    fn lost(&self) -> Vec<Value> {
        lost(&self.done, &Key::from(SET), &self.finals[SET])
    }

    fn linearizable(&self) -> Result<(), String> {
        for key in REGISTERS {
            linearizable(&self.done, &Key::from(key))?;
        }
        chain(&self.done, &Key::from(CHAIN))
    }

    fn reads_its_writes(&self) -> Result<(), String> {
        REGISTERS
            .iter()
            .try_for_each(|&key| reads_its_writes(&self.done, &Key::from(key)))
    }
}

/// A cluster, its clients, and what goes wrong.
struct Driver {
    world: Box<dyn World>,
    random: Random,
    read_any: bool,
    faults: Faults,
    run: Vec<Done>,
    /// The open operation of each client and when it gives up; else when the next one is due.
    clients: Vec<(Option<usize>, Time)>,
    order: u64,
    fault: u64,
    /// What is wrong now: the fault, the nodes that it holds, and when it ends.
    wrong: Vec<(u64, Vec<NodeId>, Time)>,
    next_fault: Time,
    calm_from: Time,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Driver {
    fn new(seed: u64, settings: &[(&str, &str)], bug: Option<&str>, faults: Faults) -> Driver {
        let mut all = Settings::defaults(KNOBS);
        for (key, value) in settings {
            all.set(KNOBS, key, value).expect("a setting");
        }
        let deployment = Deployment {
            nodes: NODES,
            settings: all,
            bug: bug.map(str::to_owned),
            seed,
        };
        SingleLeader.validate(&deployment).expect("valid");
        Driver {
            read_any: SingleLeader.reads_anywhere(&deployment.settings),
            world: SingleLeader.simulate(&deployment, &Options::default()),
            random: Random::keyed(&[seed, 17]),
            faults,
            run: Vec::new(),
            clients: vec![(None, Time::from_millis(100)); CLIENTS],
            order: 0,
            fault: 0,
            wrong: Vec::new(),
            next_fault: Time::from_millis(500),
            calm_from: Time::from_secs(14),
        }
    }

    fn go(mut self) -> Run {
        while self.world.now() < self.calm_from {
            self.step();
        }
        for (fault, nodes, _) in std::mem::take(&mut self.wrong) {
            self.end_fault(fault, &nodes);
        }
        let end = self.calm_from + ms(10_000);
        while let Some(occurrence) = self.world.advance(end) {
            self.answered(occurrence.request, occurrence.reply);
        }
        let leaders = self.world.leaders().len();
        let recovered = NodeId::all(NODES).iter().all(|&node| {
            let op = Op::Write {
                key: Key::from("final"),
                value: Value::from(1),
            };
            matches!(self.ask_at_the_end(node, op), Some(Reply::Ok { .. }))
        });
        let until = self.world.now() + ms(300);
        while self.world.advance(until).is_some() {}
        let mut finals = BTreeMap::new();
        for key in REGISTERS.into_iter().chain([CHAIN, SET, "final"]) {
            finals.insert(key, self.peek_all(key));
        }
        Run {
            done: self.run,
            finals,
            leaders,
            recovered,
        }
    }

    fn peek_all(&mut self, key: &str) -> BTreeMap<NodeId, Value> {
        let mut copies = BTreeMap::new();
        for node in NodeId::all(NODES) {
            let op = Op::Peek {
                key: Key::from(key),
                node,
                value: None,
            };
            if let Some(Reply::Ok {
                op: Op::Peek {
                    value: Some(value), ..
                },
                ..
            }) = self.ask_at_the_end(node, op)
            {
                copies.insert(node, value);
            }
        }
        copies
    }

    /// Asks when nothing else is under way.
    fn ask_at_the_end(&mut self, node: NodeId, op: Op) -> Option<Reply> {
        let request = RequestId(1_000_000 + self.order);
        self.order += 1;
        self.world.submit(Submission {
            request,
            client: 0,
            node,
            op,
        });
        let until = self.world.now() + ms(1000);
        while let Some(occurrence) = self.world.advance(until) {
            if occurrence.request == request {
                return Some(occurrence.reply);
            }
        }
        None
    }

    fn step(&mut self) {
        let now = self.world.now();
        let clients = self.clients.iter().map(|&(_, at)| at).min();
        let ends = self.wrong.iter().map(|&(.., at)| at).min();
        let next = [clients, ends, Some(self.next_fault), Some(self.calm_from)];
        let until = next.into_iter().flatten().min().unwrap_or(now).max(now);
        if let Some(occurrence) = self.world.advance(until) {
            return self.answered(occurrence.request, occurrence.reply);
        }
        for client in 0..CLIENTS {
            match self.clients[client] {
                (_, at) if at > until => {}
                (Some(_), _) => self.clients[client] = (None, until),
                (None, _) => self.ask(client),
            }
        }
        let due = |wrong: &(u64, Vec<NodeId>, Time)| wrong.2 <= until;
        if let Some(at) = self.wrong.iter().position(due) {
            let (fault, nodes, _) = self.wrong.remove(at);
            self.end_fault(fault, &nodes);
        }
        if self.next_fault <= until {
            self.begin_fault();
            self.next_fault = until + ms(300 + self.random.below(2500));
        }
    }

    fn answered(&mut self, request: RequestId, reply: Reply) {
        let Ok(at) = usize::try_from(request.0) else {
            return;
        };
        self.order += 1;
        let Some(done) = self.run.get_mut(at) else {
            return;
        };
        let client = &mut self.clients[done.client];
        // Later than the client's patience: it is `info`, whatever it says.
        if client.0 == Some(at) {
            done.answered = Some((self.order, reply));
            *client = (None, self.world.now() + ms(self.random.below(60)));
        }
    }

    fn ask(&mut self, client: usize) {
        let number = self.run.len();
        let value = Value::from(number as i64);
        let key = Key::from(*self.random.choose(&REGISTERS));
        let op = match self.random.below(10) {
            0..=2 => Op::Read { key, value: None },
            3 => Op::Read {
                key: Key::from(SET),
                value: None,
            },
            4..=6 => Op::Write { key, value },
            7 => Op::Cas {
                key: Key::from(CHAIN),
                from: self.last_of_chain(),
                to: value,
            },
            _ => Op::Add {
                key: Key::from(SET),
                value,
            },
        };
        let mut node = NodeId::at(client % NODES);
        if self.read_any && op.is_read_only() {
            node = NodeId::at(self.random.below(NODES as u64) as usize);
        }
        self.order += 1;
        self.run.push(Done {
            client,
            op: op.clone(),
            invoked: self.order,
            answered: None,
        });
        self.clients[client] = (Some(number), self.world.now() + ms(1000));
        self.world.submit(Submission {
            request: RequestId(number as u64),
            client,
            node,
            op,
        });
    }

    /// What the last compare-and-set that was answered left, or what some open one may.
    fn last_of_chain(&mut self) -> Value {
        let lately = self.run.iter().rev().filter_map(|done| match &done.op {
            Op::Cas { to, .. } if !matches!(done.answered, Some((_, Reply::Fail { .. }))) => {
                Some(to.clone())
            }
            _ => None,
        });
        let lately: Vec<_> = lately.take(3).collect();
        match lately.is_empty() {
            true => Value::Null,
            false => self.random.choose(&lately).clone(),
        }
    }

    fn some_nodes(&mut self) -> Vec<NodeId> {
        let mut nodes = NodeId::all(NODES);
        self.random.shuffle(&mut nodes);
        // A leader is hit more often than chance would.
        if self.random.below(3) == 0
            && let Some((leader, _)) = self.world.leaders().first()
        {
            nodes.retain(|node| node != leader);
            nodes.insert(0, *leader);
        }
        nodes.truncate(1 + self.random.below(2) as usize);
        nodes
    }

    fn begin_fault(&mut self) {
        self.fault += 1;
        let fault = self.fault;
        let side = self.some_nodes();
        let most = match self.faults {
            Faults::Default => 6,
            Faults::ClocksAndDisks => 9,
            Faults::Wipes => 7,
        };
        let mut held = Vec::new();
        match (self.random.below(most), self.faults) {
            (0, _) => self.world.cut(fault, &across(&side, true)),
            (1, _) => self.world.cut(fault, &across(&side, false)),
            (2, _) => self.world.hold(fault, &across(&side, true)),
            (3, _) => {
                let effect = SlowEffect {
                    links: across(&side, true),
                    delay_ns: self.random.below(400_000_000),
                    jitter_ns: self.random.below(100_000_000),
                    loss: self.random.below(200_000) as u32,
                    // Connections know neither; where they are, nothing may change.
                    duplicate: self.random.below(200_000) as u32,
                    reorder: self.random.below(200_000) as u32,
                };
                self.world.slow(fault, &effect);
            }
            (4, _) => {
                side.iter().for_each(|&node| self.world.kill(fault, node));
                held = side;
            }
            (5, _) => {
                side.iter().for_each(|&node| self.world.pause(fault, node));
                held = side;
            }
            (6, Faults::Wipes) => {
                self.world.kill(fault, side[0]);
                // It may die a moment later only.
                let until = self.world.now() + ms(25);
                while let Some(occurrence) = self.world.advance(until) {
                    self.answered(occurrence.request, occurrence.reply);
                }
                self.world.wipe(side[0]);
                held = vec![side[0]];
            }
            (6, _) => {
                let rate = 200_000 - self.random.below(400_000) as i64;
                self.world.set_clock(&drift(side[0], rate / 2));
                held = vec![side[0]];
            }
            (7, _) => {
                let lose = *self.random.choose(&[Lose::All, Lose::Subset, Lose::None]);
                let torn = self.random.below(2) == 0;
                self.world
                    .set_disk(fault, &disk(side[0], lose, torn, false));
                self.world.kill(fault, side[0]);
                held = vec![side[0]];
            }
            _ => {
                self.world
                    .set_disk(fault, &disk(side[0], Lose::Subset, false, true));
                held = vec![side[0]];
            }
        }
        let ends = self.world.now() + ms(200 + self.random.below(3000));
        self.wrong.push((fault, held, ends));
    }

    fn end_fault(&mut self, fault: u64, nodes: &[NodeId]) {
        self.world.release(fault);
        for &node in nodes {
            self.world
                .set_disk(fault, &disk(node, Lose::None, false, false));
            if self.faults == Faults::ClocksAndDisks {
                self.world.set_clock(&drift(node, 0));
            }
            self.world.revive(fault, node);
        }
    }
}

fn drift(node: NodeId, rate_ppm: i64) -> ClockEffect {
    ClockEffect {
        node,
        wall_offset_ns: 0,
        rate_ppm,
        strobe: None,
    }
}

fn disk(node: NodeId, lose: Lose, torn: bool, sync_error: bool) -> DiskEffect {
    DiskEffect {
        node,
        lose,
        torn,
        sync_error,
    }
}

/// The links from some nodes to all others, and back.
fn across(side: &[NodeId], both: bool) -> Vec<Link> {
    let mut links = Vec::new();
    for &from in side {
        for to in NodeId::all(NODES) {
            if !side.contains(&to) {
                links.push(Link { from, to });
                if both {
                    links.push(Link { from: to, to: from });
                }
            }
        }
    }
    links
}

/// How many seeds: a few in tests, more if asked for.
fn seeds(few: u64) -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    few * factor.unwrap_or(1)
}

/// Runs a deployment with many seeds, and checks each run.
fn runs(
    few: u64,
    settings: &[(&str, &str)],
    bug: Option<&str>,
    faults: Faults,
    mut check: impl FnMut(u64, &Run),
) {
    let (mut losing, mut not_linearizable, mut not_own, mut apart) = (0, 0, 0, 0);
    for seed in 1..=seeds(few) {
        let run = Driver::new(seed, settings, bug, faults).go();
        let ok = |done: &&Done| matches!(done.answered, Some((_, Reply::Ok { .. })));
        let answered = run.done.iter().filter(ok).count();
        assert!(
            answered > 100,
            "seed {seed}: only {answered} operations were ok"
        );
        check(seed, &run);
        losing += u64::from(!run.lost().is_empty());
        not_linearizable += u64::from(run.linearizable().is_err());
        not_own += u64::from(run.reads_its_writes().is_err());
        apart += u64::from(!run.converged());
    }
    println!(
        "{settings:?} {bug:?} under {faults:?}: of {} runs {losing} lose, {not_linearizable} are \
         not linearizable, {not_own} do not read their writes, {apart} do not converge",
        seeds(few)
    );
}

const SYNC: (&str, &str) = ("replication", "sync");
const SEMI_SYNC: (&str, &str) = ("replication", "semi-sync");
const ANY: (&str, &str) = ("read", "any");
const FAILOVER: (&str, &str) = ("failover", "timeout");
const UNFENCED: (&str, &str) = ("fencing", "off");

/// What must be true of every run with one leader for good: all that anybody sees are beginnings
/// of its log.
fn one_log(seed: u64, run: &Run) {
    assert_eq!(prefixes(&run.done, &Key::from(SET)), Ok(()), "seed {seed}");
    assert_eq!(run.lost(), [], "seed {seed}");
    assert!(run.converged(), "seed {seed}: {:?}", run.finals);
    assert!(run.recovered, "seed {seed}");
    assert_eq!(run.leaders, 1, "seed {seed}");
}

#[test]
fn sync_is_linearizable_and_durable() {
    for faults in [Faults::Default, Faults::ClocksAndDisks] {
        runs(12, &[SYNC], None, faults, |seed, run| {
            one_log(seed, run);
            assert_eq!(run.linearizable(), Ok(()), "seed {seed}");
            assert_eq!(run.reads_its_writes(), Ok(()), "seed {seed}");
        });
    }
}

#[test]
fn async_with_one_leader_is_linearizable_and_durable() {
    for faults in [Faults::Default, Faults::ClocksAndDisks] {
        runs(12, &[], None, faults, |seed, run| {
            one_log(seed, run);
            assert_eq!(run.linearizable(), Ok(()), "seed {seed}");
            assert_eq!(run.reads_its_writes(), Ok(()), "seed {seed}");
        });
    }
}

#[test]
fn semi_sync_with_one_leader_is_linearizable_and_durable() {
    runs(
        8,
        &[SEMI_SYNC],
        None,
        Faults::ClocksAndDisks,
        |seed, run| {
            one_log(seed, run);
            assert_eq!(run.linearizable(), Ok(()), "seed {seed}");
        },
    );
}

#[test]
fn sync_read_anywhere_gives_own_writes_but_not_one_order() {
    let mut broken = 0;
    for faults in [Faults::Default, Faults::ClocksAndDisks] {
        runs(12, &[SYNC, ANY], None, faults, |seed, run| {
            one_log(seed, run);
            assert_eq!(run.reads_its_writes(), Ok(()), "seed {seed}");
            broken += u64::from(run.linearizable().is_err());
        });
    }
    assert!(broken > 0);
}

#[test]
fn async_read_anywhere_is_stale() {
    let (mut not_linearizable, mut not_own) = (0, 0);
    runs(8, &[ANY], None, Faults::Default, |seed, run| {
        one_log(seed, run);
        not_linearizable += u64::from(run.linearizable().is_err());
        not_own += u64::from(run.reads_its_writes().is_err());
    });
    assert!(not_linearizable > 0 && not_own > 0);
}

#[test]
fn async_with_failover_converges_and_loses() {
    let (mut losing, mut not_linearizable) = (0, 0);
    for faults in [Faults::Default, Faults::ClocksAndDisks, Faults::Wipes] {
        runs(20, &[FAILOVER], None, faults, |seed, run| {
            assert!(run.converged(), "seed {seed}: {:?}", run.finals);
            assert!(run.recovered, "seed {seed}");
            assert_eq!(run.leaders, 1, "seed {seed}");
            losing += u64::from(!run.lost().is_empty());
            not_linearizable += u64::from(run.linearizable().is_err());
        });
    }
    assert!(losing > 0 && not_linearizable > 0);
}

#[test]
fn other_modes_with_failover_converge() {
    for replication in [SYNC, SEMI_SYNC] {
        runs(
            10,
            &[replication, FAILOVER],
            None,
            Faults::Default,
            |seed, run| {
                assert!(run.converged(), "seed {seed}: {:?}", run.finals);
                assert!(run.recovered, "seed {seed}");
            },
        );
    }
}

#[test]
fn without_fencing_two_lead() {
    let (mut losing, mut not_linearizable, mut not_one_chain) = (0, 0, 0);
    for replication in [SYNC, SEMI_SYNC, ("replication", "async")] {
        runs(
            10,
            &[replication, FAILOVER, UNFENCED],
            None,
            Faults::Default,
            |seed, run| {
                assert!(run.recovered, "seed {seed}");
                losing += u64::from(!run.lost().is_empty());
                not_linearizable += u64::from(run.linearizable().is_err());
                not_one_chain += u64::from(chain(&run.done, &Key::from(CHAIN)).is_err());
            },
        );
    }
    assert!(losing > 0 && not_linearizable > 0 && not_one_chain > 0);
}

/// Every node answers again also where disks were emptied, and where nobody compares epochs.
#[test]
fn emptied_disks_leave_nobody_without_an_answer() {
    for settings in [
        &[SYNC][..],
        &[SEMI_SYNC],
        &[SYNC, FAILOVER],
        &[SEMI_SYNC, FAILOVER],
        &[FAILOVER, UNFENCED],
        &[SYNC, FAILOVER, UNFENCED],
    ] {
        runs(4, settings, None, Faults::Wipes, |seed, run| {
            assert!(run.recovered, "seed {seed} with {settings:?}");
        });
    }
}

#[test]
fn an_emptied_disk_loses_what_only_the_leader_had() {
    let mut losing = 0;
    runs(12, &[], None, Faults::Wipes, |seed, run| {
        assert!(run.converged(), "seed {seed}: {:?}", run.finals);
        assert!(run.recovered, "seed {seed}");
        losing += u64::from(!run.lost().is_empty());
    });
    assert!(losing > 0);
}

#[test]
fn acknowledging_before_fsync_loses() {
    let mut losing = 0;
    runs(
        12,
        &[],
        Some("ack-before-fsync"),
        Faults::Default,
        |_, run| {
            losing += u64::from(!run.lost().is_empty());
        },
    );
    assert!(losing > 0);
}

#[test]
fn skipping_truncation_diverges() {
    let mut apart = 0;
    runs(
        12,
        &[FAILOVER],
        Some("skip-truncation"),
        Faults::Default,
        |_, run| {
            apart += u64::from(!run.converged());
        },
    );
    assert!(apart > 0);
}

/// The same seed gives the same run, to the last answer.
#[test]
fn a_seed_is_a_run() {
    let digest = || {
        let run = Driver::new(3, &[FAILOVER], None, Faults::ClocksAndDisks).go();
        format!("{:?}{:?}", run.done, run.finals)
    };
    assert_eq!(digest(), digest());
}

/// A request at a dead node is refused by the world; the store's own errors are all in its table.
#[test]
fn errors_are_in_the_table() {
    let known = |error: &ErrorName, outcome| {
        let row = |row: &crate::ErrorRow| row.error == error.as_str() && row.outcome == outcome;
        let worlds = ["refused", "connection-lost"].contains(&error.as_str());
        worlds || SingleLeader.errors().iter().any(row)
    };
    for settings in [&[FAILOVER][..], &[SYNC], &[SEMI_SYNC, FAILOVER, UNFENCED]] {
        runs(4, settings, None, Faults::Default, |_, run| {
            for done in &run.done {
                match &done.answered {
                    Some((_, Reply::Fail { error, .. })) => {
                        assert!(known(error, "fail"), "{error}");
                    }
                    Some((_, Reply::Info { error, .. })) => {
                        assert!(known(error, "info"), "{error}");
                    }
                    _ => {}
                }
            }
        });
    }
}
