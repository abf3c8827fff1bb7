//! The ten interleavings that tell isolation levels apart (Martin Kleppmann's Hermitage, after
//! Adya's thesis), as data: what sessions do, in which order, and what they see where the anomaly
//! shows.
//!
//! - [`SCENARIOS`]: start here. [`Scenario::history`]: the anomaly as a history, for checkers.
//!
//! All begin with two objects, `1` that holds 10 and `2` that holds 20. A session is one
//! transaction.

use polygraph_history::{
    Body, Event, Guarantee, History, InvalidHistory, Item, Key, Kind, Micro, Op, Order, Predicate,
    PredicateRead, Process, Time, Value,
};

/// An interleaving of two or three transactions, and the anomaly that it invites.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in Hermitage.
    pub name: &'static str,
    /// What goes wrong, in one sentence.
    pub about: &'static str,
    /// The weakest level that rules it out.
    pub prevented_by: Guarantee,
    /// The steps, in order of time.
    pub steps: &'static [Step],
}

/// A step of a session.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which session, counted from one.
    pub session: u8,
    /// What it does.
    pub action: Action,
}

/// What a session does, and what it sees where the anomaly shows.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Read an object.
    Read(&'static str, i64),
    /// Change an object.
    Write(&'static str, i64),
    /// Create an object.
    Insert(&'static str, i64),
    /// Read all objects whose value is divisible by this.
    ReadDivisible(i64, &'static [(&'static str, i64)]),
    /// Commit.
    Commit,
    /// Give up.
    Abort,
}

const fn step(session: u8, action: Action) -> Step {
    Step { session, action }
}

use Action::{Abort, Commit, Insert, Read, ReadDivisible, Write};

/// All of them, from weak levels to strong ones.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "G0",
        about: "Dirty write: the writes of two transactions are interleaved, so that each object keeps another's.",
        prevented_by: Guarantee::ReadUncommitted,
        steps: &[
            step(1, Write("1", 11)),
            step(2, Write("1", 12)),
            step(2, Write("2", 22)),
            step(1, Write("2", 21)),
            step(1, Commit),
            step(2, Commit),
            step(3, Read("1", 12)),
            step(3, Read("2", 21)),
            step(3, Commit),
        ],
    },
    Scenario {
        name: "G1a",
        about: "Aborted read: a transaction reads what another wrote that is rolled back.",
        prevented_by: Guarantee::ReadCommitted,
        steps: &[
            step(1, Write("1", 101)),
            step(2, Read("1", 101)),
            step(1, Abort),
            step(2, Commit),
        ],
    },
    Scenario {
        name: "G1b",
        about: "Intermediate read: a transaction reads what another overwrites itself before it commits.",
        prevented_by: Guarantee::ReadCommitted,
        steps: &[
            step(1, Write("1", 101)),
            step(2, Read("1", 101)),
            step(1, Write("1", 11)),
            step(1, Commit),
            step(2, Commit),
        ],
    },
    Scenario {
        name: "G1c",
        about: "Circular information flow: two transactions each read what the other writes.",
        prevented_by: Guarantee::ReadCommitted,
        steps: &[
            step(1, Write("1", 11)),
            step(2, Write("2", 22)),
            step(1, Read("2", 22)),
            step(2, Read("1", 11)),
            step(1, Commit),
            step(2, Commit),
        ],
    },
    Scenario {
        name: "OTV",
        about: "Observed transaction vanishes: a transaction sees one effect of another, and then misses a second one.",
        prevented_by: Guarantee::MonotonicAtomicView,
        steps: &[
            step(1, Write("1", 11)),
            step(1, Write("2", 19)),
            step(1, Commit),
            step(2, Write("1", 12)),
            step(2, Write("2", 18)),
            step(2, Commit),
            step(3, Read("1", 12)),
            step(3, Read("2", 19)),
            step(3, Commit),
        ],
    },
    Scenario {
        name: "PMP",
        about: "Predicate-many-preceders: a transaction reads by a predicate twice, and sees a row only the second time.",
        prevented_by: Guarantee::ConsistentView,
        steps: &[
            step(1, ReadDivisible(3, &[])),
            step(2, Insert("3", 30)),
            step(2, Commit),
            step(1, ReadDivisible(3, &[("3", 30)])),
            step(1, Commit),
        ],
    },
    Scenario {
        name: "P4",
        about: "Lost update: two transactions change what both have read, and one change is overwritten unseen.",
        prevented_by: Guarantee::ConsistentView,
        steps: &[
            step(1, Read("1", 10)),
            step(2, Read("1", 10)),
            step(1, Write("1", 11)),
            step(2, Write("1", 12)),
            step(1, Commit),
            step(2, Commit),
        ],
    },
    Scenario {
        name: "G-single",
        about: "Read skew: a transaction reads one object before another transaction changes two, and the other after.",
        prevented_by: Guarantee::ConsistentView,
        steps: &[
            step(1, Read("1", 10)),
            step(2, Read("1", 10)),
            step(2, Read("2", 20)),
            step(2, Write("1", 12)),
            step(2, Write("2", 18)),
            step(2, Commit),
            step(1, Read("2", 18)),
            step(1, Commit),
        ],
    },
    Scenario {
        name: "G2-item",
        about: "Write skew: two transactions read the same objects, and each changes another of them.",
        prevented_by: Guarantee::RepeatableRead,
        steps: &[
            step(1, Read("1", 10)),
            step(1, Read("2", 20)),
            step(2, Read("1", 10)),
            step(2, Read("2", 20)),
            step(1, Write("1", 11)),
            step(2, Write("2", 21)),
            step(1, Commit),
            step(2, Commit),
        ],
    },
    Scenario {
        name: "G2",
        about: "Write skew by predicate: two transactions find nothing, and each inserts what the other looked for.",
        prevented_by: Guarantee::Serializable,
        steps: &[
            step(1, ReadDivisible(3, &[])),
            step(2, ReadDivisible(3, &[])),
            step(1, Insert("3", 30)),
            step(2, Insert("4", 42)),
            step(1, Commit),
            step(2, Commit),
        ],
    },
];

impl Action {
    /// The operation inside a transaction, with its results.
    fn micro(self) -> Option<Micro> {
        let item = |&(key, value): &(&str, i64)| Item {
            key: key.into(),
            value: value.into(),
        };
        Some(match self {
            Read(key, value) => Micro::Read {
                key: key.into(),
                value: Some(value.into()),
            },
            Write(key, value) => Micro::Write {
                key: key.into(),
                value: value.into(),
            },
            Insert(key, value) => Micro::Insert {
                key: key.into(),
                value: value.into(),
            },
            ReadDivisible(by, found) => Micro::PredicateRead(Box::new(PredicateRead {
                predicate: Predicate::Modulo { by, rest: 0 },
                found: Some(found.iter().map(item).collect()),
            })),
            Commit | Abort => return None,
        })
    }
}

impl Scenario {
    /// The history of a store that shows the anomaly. Each transaction lasts from its first step
    /// to its end; before all of them, one establishes the objects.
    ///
    /// # Errors
    /// If a session goes on after its end.
    pub fn history(&self) -> Result<History, InvalidHistory> {
        let mut events: Vec<Event> = Vec::new();
        let mut event = |session: u8, kind: Kind, micros: Vec<Micro>| {
            let index = events.len() as u64;
            let process = Process::Client(u64::from(session));
            let body = Body::Op(Op::Txn(micros));
            events.push(Event::new(
                index,
                Time(index * 1_000_000),
                process,
                kind,
                body,
            ));
        };
        let object = |key: &str, value: i64| Item {
            key: Key::from(key),
            value: Value::Int(value),
        };
        let begin = |objects| vec![Micro::Init { objects }];
        event(0, Kind::Invoke, begin(None));
        let objects: Box<[Item]> = [object("1", 10), object("2", 20)].into();
        event(0, Kind::Ok, begin(Some(objects)));
        let mut begun: Vec<u8> = Vec::new();
        for step in self.steps {
            let own = self.steps.iter().filter(|it| it.session == step.session);
            let done: Vec<Micro> = own.filter_map(|it| it.action.micro()).collect();
            if !begun.contains(&step.session) {
                begun.push(step.session);
                let asked = done.iter().cloned().map(unread).collect();
                event(step.session, Kind::Invoke, asked);
            }
            match step.action {
                Commit => event(step.session, Kind::Ok, done),
                Abort => event(
                    step.session,
                    Kind::Fail,
                    done.into_iter().map(unread).collect(),
                ),
                _ => {}
            }
        }
        History::new(None, Order::Index, events)
    }
}

/// An operation before its results are known.
fn unread(mut micro: Micro) -> Micro {
    match &mut micro {
        Micro::Read { value, .. } => *value = None,
        Micro::PredicateRead(read) => read.found = None,
        _ => {}
    }
    micro
}
