//! Vector clocks over many chains, of which most agree in most places.
//!
//! A clock is a row of references to chunks of entries. Clocks that agree on a chunk mostly share
//! it, so that clocks over ten thousands of sessions, most of them long over, are joined and kept
//! in a fraction of their size. What nobody refers to any more is used again.

/// The chunk of zeros.
const ZERO: u32 = 0;

/// A clock that was kept.
pub(super) type Row = u32;

pub(super) struct Clocks {
    /// The binary logarithm of the number of entries of a chunk.
    shift: u32,
    /// How many chunks a clock has.
    width: usize,
    entries: Vec<u32>,
    references: Vec<u32>,
    free: Vec<u32>,
    rows: Vec<u32>,
    free_rows: Vec<Row>,
}

/// The clock that is being made.
pub(super) struct Clock {
    chunks: Vec<u32>,
}

impl Clocks {
    /// Clocks over so many chains.
    pub(super) fn new(chains: usize) -> Clocks {
        let size = match chains {
            0..=64 => chains.next_power_of_two().max(8),
            // Rows and chunks of about the same length.
            _ => chains.isqrt().next_power_of_two(),
        };
        Clocks {
            shift: size.trailing_zeros(),
            width: chains.div_ceil(size).max(1),
            entries: vec![0; size],
            references: vec![1],
            free: Vec::new(),
            rows: Vec::new(),
            free_rows: Vec::new(),
        }
    }

    /// A clock at zero.
    pub(super) fn clock(&self) -> Clock {
        Clock {
            chunks: vec![ZERO; self.width],
        }
    }

    /// How many chunks a clock has.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// The chains of a chunk.
    pub(super) const fn chains(&self, chunk: usize) -> std::ops::Range<u32> {
        (chunk << self.shift) as u32..((chunk + 1) << self.shift) as u32
    }

    /// The chunk that a chain is in.
    pub(super) const fn chunk_of(&self, chain: u32) -> usize {
        (chain >> self.shift) as usize
    }

    fn entry(&self, chunk: u32, chain: u32) -> u32 {
        let within = chain as usize & ((1 << self.shift) - 1);
        self.entries[((chunk as usize) << self.shift) + within]
    }

    /// The entry of a chain in the clock that is being made.
    pub(super) fn get(&self, clock: &Clock, chain: u32) -> u32 {
        self.entry(clock.chunks[self.chunk_of(chain)], chain)
    }

    /// The entry of a chain in a clock that was kept.
    pub(super) fn kept(&self, row: Row, chain: u32) -> u32 {
        let place = row as usize * self.width + self.chunk_of(chain);
        self.entry(self.rows[place], chain)
    }

    /// Whether two clocks share a chunk.
    pub(super) fn share(&self, clock: &Clock, row: Row, chunk: usize) -> bool {
        clock.chunks[chunk] == self.rows[row as usize * self.width + chunk]
    }

    /// The greater of each two entries.
    pub(super) fn join(&mut self, clock: &mut Clock, row: Row) {
        let size = 1 << self.shift;
        let first = row as usize * self.width;
        for (at, own) in clock.chunks.iter_mut().enumerate() {
            let other = self.rows[first + at];
            if *own == other || other == ZERO {
                continue;
            }
            if *own == ZERO {
                self.references[other as usize] += 1;
                *own = other;
                continue;
            }
            let (a, b) = (*own as usize * size, other as usize * size);
            let (mut below, mut above) = (true, true);
            for place in 0..size {
                below &= self.entries[b + place] <= self.entries[a + place];
                above &= self.entries[a + place] <= self.entries[b + place];
            }
            if below {
                continue;
            }
            if above {
                self.references[other as usize] += 1;
                let old = std::mem::replace(own, other);
                release(&mut self.references, &mut self.free, old);
                continue;
            }
            let target = self.own(own) as usize * size;
            for place in 0..size {
                let greater = self.entries[target + place].max(self.entries[b + place]);
                self.entries[target + place] = greater;
            }
        }
    }

    /// Sets one entry.
    pub(super) fn set(&mut self, clock: &mut Clock, chain: u32, entry: u32) {
        let chunk = self.chunk_of(chain);
        let target = (self.own(&mut clock.chunks[chunk]) as usize) << self.shift;
        let within = chain as usize & ((1 << self.shift) - 1);
        self.entries[target + within] = entry;
    }

    /// Makes a chunk one that nobody else refers to.
    fn own(&mut self, chunk: &mut u32) -> u32 {
        if *chunk != ZERO && self.references[*chunk as usize] == 1 {
            return *chunk;
        }
        let size = 1 << self.shift;
        let from = *chunk as usize * size;
        let fresh = match self.free.pop() {
            Some(fresh) => {
                self.entries
                    .copy_within(from..from + size, fresh as usize * size);
                fresh
            }
            None => {
                self.entries.extend_from_within(from..from + size);
                self.references.push(0);
                self.references.len() as u32 - 1
            }
        };
        self.references[fresh as usize] = 1;
        release(&mut self.references, &mut self.free, *chunk);
        *chunk = fresh;
        fresh
    }

    /// Keeps a clock, and sets it to zero.
    pub(super) fn keep(&mut self, clock: &mut Clock) -> Row {
        let row = match self.free_rows.pop() {
            Some(row) => {
                let first = row as usize * self.width;
                self.rows[first..first + self.width].copy_from_slice(&clock.chunks);
                row
            }
            None => {
                self.rows.extend_from_slice(&clock.chunks);
                (self.rows.len() / self.width) as Row - 1
            }
        };
        clock.chunks.fill(ZERO);
        row
    }

    /// Forgets a clock that was kept.
    pub(super) fn forget(&mut self, row: Row) {
        let first = row as usize * self.width;
        for place in first..first + self.width {
            release(&mut self.references, &mut self.free, self.rows[place]);
        }
        self.free_rows.push(row);
    }

    /// Goes on with a clock that was kept, which is forgotten. The clock must be at zero.
    pub(super) fn take(&mut self, clock: &mut Clock, row: Row) {
        let first = row as usize * self.width;
        clock
            .chunks
            .copy_from_slice(&self.rows[first..first + self.width]);
        self.free_rows.push(row);
    }

    /// Sets a clock to zero.
    pub(super) fn reset(&mut self, clock: &mut Clock) {
        for chunk in &mut clock.chunks {
            release(&mut self.references, &mut self.free, *chunk);
            *chunk = ZERO;
        }
    }
}

/// One reference less to a chunk. The one of zeros stays.
fn release(references: &mut [u32], free: &mut Vec<u32>, chunk: u32) {
    if chunk == ZERO {
        return;
    }
    let count = &mut references[chunk as usize];
    *count -= 1;
    if *count == 0 {
        free.push(chunk);
    }
}
