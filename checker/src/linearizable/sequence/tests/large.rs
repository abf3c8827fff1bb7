//! Histories that no other way could decide: a few clients, very many operations.

use std::time::Instant;

use super::random::{Rng, build};
use super::replay;
use super::subjects::{Counters, Lists, Logs, Sets, Subject};
use crate::linearizable::item::Item;
use crate::model::{CounterOp, GrowSetOp, ListOp, LogOp};

/// Clients that take turns: `perform` is called at the moment when an operation takes effect.
fn history<A>(
    rng: &mut Rng,
    count: u64,
    mut perform: impl FnMut(&mut Rng, u64) -> A,
) -> Vec<Item<A>> {
    let items = (0..count).map(|at| {
        let moment = 10 * at;
        let start = moment.saturating_sub(rng.below(100) as u64);
        let end = moment + rng.below(100) as u64;
        (start, end, perform(rng, at))
    });
    let mut items: Vec<(u64, u64, A)> = items.collect();
    items.sort_by_key(|&(start, end, _)| (start, end));
    let numbered = items.into_iter().enumerate();
    numbered.map(|(at, item)| build(at, item)).collect()
}

/// Decides; then with an operation added that contradicts the rest.
fn decide<S: Subject>(name: &str, mut items: Vec<Item<S::Op>>, wrong: S::Op) {
    let begun = Instant::now();
    assert_eq!(S::decide(&items), Some(Ok(())));
    let decided = begun.elapsed();
    let order = S::order(&items).expect("an order of what holds");
    let ordered = begun.elapsed() - decided;
    let count = items.len();
    println!("{name}: {count} operations, decided in {decided:?}, ordered in {ordered:?}");
    replay::<S>(&items, &order).expect("an order");
    let late = 10 * count as u64 + 1000;
    items.push(build(count, (late, late + 1, wrong)));
    let begun = Instant::now();
    let refuted = S::decide(&items)
        .expect("it is decided")
        .expect_err("it is wrong");
    println!("    refuted in {:?}: {refuted:?}", begun.elapsed());
    assert!(
        refuted.operations.len() <= 12 && refuted.by <= late + 1,
        "{refuted:?}"
    );
    assert!(refuted.operations.contains(&count), "{refuted:?}");
}

fn decide_all(count: u64) {
    let mut rng = Rng(7);
    let mut log: Vec<u32> = Vec::new();
    let items = history(&mut rng, count, |rng, at| match rng.below(4) {
        0 | 1 => {
            log.push(at as u32);
            let offset = (rng.below(10) > 0).then(|| log.len() as u64 - 1);
            LogOp::Append {
                value: at as u32,
                offset,
            }
        }
        _ => {
            let from = rng.below(log.len() + 1);
            LogOp::Poll {
                from: from as u64,
                values: log[from..].iter().copied().take(5).collect(),
            }
        }
    });
    let wrong = LogOp::Poll {
        from: 3,
        values: [log[4]].into_iter().collect(),
    };
    decide::<Logs>("log", items, wrong);

    let mut counted = 0;
    let items = history(&mut rng, count, |rng, _| match rng.below(4) {
        0 => CounterOp::Read(counted),
        kind => {
            counted += 2;
            CounterOp::Increment {
                by: 2,
                value: (kind == 1).then_some(counted),
            }
        }
    });
    decide::<Counters<true>>("counter", items, CounterOp::Read(2 * (counted / 4)));

    // Reads of all are as large as what they read.
    let mut list: Vec<u32> = Vec::new();
    let items = history(&mut rng, count, |rng, at| {
        match rng.below(count as usize / 50) {
            0 => ListOp::Read(list.iter().copied().collect()),
            _ => {
                list.push(at as u32);
                ListOp::Append(at as u32)
            }
        }
    });
    let wrong = ListOp::Read(list[..list.len() / 2].iter().copied().collect());
    decide::<Lists>("list", items, wrong);

    let mut set: Vec<u32> = Vec::new();
    let items = history(&mut rng, count, |rng, at| {
        match rng.below(count as usize / 50) {
            0 => GrowSetOp::Read(set.iter().copied().collect()),
            _ => {
                set.push(at as u32);
                GrowSetOp::Add(at as u32)
            }
        }
    });
    let wrong = GrowSetOp::Read(set[1..].iter().copied().collect());
    decide::<Sets>("set", items, wrong);
}

#[test]
fn a_hundred_thousand_operations() {
    decide_all(100_000);
}

#[test]
#[ignore = "large"]
fn two_million_operations() {
    decide_all(1_000_000);
    decide_all(2_000_000);
}
