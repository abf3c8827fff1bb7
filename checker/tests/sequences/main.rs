//! Models of objects that grow and of registers, from operations of histories to an answer of the
//! general search, against the definition.

mod definition;
mod random;

use std::fmt::Debug;

use polygraph_checker::linearizable::{Interval, Judgement, Query, check_model};
use polygraph_checker::model::{
    Call, Counter, GrowSet, IdSource, List, Log, Model, MultiRegister, Object, Register,
};
use polygraph_checker::{Budget, FailedCas};
use polygraph_history::{Key, Micro, Op, Outcome, Value};

use definition::{Kind, linearizable};
use random::{Operation, Rng, history};

/// In every run, and where `--ignored` asks for it.
const FEW: u64 = 20_000;
const MANY: u64 = 1_000_000;

fn action<M: Object>(operation: &Operation) -> Option<M::Op> {
    let call = Call {
        op: &operation.op,
        outcome: operation.outcome,
        error: None,
        process: 0,
        failed_cas: FailedCas::Observe,
    };
    M::action(&call).expect("an operation of this model")
}

/// Whether the model, searched, says that there is an order; and that order is one.
fn judged<M: Object>(model: &M, operations: &[Operation]) -> bool
where
    M::Op: Debug,
{
    let known = |operation: &Operation| {
        let pending = operation.outcome == Outcome::Info;
        Some(Interval {
            start: operation.start,
            end: (!pending).then_some(operation.end),
            op: action::<M>(operation)?,
        })
    };
    let intervals: Vec<Interval<M::Op>> = operations.iter().filter_map(known).collect();
    let query = Query {
        budget: Budget::default(),
        order: true,
        states: 1,
        stop: None,
    };
    match check_model(model, &intervals, &query).expect("no operation ends before it begins") {
        Judgement::Linearizable { order } => {
            replay(model, &intervals, &order.expect("it was asked for"));
            true
        }
        Judgement::Violated { states, .. } => {
            let refusals = states.iter().flat_map(|state| &state.refusals);
            for (_, why) in refusals {
                assert!(why.starts_with("cannot "), "{why}");
            }
            false
        }
        Judgement::Unknown { reason, .. } => panic!("{reason:?} ran out: {operations:#?}"),
    }
}

fn replay<M: Model>(model: &M, intervals: &[Interval<M::Op>], order: &[usize])
where
    M::Op: Debug,
{
    let mut state = model.initial();
    let mut latest = 0;
    for &at in order {
        let interval = &intervals[at];
        assert!(
            interval.end.is_none_or(|end| end >= latest),
            "{order:?} of {intervals:#?}"
        );
        latest = latest.max(interval.start);
        let next = model.step(&state, &interval.op);
        state = next.unwrap_or_else(|refusal| panic!("{refusal}: {order:?} of {intervals:#?}"));
    }
    let ended = intervals.iter().filter(|interval| interval.end.is_some());
    let placed = order.iter().filter(|&&at| intervals[at].end.is_some());
    assert_eq!(ended.count(), placed.count());
}

fn fuzz<M: Object>(model: &M, kind: Kind, count: u64)
where
    M::Op: Debug,
{
    let mut holds = 0;
    for run in 0..count {
        let mut rng = Rng::new(run ^ (kind as u64) << 40);
        let operations = history(&mut rng, kind);
        let expected = linearizable(kind, &operations);
        assert_eq!(
            judged(model, &operations),
            expected,
            "{kind:?}: {operations:#?}"
        );
        holds += u64::from(expected);
    }
    println!("{kind:?}: {holds} of {count} hold");
    assert!(
        (count / 5..count * 19 / 20).contains(&holds),
        "{kind:?}: {holds}"
    );
}

fn fuzz_all(count: u64) {
    let null = || Value::Null;
    fuzz(&Register { initial: null() }, Kind::Register, count);
    fuzz(
        &MultiRegister {
            given: [(Key::from("y"), Value::Int(1))].into(),
            initial: null(),
        },
        Kind::MultiRegister,
        count,
    );
    fuzz(&GrowSet::default(), Kind::GrowSet, count);
    fuzz(&List::default(), Kind::List, count);
    fuzz(&Log::default(), Kind::Log, count);
    fuzz(&Counter::default(), Kind::Counter, count);
    fuzz(&IdSource::default(), Kind::IdSource, count);
}

#[test]
fn models_agree_with_the_definition() {
    fuzz_all(FEW);
}

#[test]
#[ignore = "minutes"]
fn models_agree_with_the_definition_a_million_times() {
    fuzz_all(MANY);
}

#[test]
fn operations_of_other_objects_are_foreign() {
    let key = || Key::from("x");
    let foreign = |op: &Op, outcome| {
        fn is<M: Object>(op: &Op, outcome: Outcome) -> bool {
            let call = Call {
                op,
                outcome,
                error: None,
                process: 0,
                failed_cas: FailedCas::Observe,
            };
            M::action(&call).is_err()
        }
        [
            is::<Register<Value>>(op, outcome),
            is::<MultiRegister<Key, Value>>(op, outcome),
            is::<GrowSet<Value>>(op, outcome),
            is::<List<Value>>(op, outcome),
            is::<Log<Value>>(op, outcome),
            is::<Counter>(op, outcome),
            is::<IdSource<Value>>(op, outcome),
        ]
    };
    let (from, to) = (Value::Int(1), Value::Int(2));
    let cas = Op::Cas {
        key: key(),
        from,
        to,
    };
    assert_eq!(foreign(&cas, Outcome::Ok), [true; 7]);
    let append = Micro::Append {
        key: key(),
        value: Value::Int(1),
    };
    assert_eq!(foreign(&Op::Txn(vec![append]), Outcome::Ok), [true; 7]);
    // A read of a number is none of a list; one that failed may be one of anything but a source.
    let read = Op::Read {
        key: key(),
        value: Some(Value::Int(1)),
    };
    let [no, yes] = [false, true];
    assert_eq!(
        foreign(&read, Outcome::Ok),
        [no, no, yes, yes, yes, no, yes]
    );
    assert_eq!(foreign(&read, Outcome::Fail), [no, no, no, no, no, no, yes]);
    const { assert!(!<MultiRegister<Key, Value> as Object>::PER_KEY) };
    const { assert!(<List<Value> as Object>::PER_KEY) };
}
