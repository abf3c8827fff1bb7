//! What a node must not forget: its term, its vote and its log.
//!
//! Changes are made in memory and go to the write-ahead log together: at most one sync is under
//! way, and whatever comes meanwhile waits for the next (group commit). What others may be told
//! of is only what [`Storage::durable`] and [`Storage::is_state_durable`] say.

use polygraph_cluster::wal::Wal;
use polygraph_cluster::{Context, Disk, SyncId};
use polygraph_history::NodeId;

use super::codec::Record;
use super::message::{Entry, Position};

/// The file of the write-ahead log.
const FILE: &str = "raft";

/// A node's persistent state.
#[derive(Debug)]
pub(super) struct Storage {
    wal: Wal,
    term: u64,
    vote: Option<NodeId>,
    /// How often term or vote changed, and how many of these changes are written and durable.
    states: Progress,
    /// Entry `i` is at place `i - 1`.
    entries: Vec<Entry>,
    /// How much of the log is written and durable.
    log: Progress,
    syncing: bool,
    syncs: u64,
    /// The planted bug: votes are not written.
    forgets_vote: bool,
}

/// How far something has come on its way to the disk.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Handed to the disk.
    written: u64,
    /// Of that, covered by the sync that is under way.
    covered: u64,
    /// Safe.
    durable: u64,
}

impl Progress {
    const fn at(reached: u64) -> Progress {
        Progress {
            written: reached,
            covered: reached,
            durable: reached,
        }
    }

    /// What is beyond this place is void.
    fn cut(&mut self, at: u64) {
        self.written = self.written.min(at);
        self.covered = self.covered.min(at);
        self.durable = self.durable.min(at);
    }
}

impl Storage {
    /// Reads back what the last life of this node made durable.
    pub(super) fn open<M>(disk: &Disk, ctx: &mut Context<'_, M>, forgets_vote: bool) -> Storage {
        let (wal, records) = Wal::open(FILE, disk, ctx);
        let (mut term, mut vote, mut entries) = (0, None, Vec::new());
        for record in records {
            match Record::read(&record) {
                Some(Record::State(at, whom)) => (term, vote) = (at, whom),
                Some(Record::Entries(first, more)) => {
                    entries.truncate(usize::try_from(first - 1).unwrap_or(usize::MAX));
                    entries.extend(more);
                }
                None => {
                    ctx.halt("the write-ahead log holds a record that nobody wrote");
                }
            }
        }
        Storage {
            wal,
            term,
            vote,
            states: Progress::default(),
            log: Progress::at(entries.len() as u64),
            entries,
            syncing: false,
            syncs: 0,
            forgets_vote,
        }
    }

    /// The latest term that the node has heard of.
    pub(super) const fn term(&self) -> u64 {
        self.term
    }

    /// Whom it has voted for in that term.
    pub(super) const fn vote(&self) -> Option<NodeId> {
        self.vote
    }

    /// Begins a term, or votes in it.
    pub(super) fn set_state(&mut self, term: u64, vote: Option<NodeId>) {
        self.term = term;
        self.vote = vote;
        self.states.written += 1;
    }

    /// Whether term and vote are on disk.
    pub(super) const fn is_state_durable(&self) -> bool {
        self.states.durable == self.states.written
    }

    /// Where the log ends.
    pub(super) fn last(&self) -> Position {
        self.position(self.entries.len() as u64)
            .expect("the log has an end")
    }

    /// The entry at an index, counted from 1.
    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    /// The place of an index; `None` beyond the end.
    pub(super) fn position(&self, index: u64) -> Option<Position> {
        let term = match index {
            0 => 0,
            _ => self.entry(index)?.term,
        };
        Some(Position { index, term })
    }

    /// The entries after an index, no more than so many.
    pub(super) fn after(&self, index: u64, most: usize) -> &[Entry] {
        let from = self.entries.len().min(index as usize);
        &self.entries[from..self.entries.len().min(from + most)]
    }

    /// The last index before the entries of the same term as the one at `index`.
    pub(super) fn before_term_at(&self, index: u64) -> u64 {
        match self.entry(index) {
            // Terms never fall along the log.
            Some(entry) => self
                .entries
                .partition_point(|other| other.term < entry.term) as u64,
            None => self.entries.len() as u64,
        }
    }

    /// Adds an entry at the end; gives back its index.
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64
    }

    /// Makes the log after `prev`, which it must hold, the same as the leader's as far as these
    /// entries go. Those that are there stay; from the first that differs on, ours are void.
    /// Whether anything changed.
    pub(super) fn accept(&mut self, prev: u64, entries: &[Entry]) -> bool {
        let known = self.after(prev, entries.len());
        let same = known.iter().zip(entries);
        let same = same.take_while(|(ours, its)| ours.term == its.term).count();
        if same == entries.len() {
            return false;
        }
        let keep = prev + same as u64;
        if keep < self.entries.len() as u64 {
            self.entries.truncate(keep as usize);
            self.log.cut(keep);
        }
        self.entries.extend_from_slice(&entries[same..]);
        true
    }

    /// Up to where the log is on disk.
    pub(super) const fn durable(&self) -> u64 {
        self.log.durable
    }

    /// Hands what has changed to the disk, unless that is still busy with what came before.
    pub(super) fn flush<M>(&mut self, ctx: &mut Context<'_, M>) {
        let last = self.entries.len() as u64;
        let is_state_new = self.states.covered < self.states.written;
        if self.syncing || (self.log.written == last && !is_state_new) {
            return;
        }
        if is_state_new {
            let vote = if self.forgets_vote { None } else { self.vote };
            self.wal.append(ctx, &Record::state(self.term, vote));
            self.states.covered = self.states.written;
        }
        if self.log.written < last {
            let first = self.log.written + 1;
            let entries = &self.entries[self.log.written as usize..];
            self.wal.append(ctx, &Record::entries(first, entries));
            self.log.written = last;
        }
        self.log.covered = last;
        self.syncs += 1;
        self.syncing = true;
        ctx.sync(SyncId(self.syncs));
    }

    /// The sync that was under way is done.
    pub(super) const fn synced(&mut self) {
        self.syncing = false;
        self.states.durable = self.states.covered;
        self.log.durable = self.log.covered;
    }
}
