//! `disk`: disks lose or tear what was not synced, or fail to sync.
//!
//! Fault model: a node dies while it writes, and of its unsynced writes all, or any subset, are
//! lost; a write that survives may do so in part. Or syncs report an error for a while. What was
//! synced survives. A correct system acknowledges only what is synced, reads its log up to the
//! first record that is not whole, and gives up when a sync fails.

use std::time::Duration;

use polygraph_history::random::Random;
use polygraph_history::{DiskEffect, Effect, FaultFamily, FaultKind, Lose};

use crate::schedule::nanos;
use crate::{Env, Nemesis, Planned, What, Window};

pub(crate) struct Disk;

const KINDS: &[FaultKind] = &[
    FaultKind::DiskLose,
    FaultKind::DiskTorn,
    FaultKind::DiskSyncError,
];

impl Nemesis for Disk {
    fn family(&self) -> FaultFamily {
        FaultFamily::Disk
    }

    fn about(&self) -> &'static str {
        "kills a node while it writes and loses or tears what it had not synced, or makes its syncs fail"
    }

    fn kinds(&self) -> &'static [FaultKind] {
        KINDS
    }

    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned> {
        let able = env.able(KINDS);
        if able.is_empty() {
            return Vec::new();
        }
        let kind = *random.choose(&able);
        let node = *random.choose(&env.nodes);
        let (shape, lose, torn) = match kind {
            FaultKind::DiskSyncError => ("sync-error", Lose::None, false),
            FaultKind::DiskTorn => ("torn", Lose::Subset, true),
            _ if random.below(2) == 0 => ("lose-all", Lose::All, false),
            _ => ("lose-subset", Lose::Subset, false),
        };
        let sync_error = kind == FaultKind::DiskSyncError;
        let fault = |window: Window, effect| Planned {
            id: 0,
            family: FaultFamily::Disk,
            shape: shape.to_owned(),
            start: window.start,
            end: window.end,
            what: What::Effect(effect),
        };
        let effect = Effect::Disk(DiskEffect {
            node,
            lose,
            torn,
            sync_error,
        });
        let mut faults = vec![fault(window, effect)];
        if !sync_error {
            // What is unsynced is lost only by a crash.
            let length = nanos(window.end.since(window.start));
            let dead = Window {
                start: window.start + Duration::from_nanos(length / 20),
                end: window.end - Duration::from_nanos(length / 20),
            };
            faults.push(fault(dead, Effect::Kill(vec![node])));
        }
        faults
    }
}
