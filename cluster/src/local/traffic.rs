//! The connections of a node process: what arrives over them, and what is sent to other nodes.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use polygraph_history::{Link, NodeId, Op};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::frame::{Frames, Hello, MESSAGE, PROBE};
use super::seat::Notice;
use super::serve::tell;
use super::wire;
use crate::RequestId;

/// Something that has arrived over a connection.
pub(super) enum Arrival<M> {
    /// A message of another node.
    Message { from: NodeId, message: M },
    /// A client has connected; the bytes of its replies go there.
    Client {
        client: u64,
        chunks: mpsc::UnboundedSender<Vec<u8>>,
    },
    /// A client asks.
    Request {
        client: u64,
        request: RequestId,
        op: Op,
    },
    /// A client has left.
    Gone(u64),
    /// Something that no node of this program sends.
    Garbled(String),
}

/// Lets connections in.
#[derive(Clone)]
pub(super) struct Doorman<M> {
    pub(super) run: u64,
    pub(super) me: NodeId,
    pub(super) arrive: mpsc::Sender<Arrival<M>>,
}

impl<M: Clone + Debug + Serialize + DeserializeOwned + Send + 'static> Doorman<M> {
    pub(super) async fn admit(self, listener: TcpListener) {
        for client in 0.. {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().greet(stream, client))),
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    async fn greet(self, stream: TcpStream, client: u64) {
        let _ = stream.set_nodelay(true);
        let (read, write) = stream.into_split();
        let mut frames = Frames::new(read);
        let Ok(Some(hello)) = frames.next().await else {
            return;
        };
        match Hello::read(hello) {
            Some(Hello::Link { run, link }) if run == self.run && link.to == self.me => {
                self.hear(link.from, frames).await;
            }
            Some(Hello::Client { run, node }) if run == self.run && node == self.me => {
                self.attend(client, frames, write).await;
            }
            // A port that was another's before: of this run or of one beside it.
            _ => {}
        }
    }

    async fn hear(self, from: NodeId, mut frames: Frames<OwnedReadHalf>) {
        while let Ok(Some(payload)) = frames.next().await {
            let arrival = match payload.split_first() {
                Some((&MESSAGE, bytes)) => match wire::read(bytes) {
                    Ok(message) => Arrival::Message { from, message },
                    Err(why) => Arrival::Garbled(why),
                },
                Some((&PROBE, bytes)) => {
                    if let Ok(number) = bytes.try_into() {
                        tell(&Notice::Probed(u64::from_le_bytes(number)));
                    }
                    continue;
                }
                _ => Arrival::Garbled("a frame of no kind".to_owned()),
            };
            if self.arrive.send(arrival).await.is_err() {
                return;
            }
        }
    }

    async fn attend(
        self,
        client: u64,
        mut frames: Frames<OwnedReadHalf>,
        mut write: OwnedWriteHalf,
    ) {
        let (chunks, mut replies) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(chunk) = replies.recv().await {
                if write.write_all(&chunk).await.is_err() {
                    return;
                }
            }
        });
        let _ = self.arrive.send(Arrival::Client { client, chunks }).await;
        while let Ok(Some(payload)) = frames.next().await {
            let arrival = match serde_json::from_slice(payload) {
                Ok((request, op)) => Arrival::Request {
                    client,
                    request,
                    op,
                },
                Err(error) => {
                    eprintln!("a client's strange request: {error}");
                    break;
                }
            };
            if self.arrive.send(arrival).await.is_err() {
                return;
            }
        }
        let _ = self.arrive.send(Arrival::Gone(client)).await;
    }
}

/// Sends what is meant for another node to the proxy of the link, which is there as long as the
/// harness is.
pub(super) async fn send(
    run: u64,
    link: Link,
    proxy: SocketAddr,
    mut chunks: mpsc::Receiver<Vec<u8>>,
) {
    let mut stream = connect(run, link, proxy).await;
    while let Some(chunk) = chunks.recv().await {
        if stream.write_all(&chunk).await.is_err() {
            stream = connect(run, link, proxy).await;
        }
    }
}

async fn connect(run: u64, link: Link, proxy: SocketAddr) -> TcpStream {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Ok(mut stream) = TcpStream::connect(proxy).await {
            let _ = stream.set_nodelay(true);
            if stream
                .write_all(&Hello::Link { run, link }.frame())
                .await
                .is_ok()
            {
                return stream;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
