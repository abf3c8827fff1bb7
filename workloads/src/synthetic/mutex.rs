//! Locks: acquire, release.

use polygraph_history::random::Random;

use super::Violation;
use super::object::{Answer, Call, Fate, Flight, Object, Tampered};

/// Locks that are free at first. Who acquires waits until the lock is free; who holds one
/// releases it next. An acquire that crashes never took the lock, for nobody would release it; a
/// release that crashes does take effect, late.
pub(super) struct Mutex {
    /// Which clients hold the lock of the key that they return to.
    holds: Vec<bool>,
}

/// One lock.
#[derive(Default)]
pub(super) struct State {
    held: bool,
    /// Since when its holder knows that it does, until the release is invoked.
    since: Option<u64>,
}

impl Mutex {
    pub(super) fn new(clients: usize) -> Mutex {
        Mutex {
            holds: vec![false; clients],
        }
    }
}

impl Object for Mutex {
    type State = State;
    type Note = ();

    fn call(&mut self, _state: &mut State, client: usize, _random: &mut Random) -> Call {
        if self.holds[client] {
            Call::Release
        } else {
            Call::Acquire
        }
    }

    fn can_show(&self, call: Call, _violation: Violation) -> bool {
        call == Call::Acquire
    }

    fn begin(&mut self, state: &mut State, flight: &mut Flight<()>, _: Option<Violation>) {
        if flight.call == Call::Release {
            self.holds[flight.client] = false;
            state.since = None;
        }
    }

    fn effect(&mut self, state: &mut State, flight: &Flight<()>) -> Option<Answer> {
        if flight.call == Call::Acquire && state.held {
            return None;
        }
        state.held = flight.call == Call::Acquire;
        Some(Answer::Done)
    }

    fn end(&mut self, state: &mut State, flight: &Flight<()>, _answer: &Answer) {
        if flight.call == Call::Acquire {
            self.holds[flight.client] = true;
            state.since = Some(flight.ends);
        }
    }

    /// Every acquire that succeeds needs a release between it and the one before. Of the releases
    /// none is left: each earlier acquire used up one, and the holder's is not invoked yet.
    fn tamper(&mut self, state: &mut State, flight: &Flight<()>, _: Violation) -> Tampered {
        match state.since {
            Some(since) if since < flight.begins => Tampered::Shown(Answer::Done),
            _ => Tampered::No,
        }
    }

    fn returns(&self, client: usize) -> bool {
        self.holds[client]
    }

    fn fate(&self, call: Call) -> Fate {
        match call {
            Call::Acquire => Fate::Never,
            _ => Fate::Always,
        }
    }

    fn wakes(&self, call: Call) -> bool {
        call == Call::Release
    }

    fn rest(&self, call: Call) -> u64 {
        match call {
            // It works while it holds the lock.
            Call::Acquire => 3_000_000,
            _ => super::run::REST,
        }
    }
}
