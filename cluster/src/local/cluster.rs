//! A cluster of processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use polygraph_history::random::keyed;
use polygraph_history::{Link, NodeId, Time};
use tokio::sync::mpsc as channel;

use super::client::{Conversation, Request};
use super::proxy::Proxy;
use super::seat::{Order, Seat};
use super::station::{Launcher, STARTING, Station};
use crate::host::engine::Engine;
use crate::host::process::Spawner;
use crate::host::registry::{Registry, Run};
use crate::host::true_time::{self, TrueTime};
use crate::{Deployment, LinkKind, Occurrence, Submission, World};

/// How a process of a node is started: a program that comes to [`super::serve`].
#[derive(Clone, Debug)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What makes it run a node.
    pub arguments: Vec<OsString>,
    /// What is added to its environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Program {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Where a local cluster has its place.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is registered; its nodes' data are there too.
    pub registry: Registry,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            registry: Registry::standard(),
        }
    }
}

/// A cluster of processes on loopback. Nothing of it survives its being dropped.
pub struct Local {
    pub(super) ids: Vec<NodeId>,
    deployment: Deployment,
    pub(super) time: TrueTime,
    epoch_ns: i64,
    number: u64,
    pub(super) kind: LinkKind,
    pub(super) stations: Vec<Station>,
    pub(super) proxies: BTreeMap<Link, Arc<Proxy>>,
    links: Vec<(Link, SocketAddr)>,
    clients: BTreeMap<(usize, NodeId), channel::UnboundedSender<Request>>,
    occur: mpsc::Sender<Occurrence>,
    occurrences: mpsc::Receiver<Occurrence>,
    pub(super) probes: u64,
    // In this order: no process, then no thread, then no folder.
    launcher: Option<Launcher>,
    engine: Option<Engine>,
    run: Option<Run>,
}

impl Local {
    /// Starts a cluster and waits until all its nodes listen.
    ///
    /// # Errors
    /// If a process cannot be started or does not listen within ten seconds, with what it wrote to
    /// its log; what sockets and folders give.
    pub fn start(
        program: &Program,
        deployment: &Deployment,
        options: &Options,
    ) -> io::Result<Local> {
        let time = TrueTime::start();
        let number = keyed(&[
            time.origin_ns,
            u64::from(std::process::id()),
            deployment.seed,
        ]);
        let run = options.registry.open(number)?;
        let runtime = Engine::runtime()?;
        let handle = runtime.handle().clone();
        let ids = NodeId::all(deployment.nodes);
        let mut proxies = BTreeMap::new();
        let mut links = Vec::new();
        for link in pairs(&ids) {
            let proxy = Arc::new(Proxy::new(number, deployment.seed, link, time));
            links.push((link, runtime.block_on(Arc::clone(&proxy).listen())?));
            proxies.insert(link, proxy);
        }
        let program = program.clone();
        let launcher = Launcher {
            spawner: Spawner::new()?,
            command: Box::new(move || program.command()),
            runtime: handle,
        };
        let (occur, occurrences) = mpsc::channel();
        let mut local = Local {
            ids,
            deployment: deployment.clone(),
            time,
            epoch_ns: true_time::wall_ns(),
            number,
            kind: LinkKind::Datagram,
            stations: Vec::new(),
            proxies,
            links,
            clients: BTreeMap::new(),
            occur,
            occurrences,
            probes: 0,
            launcher: Some(launcher),
            engine: Some(Engine::start(runtime)?),
            run: Some(run),
        };
        local.begin()?;
        Ok(local)
    }

    /// Starts all nodes; they begin when all of them can be reached.
    fn begin(&mut self) -> io::Result<()> {
        let (Some(run), Some(launcher)) = (&self.run, &self.launcher) else {
            return Ok(());
        };
        for &id in &self.ids {
            let arriving = self.proxies.iter().filter(|(link, _)| link.to == id);
            let arriving: Vec<_> = arriving.map(|(_, proxy)| Arc::clone(proxy)).collect();
            let station = Station::new(id, run.folder(), arriving.clone())?;
            for proxy in arriving {
                launcher
                    .runtime
                    .spawn(proxy.pass_on(station.voice.address()));
            }
            self.stations.push(station);
        }
        for id in self.ids.clone() {
            self.launch(id, false)?;
        }
        let deadline = Instant::now() + STARTING;
        for id in self.ids.clone() {
            let station = &self.stations[id.position()];
            let Some(kind) = station.voice.listens(deadline) else {
                let what = format!("{id} does not start: {}", station.log().trim());
                return Err(io::Error::other(what));
            };
            self.kind = kind;
        }
        for proxy in self.proxies.values() {
            proxy.with(|link, _| link.kind = self.kind);
        }
        for station in &self.stations {
            station.order(Order::Go);
        }
        Ok(())
    }

    /// Starts a process for a node that has none.
    pub(super) fn launch(&mut self, id: NodeId, go: bool) -> io::Result<()> {
        let (Some(run), Some(launcher)) = (&mut self.run, &self.launcher) else {
            return Ok(());
        };
        let from_it = self.links.iter().filter(|(link, _)| link.from == id);
        let seat = Seat {
            node: id,
            deployment: self.deployment.clone(),
            life: 0,
            data: PathBuf::new(),
            parent: std::process::id(),
            run: self.number,
            links: from_it.map(|&(link, proxy)| (link.to, proxy)).collect(),
            origin_ns: self.time.origin_ns,
            epoch_ns: self.epoch_ns,
            clock: None,
        };
        self.stations[id.position()].launch(launcher, run, seat, go)
    }

    /// The number of a node's process, for those who look at it from outside.
    #[must_use]
    pub fn pid(&self, node: NodeId) -> Option<u32> {
        self.stations.get(node.position())?.pid()
    }

    /// The folder of this run; gone with it.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        Some(self.run.as_ref()?.folder().to_owned())
    }
}

/// All directed links.
fn pairs(ids: &[NodeId]) -> impl Iterator<Item = Link> {
    let others = move |&from: &NodeId| {
        let others = ids.iter().filter(move |&&to| to != from);
        others.map(move |&to| Link { from, to })
    };
    ids.iter().flat_map(others)
}

impl World for Local {
    fn now(&self) -> Time {
        self.time.now()
    }

    fn submit(&mut self, submission: Submission) {
        let Submission {
            request,
            client,
            node,
            op,
        } = submission;
        let Some(launcher) = &self.launcher else {
            return;
        };
        let conversation = self.clients.entry((client, node)).or_insert_with(|| {
            let (ask, requests) = channel::unbounded_channel();
            let conversation = Conversation {
                run: self.number,
                node,
                address: self.stations[node.position()].voice.address(),
                time: self.time,
                occur: self.occur.clone(),
            };
            launcher.runtime.spawn(conversation.hold(requests));
            ask
        });
        let _ = conversation.send(Request { request, op });
    }

    fn advance(&mut self, until: Time) -> Option<Occurrence> {
        let left = until.since(self.time.now());
        self.occurrences.recv_timeout(left).ok()
    }

    fn stop(&mut self) {
        for station in &mut self.stations {
            station.strike();
        }
        for station in &mut self.stations {
            station.bury();
        }
        self.launcher = None;
        self.engine = None;
        self.run = None;
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}
