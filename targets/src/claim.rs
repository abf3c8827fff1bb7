//! Claims: what a target promises, as data.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_history::{
    Bound, Effect, Event, FaultEvent, FaultKind, Guarantee, History, Kind, NodeId, Phase,
};

/// What a target says of a guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It is kept in every run whose faults the claim allows.
    Holds,
    /// It is not: some run shows a violation.
    Broken,
}

/// One statement of a target about one guarantee.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What is claimed.
    pub guarantee: Guarantee,
    /// With what measure, where the guarantee has one and it is not its default.
    pub bound: Option<Bound>,
    /// Kept or broken.
    pub stance: Stance,
    /// Under which faults.
    pub faults: Faults,
    /// Only in this world, if set.
    pub world: Option<&'static str>,
    /// The row of the catalogue that says so; empty where none does.
    pub row: &'static str,
    /// Why, in one sentence.
    pub why: &'static str,
}

/// Which faults a claim allows: it applies when every fault that took place satisfies it.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// The kinds that are allowed.
    pub kinds: &'static [FaultKind],
    /// The strongest drift allowed, parts per million.
    pub rate_ppm: Option<u64>,
    /// The longest delay allowed.
    pub delay: Option<Duration>,
    /// How many nodes may be dead or paused at once.
    pub at_most_nodes_at_once: Option<usize>,
}

impl Faults {
    /// What every row of the catalogue means unless it says otherwise: partitions, kill and
    /// restart, pause, slow links.
    pub const DEFAULT: Faults = Faults::of(&[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::PartitionOneWay,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::SlowDelay,
        FaultKind::SlowLoss,
    ]);

    /// The default and clocks that go wrong.
    pub const WITH_CLOCKS: Faults = Faults::of(&[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::PartitionOneWay,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::SlowDelay,
        FaultKind::SlowLoss,
        FaultKind::ClockJump,
        FaultKind::ClockDrift,
        FaultKind::ClockStrobe,
    ]);

    /// Everything but an emptied disk.
    pub const ALL_BUT_WIPE: Faults = Faults::of(&[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::PartitionOneWay,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::SlowDelay,
        FaultKind::SlowLoss,
        FaultKind::ClockJump,
        FaultKind::ClockDrift,
        FaultKind::ClockStrobe,
        FaultKind::Duplicate,
        FaultKind::Reorder,
        FaultKind::DiskLose,
        FaultKind::DiskTorn,
        FaultKind::DiskSyncError,
    ]);

    /// What leaves some nodes out and lets the others be: partitions that cut both ways, kill,
    /// pause.
    pub const SEPARATING: Faults = Faults::of(&[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::Kill,
        FaultKind::Pause,
    ]);

    /// No fault at all.
    pub const NONE: Faults = Faults::of(&[]);

    /// These kinds, without bounds.
    #[must_use]
    pub const fn of(kinds: &'static [FaultKind]) -> Faults {
        Faults {
            kinds,
            rate_ppm: None,
            delay: None,
            at_most_nodes_at_once: None,
        }
    }

    /// Whether every fault that took place in the history is allowed.
    #[must_use]
    pub fn allow(&self, history: &History) -> bool {
        let mut down: BTreeMap<u64, Vec<NodeId>> = BTreeMap::new();
        for (event, fault) in history.faults() {
            if !self.allows_one(event, fault) {
                return false;
            }
            let (
                Some(most),
                Some(Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes)),
            ) = (self.at_most_nodes_at_once, &fault.effect)
            else {
                continue;
            };
            // A fault counts from its invocation to the completion of its end.
            match (fault.phase, event.kind) {
                (Phase::Start, Kind::Invoke) => {
                    down.insert(fault.id, nodes.clone());
                }
                (Phase::End, Kind::Ok) => {
                    down.remove(&fault.id);
                }
                _ => {}
            }
            let mut nodes: Vec<_> = down.values().flatten().copied().collect();
            nodes.sort_unstable();
            nodes.dedup();
            if nodes.len() > most {
                return false;
            }
        }
        true
    }

    /// Faults that were refused did not take place; others count from their invocation on, seen
    /// or not.
    fn allows_one(&self, event: &Event, fault: &FaultEvent) -> bool {
        if fault.phase == Phase::End || event.kind != Kind::Invoke {
            return true;
        }
        let bounded = match &fault.effect {
            Some(Effect::Clock(clock)) => self
                .rate_ppm
                .is_none_or(|most| clock.rate_ppm.unsigned_abs() <= most),
            Some(Effect::Slow(slow)) => self
                .delay
                .is_none_or(|most| u128::from(slow.delay_ns + slow.jitter_ns) <= most.as_nanos()),
            _ => true,
        };
        bounded && fault.kinds().iter().all(|kind| self.kinds.contains(kind))
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::{Body, ClockEffect, FaultFamily, Order, Process, Time};

    use super::*;

    /// A history of nothing but faults: each with its phase and how it is recorded.
    fn faults(events: Vec<(u64, Phase, Kind, Effect)>) -> History {
        let event = |(index, (id, phase, kind, effect)): (usize, (u64, Phase, Kind, Effect))| {
            let fault = FaultEvent {
                id,
                kind: FaultFamily::Kill,
                phase,
                shape: "one".to_owned(),
                role: None,
                effect: Some(effect),
            };
            let index = index as u64;
            Event::new(
                index,
                Time(index),
                Process::Nemesis,
                kind,
                Body::Fault(fault),
            )
        };
        let events = events.into_iter().enumerate().map(event).collect();
        History::new(None, Order::Index, events).expect("a history of ours")
    }

    fn kill(node: usize) -> Effect {
        Effect::Kill(vec![NodeId::at(node)])
    }

    #[test]
    fn a_kind_that_is_not_allowed_ends_a_claim() {
        let clock = |rate_ppm| {
            let node = NodeId::at(0);
            Effect::Clock(ClockEffect {
                node,
                wall_offset_ns: 0,
                rate_ppm,
                strobe: None,
            })
        };
        let drift = faults(vec![(0, Phase::Start, Kind::Invoke, clock(-900))]);
        assert!(!Faults::DEFAULT.allow(&drift) && Faults::WITH_CLOCKS.allow(&drift));
        let bounded = |most| Faults {
            rate_ppm: Some(most),
            ..Faults::WITH_CLOCKS
        };
        assert!(bounded(900).allow(&drift) && !bounded(899).allow(&drift));
        let killed = faults(vec![(0, Phase::Start, Kind::Invoke, kill(0))]);
        assert!(Faults::DEFAULT.allow(&killed) && !Faults::NONE.allow(&killed));
    }

    #[test]
    fn nodes_count_as_down_until_their_fault_was_seen_to_end() {
        let one = Faults {
            at_most_nodes_at_once: Some(1),
            ..Faults::DEFAULT
        };
        let in_turn = vec![
            (0, Phase::Start, Kind::Invoke, kill(0)),
            (0, Phase::End, Kind::Invoke, kill(0)),
            (0, Phase::End, Kind::Ok, kill(0)),
            (1, Phase::Start, Kind::Invoke, kill(1)),
        ];
        assert!(one.allow(&faults(in_turn.clone())));
        let overlapping: Vec<_> = in_turn
            .into_iter()
            .filter(|event| event.2 != Kind::Ok)
            .collect();
        assert!(!one.allow(&faults(overlapping)));
    }
}
