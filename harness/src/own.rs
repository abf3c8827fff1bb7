//! A store of your own under test, in the simulator: what a library user starts with.

use std::rc::Rc;
use std::time::Duration;

use polygraph_checker::Options;
use polygraph_cluster::sim::{self, Sim};
use polygraph_cluster::{Deployment, Node, World};
use polygraph_history::settings::Settings;
use polygraph_history::spec::{Spec, WorkloadSpec};
use polygraph_history::{Guarantee, History, NodeId, OpKind, Order, Time};
use polygraph_nemesis::{Env, nemesis, schedule, script};
use polygraph_results::{GuaranteeReport, Observed};
use polygraph_workloads::{Replicas, Setup, workload};

use crate::defaults;
use crate::faults::Faults;
use crate::interpreter::{Interpreter, Interrupt, Routing, Source, everywhere};
use crate::judge;
use crate::question::Question;
use crate::recorder::Recorder;

/// A test of a store of your own: a [`Node`], run in the simulator under faults.
///
/// ```text
/// let findings = polygraph::Test::new(make).nemesis(&["partition", "kill"]).seed(7).run();
/// findings.assert(Guarantee::Linearizable);
/// ```
///
/// `harness/examples/own_store.rs` is a whole one.
pub struct Test<F> {
    make: F,
    spec: Spec,
    supports: Vec<OpKind>,
    options: sim::Options,
    has_leader: bool,
    /// The lines of the schedule that it is to follow.
    schedule: Option<String>,
}

/// What a test of your own found.
pub struct Findings {
    /// What happened.
    pub history: History,
}

impl<N: Node + 'static, F: Fn(NodeId) -> N + 'static> Test<F> {
    /// A test of the store whose nodes `make` makes: three nodes, the register workload, no
    /// faults, ten seconds of virtual time.
    pub fn new(make: F) -> Test<F> {
        Test {
            make,
            spec: Spec {
                target: "own".to_owned(),
                settings: Settings::default(),
                workload: WorkloadSpec {
                    name: defaults::WORKLOAD.to_owned(),
                    settings: Settings::default(),
                },
                nemesis: Vec::new(),
                nemesis_settings: Settings::defaults(polygraph_nemesis::KNOBS),
                schedule: None,
                stop_early: false,
                world: "sim".to_owned(),
                nodes: 3,
                clients: defaults::CLIENTS,
                rate: defaults::RATE,
                time_ns: 10_000_000_000,
                ops: None,
                seed: defaults::SEED,
                bug: None,
                guarantees: Vec::new(),
            },
            supports: vec![OpKind::Read, OpKind::Write],
            options: sim::Options::default(),
            has_leader: false,
            schedule: None,
        }
    }

    /// How many nodes it has.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Test<F> {
        self.spec.nodes = nodes;
        self
    }

    /// What clients do, by name.
    #[must_use]
    pub fn workload(mut self, name: &str) -> Test<F> {
        name.clone_into(&mut self.spec.workload.name);
        self
    }

    /// The fault families, by name.
    #[must_use]
    pub fn nemesis(mut self, names: &[&str]) -> Test<F> {
        self.spec.nemesis = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Follows the faults of a schedule, one a line, instead of drawing them from the seed: what
    /// `polygraph test --schedule` reads from a file.
    #[must_use]
    pub fn schedule(mut self, lines: &str) -> Test<F> {
        self.schedule = Some(lines.to_owned());
        self
    }

    /// The operations that the store supports; reads and writes unless told otherwise.
    #[must_use]
    pub fn supports(mut self, kinds: &[OpKind]) -> Test<F> {
        self.supports = kinds.to_vec();
        self
    }

    /// The network and the disks.
    #[must_use]
    pub fn options(mut self, options: sim::Options) -> Test<F> {
        self.options = options;
        self
    }

    /// Aims faults at the leader too.
    #[must_use]
    pub const fn with_leader(mut self) -> Test<F> {
        self.has_leader = true;
        self
    }

    /// How long clients work, of virtual time.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Test<F> {
        self.spec.time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// How many operations a second all clients issue together.
    #[must_use]
    pub const fn rate(mut self, rate: u64) -> Test<F> {
        self.spec.rate = rate;
        self
    }

    /// From which everything random is drawn.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Test<F> {
        self.spec.seed = seed;
        self
    }

    /// Runs it.
    ///
    /// # Panics
    /// If a name is unknown, a line of the schedule is no fault, or the store breaks the rules of a history (answers with another
    /// operation than it was asked for).
    #[must_use]
    pub fn run(mut self) -> Findings {
        let name = |error: String| -> ! { panic!("{error}") };
        let workload = workload(&self.spec.workload.name).unwrap_or_else(|error| name(error));
        self.spec.workload.settings = Settings::defaults(workload.knobs());
        let families: Vec<_> = self
            .spec
            .nemesis
            .iter()
            .map(|family| nemesis(family))
            .collect();
        let families: Vec<_> = families
            .into_iter()
            .map(|family| family.unwrap_or_else(|error| name(error)))
            .collect();
        let deployment = Deployment {
            nodes: self.spec.nodes,
            settings: Settings::default(),
            bug: None,
            seed: self.spec.seed,
        };
        let mut world = Sim::new(&deployment, &self.options, self.make);
        let env = {
            use polygraph_cluster::Control as _;
            Env::new(&deployment, self.has_leader, world.capabilities())
        };
        let end = Time(self.spec.time_ns);
        let planned = match &self.schedule {
            Some(lines) => {
                let given = script::read(lines.as_bytes(), &env, end);
                let given = given.unwrap_or_else(|error| name(format!("the schedule: {error}")));
                let families = script::families(&given);
                self.spec.nemesis = families.iter().map(ToString::to_string).collect();
                self.spec.schedule = Some(script::digest(&given));
                given
            }
            None => schedule(
                &families,
                &env,
                end,
                self.spec.seed,
                &self.spec.nemesis_settings,
            ),
        };
        let replicas: Replicas = everywhere(self.spec.nodes);
        let setup = Setup {
            seed: self.spec.seed,
            nodes: NodeId::all(self.spec.nodes),
            settings: self.spec.workload.settings.clone(),
            supported: self.supports.clone(),
            replicas: Rc::clone(&replicas),
        };
        let mut recorder =
            Recorder::new(None, None, false).expect("nothing is written that could fail");
        let course = Interpreter::new(
            &self.spec,
            &mut world,
            &mut recorder,
            Routing {
                replicas,
                reads_anywhere: false,
            },
            Faults::planned(planned),
            &Interrupt::new(0),
            &|_| (),
        )
        .run(Source::Generated(workload.generator(setup)));
        world.stop();
        drop(course);
        let events = recorder
            .finish()
            .expect("nothing is written that could fail");
        let history = History::new(Some(self.spec), Order::Index, events)
            .unwrap_or_else(|error| panic!("the store broke the rules of a history: {error}"));
        Findings { history }
    }
}

impl Findings {
    /// Checks one guarantee.
    #[must_use]
    pub fn check(&self, guarantee: Guarantee) -> GuaranteeReport {
        judge::ask(
            &self.history,
            &Question::alone(guarantee),
            &Options::default(),
        )
    }

    /// Checks one guarantee, which is to hold.
    ///
    /// # Panics
    /// If it does not, with the evidence.
    pub fn assert(&self, guarantee: Guarantee) {
        let report = self.check(guarantee);
        let evidence = report
            .anomalies
            .first()
            .map_or("", |anomaly| &anomaly.explanation);
        assert!(
            report.verdict == Observed::Holds,
            "{guarantee} is {:?}: {evidence}{}",
            report.verdict,
            report.reason.unwrap_or(""),
        );
    }
}
