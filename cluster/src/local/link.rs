//! What a proxy knows of its link: the faults that touch it and the frames under way.
//!
//! The same meaning as in the simulator: a cut drops frames that are sent or arrive while it
//! lasts, a hold keeps them until it ends, a slow link delays, loses, doubles and reorders them. A
//! stream that loses a packet sends it again, which delays it and everything behind it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use polygraph_history::random::{below, keyed, text};
use polygraph_history::{Link, SlowEffect, Time};

use crate::{FaultId, LinkKind, Probe};

/// How many bytes may be under way or kept; a node that stands still and whose link is full
/// misses what comes then.
const ROOM: usize = 64 << 20;
/// How long a lost packet of a stream takes to be sent again.
const RETRANSMIT_NS: u64 = 200_000_000;
/// By how much a message that is to be overtaken is late, at most.
const REORDER_NS: u64 = 20_000_000;

/// After so long a probe is no longer waited for.
const LATE: Duration = Duration::from_secs(1);

/// A frame under way.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    /// The frame, with its length.
    pub(super) bytes: Vec<u8>,
    /// The number of the probe that it is, if it is one.
    pub(super) probe: Option<u64>,
}

/// The last probe over a link.
#[derive(Clone, Copy, Debug)]
struct Probing {
    number: u64,
    sent: Time,
    seen: Option<Probe>,
}

/// The state of a link.
#[derive(Debug)]
pub(super) struct LinkState {
    seed: u64,
    link: Link,
    pub(super) kind: LinkKind,
    cuts: BTreeSet<FaultId>,
    holds: BTreeSet<FaultId>,
    slows: BTreeMap<FaultId, SlowEffect>,
    flying: BTreeMap<(Time, u64), Parcel>,
    held: VecDeque<Parcel>,
    /// How many bytes fly and are held.
    load: usize,
    ordinal: u64,
    /// When the last frame arrives that others may not overtake.
    last: Time,
    acted: BTreeMap<FaultId, u64>,
    probing: Option<Probing>,
}

impl LinkState {
    pub(super) const fn new(seed: u64, link: Link) -> LinkState {
        LinkState {
            seed,
            link,
            kind: LinkKind::Datagram,
            cuts: BTreeSet::new(),
            holds: BTreeSet::new(),
            slows: BTreeMap::new(),
            flying: BTreeMap::new(),
            held: VecDeque::new(),
            load: 0,
            ordinal: 0,
            last: Time::ZERO,
            acted: BTreeMap::new(),
            probing: None,
        }
    }

    /// A frame enters the link.
    pub(super) fn send(&mut self, now: Time, parcel: Parcel) {
        self.ordinal += 1;
        if self.is_stopped() {
            return self.stop(parcel);
        }
        let mut fate = Passage::default();
        for (&fault, slow) in &self.slows {
            let acted = fate.suffer(slow, self.kind, |what| self.draw(fault, what));
            if acted {
                *self.acted.entry(fault).or_default() += 1;
            }
        }
        if fate.lost {
            return self.lose(&parcel);
        }
        if let Some(delay_ns) = fate.again_ns {
            self.fly(now + Duration::from_nanos(delay_ns), parcel.clone());
        }
        let mut due = now + Duration::from_nanos(fate.delay_ns);
        if !fate.overtaken {
            due = due.max(self.last);
            self.last = due;
        }
        self.fly(due, parcel);
    }

    /// The bits that decide about the present frame, by fault and purpose.
    const fn draw(&self, fault: FaultId, what: &str) -> u64 {
        let (from, to) = (self.link.from.position(), self.link.to.position());
        let key = [
            self.seed,
            from as u64,
            to as u64,
            self.ordinal,
            fault,
            text(what),
        ];
        keyed(&key)
    }

    fn fly(&mut self, due: Time, parcel: Parcel) {
        if self.load + parcel.bytes.len() > ROOM {
            return self.lose(&parcel);
        }
        self.load += parcel.bytes.len();
        self.ordinal += 1;
        self.flying.insert((due, self.ordinal), parcel);
    }

    /// Whether a cut or hold takes a frame; counts those that do.
    fn is_stopped(&mut self) -> bool {
        let takers = if self.cuts.is_empty() {
            &self.holds
        } else {
            &self.cuts
        };
        for &fault in takers {
            *self.acted.entry(fault).or_default() += 1;
        }
        !takers.is_empty()
    }

    /// Drops or keeps a frame that a cut or hold takes.
    fn stop(&mut self, parcel: Parcel) {
        if !self.cuts.is_empty() {
            self.lose(&parcel);
        } else if let Some(number) = parcel.probe {
            // It has shown what it was sent for.
            self.saw(number, Probe::Held);
        } else if self.load + parcel.bytes.len() <= ROOM {
            self.load += parcel.bytes.len();
            self.held.push_back(parcel);
        }
    }

    fn lose(&mut self, parcel: &Parcel) {
        if let Some(number) = parcel.probe {
            self.saw(number, Probe::Lost);
        }
    }

    /// The frames that leave the link now.
    pub(super) fn arrive(&mut self, now: Time, out: &mut Vec<u8>) {
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let parcel = entry.remove();
            self.load -= parcel.bytes.len();
            if self.is_stopped() {
                self.stop(parcel);
            } else {
                out.extend_from_slice(&parcel.bytes);
            }
        }
    }

    /// When the next frame leaves the link.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.flying.first_key_value().map(|(&(due, _), _)| due)
    }

    pub(super) fn cut(&mut self, fault: FaultId) {
        self.cuts.insert(fault);
        self.probing = None;
    }

    pub(super) fn hold(&mut self, fault: FaultId) {
        self.holds.insert(fault);
        self.probing = None;
    }

    pub(super) fn slow(&mut self, fault: FaultId, effect: &SlowEffect) {
        self.slows.insert(fault, effect.clone());
        self.probing = None;
    }

    /// Ends a fault; what was kept goes on, in order, when nothing keeps it any more.
    pub(super) fn release(&mut self, now: Time, fault: FaultId) {
        let cut = self.cuts.remove(&fault);
        let held = self.holds.remove(&fault);
        if cut || held | self.slows.remove(&fault).is_some() {
            self.probing = None;
        }
        if self.holds.is_empty() {
            for parcel in std::mem::take(&mut self.held) {
                self.load -= parcel.bytes.len();
                self.send(now, parcel);
            }
        }
    }

    pub(super) fn acted(&self, fault: FaultId) -> u64 {
        self.acted.get(&fault).copied().unwrap_or_default()
    }

    /// Begins a probe, unless one is under way since the link last changed and may still arrive.
    pub(super) fn probe(&mut self, now: Time, number: u64) -> bool {
        let is_late = |probing: &Probing| probing.seen.is_none() && now.since(probing.sent) > LATE;
        self.probing.take_if(|probing| is_late(probing));
        if self.probing.is_some() {
            return false;
        }
        self.probing = Some(Probing {
            number,
            sent: now,
            seen: None,
        });
        true
    }

    /// A probe has reached the node.
    pub(super) fn probed(&mut self, now: Time, number: u64) {
        if let Some(sent) = self.probing.map(|probing| probing.sent) {
            self.saw(number, Probe::Arrives(now.since(sent)));
        }
    }

    fn saw(&mut self, number: u64, what: Probe) {
        if let Some(probing) = self
            .probing
            .as_mut()
            .filter(|probing| probing.number == number)
        {
            probing.seen.get_or_insert(what);
        }
    }

    /// What was seen of the probe, if anything; then it is over.
    pub(super) fn seen(&mut self) -> Option<Probe> {
        let seen = self.probing?.seen?;
        self.probing = None;
        Some(seen)
    }
}

/// What slow links do to one frame.
#[derive(Debug, Default)]
struct Passage {
    delay_ns: u64,
    lost: bool,
    overtaken: bool,
    again_ns: Option<u64>,
}

impl Passage {
    /// Adds what one fault does; whether it does anything.
    fn suffer(&mut self, slow: &SlowEffect, kind: LinkKind, draw: impl Fn(&str) -> u64) -> bool {
        let happens = |what, share: u32| below(draw(what), 1_000_000) < u64::from(share);
        let delay = slow.delay_ns + below(draw("jitter"), slow.jitter_ns.saturating_add(1));
        self.delay_ns += delay;
        let lost = happens("loss", slow.loss);
        if kind == LinkKind::Stream {
            if lost {
                self.delay_ns += RETRANSMIT_NS;
            }
            return delay > 0 || lost;
        }
        self.lost |= lost;
        let overtaken = happens("reorder", slow.reorder);
        if overtaken {
            self.overtaken = true;
            self.delay_ns += below(draw("late"), REORDER_NS);
        }
        let again = happens("duplicate", slow.duplicate);
        if again {
            self.again_ns = Some(self.delay_ns + below(draw("again"), REORDER_NS));
        }
        delay > 0 || lost || overtaken || again
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::NodeId;

    use super::*;

    fn link() -> LinkState {
        let (from, to) = (NodeId::at(0), NodeId::at(1));
        LinkState::new(1, Link { from, to })
    }

    fn delay(ms: u64) -> SlowEffect {
        SlowEffect {
            links: Vec::new(),
            delay_ns: ms * 1_000_000,
            jitter_ns: 0,
            loss: 0,
            duplicate: 0,
            reorder: 0,
        }
    }

    fn parcel(byte: u8) -> Parcel {
        Parcel {
            bytes: vec![byte],
            probe: None,
        }
    }

    fn arrived(link: &mut LinkState, ms: u64) -> Vec<u8> {
        let mut out = Vec::new();
        link.arrive(Time::from_millis(ms), &mut out);
        out
    }

    #[test]
    fn what_is_under_way_when_a_fault_begins_is_taken_when_it_arrives() {
        let mut link = link();
        link.slow(1, &delay(10));
        link.send(Time::ZERO, parcel(1));
        link.release(Time::ZERO, 1);
        // A faster one does not overtake.
        link.send(Time::ZERO, parcel(2));
        assert_eq!(link.next_due(), Some(Time::from_millis(10)));
        assert_eq!(arrived(&mut link, 9), [0; 0]);
        link.hold(2);
        assert_eq!(arrived(&mut link, 10), [0; 0]);
        link.send(Time::from_millis(11), parcel(3));
        link.release(Time::from_millis(12), 2);
        assert_eq!(arrived(&mut link, 12), [1, 2, 3]);
        link.slow(3, &delay(10));
        link.send(Time::from_millis(20), parcel(4));
        link.cut(4);
        assert_eq!(arrived(&mut link, 40), [0; 0]);
        link.release(Time::from_millis(50), 4);
        assert_eq!(arrived(&mut link, 60), [0; 0]);
        let acted = [1, 2, 3, 4].map(|fault| link.acted(fault));
        assert_eq!(acted, [1, 3, 1, 1]);
        assert_eq!(link.load, 0);
    }

    #[test]
    fn what_is_held_when_a_cut_still_lasts_is_lost() {
        let mut link = link();
        link.hold(1);
        link.send(Time::ZERO, parcel(1));
        link.cut(2);
        link.release(Time::ZERO, 1);
        link.release(Time::ZERO, 2);
        assert_eq!(arrived(&mut link, 1), [0; 0]);
        assert_eq!((link.acted(1), link.acted(2), link.load), (1, 1, 0));
    }

    #[test]
    fn a_full_link_loses_what_comes_then() {
        let mut link = link();
        link.hold(1);
        for _ in 0..3 {
            let bytes = vec![0; ROOM / 2];
            link.send(Time::ZERO, Parcel { bytes, probe: None });
        }
        link.release(Time::ZERO, 1);
        assert_eq!(arrived(&mut link, 1).len(), ROOM);
    }

    #[test]
    fn a_probe_sees_the_link_as_it_is_now() {
        let mut link = link();
        let probe = |number| Parcel {
            bytes: vec![0],
            probe: Some(number),
        };
        assert!(link.probe(Time::ZERO, 1));
        link.send(Time::ZERO, probe(1));
        assert!(!link.probe(Time::ZERO, 2));
        assert_eq!(link.seen(), None);
        // Whatever was seen before the cut says nothing of it.
        link.cut(7);
        link.probed(Time::from_millis(1), 1);
        assert_eq!(link.seen(), None);
        assert!(link.probe(Time::from_millis(2), 3));
        link.send(Time::from_millis(2), probe(3));
        assert_eq!(link.seen(), Some(Probe::Lost));
        link.release(Time::from_millis(2), 7);
        // One that does not arrive is given up.
        assert!(link.probe(Time::from_millis(3), 4));
        assert!(!link.probe(Time::from_millis(1003), 5));
        assert!(link.probe(Time::from_millis(1004), 6));
        link.probed(Time::from_millis(1005), 4);
        assert_eq!(link.seen(), None);
        link.probed(Time::from_millis(1006), 6);
        assert_eq!(link.seen(), Some(Probe::Arrives(Duration::from_millis(2))));
    }
}
