//! A node as the harness sees it: its process, and what it says of itself.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use polygraph_history::{ClockEffect, NodeId, Time};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::proxy::Proxy;
use super::seat::{Notice, Order, Seat, line};
use crate::host::process::{self, Spawner};
use crate::host::registry::Run;
use crate::{ClockReading, FaultId, LinkKind, ProcessState};

/// How long a killed process may take to be gone: a sync that is under way has to end first.
const DYING: Duration = Duration::from_secs(5);
/// How long a process may take to stand still.
const STOPPING: Duration = Duration::from_millis(500);
/// How long a process may take to listen.
pub(super) const STARTING: Duration = Duration::from_secs(10);

/// What starts the processes of nodes.
pub(super) struct Launcher {
    pub(super) spawner: Spawner,
    pub(super) command: Box<dyn Fn() -> Command + Send>,
    pub(super) runtime: Handle,
}

/// What a node says of itself, and where it is reached.
pub(super) struct Voice {
    known: Mutex<Known>,
    told: Condvar,
    /// Where it listens, while it does.
    address: watch::Sender<Option<SocketAddr>>,
    /// The links that end at it.
    arriving: Vec<Arc<Proxy>>,
}

#[derive(Default)]
struct Known {
    /// Of which life the rest is; what earlier lives said late is not heard.
    life: u64,
    kind: Option<LinkKind>,
    has_ended: bool,
    leads: Option<u64>,
    clock: Option<(u64, ClockReading)>,
}

/// A node as the harness sees it.
pub(super) struct Station {
    id: NodeId,
    folder: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    life: u64,
    orders: Option<mpsc::UnboundedSender<Order>>,
    pub(super) voice: Arc<Voice>,
    pub(super) down: BTreeSet<FaultId>,
    pub(super) paused: BTreeSet<FaultId>,
    pub(super) clock: Option<(Time, ClockEffect)>,
    readings: u64,
}

impl Station {
    pub(super) fn new(id: NodeId, run: &Path, arriving: Vec<Arc<Proxy>>) -> io::Result<Station> {
        let folder = run.join(id.to_string());
        fs::create_dir(&folder)?;
        let log = run.join(format!("{id}.log"));
        File::create(&log)?;
        let voice = Arc::new(Voice {
            known: Mutex::default(),
            told: Condvar::new(),
            address: watch::channel(None).0,
            arriving,
        });
        Ok(Station {
            id,
            folder,
            log,
            child: None,
            life: 0,
            orders: None,
            voice,
            down: BTreeSet::new(),
            paused: BTreeSet::new(),
            clock: None,
            readings: 0,
        })
    }

    /// Starts a process for the node. `seat` lacks what only this station knows. With `go` the
    /// node begins as soon as it listens.
    pub(super) fn launch(
        &mut self,
        launcher: &Launcher,
        run: &mut Run,
        seat: Seat,
        go: bool,
    ) -> io::Result<()> {
        if !self.is_gone() {
            return Err(io::Error::other("its earlier process does not end"));
        }
        self.life += 1;
        let seat = Seat {
            life: self.life,
            data: self.folder.clone(),
            clock: self.clock.clone(),
            ..seat
        };
        let mut command = (launcher.command)();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().append(true).open(&self.log)?)
            // What the terminal sends to the harness is not for the nodes.
            .process_group(0);
        let mut child = launcher.spawner.spawn(command)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let pid = child.id();
        self.child = Some(child);
        run.register(pid)?;
        let (mut stdin, stdout) = stdin.zip(stdout).expect("both are pipes");
        // If it has ended already, the end of its output says so.
        let _ = stdin.write_all(&line(&seat));
        let _inside = launcher.runtime.enter();
        let stdin = pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?;
        let stdout = pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?;
        let (orders, waiting) = mpsc::unbounded_channel();
        self.voice.begin(self.life);
        launcher.runtime.spawn(give(stdin, waiting));
        let go = go.then(|| orders.clone());
        let voice = Arc::clone(&self.voice);
        launcher.runtime.spawn(voice.listen(self.life, stdout, go));
        self.orders = Some(orders);
        Ok(())
    }

    /// Whether no process of the node is left; one that has ended is waited for.
    fn is_gone(&mut self) -> bool {
        let has_ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if self.child.as_mut().is_none_or(has_ended) {
            self.child = None;
        }
        self.child.is_none()
    }

    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }

    /// Kills the process without waiting for its end.
    pub(super) fn strike(&mut self) {
        // Nobody is to connect to a port that is free again.
        self.voice.begin(0);
        if let Some(child) = &self.child {
            process::signal(child, Signal::SIGKILL);
        }
        self.orders = None;
        // Whatever made the process stand still dies with it.
        self.paused.clear();
    }

    /// Waits for the end of a process that was killed.
    pub(super) fn bury(&mut self) {
        if self
            .child
            .as_mut()
            .is_some_and(|child| process::reap(child, DYING))
        {
            self.child = None;
        }
    }

    /// Makes the process stand still, if there is one.
    pub(super) fn halt(&mut self) {
        if let Some(child) = &self.child {
            process::signal(child, Signal::SIGSTOP);
            let pid = child.id();
            process::poll(STOPPING, || process::state(pid) != ProcessState::Running);
        }
    }

    pub(super) fn go_on(&mut self) {
        if let Some(child) = &self.child {
            process::signal(child, Signal::SIGCONT);
        }
    }

    /// What the operating system says of the process.
    pub(super) fn state(&mut self) -> ProcessState {
        if self.is_gone() {
            return ProcessState::Dead;
        }
        self.child
            .as_ref()
            .map_or(ProcessState::Dead, |child| process::state(child.id()))
    }

    /// Has the node read its clocks.
    pub(super) fn read_clock(&mut self, patience: Duration) -> Option<ClockReading> {
        if self.state() != ProcessState::Running {
            return None;
        }
        self.readings += 1;
        let number = self.readings;
        self.order(Order::ReadClock(number));
        self.voice.wait(Instant::now() + patience, |known| {
            known
                .clock
                .filter(|&(read, _)| read == number)
                .map(|(_, reading)| reading)
        })
    }

    pub(super) fn wipe(&mut self) -> io::Result<()> {
        if self.state() == ProcessState::Dead {
            fs::remove_dir_all(&self.folder)?;
            fs::create_dir(&self.folder)?;
        }
        Ok(())
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

    /// The number of the process, for those who look at it from outside.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

/// Gives orders to a node as they come.
async fn give(mut stdin: pipe::Sender, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        if stdin.write_all(&line(&order)).await.is_err() {
            return;
        }
    }
}

impl Voice {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.subscribe()
    }

    /// From now on only this life is heard.
    fn begin(&self, life: u64) {
        let mut known = self.known();
        *known = Known {
            life,
            ..Known::default()
        };
        self.address.send_replace(None);
    }

    /// Waits until something is known.
    fn wait<T>(&self, deadline: Instant, is_known: impl Fn(&Known) -> Option<T>) -> Option<T> {
        let mut known = self.known();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let found = is_known(&known);
            if found.is_some() || left.is_zero() || known.has_ended {
                return found;
            }
            let waited = self.told.wait_timeout(known, left);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the node listens; gives what its links are to be.
    pub(super) fn listens(&self, deadline: Instant) -> Option<LinkKind> {
        self.wait(deadline, |known| known.kind)
    }

    pub(super) fn leads(&self) -> Option<u64> {
        self.known().leads
    }

    /// Hears what one life of the node says, to its end.
    async fn listen(
        self: Arc<Voice>,
        life: u64,
        stdout: pipe::Receiver,
        go: Option<mpsc::UnboundedSender<Order>>,
    ) {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // Whatever else a program prints is not for us.
            if let Ok(notice) = serde_json::from_str(&line) {
                self.hear(life, notice, go.as_ref());
            }
        }
        let mut known = self.known();
        if known.life == life {
            known.has_ended = true;
            known.leads = None;
            self.address.send_replace(None);
            self.told.notify_all();
        }
    }

    fn hear(&self, life: u64, notice: Notice, go: Option<&mpsc::UnboundedSender<Order>>) {
        let mut known = self.known();
        if known.life != life {
            return;
        }
        match notice {
            Notice::Listens { port, stream } => {
                let kind = if stream {
                    LinkKind::Stream
                } else {
                    LinkKind::Datagram
                };
                known.kind = Some(kind);
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                self.address.send_replace(Some(address));
                if let Some(orders) = go {
                    let _ = orders.send(Order::Go);
                }
            }
            Notice::Leads(leads) => known.leads = leads,
            Notice::Clock {
                number,
                at,
                wall_ns,
                mono,
            } => known.clock = Some((number, ClockReading { at, wall_ns, mono })),
            Notice::Probed(number) => {
                for proxy in &self.arriving {
                    proxy.probed(number);
                }
            }
        }
        self.told.notify_all();
    }
}
