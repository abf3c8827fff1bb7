//! `slow`: links delay and lose messages.
//!
//! Fault model: every message over a slow link takes 20 to 500 ms more, some of it at random, so
//! that messages overtake each other where the protocol allows that; up to a fifth are lost. A
//! correct system gets slower.

use polygraph_history::random::Random;
use polygraph_history::{Effect, FaultFamily, FaultKind, Link, SlowEffect};

use crate::planned::between;
use crate::{Env, Nemesis, Planned, What, Window, victims};

pub(crate) struct Slow;

const KINDS: &[FaultKind] = &[FaultKind::SlowDelay, FaultKind::SlowLoss];
const MILLISECOND: u64 = 1_000_000;

impl Nemesis for Slow {
    fn family(&self) -> FaultFamily {
        FaultFamily::Slow
    }

    fn about(&self) -> &'static str {
        "delays messages by 20 to 500 ms and loses up to a fifth of them, on all links or on those of some nodes"
    }

    fn kinds(&self) -> &'static [FaultKind] {
        KINDS
    }

    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned> {
        let able = env.able(KINDS);
        let links = match random.below(2) {
            0 => {
                let all = |&from: &_| env.nodes.iter().map(move |&to| Link { from, to });
                env.nodes
                    .iter()
                    .flat_map(all)
                    .filter(|link| link.from != link.to)
                    .collect()
            }
            _ => between(&victims::draw(&env.nodes, random).1, &env.nodes),
        };
        // All nodes have no others: then their own links are meant.
        let links = match links.is_empty() {
            true => between(&env.nodes[..1], &env.nodes),
            false => links,
        };
        let delays = able.contains(&FaultKind::SlowDelay) && random.below(3) > 0;
        let loses = able.contains(&FaultKind::SlowLoss) && (!delays || random.below(2) == 0);
        let delay_ms = if delays { random.between(20, 500) } else { 0 };
        let jitter_ms = random.between(0, delay_ms);
        let effect = Effect::Slow(SlowEffect {
            links,
            delay_ns: (delay_ms - jitter_ms) * MILLISECOND,
            jitter_ns: jitter_ms * MILLISECOND,
            loss: if loses {
                random.between(10_000, 200_000) as u32
            } else {
                0
            },
            duplicate: 0,
            reorder: 0,
        });
        let shape = match (delays, loses) {
            (true, true) => "delay-and-loss",
            (true, false) => "delay",
            _ => "loss",
        };
        vec![Planned {
            id: 0,
            family: FaultFamily::Slow,
            shape: shape.to_owned(),
            start: window.start,
            end: window.end,
            what: What::Effect(effect),
        }]
    }
}
