//! How a configuration came about, for those who ask for the order.
//!
//! Configurations that descend from the same one share their past. What no configuration leads
//! back to any more is thrown away from time to time, so that this grows with the history and
//! with what is still possible, not with everything that was tried.

use super::budget::{Meter, Owner};
use super::config::Config;

const ROOT: u32 = u32::MAX;
/// So many links are kept in any case.
const PATIENCE: usize = if cfg!(test) { 4 } else { 1 << 16 };
/// What it takes for each link to find out which are needed, in bytes.
const SWEEP: u64 = 5;

/// One operation of an order, and what came before it.
#[derive(Clone, Copy)]
struct Link {
    before: u32,
    item: u32,
}

/// The past of all configurations of a search.
pub(super) struct Past {
    owner: Owner,
    links: Vec<Link>,
    /// How many links to allow before the next clearing.
    patience: usize,
}

impl Past {
    /// Where every configuration begins.
    pub(super) const START: u32 = ROOT;

    /// Nothing happened yet.
    pub(super) const fn new(owner: Owner) -> Past {
        Past {
            owner,
            links: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Says that an item took effect in a configuration, last of all.
    #[inline]
    pub(super) fn add<const W: usize, const T: usize>(
        &mut self,
        meter: &mut Meter<'_>,
        config: &mut Config<W, T>,
        item: u32,
    ) {
        if let [past, ..] = &mut config.past[..] {
            let before = *past;
            let link = Link { before, item };
            if meter.push(self.owner, &mut self.links, link) {
                *past = self.links.len() as u32 - 1;
            }
        }
    }

    /// The items that took effect in a configuration, in their order.
    pub(super) fn order<const W: usize, const T: usize>(
        &self,
        config: &Config<W, T>,
    ) -> Option<Vec<usize>> {
        let mut at = *config.past.first()?;
        let mut order = Vec::new();
        while at != ROOT {
            let link = self.links[at as usize];
            order.push(link.item as usize);
            at = link.before;
        }
        order.reverse();
        Some(order)
    }

    /// Whether it is time to throw away what is not needed.
    pub(super) const fn crowded(&self) -> bool {
        self.links.len() >= self.patience
    }

    /// Begins to throw away what is not needed; `None` if there is no room for that.
    pub(super) fn sweep(&self, meter: &mut Meter<'_>) -> Option<Sweep> {
        let room = meter.grow(self.owner, 0, self.links.len() as u64 * SWEEP);
        room.then(|| Sweep {
            needed: vec![false; self.links.len()],
        })
    }

    /// Marks what a configuration needs.
    pub(super) fn mark<const W: usize, const T: usize>(
        &self,
        sweep: &mut Sweep,
        config: &Config<W, T>,
    ) {
        for &past in &config.past {
            let mut at = past;
            while at != ROOT && !std::mem::replace(&mut sweep.needed[at as usize], true) {
                at = self.links[at as usize].before;
            }
        }
    }

    /// Throws away what was not marked; says how the rest is numbered now.
    pub(super) fn finish(&mut self, meter: &mut Meter<'_>, sweep: &Sweep) -> Renumbered {
        meter.shrink(self.owner, self.links.len() as u64 * SWEEP);
        let mut number = vec![ROOT; self.links.len()];
        let mut kept = 0;
        for at in 0..self.links.len() {
            if sweep.needed[at] {
                let Link { before, item } = self.links[at];
                let before = match before {
                    ROOT => ROOT,
                    before => number[before as usize],
                };
                self.links[kept] = Link { before, item };
                number[at] = kept as u32;
                kept += 1;
            }
        }
        self.links.truncate(kept);
        self.patience = PATIENCE.max(2 * kept);
        Renumbered { number }
    }
}

/// What is needed, while it is found out.
pub(super) struct Sweep {
    needed: Vec<bool>,
}

/// The new numbers of pasts.
pub(super) struct Renumbered {
    number: Vec<u32>,
}

impl Renumbered {
    /// Gives a configuration the new number of its past.
    pub(super) fn apply<const W: usize, const T: usize>(&self, config: &mut Config<W, T>) {
        for past in config.past.iter_mut().filter(|past| **past != ROOT) {
            *past = self.number[*past as usize];
        }
    }
}
