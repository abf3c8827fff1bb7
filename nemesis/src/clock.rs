//! `clock`: clocks jump, drift and strobe.
//!
//! Fault model: the wall clock of a node is set off by 10 ms to a minute, forward or back; or both
//! its clocks run up to a tenth too fast or too slowly; or its wall clock flips to and fro. A
//! monotonic clock never goes back. A correct system trusts no clock of another node, or says by
//! how much it may be wrong.

use polygraph_history::random::Random;
use polygraph_history::{ClockEffect, Effect, FaultFamily, FaultKind, NodeId, Strobe};

use crate::{Env, Nemesis, Planned, What, Window, victims};

pub(crate) struct Clock;

const KINDS: &[FaultKind] = &[
    FaultKind::ClockJump,
    FaultKind::ClockDrift,
    FaultKind::ClockStrobe,
];
const MILLISECOND: u64 = 1_000_000;

impl Nemesis for Clock {
    fn family(&self) -> FaultFamily {
        FaultFamily::Clock
    }

    fn about(&self) -> &'static str {
        "sets wall clocks off by 10 ms to a minute, lets clocks drift by up to a tenth, or strobes them"
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
        let (_, nodes) = victims::draw(&env.nodes, random);
        let fault = |node: NodeId| {
            let (shape, effect) = clock(kind, node, random);
            Planned {
                id: 0,
                family: FaultFamily::Clock,
                shape: shape.to_owned(),
                start: window.start,
                end: window.end,
                what: What::Effect(Effect::Clock(effect)),
            }
        };
        nodes.into_iter().map(fault).collect()
    }
}

/// One node's clocks, wrong in this way.
fn clock(kind: FaultKind, node: NodeId, random: &mut Random) -> (&'static str, ClockEffect) {
    let mut effect = ClockEffect {
        node,
        wall_offset_ns: 0,
        rate_ppm: 0,
        strobe: None,
    };
    let sign = if random.below(2) == 0 { 1 } else { -1 };
    match kind {
        FaultKind::ClockDrift => {
            effect.rate_ppm = sign * random.between(5_000, 100_000) as i64;
            ("drift", effect)
        }
        FaultKind::ClockStrobe => {
            effect.strobe = Some(Strobe {
                amplitude_ns: sign * log_uniform(10 * MILLISECOND, 10_000 * MILLISECOND, random),
                period_ns: log_uniform(20 * MILLISECOND, 1_000 * MILLISECOND, random)
                    .unsigned_abs(),
            });
            ("strobe", effect)
        }
        _ => {
            effect.wall_offset_ns =
                sign * log_uniform(10 * MILLISECOND, 60_000 * MILLISECOND, random);
            ("jump", effect)
        }
    }
}

/// A number between two whose order of magnitude is drawn evenly: an octave, then a place in it.
fn log_uniform(low: u64, high: u64, random: &mut Random) -> i64 {
    let octaves = (high / low).ilog2() + 1;
    let from = low << random.below(u64::from(octaves));
    random.between(from, (2 * from).min(high)) as i64
}
