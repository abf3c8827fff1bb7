//! One direction between two nodes, as far as faults touch it.
//!
//! What passes are pieces of streams whose meaning nobody here knows. A cut drops them, and a
//! stream that has lost a piece is broken for good: when the cut ends, its connection ends too. A
//! hold keeps them until it ends. A slow link delays them, and sends again what it loses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polygraph_history::random::{below, keyed, text};
use polygraph_history::{Link, SlowEffect};
use tokio::sync::Notify;

use crate::{FaultId, Probe};

/// How long a lost packet takes to be sent again.
const RETRANSMIT_NS: u64 = 200_000_000;
/// After so long a probe is no longer waited for.
const LATE: Duration = Duration::from_secs(1);

/// What becomes of a piece at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on.
    Pass,
    /// It waits until something changes.
    Wait,
    /// It is gone, and so is everything behind it.
    Lost,
}

/// One direction between two nodes.
pub(super) struct Gate {
    seed: u64,
    link: Link,
    state: Mutex<State>,
    /// Faults have begun or ended.
    pub(super) changed: Notify,
    seen: Condvar,
}

#[derive(Default)]
struct State {
    cuts: BTreeSet<FaultId>,
    holds: BTreeSet<FaultId>,
    slows: BTreeMap<FaultId, SlowEffect>,
    acted: BTreeMap<FaultId, u64>,
    pieces: u64,
    probing: Option<Probing>,
}

struct Probing {
    number: u64,
    sent: Instant,
    seen: Option<Probe>,
}

impl Gate {
    pub(super) fn new(seed: u64, link: Link) -> Gate {
        Gate {
            seed,
            link,
            state: Mutex::default(),
            changed: Notify::new(),
            seen: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins or ends faults; whoever waits looks again.
    fn change(&self, how: impl FnOnce(&mut State)) {
        let mut state = self.state();
        how(&mut state);
        // What was sent before says nothing of what is now.
        state.probing = None;
        drop(state);
        self.changed.notify_waiters();
        self.seen.notify_all();
    }

    pub(super) fn cut(&self, fault: FaultId) {
        self.change(|state| {
            state.cuts.insert(fault);
        });
    }

    pub(super) fn hold(&self, fault: FaultId) {
        self.change(|state| {
            state.holds.insert(fault);
        });
    }

    pub(super) fn slow(&self, fault: FaultId, effect: &SlowEffect) {
        self.change(|state| drop(state.slows.insert(fault, effect.clone())));
    }

    /// Ends what a fault does here; leaves the gate alone if it does nothing.
    pub(super) fn release(&self, fault: FaultId) {
        let touches = |state: &State| {
            state.cuts.contains(&fault)
                || state.holds.contains(&fault)
                || state.slows.contains_key(&fault)
        };
        if touches(&self.state()) {
            self.change(|state| {
                state.cuts.remove(&fault);
                state.holds.remove(&fault);
                state.slows.remove(&fault);
            });
        }
    }

    /// How often a fault has acted here.
    pub(super) fn acted(&self, fault: FaultId) -> u64 {
        self.state().acted.get(&fault).copied().unwrap_or_default()
    }

    /// Whether nothing passes now, because of a cut or a hold.
    pub(super) fn is_closed(&self) -> bool {
        let state = self.state();
        !state.cuts.is_empty() || !state.holds.is_empty()
    }

    /// Whether a cut lasts.
    pub(super) fn is_cut(&self) -> bool {
        !self.state().cuts.is_empty()
    }

    /// What becomes of a piece that is here now. `is_new` tells whether it is seen for the first
    /// time since the faults last changed.
    pub(super) fn fate(&self, is_new: bool) -> Fate {
        let mut state = self.state();
        let State {
            cuts, holds, acted, ..
        } = &mut *state;
        let (takers, fate) = match (cuts.is_empty(), holds.is_empty()) {
            (false, _) => (cuts, Fate::Lost),
            (true, false) => (holds, Fate::Wait),
            (true, true) => return Fate::Pass,
        };
        if is_new {
            for fault in takers.iter() {
                *acted.entry(*fault).or_default() += 1;
            }
        }
        fate
    }

    /// By how much a piece that enters now is late.
    pub(super) fn delay(&self) -> Duration {
        let mut state = self.state();
        state.pieces += 1;
        let State {
            slows,
            acted,
            pieces,
            ..
        } = &mut *state;
        let draw = |fault: FaultId, what: &str| {
            let (from, to) = (self.link.from.position(), self.link.to.position());
            keyed(&[
                self.seed,
                from as u64,
                to as u64,
                *pieces,
                fault,
                text(what),
            ])
        };
        let mut late_ns = 0;
        for (&fault, slow) in slows.iter() {
            let jitter = below(draw(fault, "jitter"), slow.jitter_ns.saturating_add(1));
            let lost = below(draw(fault, "loss"), 1_000_000) < u64::from(slow.loss);
            let by = slow.delay_ns + jitter + if lost { RETRANSMIT_NS } else { 0 };
            if by > 0 {
                *acted.entry(fault).or_default() += 1;
            }
            late_ns += by;
        }
        Duration::from_nanos(late_ns)
    }

    /// Begins a probe, unless one is under way that may still arrive.
    pub(super) fn begin_probe(&self, number: u64) -> bool {
        let mut state = self.state();
        let waits = |probing: &Probing| probing.seen.is_some() || probing.sent.elapsed() < LATE;
        if state.probing.as_ref().is_some_and(waits) {
            return false;
        }
        state.probing = Some(Probing {
            number,
            sent: Instant::now(),
            seen: None,
        });
        true
    }

    /// A probe was taken by a fault.
    pub(super) fn probe_taken(&self, number: u64, how: Probe) {
        self.see(number, |_| how);
    }

    /// A probe has arrived.
    pub(super) fn probe_arrived(&self, number: u64) {
        self.see(number, |sent| Probe::Arrives(sent.elapsed()));
    }

    fn see(&self, number: u64, what: impl FnOnce(Instant) -> Probe) {
        let mut state = self.state();
        if let Some(probing) = &mut state.probing
            && probing.number == number
        {
            let sent = probing.sent;
            probing.seen.get_or_insert_with(|| what(sent));
        }
        self.seen.notify_all();
    }

    /// Waits for what is seen of the probe; then it is over.
    pub(super) fn seen(&self, patience: Duration) -> Option<Probe> {
        let unseen = |state: &mut State| {
            let probing = state.probing.as_ref();
            probing.is_some_and(|probing| probing.seen.is_none())
        };
        let waited = self.seen.wait_timeout_while(self.state(), patience, unseen);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let seen = state.probing.as_ref()?.seen?;
        state.probing = None;
        Some(seen)
    }
}
