//! What takes long: few values, many clients; and whether budgets are kept.

use std::time::{Duration, Instant};

use polygraph_checker::linearizable::{Interval, Judgement, Query, check_model};
use polygraph_checker::model::{Call, CasRegister, CasRegisterOp, Object};
use polygraph_checker::{Budget, FailedCas, Options, Validity, entry};
use polygraph_history::{Guarantee, History, Operation, Value};

use crate::run::history;
use crate::shapes::{FIVE, Shape, Wrong};

/// The operations of a history of one register, for the search alone: without what is known of
/// registers.
fn intervals(history: &History) -> Vec<Interval<CasRegisterOp<Value>>> {
    let interval = |operation: &Operation| {
        let call = Call {
            op: history.op(operation),
            outcome: operation.outcome,
            error: None,
            process: 0,
            failed_cas: FailedCas::Observe,
        };
        let op = CasRegister::<Value>::action(&call).expect("an operation of registers")?;
        Some(Interval {
            start: operation.start,
            end: Some(operation.end),
            op,
        })
    };
    history.operations().iter().filter_map(interval).collect()
}

/// Five values on one key: how long each client count, length and share of crashes takes, by
/// everything that is known of registers and by the search alone.
pub(crate) fn cells(chosen: impl Fn(&str) -> bool) {
    let budget = Budget {
        max_time: Some(Duration::from_secs(20)),
        ..Budget::default()
    };
    println!(
        "\n{:<24} {:>10} {:>10} {:>10}   {:>10} {:>10} {:>10}   [ms; `-` is unknown]",
        "5 values, 1 key", "valid", "phantom", "both", "valid*", "phantom*", "both*"
    );
    for clients in [5, 10, 20, 50] {
        for (operations, crash) in [
            (1000, 0),
            (1000, 10),
            (10_000, 0),
            (10_000, 5),
            (10_000, 10),
        ] {
            let name = format!("{clients} clients, {operations}, {crash} ‰");
            if !chosen(&format!("cells {name}")) {
                continue;
            }
            print!("{name:<24}");
            for alone in [false, true] {
                for wrong in [Wrong::No, Wrong::Phantom, Wrong::Both] {
                    let shape = Shape {
                        operations,
                        clients,
                        crash,
                        wrong,
                        ..FIVE
                    };
                    print!(" {:>10}", cell(&history(&shape), alone, budget));
                }
                print!("  ");
            }
            println!();
        }
    }
    println!("  * by the search alone");
}

/// The best time of one cell.
fn cell(history: &History, alone: bool, budget: Budget) -> String {
    let intervals = intervals(history);
    let model = CasRegister {
        initial: Value::Null,
    };
    let query = Query {
        budget,
        states: 0,
        ..Query::default()
    };
    let options = Options {
        budget,
        ..Options::default()
    };
    let mut best = Duration::MAX;
    let mut decided = true;
    let begin = Instant::now();
    while best == Duration::MAX || begin.elapsed() < Duration::from_millis(300) {
        let begin = Instant::now();
        decided = if alone {
            let judgement = check_model(&model, &intervals, &query).expect("it goes forward");
            !matches!(judgement, Judgement::Unknown { .. })
        } else {
            let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
            (entry.check)(history, &options).validity != Validity::Unknown
        };
        best = best.min(begin.elapsed());
    }
    let took = format!("{:.2}", best.as_secs_f64() * 1e3);
    if decided { took } else { format!("- {took}") }
}

/// What nobody can decide: fifty clients, five values, and something wrong. The answer must come
/// when the memory or the time is used up, and the process must not hold more.
pub(crate) fn budgets() {
    let shape = Shape {
        clients: 50,
        crash: 0,
        wrong: Wrong::Phantom,
        ..FIVE
    };
    let intervals = intervals(&history(&shape));
    let model = CasRegister {
        initial: Value::Null,
    };
    println!("\n50 clients, 10000, phantom*: limit, time, growth of the peak of memory");
    for (steps, megabytes, seconds) in [
        (1_000_000, 4096, 600),
        (u64::MAX, 64, 600),
        (u64::MAX, 256, 600),
        (u64::MAX, 4096, 2),
    ] {
        let before = peak();
        let query = Query {
            budget: Budget {
                max_steps: steps,
                max_memory: megabytes << 20,
                max_time: Some(Duration::from_secs(seconds)),
            },
            ..Query::default()
        };
        let begin = Instant::now();
        let judgement = check_model(&model, &intervals, &query).expect("it goes forward");
        let took = begin.elapsed();
        let Judgement::Unknown {
            reason,
            until,
            frontier,
            branching,
        } = judgement
        else {
            panic!("somebody decided it");
        };
        println!(
            "{steps} steps, {megabytes} MiB, {seconds} s: {} in {:.2} s, {} MiB; all up to {:?}, \
             {frontier} configurations, by {:?}",
            reason.name(),
            took.as_secs_f64(),
            (peak() - before) >> 20,
            until,
            branching
        );
    }
}

/// The most bytes that the process has held so far; 0 where nobody says.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.map_or(0, |number| number.parse::<u64>().unwrap_or(0) << 10)
}
