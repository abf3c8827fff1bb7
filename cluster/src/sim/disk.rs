//! A node's disk: what is durable, and what is not yet.
//!
//! Fault model: a write that was not synced may be lost at a crash, or survive in part; a write
//! that was synced survives. A process that merely dies loses all that it had not synced, as in
//! the worlds with real processes, where such bytes are still in its memory; a disk fault makes
//! it any subset. A sync may report an error, after which nothing is known of what it covered.

use std::collections::{BTreeMap, VecDeque};

use polygraph_history::random::{below, keyed};
use polygraph_history::{DiskEffect, Lose};

use crate::{Disk, FaultId};

/// A disk.
#[derive(Debug, Default)]
pub(super) struct SimDisk {
    durable: BTreeMap<&'static str, Vec<u8>>,
    pending: VecDeque<Pending>,
    written: u64,
    faults: BTreeMap<FaultId, DiskEffect>,
}

#[derive(Debug)]
struct Pending {
    ordinal: u64,
    file: &'static str,
    offset: u64,
    bytes: Vec<u8>,
}

impl SimDisk {
    pub(super) fn write(&mut self, file: &'static str, offset: u64, bytes: Vec<u8>) {
        self.written += 1;
        self.pending.push_back(Pending {
            ordinal: self.written,
            file,
            offset,
            bytes,
        });
    }

    /// How many writes there were: what a sync that begins now covers.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Makes everything up to a write durable.
    pub(super) fn synced(&mut self, up_to: u64) {
        while self
            .pending
            .front()
            .is_some_and(|write| write.ordinal <= up_to)
        {
            let write = self.pending.pop_front().expect("just seen");
            put(&mut self.durable, &write, write.bytes.len());
        }
    }

    /// Whether a crash now could lose something.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn set(&mut self, fault: FaultId, effect: &DiskEffect) {
        let none = effect.lose == Lose::None && !effect.torn && !effect.sync_error;
        match none {
            true => self.faults.remove(&fault),
            false => self.faults.insert(fault, effect.clone()),
        };
    }

    /// The fault that makes syncs fail, if any.
    pub(super) fn failing_sync(&self) -> Option<FaultId> {
        self.faults
            .iter()
            .find(|(_, effect)| effect.sync_error)
            .map(|(&fault, _)| fault)
    }

    /// The fault that decides what a crash loses, if any.
    pub(super) fn lossy(&self) -> Option<(FaultId, &DiskEffect)> {
        let lossy = |effect: &DiskEffect| effect.lose != Lose::None || effect.torn;
        self.faults
            .iter()
            .find(|(_, effect)| lossy(effect))
            .map(|(&fault, effect)| (fault, effect))
    }

    /// The process dies: decides what of the unsynced writes survives. Returns the fault that
    /// decided it and how many writes were lost or torn.
    pub(super) fn crash(&mut self, seed: u64) -> (Option<FaultId>, u64) {
        let (fault, lose, torn) = match self.lossy() {
            Some((fault, effect)) => (Some(fault), effect.lose, effect.torn),
            None => (None, Lose::All, false),
        };
        let mut harmed = 0;
        for write in std::mem::take(&mut self.pending) {
            let draw = |purpose| keyed(&[seed, fault.unwrap_or(u64::MAX), write.ordinal, purpose]);
            // Where all is lost, tearing keeps a part of what would be lost.
            let survives = match lose {
                Lose::None => true,
                Lose::All => torn && below(draw(1), 2) == 0,
                Lose::Subset => below(draw(1), 2) == 0,
            };
            let tears = torn && (lose == Lose::All || below(draw(2), 2) == 0);
            let kept = match (survives, tears) {
                (false, _) => 0,
                (true, true) => below(draw(3), write.bytes.len() as u64) as usize,
                (true, false) => write.bytes.len(),
            };
            harmed += u64::from(kept < write.bytes.len());
            if kept > 0 {
                put(&mut self.durable, &write, kept);
            }
        }
        (fault, harmed)
    }

    /// Forgets everything.
    pub(super) fn wipe(&mut self) {
        self.durable.clear();
        self.pending.clear();
    }

    /// What a node finds when it starts.
    pub(super) fn image(&self) -> Disk {
        Disk::new(
            self.durable
                .iter()
                .map(|(&file, bytes)| (file.to_owned(), bytes.clone()))
                .collect(),
        )
    }
}

/// Puts the first bytes of a write in its place; a gap before it reads as zeros.
fn put(files: &mut BTreeMap<&'static str, Vec<u8>>, write: &Pending, kept: usize) {
    let file = files.entry(write.file).or_default();
    let from = usize::try_from(write.offset).expect("files fit into memory");
    if file.len() == from {
        file.extend_from_slice(&write.bytes[..kept]);
        return;
    }
    if file.len() < from + kept {
        file.resize(from + kept, 0);
    }
    file[from..from + kept].copy_from_slice(&write.bytes[..kept]);
}
