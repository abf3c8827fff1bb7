//! Faults: everything that a nemesis can do, as values, resolved to nodes and links.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Link, NodeId};

/// A family of faults: what `--nemesis` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultFamily {
    /// Links between nodes are cut or held.
    Partition,
    /// Clocks jump, drift or strobe.
    Clock,
    /// Nodes die and are started again.
    Kill,
    /// Nodes stand still for a while.
    Pause,
    /// Links delay or lose messages.
    Slow,
    /// Disks lose or tear what was not synced, or fail to sync.
    Disk,
}

impl FaultFamily {
    /// Every family, in the order in which they are shown.
    pub const ALL: &[FaultFamily] = &[
        FaultFamily::Partition,
        FaultFamily::Clock,
        FaultFamily::Kill,
        FaultFamily::Pause,
        FaultFamily::Slow,
        FaultFamily::Disk,
    ];

    /// The name on the command line and in a history.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultFamily::Partition => "partition",
            FaultFamily::Clock => "clock",
            FaultFamily::Kill => "kill",
            FaultFamily::Pause => "pause",
            FaultFamily::Slow => "slow",
            FaultFamily::Disk => "disk",
        }
    }
}

impl fmt::Display for FaultFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What exactly a fault does: the granularity in which claims allow faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Messages over a link are dropped, in both directions between the sides.
    PartitionCut,
    /// Messages over a link are kept and delivered late.
    PartitionHold,
    /// Messages are dropped in one direction only.
    PartitionOneWay,
    /// A wall clock is set forward or back.
    ClockJump,
    /// A clock runs too fast or too slowly.
    ClockDrift,
    /// A wall clock flips to and fro.
    ClockStrobe,
    /// A node dies, as by `kill -9`.
    Kill,
    /// A node stands still, as by `SIGSTOP`.
    Pause,
    /// Messages are delivered later than usual.
    SlowDelay,
    /// Some messages are lost.
    SlowLoss,
    /// Some messages arrive twice.
    Duplicate,
    /// Some messages overtake others.
    Reorder,
    /// Unsynced writes are lost at a crash.
    DiskLose,
    /// An unsynced write survives a crash in part.
    DiskTorn,
    /// Syncs report an error.
    DiskSyncError,
    /// A disk is empty after a crash.
    DiskWipe,
}

impl FaultKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: &[FaultKind] = &[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::PartitionOneWay,
        FaultKind::ClockJump,
        FaultKind::ClockDrift,
        FaultKind::ClockStrobe,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::SlowDelay,
        FaultKind::SlowLoss,
        FaultKind::Duplicate,
        FaultKind::Reorder,
        FaultKind::DiskLose,
        FaultKind::DiskTorn,
        FaultKind::DiskSyncError,
        FaultKind::DiskWipe,
    ];

    /// The name in claims.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::PartitionCut => "partition.cut",
            FaultKind::PartitionHold => "partition.hold",
            FaultKind::PartitionOneWay => "partition.one-way",
            FaultKind::ClockJump => "clock.jump",
            FaultKind::ClockDrift => "clock.drift",
            FaultKind::ClockStrobe => "clock.strobe",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::SlowDelay => "slow.delay",
            FaultKind::SlowLoss => "slow.loss",
            FaultKind::Duplicate => "duplicate",
            FaultKind::Reorder => "reorder",
            FaultKind::DiskLose => "disk.lose",
            FaultKind::DiskTorn => "disk.torn",
            FaultKind::DiskSyncError => "disk.sync-error",
            FaultKind::DiskWipe => "disk.wipe",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an event tells of a fault's beginning or of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The fault begins.
    Start,
    /// The fault is healed.
    End,
}

/// A fault as it is recorded: planned with a shape and perhaps a role, resolved to an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// Which fault of the schedule; start and end carry the same.
    pub id: u64,
    /// Its family.
    pub kind: FaultFamily,
    /// Beginning or end.
    pub phase: Phase,
    /// How it was drawn: `leader-alone`, `halves`, `one-way`, …
    pub shape: String,
    /// The role it was aimed at, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What it does, to whom; `None` when the role resolved to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What a fault does, resolved to nodes and directed links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Messages over these links are dropped.
    Cut(Vec<Link>),
    /// Messages over these links are kept, and delivered when the fault ends.
    Hold(Vec<Link>),
    /// These nodes die at the start and are started again at the end.
    Kill(Vec<NodeId>),
    /// These nodes stand still; their inputs queue up while their clocks run on.
    Pause(Vec<NodeId>),
    /// These nodes die, and find an empty disk when they are started again.
    Wipe(Vec<NodeId>),
    /// A node's clocks go wrong.
    Clock(ClockEffect),
    /// Links become slow or lossy.
    Slow(SlowEffect),
    /// A node's disk misbehaves.
    Disk(DiskEffect),
}

/// How a node's clocks go wrong. A monotonic clock may drift; it never goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockEffect {
    /// Whose.
    pub node: NodeId,
    /// What is added to the wall clock, nanoseconds.
    pub wall_offset_ns: i64,
    /// How much faster both clocks run than true time, parts per million.
    pub rate_ppm: i64,
    /// Besides, the wall clock flips to and fro.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strobe: Option<Strobe>,
}

/// A clock that flips between right and wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strobe {
    /// How far off it is in every second half of a period, nanoseconds.
    pub amplitude_ns: i64,
    /// How long a period takes, nanoseconds.
    pub period_ns: u64,
}

/// How links become slow or lossy. Shares are between 0 and 1, kept in parts per million so that
/// no floating-point arithmetic decides anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowEffect {
    /// Which links.
    pub links: Vec<Link>,
    /// What every message is delayed by, nanoseconds.
    pub delay_ns: u64,
    /// What it is delayed by on top, uniformly up to so many nanoseconds.
    pub jitter_ns: u64,
    /// The share of messages lost.
    #[serde(with = "share")]
    pub loss: u32,
    /// The share of messages that arrive twice.
    #[serde(with = "share")]
    pub duplicate: u32,
    /// The share of messages that may overtake others.
    #[serde(with = "share")]
    pub reorder: u32,
}

/// How a node's disk misbehaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskEffect {
    /// Whose.
    pub node: NodeId,
    /// Which unsynced writes a crash loses.
    pub lose: Lose,
    /// Whether a write that survives may do so in part.
    pub torn: bool,
    /// Whether syncs report an error.
    pub sync_error: bool,
}

/// Which unsynced writes a crash loses. A subset is drawn by hash of seed, fault and ordinal of
/// the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lose {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Some of them.
    Subset,
}

impl FaultEvent {
    /// What the fault does, in the terms of claims. Empty when it was aimed at nobody.
    #[must_use]
    pub fn kinds(&self) -> Vec<FaultKind> {
        let mut kinds = Vec::new();
        let mut add = |applies: bool, kind| {
            if applies {
                kinds.push(kind);
            }
        };
        match &self.effect {
            None => {}
            Some(Effect::Cut(links)) => {
                let one_way = links.iter().any(|link| {
                    !links.contains(&Link {
                        from: link.to,
                        to: link.from,
                    })
                });
                add(one_way, FaultKind::PartitionOneWay);
                add(!one_way, FaultKind::PartitionCut);
            }
            Some(Effect::Hold(_)) => add(true, FaultKind::PartitionHold),
            Some(Effect::Kill(_)) => add(true, FaultKind::Kill),
            Some(Effect::Pause(_)) => add(true, FaultKind::Pause),
            Some(Effect::Wipe(_)) => add(true, FaultKind::DiskWipe),
            Some(Effect::Clock(clock)) => {
                add(clock.wall_offset_ns != 0, FaultKind::ClockJump);
                add(clock.rate_ppm != 0, FaultKind::ClockDrift);
                add(clock.strobe.is_some(), FaultKind::ClockStrobe);
            }
            Some(Effect::Slow(slow)) => {
                add(
                    slow.delay_ns > 0 || slow.jitter_ns > 0,
                    FaultKind::SlowDelay,
                );
                add(slow.loss > 0, FaultKind::SlowLoss);
                add(slow.duplicate > 0, FaultKind::Duplicate);
                add(slow.reorder > 0, FaultKind::Reorder);
            }
            Some(Effect::Disk(disk)) => {
                add(disk.lose != Lose::None, FaultKind::DiskLose);
                add(disk.torn, FaultKind::DiskTorn);
                add(disk.sync_error, FaultKind::DiskSyncError);
            }
        }
        kinds
    }
}

/// As a person reads it: `partition leader-alone`.
impl fmt::Display for FaultEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.shape)
    }
}

/// Parts per million inside, a number between 0 and 1 in the file.
mod share {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(ppm: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(*ppm) / 1e6)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        use serde::de::Error;
        let share = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(D::Error::custom(format!(
                "{share} is not a share between 0 and 1"
            )));
        }
        // In range by the check above, so that the cast is exact.
        Ok((share * 1e6).round() as u32)
    }
}
