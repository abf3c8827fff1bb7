//! Small histories in few words, and random numbers.

use polygraph_history::{
    Body, Event, History, Kind, Op, Order, Outcome, Process, ReadOptions, Time, read,
};

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

/// An operation and who performs it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) process: u64,
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
}

/// The history of these operations, each process's in the order given; which event comes next is
/// drawn.
pub(crate) fn interleave(calls: &[Call], rng: &mut Rng) -> History {
    let mut events: Vec<Event> = Vec::new();
    let mut add = |process, kind, op: &Op| {
        let index = events.len() as u64;
        let process = Process::Client(process);
        events.push(Event::new(
            index,
            Time(index),
            process,
            kind,
            Body::Op(op.clone()),
        ));
    };
    let mut waiting: Vec<usize> = (0..calls.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    while !waiting.is_empty() || !open.is_empty() {
        let busy = |process| open.iter().any(|&at| calls[at].process == process);
        // The first waiting of each process that is idle.
        let mut ready: Vec<usize> = Vec::new();
        for &at in &waiting {
            let process = calls[at].process;
            if !busy(process) && ready.iter().all(|&other| calls[other].process != process) {
                ready.push(at);
            }
        }
        if !ready.is_empty() && (open.is_empty() || rng.percent(50)) {
            let at = ready[rng.below(ready.len())];
            waiting.retain(|&other| other != at);
            add(calls[at].process, Kind::Invoke, &calls[at].op);
            open.push(at);
        } else {
            let at = open.swap_remove(rng.below(open.len()));
            let kind = match calls[at].outcome {
                Outcome::Ok => Kind::Ok,
                Outcome::Fail => Kind::Fail,
                Outcome::Info => Kind::Info,
            };
            add(calls[at].process, kind, &calls[at].op);
        }
    }
    History::new(None, Order::Index, events).expect("a history")
}

/// One operation after the other.
pub(crate) fn in_turn(calls: &[Call]) -> History {
    let mut events: Vec<Event> = Vec::new();
    for Call {
        process,
        op,
        outcome,
    } in calls
    {
        let end = match outcome {
            Outcome::Ok => Kind::Ok,
            Outcome::Fail => Kind::Fail,
            Outcome::Info => Kind::Info,
        };
        for kind in [Kind::Invoke, end] {
            let index = events.len() as u64;
            let process = Process::Client(*process);
            events.push(Event::new(
                index,
                Time(index),
                process,
                kind,
                Body::Op(op.clone()),
            ));
        }
    }
    History::new(None, Order::Index, events).expect("a history")
}

/// The history of these rows of EDN, each `process kind name value`.
pub(crate) fn rows(lines: &[&str]) -> History {
    let rows: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().expect("four words");
            let (process, kind, name, value) = (word(), word(), word(), word());
            format!("{{:process {process}, :type :{kind}, :f :{name}, :value {value}, :time {at}}}")
        })
        .collect();
    let reading = read(rows.join("\n").as_bytes(), ReadOptions::default());
    reading.expect("a history").history
}
