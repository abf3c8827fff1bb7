//! The schedule against a world: faults begin, are seen, end, and are seen to be healed.

use std::collections::VecDeque;

use polygraph_cluster::World;
use polygraph_history::{Body, Effect, ErrorName, Kind, Phase, Process, Time, Verification};
use polygraph_nemesis::{Planned, inject, resolve};
use serde::{Deserialize, Serialize};

use crate::defaults::{VERIFY_EVERY, VERIFY_WITHIN};
use crate::recorder::Recorder;

/// A fault as planned and as resolved, for `schedule.jsonl` and for replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// As planned; its end is when it did end.
    pub planned: Planned,
    /// As resolved when it began; `None` if its role resolved to nobody.
    pub effect: Option<Effect>,
}

/// The faults of a run.
pub struct Faults {
    waiting: VecDeque<Planned>,
    /// What replay resolves roles to.
    resolved: Option<Vec<Scheduled>>,
    active: Vec<Active>,
    ending: Vec<Active>,
    done: Vec<Scheduled>,
}

/// A fault that has begun.
struct Active {
    planned: Planned,
    effect: Effect,
    before: inject::Before,
    /// When it is looked at next, and when that is given up; `None` once it was seen.
    look: Option<(Time, Time)>,
}

impl Faults {
    /// Faults that are resolved when they begin.
    #[must_use]
    pub fn planned(schedule: Vec<Planned>) -> Faults {
        Faults {
            waiting: schedule.into(),
            resolved: None,
            active: Vec::new(),
            ending: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Faults of an earlier run, resolved as they were then.
    #[must_use]
    pub fn replayed(schedule: Vec<Scheduled>) -> Faults {
        let mut waiting: Vec<_> = schedule.iter().map(|fault| fault.planned.clone()).collect();
        waiting.sort_by_key(|fault| fault.start);
        Faults {
            resolved: Some(schedule),
            ..Faults::planned(waiting)
        }
    }

    /// When something of this is due next.
    #[must_use]
    pub fn due(&self) -> Time {
        let starts = self.waiting.front().map(|fault| fault.start);
        let ends = self.active.iter().map(|fault| fault.planned.end);
        let looks = self
            .active
            .iter()
            .chain(&self.ending)
            .filter_map(|fault| fault.look);
        starts
            .into_iter()
            .chain(ends)
            .chain(looks.map(|(next, _)| next))
            .min()
            .unwrap_or(Time::MAX)
    }

    /// Whether all faults have ended and were looked at.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.active.is_empty() && self.ending.is_empty()
    }

    /// Does what is due.
    pub fn act(&mut self, world: &mut dyn World, recorder: &mut Recorder<'_>) {
        let now = world.now();
        self.look(now, world, recorder);
        let (ended, active) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(|f| f.planned.end <= now);
        self.active = active;
        for fault in ended {
            self.end(fault, world, recorder);
        }
        while self.waiting.front().is_some_and(|fault| fault.start <= now) {
            let planned = self.waiting.pop_front().expect("just seen");
            self.begin(planned, world, recorder);
        }
    }

    /// Heals everything now, and lets nothing more begin.
    pub fn heal(&mut self, world: &mut dyn World, recorder: &mut Recorder<'_>) {
        self.waiting.clear();
        let now = world.now();
        for mut fault in std::mem::take(&mut self.active) {
            fault.planned.end = now;
            self.end(fault, world, recorder);
        }
    }

    /// The faults that took place, as planned and as resolved.
    #[must_use]
    pub fn into_schedule(self) -> Vec<Scheduled> {
        let mut done = self.done;
        done.sort_by_key(|fault| fault.planned.id);
        done
    }

    fn begin(&mut self, planned: Planned, world: &mut dyn World, recorder: &mut Recorder<'_>) {
        let now = world.now();
        let nodes = world.nodes().to_vec();
        let effect = match &self.resolved {
            Some(resolved) => resolved
                .iter()
                .find(|fault| fault.planned.id == planned.id)
                .and_then(|fault| fault.effect.clone()),
            None => resolve(&planned, &world.leaders(), &nodes),
        };
        let event = planned.event(Phase::Start, effect.clone());
        let body = Body::Fault(event.clone());
        recorder.record(now, Process::Nemesis, Kind::Invoke, body, |_| ());
        let Some(effect) = effect else {
            recorder.record(
                now,
                Process::Nemesis,
                Kind::Fail,
                Body::Fault(event),
                |event| {
                    event.error = Some(ErrorName::NO_SUCH_ROLE);
                },
            );
            self.done.push(Scheduled {
                planned,
                effect: None,
            });
            return;
        };
        let before = inject::begin(world, planned.id, &effect);
        let look = Some((now, now + VERIFY_WITHIN));
        self.active.push(Active {
            planned,
            effect,
            before,
            look,
        });
        self.look(now, world, recorder);
    }

    fn end(&mut self, mut fault: Active, world: &mut dyn World, recorder: &mut Recorder<'_>) {
        let now = world.now();
        if fault.look.is_some() {
            // It ends before it was seen: this is the last look.
            fault.look = Some((now, now));
            look_at_start(&mut fault, now, world, recorder);
        }
        let event = fault.planned.event(Phase::End, Some(fault.effect.clone()));
        recorder.record(
            now,
            Process::Nemesis,
            Kind::Invoke,
            Body::Fault(event),
            |_| (),
        );
        inject::end(world, fault.planned.id, &fault.effect);
        fault.look = Some((now, now + VERIFY_WITHIN));
        self.done.push(Scheduled {
            planned: fault.planned.clone(),
            effect: Some(fault.effect.clone()),
        });
        self.ending.push(fault);
        self.look(now, world, recorder);
    }

    /// Looks at the faults that have not been seen yet.
    fn look(&mut self, now: Time, world: &mut dyn World, recorder: &mut Recorder<'_>) {
        for fault in &mut self.active {
            look_at_start(fault, now, world, recorder);
        }
        let mut ending = std::mem::take(&mut self.ending);
        ending.retain_mut(|fault| {
            let others: Vec<_> = self.active.iter().map(|other| &other.effect).collect();
            look_at_end(fault, now, &others, world, recorder);
            fault.look.is_some()
        });
        self.ending = ending;
    }
}

fn look_at_start(
    fault: &mut Active,
    now: Time,
    world: &mut dyn World,
    recorder: &mut Recorder<'_>,
) {
    let Some((_, deadline)) = fault.look.filter(|&(next, _)| next <= now) else {
        return;
    };
    let seen = inject::seen(world, fault.planned.id, &fault.effect, &fault.before);
    fault.look = conclude(fault, Phase::Start, seen, (now, deadline), recorder);
}

fn look_at_end(
    fault: &mut Active,
    now: Time,
    others: &[&Effect],
    world: &mut dyn World,
    recorder: &mut Recorder<'_>,
) {
    let Some((_, deadline)) = fault.look.filter(|&(next, _)| next <= now) else {
        return;
    };
    let seen = inject::healed(world, fault.planned.id, &fault.effect, others);
    fault.look = conclude(fault, Phase::End, seen, (now, deadline), recorder);
}

/// Records what came of looking; gives back when to look again.
fn conclude(
    fault: &Active,
    phase: Phase,
    seen: Option<Verification>,
    (now, deadline): (Time, Time),
    recorder: &mut Recorder<'_>,
) -> Option<(Time, Time)> {
    if seen.is_none() && now < deadline {
        return Some((deadline.min(now + VERIFY_EVERY), deadline));
    }
    let kind = if seen.is_some() { Kind::Ok } else { Kind::Fail };
    let body = Body::Fault(fault.planned.event(phase, Some(fault.effect.clone())));
    recorder.record(now, Process::Nemesis, kind, body, |event| {
        if seen.is_none() {
            event.error = Some(ErrorName::NOT_VERIFIED);
        }
        event.verified = seen;
    });
    None
}
