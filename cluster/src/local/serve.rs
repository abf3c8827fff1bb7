//! A node process: one thread steps the node, one its disk, one listens to the harness.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, Write};
use std::time::Duration;

use nix::unistd::getppid;
use polygraph_history::{NodeId, Op};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::disk::Files;
use super::driver::{Driver, Input};
use super::seat::{self, Notice, Order, Seat};
use super::traffic::{self, Arrival, Doorman};
use super::{frame, wire};
use crate::clock::Clock;
use crate::host::true_time::TrueTime;
use crate::{
    ClockReading, Deployment, Effect, LinkKind, Node, Reply, RequestId, SyncFailed, SyncId,
};

/// How much may wait for the node before connections are no longer read.
const INPUTS: usize = 4096;
/// How many inputs are handled before what they led to is sent.
const BATCH: usize = 256;
/// How many chunks may wait for a link before messages are lost.
const CHUNKS: usize = 1 << 16;
/// How many unanswered requests are remembered.
const ASKED: usize = 1 << 16;

/// Runs one node in this process, until the harness that started it ends it or itself.
///
/// Standard input and output belong to the harness; the node's log is standard error. When
/// standard input ends the process exits at once.
///
/// # Errors
/// What the sockets and files give.
pub fn serve<N: Node>(
    deployment: &Deployment,
    seat: Seat,
    make: impl Fn(NodeId) -> N,
) -> io::Result<()> {
    die_with_the_harness(&seat)?;
    let (give, orders) = mpsc::unbounded_channel();
    std::thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || obey(&give))?;
    let node = make(seat.node);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(deployment, seat, node, orders))
}

/// Has the system kill this process when the thread that started it ends.
fn die_with_the_harness(seat: &Seat) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // It may have ended before; then nobody would tell.
    if getppid().as_raw().unsigned_abs() != seat.parent {
        std::process::exit(0);
    }
    Ok(())
}

/// Takes the harness's orders; a thread of its own, so that the end of standard input ends the
/// process whatever the node is doing.
fn obey(give: &mpsc::UnboundedSender<Order>) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(order) => drop(give.send(order)),
            Err(error) => eprintln!("a strange order: {error}: {line}"),
        }
    }
    std::process::exit(0);
}

/// Tells the harness something; without a harness there is nothing to live for.
pub(super) fn tell(notice: &Notice) {
    let mut out = io::stdout().lock();
    if out
        .write_all(&seat::line(notice))
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

async fn run<N: Node>(
    deployment: &Deployment,
    seat: Seat,
    node: N,
    mut orders: mpsc::UnboundedReceiver<Order>,
) -> io::Result<()> {
    let time = TrueTime {
        origin_ns: seat.origin_ns,
    };
    let mut clock = Clock::new(seat.epoch_ns);
    if let Some((since, effect)) = &seat.clock {
        clock.set(*since, effect);
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    tell(&Notice::Listens {
        port: listener.local_addr()?.port(),
        stream: N::LINKS == LinkKind::Stream,
    });
    let (tell_synced, mut synced) = mpsc::unbounded_channel();
    let (files, disk) = Files::open(&seat.data, move |sync, result| {
        let _ = tell_synced.send((sync, result));
    })?;
    let mut process = Process {
        me: seat.node,
        driver: Driver::new(deployment, seat.node, seat.life, node),
        time,
        clock,
        files,
        links: BTreeMap::new(),
        clients: BTreeMap::new(),
        spoken_to: Vec::new(),
        asked: BTreeMap::new(),
        to_itself: VecDeque::new(),
        leads: None,
    };
    while let Some(order) = orders.recv().await {
        if matches!(order, Order::Go) {
            break;
        }
        process.obey(&order);
    }
    let (arrive, mut arrivals) = mpsc::channel(INPUTS);
    tokio::spawn(
        Doorman {
            run: seat.run,
            me: seat.node,
            arrive,
        }
        .admit(listener),
    );
    for &(to, proxy) in &seat.links {
        let (chunks, waiting) = mpsc::channel(CHUNKS);
        tokio::spawn(traffic::send(
            seat.run,
            (seat.node, to).into(),
            proxy,
            waiting,
        ));
        process.links.insert(
            to,
            Outgoing {
                chunks,
                bytes: Vec::new(),
            },
        );
    }
    process.step(Input::Start(disk));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        process.run_timers();
        process.hear_itself();
        process.flush();
        let pause = process.pause();
        tokio::select! {
            biased;
            Some(order) = orders.recv() => process.obey(&order),
            Some((sync, result)) = synced.recv() => {
                process.synced(sync, result);
                while let Ok((sync, result)) = synced.try_recv() {
                    process.synced(sync, result);
                }
            }
            _ = arrivals.recv_many(&mut batch, BATCH) => {
                for arrival in batch.drain(..) {
                    process.run_timers();
                    process.take(arrival);
                }
            }
            () = sleep(pause) => {}
        }
    }
}

/// Sleeps, or only lets others run if the time is zero.
async fn sleep(pause: Duration) {
    if pause.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(pause).await;
    }
}

/// Bytes for another node.
struct Outgoing {
    chunks: mpsc::Sender<Vec<u8>>,
    bytes: Vec<u8>,
}

/// A client's connection.
struct Client {
    chunks: mpsc::UnboundedSender<Vec<u8>>,
    bytes: Vec<u8>,
}

/// Everything that the stepping thread holds.
struct Process<N: Node> {
    me: NodeId,
    driver: Driver<N>,
    time: TrueTime,
    clock: Clock,
    files: Files,
    links: BTreeMap<NodeId, Outgoing>,
    clients: BTreeMap<u64, Client>,
    /// The clients for whom there are bytes.
    spoken_to: Vec<u64>,
    /// Over which connections the open requests came.
    asked: BTreeMap<RequestId, u64>,
    to_itself: VecDeque<N::Message>,
    /// What the harness knows of the node's leadership.
    leads: Option<u64>,
}

impl<N: Node> Process<N> {
    fn step(&mut self, input: Input<N::Message>) {
        let now = self.time.now();
        let (wall, mono) = (self.clock.wall_ns(now), self.clock.mono(now));
        let effects: Vec<_> = self.driver.step(input, wall, mono).collect();
        for effect in effects {
            self.perform(effect);
        }
        let leads = self.driver.leadership();
        if leads != self.leads {
            self.leads = leads;
            tell(&Notice::Leads(leads));
        }
    }

    fn perform(&mut self, effect: Effect<N::Message>) {
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => self.files.write(file, offset, bytes),
            Effect::Sync(sync) => self.files.sync(sync),
            Effect::Send { to, message } if to == self.me => self.to_itself.push_back(message),
            Effect::Send { to, message } => {
                let Some(link) = self.links.get_mut(&to) else {
                    return eprintln!("{to} is no node; a message to it is lost");
                };
                if let Err(why) = wire::push(&mut link.bytes, &message) {
                    self.halt(&why);
                }
            }
            Effect::Reply { request, reply } => self.reply(request, &reply),
            // The driver keeps them.
            Effect::SetTimer { .. } | Effect::CancelTimer(_) => {}
            Effect::Halt(why) => self.halt(&why),
        }
    }

    /// The node is dead, as by a crash: nothing unsynced or unsent leaves the process.
    fn halt(&self, why: &str) -> ! {
        eprintln!("{} halts: {why}", self.me);
        std::process::exit(1);
    }

    fn reply(&mut self, request: RequestId, reply: &Reply) {
        let Some(number) = self.asked.remove(&request) else {
            return;
        };
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.bytes.is_empty() {
            self.spoken_to.push(number);
        }
        match serde_json::to_vec(&(request, reply)) {
            Ok(payload) => frame::push(&mut client.bytes, &payload),
            Err(error) => self.halt(&format!("{reply:?} cannot be sent: {error}")),
        }
    }

    fn take(&mut self, arrival: Arrival<N::Message>) {
        match arrival {
            Arrival::Message { from, message } => self.step(Input::Message { from, message }),
            Arrival::Request {
                client,
                request,
                op,
            } => self.request(client, request, op),
            Arrival::Client { client, chunks } => {
                let bytes = Vec::new();
                self.clients.insert(client, Client { chunks, bytes });
            }
            Arrival::Gone(client) => {
                self.clients.remove(&client);
                self.asked.retain(|_, &mut asker| asker != client);
            }
            Arrival::Garbled(why) => self.halt(&why),
        }
    }

    fn request(&mut self, client: u64, request: RequestId, op: Op) {
        self.asked.insert(request, client);
        if self.asked.len() > ASKED {
            // Its client has long given up.
            self.asked.pop_first();
        }
        self.step(Input::Request { request, op });
    }

    fn synced(&mut self, sync: SyncId, result: Result<(), SyncFailed>) {
        self.run_timers();
        self.step(Input::Synced { sync, result });
    }

    /// Runs the timers that are due; those that they set anew wait for the next time.
    fn run_timers(&mut self) {
        let mono = self.clock.mono(self.time.now());
        while let Some(timer) = self.driver.due(mono) {
            self.step(Input::Timer(timer));
        }
    }

    fn hear_itself(&mut self) {
        for _ in 0..self.to_itself.len() {
            if let Some(message) = self.to_itself.pop_front() {
                let from = self.me;
                self.step(Input::Message { from, message });
            }
        }
    }

    /// How long there is nothing to do unless something arrives.
    fn pause(&self) -> Duration {
        if !self.to_itself.is_empty() {
            return Duration::ZERO;
        }
        let now = self.time.now();
        self.driver
            .next_due()
            .map_or(Duration::from_secs(3600), |due| {
                self.clock.when(due).since(now)
            })
    }

    /// Gives the bytes of a batch to those who send them.
    fn flush(&mut self) {
        for link in self
            .links
            .values_mut()
            .filter(|link| !link.bytes.is_empty())
        {
            // Links may lose messages; they do when nobody has taken any for very long.
            let _ = link.chunks.try_send(std::mem::take(&mut link.bytes));
        }
        for number in self.spoken_to.drain(..) {
            if let Some(client) = self.clients.get_mut(&number) {
                let _ = client.chunks.send(std::mem::take(&mut client.bytes));
            }
        }
    }

    fn obey(&mut self, order: &Order) {
        match order {
            Order::Go => {}
            Order::Clock(effect) => self.clock.set(self.time.now(), effect),
            Order::ReadClock(number) => {
                let at = self.time.now();
                let reading = ClockReading {
                    at,
                    wall_ns: self.clock.wall_ns(at),
                    mono: self.clock.mono(at),
                };
                tell(&Notice::clock(*number, reading));
            }
        }
    }
}
