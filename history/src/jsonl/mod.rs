//! Our own format: JSON Lines, a header and then one event a line (version 1).

mod canonical;
mod follow;
mod read;

use std::io::{self, Write};

use serde::Serialize;

pub use crate::ReadError;
pub use follow::Follower;
pub use read::read;
#[cfg(test)]
pub(crate) use read::read_with;

use crate::spec::{FORMAT_VERSION, Header, Spec};
use crate::{ErrorName, Event, FaultEvent, Kind, NodeId, Op, Process, Session, Time, Verification};

/// Writes events as they happen, each line as soon as it is complete.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins a history with its header.
    ///
    /// # Errors
    /// What writing gives.
    pub fn new(mut out: W, spec: Option<&Spec>) -> io::Result<Writer<W>> {
        let header = Header {
            polygraph: FORMAT_VERSION,
            spec: spec.cloned(),
        };
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        Ok(Writer { out })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let line = LineRef {
            index: event.index,
            time: event.time,
            process: event.process,
            kind: event.kind,
            op: event.op(),
            fault: event.fault(),
            node: event.node,
            session: event.session.as_ref(),
            version: event.version,
            snapshot: event.snapshot,
            intended: event.intended,
            error: event.error.as_ref(),
            detail: event.detail.as_deref(),
            verified: event.verified.as_ref(),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// What flushing gives.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the history and gives back what it was written to.
    ///
    /// # Errors
    /// What flushing gives.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The fields of a line, in the order in which they are written.
#[derive(Serialize)]
struct LineRef<'a> {
    index: u64,
    time: Time,
    process: Process,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a Op>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a FaultEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intended: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<&'a Verification>,
}
