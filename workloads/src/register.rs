//! `register`: reads, writes and compare-and-sets of single registers.

use std::collections::BTreeMap;

use polygraph_history::random::{below, keyed, mix, text};
use polygraph_history::settings::{Accepts, Knob};
use polygraph_history::{Body, Event, Guarantee, Key, Kind, Op, OpKind, Time, Value};

use crate::finale::Finale;
use crate::keys::Keys;
use crate::{Generator, Next, Setup, Workload};

/// Reads, writes and compare-and-sets over keys; every value is written once.
pub(crate) struct Register;

const KNOBS: &[Knob] = &[
    Knob {
        key: "keys",
        accepts: Accepts::Integer(1, 1000),
        default: "10",
        about: "how many keys live at a time",
    },
    Knob {
        key: "ops-per-key",
        accepts: Accepts::Integer(1, 1_000_000_000),
        default: "100",
        about: "after how many operations a key retires",
    },
    Knob {
        key: "repeat",
        accepts: Accepts::Ratio,
        default: "50%",
        about: "the share of operations on the key that the client used last, as one who works on a thing does",
    },
    Knob {
        key: "read",
        accepts: Accepts::Ratio,
        default: "50%",
        about: "the share of reads",
    },
    Knob {
        key: "write",
        accepts: Accepts::Ratio,
        default: "30%",
        about: "the share of writes",
    },
    Knob {
        key: "cas",
        accepts: Accepts::Ratio,
        default: "20%",
        about: "the share of compare-and-sets",
    },
];

impl Workload for Register {
    fn name(&self) -> &'static str {
        "register"
    }

    fn about(&self) -> &'static str {
        "reads, writes and compare-and-sets of single registers, every value written once"
    }

    fn knobs(&self) -> &'static [Knob] {
        KNOBS
    }

    fn mix(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write, OpKind::Cas]
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write]
    }

    fn guarantees(&self) -> &'static [Guarantee] {
        &[
            Guarantee::Linearizable,
            Guarantee::ReadYourWrites,
            Guarantee::MonotonicReads,
            Guarantee::Converges,
            Guarantee::Durable,
            Guarantee::BoundedStaleness,
            Guarantee::Available,
        ]
    }

    fn generator(&self, setup: Setup) -> Box<dyn Generator> {
        let settings = &setup.settings;
        let weight = |kind: OpKind, key: &str| match setup.supported.contains(&kind) {
            true => u64::from(settings.ratio_ppm(key)),
            false => 0,
        };
        Box::new(Plan {
            keys: Keys::new(
                "r",
                settings.integer("keys").unsigned_abs(),
                settings.integer("ops-per-key").unsigned_abs(),
            ),
            read: weight(OpKind::Read, "read"),
            write: weight(OpKind::Write, "write"),
            cas: weight(OpKind::Cas, "cas"),
            repeat: u64::from(settings.ratio_ppm("repeat")),
            last: BTreeMap::new(),
            latest: BTreeMap::new(),
            value: 0,
            finale: Finale::default(),
            setup,
        })
    }
}

struct Plan {
    setup: Setup,
    keys: Keys,
    read: u64,
    write: u64,
    cas: u64,
    repeat: u64,
    /// The key that each client used last.
    last: BTreeMap<usize, Key>,
    /// The value of each key that was last heard of: what a compare-and-set expects.
    latest: BTreeMap<Key, Value>,
    value: i64,
    finale: Finale,
}

impl Plan {
    fn fresh_value(&mut self) -> Value {
        self.value += 1;
        Value::Int(self.value)
    }
}

impl Generator for Plan {
    fn next(&mut self, client: usize, ordinal: u64) -> Op {
        let bits = keyed(&[self.setup.seed, text("register"), client as u64, ordinal]);
        let repeats = below(mix(bits ^ 2), 1_000_000) < self.repeat;
        let last = self.last.get(&client).filter(|_| repeats).cloned();
        let again = last.and_then(|key| self.keys.again(&key));
        let key = again.unwrap_or_else(|| self.keys.draw(bits));
        self.last.insert(client, key.clone());
        let draw = below(mix(bits), (self.read + self.write + self.cas).max(1));
        if draw < self.read || self.write + self.cas == 0 {
            return Op::Read { key, value: None };
        }
        let expected = match draw < self.read + self.cas {
            // Mostly what is probably there; sometimes nothing, to see a mismatch.
            true if below(mix(bits ^ 1), 10) == 0 => Some(Value::Null),
            true => Some(self.latest.get(&key).cloned().unwrap_or(Value::Null)),
            false => None,
        };
        let value = self.fresh_value();
        match expected {
            Some(from) => Op::Cas {
                key,
                from,
                to: value,
            },
            None => Op::Write { key, value },
        }
    }

    fn probe(&mut self) -> Op {
        Op::Read {
            key: Key::from("probe"),
            value: None,
        }
    }

    fn begin_final(&mut self, _now: Time, deadline: Time) {
        let keys = self.keys.recent();
        let reads: Vec<_> = keys
            .iter()
            .map(|key| Op::Read {
                key: key.clone(),
                value: None,
            })
            .collect();
        let peeks = self.setup.supported.contains(&OpKind::Peek);
        let replicas = keys.into_iter().filter(|_| peeks);
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
        let Body::Op(op) = &event.body else { return };
        let (Kind::Ok, Some(key)) = (event.kind, op.key()) else {
            return;
        };
        match op {
            Op::Read {
                value: Some(value), ..
            }
            | Op::Write { value, .. }
            | Op::Cas { to: value, .. } => {
                self.latest.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
}
