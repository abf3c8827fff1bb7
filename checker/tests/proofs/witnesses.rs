//! Orders.

use polygraph_checker::linearizable::{Linearization, Witness, confirm_witness};
use polygraph_checker::{FailedCas, Options, Validity, entry};
use polygraph_history::{EventIndex, Guarantee, History, Key, Value};

use crate::brute::{is_order, order, steps};
use crate::histories;
use crate::random::{KEYS, Rng, history, keys};
use crate::things::{THINGS, Thing};

fn linearization(thing: Thing, key: &Key, order: Vec<EventIndex>) -> Linearization {
    Linearization {
        keys: vec![key.clone()],
        model: thing.model().into(),
        order,
    }
}

/// Orders of all keys: those that there are, and where there is none the operations as they began.
fn witness(history: &History, thing: Thing) -> (Witness, bool) {
    let mut all = true;
    let objects = keys(history).into_iter().map(|key| {
        let steps = steps(history, &key, None);
        let found = order(thing, &steps);
        all &= found.is_some();
        let order = found.unwrap_or_else(|| {
            let needed = steps.iter().filter(|step| step.end != u64::MAX);
            needed.map(|step| step.invoke).collect()
        });
        linearization(thing, &key, order)
    });
    let objects = objects.collect();
    let failed_cas = FailedCas::Observe;
    (
        Witness {
            failed_cas,
            objects,
        },
        all,
    )
}

/// Whether a witness is one, by the definition.
fn stands(history: &History, thing: Thing, witness: &Witness) -> bool {
    let objects = &witness.objects;
    objects.iter().enumerate().all(|(at, object)| {
        let [key] = object.keys.as_slice() else {
            return false;
        };
        let again = objects[..at].iter().any(|other| other.keys == object.keys);
        let of_thing = object.model == thing.model().into();
        !again && of_thing && is_order(thing, &steps(history, key, None), &object.order)
    })
}

/// Changes something.
fn mutate(rng: &mut Rng, history: &History, witness: &mut Witness) {
    let at = rng.below(witness.objects.len());
    if rng.percent(5) && witness.objects.len() > 1 {
        witness.objects.remove(at);
        return;
    }
    let object = &mut witness.objects[at];
    let order = &mut object.order;
    let event = rng.below(history.events().len() + 1);
    match rng.below(7) {
        0 | 1 if order.len() > 1 => {
            let (a, b) = (rng.below(order.len()), rng.below(order.len()));
            order.swap(a, b);
        }
        2 if !order.is_empty() => {
            order.remove(rng.below(order.len()));
        }
        3 if !order.is_empty() => {
            let again = *rng.one(order);
            order.insert(rng.below(order.len() + 1), again);
        }
        4 => order.insert(rng.below(order.len() + 1), event),
        5 if !order.is_empty() => {
            let place = rng.below(order.len());
            order[place] = event;
        }
        _ => object.keys = vec![Key::from(*rng.one(&KEYS))],
    }
}

/// A witness is accepted exactly if it is one.
fn accepted_exactly_if_it_stands(thing: Thing, seeds: std::ops::Range<u64>) {
    let (mut orders, mut none, mut still) = (0_u64, 0_u64, 0_u64);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let rng = &mut Rng(seed);
        let tampered = rng.percent(60);
        let history = history(rng, thing, tampered);
        let (witness, all) = witness(&history, thing);
        let confirmed = confirm_witness(&history, &witness);
        assert_eq!(
            confirmed.is_ok(),
            all,
            "seed {seed}: {confirmed:?} {witness:?}"
        );
        match confirmed {
            Ok(confirmed) => {
                assert_eq!(confirmed.not_covered, [], "seed {seed}");
                assert_eq!(confirmed.objects.len(), witness.objects.len());
                orders += 1;
            }
            Err(_) => none += 1,
        }
        for _ in 0..6 {
            let mut mutant = witness.clone();
            for _ in 0..1 + rng.below(2) {
                mutate(rng, &history, &mut mutant);
            }
            let confirmed = confirm_witness(&history, &mutant);
            let stands = stands(&history, thing, &mutant);
            assert_eq!(
                confirmed.is_ok(),
                stands,
                "{thing:?}, seed {seed}: {confirmed:?} {mutant:?} {:?}",
                history.events()
            );
            still += u64::from(stands && mutant.objects != witness.objects);
            // What is not covered is said: else every key has an order.
            if confirmed.is_ok_and(|confirmed| confirmed.not_covered.is_empty()) {
                let has_order = |key: &Key| order(thing, &steps(&history, key, None)).is_some();
                assert!(keys(&history).iter().all(has_order), "seed {seed}");
            }
        }
    }
    println!("{thing:?}: {orders} orders, {none} without, {still} mutants that stand");
    // Otherwise the comparison would say little.
    let least = count / 15;
    assert!(orders > least && none > least && still > least, "{thing:?}");
}

#[test]
fn a_witness_is_accepted_exactly_if_it_is_one() {
    for thing in THINGS {
        accepted_exactly_if_it_stands(thing, 0..histories());
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_witness_is_accepted_exactly_if_it_is_one_a_million_times() {
    for thing in THINGS {
        accepted_exactly_if_it_stands(thing, 0..1_000_000);
    }
}

#[test]
fn parameters_of_models_matter() {
    use polygraph_checker::linearizable::ModelName;
    use polygraph_checker::model::ModelKind;
    let of = |model: ModelName| {
        let history = crate::said::two_permits();
        let objects = vec![Linearization {
            keys: vec![Key::from("x")],
            model,
            order: vec![0, 2],
        }];
        let failed_cas = FailedCas::Observe;
        let witness = Witness {
            failed_cas,
            objects,
        };
        confirm_witness(&history, &witness).map_err(|problem| problem.to_string())
    };
    let semaphore = || ModelName::from(ModelKind::Semaphore);
    let two = of(semaphore().with("permits", Value::Int(2)));
    assert!(two.is_ok(), "{two:?}");
    let one = of(semaphore()).unwrap_err();
    assert!(one.ends_with("cannot acquire: no permit is free"), "{one}");
    let none = of(semaphore().with("permits", Value::Int(-1))).unwrap_err();
    assert!(none.contains("cannot be -1"), "{none}");
    let other = of(semaphore().with("colour", Value::Int(1))).unwrap_err();
    assert!(other.contains("no parameter `colour`"), "{other}");
    let transactions = of(ModelKind::ListAppend.into()).unwrap_err();
    assert!(transactions.contains("list-append"), "{transactions}");
    let foreign = of(ModelKind::Stack.into()).unwrap_err();
    assert!(foreign.contains("does not know"), "{foreign}");
}

/// The orders that the check gives.
fn what_holds_has_orders(thing: Thing) {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let (mut held, mut without) = (0, 0);
    for seed in 0..histories() / 4 {
        let rng = &mut Rng(seed);
        let tampered = rng.percent(30);
        let history = history(rng, thing, tampered);
        let options = Options {
            model: Some(thing.model()),
            witness: true,
            ..Options::default()
        };
        let verdict = check(&history, &options);
        let Some(witness) = verdict.witness else {
            without += u64::from(verdict.validity == Validity::Holds);
            continue;
        };
        assert_eq!(verdict.validity, Validity::Holds, "{thing:?}, seed {seed}");
        let confirmed = confirm_witness(&history, &witness);
        let confirmed = confirmed.unwrap_or_else(|problem| {
            panic!("{thing:?}, seed {seed}: {problem} {witness:?} {history:?}")
        });
        assert_eq!(confirmed.not_covered, [], "{thing:?}, seed {seed}");
        held += 1;
    }
    println!("{thing:?}: {held} orders, {without} hold without one");
    assert!(
        held > histories() / 10 && without == 0,
        "{thing:?}: {held} {without}"
    );
}

#[test]
fn what_holds_has_orders_that_are_confirmed() {
    THINGS.into_iter().for_each(what_holds_has_orders);
}
