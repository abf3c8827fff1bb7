//! Frames: byte strings with their length before them, over connections.

use std::io;

use polygraph_history::{Link, NodeId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest frame that is accepted.
const MOST: usize = 64 << 20;
/// How much is asked from a connection at once.
const CHUNK: usize = 64 << 10;

/// The first frame of every connection: who speaks, and of which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hello {
    /// What one node sends to another.
    Link { run: u64, link: Link },
    /// A client's requests and their replies.
    Client { run: u64, node: NodeId },
}

impl Hello {
    /// As a frame.
    pub(super) fn frame(self) -> Vec<u8> {
        let mut frame = Vec::new();
        push(
            &mut frame,
            &serde_json::to_vec(&self).expect("numbers and names serialize"),
        );
        frame
    }

    pub(super) fn read(payload: &[u8]) -> Option<Hello> {
        serde_json::from_slice(payload).ok()
    }
}

/// What a frame over a link holds, by its first byte.
pub(super) const MESSAGE: u8 = 0;
/// A probe: eight bytes of number.
pub(super) const PROBE: u8 = 1;

/// Appends a frame.
pub(super) fn push(out: &mut Vec<u8>, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a frame is smaller than four gigabytes");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Takes frames from a connection.
pub(super) struct Frames<R> {
    from: R,
    buffer: Vec<u8>,
    /// What comes before it was taken already.
    at: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) const fn new(from: R) -> Frames<R> {
        Frames {
            from,
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// The next frame; `None` when the connection has ended. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if let Some((from, to)) = self.whole()? {
                self.at = to;
                return Ok(Some(&self.buffer[from..to]));
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            self.buffer.reserve(CHUNK);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whether a whole frame has been read already.
    pub(super) fn is_ready(&self) -> bool {
        self.whole().is_ok_and(|frame| frame.is_some())
    }

    /// Where the next frame's payload is, if it is there.
    fn whole(&self) -> io::Result<Option<(usize, usize)>> {
        let rest = &self.buffer[self.at..];
        let Some(length) = rest.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MOST {
            let what = format!("a frame of {length} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok((rest.len() >= 4 + length).then_some((self.at + 4, self.at + 4 + length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_as_they_were_put() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let payloads: Vec<Vec<u8>> = (0..200).map(|n| vec![n as u8; n * n]).collect();
            let mut bytes = Vec::new();
            for payload in &payloads {
                push(&mut bytes, payload);
            }
            // A torn last frame is an end.
            bytes.extend_from_slice(&[9, 0, 0, 0, 1]);
            let mut frames = Frames::new(&bytes[..]);
            for payload in &payloads {
                assert_eq!(frames.next().await.unwrap(), Some(payload.as_slice()));
            }
            assert_eq!(frames.next().await.unwrap(), None);
            let mut frames = Frames::new(&[255_u8; 8][..]);
            assert!(frames.next().await.is_err());
        });
    }
}
