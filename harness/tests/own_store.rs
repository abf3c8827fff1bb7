//! The example of a store of one's own holds what it asserts, and what is wrong with a store is
//! found.

#[path = "../examples/own_store.rs"]
mod own_store;

use std::panic::{AssertUnwindSafe, catch_unwind};

use own_store::OneCopy;
use polygraph::cluster::{Context, Disk, Node, Reply, RequestId, SyncFailed, SyncId, Timer};
use polygraph::history::{Guarantee, NodeId, Op, Value};
use polygraph::results::Observed;

#[test]
fn the_example_holds_what_it_asserts() {
    own_store::main();
}

#[test]
fn it_is_linearizable_whatever_the_seed() {
    for seed in 1..=20 {
        let findings = polygraph::Test::new(|_| OneCopy::default())
            .nodes(5)
            .nemesis(&["partition", "pause", "slow", "clock"])
            .seed(seed)
            .run();
        findings.assert(Guarantee::Linearizable);
        findings.assert(Guarantee::ReadYourWrites);
        findings.assert(Guarantee::MonotonicReads);
        assert!(findings.history.operations().len() > 500);
    }
}

/// A store in memory forgets what it has acknowledged when it dies.
#[test]
fn what_it_forgets_when_it_dies_is_found() {
    let violated = (1..=10).filter(|&seed| {
        let findings = polygraph::Test::new(|_| OneCopy::default())
            .nemesis(&["kill"])
            .seed(seed)
            .run();
        let report = findings.check(Guarantee::Linearizable);
        let confirmed = report.anomalies.iter().all(|anomaly| anomaly.confirmed);
        assert!(confirmed, "seed {seed}");
        report.verdict == Observed::Violated
    });
    assert!(violated.count() >= 5);
}

/// And with a schedule it is found whatever the seed.
#[test]
fn a_schedule_that_is_given_is_followed() {
    for seed in 1..=5 {
        let findings = polygraph::Test::new(|_| OneCopy::default())
            .schedule(r#"{"start":"5s","end":"6s","what":{"effect":{"kill":["n1"]}}}"#)
            .seed(seed)
            .run();
        let report = findings.check(Guarantee::Linearizable);
        assert_eq!(report.verdict, Observed::Violated, "seed {seed}");
        let spec = findings.history.spec().expect("it came from a run");
        assert_eq!(spec.nemesis, ["kill"]);
        assert!(spec.schedule.is_some());
    }
    let wrong = polygraph::Test::new(|_| OneCopy::default()).schedule("kill n1");
    let panic = catch_unwind(AssertUnwindSafe(|| wrong.run())).err();
    let panic = panic.expect("a schedule that is none is a panic");
    let said = panic.downcast_ref::<String>().expect("a sentence");
    assert!(said.contains("the schedule: line 1, column 1"), "{said}");
}

/// The same store with a mistake: a node answers reads from what it saw last.
#[derive(Default)]
struct Caching {
    store: OneCopy,
    seen: std::collections::BTreeMap<polygraph::history::Key, Value>,
}

type Ctx<'a> = Context<'a, (bool, RequestId, Op)>;

impl Node for Caching {
    type Message = (bool, RequestId, Op);
    const LINKS: polygraph::cluster::LinkKind = OneCopy::LINKS;

    fn start(&mut self, disk: &Disk, ctx: &mut Ctx<'_>) {
        self.store.start(disk, ctx);
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Ctx<'_>) {
        if let Op::Read { key, .. } = op
            && let Some(value) = self.seen.get(key)
        {
            let (key, value) = (key.clone(), Some(value.clone()));
            return ctx.reply(request, Reply::ok(Op::Read { key, value }));
        }
        self.store.on_request(request, op, ctx);
    }

    fn on_message(&mut self, from: NodeId, message: Self::Message, ctx: &mut Ctx<'_>) {
        if let (false, _, Op::Write { key, value }) = &message {
            self.seen.insert(key.clone(), value.clone());
        }
        self.store.on_message(from, message, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        self.store.on_timer(timer, ctx);
    }

    fn on_synced(&mut self, sync: SyncId, result: Result<(), SyncFailed>, ctx: &mut Ctx<'_>) {
        self.store.on_synced(sync, result, ctx);
    }
}

#[test]
fn a_mistake_is_found_and_shown() {
    let findings = polygraph::Test::new(|_| Caching::default()).seed(1).run();
    let report = findings.check(Guarantee::Linearizable);
    assert_eq!(report.verdict, Observed::Violated);
    assert!(report.anomalies[0].confirmed);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        findings.assert(Guarantee::Linearizable);
    }));
    let panic = panic.expect_err("a violation is a panic");
    let said = panic.downcast_ref::<String>().expect("a sentence");
    assert!(said.contains(&report.anomalies[0].explanation), "{said}");
    // The same seed is the same run.
    let again = polygraph::Test::new(|_| Caching::default()).seed(1).run();
    assert_eq!(again.history.events(), findings.history.events());
}
