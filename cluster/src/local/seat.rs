//! What a node process is told, and what it tells: lines of JSON over its standard input and
//! output.

use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::path::PathBuf;

use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{ClockEffect, NodeId, Time};
use serde::{Deserialize, Serialize};

use crate::{ClockReading, Deployment};

/// What a node process is told first by the harness that started it: who it is, where its data
/// are and how it reaches the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seat {
    /// Which node it is.
    pub node: NodeId,
    /// What is deployed. Its settings have lost their types on the way.
    pub(super) deployment: Deployment,
    /// Which start of this node it is, counted from 1.
    pub life: u64,
    /// The folder of its files; it exists.
    pub data: PathBuf,
    /// The process of the harness: whose child this process has to be.
    pub(super) parent: u32,
    /// Tells this run from others: a port may be taken over by a process of another run.
    pub(super) run: u64,
    /// The proxies of the links to the other nodes.
    pub(super) links: Vec<(NodeId, SocketAddr)>,
    /// Where the world's time is zero, nanoseconds on the machine's monotonic clock.
    pub(super) origin_ns: u64,
    /// What right wall clocks show then.
    pub(super) epoch_ns: i64,
    /// How wrong the clocks are, and since when.
    pub(super) clock: Option<(Time, ClockEffect)>,
}

impl Seat {
    /// Reads what the harness says first over standard input.
    ///
    /// # Errors
    /// If standard input ends or holds something else: this program was not started by a harness.
    pub fn read() -> io::Result<Seat> {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("no seat: {error}"))
        })
    }

    /// What is deployed, its settings given their types again by the knobs of its target.
    ///
    /// # Errors
    /// If the settings are those of another target.
    pub fn deployment(&self, knobs: &[Knob]) -> io::Result<Deployment> {
        let settings = Settings::resolve(knobs, &self.deployment.settings)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Deployment {
            settings,
            ..self.deployment.clone()
        })
    }
}

/// What a node process is told later.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// All others can be reached: begin.
    Go,
    /// The clocks go wrong, or right again.
    Clock(ClockEffect),
    /// Tell what the clocks show; the number comes back with the answer.
    ReadClock(u64),
}

/// What a node process tells the harness.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Notice {
    /// It listens.
    Listens {
        /// On this port of 127.0.0.1.
        port: u16,
        /// Whether its links are streams; else they are datagrams.
        stream: bool,
    },
    /// It believes to lead with this epoch, or no more.
    Leads(Option<u64>),
    /// What its clocks show.
    Clock {
        /// The number of the order.
        number: u64,
        /// True time.
        at: Time,
        /// The wall clock.
        wall_ns: i64,
        /// The monotonic clock.
        mono: Time,
    },
    /// A probe has reached it.
    Probed(u64),
}

impl Notice {
    pub(super) const fn clock(number: u64, reading: ClockReading) -> Notice {
        Notice::Clock {
            number,
            at: reading.at,
            wall_ns: reading.wall_ns,
            mono: reading.mono,
        }
    }
}

/// A value as a line of JSON.
pub(super) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(value).expect("keys are texts, and nothing fails to serialize");
    line.push(b'\n');
    line
}
