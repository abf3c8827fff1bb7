//! Links: how long a message takes, and whether it arrives.
//!
//! The fate of a message is a hash of the seed, its link, its cause (the operation or timer that
//! led to it) and how many messages that cause has sent over that link before. Removing one
//! operation so leaves the messages of all others as they were, which is what makes shrinking
//! work.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_history::random::{below, exponential, keyed, mix};
use polygraph_history::{Link, NodeId, SlowEffect, Time};
use rustc_hash::FxHashMap;

use super::{Options, Sent, Trace};
use crate::{FaultId, LinkKind};

/// How long a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Always the same.
    Constant(Duration),
    /// Anything between two durations.
    Uniform(Duration, Duration),
    /// A fixed part, and an exponentially distributed one with this mean.
    Exponential {
        /// The fixed part.
        base: Duration,
        /// The mean of the rest.
        mean: Duration,
    },
    /// A fixed part, and one of which half are shorter than `scale`, a hundredth are longer than
    /// fifty of it and a few a thousand times as long (Pareto, shape 1, cut there).
    HeavyTail {
        /// The fixed part.
        base: Duration,
        /// Half of the rest are shorter than this.
        scale: Duration,
    },
}

impl Delay {
    /// The delay that belongs to 64 random bits.
    #[must_use]
    pub fn draw(self, bits: u64) -> Duration {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        match self {
            Delay::Constant(span) => span,
            Delay::Uniform(low, high) => {
                low + Duration::from_nanos(below(bits, nanos(high.saturating_sub(low)) + 1))
            }
            Delay::Exponential { base, mean } => {
                base + Duration::from_nanos(exponential(bits, nanos(mean)))
            }
            Delay::HeavyTail { base, scale } => {
                let share = (bits >> 32).max(1);
                let times_1024 = ((1_u64 << 42) / share)
                    .saturating_sub(1024)
                    .min(1000 * 1024);
                base + Duration::from_nanos(nanos(scale) / 1024 * times_1024)
            }
        }
    }
}

/// What becomes of a message that is sent now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives then, and once more at the second time, if any.
    Arrives(Time, Option<Time>),
    /// It waits for the link to be released.
    Held,
    /// It is lost.
    Lost,
}

/// How long a lost packet of a stream takes to be sent again.
const RETRANSMIT: Duration = Duration::from_millis(200);
/// By how much a message that is to be overtaken is late, at most.
const REORDER: u64 = 20_000_000;
/// How long the number of messages of a cause is remembered, at least.
const MEMORY: Duration = Duration::from_secs(20);

/// All links of a cluster.
#[derive(Debug)]
pub(super) struct Network<T> {
    seed: u64,
    nodes: usize,
    kind: LinkKind,
    links: Vec<LinkState<T>>,
    /// How many messages a cause has sent over a link, by their hash; in two generations, so that
    /// old causes are forgotten.
    counts: FxHashMap<u64, u32>,
    old_counts: FxHashMap<u64, u32>,
    forget_at: Time,
    acted: BTreeMap<FaultId, u64>,
    delay: Delay,
    loss_ppm: u32,
    duplicate_ppm: u32,
    trace: Option<Trace>,
}

#[derive(Debug)]
struct LinkState<T> {
    cuts: Vec<FaultId>,
    holds: Vec<FaultId>,
    slows: Vec<(FaultId, SlowEffect)>,
    held: Vec<T>,
    /// When the last message of a stream arrives.
    last: Time,
}

impl<T> Network<T> {
    pub(super) fn new(seed: u64, nodes: usize, kind: LinkKind, options: &Options) -> Network<T> {
        let link = || LinkState {
            cuts: Vec::new(),
            holds: Vec::new(),
            slows: Vec::new(),
            held: Vec::new(),
            last: Time::ZERO,
        };
        Network {
            seed,
            nodes,
            kind,
            links: (0..nodes * nodes).map(|_| link()).collect(),
            counts: FxHashMap::default(),
            old_counts: FxHashMap::default(),
            forget_at: Time::ZERO + MEMORY,
            acted: BTreeMap::new(),
            delay: options.node_links,
            loss_ppm: options.loss_ppm,
            duplicate_ppm: options.duplicate_ppm,
            trace: options.trace.clone(),
        }
    }

    fn at(&self, link: Link) -> usize {
        link.from.position() * self.nodes + link.to.position()
    }

    /// Decides what becomes of a message.
    pub(super) fn send(&mut self, now: Time, link: Link, cause: u64) -> Fate {
        let key = keyed(&[self.seed, place(link.from), place(link.to), cause]);
        let ordinal = self.count(now, key);
        let fate = self.decide(now, link, mix(key ^ u64::from(ordinal)), true);
        if let Some(trace) = &self.trace {
            let delay = match fate {
                Fate::Arrives(then, _) => Some(then.since(now)),
                Fate::Held | Fate::Lost => None,
            };
            trace.note(Sent {
                at: now,
                link,
                cause,
                ordinal,
                delay,
            });
        }
        fate
    }

    /// Decides what would become of a message, without any trace of it in the fates of others.
    pub(super) fn probe(&mut self, now: Time, link: Link) -> Fate {
        let bits = keyed(&[
            self.seed,
            place(link.from),
            place(link.to),
            now.as_nanos(),
            u64::MAX,
        ]);
        self.decide(now, link, bits, false)
    }

    /// `counts` says whether it is a message, by which faults are seen to act and which others of
    /// a stream cannot overtake; else it is a probe.
    fn decide(&mut self, now: Time, link: Link, bits: u64, counts: bool) -> Fate {
        let at = self.at(link);
        let state = &mut self.links[at];
        let mut delay = self.delay.draw(bits);
        let slows = || state.slows.iter().map(|(_, slow)| slow);
        let loss = u64::from(self.loss_ppm) + slows().map(|slow| u64::from(slow.loss)).sum::<u64>();
        let duplicate = u64::from(self.duplicate_ppm)
            + slows().map(|slow| u64::from(slow.duplicate)).sum::<u64>();
        let lost = below(mix(bits ^ 4), 1_000_000) < loss;
        let doubled = below(mix(bits ^ 5), 1_000_000) < duplicate;
        if !state.cuts.is_empty() || !state.holds.is_empty() || !state.slows.is_empty() {
            // A message of a stream is kept only when it has come after those before it.
            let kept_at_arrival = self.kind == LinkKind::Stream && counts && state.cuts.is_empty();
            if !kept_at_arrival {
                for &fault in state.cuts.iter().chain(&state.holds) {
                    *self.acted.entry(fault).or_default() += u64::from(counts);
                }
            }
            if !state.cuts.is_empty() {
                return Fate::Lost;
            }
            if !state.holds.is_empty() && !kept_at_arrival {
                return Fate::Held;
            }
            for (fault, slow) in &state.slows {
                let more = slow.delay_ns + below(mix(bits ^ 1), slow.jitter_ns + 1);
                delay += Duration::from_nanos(more);
                let late = below(mix(bits ^ 2), 1_000_000) < u64::from(slow.reorder);
                if late {
                    delay += Duration::from_nanos(below(mix(bits ^ 3), REORDER));
                }
                let loses = (lost && slow.loss > 0) || (doubled && slow.duplicate > 0);
                let acts = counts && (more > 0 || late || loses);
                *self.acted.entry(*fault).or_default() += u64::from(acts);
            }
        }
        if self.kind == LinkKind::Stream {
            if lost {
                delay += RETRANSMIT;
            }
            let at = state.last.max(now + delay);
            if counts {
                state.last = at;
            }
            return Fate::Arrives(at, None);
        }
        if lost {
            return Fate::Lost;
        }
        let again = doubled.then(|| now + self.delay.draw(mix(bits ^ 6)));
        Fate::Arrives(now + delay, again)
    }

    /// How many messages this cause has sent over this link before.
    fn count(&mut self, now: Time, key: u64) -> u32 {
        if now >= self.forget_at {
            self.old_counts = std::mem::take(&mut self.counts);
            self.forget_at = now + MEMORY;
        }
        let old = &self.old_counts;
        let count = self
            .counts
            .entry(key)
            .or_insert_with(|| old.get(&key).copied().unwrap_or_default());
        *count += 1;
        *count - 1
    }

    /// A message that was under way arrives: a cut or hold that began meanwhile still takes it.
    pub(super) fn arrive(&mut self, link: Link) -> Fate {
        let at = self.at(link);
        let state = &self.links[at];
        if state.cuts.is_empty() && state.holds.is_empty() {
            return Fate::Arrives(Time::ZERO, None);
        }
        for &fault in state.cuts.iter().chain(&state.holds) {
            *self.acted.entry(fault).or_default() += 1;
        }
        if state.cuts.is_empty() {
            Fate::Held
        } else {
            Fate::Lost
        }
    }

    /// Keeps a message until its link is released.
    pub(super) fn keep(&mut self, link: Link, message: T) {
        let at = self.at(link);
        self.links[at].held.push(message);
    }

    pub(super) fn cut(&mut self, fault: FaultId, links: &[Link]) {
        for &link in links {
            let at = self.at(link);
            self.links[at].cuts.push(fault);
        }
    }

    pub(super) fn hold(&mut self, fault: FaultId, links: &[Link]) {
        for &link in links {
            let at = self.at(link);
            self.links[at].holds.push(fault);
        }
    }

    pub(super) fn slow(&mut self, fault: FaultId, effect: &SlowEffect) {
        for &link in &effect.links {
            let at = self.at(link);
            self.links[at].slows.push((fault, effect.clone()));
        }
    }

    /// Ends what a fault does to links; gives back what was kept and may go on now.
    pub(super) fn release(&mut self, fault: FaultId) -> Vec<T> {
        let mut released = Vec::new();
        for state in &mut self.links {
            state.cuts.retain(|&other| other != fault);
            state.holds.retain(|&other| other != fault);
            state.slows.retain(|&(other, _)| other != fault);
            if state.holds.is_empty() {
                released.append(&mut state.held);
            }
        }
        released
    }

    /// How often a fault was seen to act on a message.
    pub(super) fn acted(&self, fault: FaultId) -> u64 {
        self.acted.get(&fault).copied().unwrap_or_default()
    }
}

/// A node as a part of a key; never what a client is.
pub(super) fn place(node: NodeId) -> u64 {
    node.position() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_as_they_say() {
        let ms = Duration::from_millis;
        let draws = |delay: Delay| -> Vec<Duration> {
            let mut all: Vec<_> = (0..10_000).map(|n| delay.draw(keyed(&[n]))).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(draws(Delay::Constant(ms(3)))[9_999], ms(3));
        let uniform = draws(Delay::Uniform(ms(2), ms(4)));
        assert!(uniform[0] >= ms(2) && uniform[9_999] <= ms(4));
        assert!(uniform[5_000].abs_diff(ms(3)) < Duration::from_micros(50));
        let exponential = draws(Delay::Exponential {
            base: ms(1),
            mean: ms(2),
        });
        assert!(exponential[0] >= ms(1));
        assert!(exponential[5_000].abs_diff(Duration::from_micros(2386)) < ms(1) / 5);
        let heavy = draws(Delay::HeavyTail {
            base: ms(1),
            scale: ms(1),
        });
        assert!(heavy[0] >= ms(1) && heavy[9_999] <= ms(1001));
        assert!(
            heavy[5_000].abs_diff(ms(2)) < ms(1) / 5,
            "{:?}",
            heavy[5_000]
        );
        assert!(heavy[9_900] > ms(50) && heavy[9_990] > ms(500));
    }
}
