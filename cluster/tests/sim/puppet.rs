//! A node that does what a test tells it to, and the log of what it was given.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use polygraph_cluster::sim::{Delay, Options, Sim};
use polygraph_cluster::{
    Context, Deployment, Disk, LinkKind, Node, Occurrence, Reply, RequestId, Submission,
    SyncFailed, SyncId, Timer, World,
};
use polygraph_history::settings::Settings;
use polygraph_history::{DiskEffect, ErrorName, Link, Lose, NodeId, Op, SlowEffect, Time};

/// What a node is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    Start(Disk),
    Message(NodeId, u64),
    Request(RequestId),
    Timer(Timer),
    Synced(SyncId, Result<(), SyncFailed>),
}

/// When and where it was given something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) node: NodeId,
    pub(crate) wall: i64,
    pub(crate) mono: Time,
    pub(crate) input: Input,
}

pub(crate) type Ctx<'a> = Context<'a, u64>;
type Act = Rc<dyn Fn(&Input, &mut Ctx<'_>)>;

/// A node whose links are streams if `STREAM`, else datagrams.
pub(crate) struct Puppet<const STREAM: bool> {
    act: Act,
    log: Rc<RefCell<Vec<Seen>>>,
}

impl<const STREAM: bool> Puppet<STREAM> {
    fn take(&self, input: Input, ctx: &mut Ctx<'_>) {
        (self.act)(&input, ctx);
        self.log.borrow_mut().push(Seen {
            node: ctx.me(),
            wall: ctx.wall(),
            mono: ctx.mono(),
            input,
        });
    }
}

impl<const STREAM: bool> Node for Puppet<STREAM> {
    type Message = u64;

    const LINKS: LinkKind = if STREAM {
        LinkKind::Stream
    } else {
        LinkKind::Datagram
    };

    fn start(&mut self, disk: &Disk, ctx: &mut Ctx<'_>) {
        self.take(Input::Start(disk.clone()), ctx);
    }

    fn on_message(&mut self, from: NodeId, message: u64, ctx: &mut Ctx<'_>) {
        self.take(Input::Message(from, message), ctx);
    }

    fn on_request(&mut self, request: RequestId, _: &Op, ctx: &mut Ctx<'_>) {
        self.take(Input::Request(request), ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        self.take(Input::Timer(timer), ctx);
    }

    fn on_synced(&mut self, sync: SyncId, result: Result<(), SyncFailed>, ctx: &mut Ctx<'_>) {
        self.take(Input::Synced(sync, result), ctx);
    }
}

/// A simulated cluster of puppets and what they have seen.
pub(crate) struct Stage<const STREAM: bool> {
    pub(crate) sim: Sim<Puppet<STREAM>>,
    log: Rc<RefCell<Vec<Seen>>>,
}

pub(crate) const N1: NodeId = NodeId::at(0);
pub(crate) const N2: NodeId = NodeId::at(1);
pub(crate) const THERE: Link = Link { from: N1, to: N2 };
pub(crate) const BACK: Link = Link { from: N2, to: N1 };

/// The operation that all requests ask for: what it is does not matter here.
pub(crate) fn op() -> Op {
    Op::Read {
        key: "x".into(),
        value: None,
    }
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) const fn at(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

/// Every message takes 10 ms, requests and replies 1 ms, a sync 5 ms.
pub(crate) fn steady() -> Options {
    Options {
        node_links: Delay::Constant(ms(10)),
        client_links: Delay::Constant(ms(1)),
        disk_sync: ms(5),
        ..Options::default()
    }
}

impl<const STREAM: bool> Stage<STREAM> {
    /// Three puppets that act so.
    pub(crate) fn new(
        seed: u64,
        options: &Options,
        act: impl Fn(&Input, &mut Ctx<'_>) + 'static,
    ) -> Stage<STREAM> {
        let deployment = Deployment {
            nodes: 3,
            settings: Settings::default(),
            bug: None,
            seed,
        };
        let act: Act = Rc::new(act);
        let log = Rc::new(RefCell::new(Vec::new()));
        let inside = Rc::clone(&log);
        let sim = Sim::new(&deployment, options, move |_| Puppet {
            act: Rc::clone(&act),
            log: Rc::clone(&inside),
        });
        Stage { sim, log }
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, number: u64, node: NodeId) {
        self.sim.submit(Submission {
            request: RequestId(number),
            client: 0,
            node,
            op: op(),
        });
    }

    /// Lets time pass until then; gives back the answers.
    pub(crate) fn until(&mut self, until: Time) -> Vec<Occurrence> {
        let mut answers = Vec::new();
        while let Some(answer) = self.sim.advance(until) {
            answers.push(answer);
        }
        assert_eq!(self.sim.now(), until.max(self.sim.now()));
        answers
    }

    /// What all have seen so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.borrow().clone()
    }

    /// The messages that a node has seen so far, and when by its clock.
    pub(crate) fn messages(&self, node: NodeId) -> Vec<(Time, u64)> {
        let log = self.log.borrow();
        let of_node = log.iter().filter(|seen| seen.node == node);
        of_node
            .filter_map(|seen| match seen.input {
                Input::Message(_, number) => Some((seen.mono, number)),
                _ => None,
            })
            .collect()
    }

    /// The same without the times.
    pub(crate) fn numbers(&self, node: NodeId) -> Vec<u64> {
        let messages = self.messages(node).into_iter();
        messages.map(|(_, number)| number).collect()
    }

    /// The disks with which a node has started so far.
    pub(crate) fn disks(&self, node: NodeId) -> Vec<Disk> {
        let log = self.log.borrow();
        let of_node = log.iter().filter(|seen| seen.node == node);
        of_node
            .filter_map(|seen| match &seen.input {
                Input::Start(disk) => Some(disk.clone()),
                _ => None,
            })
            .collect()
    }
}

/// Answers requests, and sends so many messages to n2 for each, numbered from 0.
pub(crate) fn sends(count: u64) -> impl Fn(&Input, &mut Ctx<'_>) {
    move |input, ctx| {
        if let Input::Request(request) = input {
            for number in 0..count {
                ctx.send(N2, number);
            }
            ctx.reply(*request, Reply::ok(op()));
        }
    }
}

/// Sends a numbered message to n2 every millisecond, from n1.
pub(crate) fn ticks(input: &Input, ctx: &mut Ctx<'_>) {
    let next = match input {
        Input::Start(_) if ctx.me() == N1 => 0,
        Input::Timer(timer) => {
            ctx.send(N2, timer.key);
            timer.key + 1
        }
        _ => return,
    };
    ctx.set_timer(Timer { kind: 1, key: next }, ms(1));
}

/// A way for a link to be slow that does nothing yet.
pub(crate) fn slow(link: Link) -> SlowEffect {
    SlowEffect {
        links: vec![link],
        delay_ns: 0,
        jitter_ns: 0,
        loss: 0,
        duplicate: 0,
        reorder: 0,
    }
}

/// A misbehaving disk of n1.
pub(crate) const fn disk(lose: Lose, torn: bool, sync_error: bool) -> DiskEffect {
    DiskEffect {
        node: N1,
        lose,
        torn,
        sync_error,
    }
}

/// How requests were answered, in the order of their numbers: `ok`, or the error.
pub(crate) fn answers(occurrences: &[Occurrence]) -> Vec<(u64, String)> {
    let how = |reply: &Reply| match reply {
        Reply::Ok { .. } => "ok".to_owned(),
        Reply::Fail { error, .. } => format!("fail: {error}"),
        Reply::Info { error, .. } => format!("info: {error}"),
    };
    let mut answers: Vec<_> = occurrences
        .iter()
        .map(|answer| (answer.request.0, how(&answer.reply)))
        .collect();
    answers.sort();
    answers
}

pub(crate) fn refused(number: u64) -> (u64, String) {
    (number, format!("fail: {}", ErrorName::REFUSED))
}

pub(crate) fn lost(number: u64) -> (u64, String) {
    (number, format!("info: {}", ErrorName::CONNECTION_LOST))
}
