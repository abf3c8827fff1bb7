//! `pause`: nodes stand still for a while.
//!
//! Fault model: a process stops as by `SIGSTOP`, or as in a long collection of garbage: what is
//! sent to it queues up, its clocks run on, and when it goes on it does not know that it stood
//! still. A correct system does nothing then that was only right before.

use std::time::Duration;

use polygraph_history::random::Random;
use polygraph_history::{Effect, FaultFamily, FaultKind};

use crate::schedule::nanos;
use crate::{Env, Nemesis, Planned, Role, What, Window, victims};

pub(crate) struct Pause;

impl Nemesis for Pause {
    fn family(&self) -> FaultFamily {
        FaultFamily::Pause
    }

    fn about(&self) -> &'static str {
        "makes nodes stand still while their clocks run on: one, a minority, a majority, all, the leader"
    }

    fn kinds(&self) -> &'static [FaultKind] {
        &[FaultKind::Pause]
    }

    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned> {
        let (shape, what) = if env.has_leader && random.below(2) == 0 {
            ("leader", What::Pause(Role::Leader))
        } else {
            let (shape, nodes) = victims::draw(&env.nodes, random);
            (shape, What::Effect(Effect::Pause(nodes)))
        };
        let all = nanos(window.end.since(window.start));
        let length = match random.below(2) {
            0 => random.between(100_000_000.min(all), 1_000_000_000.min(all)),
            _ => all,
        };
        vec![Planned {
            id: 0,
            family: FaultFamily::Pause,
            shape: shape.to_owned(),
            start: window.start,
            end: window.start + Duration::from_nanos(length),
            what,
        }]
    }
}
