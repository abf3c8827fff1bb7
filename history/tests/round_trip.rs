//! What our own format writes it reads, for random histories of every kind of event.

use std::collections::BTreeMap;

use polygraph_history::settings::Settings;
use polygraph_history::spec::{Spec, WorkloadSpec};
use polygraph_history::{
    Body, ClockEffect, DiskEffect, Effect, ErrorName, Event, FaultEvent, FaultFamily, Format, Item,
    Key, Kind, Link, Lose, Message, Micro, NodeId, Op, Phase, Predicate, PredicateRead, Process,
    ReadOptions, Session, SlowEffect, Strobe, Time, Value, Verification, jsonl, read,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,3}", "[\\PC\n\t\"\\\\\u{0}é😀]{0,6}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        text().prop_map(|text| Value::from(text.as_str())),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| vec(inner, 0..3).prop_map(Value::list))
}

fn key() -> impl Strategy<Value = Key> {
    text().prop_map(|text| Key::from(text.as_str()))
}

fn node() -> impl Strategy<Value = NodeId> {
    (1..6_u16).prop_map(|number| format!("n{number}").parse().unwrap())
}

fn micro() -> impl Strategy<Value = Micro> {
    prop_oneof![
        key().prop_map(|key| Micro::Read { key, value: None }),
        (key(), value()).prop_map(|(key, value)| Micro::Append { key, value }),
        (key(), value()).prop_map(|(key, value)| Micro::Write { key, value }),
        (key(), value()).prop_map(|(key, value)| Micro::Insert { key, value }),
        key().prop_map(|key| Micro::Delete { key }),
        (predicate(), option::of(items()))
            .prop_map(|(predicate, found)| PredicateRead { predicate, found })
            .prop_map(|read| Micro::PredicateRead(Box::new(read))),
        option::of(items()).prop_map(|objects| Micro::Init { objects }),
        message().prop_map(|message| Micro::Send(Box::new(message))),
        option::of(vec(message(), 0..3)).prop_map(|messages| Micro::Poll {
            messages: messages.map(Into::into)
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    (key(), value(), any::<Option<u64>>()).prop_map(|(key, value, offset)| Message {
        key,
        value,
        offset,
    })
}

fn items() -> impl Strategy<Value = Box<[Item]>> {
    let item = (key(), value()).prop_map(|(key, value)| Item { key, value });
    vec(item, 0..3).prop_map(Into::into)
}

fn predicate() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        Just(Predicate::Any),
        value().prop_map(Predicate::Equal),
        (any::<i64>(), any::<i64>()).prop_map(|(by, rest)| Predicate::Modulo { by, rest }),
    ]
}

/// An operation on a container, lock, counter or log, with or without its result.
fn object() -> impl Strategy<Value = Op> {
    let seen = || option::of(value());
    prop_oneof![
        (key(), value(), any::<Option<bool>>()).prop_map(|(key, value, found)| Op::Contains {
            key,
            value,
            found
        }),
        (key(), value()).prop_map(|(key, value)| Op::Enqueue { key, value }),
        (key(), seen()).prop_map(|(key, value)| Op::Dequeue { key, value }),
        (key(), value()).prop_map(|(key, value)| Op::Push { key, value }),
        (key(), seen()).prop_map(|(key, value)| Op::Pop { key, value }),
        (key(), value()).prop_map(|(key, value)| Op::Insert { key, value }),
        (key(), seen()).prop_map(|(key, value)| Op::Extract { key, value }),
        (key(), seen()).prop_map(|(key, value)| Op::Front { key, value }),
        (key(), any::<bool>(), any::<Option<u64>>()).prop_map(|(key, shared, token)| Op::Acquire {
            key,
            shared,
            token
        }),
        key().prop_map(|key| Op::Release { key }),
        (key(), any::<i64>(), seen()).prop_map(|(key, by, value)| Op::Increment { key, by, value }),
        (key(), seen()).prop_map(|(key, value)| Op::Generate { key, value }),
        (key(), value(), any::<Option<u64>>()).prop_map(|(key, value, offset)| Op::Append {
            key,
            value,
            offset
        }),
        (key(), any::<u64>(), seen()).prop_map(|(key, from, value)| Op::Poll { key, from, value }),
    ]
}

/// An operation as it is invoked.
fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        key().prop_map(|key| Op::Read { key, value: None }),
        (key(), value()).prop_map(|(key, value)| Op::Write { key, value }),
        (key(), value(), value()).prop_map(|(key, from, to)| Op::Cas { key, from, to }),
        (key(), node()).prop_map(|(key, node)| Op::Peek {
            key,
            node,
            value: None
        }),
        (key(), value()).prop_map(|(key, value)| Op::Add { key, value }),
        (key(), value()).prop_map(|(key, value)| Op::Remove { key, value }),
        object(),
        vec(micro(), 0..4).prop_map(Op::Txn),
        (text(), any::<i64>(), text()).prop_map(|(name, number, text)| Op::Custom {
            name,
            args: json!({ "number": number, text: [null, true, 2.5] }),
        }),
    ]
}

fn links() -> impl Strategy<Value = Vec<Link>> {
    vec((node(), node()).prop_map(Link::from), 0..3)
}

fn effect() -> impl Strategy<Value = Effect> {
    let strobe = (any::<i64>(), any::<u64>()).prop_map(|(amplitude_ns, period_ns)| Strobe {
        amplitude_ns,
        period_ns,
    });
    let share = 0..=1_000_000_u32;
    let shares = (share.clone(), share.clone(), share);
    prop_oneof![
        links().prop_map(Effect::Cut),
        links().prop_map(Effect::Hold),
        vec(node(), 0..3).prop_map(Effect::Kill),
        vec(node(), 0..3).prop_map(Effect::Pause),
        vec(node(), 0..3).prop_map(Effect::Wipe),
        (node(), any::<i64>(), any::<i64>(), option::of(strobe)).prop_map(
            |(node, wall_offset_ns, rate_ppm, strobe)| Effect::Clock(ClockEffect {
                node,
                wall_offset_ns,
                rate_ppm,
                strobe
            })
        ),
        (links(), any::<u64>(), any::<u64>(), shares).prop_map(
            |(links, delay_ns, jitter_ns, (loss, duplicate, reorder))| Effect::Slow(SlowEffect {
                links,
                delay_ns,
                jitter_ns,
                loss,
                duplicate,
                reorder
            })
        ),
        (node(), 0..3_usize, any::<bool>(), any::<bool>()).prop_map(
            |(node, lose, torn, sync_error)| Effect::Disk(DiskEffect {
                node,
                lose: [Lose::None, Lose::All, Lose::Subset][lose],
                torn,
                sync_error
            })
        ),
    ]
}

fn fault() -> impl Strategy<Value = FaultEvent> {
    let family = (0..FaultFamily::ALL.len()).prop_map(|at| FaultFamily::ALL[at]);
    let phase = prop_oneof![Just(Phase::Start), Just(Phase::End)];
    (
        any::<u64>(),
        family,
        phase,
        text(),
        option::of(text()),
        option::of(effect()),
    )
        .prop_map(|(id, kind, phase, shape, role, effect)| FaultEvent {
            id,
            kind,
            phase,
            shape,
            role,
            effect,
        })
}

/// The fields besides.
#[derive(Clone, Debug)]
struct Extras {
    node: Option<NodeId>,
    session: Option<String>,
    version: Option<u64>,
    intended: Option<u64>,
    error: Option<String>,
    detail: Option<String>,
    verified: Option<(String, u64)>,
}

fn extras() -> impl Strategy<Value = Extras> {
    let fields = (
        option::of(node()),
        option::of(text()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
        option::of(text()),
        option::of(text()),
        option::of((text(), any::<u64>())),
    );
    fields.prop_map(
        |(node, session, version, intended, error, detail, verified)| Extras {
            node,
            session,
            version,
            intended,
            error,
            detail,
            verified,
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    /// A process begins this, or ends with this kind and result what it has begun.
    Client(u64, Op, Kind, Value),
    Nemesis(FaultEvent, Kind),
}

fn step() -> impl Strategy<Value = (Step, Extras, u64)> {
    let ends = prop_oneof![Just(Kind::Ok), Just(Kind::Fail), Just(Kind::Info)];
    let kinds = prop_oneof![Just(Kind::Invoke), Just(Kind::Ok), Just(Kind::Fail)];
    let step = prop_oneof![
        4 => (0..3_u64, op(), ends, value()).prop_map(|(p, op, kind, v)| Step::Client(p, op, kind, v)),
        1 => (fault(), kinds).prop_map(|(fault, kind)| Step::Nemesis(fault, kind)),
    ];
    (step, extras(), 0..1000_u64)
}

/// A valid history: each process has at most one open operation, and times never go back.
fn events(steps: Vec<(Step, Extras, u64)>) -> Vec<Event> {
    let mut open: BTreeMap<u64, Op> = BTreeMap::new();
    let mut time = 0;
    let each = steps
        .into_iter()
        .enumerate()
        .map(|(index, (step, extras, passed))| {
            time += passed;
            let (process, kind, body) = match step {
                Step::Nemesis(fault, kind) => (Process::Nemesis, kind, Body::Fault(fault)),
                Step::Client(process, op, kind, result) => {
                    let (kind, op) = match open.remove(&process) {
                        Some(begun) => (kind, filled_in(begun, &result)),
                        None => {
                            open.insert(process, op.clone());
                            (Kind::Invoke, op)
                        }
                    };
                    (Process::Client(process), kind, Body::Op(op))
                }
            };
            let mut event = Event::new(index as u64, Time(time), process, kind, body);
            event.node = extras.node;
            event.session = extras.session.map(|name| Session(name.into()));
            event.version = extras.version;
            event.intended = extras.intended.map(Time);
            event.error = extras.error.map(|name| ErrorName::new(&name));
            event.detail = extras.detail;
            event.verified = extras
                .verified
                .map(|(how, count)| Verification { how, count });
            event
        });
    each.collect()
}

fn filled_in(mut op: Op, result: &Value) -> Op {
    match &mut op {
        Op::Read { value, .. } | Op::Peek { value, .. } => *value = Some(result.clone()),
        Op::Txn(micros) => {
            for micro in micros {
                if let Micro::Read { value, .. } = micro {
                    *value = Some(result.clone());
                }
            }
        }
        _ => {}
    }
    op
}

fn spec() -> Spec {
    Spec {
        target: "leaderless".to_owned(),
        settings: Settings::default(),
        workload: WorkloadSpec {
            name: "register".to_owned(),
            settings: Settings::default(),
        },
        nemesis: vec!["kill".to_owned()],
        nemesis_settings: Settings::default(),
        schedule: Some("0123456789abcdef".to_owned()),
        stop_early: true,
        world: "sim".to_owned(),
        nodes: 5,
        clients: 10,
        rate: 200,
        time_ns: u64::MAX,
        ops: Some(7),
        seed: u64::MAX,
        bug: None,
        guarantees: Vec::new(),
    }
}

fn written(spec: Option<&Spec>, events: &[Event]) -> Vec<u8> {
    let mut writer = jsonl::Writer::new(Vec::new(), spec).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap()
}

/// How many random cases are tried, times the factor of the environment.
fn cases() -> ProptestConfig {
    let factor = std::env::var("POLYGRAPH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(500 * factor.unwrap_or(1_u32))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_written_is_read(steps in vec(step(), 1..20), has_spec in any::<bool>()) {
        let spec = has_spec.then(spec);
        let events = events(steps);
        let bytes = written(spec.as_ref(), &events);
        let reading = read(bytes.as_slice(), ReadOptions::default());
        let reading = reading.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(reading.format, Format::Polygraph);
        prop_assert_eq!(reading.history.events(), events.as_slice());
        prop_assert_eq!(reading.history.spec(), spec.as_ref());
        prop_assert!(!reading.history.truncated() && reading.history.warnings().is_empty());
        // And the same bytes again.
        prop_assert_eq!(written(spec.as_ref(), &reading.history.events().to_vec()), bytes);
    }

    /// A file that ends anywhere within its last line holds all but the last event.
    #[test]
    fn a_prefix_holds_the_events_before(steps in vec(step(), 2..8), cut in any::<prop::sample::Index>()) {
        let events = events(steps);
        let bytes = written(None, &events);
        let header = bytes.iter().position(|&byte| byte == b'\n').unwrap();
        let first = header + 1 + bytes[header + 1..].iter().position(|&byte| byte == b'\n').unwrap();
        let end = first + 1 + cut.index(bytes.len() - first - 1);
        let reading = read(&bytes[..end], ReadOptions::default());
        let history = reading.map_err(|error| TestCaseError::fail(error.to_string()))?.history;
        let whole = bytes[..end].iter().filter(|&&byte| byte == b'\n').count() - 1;
        let torn = bytes[end - 1] != b'\n';
        // A line that only misses its newline is whole.
        let missing_newline = torn && bytes[end] == b'\n';
        let expected = whole + usize::from(missing_newline);
        prop_assert_eq!(history.events(), &events[..expected]);
        prop_assert_eq!(history.truncated(), torn && !missing_newline);
    }
}
