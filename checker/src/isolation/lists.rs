//! Transactions that append to lists and read them whole, as a data model.
//!
//! Every edge holds in every order that explains the history, because lists only grow and a read
//! shows all that was appended before it:
//! - *ww* from an element to the next of the order, and from the last to those never read;
//! - *wr* from an element to who read it; *rw* from a read to what it lacks.
//!
//! For lists as in Elle, section 4.
//!
//! **Invariant:** if no read is wrong by itself (`direct`), and no element has two appends, the
//! graph of all edges has a cycle exactly if no order explains the history: in any topological
//! order the appends of a list come in the order of its longest read, each transaction's
//! together, and each read between the right two.

use polygraph_history::{History, Outcome};

use crate::graph::Labels;

use super::access::{Access, LAST};
use super::direct::{self, Findings};
use super::model::Model;
use super::orders::Orders;
use super::participants::Participants;
use super::relations::{RW, Relations, WR, WW};
use super::view::{NONE, View};
use super::{Because, Evidence, witness};

/// A history of lists: its transactions by number, the orders of its lists, and who took part.
pub(super) struct Lists<'h> {
    pub(super) view: View<'h>,
    pub(super) orders: Orders,
    participants: Participants<'h>,
}

impl<'h> Lists<'h> {
    /// Looks at a history.
    ///
    /// # Errors
    /// Why it is not a history of transactions over lists.
    pub(super) fn new(history: &'h History) -> Result<Lists<'h>, String> {
        let view = View::new(history)?;
        let (orders, committed) = Orders::new(&view);
        let operation = view.txns.iter().map(|txn| txn.operation).collect();
        Ok(Lists {
            participants: Participants::new(history, operation, committed),
            view,
            orders,
        })
    }
}

impl Model for Lists<'_> {
    fn algorithm(&self) -> &'static str {
        "list-append-cycles"
    }

    fn participants(&self) -> &Participants<'_> {
        &self.participants
    }

    fn relations(&self) -> Relations {
        let view = &self.view;
        let edges = view.reads.len() * 2 + view.appends.len();
        let mut builder = Builder {
            view,
            orders: &self.orders,
            authors: vec![NONE; self.orders.states()],
            relations: Relations::new(view.txns.len() as u32, edges),
        };
        builder.appends();
        builder.reads();
        builder.relations
    }

    fn find_direct(&self, findings: &mut Findings) {
        direct::find(&self.view, &self.orders, findings);
    }

    fn because(&self, from: u32, to: u32, label: Labels, at: Option<u32>) -> Option<Because> {
        witness::because(&self.view, &self.orders, from, to, label, at)
    }

    fn writes_something(&self, txn: u32) -> bool {
        !self.view.appends_of(txn).is_empty()
    }

    fn write_a_common_key(&self, one: u32, other: u32) -> bool {
        let key = |append: u32| self.view.appends[append as usize].key;
        let mut own = self.view.appends_of(one);
        own.any(|append| {
            self.view
                .appends_of(other)
                .any(|also| key(also) == key(append))
        })
    }

    /// Of acknowledged transactions, along lists of which no read contradicts another.
    fn writes(&self) -> Relations {
        let view = &self.view;
        let mut contradictory = vec![false; view.keys.len()];
        for (at, read) in view.reads.iter().enumerate() {
            contradictory[read.key as usize] |= !self.orders.fits[at];
        }
        let author = |append: u32| view.appends[append as usize].txn;
        let acknowledged =
            |append: &u32| view.txns[author(*append) as usize].outcome == Outcome::Ok;
        let mut relations = Relations::new(view.txns.len() as u32, view.appends.len());
        for key in (0..view.keys.len() as u32).filter(|&key| !contradictory[key as usize]) {
            let mut last = NONE;
            for append in self.orders.known(view, key).filter(acknowledged) {
                if last != NONE {
                    relations.add(last, author(append), WW);
                }
                last = author(append);
            }
            if last != NONE {
                for append in self.orders.unobserved(key).filter(acknowledged) {
                    relations.add(last, author(append), WW);
                }
            }
        }
        relations
    }

    fn accesses(&self, txn: u32, out: &mut Vec<Access>) -> bool {
        let (view, orders) = (&self.view, &self.orders);
        let author = |append: u32| view.appends[append as usize].txn;
        let first = out.len();
        for at in view.reads_of(txn).filter(|&at| orders.fits[at as usize]) {
            let read = &view.reads[at as usize];
            let length = read.len();
            // Only the last element of a read tells which version it is.
            let last = orders.last_of_state(view, read.key, length);
            out.push(Access {
                position: read.position,
                key: read.key,
                version: length as u32,
                write: false,
                of: last.map_or(NONE, author),
            });
        }
        for at in view.appends_of(txn) {
            let append = &view.appends[at as usize];
            if view.elements[append.element as usize].only_append() != Some(at) {
                continue;
            }
            let place = orders.position[append.element as usize];
            let before = match place {
                NONE => orders.elements(append.key).len(),
                place => place as usize,
            };
            out.push(Access {
                position: append.position,
                key: append.key,
                version: if place == NONE { LAST } else { place + 1 },
                write: true,
                of: orders
                    .known_before(view, append.key, before)
                    .map_or(NONE, author),
            });
        }
        out[first..].sort_unstable_by_key(|access| access.position);
        true
    }

    fn unordered(&self) -> Vec<(u32, Vec<u32>)> {
        let view = &self.view;
        let groups = (0..view.keys.len() as u32).map(|key| {
            let appends = self.orders.unobserved(key);
            let mut authors: Vec<u32> = appends
                .map(|append| view.appends[append as usize].txn)
                .collect();
            authors.sort_unstable();
            authors.dedup();
            (key, authors)
        });
        groups.filter(|(_, authors)| authors.len() > 1).collect()
    }

    fn fractured(&self, reader: u32, writer: u32, later: bool) -> Option<Evidence> {
        let view = &self.view;
        let mut accesses = Vec::new();
        self.accesses(reader, &mut accesses);
        let read_at = |position: u32| {
            let mut reads = view.reads_of(reader);
            reads.find(|&read| view.reads[read as usize].position == position)
        };
        let reads = || accesses.iter().filter(|access| !access.write);
        for seen in reads().filter(|seen| seen.of == writer) {
            for missed in view.appends_of(writer) {
                let append = &view.appends[missed as usize];
                let place = self.orders.position[append.element as usize];
                let missing = reads().find(|access| {
                    access.key == append.key
                        && (place == NONE || access.version <= place)
                        && access.position != seen.position
                        && (!later || seen.position < access.position)
                });
                if let Some(missing) = missing {
                    let last = self
                        .orders
                        .last_of_state(view, seen.key, seen.version as usize)?;
                    return Some(Evidence::Fractured {
                        seen: view.at_read(read_at(seen.position)?),
                        write: view.at_append(last),
                        missing: view.at_read(read_at(missing.position)?),
                        missed: view.at_append(missed),
                    });
                }
            }
        }
        None
    }

    fn doubt(&self) -> Option<String> {
        let view = &self.view;
        let several = view.elements.iter().filter(|element| element.appends > 1);
        let count = several.clone().count();
        let append = &view.appends[several.clone().next()?.append as usize];
        Some(format!(
            "{count} elements were appended more than once, the first of them {} to {}: who \
             appended what was read cannot be known",
            append.value, view.keys[append.key as usize]
        ))
    }

    fn opportunities(&self) -> u64 {
        self.participants.timeline().opportunities(&self.view)
    }
}

struct Builder<'v, 'h> {
    view: &'v View<'h>,
    orders: &'v Orders,
    /// Of each position of each list, numbered like its states, the transaction that certainly
    /// appended what stands there, or [`NONE`].
    authors: Vec<u32>,
    relations: Relations,
}

impl Builder<'_, '_> {
    fn author(&self, append: u32) -> u32 {
        self.view.appends[append as usize].txn
    }

    /// *ww*: along the order of each list.
    fn appends(&mut self) {
        for key in 0..self.view.keys.len() as u32 {
            let mut last = NONE;
            for (position, append) in self.orders.known_at_positions(self.view, key) {
                let author = self.author(append);
                self.authors[self.orders.state(key, position)] = author;
                if last != NONE {
                    self.relations.add(last, author, WW);
                }
                last = author;
            }
            if last != NONE {
                for append in self.orders.unobserved(key) {
                    self.relations.add(last, self.author(append), WW);
                }
            }
        }
    }

    /// *wr* and *rw*: from the states that were read.
    fn reads(&mut self) {
        let (view, orders) = (self.view, self.orders);
        // Readers of everything that the longest read shows, of lists with appends beyond.
        let mut full: Vec<(u32, u32)> = Vec::new();
        let beyond: Vec<bool> = (0..view.keys.len() as u32)
            .map(|key| orders.unobserved(key).next().is_some())
            .collect();
        for (at, read) in view.reads.iter().enumerate() {
            if !orders.fits[at] {
                self.misfit(at as u32);
                continue;
            }
            let first = orders.state(read.key, 0);
            let (before, from) = orders.known_around(first + read.len());
            if before != NONE {
                let author = self.authors[first + before as usize];
                self.relations.add(author, read.txn, WR);
            }
            if from != NONE {
                let author = self.authors[first + from as usize];
                self.relations.add(read.txn, author, RW);
            } else if beyond[read.key as usize] {
                full.push((read.key, read.txn));
            }
        }
        full.sort_unstable();
        full.dedup();
        for readers in full.chunk_by(|a, b| a.0 == b.0) {
            let mut authors: Vec<u32> = orders
                .unobserved(readers[0].0)
                .map(|append| self.author(append))
                .collect();
            authors.sort_unstable();
            authors.dedup();
            let readers: Vec<u32> = readers.iter().map(|&(_, txn)| txn).collect();
            self.relations.add_each(&readers, &authors, RW);
        }
    }

    /// A read that contradicts the order still shows its own elements, and lacks others.
    fn misfit(&mut self, at: u32) {
        let (view, orders) = (self.view, self.orders);
        let read = &view.reads[at as usize];
        let last = read.values().iter().rev().find_map(|value| {
            let element = view.element(read.key, value)?;
            view.elements[element as usize].only_append()
        });
        if let Some(append) = last {
            self.relations.add(self.author(append), read.txn, WR);
        }
        let missed = orders.known(view, read.key).find(|&append| {
            let append = &view.appends[append as usize];
            !read.values().contains(append.value)
        });
        if let Some(append) = missed {
            self.relations.add(read.txn, self.author(append), RW);
        }
    }
}
