//! Connections between nodes that are not ours, passed on piece by piece.
//!
//! For every ordered pair of nodes there is a port to which the first connects in order to reach
//! the second. What it says goes through the gate of that direction, what comes back through that
//! of the other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::gate::{Fate, Gate};
use crate::Probe;

/// How many pieces of a stream may be under way.
const UNDER_WAY: usize = 256;
/// The size of a piece, in bytes.
const PIECE: usize = 16 << 10;

/// The way from one node to another and back.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) there: Arc<Gate>,
    pub(super) back: Arc<Gate>,
}

/// Opens the port by which one node reaches another.
pub(super) async fn listen(way: Way, to: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connect(way.clone(), stream, to))),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    Ok(address)
}

/// One connection from beginning to end.
async fn connect(way: Way, stream: TcpStream, to: SocketAddr) {
    // Whoever connects while nothing passes waits, as for an answer that does not come.
    for gate in [&way.there, &way.back] {
        open(gate).await;
    }
    // Nobody there: the connection ends, as it would have been refused.
    let Ok(onward) = TcpStream::connect(to).await else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let _ = onward.set_nodelay(true);
    let (from_a, to_a) = stream.into_split();
    let (from_b, to_b) = onward.into_split();
    let there = pass(&way.there, from_a, to_b, None);
    let back = pass(&way.back, from_b, to_a, None);
    tokio::pin!(there, back);
    // A direction that ends as it should leaves the other to end by itself; one that has lost
    // something ends both.
    tokio::select! {
        whole = &mut there => if whole { back.await; },
        whole = &mut back => if whole { there.await; },
    }
}

/// Waits until something can pass.
async fn open(gate: &Gate) {
    let mut is_new = true;
    loop {
        let changed = gate.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if !gate.is_closed() {
            return;
        }
        // A connection that cannot be made is a message that does not pass.
        gate.fate(is_new);
        is_new = false;
        changed.await;
    }
}

/// Passes on one direction of a stream until it ends; whether it lost nothing.
async fn pass(
    gate: &Gate,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    probe: Option<u64>,
) -> bool {
    let (enter, mut leave) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let entering = async move {
        let mut last = Instant::now();
        loop {
            let mut piece = vec![0; PIECE];
            // An end is a piece as well: it waits where others wait.
            let length = from.read(&mut piece).await.unwrap_or_default();
            piece.truncate(length);
            last = last.max(Instant::now() + gate.delay());
            if enter.send((last, piece)).await.is_err() || length == 0 {
                return;
            }
        }
    };
    let leaving = async {
        while let Some((due, piece)) = leave.recv().await {
            tokio::time::sleep_until(due).await;
            if !passes(gate, probe).await {
                return false;
            }
            if piece.is_empty() {
                break;
            }
            if to.write_all(&piece).await.is_err() {
                break;
            }
            if let Some(number) = probe {
                gate.probe_arrived(number);
            }
        }
        let _ = to.shutdown().await;
        true
    };
    tokio::pin!(entering, leaving);
    tokio::select! {
        whole = &mut leaving => whole,
        () = &mut entering => leaving.await,
    }
}

/// Waits until a piece may go on; whether it may. One that is lost is answered for when the cut has
/// ended.
async fn passes(gate: &Gate, probe: Option<u64>) -> bool {
    let mut is_new = true;
    loop {
        let changed = gate.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let fate = gate.fate(is_new);
        let taken = match fate {
            Fate::Pass => return true,
            Fate::Wait => Probe::Held,
            Fate::Lost => Probe::Lost,
        };
        if let Some(number) = probe {
            gate.probe_taken(number, taken);
            return false;
        }
        is_new = false;
        changed.await;
        // What is lost is lost; but nobody learns of it while the cut lasts.
        if fate == Fate::Lost && !gate.is_cut() {
            return false;
        }
    }
}

/// Sends a byte through a gate as connections send theirs, to see what becomes of it. An answer
/// that takes longer is given to a later call, unless the faults change in between.
pub(super) fn probe(runtime: &Handle, gate: &Arc<Gate>, number: u64, patience: Duration) -> Probe {
    if gate.begin_probe(number) {
        let gate = Arc::clone(gate);
        runtime.spawn(async move {
            let (mut say, hear) = tokio::io::duplex(8);
            let _ = say.write_all(&[0]).await;
            drop(say);
            pass(&gate, hear, tokio::io::sink(), Some(number)).await;
        });
    }
    gate.seen(patience).unwrap_or(Probe::Unknown)
}

#[cfg(test)]
mod tests {
    use polygraph_history::{Link, NodeId, SlowEffect};
    use tokio::time::timeout;

    use super::*;
    use crate::host::engine::Engine;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    fn way() -> Way {
        let (from, to) = (NodeId::at(0), NodeId::at(1));
        Way {
            there: Arc::new(Gate::new(1, Link { from, to })),
            back: Arc::new(Gate::new(1, Link { from: to, to: from })),
        }
    }

    /// A server that says everything back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream, byte: u8) {
        stream.write_all(&[byte]).await.unwrap();
    }

    /// What comes next: a byte, `None` at the end.
    async fn hear(stream: &mut TcpStream) -> Option<u8> {
        let heard = timeout(LONG, stream.read_u8()).await;
        heard.expect("something comes").ok()
    }

    async fn silent(stream: &mut TcpStream) -> bool {
        timeout(SHORT, stream.peek(&mut [0])).await.is_err()
    }

    #[tokio::test]
    async fn what_is_held_goes_on_in_order_and_what_is_cut_breaks_the_connection() {
        let way = way();
        let port = listen(way.clone(), echo().await).await.unwrap();
        let mut stream = TcpStream::connect(port).await.unwrap();
        say(&mut stream, 1).await;
        assert_eq!(hear(&mut stream).await, Some(1));
        way.back.hold(7);
        say(&mut stream, 2).await;
        assert!(silent(&mut stream).await);
        say(&mut stream, 3).await;
        assert_eq!((way.there.acted(7), way.back.acted(7) > 0), (0, true));
        way.back.release(7);
        assert_eq!(hear(&mut stream).await, Some(2));
        assert_eq!(hear(&mut stream).await, Some(3));
        way.there.cut(8);
        say(&mut stream, 4).await;
        assert!(silent(&mut stream).await);
        // One that is made now waits.
        let mut later = TcpStream::connect(port).await.unwrap();
        say(&mut later, 5).await;
        assert!(silent(&mut later).await);
        assert!(way.there.acted(8) >= 2);
        way.there.release(8);
        assert_eq!(hear(&mut stream).await, None);
        assert_eq!(hear(&mut later).await, Some(5));
    }

    #[tokio::test]
    async fn a_slow_link_delays_and_keeps_the_order() {
        let way = way();
        let port = listen(way.clone(), echo().await).await.unwrap();
        let mut stream = TcpStream::connect(port).await.unwrap();
        let slow = |delay_ns, loss| SlowEffect {
            links: Vec::new(),
            delay_ns,
            jitter_ns: 0,
            loss,
            duplicate: 0,
            reorder: 0,
        };
        way.there.slow(1, &slow(60_000_000, 0));
        let began = Instant::now();
        say(&mut stream, 1).await;
        assert_eq!(hear(&mut stream).await, Some(1));
        assert!(began.elapsed() >= Duration::from_millis(60));
        way.there.release(1);
        // Everything is lost once, and sent again.
        way.there.slow(2, &slow(0, 1_000_000));
        say(&mut stream, 2).await;
        tokio::time::sleep(SHORT).await;
        way.there.release(2);
        say(&mut stream, 3).await;
        assert_eq!(hear(&mut stream).await, Some(2));
        assert_eq!(hear(&mut stream).await, Some(3));
        assert_eq!((way.there.acted(1), way.there.acted(2)), (1, 1));
    }

    #[tokio::test]
    async fn an_end_reaches_the_other_side_and_nobody_there_ends_the_connection() {
        let way = way();
        let port = listen(way.clone(), echo().await).await.unwrap();
        let mut stream = TcpStream::connect(port).await.unwrap();
        say(&mut stream, 1).await;
        stream.shutdown().await.unwrap();
        assert_eq!(hear(&mut stream).await, Some(1));
        assert_eq!(hear(&mut stream).await, None);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let port = listen(way, nobody).await.unwrap();
        let mut stream = TcpStream::connect(port).await.unwrap();
        assert_eq!(hear(&mut stream).await, None);
    }

    #[test]
    fn probes_see_the_gate_as_it_is_now() {
        let engine = Engine::start(Engine::runtime().unwrap()).unwrap();
        let gate = way().there;
        let look = |number| probe(engine.handle(), &gate, number, LONG);
        assert!(matches!(look(1), Probe::Arrives(_)));
        gate.cut(1);
        assert_eq!(look(2), Probe::Lost);
        gate.release(1);
        gate.hold(2);
        assert_eq!(look(3), Probe::Held);
        gate.release(2);
        assert!(matches!(look(4), Probe::Arrives(_)));
        assert_eq!((gate.acted(1), gate.acted(2)), (1, 1));
    }
}
