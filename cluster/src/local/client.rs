//! Clients: one connection for each client and node, a stream of requests and replies.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::time::Duration;

use polygraph_history::{ErrorName, NodeId, Op};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

use super::frame::{self, Frames, Hello};
use crate::host::true_time::TrueTime;
use crate::{Occurrence, Reply, RequestId};

/// How long a client tries to connect.
const CONNECT: Duration = Duration::from_secs(1);

/// What a client asks of a node.
pub(super) struct Request {
    pub(super) request: RequestId,
    pub(super) op: Op,
}

/// One client's conversation with one node, over one connection after the other.
pub(super) struct Conversation {
    pub(super) run: u64,
    pub(super) node: NodeId,
    pub(super) address: watch::Receiver<Option<SocketAddr>>,
    pub(super) time: TrueTime,
    pub(super) occur: Sender<Occurrence>,
}

/// A connection and the requests that were sent over it and are not answered.
struct Connection {
    frames: Frames<OwnedReadHalf>,
    write: OwnedWriteHalf,
    open: BTreeSet<RequestId>,
}

impl Conversation {
    /// Sends requests as they come and tells of their replies, until no more can come.
    pub(super) async fn hold(self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut connection: Option<Connection> = None;
        loop {
            let Some(open) = &mut connection else {
                let Some(request) = requests.recv().await else {
                    return;
                };
                match self.connect().await {
                    // Nothing was sent, so that nothing can come of it.
                    Err(reply) => self.tell(request.request, reply),
                    Ok(mut open) => {
                        open.ask(&request).await;
                        connection = Some(open);
                    }
                }
                continue;
            };
            tokio::select! {
                // A broken connection is noticed before something is sent over it.
                biased;
                reply = open.reply() => match reply {
                    Ok(Some((request, reply))) => self.tell(request, reply),
                    Ok(None) => {}
                    Err(_) => {
                        for request in std::mem::take(&mut open.open) {
                            self.tell(request, Reply::info(ErrorName::CONNECTION_LOST));
                        }
                        connection = None;
                    }
                },
                request = requests.recv() => match request {
                    Some(request) => open.ask(&request).await,
                    None => return,
                },
            }
        }
    }

    fn tell(&self, request: RequestId, reply: Reply) {
        let time = self.time.now();
        // Nobody listens any more when the world has stopped.
        let _ = self.occur.send(Occurrence {
            time,
            request,
            reply,
        });
    }

    async fn connect(&self) -> Result<Connection, Reply> {
        let Some(address) = *self.address.borrow() else {
            return Err(Reply::fail(ErrorName::REFUSED));
        };
        let hello = Hello::Client {
            run: self.run,
            node: self.node,
        };
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Reply::fail(ErrorName::REFUSED),
            _ => Reply::Fail {
                error: ErrorName::UNAVAILABLE,
                detail: format!("cannot connect: {error}"),
            },
        };
        let stream = connected
            .unwrap_or_else(|late| Err(late.into()))
            .map_err(failed)?;
        let _ = stream.set_nodelay(true);
        let (read, mut write) = stream.into_split();
        // If this fails, so will the request.
        let _ = write.write_all(&hello.frame()).await;
        Ok(Connection {
            frames: Frames::new(read),
            write,
            open: BTreeSet::new(),
        })
    }
}

impl Connection {
    async fn ask(&mut self, request: &Request) {
        let payload = serde_json::to_vec(&(request.request, &request.op));
        let mut bytes = Vec::new();
        frame::push(&mut bytes, &payload.expect("operations serialize"));
        self.open.insert(request.request);
        // If the connection is broken, reading from it says so.
        let _ = self.write.write_all(&bytes).await;
    }

    /// The next reply to an open request; `None` if it was to none, an error if there will be no
    /// more.
    async fn reply(&mut self) -> io::Result<Option<(RequestId, Reply)>> {
        let payload = self.frames.next().await?;
        let payload = payload.ok_or(io::ErrorKind::ConnectionReset)?;
        let (request, reply) = serde_json::from_slice(payload)?;
        Ok(self.open.remove(&request).then_some((request, reply)))
    }
}
