//! What a node does not forget: its log and its epoch, in a write-ahead log on its disk.

use std::collections::VecDeque;

use polygraph_cluster::wal::Wal;
use polygraph_cluster::{Context, Disk, SyncId};
use serde::{Deserialize, Serialize};

use super::epoch::{Epoch, Reign};
use super::log::{Command, Log};

/// A record of the journal.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    /// Entries go to the end of the log.
    Append(Reign, Vec<Command>),
    /// The log ends there from now on.
    Truncate(u64),
    /// Another node leads.
    Follow(Epoch),
    /// This node leads.
    Lead(Reign),
}

/// What a node knew when it died.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) log: Log,
    /// The last epoch that it followed or led, if any.
    pub(super) epoch: Option<Epoch>,
    /// Its own reign, if it led when it died.
    pub(super) reign: Option<Reign>,
}

/// The journal, open. Records are durable when a sync that came after them is.
#[derive(Debug)]
pub(super) struct Journal {
    wal: Wal,
    syncs: u64,
    /// The syncs under way, each with the number of log entries that it makes durable.
    under_way: VecDeque<(SyncId, u64)>,
}

impl Journal {
    /// Opens the journal, and recalls what is in it.
    pub(super) fn open<M>(disk: &Disk, ctx: &mut Context<'_, M>) -> (Journal, Memory) {
        let (wal, records) = Wal::open("journal", disk, ctx);
        let mut memory = Memory {
            log: Log::default(),
            epoch: None,
            reign: None,
        };
        for record in records {
            match postcard::from_bytes(&record) {
                Ok(record) => memory.recall(record),
                Err(error) => ctx.halt(format!("a record of the journal is none: {error}")),
            }
        }
        let journal = Journal {
            wal,
            syncs: 0,
            under_way: VecDeque::new(),
        };
        (journal, memory)
    }

    fn write<M>(&mut self, record: &Record, ctx: &mut Context<'_, M>) {
        let bytes = postcard::to_stdvec(record).expect("records are plain data");
        self.wal.append(ctx, &bytes);
    }

    /// Entries go to the end of the log.
    pub(super) fn append<M>(
        &mut self,
        reign: Reign,
        commands: Vec<Command>,
        ctx: &mut Context<'_, M>,
    ) {
        self.write(&Record::Append(reign, commands), ctx);
    }

    /// The log ends there from now on.
    pub(super) fn truncate<M>(&mut self, to: u64, ctx: &mut Context<'_, M>) {
        self.write(&Record::Truncate(to), ctx);
        for (_, entries) in &mut self.under_way {
            *entries = (*entries).min(to);
        }
    }

    /// Another node leads.
    pub(super) fn follow<M>(&mut self, epoch: Epoch, ctx: &mut Context<'_, M>) {
        self.write(&Record::Follow(epoch), ctx);
    }

    /// This node leads, once the record is durable.
    pub(super) fn lead<M>(&mut self, reign: Reign, ctx: &mut Context<'_, M>) {
        self.write(&Record::Lead(reign), ctx);
    }

    /// Makes everything so far durable, `entries` log entries among it.
    pub(super) fn sync<M>(&mut self, entries: u64, ctx: &mut Context<'_, M>) -> SyncId {
        self.syncs += 1;
        let sync = SyncId(self.syncs);
        self.under_way.push_back((sync, entries));
        ctx.sync(sync);
        sync
    }

    /// A sync is done, and with it all before; gives back how many entries are durable now.
    pub(super) fn synced(&mut self, sync: SyncId) -> u64 {
        let mut entries = 0;
        while let Some(&(first, covered)) = self.under_way.front() {
            if first > sync {
                break;
            }
            entries = covered;
            self.under_way.pop_front();
        }
        entries
    }
}

impl Memory {
    fn recall(&mut self, record: Record) {
        match record {
            Record::Append(reign, commands) => {
                for command in commands {
                    self.log.push(reign, command);
                }
            }
            Record::Truncate(to) => self.log.truncate(to),
            Record::Follow(epoch) => {
                self.epoch = Some(epoch);
                self.reign = None;
            }
            Record::Lead(reign) => {
                self.epoch = Some(reign.epoch);
                self.reign = Some(reign);
            }
        }
    }
}
