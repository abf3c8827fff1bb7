//! Verdicts against claims: what a run means, and with which code it exits.

use std::collections::BTreeMap;
use std::time::Instant;

use polygraph_checker::{Options, Reason, Validity, Verdict};
use polygraph_history::{Bound, Guarantee, History, Kind, Outcome as OperationOutcome, Phase};
use polygraph_results::{FaultCounts, GuaranteeReport, Latency, Observed, Outcome, Report};
use polygraph_targets::{Claim, Stance};

use crate::question::Question;
use crate::run::{Finished, counts};
use crate::spec::Resolved;

/// The exit codes (contract, section 2).
pub mod exit {
    /// Everything claimed or asked for holds.
    pub const OK: u8 = 0;
    /// Something claimed or asked for is violated.
    pub const VIOLATED: u8 = 1;
    /// The command line or the input is wrong; nothing ran.
    pub const USAGE: u8 = 2;
    /// Something claimed or asked for could not be decided.
    pub const UNKNOWN: u8 = 3;
    /// The harness failed, or the deployment, or there is a bug of ours.
    pub const HARNESS: u8 = 4;
    /// Interrupted.
    pub const INTERRUPTED: u8 = 130;
}

/// Asks a history; one without an operation that took place shows nothing.
#[must_use]
pub fn ask(history: &History, question: &Question, options: &Options) -> GuaranteeReport {
    answer(history, question, options).0
}

/// The same with the verdict as the checker gave it, which has the proofs.
#[must_use]
pub fn answer(
    history: &History,
    question: &Question,
    options: &Options,
) -> (GuaranteeReport, Verdict) {
    answer_by(history, question, |question| {
        question.check(history, options)
    })
}

/// The same with a verdict that is decided otherwise, such as together with others.
#[must_use]
pub fn answer_by(
    history: &History,
    question: &Question,
    decide: impl FnOnce(&Question) -> Verdict,
) -> (GuaranteeReport, Verdict) {
    let began = Instant::now();
    let mut verdict = decide(question);
    let took_place = history
        .operations()
        .iter()
        .any(|operation| operation.outcome == OperationOutcome::Ok);
    if verdict.validity == Validity::Holds && !took_place {
        verdict = verdict.unknown(Reason::TooFewOpportunities);
    }
    let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut report = GuaranteeReport::new(&verdict, history, elapsed);
    report.name = question.name();
    let confirmed = report.anomalies.iter().any(|anomaly| anomaly.confirmed);
    if report.verdict == Observed::Violated && !confirmed {
        // What nobody can check is not said. It has never been seen to happen but to evidence
        // that is too large for the simple function that confirms it.
        report.verdict = Observed::Unknown;
        report.reason = Some(Reason::NotObservable.name());
        report.warnings.push(format!(
            "{}: a violation was found whose evidence could not be confirmed",
            question.name()
        ));
    }
    (report, verdict)
}

/// Judges a finished run.
#[must_use]
pub fn test(resolved: &Resolved, finished: &Finished, options: &Options) -> Report {
    let history = &finished.history;
    let spec = &resolved.spec;
    let claims = resolved.target.claims(&spec.settings);
    let faults = fault_counts(finished);
    let lost: Vec<_> = faults
        .iter()
        .filter(|family| family.applied > 0 && family.verified == 0)
        .map(|family| family.kind.clone())
        .collect();
    let evaluated = resolved.guarantees();
    let mut guarantees: Vec<GuaranteeReport> = evaluated
        .iter()
        .map(|question| {
            let asked = resolved.asked.contains(question);
            // A planted bug is a departure from what the target claims; the claims stand.
            let claim = match question.guarantees() {
                [guarantee] => applicable(&claims, *guarantee, question.bound(), resolved, history),
                // That each is claimed does not claim that one explanation keeps them all.
                _ => None,
            };
            // What is claimed with a measure is asked with it.
            let question = question
                .clone()
                .or_bound(claim.and_then(|claim| claim.bound));
            let mut report = ask(history, &question, options);
            demand(&mut report, question.minimum(), &lost);
            // What a run may be without, and this one was, it did not put to the test.
            let nothing = report.reason == Some(Reason::NotApplicable.name());
            if nothing && question.minimum() == 0 && !asked {
                report.verdict = Observed::NotExercised;
            }
            place(&mut report, claim.map(|claim| claim.stance), asked);
            report
        })
        .filter(|report| {
            report.verdict != Observed::NotExercised
                || report.claimed.is_some()
                || !report.measured.is_empty()
        })
        .collect();
    if resolved.asked.is_empty() {
        for guarantee in Guarantee::ALL
            .iter()
            .filter(|&&name| !evaluated.contains(&Question::alone(name)))
        {
            if let Some(claim) = applicable(&claims, *guarantee, None, resolved, history) {
                let claimed = claim.stance == Stance::Holds;
                guarantees.push(GuaranteeReport::not_exercised(guarantee.name(), claimed));
            }
        }
    }
    let mut warnings = resolved.notes.clone();
    warnings.extend(history.warnings().iter().cloned());
    warnings.extend(finished.complaints.iter().cloned());
    for family in &faults {
        if family.planned == 0 {
            warnings.push(format!("no {} fault fitted into the run", family.kind));
        }
    }
    for kind in &lost {
        warnings.push(format!("no {kind} fault was seen to act"));
    }
    let mut report = Report {
        polygraph: 1,
        command: "test".to_owned(),
        verdict: "none",
        exit: exit::OK,
        file: None,
        target: Some(spec.target.clone()),
        settings: Some(spec.settings.clone()),
        workload: Some(spec.workload.name.clone()),
        nemesis: spec.nemesis.clone(),
        world: Some(spec.world.clone()),
        seed: Some(spec.seed),
        seeds: 1,
        operations: counts(history, finished.course.not_issued),
        latency: Latency::of(history),
        faults,
        truncated: history.truncated(),
        assumptions: assumptions(options),
        warnings,
        lint: None,
        guarantees,
        levels: None,
        proof: None,
        replay: None,
        run: None,
        runs: Vec::new(),
    };
    let harness = if lost.is_empty() {
        exit::OK
    } else {
        exit::HARNESS
    };
    conclude(&mut report, harness, finished.course.interrupted);
    report
}

/// How ambiguous operations are read.
#[must_use]
pub fn assumptions(options: &Options) -> Vec<String> {
    let failed_cas = match options.failed_cas {
        polygraph_checker::FailedCas::Observe => {
            "a failed compare-and-set observes that the value was another"
        }
        polygraph_checker::FailedCas::Ignore => "a failed compare-and-set says nothing",
    };
    vec![failed_cas.to_owned()]
}

/// *Holds* needs opportunities, and the faults that were asked for.
fn demand(report: &mut GuaranteeReport, minimum: u64, lost: &[String]) {
    if report.verdict != Observed::Holds {
        return;
    }
    let reason = match (report.opportunities < minimum, lost.is_empty()) {
        (true, _) => Reason::TooFewOpportunities,
        (false, false) => Reason::FaultNotApplied,
        (false, true) => return,
    };
    report.verdict = Observed::Unknown;
    report.reason = Some(reason.name());
}

/// What the target says of a guarantee under the faults that took place, with this measure if
/// one is asked for. A promise outranks a warning: where both apply, the promise is the narrower
/// statement.
fn applicable<'c>(
    claims: &'c [Claim],
    guarantee: Guarantee,
    bound: Option<Bound>,
    resolved: &Resolved,
    history: &History,
) -> Option<&'c Claim> {
    let measure = |bound: Option<Bound>| bound.or(Bound::default_of(guarantee));
    let applies = |claim: &&Claim| {
        claim.guarantee == guarantee
            && (bound.is_none() || measure(claim.bound) == bound)
            && claim.world.is_none_or(|world| world == resolved.spec.world)
            && claim.faults.allow(history)
    };
    let applying = || claims.iter().filter(applies);
    let holds = applying().find(|claim| claim.stance == Stance::Holds);
    holds.or_else(|| applying().next())
}

/// Fills in what a verdict means, given claim and question.
pub fn place(report: &mut GuaranteeReport, stance: Option<Stance>, asked: bool) {
    report.asked = asked;
    report.claimed = stance.map(|stance| stance == Stance::Holds);
    report.outcome = match (report.verdict, stance, asked) {
        (Observed::NotExercised, ..) => Outcome::NotExercised,
        (Observed::Unknown, ..) => Outcome::Unknown,
        (Observed::Holds, Some(Stance::Broken), false) => Outcome::NotExhibited,
        (Observed::Holds, ..) => Outcome::Holds,
        (Observed::Violated, Some(Stance::Holds), _) => Outcome::ClaimBroken,
        (Observed::Violated, Some(Stance::Broken), false) => Outcome::ViolatedAsDocumented,
        (Observed::Violated, ..) => Outcome::Violated,
    };
}

/// The exit code of one answer.
fn code(report: &GuaranteeReport) -> u8 {
    let counts = report.asked || report.claimed == Some(true);
    match report.outcome {
        Outcome::ClaimBroken => exit::VIOLATED,
        Outcome::Violated if counts => exit::VIOLATED,
        Outcome::Unknown if counts => exit::UNKNOWN,
        _ => exit::OK,
    }
}

/// Fills in the exit code and the verdict on the whole.
pub fn conclude(report: &mut Report, harness: u8, interrupted: bool) {
    let codes: Vec<u8> = report.guarantees.iter().map(code).collect();
    let interrupted = if interrupted {
        exit::INTERRUPTED
    } else {
        exit::OK
    };
    let found = |code| codes.contains(&code);
    report.exit = match () {
        () if found(exit::VIOLATED) => exit::VIOLATED,
        () if harness != exit::OK => harness,
        () if interrupted != exit::OK => interrupted,
        () if found(exit::UNKNOWN) => exit::UNKNOWN,
        () => exit::OK,
    };
    report.verdict = whole(report.exit);
}

/// The verdict on the whole that goes with an exit code.
#[must_use]
pub const fn whole(code: u8) -> &'static str {
    match code {
        exit::OK => "holds",
        exit::VIOLATED => "violated",
        exit::UNKNOWN => "unknown",
        _ => "none",
    }
}

/// What became of the faults of each family.
fn fault_counts(finished: &Finished) -> Vec<FaultCounts> {
    let mut seen: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (event, fault) in finished.history.faults() {
        if fault.phase == Phase::Start && fault.effect.is_some() {
            let (applied, verified) = seen.entry(fault.kind.name()).or_default();
            *applied += u64::from(event.kind == Kind::Invoke);
            *verified += u64::from(event.kind == Kind::Ok);
        }
    }
    let count = |(kind, planned): &(String, u64)| {
        let (applied, verified) = seen.get(kind.as_str()).copied().unwrap_or_default();
        FaultCounts {
            kind: kind.clone(),
            planned: *planned,
            applied,
            verified,
        }
    };
    finished.planned.iter().map(count).collect()
}
