//! The invariants of Raft (figure 3 of the paper), looked at after every handler of every node.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use polygraph_cluster::{Disk, Node, RequestId, SyncFailed, SyncId, Timer};
use polygraph_history::{NodeId, Op};

use super::super::config::Config;
use super::super::message::{Entry, Message};
use super::super::raft::{Ctx, Raft};

/// What was seen of all nodes.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Who led each term.
    leaders: BTreeMap<u64, NodeId>,
    /// Every entry by index and term, with the term of the one before it.
    entries: BTreeMap<(u64, u64), (u64, Entry)>,
    /// What was applied at each index by whoever was first, and the term that node was in.
    applied: Vec<(u64, Entry)>,
    /// Which invariants were violated, and how.
    pub(super) violations: Vec<String>,
    /// Elections won.
    pub(super) elections: usize,
}

/// A node that is watched.
pub(super) struct Watched {
    raft: Raft,
    me: NodeId,
    record: Rc<RefCell<Record>>,
    /// Its log, as it was when last seen.
    log: Vec<Entry>,
    applied: u64,
    led: Option<u64>,
}

impl Watched {
    pub(super) fn new(config: Config, me: NodeId, record: Rc<RefCell<Record>>) -> Watched {
        Watched {
            raft: Raft::new(config, me),
            me,
            record,
            log: Vec::new(),
            applied: 0,
            led: None,
        }
    }

    fn look(&mut self) {
        let record = &mut *self.record.borrow_mut();
        record.see_log(&mut self.log, &self.raft);
        record.see_applied(&mut self.applied, &self.raft, self.me);
        let leads = self.raft.leadership();
        if leads.is_some() && leads != self.led {
            record.see_leader(&self.raft, self.me);
        }
        self.led = leads;
    }
}

impl Record {
    fn violated(&mut self, what: String) {
        if self.violations.len() < 10 {
            self.violations.push(what);
        }
    }

    /// Log matching: the same index and term mean the same entry and the same log before it.
    fn see_log(&mut self, seen: &mut Vec<Entry>, raft: &Raft) {
        let storage = raft.storage();
        let last = storage.last().index;
        let term = |index| storage.position(index).map(|position| position.term);
        // The same term at the same index in two states of one log: the same before it.
        let mut same = last.min(seen.len() as u64);
        while same > 0 && Some(seen[same as usize - 1].term) != term(same) {
            same -= 1;
        }
        seen.truncate(same as usize);
        for index in same + 1..=last {
            let entry = storage.entry(index).expect("it is in the log").clone();
            let before = term(index - 1).expect("it is in the log");
            if before > entry.term {
                self.violated(format!("terms fall at {index}"));
            }
            let known = self
                .entries
                .entry((index, entry.term))
                .or_insert_with(|| (before, entry.clone()));
            if *known != (before, entry.clone()) {
                let what = format!("log matching: two entries at {index} of {}", entry.term);
                self.violated(what);
            }
            seen.push(entry);
        }
    }

    /// State machine safety: no two nodes apply different entries at one index.
    fn see_applied(&mut self, applied: &mut u64, raft: &Raft, me: NodeId) {
        while *applied < raft.applied {
            *applied += 1;
            let Some(entry) = raft.storage().entry(*applied) else {
                self.violated(format!("{me} applies {applied}, which it does not have"));
                continue;
            };
            match self.applied.get(*applied as usize - 1) {
                None => self.applied.push((raft.term(), entry.clone())),
                Some((_, other)) if other == entry => {}
                Some(_) => self.violated(format!("{me} applies another entry at {applied}")),
            }
        }
    }

    /// Election safety: one leader in a term. Leader completeness: it has all that
    /// was committed in earlier terms; whoever is elected late need not have what a later term has.
    fn see_leader(&mut self, raft: &Raft, me: NodeId) {
        self.elections += 1;
        let term = raft.term();
        let first = *self.leaders.entry(term).or_insert(me);
        if first != me {
            self.violated(format!("{first} and {me} lead {term}"));
        }
        let storage = raft.storage();
        let lacks = (1..)
            .zip(&self.applied)
            .find(|(index, (committed, entry))| {
                *committed < term && storage.entry(*index).map(|own| own.term) != Some(entry.term)
            });
        if let Some((index, _)) = lacks {
            self.violated(format!("{me} leads {term} without committed entry {index}"));
        }
    }
}

impl Node for Watched {
    type Message = Message;

    fn start(&mut self, disk: &Disk, ctx: &mut Ctx<'_>) {
        self.raft.start(disk, ctx);
        self.look();
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        self.raft.on_message(from, message, ctx);
        self.look();
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Ctx<'_>) {
        self.raft.on_request(request, op, ctx);
        self.look();
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        self.raft.on_timer(timer, ctx);
        self.look();
    }

    fn on_synced(&mut self, sync: SyncId, result: Result<(), SyncFailed>, ctx: &mut Ctx<'_>) {
        self.raft.on_synced(sync, result, ctx);
        self.look();
    }

    fn leadership(&self) -> Option<u64> {
        self.raft.leadership()
    }
}
