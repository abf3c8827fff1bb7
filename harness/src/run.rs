//! One run of a spec: deployed, driven, recorded, judged.

use std::io::Write;
use std::rc::Rc;

use anyhow::Context as _;
use polygraph_checker::Options;
use polygraph_cluster::{Deployment, World, external, host, local, sim};
use polygraph_history::spec::Spec;
use polygraph_history::{History, Key, Order, Time};
use polygraph_nemesis::{Env, schedule};
use polygraph_results::{Counts, Folder, Report};
use polygraph_targets::Deploy;
use polygraph_workloads::Setup;

use crate::faults::{Faults, Scheduled};
use crate::interpreter::{Course, Interpreter, Interrupt, Progress, Routing, Source};
use crate::judge;
use crate::plan::{PlannedOp, write_lines};
use crate::recorder::Recorder;
use crate::spec::Resolved;

/// What decides a run besides its spec.
pub struct Conduct<'a> {
    /// Told from outside to end early.
    pub interrupt: &'a Interrupt,
    /// Told how far it is.
    pub progress: &'a dyn Fn(Progress),
    /// The plan and schedule of an earlier run to follow to the letter.
    pub replay: Option<(Vec<PlannedOp>, Vec<Scheduled>)>,
}

/// A run that is over.
pub struct Finished {
    /// What happened.
    pub history: History,
    /// What was done.
    pub course: Course,
    /// What the nodes wrote to their logs.
    pub logs: Vec<(String, String)>,
    /// How many faults were planned, by family.
    pub planned: Vec<(String, u64)>,
    /// What programs that are not ours did wrong in talking to the harness.
    pub complaints: Vec<String>,
}

/// Deploys what a spec names, in its world.
///
/// # Errors
/// What deploying gives.
pub fn deploy(resolved: &Resolved) -> anyhow::Result<Box<dyn World>> {
    let deployment = resolved.deployment();
    match (resolved.target.deploy(), resolved.spec.world.as_str()) {
        (Deploy::BuiltIn(store), "sim") => {
            Ok(store.simulate(&deployment, &sim::Options::default()))
        }
        (Deploy::BuiltIn(_), _) => deploy_locally(resolved),
        (Deploy::Programs(programs), _) => deploy_programs(programs, &deployment),
    }
}

/// Starts programs that are not ours, or finds those that run.
fn deploy_programs(
    programs: &external::Programs,
    deployment: &Deployment,
) -> anyhow::Result<Box<dyn World>> {
    host::sweep().context("what a dead run left behind cannot be cleaned up")?;
    let guard = |ward: &str| vec!["guard".into(), ward.into()];
    let guard = external::Guard {
        path: std::env::current_exe().context("this program does not know its own path")?,
        server: guard("server"),
        speaker: guard("speaker"),
    };
    let world = external::External::start(programs, guard, deployment);
    Ok(Box::new(world.context("the nodes cannot be started")?))
}

/// Deploys as processes of this program, on loopback.
fn deploy_locally(resolved: &Resolved) -> anyhow::Result<Box<dyn World>> {
    host::sweep().context("what a dead run left behind cannot be cleaned up")?;
    let program = local::Program {
        path: std::env::current_exe().context("this program does not know its own path")?,
        arguments: vec!["node".into(), resolved.spec.target.clone().into()],
        environment: Vec::new(),
    };
    let world = local::Local::start(&program, &resolved.deployment(), &local::Options::default());
    Ok(Box::new(world.context("the nodes cannot be started")?))
}

/// Runs a spec in a world that is deployed, and records it.
///
/// # Errors
/// What writing the record gives.
pub fn conduct(
    resolved: &Resolved,
    world: &mut dyn World,
    conduct: Conduct<'_>,
    out: Option<Box<dyn Write + '_>>,
) -> anyhow::Result<Finished> {
    let spec = &resolved.spec;
    let target = resolved.target;
    let deployment = resolved.deployment();
    let replicas = Rc::new(move |key: &Key| target.replicas(&deployment, key));
    let routing = Routing {
        replicas: replicas.clone(),
        reads_anywhere: target.reads_anywhere(&spec.settings),
    };
    let setup = Setup {
        seed: spec.seed,
        nodes: world.nodes().to_vec(),
        settings: spec.workload.settings.clone(),
        supported: resolved.supported.clone(),
        replicas,
    };
    let env = Env::new(
        &resolved.deployment(),
        target.has_leader(),
        world.capabilities(),
    );
    let planned = match (&resolved.script, &conduct.replay) {
        (Some(script), _) => script.clone(),
        (None, Some((_, followed))) if spec.schedule.is_some() => {
            followed.iter().map(|fault| fault.planned.clone()).collect()
        }
        (None, None) if spec.schedule.is_some() => {
            anyhow::bail!("the faults of this run were given in a file, and that is not here")
        }
        _ => schedule(
            &resolved.nemeses,
            &env,
            Time(spec.time_ns),
            spec.seed,
            &spec.nemesis_settings,
        ),
    };
    let counts = count_planned(spec, &planned);
    let (source, faults) = match conduct.replay {
        Some((plan, schedule)) => (Source::Replayed(plan), Faults::replayed(schedule)),
        None => (
            Source::Generated(resolved.workload.generator(setup)),
            Faults::planned(planned),
        ),
    };
    let mut recorder = Recorder::new(Some(spec), out, spec.world != "sim")?;
    // A replay does what was done, whatever it shows.
    if spec.stop_early && matches!(source, Source::Generated(_)) {
        recorder = recorder.watching();
    }
    let course = Interpreter::new(
        spec,
        world,
        &mut recorder,
        routing,
        faults,
        conduct.interrupt,
        conduct.progress,
    )
    .run(source);
    let logs = world
        .nodes()
        .to_vec()
        .into_iter()
        .map(|node| (node.to_string(), world.log(node)));
    let logs = logs.collect();
    world.stop();
    let complaints = world.complaints();
    let events = recorder.finish().context("the history cannot be written")?;
    let history = History::new(Some(spec.clone()), Order::Index, events)
        .context("the recorded history is not one: a bug of ours")?;
    Ok(Finished {
        history,
        course,
        logs,
        planned: counts,
        complaints,
    })
}

fn count_planned(spec: &Spec, planned: &[polygraph_nemesis::Planned]) -> Vec<(String, u64)> {
    let of = |name: &String| {
        planned
            .iter()
            .filter(|fault| fault.family.name() == name)
            .count()
    };
    spec.nemesis
        .iter()
        .map(|name| (name.clone(), of(name) as u64))
        .collect()
}

/// How the operations of a history ended.
#[must_use]
pub fn counts(history: &History, not_issued: u64) -> Counts {
    let mut counts = Counts {
        not_issued,
        ..Counts::default()
    };
    for operation in history.operations() {
        match operation.outcome {
            polygraph_history::Outcome::Ok => counts.ok += 1,
            polygraph_history::Outcome::Fail => counts.fail += 1,
            polygraph_history::Outcome::Info => counts.info += 1,
        }
    }
    counts
}

/// Runs a spec from deployment to judgement; leaves its folder behind if it is given one.
///
/// # Errors
/// What deploying and writing give: failures of the harness, never of the store.
pub fn run(
    resolved: &Resolved,
    options: &Options,
    how: Conduct<'_>,
    folder: Option<&Folder>,
) -> anyhow::Result<Report> {
    let progress = how.progress;
    let finished = record(resolved, how, folder)?;
    let history = &finished.history;
    let last = history.events().len().checked_sub(1);
    progress(Progress {
        phase: "checking",
        time: last.map_or(Time::ZERO, |at| history.time(at)),
        completed: history.operations().len() as u64,
    });
    judge(resolved, &finished, options, folder)
}

/// Runs a spec and records it: all of its folder but the verdict, so that no check can take
/// evidence with it.
///
/// # Errors
/// What deploying and writing give.
pub fn record(
    resolved: &Resolved,
    how: Conduct<'_>,
    folder: Option<&Folder>,
) -> anyhow::Result<Finished> {
    let mut world = deploy(resolved)?;
    let out: Option<Box<dyn Write>> = match folder {
        Some(folder) => {
            folder.write("spec.toml", &toml::to_string(&resolved.spec)?)?;
            if let Some(file) = resolved.file {
                folder.write("target.toml", file.text())?;
            }
            Some(Box::new(folder.writer("history.jsonl")?))
        }
        None => None,
    };
    let finished = conduct(resolved, world.as_mut(), how, out)?;
    if let Some(folder) = folder {
        write_lines(&mut folder.writer("plan.jsonl")?, &finished.course.plan)?;
        write_lines(
            &mut folder.writer("schedule.jsonl")?,
            &finished.course.schedule,
        )?;
        for (node, log) in &finished.logs {
            folder.write(&format!("logs/{node}.log"), log)?;
        }
    }
    Ok(finished)
}

/// Judges what was recorded, and adds the verdict to its folder.
///
/// # Errors
/// What writing gives.
pub fn judge(
    resolved: &Resolved,
    finished: &Finished,
    options: &Options,
    folder: Option<&Folder>,
) -> anyhow::Result<Report> {
    let mut report = judge::test(resolved, finished, options);
    if let Some(folder) = folder {
        let path = folder.path().display().to_string();
        let file = resolved
            .file
            .map(|file| format!(" --target-file {}", file.path().display()));
        report.replay = Some(format!(
            "polygraph replay {path}{}",
            file.unwrap_or_default()
        ));
        report.run = Some(path);
        folder.write("verdict.json", &(serde_json::to_string(&report)? + "\n"))?;
    }
    Ok(report)
}
