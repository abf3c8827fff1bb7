//! The same node does the same in every world.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use polygraph_cluster::local::{Driver, Input};
use polygraph_cluster::sim::{self, Sim};
use polygraph_cluster::{
    Context, Control, Disk, Effect, Node, Reply, RequestId, Submission, SyncFailed, SyncId, Timer,
    World,
};
use polygraph_history::{ClockEffect, NodeId, Op, Time};
use serde_json::json;

use crate::echo::{Echo, PATIENCE, deployment, eventually, start};

/// What one handler was given and left behind.
#[derive(Clone, Debug)]
struct Step {
    input: Input<u64>,
    wall_ns: i64,
    mono: Time,
    effects: Vec<Effect<u64>>,
}

type Tape = Rc<RefCell<Vec<Vec<Step>>>>;

/// A node that uses everything there is, and writes down what it is given and asks for: one list
/// for every life.
struct Scribe {
    tape: Tape,
    writes: bool,
}

impl Scribe {
    fn act(&mut self, input: Input<u64>, ctx: &mut Context<'_, u64>) {
        let (wall_ns, mono) = (ctx.wall(), ctx.mono());
        let mut effects = Vec::new();
        let number = ctx.random("number");
        for to in ctx.nodes() {
            // They end: every message is answered by smaller ones, a sync by none.
            let message = match &input {
                Input::Message { message, .. } => message / 2,
                Input::Synced { .. } => 0,
                _ => number % 100,
            };
            if message > 0 && (number + to.position() as u64).is_multiple_of(2) {
                ctx.send(*to, message);
                effects.push(Effect::Send { to: *to, message });
            }
        }
        let bytes = number.to_le_bytes().to_vec();
        let offset = number % 4096;
        ctx.write("file", offset, bytes.clone());
        effects.push(Effect::Write {
            file: "file",
            offset,
            bytes,
        });
        if !matches!(input, Input::Synced { .. }) {
            ctx.sync(SyncId(number));
            effects.push(Effect::Sync(SyncId(number)));
        }
        let timer = Timer {
            kind: 1,
            key: number % 3,
        };
        let after = Duration::from_micros(number % 20_000);
        ctx.set_timer(timer, after);
        let due = mono + after;
        effects.push(Effect::SetTimer { timer, due, after });
        ctx.cancel_timer(Timer::of(2));
        effects.push(Effect::CancelTimer(Timer::of(2)));
        if let Input::Request { request, op } = &input {
            let (request, reply) = (*request, Reply::ok(op.clone()));
            ctx.reply(request, reply.clone());
            effects.push(Effect::Reply { request, reply });
        }
        if self.writes {
            let step = Step {
                input,
                wall_ns,
                mono,
                effects,
            };
            self.tape.borrow_mut().last_mut().unwrap().push(step);
        }
    }
}

impl Node for Scribe {
    type Message = u64;

    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, u64>) {
        if self.writes {
            self.tape.borrow_mut().push(Vec::new());
        }
        self.act(Input::Start(disk.clone()), ctx);
    }

    fn on_message(&mut self, from: NodeId, message: u64, ctx: &mut Context<'_, u64>) {
        self.act(Input::Message { from, message }, ctx);
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, u64>) {
        let op = op.clone();
        self.act(Input::Request { request, op }, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, u64>) {
        self.act(Input::Timer(timer), ctx);
    }

    fn on_synced(
        &mut self,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        ctx: &mut Context<'_, u64>,
    ) {
        self.act(Input::Synced { sync, result }, ctx);
    }
}

fn echo() -> Op {
    Op::Custom {
        name: "echo".to_owned(),
        args: json!(1),
    }
}

/// What a node was given in the simulator, over several lives and with clocks that went wrong, is
/// given to the driver of a process: it asks for the same, and its timers are due when they were.
#[test]
fn a_driver_makes_the_effects_that_the_simulator_makes() {
    let tape = Tape::default();
    let inside = Rc::clone(&tape);
    let deployment = deployment(3);
    let (n1, n2) = (NodeId::at(0), NodeId::at(1));
    let mut sim = Sim::new(&deployment, &sim::Options::default(), move |id| Scribe {
        tape: Rc::clone(&inside),
        writes: id == n2,
    });
    for round in 0..30 {
        match round {
            10 => sim.kill(1, n2),
            12 => sim.revive(1, n2),
            20 => sim.set_clock(&ClockEffect {
                node: n2,
                wall_offset_ns: 77,
                rate_ppm: -100_000,
                strobe: None,
            }),
            _ => {}
        }
        let (request, client) = (RequestId(round), 0);
        let node = if round % 2 == 0 { n1 } else { n2 };
        let op = echo();
        sim.submit(Submission {
            request,
            client,
            node,
            op,
        });
        let until = sim.now() + Duration::from_millis(50);
        while sim.advance(until).is_some() {}
    }
    let lives = tape.borrow().clone();
    assert_eq!(lives.len(), 2);
    let mut timers = 0;
    for (life, steps) in lives.into_iter().enumerate() {
        assert!(steps.len() > 100, "{}", steps.len());
        let quiet = Scribe {
            tape: Tape::default(),
            writes: false,
        };
        let mut driver = Driver::new(&deployment, n2, life as u64 + 1, quiet);
        for (at, step) in steps.into_iter().enumerate() {
            let Step {
                input,
                wall_ns,
                mono,
                effects,
            } = step;
            if let Input::Timer(timer) = input {
                assert_eq!(driver.due(mono), Some(timer), "life {life}, step {at}");
                timers += 1;
            }
            let made: Vec<_> = driver.step(input, wall_ns, mono).collect();
            assert_eq!(made, effects, "life {life}, step {at}");
        }
    }
    assert!(timers > 100, "{timers}");
}

/// The operations of a script, and after which of them the node is killed.
fn script() -> (Vec<Op>, Vec<usize>) {
    let write = |key: &str, value: i64| Op::Write {
        key: key.into(),
        value: value.into(),
    };
    let read = |key: &str| Op::Read {
        key: key.into(),
        value: None,
    };
    let operations = vec![
        write("synced", 1),
        echo(),
        write("synced", 2),
        read("all"),
        write("unsynced", 3),
        read("all"),
        // Killed here.
        read("all"),
        write("synced", 4),
        read("from:n1"),
        // And here.
        read("all"),
        echo(),
    ];
    (operations, vec![5, 8])
}

/// Runs the script against the first node of a world; gives back the replies.
fn play(world: &mut dyn World) -> Vec<Reply> {
    let n1 = NodeId::at(0);
    let (operations, kills) = script();
    let mut request = 0;
    let mut ask = |world: &mut dyn World, op: &Op| {
        request += 1;
        world.submit(Submission {
            request: RequestId(request),
            client: 0,
            node: n1,
            op: op.clone(),
        });
        let until = world.now() + PATIENCE;
        world.advance(until).expect("an answer").reply
    };
    let mut replies = Vec::new();
    for (at, op) in operations.iter().enumerate() {
        replies.push(ask(world, op));
        if kills.contains(&at) {
            let fault = at as u64;
            world.kill(fault, n1);
            // The simulator lets it die in the middle of what it does next.
            let until = world.now() + Duration::from_millis(100);
            assert!(world.advance(until).is_none());
            world.revive(fault, n1);
            eventually(|| ask(world, &echo()) == Reply::ok(echo()));
        }
    }
    replies
}

#[test]
fn a_script_is_answered_alike_by_the_simulator_and_by_processes() {
    let disk = sim::Options::default();
    let mut sim = Sim::new(&deployment(2), &disk, |_| Echo::<false>::default());
    // What was not synced is lost, as it is by a process that is killed.
    sim.set_disk(
        99,
        &polygraph_history::DiskEffect {
            node: NodeId::at(0),
            lose: polygraph_history::Lose::All,
            torn: false,
            sync_error: false,
        },
    );
    let simulated = play(&mut sim);
    let real = play(&mut start("datagram", 2).local);
    assert_eq!(simulated, real);
    assert!(real.iter().all(|reply| matches!(reply, Reply::Ok { .. })));
}
