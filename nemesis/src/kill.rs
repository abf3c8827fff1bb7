//! `kill`: nodes die and are started again.
//!
//! Fault model: a process dies as by `kill -9`, at any point of what it is doing, and loses what
//! it had not synced. In half of the draws it stays dead for longer than a failover takes. A
//! correct system loses nothing that it acknowledged, even when all nodes die at once.

use std::time::Duration;

use polygraph_history::random::Random;
use polygraph_history::{Effect, FaultFamily, FaultKind};

use crate::schedule::nanos;
use crate::{Env, Nemesis, Planned, Role, What, Window, victims};

pub(crate) struct Kill;

/// No failover takes longer than this.
const FAILOVER: Duration = Duration::from_millis(1500);

impl Nemesis for Kill {
    fn family(&self) -> FaultFamily {
        FaultFamily::Kill
    }

    fn about(&self) -> &'static str {
        "kills nodes at any point of what they do, and starts them again: one, a minority, a majority, all, the leader"
    }

    fn kinds(&self) -> &'static [FaultKind] {
        &[FaultKind::Kill]
    }

    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned> {
        let (shape, what) = if env.has_leader && random.below(3) == 0 {
            ("leader", What::Kill(Role::Leader))
        } else {
            let (shape, nodes) = victims::draw(&env.nodes, random);
            (shape, What::Effect(Effect::Kill(nodes)))
        };
        let length = match random.below(2) {
            0 => Duration::from_nanos(random.between(50_000_000, nanos(FAILOVER) / 2)),
            _ => window.end.since(window.start).max(FAILOVER),
        };
        vec![Planned {
            id: 0,
            family: FaultFamily::Kill,
            shape: shape.to_owned(),
            start: window.start,
            end: window.end.min(window.start + length),
            what,
        }]
    }
}
