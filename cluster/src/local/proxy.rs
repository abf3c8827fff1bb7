//! Proxies: every directed link between two nodes runs through one of these, so that the harness
//! can break it.
//!
//! The connection from i to j carries only what i sends. It stays whole whatever faults do: they
//! take single frames.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polygraph_history::{Link, Time};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::frame::{self, Frames, Hello, PROBE};
use super::link::{LinkState, Parcel};
use crate::host::true_time::TrueTime;
use crate::{FaultId, Probe};

/// How long a node that refused a connection is left alone; what is sent to it meanwhile is lost.
const REFUSED: Duration = Duration::from_millis(20);

/// The proxy of one link.
pub(super) struct Proxy {
    run: u64,
    link: Link,
    time: TrueTime,
    state: Mutex<LinkState>,
    /// Something was sent, or the link has changed.
    changed: Notify,
    /// Held by the connection that is read: what an earlier life of the sender has sent comes
    /// before what a later one sends.
    turn: tokio::sync::Mutex<()>,
    /// Something was seen of a probe.
    seen: Condvar,
}

impl Proxy {
    pub(super) fn new(run: u64, seed: u64, link: Link, time: TrueTime) -> Proxy {
        Proxy {
            run,
            link,
            time,
            state: Mutex::new(LinkState::new(seed, link)),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            seen: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the link or asks it something.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut LinkState, Time) -> T) -> T {
        let changed = change(&mut self.state(), self.time.now());
        self.changed.notify_one();
        changed
    }

    /// How often a fault was seen to act here.
    pub(super) fn acted(&self, fault: FaultId) -> u64 {
        self.state().acted(fault)
    }

    /// Sends a probe and waits a moment to see what becomes of it; one that is under way already
    /// is only looked after.
    pub(super) fn probe(&self, number: u64, patience: Duration) -> Probe {
        let mut deadline = Instant::now();
        let mut state = self.state();
        let now = self.time.now();
        if state.probe(now, number) {
            deadline += patience;
            let mut payload = vec![PROBE];
            payload.extend_from_slice(&number.to_le_bytes());
            let mut bytes = Vec::new();
            frame::push(&mut bytes, &payload);
            let probe = Some(number);
            state.send(now, Parcel { bytes, probe });
            self.changed.notify_one();
        }
        loop {
            if let Some(seen) = state.seen() {
                return seen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Probe::Unknown;
            }
            let waited = self.seen.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A probe has reached the node at the end of the link.
    pub(super) fn probed(&self, number: u64) {
        self.state().probed(self.time.now(), number);
        self.seen.notify_all();
    }

    /// Listens for the node at the beginning of the link; gives back where.
    pub(super) async fn listen(self: Arc<Proxy>) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).take_in(stream))),
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        Ok(address)
    }

    /// Takes the frames of one connection; it ends with the life of the node that sends them.
    async fn take_in(self: Arc<Proxy>, mut stream: TcpStream) {
        let (read, _write) = stream.split();
        let mut frames = Frames::new(read);
        let hello = Hello::Link {
            run: self.run,
            link: self.link,
        };
        if !matches!(frames.next().await, Ok(Some(said)) if Hello::read(said) == Some(hello)) {
            return;
        }
        let _turn = self.turn.lock().await;
        while let Ok(Some(payload)) = frames.next().await {
            let mut bytes = Vec::with_capacity(payload.len() + 4);
            frame::push(&mut bytes, payload);
            let probe = None;
            self.state().send(self.time.now(), Parcel { bytes, probe });
            if !frames.is_ready() {
                self.changed.notify_one();
            }
        }
    }

    /// Passes on what leaves the link to the node at its end, wherever that listens at the time.
    pub(super) async fn pass_on(self: Arc<Proxy>, mut to: watch::Receiver<Option<SocketAddr>>) {
        let mut outlet = Outlet::default();
        let mut bytes = Vec::new();
        loop {
            let now = self.time.now();
            let next = {
                let mut state = self.state();
                state.arrive(now, &mut bytes);
                // Frames may have become held or lost just now, a probe among them.
                state.next_due()
            };
            self.seen.notify_all();
            let address = *to.borrow_and_update();
            outlet.leave_others(address);
            if bytes.is_empty() {
                let pause = next.map_or(Duration::from_secs(3600), |due| due.since(now));
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                    // The sender lives as long as the runtime.
                    Ok(()) = to.changed() => {}
                }
                continue;
            }
            let hello = Hello::Link {
                run: self.run,
                link: self.link,
            };
            outlet.write(address, hello, &bytes).await;
            bytes.clear();
        }
    }
}

/// The connection to the node at the end of a link.
#[derive(Default)]
struct Outlet {
    connected: Option<(SocketAddr, TcpStream)>,
    refused: Option<(SocketAddr, Instant)>,
}

impl Outlet {
    /// Ends the connection to an earlier life of the node.
    fn leave_others(&mut self, address: Option<SocketAddr>) {
        self.connected.take_if(|(at, _)| Some(*at) != address);
    }

    /// Writes to the node; if it is not there, the bytes are lost.
    async fn write(&mut self, address: Option<SocketAddr>, hello: Hello, bytes: &[u8]) {
        let Some(address) = address else { return };
        let is_refusing =
            |&(at, when): &(SocketAddr, Instant)| at == address && when.elapsed() < REFUSED;
        if self.connected.is_none() && self.refused.as_ref().is_some_and(is_refusing) {
            return;
        }
        if self.connected.is_none() {
            match greet(address, hello).await {
                Ok(stream) => self.connected = Some((address, stream)),
                Err(_) => self.refused = Some((address, Instant::now())),
            }
        }
        if let Some((_, stream)) = &mut self.connected
            && stream.write_all(bytes).await.is_err()
        {
            self.connected = None;
        }
    }
}

/// Connects to a node and says who speaks.
pub(super) async fn greet(address: SocketAddr, hello: Hello) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&hello.frame()).await?;
    Ok(stream)
}
