//! Random runs: clients, faults, and the invariants after every handler.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use polygraph_cluster::sim::{Options, Sim};
use polygraph_cluster::{Deployment, Reply, RequestId, Submission, World};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{Key, Micro, NodeId, Op, Time};

use super::super::config::Config;
use super::super::target::{BUGS, Consensus};
use super::faults::Faults;
use super::session::Session;
use super::watch::{Record, Watched};
use crate::{ErrorRow, Target};

/// How long clients and faults are at work.
const WORK: Time = Time::from_secs(8);
/// How soon every node answers when all is whole again.
const RECOVERY: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(1);

fn scale() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

pub(super) fn deployment(
    nodes: usize,
    seed: u64,
    set: &[(&str, &str)],
    bug: Option<&str>,
) -> Deployment {
    let knobs = Consensus.knobs();
    let mut settings = Settings::defaults(knobs);
    for (key, value) in set {
        settings.set(knobs, key, value).unwrap();
    }
    let bug = bug.map(str::to_owned);
    let deployment = Deployment {
        nodes,
        settings,
        bug,
        seed,
    };
    Consensus.validate(&deployment).unwrap();
    deployment
}

/// One run.
struct Run {
    sim: Sim<Watched>,
    record: Rc<RefCell<Record>>,
    random: Random,
    nodes: usize,
    /// When each client's operation was begun, or it is to begin the next.
    clients: Vec<Client>,
    open: BTreeMap<RequestId, (usize, Time)>,
    issued: u64,
    session: Session,
    /// In the order in which they came: a run is its seed.
    replies: Vec<(Time, RequestId, Reply)>,
}

#[derive(Clone, Copy)]
enum Client {
    Idle(Time),
    Busy(RequestId, Time),
}

impl Run {
    fn new(deployment: &Deployment) -> Run {
        let record = Rc::new(RefCell::new(Record::default()));
        let config = Config::of(deployment);
        let options = Options {
            loss_ppm: 5_000,
            duplicate_ppm: 20_000,
            ..Options::default()
        };
        let shared = Rc::clone(&record);
        let make = move |id| Watched::new(config, id, Rc::clone(&shared));
        Run {
            sim: Sim::new(deployment, &options, make),
            record,
            random: Random::keyed(&[deployment.seed, 5]),
            nodes: deployment.nodes,
            clients: vec![Client::Idle(Time::ZERO); deployment.nodes * 2],
            open: BTreeMap::new(),
            issued: 0,
            session: Session::default(),
            replies: Vec::new(),
        }
    }

    /// Clients and faults at work, then everything whole again.
    fn work(&mut self, seed: u64) {
        let mut faults = Faults::new(seed, self.nodes);
        while self.sim.now() < WORK {
            let due = self.clients.iter().map(|client| match client {
                Client::Idle(next) => *next,
                Client::Busy(_, begun) => *begun + TIMEOUT,
            });
            let until = due.chain([faults.due(), WORK]).min().expect("there is one");
            self.advance(until);
            let now = self.sim.now();
            faults.step(now, &mut self.sim);
            for client in 0..self.clients.len() {
                match self.clients[client] {
                    Client::Idle(next) if next <= now => self.begin(client),
                    Client::Busy(_, begun) if begun + TIMEOUT <= now => {
                        self.clients[client] = Client::Idle(now);
                    }
                    _ => {}
                }
            }
        }
        faults.heal(&mut self.sim);
    }

    /// Lets time pass until something is answered or until then.
    fn advance(&mut self, until: Time) {
        let Some(seen) = self.sim.advance(until) else {
            return;
        };
        self.replies
            .push((seen.time, seen.request, seen.reply.clone()));
        let Some((client, begun)) = self.open.remove(&seen.request) else {
            return;
        };
        if matches!(self.clients[client], Client::Busy(request, _) if request == seen.request) {
            let pause = self.random.below(30_000_000);
            self.clients[client] = Client::Idle(Time(seen.time.0 + pause));
        }
        self.session.answered(begun, seen.time, seen.reply);
    }

    fn begin(&mut self, client: usize) {
        let op = self.draw();
        let node = NodeId::at(client % self.nodes);
        let request = self.submit(client, node, op);
        self.clients[client] = Client::Busy(request, self.sim.now());
    }

    fn submit(&mut self, client: usize, node: NodeId, op: Op) -> RequestId {
        self.issued += 1;
        let request = RequestId(self.issued);
        self.open.insert(request, (client, self.sim.now()));
        self.sim.submit(Submission {
            request,
            client,
            node,
            op,
        });
        request
    }

    fn draw(&mut self) -> Op {
        let value = (self.issued as i64 + 1).into();
        let key = |kind: &str, n: u64| Key::from(format!("{kind}{n}").as_str());
        let at = self.random.below(3);
        match self.random.below(10) {
            0..=2 => Op::Read {
                key: key("r", at),
                value: None,
            },
            3 | 4 => Op::Write {
                key: key("r", at),
                value,
            },
            5 => Op::Cas {
                key: key("r", at),
                from: (self.random.below(self.issued + 1) as i64).into(),
                to: value,
            },
            6 => Op::Add {
                key: key("s", 0),
                value,
            },
            7 => Op::Read {
                key: key("s", 0),
                value: None,
            },
            _ => Op::Txn(vec![
                Micro::Append {
                    key: key("l", at),
                    value,
                },
                Micro::Read {
                    key: key("l", at),
                    value: None,
                },
            ]),
        }
    }

    /// All nodes answer soon, and then alike.
    fn recovers(&mut self) -> Result<(), String> {
        let deadline = self.sim.now() + RECOVERY;
        for position in 0..self.nodes {
            loop {
                let key = Key::from("recovered");
                let write = Op::Write {
                    key,
                    value: (position as i64).into(),
                };
                let request = self.submit(0, NodeId::at(position), write);
                match self.answer(request, deadline) {
                    Some(Reply::Ok { .. }) => break,
                    _ if self.sim.now() >= deadline => {
                        return Err(format!("{} does not answer", NodeId::at(position)));
                    }
                    _ => {}
                }
            }
        }
        // The last commit index travels with a heartbeat.
        let quiet = self.sim.now() + Duration::from_secs(1);
        while self.sim.now() < quiet {
            self.advance(quiet);
        }
        let keys = ["recovered", "r0", "r1", "r2", "s0", "l0", "l1", "l2"];
        for key in keys {
            let mut values = Vec::new();
            for node in NodeId::all(self.nodes) {
                let peek = Op::Peek {
                    key: key.into(),
                    node,
                    value: None,
                };
                let request = self.submit(0, node, peek);
                let Some(Reply::Ok {
                    op: Op::Peek { value, .. },
                    ..
                }) = self.answer(request, quiet + RECOVERY)
                else {
                    return Err(format!("{node} does not answer a peek"));
                };
                values.push(value);
            }
            if values.iter().any(|value| *value != values[0]) {
                return Err(format!("{key} is not the same everywhere: {values:?}"));
            }
        }
        Ok(())
    }

    fn answer(&mut self, request: RequestId, until: Time) -> Option<Reply> {
        let until = until.min(self.sim.now() + Duration::from_millis(300));
        let from = self.replies.len();
        while self.sim.now() < until {
            let seen = self.sim.advance(until)?;
            self.replies.push((seen.time, seen.request, seen.reply));
            let found = self.replies[from..]
                .iter()
                .find(|(_, of, _)| *of == request);
            if let Some((.., reply)) = found {
                return Some(reply.clone());
            }
        }
        None
    }
}

/// What is wrong with a run, and what it saw.
fn run(deployment: &Deployment) -> (Vec<String>, Run) {
    let mut run = Run::new(deployment);
    run.work(deployment.seed);
    let recovered = run.recovers();
    let mut wrong = run.record.borrow().violations.clone();
    wrong.extend(run.session.violations());
    wrong.extend(undocumented(&run.replies));
    wrong.extend(recovered.err());
    (wrong, run)
}

/// Errors that are not in the store's table, with that outcome; those of connections are the
/// world's.
fn undocumented(replies: &[(Time, RequestId, Reply)]) -> Option<String> {
    replies.iter().find_map(|(_, _, reply)| {
        let (error, outcome) = match reply {
            Reply::Ok { .. } => return None,
            Reply::Fail { error, .. } => (error.as_str(), "fail"),
            Reply::Info { error, .. } => (error.as_str(), "info"),
        };
        let is_known = |row: &ErrorRow| row.error == error && row.outcome == outcome;
        let is_of_world = ["refused", "connection-lost"].contains(&error);
        (!is_of_world && !Consensus.errors().iter().any(is_known))
            .then(|| format!("undocumented {outcome}: {error}"))
    })
}

#[test]
fn nothing_goes_wrong_under_any_faults() {
    let (mut answered, mut elections) = (0, 0);
    for seed in 0..200 * scale() {
        let nodes = if seed % 3 == 2 { 5 } else { 3 };
        let (wrong, run) = run(&deployment(nodes, seed, &[], None));
        assert!(wrong.is_empty(), "seed {seed}, {nodes} nodes: {wrong:#?}");
        answered += run.session.count();
        elections += run.record.borrow().elections;
    }
    println!("{answered} answered, {elections} elections");
    assert!(answered as u64 > 20_000 * scale(), "{answered}");
    assert!(elections as u64 > 400 * scale(), "{elections}");
}

#[test]
fn elections_that_never_end_do_no_harm() {
    // Row CO-11: the election timeout is shorter than most round trips.
    let set = [
        ("heartbeat", "1ms"),
        ("election-min", "3ms"),
        ("election-max", "8ms"),
    ];
    for seed in 0..10 * scale() {
        let mut run = Run::new(&deployment(3, seed, &set, None));
        run.work(seed);
        let mut wrong = run.record.borrow().violations.clone();
        wrong.extend(run.session.violations());
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
}

#[test]
fn local_reads_are_stale_and_everything_else_holds() {
    let mut stale = 0;
    for seed in 0..30 * scale() {
        let (wrong, run) = run(&deployment(3, seed, &[("read", "leader-local")], None));
        assert!(run.record.borrow().violations.is_empty());
        let is_read = |what: &String| what.contains("read") || what.contains("lost add");
        assert!(wrong.iter().all(is_read), "seed {seed}: {wrong:#?}");
        stale += wrong.len();
    }
    assert!(stale > 0);
}

#[test]
fn one_node_and_even_numbers_work() {
    for nodes in [1, 2, 4] {
        for seed in 0..5 * scale() {
            let (wrong, _) = run(&deployment(nodes, seed, &[], None));
            assert!(wrong.is_empty(), "seed {seed}, {nodes} nodes: {wrong:#?}");
        }
    }
}

#[test]
fn a_seed_is_a_run() {
    for seed in 0..5 {
        let replies = || run(&deployment(3, seed, &[], None)).1.replies;
        assert_eq!(replies(), replies());
    }
}

/// The bugs that random runs find. The others need a schedule; the transcripts have one for each.
#[test]
fn random_runs_find_planted_bugs() {
    for bug in BUGS {
        let found =
            (0..40).find(|&seed| !run(&deployment(3, seed, &[], Some(bug.name))).0.is_empty());
        let is_rare =
            ["forget-vote", "count-old-term-entries", "read-index-reused"].contains(&bug.name);
        println!("{}: {found:?}", bug.name);
        assert!(found.is_some() || is_rare, "{}", bug.name);
    }
}
