//! Monotonic writes, writes-follow-reads, PRAM and causal consistency against their definition:
//! every order of all writes of all keys is tried.

mod session_support;

use std::collections::BTreeMap;

use polygraph_checker::session::{Act, Rules, check, example};
use polygraph_checker::{Options, Validity, Verdict, entry};
use polygraph_history::{Guarantee, History, Kind, Micro, Op, Value};
use session_support::brute::{Step, register};
use session_support::{Chance, Script, cas, confirmed, int, read, show, write};

const KEYS: [&str; 2] = ["x", "y"];

/// Every set of rules with those that matter across keys.
fn all_rules() -> Vec<Rules> {
    let bit = |number: u32, at: u32| number >> at & 1 == 1;
    let rules = (0..32).map(|number| Rules {
        own_writes: bit(number, 0),
        seen_reads: bit(number, 1),
        session_writes: bit(number, 2),
        read_context: bit(number, 3),
        real_time: bit(number, 4),
    });
    rules
        .filter(|rules| rules.session_writes || rules.read_context)
        .collect()
}

#[derive(Clone, Copy)]
struct Mix {
    operations: usize,
    processes: usize,
    cas: bool,
    transactions: bool,
    shared: bool,
    tick: u64,
}

fn random(chance: &mut Chance, mix: Mix) -> History {
    let mut script = Script::default();
    let mut next_value = 0;
    let mut written = [vec![Value::Null], vec![Value::Null]];
    let mut open: Vec<Option<Op>> = vec![None; mix.processes];
    let mut number: Vec<u64> = (0..mix.processes as u64).collect();
    let mut left = mix.operations;
    let mut fresh = |written: &mut [Vec<Value>; 2], key: usize| {
        next_value += 1;
        written[key].push(int(next_value));
        int(next_value)
    };
    loop {
        let at = chance.below(mix.processes);
        let session = (mix.shared && at < 2).then_some("shared");
        let Some(op) = open[at].take() else {
            if left == 0 {
                if open.iter().all(Option::is_none) || chance.percent(10) {
                    return match mix.tick {
                        0 => script.history(),
                        tick => script.coarse(tick),
                    };
                }
                continue;
            }
            left -= 1;
            let key = chance.below(2);
            let op = match chance.below(20) {
                0..10 => read(KEYS[key], None),
                10..12 if mix.cas => {
                    let from = chance.pick(&written[key]).clone();
                    cas(KEYS[key], from, fresh(&mut written, key))
                }
                12..15 if mix.transactions => {
                    let micros = (0..1 + chance.below(2)).map(|_| {
                        let at = chance.below(2);
                        match chance.percent(60) {
                            true => Micro::Read {
                                key: KEYS[at].into(),
                                value: None,
                            },
                            false => Micro::Write {
                                key: KEYS[at].into(),
                                value: fresh(&mut written, at),
                            },
                        }
                    });
                    Op::Txn(micros.collect())
                }
                _ => write(KEYS[key], fresh(&mut written, key)),
            };
            script.event(number[at], session, Kind::Invoke, op.clone());
            open[at] = Some(op);
            continue;
        };
        let kind = match chance.below(14) {
            0 => Kind::Fail,
            1 => Kind::Info,
            _ => Kind::Ok,
        };
        let mut answer = |key: &str| {
            let values = &written[KEYS.iter().position(|name| *name == key).unwrap()];
            // Mostly one of the latest, so that not everything is violated.
            let near = 2 + chance.below(3);
            let back = chance.below(values.len().min(near));
            Some(values[values.len() - 1 - back].clone())
        };
        let done = match (op, kind) {
            (Op::Read { key, .. }, Kind::Ok) => {
                let value = answer(&key.0);
                Op::Read { key, value }
            }
            (Op::Txn(micros), Kind::Ok) => {
                let fill = |micro| match micro {
                    Micro::Read { key, .. } => {
                        let value = answer(&key.0);
                        Micro::Read { key, value }
                    }
                    other => other,
                };
                Op::Txn(micros.into_iter().map(fill).collect())
            }
            (op, _) => op,
        };
        script.event(number[at], session, kind, done);
        if kind == Kind::Info {
            number[at] += mix.processes as u64;
        }
    }
}

/// What the definition needs to know of a history.
struct World {
    steps: Vec<(usize, Step)>,
    /// Of every step's read the step that it read, if it is known.
    from: Vec<Option<usize>>,
    /// Whether some read returned what nobody (else) wrote.
    phantom: bool,
}

impl World {
    fn new(history: &History) -> World {
        let of = |key: usize| {
            let steps = register(history, KEYS[key]);
            steps.into_iter().map(move |step| (key, step))
        };
        let steps: Vec<(usize, Step)> = of(0).chain(of(1)).collect();
        let mut phantom = false;
        let mut from = Vec::new();
        for (key, reader) in &steps {
            let wanted = reader.read.as_ref().filter(|value| **value != Value::Null);
            let found = wanted.and_then(|value| {
                steps.iter().position(|(other, step)| {
                    other == key && step.id != reader.id && step.write.as_ref() == Some(value)
                })
            });
            phantom |= wanted.is_some() && found.is_none();
            from.push(found);
        }
        World {
            steps,
            from,
            phantom,
        }
    }

    fn reads(&self, at: usize) -> bool {
        let step = &self.steps[at].1;
        step.ok() && step.read.is_some()
    }

    fn before(&self, a: usize, b: usize) -> bool {
        self.steps[a].1.before(&self.steps[b].1)
    }

    /// `visible[w][r]`: the least relation that holds what reads returned and the rules demand.
    fn visible(&self, rules: Rules) -> Vec<Vec<bool>> {
        let count = self.steps.len();
        let mut visible = vec![vec![false; count]; count];
        let writes = |at: usize| self.steps[at].1.write.is_some();
        loop {
            let mut grew = false;
            for r in (0..count).filter(|&r| self.reads(r)) {
                for w in (0..count).filter(|&w| writes(w)) {
                    let others = || 0..count;
                    let holds = self.from[r] == Some(w)
                        || rules.own_writes && self.before(w, r)
                        || rules.seen_reads && others().any(|s| self.before(s, r) && visible[w][s])
                        || rules.session_writes
                            && others().any(|v| self.before(w, v) && writes(v) && visible[v][r])
                        || rules.read_context
                            && others().any(|v| {
                                writes(v)
                                    && visible[v][r]
                                    && others().any(|s| {
                                        let same = s == v && self.reads(s);
                                        (same || self.before(s, v)) && visible[w][s]
                                    })
                            });
                    grew |= holds && !visible[w][r];
                    visible[w][r] |= holds;
                }
            }
            if !grew {
                return visible;
            }
        }
    }

    /// Whether some order of the writes explains everything.
    fn holds(&self, rules: Rules) -> bool {
        let visible = self.visible(rules);
        let all: Vec<usize> = (0..self.steps.len())
            .filter(|&at| self.steps[at].1.write.is_some())
            .collect();
        let must = |at: usize| {
            self.steps[at].1.ok()
                || (0..self.steps.len()).any(|r| self.reads(r) && self.from[r] == Some(at))
        };
        (0..1_u32 << all.len()).any(|set| {
            let chosen: Vec<usize> = (0..all.len())
                .filter(|at| set >> at & 1 == 1)
                .map(|at| all[at])
                .collect();
            let complete = all.iter().all(|at| !must(*at) || chosen.contains(at));
            complete && self.extend(&mut Vec::new(), &chosen, rules, &visible)
        })
    }

    fn extend(
        &self,
        order: &mut Vec<usize>,
        chosen: &[usize],
        rules: Rules,
        visible: &[Vec<bool>],
    ) -> bool {
        if order.len() == chosen.len() {
            return self.explained(order, visible);
        }
        for &next in chosen {
            if order.contains(&next) {
                continue;
            }
            let (key, step) = &self.steps[next];
            let last = order.iter().rev().find(|&&at| self.steps[at].0 == *key);
            let last = last.map_or(Value::Null, |&at| self.steps[at].1.write.clone().unwrap());
            if step.cas() && step.read != Some(last) {
                continue;
            }
            // What must come before it and does not.
            let late = chosen.iter().any(|&other| {
                if order.contains(&other) {
                    return false;
                }
                let (other_key, earlier) = &self.steps[other];
                let same = other_key == key;
                let timed = rules.real_time
                    && same
                    && other != next
                    && earlier.id.0 != step.id.0
                    && earlier.operation.precedes(&step.operation);
                let session = self.before(other, next) && (same || rules.session_writes);
                let context = rules.read_context
                    && (0..self.steps.len()).any(|s| {
                        let read = self.reads(s) && (s == next || self.before(s, next));
                        read && visible[other][s]
                    });
                timed || session || context
            });
            if late {
                continue;
            }
            order.push(next);
            let found = self.extend(order, chosen, rules, visible);
            order.pop();
            if found {
                return true;
            }
        }
        false
    }

    /// Whether every read returned the latest visible write of its key.
    fn explained(&self, order: &[usize], visible: &[Vec<bool>]) -> bool {
        (0..self.steps.len()).filter(|&r| self.reads(r)).all(|r| {
            let mut seen = order.iter().rev();
            let latest = seen.find(|&&w| self.steps[w].0 == self.steps[r].0 && visible[w][r]);
            latest.copied() == self.from[r]
        })
    }

    fn has_cas(&self) -> bool {
        self.steps.iter().any(|(_, step)| step.cas())
    }
}

fn verdict(history: &History, rules: Rules) -> Verdict {
    let options = Options::default();
    confirmed(history, check(history, &options, Guarantee::Causal, rules))
}

fn compare(history: &History, rules: Rules) -> &'static str {
    let world = World::new(history);
    let verdict = verdict(history, rules);
    let full = Rules {
        seen_reads: true,
        ..rules
    };
    let truth = world.holds(full);
    let none = Rules {
        real_time: rules.real_time,
        ..Rules::NONE
    };
    let orders = world.holds_orders(none);
    let reads = Rules {
        seen_reads: true,
        ..none
    };
    let nothing = verdict.operations_checked == verdict.indeterminate;
    let open = world.phantom
        || nothing
        || world.has_cas()
        || !orders
        || !rules.seen_reads && !world.holds(reads);
    let right = match verdict.validity {
        Validity::Unknown => open,
        Validity::Holds => truth && !world.phantom,
        Validity::Violated => !truth,
    };
    assert!(
        right,
        "{rules:?}: {:?} but {truth}, warnings {:?}\n{:?}\n{}",
        verdict.validity,
        verdict.warnings,
        verdict
            .anomalies
            .first()
            .map(|anomaly| &anomaly.explanation),
        show(history)
    );
    verdict.validity.name()
}

impl World {
    /// Whether the orders of each key alone do not contradict each other.
    fn holds_orders(&self, rules: Rules) -> bool {
        let bare = World {
            steps: self.steps.clone(),
            from: self.from.clone(),
            phantom: false,
        };
        let nobody = vec![vec![false; self.steps.len()]; self.steps.len()];
        let all: Vec<usize> = (0..self.steps.len())
            .filter(|&at| self.steps[at].1.write.is_some())
            .collect();
        let must = |at: usize| {
            self.steps[at].1.ok()
                || (0..self.steps.len()).any(|r| self.reads(r) && self.from[r] == Some(at))
        };
        (0..1_u32 << all.len()).any(|set| {
            let chosen: Vec<usize> = (0..all.len())
                .filter(|at| set >> at & 1 == 1)
                .map(|at| all[at])
                .collect();
            let complete = all.iter().all(|at| !must(*at) || chosen.contains(at));
            complete && bare.order_exists(&mut Vec::new(), &chosen, rules, &nobody)
        })
    }

    fn order_exists(
        &self,
        order: &mut Vec<usize>,
        chosen: &[usize],
        rules: Rules,
        nobody: &[Vec<bool>],
    ) -> bool {
        // Without reads every order that can be built explains them.
        let blind = World {
            steps: self
                .steps
                .iter()
                .map(|(key, step)| {
                    let mut step = step.clone();
                    if step.write.is_none() {
                        step.read = None;
                    }
                    (*key, step)
                })
                .collect(),
            from: vec![None; self.steps.len()],
            phantom: false,
        };
        blind.extend(order, chosen, rules, nobody)
    }
}

fn fuzz(name: &str, seeds: std::ops::Range<u64>, mix: impl Fn(&mut Chance) -> Mix) {
    let mut table: BTreeMap<(String, &str), u64> = BTreeMap::new();
    let rules = all_rules();
    for seed in seeds {
        let chance = &mut Chance::new(seed);
        let mix = mix(chance);
        let history = random(chance, mix);
        // Every history under a third of the sets; each set meets every kind of history.
        for (at, &rules) in rules.iter().enumerate() {
            if (seed + at as u64).is_multiple_of(3) {
                let said = compare(&history, rules);
                let name = format!(
                    "own {} seen {} writes {} context {} time {}",
                    u8::from(rules.own_writes),
                    u8::from(rules.seen_reads),
                    u8::from(rules.session_writes),
                    u8::from(rules.read_context),
                    u8::from(rules.real_time)
                );
                *table.entry((name, said)).or_insert(0) += 1;
            }
        }
    }
    for (row, count) in &table {
        println!("{name}: {row:?} {count}");
    }
    let names: std::collections::BTreeSet<&String> = table.keys().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rules.len());
    for rules in names {
        for said in ["holds", "violated"] {
            assert!(table.contains_key(&(rules.clone(), said)), "{rules} {said}");
        }
    }
}

fn plain(chance: &mut Chance) -> Mix {
    Mix {
        operations: 4 + chance.below(4),
        processes: 2 + chance.below(2),
        cas: false,
        transactions: chance.percent(20),
        shared: chance.percent(20),
        tick: chance.below(8).saturating_sub(5) as u64,
    }
}

fn replacing(chance: &mut Chance) -> Mix {
    Mix {
        cas: true,
        ..plain(chance)
    }
}

#[test]
fn unique_values_are_exact() {
    fuzz("plain", 0..20_000, plain);
}

#[test]
fn compare_and_sets_are_sound() {
    fuzz("cas", 0..10_000, replacing);
}

#[test]
#[ignore = "a million histories take minutes"]
fn a_million_unique_values_are_exact() {
    fuzz("plain", 20_000..1_020_000, plain);
}

/// Stronger, weaker.
const IMPLIED: &[(Guarantee, Guarantee)] = &[
    (Guarantee::Linearizable, Guarantee::Causal),
    (Guarantee::Causal, Guarantee::CausalAxiomatic),
    (Guarantee::Causal, Guarantee::Pram),
    (Guarantee::Causal, Guarantee::WritesFollowReads),
    (Guarantee::CausalAxiomatic, Guarantee::PramAxiomatic),
    (
        Guarantee::CausalAxiomatic,
        Guarantee::WritesFollowReadsAxiomatic,
    ),
    (Guarantee::Pram, Guarantee::PramAxiomatic),
    (Guarantee::Pram, Guarantee::ReadYourWrites),
    (Guarantee::Pram, Guarantee::MonotonicReads),
    (Guarantee::Pram, Guarantee::MonotonicWrites),
    (Guarantee::PramAxiomatic, Guarantee::ReadYourWritesAxiomatic),
    (Guarantee::PramAxiomatic, Guarantee::MonotonicReadsAxiomatic),
    (
        Guarantee::PramAxiomatic,
        Guarantee::MonotonicWritesAxiomatic,
    ),
    (
        Guarantee::ReadYourWrites,
        Guarantee::ReadYourWritesAxiomatic,
    ),
    (
        Guarantee::MonotonicReads,
        Guarantee::MonotonicReadsAxiomatic,
    ),
    (
        Guarantee::MonotonicWrites,
        Guarantee::MonotonicWritesAxiomatic,
    ),
    (
        Guarantee::WritesFollowReads,
        Guarantee::WritesFollowReadsAxiomatic,
    ),
];

#[test]
fn the_stronger_implies_the_weaker() {
    let mut holding: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..20_000 {
        let chance = &mut Chance::new(seed);
        let mix = Mix {
            transactions: false,
            tick: 0,
            cas: chance.percent(30),
            ..plain(chance)
        };
        let history = random(chance, mix);
        let mut said: BTreeMap<Guarantee, Validity> = BTreeMap::new();
        for &(stronger, weaker) in IMPLIED {
            for name in [stronger, weaker] {
                said.entry(name).or_insert_with(|| {
                    let check = entry(name).expect("a checker").check;
                    check(&history, &Options::default()).validity
                });
            }
            let (strong, weak) = (said[&stronger], said[&weaker]);
            let wrong = strong == Validity::Holds && weak == Validity::Violated;
            assert!(!wrong, "{stronger} but not {weaker}\n{}", show(&history));
            if strong == Validity::Holds {
                *holding.entry(stronger.name()).or_insert(0) += 1;
            }
        }
    }
    println!("{holding:?}");
    assert!(holding.len() == 9, "{holding:?}");
}

/// One act after the other.
fn acted(acts: &[(u64, Act)]) -> History {
    let mut script = Script::default();
    for &(process, act) in acts {
        let (begun, done) = match act {
            Act::Write(key, value) => (write(key, int(value)), write(key, int(value))),
            Act::Read(key, value) => (
                read(key, None),
                read(key, Some(value.map_or(Value::Null, int))),
            ),
        };
        script.event(process, None, Kind::Invoke, begun);
        script.event(process, None, Kind::Ok, done);
    }
    script.history()
}

fn said(acts: &[(u64, Act)], guarantee: Guarantee) -> (Validity, String) {
    let history = acted(acts);
    let check = entry(guarantee).expect("a checker").check;
    let verdict = confirmed(&history, check(&history, &Options::default()));
    let first = verdict.anomalies.first();
    let said = first.map_or(String::new(), |anomaly| anomaly.explanation.clone());
    (verdict.validity, said)
}

#[test]
fn the_smallest_violations() {
    use Guarantee as G;
    let writes = "client 1 wrote x=1 and then wrote y=2; client 2 read y=2 and then found nothing in x, though x=1 was to be seen";
    let answer = "client 1 wrote x=1; client 2 read x=1 and then wrote y=2; client 3 read y=2 and then found nothing in x, though x=1 was to be seen";
    let own = "client 1 wrote x=1 (finished 0.001 s) and then found nothing in x at 0.002 s, which is older, whoever put it there";
    let seen = "client 2 read x=1 (finished 0.003 s) and then found nothing in x at 0.004 s, which is older, whoever put it there";
    for (guarantee, axiomatic, expected) in [
        (G::ReadYourWrites, G::ReadYourWritesAxiomatic, own),
        (G::MonotonicReads, G::MonotonicReadsAxiomatic, seen),
        (G::MonotonicWrites, G::MonotonicWritesAxiomatic, writes),
        (G::Pram, G::PramAxiomatic, writes),
        (G::WritesFollowReads, G::WritesFollowReadsAxiomatic, answer),
        (G::Causal, G::CausalAxiomatic, answer),
    ] {
        for name in [guarantee, axiomatic] {
            let acts = example(name).expect("an example");
            let violated = (Validity::Violated, expected.to_owned());
            assert_eq!(said(acts, name), violated, "{name}");
            // Nothing can be left out.
            for left in 0..acts.len() {
                let mut fewer = acts.to_vec();
                fewer.remove(left);
                assert_ne!(
                    said(&fewer, name).0,
                    Validity::Violated,
                    "{name} without {left}"
                );
            }
        }
    }
}

#[test]
fn neighbours_are_told_apart() {
    use Guarantee as G;
    for (violated, kept) in [
        (
            G::ReadYourWrites,
            &[G::MonotonicReads, G::MonotonicWrites, G::WritesFollowReads][..],
        ),
        (G::MonotonicReads, &[G::ReadYourWrites]),
        (
            G::MonotonicWrites,
            &[G::ReadYourWrites, G::MonotonicReads, G::WritesFollowReads],
        ),
        (
            G::WritesFollowReads,
            &[
                G::ReadYourWrites,
                G::MonotonicReads,
                G::MonotonicWrites,
                G::Pram,
            ],
        ),
    ] {
        for &other in kept {
            let acts = example(violated).expect("an example");
            assert_eq!(
                said(acts, other).0,
                Validity::Holds,
                "{violated} alone, {other}"
            );
        }
    }
    // Two writes at the same time are followed in either order by all who see them, but not in
    // both; one after the other in real time, the plain forms know which.
    let acts = [
        (1, Act::Write("x", 1)),
        (2, Act::Write("x", 2)),
        (3, Act::Read("x", Some(2))),
        (3, Act::Read("x", Some(1))),
    ];
    for (plain, axiomatic) in [
        (G::MonotonicReads, G::MonotonicReadsAxiomatic),
        (G::Pram, G::PramAxiomatic),
        (G::Causal, G::CausalAxiomatic),
    ] {
        assert_eq!(said(&acts, plain).0, Validity::Violated, "{plain}");
        assert_eq!(said(&acts, axiomatic).0, Validity::Holds, "{axiomatic}");
    }
}
