//! A serial order by one sweep through time, for large histories in which time leaves little to
//! choose.
//!
//! Transactions are taken one after the other, each as soon as what it read is what there is, what
//! it overwrites has been read by all who read it, and whoever ended before it began has been
//! taken. What only reads, or overwrites only what it read, may be taken at once: whatever order
//! completes what was taken, it completes it as well with that one first. Only of blind writes one
//! has to be chosen; it is the one that is due first, by its own end and by the ends of those that
//! read from it. Where that leads nowhere the last choice is taken back.
//!
//! That takes time linear in the history times the number of transactions that are open at once,
//! and a few words a transaction, where the clocks of `graph` take as many as there are clients.
//!
//! An order that is found has yet to be played ([`super::replay`]). Where none is found, nothing
//! has been shown but where to look ([`Stuck`]).

mod doomed;
mod due;
mod rows;
mod stuck;

use rustc_hash::FxHashSet;

use super::problem::Problem;
use super::witness::Moment;
use rows::Rows;

pub use stuck::Stuck;

/// What a sweep comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    /// A serial order that extends sessions and real time.
    Order(Vec<Moment>),
    /// None.
    Stuck(Stuck),
}

/// Stands for *none*.
const NONE: u32 = u32::MAX;

/// How often transactions may be looked at before one more than ever was taken.
const STEPS: u64 = 4_000_000;

/// How far beyond the place where nothing could be taken choices are looked at with care.
const CARE: usize = 64;

/// Looks for a serial order that extends the known orders and real time.
#[must_use]
pub fn sweep(problem: &Problem) -> Swept {
    let mut sweep = Sweep::new(problem);
    match sweep.run() {
        Ok(()) => {
            let taken = sweep.taken.iter();
            let moments = taken.flat_map(|&txn| [Moment::Start(txn), Moment::Commit(txn)]);
            Swept::Order(moments.collect())
        }
        Err(exhausted) => Swept::Stuck(sweep.stuck(exhausted)),
    }
}

/// A blind write that was chosen where others could have been.
#[derive(Clone, Copy)]
struct Choice {
    /// How many had been taken.
    taken: u32,
    /// The one that was chosen, by its due time: those that come after it were not tried yet.
    chosen: (u64, u32),
}

struct Sweep<'a> {
    problem: &'a Problem,
    /// Of each transaction what it read and wrote, as key and version. Versions are the writes of
    /// all keys by number, and after them the initial ones.
    reads: Rows<(u32, u32)>,
    writes: Rows<(u32, u32)>,
    /// Who follows each transaction in a known order, and how many still come before it.
    followers: Rows<u32>,
    leaders: Rows<u32>,
    missing: Vec<u32>,
    /// Of each key the version that there is, of each version the one before it, if it was taken.
    current: Vec<u32>,
    previous: Vec<u32>,
    /// Of each version how many reads of it have not been taken; who read it, and who wrote it.
    readers: Vec<u32>,
    read_by: Rows<u32>,
    writer: Vec<u32>,
    due: Vec<u64>,
    /// Of each version when it has to be there, and from when on its last reader can have begun;
    /// and the versions of each key by the first, with how many of them have been taken before
    /// any other.
    wanted: Vec<u64>,
    needed: Vec<u64>,
    by_wanted: Rows<u32>,
    settled: Vec<u32>,
    version_taken: Vec<bool>,
    by_begin: Vec<u32>,
    by_end: Vec<u32>,
    /// How many of `by_begin` may be looked at, and how many of `by_end` have been taken before
    /// any other.
    entered: usize,
    ended: usize,
    is_taken: Vec<bool>,
    taken: Vec<u32>,
    /// Those that entered and were not taken.
    window: Vec<u32>,
    choices: Vec<Choice>,
    /// What there is and was taken, as a number, and such numbers of which nothing comes.
    state: u64,
    failed: FxHashSet<u64>,
    farthest: usize,
    steps: u64,
}

/// Whether a transaction may be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    Not,
    /// At once: nothing is lost by it.
    Safely,
    /// It writes over what it did not read.
    Blindly,
}

impl<'a> Sweep<'a> {
    fn new(problem: &'a Problem) -> Sweep<'a> {
        let txns = problem.transactions as usize;
        // Where the versions of each key begin.
        let mut first = Vec::with_capacity(problem.keys.len());
        let mut versions = 0u32;
        for register in &problem.keys {
            first.push(versions);
            versions += register.writers.len() as u32;
        }
        let initial = versions;
        let keys = || (0u32..).zip(&problem.keys);
        let writes = keys().flat_map(|(key, register)| {
            let from = first[key as usize];
            let numbered = (from..).zip(&register.writers);
            numbered.map(move |(version, &writer)| (writer, (key, version)))
        });
        let writes = Rows::new(txns, writes);
        let version = |key: u32, from: Option<u32>| match from {
            None => initial + key,
            Some(from) => {
                let mut writes = writes.of(from).iter();
                writes
                    .find(|write| write.0 == key)
                    .map_or(NONE, |&(_, version)| version)
            }
        };
        let reads = keys().flat_map(|(key, register)| {
            let reads = register.reads.iter();
            reads.map(move |read| (read.reader, (key, read.from.unwrap_or(NONE))))
        });
        let mut reads = Rows::new(txns, reads);
        let all = initial as usize + problem.keys.len();
        let mut readers = vec![0; all];
        for read in &mut reads.items {
            read.1 = version(read.0, Some(read.1).filter(|&from| from != NONE));
            readers[read.1 as usize] += 1;
        }
        let pairs = problem.precedes.iter();
        let followers = Rows::new(txns, pairs.map(|pair| (pair.before, pair.after)));
        let pairs = problem.precedes.iter();
        let leaders = Rows::new(txns, pairs.map(|pair| (pair.after, pair.before)));
        let numbers = 0..problem.transactions;
        let by_version = numbers.clone().flat_map(|txn| {
            let reads = reads.of(txn).iter();
            reads.map(move |&(_, version)| (version, txn))
        });
        let read_by = Rows::new(all, by_version);
        let mut writer = vec![NONE; all];
        for txn in numbers {
            for &(_, version) in writes.of(txn) {
                writer[version as usize] = txn;
            }
        }
        let mut missing = vec![0; txns];
        for pair in &problem.precedes {
            missing[pair.after as usize] += 1;
        }
        let mut sweep = Sweep {
            problem,
            reads,
            writes,
            followers,
            leaders,
            missing,
            current: (0..problem.keys.len() as u32)
                .map(|key| initial + key)
                .collect(),
            previous: vec![NONE; all],
            readers,
            read_by,
            writer,
            due: Vec::new(),
            wanted: vec![u64::MAX; all],
            needed: vec![0; all],
            by_wanted: Rows {
                first: vec![0; problem.keys.len() + 1],
                items: Vec::new(),
            },
            settled: vec![0; problem.keys.len()],
            version_taken: vec![false; all],
            by_begin: (0..problem.transactions).collect(),
            by_end: (0..problem.transactions).collect(),
            entered: 0,
            ended: 0,
            is_taken: vec![false; txns],
            taken: Vec::with_capacity(txns),
            window: Vec::new(),
            choices: Vec::new(),
            state: 0,
            failed: FxHashSet::default(),
            farthest: 0,
            steps: 0,
        };
        let (mut by_begin, mut by_end) = (
            std::mem::take(&mut sweep.by_begin),
            std::mem::take(&mut sweep.by_end),
        );
        by_begin.sort_by_key(|&txn| sweep.begin(txn));
        by_end.sort_by_key(|&txn| sweep.end(txn));
        (sweep.by_begin, sweep.by_end) = (by_begin, by_end);
        sweep.find_due();
        sweep
    }

    fn begin(&self, txn: u32) -> u64 {
        self.problem
            .spans
            .get(txn as usize)
            .map_or(0, |span| span.begin)
    }

    fn end(&self, txn: u32) -> u64 {
        let span = self.problem.spans.get(txn as usize);
        span.map_or(u64::MAX, |span| span.end)
    }

    /// Takes all, or says whether everything was tried.
    fn run(&mut self) -> Result<(), bool> {
        let mut most = STEPS;
        // Of the choice at hand the one that was tried last.
        let mut after: Option<(u64, u32)> = None;
        loop {
            self.advance();
            if self.taken.len() == self.problem.transactions as usize {
                return Ok(());
            }
            if self.taken.len() > self.farthest {
                most = self.steps + STEPS;
            } else if self.steps > most {
                return Err(false);
            }
            match self.next(after) {
                Some((May::Safely, txn)) => {
                    self.take(txn);
                    after = None;
                }
                Some((_, txn)) if after.is_some() || !self.failed.contains(&self.state) => {
                    self.choices.push(Choice {
                        taken: self.taken.len() as u32,
                        chosen: (self.due[txn as usize], txn),
                    });
                    self.take(txn);
                    after = None;
                }
                _ => {
                    if after.is_some() {
                        self.failed.insert(self.state);
                    }
                    if self.taken.len() > self.farthest {
                        self.farthest = self.taken.len();
                        most = self.steps + STEPS;
                    }
                    let Some(choice) = self.choices.pop() else {
                        return Err(true);
                    };
                    while self.taken.len() > choice.taken as usize {
                        self.take_back();
                    }
                    after = Some(choice.chosen);
                }
            }
        }
    }

    /// Lets in all that began before anything that was not taken ended.
    fn advance(&mut self) {
        while let Some(&txn) = self.by_end.get(self.ended)
            && self.is_taken[txn as usize]
        {
            self.ended += 1;
        }
        let first = self.by_end.get(self.ended);
        let until = first.map_or(u64::MAX, |&txn| self.end(txn));
        while let Some(&txn) = self.by_begin.get(self.entered)
            && self.begin(txn) <= until
        {
            self.entered += 1;
            if !self.is_taken[txn as usize] {
                self.window.push(txn);
            }
        }
    }

    /// What to take next: what may be taken at once, or else of blind writes the one that is due
    /// first, after the one that was tried.
    fn next(&mut self, mut tried: Option<(u64, u32)>) -> Option<(May, u32)> {
        loop {
            let mut best: Option<(u64, u32)> = None;
            self.steps += self.window.len() as u64;
            for &txn in &self.window {
                let rank = (self.due[txn as usize], txn);
                // Where a choice is taken back nothing could be taken at once.
                if tried.is_some_and(|tried| rank <= tried) {
                    continue;
                }
                match self.may(txn) {
                    May::Safely => return Some((May::Safely, txn)),
                    May::Blindly if best.is_none_or(|best| rank < best) => best = Some(rank),
                    _ => {}
                }
            }
            let (_, txn) = best?;
            let careful = self.taken.len() < self.farthest + CARE && self.farthest > 0;
            if !careful || !self.is_doomed(txn) {
                return Some((May::Blindly, txn));
            }
            tried = best;
        }
    }

    fn may(&self, txn: u32) -> May {
        if self.missing[txn as usize] > 0 {
            return May::Not;
        }
        let reads = self.reads.of(txn);
        if reads
            .iter()
            .any(|&(key, version)| self.current[key as usize] != version)
        {
            return May::Not;
        }
        let mut may = May::Safely;
        for &(key, version) in self.writes.of(txn) {
            let current = self.current[key as usize];
            let own = reads.iter().filter(|read| read.1 == current).count() as u32;
            if self.readers[current as usize] > own {
                return May::Not;
            }
            if own == 0 {
                if self.is_too_early(key, version) {
                    return May::Not;
                }
                may = May::Blindly;
            }
        }
        may
    }

    fn take(&mut self, txn: u32) {
        for &(_, version) in self.reads.of(txn) {
            self.readers[version as usize] -= 1;
        }
        for &(key, version) in self.writes.of(txn) {
            let before = std::mem::replace(&mut self.current[key as usize], version);
            self.previous[version as usize] = before;
            self.version_taken[version as usize] = true;
            let versions = self.by_wanted.of(key);
            let settled = &mut self.settled[key as usize];
            while let Some(&first) = versions.get(*settled as usize)
                && self.version_taken[first as usize]
            {
                *settled += 1;
            }
            self.state ^= mixed(1, before) ^ mixed(1, version);
        }
        for &next in self.followers.of(txn) {
            self.missing[next as usize] -= 1;
        }
        self.is_taken[txn as usize] = true;
        self.state ^= mixed(2, txn);
        self.taken.push(txn);
        if let Some(at) = self.window.iter().position(|&other| other == txn) {
            self.window.swap_remove(at);
        }
    }

    fn take_back(&mut self) {
        let Some(txn) = self.taken.pop() else { return };
        self.steps += 1;
        for &(_, version) in self.reads.of(txn) {
            self.readers[version as usize] += 1;
        }
        for &(key, version) in self.writes.of(txn) {
            let before = self.previous[version as usize];
            self.current[key as usize] = before;
            self.version_taken[version as usize] = false;
            let wanted = self.wanted[version as usize];
            let versions = self.by_wanted.of(key);
            let first = versions.partition_point(|&it| self.wanted[it as usize] < wanted) as u32;
            let settled = &mut self.settled[key as usize];
            *settled = first.min(*settled);
            self.state ^= mixed(1, before) ^ mixed(1, version);
        }
        for &next in self.followers.of(txn) {
            self.missing[next as usize] += 1;
        }
        self.is_taken[txn as usize] = false;
        self.state ^= mixed(2, txn);
        self.window.push(txn);
        // Who may be looked at depends on the first end of one that was not taken.
        let end = self.end(txn);
        let before = |&other: &u32| self.end(other) < end;
        self.ended = self.ended.min(self.by_end.partition_point(before));
        while let Some(at) = self.entered.checked_sub(1)
            && self.begin(self.by_begin[at]) > end
        {
            self.entered = at;
            let gone = self.by_begin[at];
            self.window.retain(|&other| other != gone);
        }
    }

    fn stuck(self, exhausted: bool) -> Stuck {
        Stuck {
            exhausted,
            taken: self.farthest.max(self.taken.len()),
            order: self.by_begin,
        }
    }
}

/// A number that looks like any other (splitmix64's finisher).
fn mixed(kind: u64, number: u32) -> u64 {
    let mut z = (kind << 32 | u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
