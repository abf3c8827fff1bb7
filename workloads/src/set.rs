//! `set`: unique elements are added to sets; in the end every replica is asked what it has.

use std::collections::BTreeMap;

use polygraph_history::random::{below, keyed, mix, text};
use polygraph_history::settings::{Accepts, Knob};
use polygraph_history::{Event, Guarantee, Key, Op, OpKind, Time, Value};

use crate::finale::Finale;
use crate::{Generator, Next, Setup, Workload};

/// Unique adds, few reads, and a final peek of every replica.
pub(crate) struct Set;

const KNOBS: &[Knob] = &[
    Knob {
        key: "sets",
        accepts: Accepts::Integer(1, 1000),
        default: "10",
        about: "to how many sets elements are added at a time",
    },
    Knob {
        key: "elements",
        accepts: Accepts::Integer(1, 1_000_000_000),
        default: "500",
        about: "after how many adds a set is full and a fresh one takes its place",
    },
    Knob {
        key: "add",
        accepts: Accepts::Ratio,
        default: "95%",
        about: "the share of adds",
    },
    Knob {
        key: "remove",
        accepts: Accepts::Ratio,
        default: "0%",
        about: "the share of adds in whose place a client removes what it added before, where the \
                target can remove",
    },
];

impl Workload for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn about(&self) -> &'static str {
        "unique elements are added to sets, and in the end every replica is asked what it has"
    }

    fn knobs(&self) -> &'static [Knob] {
        KNOBS
    }

    fn mix(&self) -> &'static [OpKind] {
        &[OpKind::Add, OpKind::Read]
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Add]
    }

    fn guarantees(&self) -> &'static [Guarantee] {
        &[
            Guarantee::Durable,
            Guarantee::Converges,
            Guarantee::NoResurrection,
            Guarantee::Available,
        ]
    }

    fn generator(&self, setup: Setup) -> Box<dyn Generator> {
        Box::new(Plan {
            sets: setup.settings.integer("sets").unsigned_abs(),
            capacity: setup.settings.integer("elements").unsigned_abs(),
            added: 0,
            own: BTreeMap::new(),
            finale: Finale::default(),
            setup,
        })
    }
}

fn value(element: u64) -> Value {
    Value::Int(i64::try_from(element).expect("fewer than 2^63 elements"))
}

struct Plan {
    setup: Setup,
    sets: u64,
    capacity: u64,
    /// How many adds were issued in all; each is its own element.
    added: u64,
    /// What each client added and has not removed yet; only where anything is removed.
    own: BTreeMap<usize, Vec<u64>>,
    finale: Finale,
}

impl Plan {
    /// Element by element the sets are filled in turn; when all are full, fresh ones follow.
    fn set_of(&self, element: u64) -> Key {
        let generation = element / (self.sets * self.capacity);
        Key::from(format!("s{}", generation * self.sets + element % self.sets).as_str())
    }

    fn all_sets(&self) -> Vec<Key> {
        let full = self.added / (self.sets * self.capacity) * self.sets;
        let begun = (self.added % (self.sets * self.capacity)).min(self.sets);
        (0..full + begun)
            .map(|set| Key::from(format!("s{set}").as_str()))
            .collect()
    }
}

impl Generator for Plan {
    fn next(&mut self, client: usize, ordinal: u64) -> Op {
        let bits = keyed(&[self.setup.seed, text("set"), client as u64, ordinal]);
        let reads = self.setup.supported.contains(&OpKind::Read);
        let adds = below(bits, 1_000_000) < u64::from(self.setup.settings.ratio_ppm("add"));
        if adds || !reads {
            let removals = match self.setup.supported.contains(&OpKind::Remove) {
                true => u64::from(self.setup.settings.ratio_ppm("remove")),
                false => 0,
            };
            if below(mix(bits), 1_000_000) < removals
                && let Some(element) = self.own.get_mut(&client).and_then(Vec::pop)
            {
                return Op::Remove {
                    key: self.set_of(element),
                    value: value(element),
                };
            }
            let element = self.added;
            self.added += 1;
            if removals > 0 {
                self.own.entry(client).or_default().push(element);
            }
            return Op::Add {
                key: self.set_of(element),
                value: value(element),
            };
        }
        let recent = self.added.saturating_sub(below(mix(bits), self.sets) + 1);
        Op::Read {
            key: self.set_of(recent),
            value: None,
        }
    }

    fn probe(&mut self) -> Op {
        match self.setup.supported.contains(&OpKind::Read) {
            true => Op::Read {
                key: Key::from("probe"),
                value: None,
            },
            false => Op::Add {
                key: Key::from("probe"),
                value: Value::Int(0),
            },
        }
    }

    fn begin_final(&mut self, _now: Time, deadline: Time) {
        let sets = self.all_sets();
        let reads = self.setup.supported.contains(&OpKind::Read);
        let reads: Vec<_> = sets
            .iter()
            .filter(|_| reads)
            .map(|key| Op::Read {
                key: key.clone(),
                value: None,
            })
            .collect();
        let peeks = self.setup.supported.contains(&OpKind::Peek);
        let replicas = sets.into_iter().filter(|_| peeks);
        let replicas: Vec<_> = replicas
            .map(|key| (key.clone(), (self.setup.replicas)(&key)))
            .collect();
        self.finale = Finale::new(reads, replicas, deadline);
    }

    fn next_final(&mut self, now: Time) -> Next {
        self.finale.next(now)
    }

    fn update(&mut self, event: &Event) {
        self.finale.update(event);
    }
}
