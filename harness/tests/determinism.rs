//! A seed is a run: the same bytes every time, by replay too, and nearly the same messages when an
//! operation is taken out of the plan.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph::faults::Scheduled;
use polygraph::interpreter::{Course, Interrupt};
use polygraph::plan::{PlannedOp, read_lines, write_lines};
use polygraph::run::{Conduct, conduct};
use polygraph::spec::{Request, Resolved};
use polygraph_cluster::RequestId;
use polygraph_cluster::sim::{self, Sent, Trace, cause_of};
use polygraph_history::random::text;
use polygraph_history::{Key, Link, Op};
use polygraph_targets::TARGETS;
use polygraph_workloads::WORKLOADS;

/// A run that is asked for, if target and workload fit together.
fn resolve(target: &str, workload: &str, nemesis: &str, seed: u64, secs: u64) -> Option<Resolved> {
    let request = Request {
        target: target.to_owned(),
        workload: Some(workload.to_owned()),
        nemesis: vec![nemesis.to_owned()],
        time: Some(Duration::from_secs(secs)),
        seed: Some(seed),
        ..Request::default()
    };
    Resolved::new(&request).ok()
}

/// The pairs of target and workload that fit together.
fn pairs() -> Vec<(&'static str, &'static str)> {
    let pair = |target: &'static str| {
        let workloads = WORKLOADS.iter().map(|workload| workload.name());
        workloads.map(move |workload| (target, workload))
    };
    let all = TARGETS.iter().flat_map(|target| pair(target.name()));
    all.filter(|&(target, workload)| resolve(target, workload, "none", 1, 1).is_some())
        .collect()
}

/// A run that is over: the bytes of its history, what was done, and what became of its messages.
struct Recorded {
    bytes: Vec<u8>,
    course: Course,
    sent: Vec<Sent>,
}

type Replay = (Vec<PlannedOp>, Vec<Scheduled>);

fn record(resolved: &Resolved, replay: Option<Replay>) -> Recorded {
    let trace = Trace::default();
    let options = sim::Options {
        trace: Some(trace.clone()),
        ..sim::Options::default()
    };
    let deployment = resolved.deployment();
    let store = resolved.target.built_in().expect("a store of ours");
    let mut world = store.simulate(&deployment, &options);
    let mut bytes = Vec::new();
    let how = Conduct {
        interrupt: &Interrupt::new(0),
        progress: &|_| (),
        replay,
    };
    let out = Box::new(&mut bytes);
    let course = conduct(resolved, world.as_mut(), how, Some(out))
        .expect("memory can be written to")
        .course;
    Recorded {
        bytes,
        course,
        sent: trace.take(),
    }
}

/// What a run leaves in its folder, read back.
fn stored(course: &Course) -> Replay {
    let (mut plan, mut schedule) = (Vec::new(), Vec::new());
    write_lines(&mut plan, &course.plan).unwrap();
    write_lines(&mut schedule, &course.schedule).unwrap();
    let plan = read_lines(plan.as_slice()).unwrap();
    (plan, read_lines(schedule.as_slice()).unwrap())
}

/// The line in which two histories differ first.
fn difference<'a>(left: &'a [u8], right: &'a [u8]) -> Option<(String, String)> {
    if left == right {
        return None;
    }
    let lines = |bytes: &'a [u8]| bytes.split(|&byte| byte == b'\n');
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let mut both = lines(left).zip(lines(right));
    let (left, right) = both.find(|(left, right)| left != right)?;
    Some((text(left), text(right)))
}

#[test]
fn a_seed_twice_gives_identical_bytes() {
    let pairs = pairs();
    assert!(pairs.len() >= 9, "{pairs:?}");
    for (target, workload) in pairs {
        let run = |seed| record(&resolve(target, workload, "all", seed, 20).unwrap(), None);
        let (first, second) = (run(3), run(3));
        assert!(first.course.plan.len() > 1000, "{target} {workload}");
        assert!(first.course.schedule.len() >= 6, "{target} {workload}");
        assert_eq!(
            difference(&first.bytes, &second.bytes),
            None,
            "{target} {workload}"
        );
        assert_ne!(first.bytes, run(4).bytes, "{target} {workload}");
    }
}

/// What seed 1 means. A change of this number is a change of meaning of every seed: recorded runs
/// can no longer be replayed, and seeds in documents and tests name other runs. If that is meant,
/// say so in the changelog.
const GOLDEN: u64 = 2_750_347_574_545_583_527;

#[test]
fn a_seed_means_what_it_meant() {
    let resolved = resolve("leaderless", "register", "all", 1, 20).unwrap();
    let bytes = record(&resolved, None).bytes;
    let history = std::str::from_utf8(&bytes).unwrap();
    assert_eq!(text(history), GOLDEN, "see GOLDEN");
}

#[test]
fn a_replay_gives_identical_bytes() {
    for (target, workload) in pairs() {
        for seed in 1..=4 {
            let resolved = resolve(target, workload, "all", seed, 15).unwrap();
            let run = record(&resolved, None);
            let replay = record(&resolved, Some(stored(&run.course)));
            assert_eq!(
                difference(&run.bytes, &replay.bytes),
                None,
                "{target} {workload} {seed}"
            );
            assert_eq!(run.bytes.len(), replay.bytes.len());
            assert!(run.sent == replay.sent, "{target} {workload} {seed}");
        }
    }
}

/// Where a message went, why, and which of several it was.
type Name = (Link, u64, u32);

/// What becomes of the messages that have nothing to do with these requests.
fn others(sent: &[Sent], not_of: &[u64]) -> BTreeMap<Name, Option<Duration>> {
    let others = sent.iter().filter(|sent| !not_of.contains(&sent.cause));
    others
        .map(|sent| ((sent.link, sent.cause, sent.ordinal), sent.delay))
        .collect()
}

/// The keys that an operation touches.
fn keys(op: &Op) -> Vec<&Key> {
    match op {
        Op::Txn(micros) => micros
            .iter()
            .filter_map(polygraph_history::Micro::key)
            .collect(),
        op => op.key().into_iter().collect(),
    }
}

/// How many messages of other keys and of timers stay as they were when one operation is taken
/// out of a plan, in a thousand: the least over operations from all of the run.
fn unharmed(target: &str, nemesis: &str) -> u64 {
    let resolved = resolve(target, "register", nemesis, 1, 20).unwrap();
    let run = record(&resolved, None);
    let (plan, schedule) = stored(&run.course);
    let removed = (1..10).map(|tenth| plan.len() * tenth / 10);
    let share = |removed: usize| {
        let mut less = plan.clone();
        let gone = less.remove(removed);
        let touched = keys(&gone.op);
        let related = plan
            .iter()
            .filter(|planned| keys(&planned.op).iter().any(|key| touched.contains(key)));
        let related: Vec<_> = related
            .map(|planned| cause_of(RequestId(planned.id)))
            .collect();
        let before = others(&run.sent, &related);
        let again = record(&resolved, Some((less, schedule.clone())));
        let after = others(&again.sent, &related);
        let same = before
            .iter()
            .filter(|(name, delay)| after.get(name) == Some(delay));
        let count = same.count() as u64;
        assert!(before.len() > 1000);
        count * 1000 / before.len() as u64
    };
    removed.map(share).min().unwrap()
}

#[test]
fn an_operation_less_leaves_other_messages_as_they_were() {
    for target in TARGETS {
        for nemesis in ["none", "partition", "all"] {
            let share = unharmed(target.name(), nemesis);
            assert!(
                share >= 950,
                "{} {nemesis}: {share} of a thousand",
                target.name()
            );
        }
    }
}
