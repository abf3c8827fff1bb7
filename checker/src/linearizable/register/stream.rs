//! Zones of a register while events arrive: knows at each event whether what happened so far has
//! an order, where every value is written once.
//!
//! Chains and their zones are those of [`super::zones`]; they only grow. A completion changes one
//! chain, which is compared with those near it.
//!
//! What is kept. Let `oldest` be the start of the oldest read or compare-and-set that is still
//! open, or now if none is: whatever is found from now on is found by an operation that began at
//! `oldest` or later. A chain with a first end is *over* if another one has its first end before
//! `oldest` and its last start after the chain's first end: whoever found a value of it now would
//! stretch it across that other one. In the same way a value is over if an operation further
//! along its chain had ended before `oldest`. Values that are over are forgotten: finding one is a
//! violation, exactly as finding one that was never written. For the same reason a value that is
//! over may be written again. Zones are kept until their first end lies before `oldest`, then
//! only the last start of them all. So what remains are the values of the last writes before
//! `oldest` and of those since, and one small record for each write of unknown outcome that
//! nobody found, which may be found at any time.

use std::collections::BTreeMap;

use polygraph_history::Value;
use rustc_hash::FxHashMap;

/// A moment: the number of an event, from one on; zero is when the initial value was written.
type Moment = u64;

/// What is kept is looked through when it has doubled, and is at least this.
const FEWEST: usize = 2;

/// Not yet, or never.
const NEVER: Moment = u64::MAX;

/// A value, by place.
type Place = usize;

/// A chain, by number; numbers are not used again.
type ChainId = u64;

/// What certainly happened has no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct NoOrder;

/// A value is written for a second time, so that it is not known who wrote what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct WrittenTwice;

/// A value with who wrote, found and replaced it.
#[derive(Debug)]
struct Cluster {
    value: Value,
    /// When its write began, and ended.
    start: Moment,
    end: Moment,
    /// Whether its write may still end: nobody has said yet that its outcome is unknown.
    open: bool,
    /// Whether its write certainly took effect.
    happened: bool,
    /// What it replaced, if it was written by compare-and-set.
    from: Option<Value>,
    /// The first end of those that read it.
    first_end: Moment,
    /// The value that replaced it by compare-and-set.
    next: Option<Place>,
    chain: ChainId,
}

#[derive(Clone, Copy, Debug)]
struct Chain {
    first_end: Moment,
    last_start: Moment,
    /// The first of its values that is kept.
    head: Place,
}

/// A register of which everything so far is known.
#[derive(Debug)]
pub(in crate::linearizable) struct Stream {
    places: FxHashMap<Value, Place>,
    clusters: Vec<Option<Cluster>>,
    free: Vec<Place>,
    chains: FxHashMap<ChainId, Chain>,
    next_chain: ChainId,
    /// Chains with a first end, by that.
    zones: BTreeMap<Moment, ChainId>,
    /// Those of them whose last start is later.
    forward: BTreeMap<Moment, ChainId>,
    /// The latest start of zones that are not kept any more.
    floor: Moment,
    /// What was last kept decides when to look again.
    kept: usize,
}

impl Stream {
    /// Nothing happened yet.
    pub(in crate::linearizable) fn new() -> Stream {
        let mut stream = Stream {
            places: FxHashMap::default(),
            clusters: Vec::new(),
            free: Vec::new(),
            chains: FxHashMap::default(),
            next_chain: 0,
            zones: BTreeMap::new(),
            forward: BTreeMap::new(),
            floor: 0,
            kept: FEWEST,
        };
        let place = stream.add(Value::Null, 0, None);
        let initial = stream.cluster(place);
        (initial.end, initial.open, initial.happened) = (0, false, true);
        let chain = stream.clusters[place].as_ref().map_or(0, |c| c.chain);
        stream.grow(chain, 0, 0);
        stream
    }

    /// How many values are kept.
    pub(in crate::linearizable) fn len(&self) -> usize {
        self.places.len()
    }

    /// Somebody begins to write a value, in place of another if it is a compare-and-set. `oldest`
    /// is as for [`Stream::tidy`].
    pub(in crate::linearizable) fn begin(
        &mut self,
        value: &Value,
        from: Option<&Value>,
        now: Moment,
        oldest: Moment,
    ) -> Result<(), WrittenTwice> {
        if self.places.contains_key(value) {
            self.forget_what_is_over(oldest);
        }
        if *value == Value::Null || self.places.contains_key(value) {
            return Err(WrittenTwice);
        }
        self.add(value.clone(), now, from.cloned());
        Ok(())
    }

    /// The write of a value took place.
    pub(in crate::linearizable) fn wrote(
        &mut self,
        value: &Value,
        now: Moment,
    ) -> Result<(), NoOrder> {
        let place = *self.places.get(value).ok_or(NoOrder)?;
        let cluster = self.cluster(place);
        (cluster.end, cluster.open) = (now, false);
        if cluster.happened {
            // Somebody had found it already; the chain does not change.
            return Ok(());
        }
        let start = cluster.start;
        self.happen(place)?;
        let chain = self.cluster(place).chain;
        self.change(chain, start, now)
    }

    /// The write of a value did not take place and never will.
    pub(in crate::linearizable) fn refused(&mut self, value: &Value) -> Result<(), NoOrder> {
        let place = *self.places.get(value).ok_or(NoOrder)?;
        let cluster = self.cluster(place);
        if cluster.happened {
            return Err(NoOrder);
        }
        let chain = cluster.chain;
        self.chains.remove(&chain);
        self.forget(place);
        Ok(())
    }

    /// Whether the write of a value takes place will not be said.
    pub(in crate::linearizable) fn undecided(&mut self, value: &Value) {
        if let Some(&place) = self.places.get(value) {
            self.cluster(place).open = false;
        }
    }

    /// Somebody found a value who had begun at `start`.
    pub(in crate::linearizable) fn found(
        &mut self,
        value: &Value,
        start: Moment,
        now: Moment,
    ) -> Result<(), NoOrder> {
        let place = *self.places.get(value).ok_or(NoOrder)?;
        self.happen(place)?;
        // Nobody further along the chain may have ended before.
        let mut later = self.cluster(place).next;
        while let Some(at) = later {
            let cluster = self.cluster(at);
            if cluster.end < start || cluster.first_end < start {
                return Err(NoOrder);
            }
            later = cluster.next;
        }
        let cluster = self.cluster(place);
        cluster.first_end = cluster.first_end.min(now);
        let chain = cluster.chain;
        self.change(chain, start, now)
    }

    /// Forgets what is over, now and then. `oldest` is when the oldest operation began that may
    /// still find something.
    pub(in crate::linearizable) fn tidy(&mut self, oldest: Moment) {
        if self.places.len() + self.chains.len() < 2 * self.kept {
            return;
        }
        self.forget_what_is_over(oldest);
        self.kept = FEWEST.max(self.places.len() + self.chains.len());
    }

    fn forget_what_is_over(&mut self, oldest: Moment) {
        self.forget_beginnings(oldest);
        self.forget_chains(oldest);
    }

    fn cluster(&mut self, place: Place) -> &mut Cluster {
        self.clusters[place]
            .as_mut()
            .expect("places that are named are kept")
    }

    fn add(&mut self, value: Value, start: Moment, from: Option<Value>) -> Place {
        let chain = self.next_chain;
        self.next_chain += 1;
        let cluster = Cluster {
            value: value.clone(),
            start,
            end: NEVER,
            open: true,
            happened: false,
            from,
            first_end: NEVER,
            next: None,
            chain,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.clusters[place] = Some(cluster);
                place
            }
            None => {
                self.clusters.push(Some(cluster));
                self.clusters.len() - 1
            }
        };
        self.places.insert(value, place);
        let fresh = Chain {
            first_end: NEVER,
            last_start: 0,
            head: place,
        };
        self.chains.insert(chain, fresh);
        place
    }

    fn forget(&mut self, place: Place) {
        if let Some(cluster) = self.clusters[place].take() {
            self.places.remove(&cluster.value);
            self.free.push(place);
        }
    }

    /// The write of a value certainly took effect, and so whatever it replaced had been written.
    fn happen(&mut self, place: Place) -> Result<(), NoOrder> {
        let mut place = place;
        loop {
            let cluster = self.cluster(place);
            if std::mem::replace(&mut cluster.happened, true) {
                return Ok(());
            }
            let (start, chain) = (cluster.start, cluster.chain);
            let from = cluster.from.clone();
            if let Some(chain) = self.chains.get_mut(&chain) {
                chain.last_start = chain.last_start.max(start);
            }
            let Some(from) = from else { return Ok(()) };
            let before = *self.places.get(&from).ok_or(NoOrder)?;
            self.link(before, place)?;
            place = before;
        }
    }

    /// One value was replaced by the other.
    fn link(&mut self, before: Place, after: Place) -> Result<(), NoOrder> {
        let moved = self.cluster(after).chain;
        let cluster = self.cluster(before);
        let kept = cluster.chain;
        if cluster.next.is_some() || kept == moved {
            return Err(NoOrder);
        }
        cluster.next = Some(after);
        let later = self.take(moved);
        let earlier = self.chains[&kept];
        if earlier.last_start > later.first_end {
            return Err(NoOrder);
        }
        let mut place = Some(after);
        while let Some(at) = place {
            let cluster = self.cluster(at);
            cluster.chain = kept;
            place = cluster.next;
        }
        self.grow(kept, later.last_start, later.first_end);
        Ok(())
    }

    /// A chain that is one no more.
    fn take(&mut self, chain: ChainId) -> Chain {
        let taken = self.chains.remove(&chain).expect("values are of a chain");
        self.zones.remove(&taken.first_end);
        self.forward.remove(&taken.first_end);
        taken
    }

    /// Adds an operation to a chain.
    fn grow(&mut self, id: ChainId, start: Moment, end: Moment) {
        let chain = self.chains.get_mut(&id).expect("values are of a chain");
        let before = chain.first_end;
        chain.first_end = before.min(end);
        chain.last_start = chain.last_start.max(start);
        let Chain {
            first_end,
            last_start,
            ..
        } = *chain;
        if first_end < before {
            self.zones.remove(&before);
            self.forward.remove(&before);
        }
        if first_end != NEVER {
            self.zones.insert(first_end, id);
            if first_end < last_start {
                self.forward.insert(first_end, id);
            }
        }
    }

    /// Adds an operation to a chain and compares the chain with the others.
    fn change(&mut self, id: ChainId, start: Moment, end: Moment) -> Result<(), NoOrder> {
        self.grow(id, start, end);
        let chain = self.chains[&id];
        // What is not kept any more ended before whatever begins now.
        let over = self.floor > chain.first_end;
        // Those that come to their first end while this one lasts,
        let mut within = if chain.first_end < chain.last_start {
            self.zones.range(chain.first_end + 1..chain.last_start)
        } else {
            self.zones.range(0..0)
        };
        let inside = within.any(|(_, other)| self.chains[other].last_start > chain.first_end);
        // and the one that may last when this one comes to its own.
        let mut until = self.forward.range(..chain.first_end);
        let around = until.next_back().is_some_and(|(_, other)| {
            let other = self.chains[other];
            other.last_start > chain.first_end && other.first_end < chain.last_start
        });
        if over || inside || around {
            Err(NoOrder)
        } else {
            Ok(())
        }
    }

    /// Forgets values that are over for what came after them in their chain.
    fn forget_beginnings(&mut self, oldest: Moment) {
        let ids: Vec<ChainId> = self.chains.keys().copied().collect();
        for id in ids {
            let head = self.chains[&id].head;
            let mut first = head;
            let mut place = self.cluster(head).next;
            while let Some(at) = place {
                let cluster = self.cluster(at);
                if cluster.end < oldest || cluster.first_end < oldest {
                    first = at;
                }
                place = cluster.next;
            }
            let mut at = head;
            while at != first && !self.cluster(at).open {
                let next = self.cluster(at).next.unwrap_or(first);
                self.forget(at);
                at = next;
            }
            if let Some(chain) = self.chains.get_mut(&id) {
                chain.head = at;
            }
        }
    }

    /// Forgets chains that are over, and zones that lie in the past.
    fn forget_chains(&mut self, oldest: Moment) {
        // The two latest starts of those with an early end: no chain is over because of itself.
        let (mut latest, mut second) = ((self.floor, NEVER), self.floor);
        for (&first_end, &id) in self.zones.range(..oldest) {
            debug_assert!(first_end < oldest);
            let start = self.chains[&id].last_start;
            if start > latest.0 {
                second = latest.0;
                latest = (start, id);
            } else {
                second = second.max(start);
            }
        }
        let zones: Vec<(Moment, ChainId)> = self.zones.iter().map(|(&f, &id)| (f, id)).collect();
        for (first_end, id) in zones {
            let others = if latest.1 == id { second } else { latest.0 };
            if others <= first_end || first_end >= oldest {
                continue;
            }
            let chain = self.chains[&id];
            let mut place = Some(chain.head);
            let mut open = false;
            while let Some(at) = place {
                let cluster = self.cluster(at);
                open |= cluster.open;
                place = cluster.next;
            }
            if open {
                continue;
            }
            let mut place = Some(chain.head);
            while let Some(at) = place {
                place = self.cluster(at).next;
                self.forget(at);
            }
            self.take(id);
            self.floor = self.floor.max(chain.last_start);
        }
    }
}
