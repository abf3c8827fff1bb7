//! Arbitration: whether any order of the writes of a register extends what is required.
//!
//! A compare-and-set stands immediately after what it replaced, so that chains of them move as
//! one: an order exists exactly if the graph of chains has no cycle and no constraint inside a
//! chain contradicts it (any topological order of the chains is one).

use polygraph_history::Outcome;

use super::Rules;
use super::graph::{Edge, Graph, Zone, real_time};
use super::log::Part;
use super::register::{Doubt, INITIAL, NONE, Register, Saw, Swept};

/// Facts by number: real time is one, then session order, then what sessions saw.
pub(super) const REAL_TIME: u32 = 0;

/// A read that no order explains.
#[derive(Clone, Copy, Debug)]
pub(super) enum Violation {
    /// Whatever it returned is older than what was visible: the write, why it was visible, the
    /// read.
    Stale(u32, Part, Part),
    /// The constraint of this number contradicts the order.
    Order(usize, Part),
}

impl Violation {
    pub(super) const fn read(&self) -> Part {
        match *self {
            Violation::Stale(_, _, read) | Violation::Order(_, read) => read,
        }
    }
}

/// What is decided about a register.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) violations: Vec<Violation>,
    pub(super) doubts: Vec<Doubt>,
    /// For the evidence, if there is a violation.
    pub(super) orders: Option<Orders>,
}

/// A register with everything that was found about it.
#[derive(Debug)]
pub(super) struct Judged<'h> {
    pub(super) register: Register<'h>,
    pub(super) swept: Swept,
    pub(super) decided: Decided,
}

impl<'h> Judged<'h> {
    pub(super) fn new(mut register: Register<'h>, rules: Rules) -> Judged<'h> {
        register.real_time = rules.real_time;
        let swept = register.sweep(rules);
        let decided = decide(&register, &swept);
        Judged {
            register,
            swept,
            decided,
        }
    }
}

/// The chains of a register and the graph over them.
#[derive(Debug)]
pub(super) struct Orders {
    /// The chain of every write, `NONE` for writes that need not exist.
    pub(super) chain: Vec<u32>,
    /// The place of every write in its chain.
    pub(super) place: Vec<u32>,
    zones: Vec<Zone>,
    /// Whether any compare-and-set took effect.
    linked: bool,
}

/// Decides a register.
fn decide(register: &Register<'_>, swept: &Swept) -> Decided {
    let mut decided = Decided {
        violations: Vec::new(),
        doubts: swept.doubts.clone(),
        orders: None,
    };
    let Some(orders) = Orders::new(register, swept, &mut decided.doubts) else {
        decided.doubts.push(Doubt::CyclicOrders);
        return decided;
    };
    let open = |saw: &&Saw| !orders.implied(saw.visible, saw.returned);
    if !orders.linked
        && swept.session_order.is_empty()
        && swept.stale.is_empty()
        && !swept.saws.iter().any(|saw| open(&saw))
    {
        return decided;
    }
    let (graph, base) = orders.graph(swept);
    let all = graph.components(u32::MAX);
    let inside = |saw: &&Saw| orders.same(saw.visible, saw.returned);
    let contradicted = swept.saws.iter().any(|saw| inside(&saw) && open(&saw));
    let ordered = orders.session_order_holds(swept);
    if all.acyclic() && swept.stale.is_empty() && !contradicted && ordered {
        return decided;
    }
    if !ordered || !graph.components(base).acyclic() {
        decided.doubts.push(Doubt::CyclicOrders);
        return decided;
    }
    let stale = swept.stale.iter();
    let stale = stale.map(|&(visible, because, read)| Violation::Stale(visible, because, read));
    decided.violations.extend(stale);
    // A read that contradicts real time by itself stands for its whole component; where there
    // is none, several reads contradict each other, and one of them is named.
    let mut named = vec![false; all.sizes.len()];
    let mut rest = Vec::new();
    for (number, saw) in swept.saws.iter().enumerate() {
        let (visible, returned) = (orders.chain_of(saw.visible), orders.chain_of(saw.returned));
        if visible == returned {
            if open(&saw) {
                decided.violations.push(Violation::Order(number, saw.read));
            }
        } else if all.together(visible, returned) {
            let (older, newer) = (orders.zone(returned), orders.zone(visible));
            if older.precedes(newer) {
                named[all.of[visible as usize] as usize] = true;
                decided.violations.push(Violation::Order(number, saw.read));
            } else if open(&saw) {
                rest.push((number, saw, all.of[visible as usize] as usize));
            }
        }
    }
    for (number, saw, component) in rest {
        if !named[component] {
            named[component] = true;
            decided.violations.push(Violation::Order(number, saw.read));
        }
    }
    decided.violations.sort_by_key(|violation| {
        let read = violation.read();
        (read.operation, read.step)
    });
    decided
        .violations
        .dedup_by_key(|violation| violation.read());
    decided.orders = Some(orders);
    decided
}

impl Orders {
    /// Decides which writes exist, and joins compare-and-sets to what they replaced. `None` if
    /// two replaced the same, they go in circles, or real time says otherwise.
    fn new(register: &Register<'_>, swept: &Swept, doubts: &mut Vec<Doubt>) -> Option<Orders> {
        let count = register.writes.len();
        let mut exists = vec![false; count];
        let mut found: Vec<u32> = vec![INITIAL];
        found.extend(&swept.observed);
        for write in 1..count as u32 {
            if register.operation(write).outcome == Outcome::Ok {
                found.push(write);
            }
        }
        let mut next = Vec::new();
        let mut follows = vec![false; count];
        while let Some(write) = found.pop() {
            if std::mem::replace(&mut exists[write as usize], true)
                || register.writes[write as usize].from == NONE
            {
                continue;
            }
            match register.replaced(write) {
                Ok(previous) => {
                    next.resize(count, NONE);
                    if next[previous as usize] != NONE {
                        return None;
                    }
                    next[previous as usize] = write;
                    follows[write as usize] = true;
                    found.push(previous);
                }
                Err(doubt) => doubts.push(doubt),
            }
        }
        let linked = !next.is_empty();
        Orders::join(register, &exists, &next, &follows, linked)
    }

    fn join(
        register: &Register<'_>,
        exists: &[bool],
        next: &[u32],
        follows: &[bool],
        linked: bool,
    ) -> Option<Orders> {
        let mut orders = Orders {
            chain: vec![NONE; exists.len()],
            place: vec![0; exists.len()],
            zones: Vec::new(),
            linked,
        };
        for head in 0..exists.len() {
            if !exists[head] || follows[head] {
                continue;
            }
            let chain = orders.zones.len() as u32;
            let mut zone = Zone {
                end: u64::MAX,
                start: 0,
            };
            let (mut write, mut place) = (head as u32, 0);
            while write != NONE {
                orders.chain[write as usize] = chain;
                orders.place[write as usize] = place;
                let (start, end) = span(register, write);
                if end < zone.start {
                    // It had ended before one began that it follows.
                    return None;
                }
                zone.start = zone.start.max(start);
                zone.end = zone.end.min(end);
                place += 1;
                write = next.get(write as usize).copied().unwrap_or(NONE);
            }
            orders.zones.push(zone);
        }
        let reached = |write: usize| !exists[write] || orders.chain[write] != NONE;
        (0..exists.len()).all(reached).then_some(orders)
    }

    pub(super) fn chain_of(&self, write: u32) -> u32 {
        self.chain[write as usize]
    }

    fn zone(&self, chain: u32) -> Zone {
        self.zones[chain as usize]
    }

    fn same(&self, a: u32, b: u32) -> bool {
        self.chain_of(a) == self.chain_of(b)
    }

    /// Whether chains or real time alone put one write before another.
    fn implied(&self, before: u32, after: u32) -> bool {
        match self.same(before, after) {
            true => self.place[before as usize] < self.place[after as usize],
            false => {
                let (before, after) = (self.chain_of(before), self.chain_of(after));
                self.zone(before).precedes(self.zone(after))
            }
        }
    }

    /// Whether session order agrees with the chains inside them.
    fn session_order_holds(&self, swept: &Swept) -> bool {
        let mut pairs = swept.session_order.iter();
        pairs.all(|&(a, b)| self.chain_of(a) == NONE || !self.same(a, b) || self.implied(a, b))
    }

    /// The graph of the chains, and the first fact that is not an order alone.
    pub(super) fn graph(&self, swept: &Swept) -> (Graph, u32) {
        let mut edges: Vec<Edge> = Vec::new();
        let nodes = real_time(&self.zones, REAL_TIME, &mut edges);
        let session = swept.session_order.iter().copied();
        let saws = swept.saws.iter().map(|saw| (saw.visible, saw.returned));
        for ((before, after), fact) in session.chain(saws).zip(REAL_TIME + 1..) {
            let (from, to) = (self.chain_of(before), self.chain_of(after));
            if from != to && from != NONE && to != NONE && !self.implied(before, after) {
                edges.push((from, to, fact));
            }
        }
        let base = REAL_TIME + 1 + swept.session_order.len() as u32;
        (Graph::new(nodes, &edges), base)
    }

    /// How many chains there are: nodes from there on are barriers.
    pub(super) fn chains(&self) -> u32 {
        self.zones.len() as u32
    }
}

/// When a write began and ended, as ranks; the initial value before everything. Where real time
/// does not count, all others overlap.
pub(super) fn span(register: &Register<'_>, write: u32) -> (u64, u64) {
    match write {
        INITIAL => (0, 0),
        _ if !register.real_time => (1, u64::MAX),
        write => {
            let operation = register.operation(write);
            (operation.start + 1, operation.end.saturating_add(1))
        }
    }
}

impl Orders {
    /// The members by which one chain precedes another in real time.
    pub(super) fn real_time(&self, register: &Register<'_>, from: u32, to: u32) -> (u32, u32) {
        let members = |chain: u32| {
            let all = 0..self.chain.len() as u32;
            all.filter(move |&write| self.chain_of(write) == chain)
        };
        let before = members(from).min_by_key(|&write| span(register, write).1);
        let after = members(to).max_by_key(|&write| span(register, write).0);
        (before.unwrap_or(INITIAL), after.unwrap_or(INITIAL))
    }
}
