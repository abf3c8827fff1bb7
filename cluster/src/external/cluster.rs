//! A cluster of programs that are not ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use polygraph_history::random::keyed;
use polygraph_history::{Link, NodeId, Time};

use super::client::{Complaints, Conversation, Partner};
use super::forward::{Way, listen};
use super::gate::Gate;
use super::program::{Guard, Server, Starter};
use super::programs::{Map, Nodes, Programs};
use crate::host::engine::Engine;
use crate::host::process::Spawner;
use crate::host::registry::{Registry, Run};
use crate::host::true_time::TrueTime;
use crate::{Deployment, FaultId, Occurrence, ProcessState, Submission, World};

/// How long a node that runs already may take to accept a connection.
const THERE: Duration = Duration::from_secs(5);
/// How long one look at a node that is starting may take.
const LOOK: Duration = Duration::from_secs(1);
/// How long it is left alone between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A cluster of programs that are not ours. Nothing of it survives its being dropped.
pub struct External {
    pub(super) map: Arc<Map>,
    pub(super) time: TrueTime,
    pub(super) stations: Vec<Station>,
    pub(super) gates: BTreeMap<Link, Arc<Gate>>,
    pub(super) starter: Option<Arc<Starter>>,
    pub(super) engine: Option<Engine>,
    pub(super) probes: u64,
    clients: BTreeMap<(usize, NodeId), Conversation>,
    occur: Sender<Occurrence>,
    occurrences: Receiver<Occurrence>,
    complaints: Complaints,
    pub(super) run: Option<Run>,
}

/// A node as the harness sees it.
pub(super) struct Station {
    pub(super) id: NodeId,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) server: Option<Server>,
    pub(super) down: BTreeSet<FaultId>,
    pub(super) paused: BTreeSet<FaultId>,
}

impl External {
    /// Starts a cluster, or looks whether the one that runs is there, and waits until all its
    /// nodes can be used.
    ///
    /// # Errors
    /// If a program cannot be started or a node not be used in time, with the end of what it
    /// wrote to its log; what sockets and folders give.
    pub fn start(
        programs: &Programs,
        guard: Guard,
        deployment: &Deployment,
    ) -> io::Result<External> {
        let time = TrueTime::start();
        let number = keyed(&[
            time.origin_ns,
            u64::from(std::process::id()),
            deployment.seed,
        ]);
        let run = Registry::standard().open(number)?;
        let mut map = Map::new(programs, deployment.nodes, &deployment.settings);
        find_ports(&mut map)?;
        let runtime = Engine::runtime()?;
        let mut gates = BTreeMap::new();
        if let Some(port) = map.started().and_then(|started| started.links.clone()) {
            for link in pairs(&map.ids) {
                gates.insert(link, Arc::new(Gate::new(deployment.seed, link)));
            }
            for link in pairs(&map.ids) {
                let (from, to) = (link.from, link.to);
                let way = Way {
                    there: Arc::clone(&gates[&link]),
                    back: Arc::clone(&gates[&Link { from: to, to: from }]),
                };
                let end: SocketAddr = map.address(to, &port).parse().map_err(io::Error::other)?;
                let at = runtime.block_on(listen(way, end))?;
                map.forwarded.insert(link, at);
            }
        }
        let stations = map.ids.iter().map(|&id| Station::new(id, &run));
        let stations = stations.collect::<io::Result<_>>()?;
        let starter = Starter {
            guard,
            spawner: Spawner::new()?,
            folder: programs.folder.clone(),
        };
        let (occur, occurrences) = mpsc::channel();
        let mut cluster = External {
            map: Arc::new(map),
            time,
            stations,
            gates,
            starter: Some(Arc::new(starter)),
            engine: Some(Engine::start(runtime)?),
            probes: 0,
            clients: BTreeMap::new(),
            occur,
            occurrences,
            complaints: Complaints::default(),
            run: Some(run),
        };
        cluster.begin()?;
        Ok(cluster)
    }

    fn begin(&mut self) -> io::Result<()> {
        let within = match &self.map.programs.nodes {
            Nodes::Running(_) => THERE,
            Nodes::Started(started) => {
                let within = started.ready_within;
                for id in self.map.ids.clone() {
                    self.launch(id)?;
                }
                within
            }
        };
        let deadline = Instant::now() + within;
        for id in self.map.ids.clone() {
            loop {
                // One that has ended is not there, whatever is at its port.
                let has_ended = self.has_ended(id);
                if !has_ended && self.is_ready(id) && !self.has_ended(id) {
                    break;
                }
                if has_ended || Instant::now() >= deadline {
                    return Err(io::Error::other(self.why_not(id, has_ended)));
                }
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// Whether the program of a node was started and has ended.
    fn has_ended(&mut self, id: NodeId) -> bool {
        let server = self.stations[id.position()].server.as_mut();
        server.is_some_and(|server| server.state() == ProcessState::Dead)
    }

    /// Why a node cannot be used.
    fn why_not(&self, id: NodeId, has_ended: bool) -> String {
        const SHOWN: usize = 10;
        let log = self.stations[id.position()].log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
        let what = match (has_ended, self.map.started()) {
            (true, _) => format!("{id} has ended instead of running"),
            (false, Some(_)) => format!("{id} is not ready in time"),
            (false, None) => format!(
                "{id} does not accept connections at {}",
                self.map.for_clients(id)
            ),
        };
        match tail.is_empty() {
            true => what,
            false => format!("{what}; its log ends with:\n{tail}"),
        }
    }

    /// Whether a node can be used now.
    fn is_ready(&self, id: NodeId) -> bool {
        let command = self
            .map
            .started()
            .and_then(|started| started.ready.as_ref());
        if let Some(words) = command {
            let answer = self.asker(id, words).and_then(|asker| asker.ask(LOOK));
            return answer.is_some_and(|(good, _)| good);
        }
        let Ok(mut addresses) = self.map.for_clients(id).to_socket_addrs() else {
            return false;
        };
        addresses.any(|address| TcpStream::connect_timeout(&address, LOOK).is_ok())
    }

    /// A command that is to be run for a node.
    pub(super) fn asker(&self, id: NodeId, words: &[String]) -> Option<Asker> {
        let station = &self.stations[id.position()];
        Some(Asker {
            words: self.map.seat(id, station.data.clone()).fill(words).ok()?,
            log: station.log.clone(),
            starter: Arc::clone(self.starter.as_ref()?),
        })
    }

    /// Starts the program of a node that has none.
    pub(super) fn launch(&mut self, id: NodeId) -> io::Result<()> {
        let (Some(starter), Some(started), Some(run)) =
            (&self.starter, self.map.started(), &mut self.run)
        else {
            return Ok(());
        };
        let station = &mut self.stations[id.position()];
        let seat = self.map.seat(id, station.data.clone());
        let words = seat.fill(&started.start).map_err(io::Error::other)?;
        station.server = None;
        let server = starter.server(&words, &station.log)?;
        run.register(server.guard())?;
        run.register(server.pid)?;
        station.server = Some(server);
        Ok(())
    }

    /// The number of a node's process, for those who look at it from outside.
    #[must_use]
    pub fn pid(&self, node: NodeId) -> Option<u32> {
        let server = self.stations.get(node.position())?.server.as_ref()?;
        Some(server.pid)
    }
}

/// A command that is to be run for a node.
pub(super) struct Asker {
    words: Vec<String>,
    log: PathBuf,
    starter: Arc<Starter>,
}

impl Asker {
    /// Runs it; whether it ended well, and what it printed.
    pub(super) fn ask(&self, patience: Duration) -> Option<(bool, String)> {
        self.starter.ask(&self.words, &self.log, patience)
    }
}

impl Station {
    fn new(id: NodeId, run: &Run) -> io::Result<Station> {
        let data = run.folder().join(id.to_string());
        fs::create_dir(&data)?;
        let log = run.folder().join(format!("{id}.log"));
        File::create(&log)?;
        Ok(Station {
            id,
            data,
            log,
            server: None,
            down: BTreeSet::new(),
            paused: BTreeSet::new(),
        })
    }

    pub(super) fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Adds a line of the harness to the node's log.
    pub(super) fn note(&self, now: Time, what: &str) {
        if let Ok(mut log) = File::options().append(true).open(&self.log) {
            let _ = writeln!(log, "{now}  {} {what}", self.id);
        }
    }
}

/// Gives each node that is to be started ports that are free now. Between now and then others may
/// take them; then the node does not start, and its log says why.
fn find_ports(map: &mut Map) -> io::Result<()> {
    let Some(started) = map.started() else {
        return Ok(());
    };
    let ports = started.ports.clone();
    // All are held until all are found, so that none is found twice.
    let mut held = Vec::new();
    for id in map.ids.clone() {
        for port in &ports {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            map.place(id, port, listener.local_addr()?);
            held.push(listener);
        }
    }
    Ok(())
}

/// All directed links.
fn pairs(ids: &[NodeId]) -> Vec<Link> {
    let others = |&from: &NodeId| {
        let others = ids.iter().filter(move |&&to| to != from);
        others.map(move |&to| Link { from, to })
    };
    ids.iter().flat_map(others).collect()
}

impl World for External {
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
        let Some(starter) = &self.starter else {
            return;
        };
        let conversation = self.clients.entry((client, node)).or_insert_with(|| {
            let station = &self.stations[node.position()];
            let seat = self.map.seat(node, station.data.clone());
            let words = &self.map.programs.client;
            Conversation::start(Partner {
                starter: Arc::clone(starter),
                map: Arc::clone(&self.map),
                // What cannot be filled in was refused before.
                words: seat.fill(words).unwrap_or_else(|_| words.clone()),
                log: station.log.clone(),
                client,
                node,
                time: self.time,
                occur: self.occur.clone(),
                complaints: self.complaints.clone(),
            })
        });
        conversation.ask(request, op);
    }

    fn advance(&mut self, until: Time) -> Option<Occurrence> {
        let left = until.since(self.time.now());
        self.occurrences.recv_timeout(left).ok()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.all()
    }

    fn stop(&mut self) {
        for conversation in self.clients.values_mut() {
            conversation.leave();
        }
        for station in &mut self.stations {
            if let Some(server) = &mut station.server {
                server.strike();
            }
        }
        for conversation in self.clients.values_mut() {
            conversation.bury();
        }
        for station in &mut self.stations {
            station.server = None;
        }
        self.clients.clear();
        self.starter = None;
        self.engine = None;
        self.run = None;
    }
}

impl Drop for External {
    fn drop(&mut self) {
        self.stop();
    }
}
