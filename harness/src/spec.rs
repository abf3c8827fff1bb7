//! What a run is asked to do: names resolved through the registries, contradictions refused
//! before anything runs.

use std::time::Duration;

use polygraph_cluster::{Deployment, local, sim};
use polygraph_history::settings::Settings;
use polygraph_history::spec::{Spec, WorkloadSpec};
use polygraph_history::{FaultFamily, FaultKind, Guarantee, OpKind, ReadError, Time};
use polygraph_nemesis::{Env, NEMESES, Nemesis, Planned, nemesis, script};
use polygraph_targets::{Deploy, FileTarget, Stance, Target, target};
use polygraph_workloads::{Workload, workload};

use crate::defaults;
use crate::question::Question;

/// The worlds that runs can take place in.
pub const WORLDS: &[&str] = &["sim", "local"];

/// What a user asks for; everything else is default.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The store.
    pub target: String,
    /// The file that describes it, if it is none of ours.
    pub file: Option<&'static FileTarget>,
    /// What clients do.
    pub workload: Option<String>,
    /// Fault families; `none` and `all` too.
    pub nemesis: Vec<String>,
    /// Where nodes run.
    pub world: Option<String>,
    /// How many nodes.
    pub nodes: Option<usize>,
    /// How many clients.
    pub clients: Option<usize>,
    /// Operations a second, of all clients together.
    pub rate: Option<u64>,
    /// How long the workload phase lasts.
    pub time: Option<Duration>,
    /// After how many operations it ends.
    pub ops: Option<u64>,
    /// The seed.
    pub seed: Option<u64>,
    /// `key=value` pairs, in order; the last one wins.
    pub set: Vec<(String, String)>,
    /// The planted bug.
    pub bug: Option<String>,
    /// Whether clients stop as soon as a violation is proved.
    pub stop_early: bool,
    /// The guarantees asked for.
    pub guarantees: Vec<String>,
}

/// A spec with the entries of the registries that it names.
#[derive(Clone)]
pub struct Resolved {
    /// What the run is asked to do, as it is recorded.
    pub spec: Spec,
    /// The store.
    pub target: &'static dyn Target,
    /// The file that describes it, if it is none of ours.
    pub file: Option<&'static FileTarget>,
    /// What clients do.
    pub workload: &'static dyn Workload,
    /// The fault families.
    pub nemeses: Vec<&'static dyn Nemesis>,
    /// The faults, if they were given and are not to be drawn from the seed.
    pub script: Option<Vec<Planned>>,
    /// The operations that the target supports.
    pub supported: Vec<OpKind>,
    /// What is asked for by name.
    pub asked: Vec<Question>,
    /// What a reader should know: kinds of operations that were left out, …
    pub notes: Vec<String>,
}

impl Resolved {
    /// Resolves what a user asks for.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn new(request: &Request) -> Result<Resolved, String> {
        let target = match request.file {
            Some(file) => file,
            None => target(&request.target)?,
        };
        let workload = workload(request.workload.as_deref().unwrap_or(defaults::WORKLOAD))?;
        let home = match target.deploy() {
            Deploy::BuiltIn(_) => "sim",
            Deploy::Programs(_) => "local",
        };
        let world = request.world.as_deref().unwrap_or(home);
        if !WORLDS.contains(&world) {
            return Err(format!(
                "there is no world `{world}`; there are {}",
                WORLDS.join(", ")
            ));
        }
        let nemesis = match request.file {
            Some(_) => possible(&request.nemesis, capabilities(target, world), target.name())?,
            None => families(&request.nemesis)?,
        };
        let nodes = request.file.map_or(defaults::NODES, FileTarget::count);
        let time = match world {
            "sim" => defaults::TIME_SIM,
            _ => defaults::TIME_REAL,
        };
        let mut settings = Settings::defaults(target.knobs());
        let mut workload_settings = Settings::defaults(workload.knobs());
        let mut nemesis_settings = Settings::defaults(polygraph_nemesis::KNOBS);
        for (key, value) in &request.set {
            let (settings, knobs, key) = match key.split_once('.') {
                Some(("workload", key)) => (&mut workload_settings, workload.knobs(), key),
                Some(("nemesis", key)) => (&mut nemesis_settings, polygraph_nemesis::KNOBS, key),
                Some((owner, _)) => {
                    return Err(format!(
                        "`{owner}` in `{key}` has no settings; write key, workload.key or nemesis.key"
                    ));
                }
                None => (&mut settings, target.knobs(), key.as_str()),
            };
            settings.set(knobs, key, value)?;
        }
        let time = request.time.unwrap_or(time);
        let spec = Spec {
            target: target.name().to_owned(),
            settings,
            workload: WorkloadSpec {
                name: workload.name().to_owned(),
                settings: workload_settings,
            },
            nemesis,
            nemesis_settings,
            schedule: None,
            stop_early: request.stop_early,
            world: world.to_owned(),
            nodes: positive("--nodes", request.nodes.unwrap_or(nodes), 1000)?,
            clients: positive(
                "--clients",
                request.clients.unwrap_or(defaults::CLIENTS),
                10_000,
            )?,
            rate: positive(
                "--rate",
                request.rate.unwrap_or(defaults::RATE),
                100_000_000,
            )?,
            time_ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            ops: request.ops,
            seed: request.seed.unwrap_or(defaults::SEED),
            bug: request.bug.clone(),
            guarantees: request.guarantees.clone(),
        };
        if time.is_zero() {
            return Err("`--time 0` leaves no time; write a duration like 10s".to_owned());
        }
        Resolved::of(spec, request.file)
    }

    /// Resolves a recorded spec, of a target that a file describes or of a built-in one.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn of(mut spec: Spec, file: Option<&'static FileTarget>) -> Result<Resolved, String> {
        let target: &'static dyn Target = match file {
            Some(file) if file.name() == spec.target => file,
            Some(file) => {
                return Err(format!(
                    "{} describes `{}`, and this is a run of `{}`",
                    file.path().display(),
                    file.name(),
                    spec.target
                ));
            }
            None => target(&spec.target).map_err(|error| {
                format!("{error}; one that a file describes is given by --target-file")
            })?,
        };
        if let (Deploy::Programs(_), "sim") = (target.deploy(), spec.world.as_str()) {
            return Err(format!(
                "{} consists of programs that are not ours, and those run in the world `local`",
                spec.target
            ));
        }
        let workload = workload(&spec.workload.name)?;
        spec.settings = Settings::resolve(target.knobs(), &spec.settings)?;
        spec.workload.settings = Settings::resolve(workload.knobs(), &spec.workload.settings)?;
        spec.nemesis_settings =
            Settings::resolve(polygraph_nemesis::KNOBS, &spec.nemesis_settings)?;
        let deployment = deployment(&spec);
        target.validate(&deployment)?;
        if let Some(bug) = &spec.bug
            && !target.bugs().iter().any(|known| known.name == bug)
        {
            let known: Vec<_> = target.bugs().iter().map(|bug| bug.name).collect();
            return Err(format!(
                "{} has no planted bug `{bug}`; there are {}",
                spec.target,
                known.join(", ")
            ));
        }
        let nemeses = spec
            .nemesis
            .iter()
            .map(|name| nemesis(name))
            .collect::<Result<_, _>>()?;
        let asked = spec
            .guarantees
            .iter()
            .map(|name| Question::parse(name))
            .collect::<Result<_, _>>()?;
        let supported = target.supports(&spec.settings).to_vec();
        let mut resolved = Resolved {
            spec,
            target,
            file,
            workload,
            nemeses,
            script: None,
            supported,
            asked,
            notes: Vec::new(),
        };
        resolved.fit()?;
        if resolved.spec.stop_early && !resolved.must_be_linearizable() {
            return Err(format!(
                "--stop-early watches `linearizable`, which this test neither asks for nor {} \
                 claims; add --guarantee linearizable",
                resolved.spec.target
            ));
        }
        Ok(resolved)
    }

    /// Whether a history that is not linearizable may decide the exit code.
    fn must_be_linearizable(&self) -> bool {
        let question = Question::alone(Guarantee::Linearizable);
        let claims = self.target.claims(&self.spec.settings);
        let claimed = claims.iter().any(|claim| {
            claim.guarantee == Guarantee::Linearizable && claim.stance == Stance::Holds
        });
        self.guarantees().contains(&question) && (claimed || self.asked.contains(&question))
    }

    /// Takes the faults from the file of a schedule instead of drawing them from the seed. The
    /// families are then those of its faults.
    ///
    /// # Errors
    /// The first line that is no fault of this cluster, where in it, and what would be right.
    pub fn follow(&mut self, schedule: &[u8]) -> Result<(), ReadError> {
        let capabilities = capabilities(self.target, &self.spec.world);
        let env = Env::new(&self.deployment(), self.target.has_leader(), capabilities);
        let faults = script::read(schedule, &env, Time(self.spec.time_ns))?;
        let families = script::families(&faults);
        let is_in = |nemesis: &&dyn Nemesis| families.contains(&nemesis.family());
        self.nemeses = NEMESES.iter().copied().filter(is_in).collect();
        self.spec.nemesis = families.iter().map(ToString::to_string).collect();
        self.spec.schedule = Some(script::digest(&faults));
        self.script = Some(faults);
        Ok(())
    }

    /// What is deployed.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        deployment(&self.spec)
    }

    /// What the run is judged by.
    #[must_use]
    pub fn guarantees(&self) -> Vec<Question> {
        if !self.asked.is_empty() {
            return self.asked.clone();
        }
        let named = self.workload.guarantees().iter().copied();
        let named = named.chain([Guarantee::Recovers]);
        named.map(Question::alone).collect()
    }

    /// Whether workload and target fit together; notes what is left out.
    fn fit(&mut self) -> Result<(), String> {
        let lacks = |kinds: &[OpKind]| -> Vec<&'static str> {
            let lacking = kinds.iter().filter(|kind| !self.supported.contains(kind));
            lacking.map(|kind| kind.name()).collect()
        };
        let missing = lacks(self.workload.needs());
        if !missing.is_empty() {
            let fits = |workload: &&&dyn Workload| lacks(workload.needs()).is_empty();
            let fitting = polygraph_workloads::WORKLOADS.iter().filter(fits);
            let fitting: Vec<_> = fitting.map(|workload| workload.name()).collect();
            return Err(format!(
                "{} does not support {}, which the workload `{}` needs; workloads that fit: {}",
                self.spec.target,
                missing.join(", "),
                self.workload.name(),
                fitting.join(", "),
            ));
        }
        let left_out = lacks(self.workload.mix());
        if !left_out.is_empty() {
            self.notes.push(format!(
                "{} does not support {}: left out of the workload",
                self.spec.target,
                left_out.join(", ")
            ));
        }
        Ok(())
    }
}

fn deployment(spec: &Spec) -> Deployment {
    Deployment {
        nodes: spec.nodes,
        settings: spec.settings.clone(),
        bug: spec.bug.clone(),
        seed: spec.seed,
    }
}

/// The kinds of faults that a target can have in a world.
fn capabilities(target: &dyn Target, world: &str) -> &'static [FaultKind] {
    match (target.deploy(), world) {
        (Deploy::Programs(programs), _) => programs.capabilities(),
        (Deploy::BuiltIn(_), "sim") => sim::CAPABILITIES,
        (Deploy::BuiltIn(_), _) => local::CAPABILITIES,
    }
}

/// The fault families that are meant and can be had. Unless told otherwise the first that can; of
/// `all` those that can.
fn possible(names: &[String], able: &[FaultKind], target: &str) -> Result<Vec<String>, String> {
    let can = |nemesis: &&&dyn Nemesis| nemesis.kinds().iter().any(|kind| able.contains(kind));
    let had: Vec<String> = NEMESES
        .iter()
        .filter(can)
        .map(|nemesis| nemesis.family().name().to_owned())
        .collect();
    let meant = match names {
        [] => return Ok(had.into_iter().take(1).collect()),
        [all] if all == "all" => return Ok(had),
        names => families(names)?,
    };
    match meant.iter().find(|name| !had.contains(name)) {
        None => Ok(meant),
        Some(name) => Err(format!(
            "{target} cannot have the fault family `{name}` here; it can have {}",
            if had.is_empty() {
                "none".to_owned()
            } else {
                had.join(", ")
            }
        )),
    }
}

/// The fault families that are meant, in the order of the registry.
fn families(names: &[String]) -> Result<Vec<String>, String> {
    let names: Vec<&str> = match names {
        [] => vec![defaults::NEMESIS],
        names => names.iter().map(String::as_str).collect(),
    };
    match names[..] {
        ["none"] => return Ok(Vec::new()),
        ["all"] => {
            return Ok(FaultFamily::ALL
                .iter()
                .map(|family| family.name().to_owned())
                .collect());
        }
        _ => {}
    }
    for name in &names {
        if matches!(*name, "none" | "all") {
            return Err(format!(
                "`{name}` stands alone; it cannot be combined with families"
            ));
        }
        nemesis(name)?;
    }
    let chosen = NEMESES.iter().map(|nemesis| nemesis.family().name());
    Ok(chosen
        .filter(|name| names.contains(name))
        .map(str::to_owned)
        .collect())
}

fn positive<T>(option: &str, value: T, most: T) -> Result<T, String>
where
    T: PartialOrd + From<u8> + std::fmt::Display,
{
    if value < T::from(1) || value > most {
        return Err(format!(
            "`{option} {value}` is not possible; give a number from 1 to {most}"
        ));
    }
    Ok(value)
}
