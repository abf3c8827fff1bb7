//! What limits do, and what is large without being hard.

use std::time::Duration;

use polygraph_checker::{Budget, Options, Reason, Validity, Verdict};
use polygraph_history::{Op, Value};

use crate::build::{Build, check, int, key, read, reading, validity, write};
use crate::cases::violation;
use crate::random::{Rng, Shape, atomic_run};

#[test]
fn a_search_that_ends_early_names_what_made_it_grow() {
    let append = |value: i64| Op::Append {
        key: key("l"),
        value: int(value),
        offset: None,
    };
    let mut build = Build::new();
    for process in 0..12 {
        build.invoke(process, append(process as i64 % 3));
    }
    for process in 0..12 {
        build.ok(process, append(process as i64 % 3));
    }
    // Nobody appended the last.
    let elements = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 7].map(int);
    build.whole(
        20,
        Op::Read {
            key: key("l"),
            value: Some(Value::list(elements)),
        },
    );
    let mut options = Options::default();
    options.budget.max_steps = 500;
    let verdict = check(&build.history(), &options);
    if verdict.validity == Validity::Unknown {
        assert_eq!(verdict.reason, Some(Reason::BudgetSteps));
        assert!(
            verdict.warnings[0].contains("configurations"),
            "{:?}",
            verdict.warnings
        );
    } else {
        // Whoever sees at once that nobody appended it need not search.
        assert_eq!(verdict.validity, Validity::Violated, "{verdict:?}");
    }
    let mut set = Build::new();
    for process in 0..12 {
        let value = int(process as i64 % 3);
        let op = match process % 2 {
            0 => Op::Add {
                key: key("s"),
                value,
            },
            _ => Op::Remove {
                key: key("s"),
                value,
            },
        };
        set.invoke(process, op.clone());
    }
    let seen = |found| Op::Contains {
        key: key("s"),
        value: int(1),
        found: Some(found),
    };
    for round in 0..20 {
        set.whole(20, seen(round % 2 == 0));
    }
    options.budget.max_steps = 20;
    let verdict = check(&set.history(), &options);
    assert_eq!(verdict.validity, Validity::Unknown, "{verdict:?}");
}

/// So many writes at once, some read in between in an order of their own.
fn crowd(clients: u64, last: i64) -> Build {
    let mut build = Build::new();
    for client in 0..clients {
        build.invoke(client, write("x", client as i64 % 7));
    }
    for value in [3, 1, 5, 1] {
        build.whole(clients, read("x", value));
    }
    for client in 0..clients {
        build.ok(client, write("x", client as i64 % 7));
    }
    build.whole(clients, read("x", last));
    build
}

#[test]
fn more_than_64_open_operations_are_no_obstacle() {
    for clients in [65, 100, 130, 600] {
        assert_eq!(
            validity(&crowd(clients, 2).history()),
            Validity::Holds,
            "{clients}"
        );
        let verdict = violation(&crowd(clients, 8));
        assert_eq!(verdict.anomalies[0].kind, "phantom-read", "{clients}");
    }
    // As many reads that fit, of two writes.
    let mut build = Build::new();
    build.invoke(500, write("x", 1)).invoke(501, write("x", 2));
    for client in 0..300 {
        build.invoke(client, reading("x"));
    }
    for client in 0..300 {
        build.ok(client, read("x", 1 + client as i64 % 2));
    }
    assert_eq!(validity(&build.history()), Validity::Holds);
    build.whole(0, read("x", -1));
    assert_eq!(validity(&build.history()), Validity::Violated);
}

/// Hard for every search: duplicate values, many clients, one wrong read in the end.
fn hard() -> Build {
    let shape = Shape {
        operations: 400,
        processes: 40,
        keys: 1,
        domain: 4,
        crash_percent: 2,
        refuse_percent: 0,
        cas_percent: 10,
        read_percent: 30,
    };
    atomic_run(&mut Rng(7), &shape)
}

#[test]
fn a_budget_of_steps_gives_the_same_unknown_twice() {
    let mut build = hard();
    build.whole(1_000_001, read("y", -1));
    let history = build.history();
    let options = Options {
        budget: Budget {
            max_steps: 3_000,
            ..Budget::default()
        },
        ..Options::default()
    };
    let verdict = check(&history, &options);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reason, Some(Reason::BudgetSteps));
    let established = verdict.established.clone().unwrap();
    assert!(
        established.starts_with("linearizable up to event "),
        "{established}"
    );
    let again = check(&history, &options);
    assert_eq!(format!("{verdict:?}"), format!("{again:?}"));
    // More steps never establish less.
    let event = |verdict: &Verdict| -> u64 {
        let established = verdict.established.as_ref().unwrap();
        established.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let more = Options {
        budget: Budget {
            max_steps: 30_000,
            ..Budget::default()
        },
        ..Options::default()
    };
    let more = check(&history, &more);
    if more.validity == Validity::Unknown {
        assert!(event(&more) >= event(&verdict));
    }
}

#[test]
fn budgets_of_memory_and_time_are_kept_too() {
    let history = hard().history();
    let with = |budget: Budget| {
        check(
            &history,
            &Options {
                budget,
                ..Options::default()
            },
        )
    };
    let memory = with(Budget {
        max_memory: 20_000,
        ..Budget::default()
    });
    assert_eq!(memory.reason, Some(Reason::BudgetMemory));
    let time = with(Budget {
        max_time: Some(Duration::ZERO),
        ..Budget::default()
    });
    assert!(time.reason.is_none() || time.reason == Some(Reason::BudgetTime));
    let nothing = with(Budget {
        max_steps: 0,
        ..Budget::default()
    });
    assert_eq!(nothing.reason, Some(Reason::BudgetSteps));
}
