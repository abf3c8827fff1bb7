//! A problem as moments and intervals.
//!
//! Each transaction has a moment at which it starts and one at which it commits; at serializable
//! they are one. A version of a key lasts from the commit of its writer to the start of its last
//! reader, and the versions of one key must not overlap. Versions of which each was made by a
//! transaction that had read the one before follow each other immediately: they are one *run*,
//! one interval from the first commit to the last read (Tan et al., *Cobra*, OSDI 2020, section
//! 3.1, for serializability; at snapshot isolation it is so for the same reason, at prefix it is
//! not). What is left to decide is the order of the runs of each key. The run of the initial
//! version comes first.

use super::facts::{Facts, Saw, Write};
use super::graph::{Graph, NONE, Tag};
use super::problem::{Because, Isolation, Level, Order, Problem, Read};

/// Versions of a key that follow each other immediately.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) key: u32,
    /// The writers of the first and the last version.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The commit of the first.
    pub(super) begins: u32,
    /// The moment when nobody reads the last version any more.
    pub(super) ends: u32,
    /// Where its members and the readers of its last version are.
    members: (u32, u32),
    readers: (u32, u32),
}

/// A version of a run, and the read that ties it to the one before.
#[derive(Clone, Copy, Debug)]
struct Member {
    writer: u32,
    read: u32,
}

/// What to look at when the clock of a moment grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger {
    pub(super) run: u32,
    pub(super) rule: Rule,
}

/// Why one run comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It begins before the other ends.
    Overlap,
    /// Its first writer starts before the last of the other commits: writers of a key must not be
    /// concurrent.
    Conflict,
}

/// The beginning of a run in a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) lane: u32,
    pub(super) step: u32,
    pub(super) run: u32,
}

#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) problem: &'a Problem,
    pub(super) level: Level,
    /// Every read, keys one after the other.
    reads: Vec<Saw>,
    pub(super) runs: Vec<Run>,
    members: Vec<Member>,
    readers: Vec<u32>,
    /// The runs of a key that are in no order yet, by lane and step of their beginnings.
    pub(super) starts: Vec<Start>,
    pub(super) key_starts: Vec<(u32, u32)>,
    /// For each key the run of the initial version, if somebody read that.
    initial: Vec<u32>,
    triggers: Vec<Trigger>,
    trigger_of: Vec<u32>,
}

/// What a look at the problem found.
pub(super) enum Laid<'a> {
    /// Everything, as far as it is known without a search.
    Out(Box<Layout<'a>>, Graph),
    /// These facts contradict each other.
    Contradiction(Facts),
    /// Some moments each have another of them before it.
    Cyclic(Box<Layout<'a>>, Graph, Vec<u32>),
    /// The clocks would take more bytes than there may be.
    TooLarge,
}

impl<'a> Layout<'a> {
    pub(super) fn lay(problem: &'a Problem, level: Level, max_bytes: u64) -> Laid<'a> {
        let txns = problem.transactions as usize;
        let moments = if level.isolation == Isolation::Serializable {
            txns
        } else {
            2 * txns
        };
        let mut graph = Graph::new(moments);
        let mut layout = Layout {
            problem,
            level,
            reads: Vec::new(),
            runs: Vec::new(),
            members: Vec::new(),
            readers: Vec::new(),
            starts: Vec::new(),
            key_starts: vec![(0, 0); problem.keys.len()],
            initial: vec![NONE; problem.keys.len()],
            triggers: Vec::new(),
            trigger_of: Vec::new(),
        };
        if moments > txns {
            for txn in 0..problem.transactions {
                graph.link(layout.start(txn), layout.commit(txn), Tag::Within);
            }
        }
        layout.link_known(&mut graph);
        let mut versions = Versions::new(txns);
        for key in 0..problem.keys.len() as u32 {
            if let Err(facts) = layout.lay_key(&mut graph, key, &mut versions) {
                return Laid::Contradiction(facts);
            }
        }
        let rank = layout.ranks(&graph);
        if let Err(cyclic) = graph.sort(|node| rank[node as usize]) {
            return Laid::Cyclic(Box::new(layout), graph, cyclic);
        }
        let (lane, step, lanes) = layout.lanes(&graph);
        let bytes = graph.nodes() as u64 * lanes as u64 * 4;
        if bytes > max_bytes {
            return Laid::TooLarge;
        }
        graph.begin_clocks(lane, step, lanes);
        layout.index(&graph);
        Laid::Out(Box::new(layout), graph)
    }

    /// The moment at which a transaction starts.
    pub(super) fn start(&self, txn: u32) -> u32 {
        if self.level.isolation == Isolation::Serializable {
            txn
        } else {
            2 * txn
        }
    }

    /// The moment at which it commits.
    pub(super) fn commit(&self, txn: u32) -> u32 {
        if self.level.isolation == Isolation::Serializable {
            txn
        } else {
            2 * txn + 1
        }
    }

    /// The transaction whose moment it is, if it is one's.
    pub(super) fn transaction(&self, node: u32) -> Option<u32> {
        let txn = if self.level.isolation == Isolation::Serializable {
            node
        } else {
            node / 2
        };
        (txn < self.problem.transactions).then_some(txn)
    }

    fn link_known(&self, graph: &mut Graph) {
        for (number, pair) in self.problem.precedes.iter().enumerate() {
            if Problem::counts(self.level.order, pair.because) {
                let (before, after) = (self.commit(pair.before), self.start(pair.after));
                graph.link(before, after, Tag::Known(number as u32));
            }
        }
        if self.level.order == Order::RealTime && !self.problem.spans.is_empty() {
            self.link_times(graph);
        }
    }

    /// Real time in as many moments as transactions: each stands for all that had ended by then.
    fn link_times(&self, graph: &mut Graph) {
        let spans = &self.problem.spans;
        let mut begun: Vec<u32> = (0..self.problem.transactions).collect();
        let mut ended = begun.clone();
        begun.sort_by_key(|&txn| spans[txn as usize].begin);
        ended.sort_by_key(|&txn| spans[txn as usize].end);
        let mut ended = ended.into_iter().peekable();
        let mut last = NONE;
        for txn in begun {
            let begin = spans[txn as usize].begin;
            let mut barrier = NONE;
            while let Some(done) = ended.next_if(|&done| spans[done as usize].end < begin) {
                if barrier == NONE {
                    barrier = graph.add_node();
                    if last != NONE {
                        graph.link(last, barrier, Tag::Time);
                    }
                    last = barrier;
                }
                graph.link(self.commit(done), barrier, Tag::Time);
            }
            if last != NONE {
                graph.link(last, self.start(txn), Tag::Time);
            }
        }
    }

    /// Finds the runs of a key, and links what is known of its versions.
    fn lay_key(
        &mut self,
        graph: &mut Graph,
        key: u32,
        versions: &mut Versions,
    ) -> Result<(), Facts> {
        let problem = self.problem;
        let register = &problem.keys[key as usize];
        let base = self.reads.len() as u32;
        self.reads
            .extend(register.reads.iter().map(|&read| Saw { key, read }));
        versions.fill(&register.writers, &register.reads, base);
        for (number, read) in (base..).zip(&register.reads) {
            if let Some(from) = read.from {
                graph.link(
                    self.commit(from),
                    self.start(read.reader),
                    Tag::Read(number),
                );
            }
        }
        if self.level.isolation != Isolation::Prefix {
            self.tie(key, versions)?;
        }
        let count = register.writers.len();
        // The initial version has the number after the last.
        if versions.is_read(count) {
            let run = self.add_run(graph, key, count, versions);
            self.initial[key as usize] = run;
        }
        let from = self.runs.len() as u32;
        for version in 0..count {
            if versions.previous[version] == NONE {
                self.add_run(graph, key, version, versions);
            }
        }
        for version in 0..count {
            // A ring of transactions that read of each other: that alone is a cycle.
            if !versions.placed[version] {
                self.add_run(graph, key, version, versions);
            }
        }
        let to = self.runs.len() as u32;
        self.key_starts[key as usize] = (from, to);
        let initial = self.initial[key as usize];
        if initial != NONE {
            for run in from..to {
                self.order(initial, run, |from, to| {
                    graph.link(from, to, Tag::First(run));
                });
            }
        }
        Ok(())
    }

    /// Finds which version each read-modify-write made of which.
    fn tie(&self, key: u32, versions: &mut Versions) -> Result<(), Facts> {
        for at in 0..versions.reads.len() {
            let (number, from) = versions.reads[at];
            let reader = self.reads[number as usize].read.reader;
            let made = versions.of[reader as usize];
            if made == NONE || made as usize == from {
                continue;
            }
            let (next, previous) = (versions.next[from], versions.previous[made as usize]);
            if next == made {
                continue;
            }
            if next != NONE || previous != NONE {
                let other = if next != NONE {
                    versions.tied[next as usize]
                } else {
                    versions.tied[made as usize]
                };
                let mut facts = Facts::default();
                for read in [number, other] {
                    let saw = self.reads[read as usize];
                    facts.reads.push(saw);
                    facts.writes.push(Write {
                        key,
                        writer: saw.read.reader,
                    });
                }
                facts.complete();
                return Err(facts);
            }
            versions.next[from] = made;
            versions.previous[made as usize] = from as u32;
            versions.tied[made as usize] = number;
        }
        Ok(())
    }

    /// Adds the run that begins with a version, and links the readers of its versions to what
    /// comes after them.
    fn add_run(
        &mut self,
        graph: &mut Graph,
        key: u32,
        first: usize,
        versions: &mut Versions,
    ) -> u32 {
        let register = &self.problem.keys[key as usize];
        let members = self.members.len() as u32;
        let mut version = first;
        if let Some(&writer) = register.writers.get(first) {
            self.members.push(Member { writer, read: NONE });
        }
        versions.placed[first] = true;
        loop {
            let next = versions.next[version];
            if next == NONE || versions.placed[next as usize] {
                break;
            }
            let (made, tied) = (next as usize, versions.tied[next as usize]);
            let writer = register.writers[made];
            for at in versions.readers(version) {
                let read = versions.sorted[at];
                let reader = self.reads[read as usize].read.reader;
                if reader != writer {
                    let tag = Tag::Overwritten(read, tied);
                    graph.link(self.start(reader), self.commit(writer), tag);
                }
            }
            self.members.push(Member { writer, read: tied });
            versions.placed[made] = true;
            version = made;
        }
        let readers = self.readers.len() as u32;
        self.readers
            .extend(versions.readers(version).map(|at| versions.sorted[at]));
        let last = self.members[members as usize..]
            .last()
            .map_or(NONE, |member| member.writer);
        let first = self
            .members
            .get(members as usize)
            .map_or(NONE, |member| member.writer);
        let start_of = |read: &u32| self.start(self.reads[*read as usize].read.reader);
        let ends = match &self.readers[readers as usize..] {
            [] => self.commit(last),
            [read] => start_of(read),
            several => {
                let end = graph.add_node();
                for read in several {
                    graph.link(start_of(read), end, Tag::Read(*read));
                }
                end
            }
        };
        self.runs.push(Run {
            key,
            first,
            last,
            begins: if first == NONE {
                NONE
            } else {
                self.commit(first)
            },
            ends,
            members: (members, self.members.len() as u32),
            readers: (readers, self.readers.len() as u32),
        });
        self.runs.len() as u32 - 1
    }

    /// Gives the edges that say that one run comes before another.
    pub(super) fn order(&self, before: u32, after: u32, mut edge: impl FnMut(u32, u32)) {
        let (x, y) = (&self.runs[before as usize], &self.runs[after as usize]);
        edge(x.ends, y.begins);
        if self.level.isolation == Isolation::Snapshot && x.last != NONE {
            edge(self.commit(x.last), self.start(y.first));
        }
    }

    /// The starts of those who read the last version of a run.
    pub(super) fn last_readers(&self, run: u32) -> impl Iterator<Item = u32> + '_ {
        let (from, to) = self.runs[run as usize].readers;
        let reads = self.readers[from as usize..to as usize].iter();
        reads.map(|&read| self.start(self.reads[read as usize].read.reader))
    }

    /// How early each moment is put where nothing says otherwise: transactions as they began, or
    /// else by their turn in their sessions; ends of versions as soon as they can be.
    fn ranks(&self, graph: &Graph) -> Vec<u64> {
        let txns = self.problem.transactions;
        let mut turn = vec![0u64; txns as usize];
        if self.problem.spans.is_empty() {
            for pair in &self.problem.precedes {
                let next = turn[pair.before as usize] + 1;
                let after = &mut turn[pair.after as usize];
                *after = next.max(*after);
            }
        } else {
            for (turn, span) in turn.iter_mut().zip(&self.problem.spans) {
                *turn = span.begin;
            }
        }
        (0..graph.nodes() as u32)
            .map(|node| self.transaction(node).map_or(0, |txn| turn[txn as usize]))
            .collect()
    }

    /// Covers the transactions by lanes: sessions, and where there are none paths of the graph.
    fn lanes(&self, graph: &Graph) -> (Vec<u32>, Vec<u32>, usize) {
        let txns = self.problem.transactions as usize;
        let per_txn = if self.start(1) == self.commit(1) {
            1
        } else {
            2
        };
        let has_next = self.has_next();
        let (mut lane_of, mut turn_of) = (vec![NONE; txns], vec![0u32; txns]);
        // The last transaction of each lane.
        let mut tails: Vec<u32> = Vec::new();
        let mut by_end = std::collections::BTreeSet::new();
        let timed = self.level.order == Order::RealTime && !self.problem.spans.is_empty();
        for &node in graph.in_order() {
            let Some(txn) = self
                .transaction(node)
                .filter(|&txn| self.start(txn) == node)
            else {
                continue;
            };
            let is_tail = |before: u32| {
                let lane = lane_of[before as usize];
                lane != NONE && tails[lane as usize] == before
            };
            let mut chosen = NONE;
            for (_, edge) in graph.edges_into(node) {
                let Some(before) = self.transaction(edge.from) else {
                    continue;
                };
                if before == txn || self.commit(before) != edge.from || !is_tail(before) {
                    continue;
                }
                if matches!(edge.tag, Tag::Known(_)) {
                    chosen = before;
                    break;
                }
                if chosen == NONE && !has_next[before as usize] {
                    chosen = before;
                }
            }
            if timed {
                let span = self.problem.spans[txn as usize];
                let free = by_end.range(..(span.begin, 0)).next_back().copied();
                if let Some((_, before)) = free {
                    chosen = before;
                }
            }
            let lane = if chosen == NONE {
                tails.push(txn);
                tails.len() as u32 - 1
            } else {
                let lane = lane_of[chosen as usize];
                tails[lane as usize] = txn;
                turn_of[txn as usize] = turn_of[chosen as usize] + 1;
                if timed {
                    by_end.remove(&(self.problem.spans[chosen as usize].end, chosen));
                }
                lane
            };
            lane_of[txn as usize] = lane;
            if timed {
                by_end.insert((self.problem.spans[txn as usize].end, txn));
            }
        }
        let (mut lane, mut step) = (vec![NONE; graph.nodes()], vec![0; graph.nodes()]);
        for txn in 0..txns as u32 {
            for (moment, offset) in [(self.start(txn), 0), (self.commit(txn), per_txn - 1)] {
                lane[moment as usize] = lane_of[txn as usize];
                step[moment as usize] = turn_of[txn as usize] * per_txn + offset;
            }
        }
        (lane, step, tails.len())
    }

    /// Whether something is known to follow each transaction in its session.
    fn has_next(&self) -> Vec<bool> {
        let mut has_next = vec![false; self.problem.transactions as usize];
        for pair in &self.problem.precedes {
            if pair.because == Because::Session && self.level.order >= Order::Sessions {
                has_next[pair.before as usize] = true;
            }
        }
        has_next
    }

    /// Sorts the beginnings of runs by lanes, and says which moments to watch.
    fn index(&mut self, graph: &Graph) {
        let mut watched: Vec<(u32, Trigger)> = Vec::new();
        for range in &mut self.key_starts {
            let (from, to) = *range;
            let begin = self.starts.len() as u32;
            if to - from > 1 {
                for run in from..to {
                    let Run {
                        begins, ends, last, ..
                    } = self.runs[run as usize];
                    let (lane, step) = (graph.lane(begins), graph.step(begins));
                    self.starts.push(Start { lane, step, run });
                    watched.push((
                        ends,
                        Trigger {
                            run,
                            rule: Rule::Overlap,
                        },
                    ));
                    if self.level.isolation == Isolation::Snapshot {
                        let commit = 2 * last + 1;
                        watched.push((
                            commit,
                            Trigger {
                                run,
                                rule: Rule::Conflict,
                            },
                        ));
                    }
                }
            }
            self.starts[begin as usize..].sort_unstable_by_key(|start| (start.lane, start.step));
            *range = (begin, self.starts.len() as u32);
        }
        watched.sort_by_key(|&(node, _)| node);
        self.trigger_of = vec![0; graph.nodes() + 1];
        for &(node, _) in &watched {
            self.trigger_of[node as usize + 1] += 1;
        }
        for node in 0..graph.nodes() {
            self.trigger_of[node + 1] += self.trigger_of[node];
        }
        self.triggers = watched.into_iter().map(|(_, trigger)| trigger).collect();
    }

    /// Where what to look at is, when the clock of a moment grows.
    pub(super) fn triggers(&self, node: u32) -> std::ops::Range<usize> {
        self.trigger_of[node as usize] as usize..self.trigger_of[node as usize + 1] as usize
    }

    pub(super) fn trigger(&self, at: usize) -> Trigger {
        self.triggers[at]
    }

    /// The beginnings of the runs of a key that are in no order yet.
    pub(super) fn starts_of(&self, key: u32) -> &[Start] {
        let (from, to) = self.key_starts[key as usize];
        &self.starts[from as usize..to as usize]
    }

    /// Of a key's runs those that a lane brings at one of these steps.
    pub(super) fn starts_within(&self, key: u32, lane: u32, from: u32, to: u32) -> &[Start] {
        let starts = self.starts_of(key);
        let low = starts.partition_point(|start| (start.lane, start.step) < (lane, from));
        let high = starts.partition_point(|start| (start.lane, start.step) < (lane, to));
        &starts[low..high.max(low)]
    }

    /// Adds what makes a run a run: its versions, and the reads that tie them.
    pub(super) fn tell_run(&self, run: u32, facts: &mut Facts) {
        let run = &self.runs[run as usize];
        for member in &self.members[run.members.0 as usize..run.members.1 as usize] {
            facts.writes.push(Write {
                key: run.key,
                writer: member.writer,
            });
            if member.read != NONE {
                self.tell_read(member.read, facts);
            }
        }
        // A single reader is the end of the run; several are told by the edges from them.
        if run.readers.1 - run.readers.0 == 1 {
            self.tell_read(self.readers[run.readers.0 as usize], facts);
        }
    }

    pub(super) fn tell_read(&self, read: u32, facts: &mut Facts) {
        facts.reads.push(self.reads[read as usize]);
    }

    /// The reader of a read that ties two versions wrote the second.
    pub(super) fn tell_tie(&self, read: u32, facts: &mut Facts) {
        let saw = self.reads[read as usize];
        self.tell_read(read, facts);
        facts.writes.push(Write {
            key: saw.key,
            writer: saw.read.reader,
        });
    }

    pub(super) fn initial_run(&self, key: u32) -> u32 {
        self.initial[key as usize]
    }
}

/// The versions of one key, by number; the initial one comes last.
struct Versions {
    /// The version that a transaction wrote.
    of: Vec<u32>,
    writers: Vec<u32>,
    /// Each read and the version it saw.
    reads: Vec<(u32, usize)>,
    /// The reads by version.
    sorted: Vec<u32>,
    first_read: Vec<u32>,
    /// What was made of a version, of what, and the read that says so.
    next: Vec<u32>,
    previous: Vec<u32>,
    tied: Vec<u32>,
    placed: Vec<bool>,
}

impl Versions {
    fn new(txns: usize) -> Versions {
        Versions {
            of: vec![NONE; txns],
            writers: Vec::new(),
            reads: Vec::new(),
            sorted: Vec::new(),
            first_read: Vec::new(),
            next: Vec::new(),
            previous: Vec::new(),
            tied: Vec::new(),
            placed: Vec::new(),
        }
    }

    fn fill(&mut self, writers: &[u32], reads: &[Read], base: u32) {
        for &writer in &self.writers {
            self.of[writer as usize] = NONE;
        }
        self.writers.clear();
        self.writers.extend_from_slice(writers);
        for (version, &writer) in writers.iter().enumerate() {
            self.of[writer as usize] = version as u32;
        }
        let versions = writers.len() + 1;
        self.reads.clear();
        self.reads.extend((base..).zip(reads).map(|(number, read)| {
            let from = read
                .from
                .map_or(writers.len(), |txn| self.of[txn as usize] as usize);
            (number, from)
        }));
        self.first_read.clear();
        self.first_read.resize(versions + 1, 0);
        for &(_, from) in &self.reads {
            self.first_read[from + 1] += 1;
        }
        for version in 0..versions {
            self.first_read[version + 1] += self.first_read[version];
        }
        let mut fill = self.first_read.clone();
        self.sorted.clear();
        self.sorted.resize(self.reads.len(), 0);
        for &(number, from) in &self.reads {
            self.sorted[fill[from] as usize] = number;
            fill[from] += 1;
        }
        for list in [&mut self.next, &mut self.previous, &mut self.tied] {
            list.clear();
            list.resize(versions, NONE);
        }
        self.placed.clear();
        self.placed.resize(versions, false);
    }

    fn readers(&self, version: usize) -> std::ops::Range<usize> {
        self.first_read[version] as usize..self.first_read[version + 1] as usize
    }

    fn is_read(&self, version: usize) -> bool {
        !self.readers(version).is_empty()
    }
}
