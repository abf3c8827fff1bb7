//! Across keys: what writes bring with them.
//!
//! Monotonic writes and writes-follow-reads make a write visible because another one is, whatever
//! their keys. A write is visible to a read exactly if a path leads there, along *reads-from* and
//! along those steps of session order that the [`Rules`] name; that is the least fixpoint of the
//! saturation (Viotti and Vukolić, ACM CSUR 2016, section 3, and Bouajjani et al., *On verifying
//! causal consistency*, POPL 2017, for causal convergence). One order of all writes must extend
//! the paths, put what was visible before what was returned, and extend, key by key, session
//! order, what compare-and-sets prove and (in the plain forms) real time. It exists exactly if
//! their union has no cycle, but for compare-and-sets, which must follow what they replaced
//! immediately: where that is not settled, the answer is unknown.
//!
//! **Invariant:** monotonic reads are always among the rules here: reads of single keys see
//! something together only through them.

use polygraph_history::{History, Outcome, Value};
use rustc_hash::FxHashMap;

mod order;
mod told;

pub(super) use self::order::decide;
pub(super) use self::told::tell;
use super::Rules;
use super::log::{Access, KeyLog, Part, access};
use super::register::{Doubt, NONE};

/// A read, or a write; a compare-and-set is one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) part: Part,
    pub(super) writes: bool,
    pub(super) key: u32,
    chain: u32,
    /// Its place in its chain.
    place: u32,
    /// The write that a read returned, as a node.
    pub(super) from: u32,
    /// The write that a compare-and-set replaced, if it is known.
    replaced: u32,
    /// Whether a read returned the initial value for certain.
    initial: bool,
}

/// Why one node comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A read returned a write.
    ReadsFrom,
    /// One session did both.
    Session,
    /// One had ended before the other began.
    RealTime,
    /// A compare-and-set replaced it.
    Replaced,
    /// It was visible to this read, which returned the other.
    Saw(u32),
}

/// What no order explains.
#[derive(Clone, Debug)]
pub(super) enum Conflict {
    /// Nodes from a write to a read that returned the initial value nevertheless.
    Unseen(Vec<u32>),
    /// Facts in a circle.
    Circle(Vec<(u32, u32, Why)>),
}

/// The registers of a history as one graph.
pub(super) struct Context<'h> {
    history: &'h History,
    rules: Rules,
    pub(super) nodes: Vec<Node>,
    chains: Vec<Vec<u32>>,
    /// The latest end of an operation of a chain, up to each place.
    ends: Vec<Vec<u64>>,
    /// The last read and the last write of a chain, up to each place.
    last: Vec<Vec<(u32, u32)>>,
    /// What is visible to whom, step by step.
    pub(super) steps: Vec<(u32, u32, Why)>,
    /// Of each node, the prefixes of chains that come before it in its session.
    before: Vec<Vec<(u32, u32)>>,
    doubts: Vec<(Doubt, u32)>,
}

impl Rules {
    /// Whether what leads to one node of a session leads to a later one, by what both are.
    pub(super) const fn carry(self, writes: bool, later_writes: bool) -> bool {
        match (writes, later_writes) {
            (true, true) => self.session_writes,
            (true, false) => self.own_writes,
            (false, true) => self.read_context,
            (false, false) => self.seen_reads,
        }
    }
}

impl<'h> Context<'h> {
    /// Takes the registers among the keys apart.
    pub(super) fn new(history: &'h History, rules: Rules, logs: &[(u32, &KeyLog<'h>)]) -> Self {
        let mut parts: Vec<(Part, u32)> = Vec::new();
        for &(key, log) in logs {
            parts.extend(log.parts.iter().map(|&part| (part, key)));
        }
        parts.sort_unstable_by_key(|(part, _)| (part.operation, part.step));
        let mut context = Context {
            history,
            rules,
            nodes: Vec::new(),
            chains: Vec::new(),
            ends: Vec::new(),
            last: Vec::new(),
            steps: Vec::new(),
            before: Vec::new(),
            doubts: Vec::new(),
        };
        let mut processes: FxHashMap<(u32, u64), u32> = FxHashMap::default();
        let mut sessions: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut writers: FxHashMap<(u32, &Value), (u32, u32)> = FxHashMap::default();
        let mut reads: Vec<(u32, &Value)> = Vec::new();
        let mut replacing: Vec<(u32, &Value)> = Vec::new();
        for (part, key) in parts {
            let operation = &history.operations()[part.id()];
            let ok = operation.outcome == Outcome::Ok;
            let (read, written, replaced) = match access(history, part) {
                Some((_, Access::Read(value))) => (Some(value), None, None),
                Some((_, Access::Write(value))) => (None, Some(value), None),
                Some((_, Access::Cas { from, to })) => {
                    (Some(from).filter(|_| ok), Some(to), Some(from))
                }
                _ => continue,
            };
            let own = *processes
                .entry((operation.session, operation.process))
                .or_insert_with(|| {
                    let chain = context.chain();
                    sessions.entry(operation.session).or_default().push(chain);
                    chain
                });
            for (value, writes) in [(read, false), (written, true)] {
                let Some(value) = value else { continue };
                let before = context.earlier(operation.start, own, &sessions[&operation.session]);
                // What is indeterminate comes before nothing in its session.
                let chain = if ok { own } else { context.chain() };
                let node = context.push(part, writes, key, chain, operation.end);
                context.before.push(before);
                match writes {
                    true => {
                        let writer = writers.entry((key, value)).or_insert((node, 0));
                        writer.1 += 1;
                        replacing.extend(replaced.map(|value| (node, value)));
                    }
                    false => reads.push((node, value)),
                }
            }
        }
        for (read, value) in reads {
            context.resolve(read, value, &writers);
        }
        for (write, value) in replacing {
            let key = context.nodes[write as usize].key;
            match writers.get(&(key, value)) {
                Some(&(from, 1)) if *value != Value::Null && from != write => {
                    context.nodes[write as usize].replaced = from;
                }
                // It comes right after the initial value, before all others: not modelled here.
                None if *value == Value::Null => context.doubts.push((Doubt::OpenOrder, key)),
                _ => context.doubts.push((Doubt::AmbiguousValue, key)),
            }
        }
        context.link();
        context
    }

    fn chain(&mut self) -> u32 {
        self.chains.push(Vec::new());
        self.ends.push(Vec::new());
        self.last.push(Vec::new());
        (self.chains.len() - 1) as u32
    }

    fn push(&mut self, part: Part, writes: bool, key: u32, chain: u32, end: u64) -> u32 {
        let node = u32::try_from(self.nodes.len()).expect("fewer steps than 2^32");
        let at = chain as usize;
        self.nodes.push(Node {
            part,
            writes,
            key,
            chain,
            place: self.chains[at].len() as u32,
            from: NONE,
            replaced: NONE,
            initial: false,
        });
        self.chains[at].push(node);
        let latest = self.ends[at].last().map_or(end, |&last| last.max(end));
        self.ends[at].push(latest);
        let (read, write) = self.last[at].last().copied().unwrap_or((NONE, NONE));
        self.last[at].push(match writes {
            true => (read, node),
            false => (node, write),
        });
        node
    }

    /// What comes before an operation in session order: all of its process, and of others of the
    /// session what had ended.
    fn earlier(&self, start: u64, own: u32, session: &[u32]) -> Vec<(u32, u32)> {
        let count = |chain: u32| match chain == own {
            true => self.chains[chain as usize].len(),
            false => self.ends[chain as usize].partition_point(|&end| end < start),
        };
        let prefixes = session.iter().map(|&chain| (chain, count(chain) as u32));
        prefixes.filter(|&(_, count)| count > 0).collect()
    }

    /// Finds the write that a read returned, if only one is possible.
    fn resolve(
        &mut self,
        read: u32,
        value: &Value,
        writers: &FxHashMap<(u32, &Value), (u32, u32)>,
    ) {
        let key = self.nodes[read as usize].key;
        let part = self.nodes[read as usize].part;
        match writers.get(&(key, value)) {
            None if *value == Value::Null => self.nodes[read as usize].initial = true,
            Some(&(write, 1))
                if *value != Value::Null && self.nodes[write as usize].part != part =>
            {
                self.nodes[read as usize].from = write;
                self.steps.push((write, read, Why::ReadsFrom));
            }
            Some(&(_, count)) if count > 1 || *value == Value::Null => {
                self.doubts.push((Doubt::AmbiguousValue, key));
            }
            _ => self.doubts.push((Doubt::PhantomValue, key)),
        }
    }

    /// The steps of session order that the rules name, without those that follow from others.
    fn link(&mut self) {
        for node in 0..self.nodes.len() as u32 {
            let writes = self.nodes[node as usize].writes;
            for &(chain, count) in &self.before[node as usize] {
                let (read, write) = self.last[chain as usize][count as usize - 1];
                let mut step = |earlier| self.steps.push((earlier, node, Why::Session));
                if read != NONE && self.rules.carry(false, writes) {
                    step(read);
                }
                if write != NONE && self.rules.carry(true, writes) {
                    if self.rules.session_writes {
                        step(write);
                        continue;
                    }
                    // The last read carries those before it.
                    let prefix = self.chains[chain as usize][..count as usize].iter().rev();
                    prefix.copied().take_while(|&at| at != read).for_each(step);
                }
            }
        }
    }
}
