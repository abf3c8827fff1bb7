//! The same node through both drivers: what it was given in the simulator is given to the driver
//! of a process, and it asks for the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use polygraph_cluster::local::{Driver, Input, survives};
use polygraph_cluster::sim::{Options, Sim};
use polygraph_cluster::{
    Context, Control, Deployment, Disk, LinkKind, Node, RequestId, Submission, SyncFailed, SyncId,
    Timer, World,
};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{ClockEffect, DiskEffect, Link, Lose, Micro, NodeId, Op, Time};

use crate::Target;

/// What one handler was given, and what it asked for.
struct Step<M> {
    input: Input<M>,
    wall_ns: i64,
    mono: Time,
    effects: String,
}

/// The lives of every node.
type Tape<M> = Rc<RefCell<BTreeMap<NodeId, Vec<Vec<Step<M>>>>>>;

/// A node that writes down what it is given and what it asks for.
struct Scribe<N: Node> {
    node: N,
    tape: Tape<N::Message>,
}

impl<N: Node> Scribe<N> {
    fn note(&self, input: Input<N::Message>, ctx: &Context<'_, N::Message>) {
        let step = Step {
            input,
            wall_ns: ctx.wall(),
            mono: ctx.mono(),
            effects: format!("{:?}", ctx.effects()),
        };
        let mut tape = self.tape.borrow_mut();
        let lives = tape.entry(ctx.me()).or_default();
        if matches!(step.input, Input::Start(_)) {
            lives.push(Vec::new());
        }
        lives
            .last_mut()
            .expect("every life begins with a start")
            .push(step);
    }
}

impl<N: Node> Node for Scribe<N> {
    type Message = N::Message;

    const LINKS: LinkKind = N::LINKS;

    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, N::Message>) {
        self.node.start(disk, ctx);
        self.note(Input::Start(disk.clone()), ctx);
    }

    fn on_message(&mut self, from: NodeId, message: N::Message, ctx: &mut Context<'_, N::Message>) {
        assert_eq!(survives(&message), Ok(()));
        self.node.on_message(from, message.clone(), ctx);
        self.note(Input::Message { from, message }, ctx);
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, N::Message>) {
        self.node.on_request(request, op, ctx);
        let op = op.clone();
        self.note(Input::Request { request, op }, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, N::Message>) {
        self.node.on_timer(timer, ctx);
        self.note(Input::Timer(timer), ctx);
    }

    fn on_synced(
        &mut self,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        ctx: &mut Context<'_, N::Message>,
    ) {
        self.node.on_synced(sync, result, ctx);
        self.note(Input::Synced { sync, result }, ctx);
    }

    fn leadership(&self) -> Option<u64> {
        self.node.leadership()
    }
}

/// Something that any store may be asked, also what it does not support.
fn op(random: &mut Random, node: NodeId) -> Op {
    let key = ["x", "y", "z"][random.below(3) as usize].into();
    let number = random.below(50) as i64;
    match random.below(7) {
        0 | 1 => Op::Write {
            key,
            value: number.into(),
        },
        2 | 3 => Op::Read { key, value: None },
        4 => Op::Cas {
            key,
            from: (number % 5).into(),
            to: (number / 5).into(),
        },
        5 => Op::Peek {
            key,
            node,
            value: None,
        },
        _ => Op::Txn(vec![
            Micro::Append {
                key: key.clone(),
                value: number.into(),
            },
            Micro::Read { key, value: None },
        ]),
    }
}

/// Runs three seconds in which everything goes wrong once.
fn play<N: Node>(sim: &mut Sim<N>, seed: u64) {
    let mut random = Random::keyed(&[seed]);
    let nodes = sim.nodes().to_vec();
    let (a, b) = (nodes[seed as usize % 3], nodes[(seed as usize + 1) % 3]);
    let wrong = ClockEffect {
        node: a,
        wall_offset_ns: -70_000_000,
        rate_ppm: 90_000,
        strobe: None,
    };
    let disk = |sync_error| DiskEffect {
        node: b,
        lose: if sync_error { Lose::Subset } else { Lose::None },
        torn: sync_error,
        sync_error,
    };
    for round in 0..300 {
        match round {
            30 => sim.kill(1, a),
            60 => sim.revive(1, a),
            90 => sim.cut(2, &[Link { from: a, to: b }]),
            120 => sim.release(2),
            130 => sim.pause(3, b),
            150 => sim.revive(3, b),
            160 => sim.set_clock(&wrong),
            190 => sim.set_disk(4, &disk(true)),
            230 => {
                sim.set_disk(4, &disk(false));
                sim.revive(4, b);
            }
            _ => {}
        }
        let node = nodes[random.below(3) as usize];
        sim.submit(Submission {
            request: RequestId(round),
            client: 0,
            node,
            op: op(&mut random, node),
        });
        let until = sim.now() + Duration::from_millis(10);
        while sim.advance(until).is_some() {}
    }
}

/// Runs a store with these settings in the simulator, and every life of every node once more in
/// the driver of a process.
pub(crate) fn agree<N: Node + 'static>(
    target: &dyn Target,
    settings: &[(&str, &str)],
    make: impl Fn(&Deployment, NodeId) -> N + Clone + 'static,
) {
    for seed in 0..6 {
        let mut resolved = Settings::defaults(target.knobs());
        for (key, value) in settings {
            resolved.set(target.knobs(), key, value).unwrap();
        }
        let deployment = Deployment {
            nodes: 3,
            settings: resolved,
            bug: None,
            seed,
        };
        target.validate(&deployment).unwrap();
        let tape = Tape::<N::Message>::default();
        let (inside, of, new) = (Rc::clone(&tape), deployment.clone(), make.clone());
        let mut sim = Sim::new(&deployment, &Options::default(), move |id| Scribe {
            node: new(&of, id),
            tape: Rc::clone(&inside),
        });
        play(&mut sim, seed);
        drop(sim);
        let (mut lives, mut steps, mut timers) = (0, 0, 0);
        for (me, of_node) in tape.take() {
            for (life, life_steps) in (1..).zip(of_node) {
                lives += 1;
                let mut driver = Driver::new(&deployment, me, life, make(&deployment, me));
                for step in life_steps {
                    steps += 1;
                    if let Input::Timer(timer) = step.input {
                        timers += 1;
                        assert_eq!(driver.due(step.mono), Some(timer), "{me}, life {life}");
                    }
                    let shown = format!("{:?}", step.input);
                    let made: Vec<_> = driver.step(step.input, step.wall_ns, step.mono).collect();
                    assert_eq!(
                        format!("{made:?}"),
                        step.effects,
                        "seed {seed}, {me}, life {life}, given {shown}"
                    );
                }
            }
        }
        assert!(lives >= 4 && steps > 500, "{lives} {steps} {timers}");
    }
}
