//! A log on a node's disk that survives lost and torn writes.
//!
//! A crash may lose any of the writes since the last completed sync, or keep only a first part of
//! one. What is read back is the longest prefix of records of which none was lost or torn. Two
//! traps: a record behind a lost one may have survived (it must not come back), and after the
//! restart a new record of the same length may be written just before such a survivor (it must
//! not come back then either). So every record carries a checksum that is chained from the one
//! before it, and every start begins a new chain with a record that holds a random number.

use crate::{Context, Disk};
use polygraph_history::random::{keyed, mix};

/// Length and chained checksum, before each record.
const FRAME: usize = 4 + 8;

/// The last byte of a frame. Never zero: a torn frame that lacked only zeros would be made whole
/// when a later life writes behind it, since gaps in a file read as zeros.
const OPENED: u8 = 1;
const RECORD: u8 = 2;

/// A log, open for appending.
#[derive(Debug)]
pub struct Wal {
    file: &'static str,
    end: u64,
    chain: u64,
}

impl Wal {
    /// Opens a log at start: gives back its records, oldest first, and begins a new chain.
    pub fn open<M>(
        file: &'static str,
        disk: &Disk,
        ctx: &mut Context<'_, M>,
    ) -> (Wal, Vec<Vec<u8>>) {
        let bytes = disk.file(file);
        let mut wal = Wal {
            file,
            end: 0,
            chain: 0,
        };
        let mut records = Vec::new();
        while let Some((kind, payload, chain)) = wal.next(bytes) {
            if kind == RECORD {
                records.push(payload.to_vec());
            }
            wal.end += (FRAME + 1 + payload.len()) as u64;
            wal.chain = chain;
        }
        let nonce = ctx.random("wal");
        wal.push(ctx, OPENED, &nonce.to_le_bytes());
        (wal, records)
    }

    /// Appends a record; it is durable after the next sync that completes.
    pub fn append<M>(&mut self, ctx: &mut Context<'_, M>, record: &[u8]) {
        self.push(ctx, RECORD, record);
    }

    fn push<M>(&mut self, ctx: &mut Context<'_, M>, kind: u8, payload: &[u8]) {
        self.chain = checksum(self.chain, kind, payload);
        let mut bytes = Vec::with_capacity(FRAME + 1 + payload.len());
        let length = u32::try_from(payload.len()).expect("a record is smaller than four gigabytes");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.chain.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes.push(kind);
        let offset = self.end;
        self.end += bytes.len() as u64;
        ctx.write(self.file, offset, bytes);
    }

    /// The record at the end of what was read so far, if it is whole and belongs there.
    fn next<'a>(&self, bytes: &'a [u8]) -> Option<(u8, &'a [u8], u64)> {
        let rest = bytes.get(usize::try_from(self.end).ok()?..)?;
        let length = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let chain = u64::from_le_bytes(rest.get(4..FRAME)?.try_into().ok()?);
        let payload = rest.get(FRAME..FRAME.checked_add(length)?)?;
        let kind = *rest.get(FRAME + length)?;
        (chain == checksum(self.chain, kind, payload)).then_some((kind, payload, chain))
    }
}

/// A checksum of a record, chained from the one before. Against accidents, not against forgers.
fn checksum(chain: u64, kind: u8, payload: &[u8]) -> u64 {
    let mut sum = keyed(&[chain, u64::from(kind), payload.len() as u64]);
    let mut words = payload.chunks_exact(8);
    for word in &mut words {
        sum = mix(sum ^ u64::from_le_bytes(word.try_into().expect("eight bytes")));
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    mix(sum ^ u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use polygraph_history::random::Random;
    use polygraph_history::{NodeId, Time};

    use super::*;
    use crate::{ContextParts, Effect};

    /// A place in a file and what is written there.
    type Write = (u64, Vec<u8>);

    /// Opens the log, appends records, and gives back the writes that this made.
    fn session(bytes: &[u8], key: u64, append: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Write>) {
        let disk = Disk::new(BTreeMap::from([("wal".to_owned(), bytes.to_vec())]));
        let mut effects: Vec<Effect<()>> = Vec::new();
        let parts = ContextParts {
            me: NodeId::at(0),
            nodes: &[],
            wall_ns: 0,
            mono: Time::ZERO,
            random_key: key,
            random_drawn: &mut 0,
        };
        let mut ctx = Context::new(parts, &mut effects);
        let (mut wal, records) = Wal::open("wal", &disk, &mut ctx);
        for record in append {
            wal.append(&mut ctx, record);
        }
        let writes = effects.into_iter().map(|effect| match effect {
            Effect::Write { offset, bytes, .. } => (offset, bytes),
            other => panic!("{other:?}"),
        });
        (records, writes.collect())
    }

    fn put(image: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
        let (from, to) = (offset as usize, offset as usize + bytes.len());
        if image.len() < to {
            image.resize(to, 0);
        }
        image[from..to].copy_from_slice(bytes);
    }

    /// Many lives, each of which syncs some records and then loses or tears a subset of the rest:
    /// what is read back is always everything synced, then records in order without a gap, and
    /// never one that an earlier life had lost.
    #[test]
    fn what_is_lost_does_not_come_back() {
        for seed in 0..2000 {
            let mut random = Random::keyed(&[seed]);
            let (mut image, mut kept) = (Vec::new(), Vec::<Vec<u8>>::new());
            for life in 0..6 {
                let count = random.below(5) as usize;
                // Equal records in all lives: only the chain tells them apart.
                let records: Vec<_> = (0..count).map(|n| vec![(n * (n % 2)) as u8; 3]).collect();
                let (read, writes) = session(&image, keyed(&[seed, life]), &records);
                assert_eq!(read, kept, "seed {seed}, life {life}");
                let synced = random.below(writes.len() as u64 + 1) as usize;
                for (at, (offset, bytes)) in writes.iter().enumerate() {
                    let survives = match random.below(3) {
                        _ if at < synced => bytes.len(),
                        0 => bytes.len(),
                        1 => random.below(bytes.len() as u64) as usize,
                        _ => continue,
                    };
                    put(&mut image, *offset, &bytes[..survives]);
                }
                let is_whole = |(offset, bytes): &(u64, Vec<u8>)| {
                    image.get(*offset as usize..*offset as usize + bytes.len()) == Some(bytes)
                };
                let whole = writes.iter().take_while(|write| is_whole(write)).count();
                kept.extend_from_slice(&records[..whole.saturating_sub(1)]);
            }
        }
    }
}
