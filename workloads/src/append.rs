//! `append`: transactions that read lists and append to them.
//!
//! Every element is appended once, so that a list that was read tells in which order its elements
//! came, and with it the order of the transactions that appended them (Kingsbury and Alvaro,
//! "Elle: inferring isolation anomalies from experimental observations", VLDB 2020).

use polygraph_history::random::{below, keyed, mix, text};
use polygraph_history::settings::{Accepts, Knob};
use polygraph_history::{Event, Guarantee, Key, Micro, Op, OpKind, Time, Value};

use crate::finale::Finale;
use crate::keys::Keys;
use crate::{Generator, Next, Setup, Workload};

/// List-append transactions.
pub(crate) struct Append;

const KNOBS: &[Knob] = &[
    Knob {
        key: "keys",
        accepts: Accepts::Integer(1, 1000),
        default: "10",
        about: "how many lists live at a time",
    },
    Knob {
        key: "ops-per-key",
        accepts: Accepts::Integer(1, 1_000_000_000),
        default: "100",
        about: "after how many reads and appends a list retires",
    },
    Knob {
        key: "max-length",
        accepts: Accepts::Integer(1, 100),
        default: "8",
        about: "how many operations a transaction has at most",
    },
    Knob {
        key: "read",
        accepts: Accepts::Ratio,
        default: "50%",
        about: "the share of reads",
    },
];

/// How many lists a final transaction reads.
const FINAL_LENGTH: usize = 5;

impl Workload for Append {
    fn name(&self) -> &'static str {
        "append"
    }

    fn about(&self) -> &'static str {
        "transactions of reads of lists and appends of unique elements"
    }

    fn knobs(&self) -> &'static [Knob] {
        KNOBS
    }

    fn mix(&self) -> &'static [OpKind] {
        &[OpKind::Txn]
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Txn]
    }

    fn guarantees(&self) -> &'static [Guarantee] {
        &[
            Guarantee::StrictSerializable,
            Guarantee::Serializable,
            Guarantee::Available,
        ]
    }

    fn generator(&self, setup: Setup) -> Box<dyn Generator> {
        let settings = &setup.settings;
        Box::new(Plan {
            keys: Keys::new(
                "a",
                settings.integer("keys").unsigned_abs(),
                settings.integer("ops-per-key").unsigned_abs(),
            ),
            max_length: settings.integer("max-length").unsigned_abs(),
            read_ppm: u64::from(settings.ratio_ppm("read")),
            element: 0,
            finale: Finale::default(),
            setup,
        })
    }
}

struct Plan {
    setup: Setup,
    keys: Keys,
    max_length: u64,
    read_ppm: u64,
    element: i64,
    finale: Finale,
}

impl Generator for Plan {
    fn next(&mut self, client: usize, ordinal: u64) -> Op {
        let bits = keyed(&[self.setup.seed, text("append"), client as u64, ordinal]);
        let length = 1 + below(bits, self.max_length);
        let micros = (0..length).map(|at| {
            let bits = keyed(&[bits, at]);
            let key = self.keys.draw(bits);
            if below(mix(bits), 1_000_000) < self.read_ppm {
                return Micro::Read { key, value: None };
            }
            self.element += 1;
            Micro::Append {
                key,
                value: Value::Int(self.element),
            }
        });
        Op::Txn(micros.collect())
    }

    fn probe(&mut self) -> Op {
        Op::Txn(vec![Micro::Read {
            key: Key::from("probe"),
            value: None,
        }])
    }

    fn begin_final(&mut self, _now: Time, deadline: Time) {
        let keys = self.keys.recent();
        let read = |key: &Key| Micro::Read {
            key: key.clone(),
            value: None,
        };
        let reads: Vec<_> = keys
            .chunks(FINAL_LENGTH)
            .map(|keys| Op::Txn(keys.iter().map(read).collect()))
            .collect();
        self.finale = Finale::new(reads, [], deadline);
    }

    fn next_final(&mut self, now: Time) -> Next {
        self.finale.next(now)
    }

    fn update(&mut self, event: &Event) {
        self.finale.update(event);
    }
}
