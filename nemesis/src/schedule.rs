//! A run's faults, all of them, before it begins.

use std::time::Duration;

use polygraph_history::random::{Random, text};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{FaultFamily, Time};

use crate::{Env, Nemesis, Planned, Window};

/// The settings of schedules: `--set nemesis.first=…`.
pub const KNOBS: &[Knob] = &[
    Knob {
        key: "first",
        accepts: Accepts::Duration,
        default: "3s",
        about: "how long nothing goes wrong at first",
    },
    Knob {
        key: "fault-min",
        accepts: Accepts::Duration,
        default: "2s",
        about: "how long faults last at least",
    },
    Knob {
        key: "fault-max",
        accepts: Accepts::Duration,
        default: "8s",
        about: "how long faults last at most",
    },
    Knob {
        key: "quiet-min",
        accepts: Accepts::Duration,
        default: "2s",
        about: "how long nothing goes wrong between faults at least",
    },
    Knob {
        key: "quiet-max",
        accepts: Accepts::Duration,
        default: "5s",
        about: "how long nothing goes wrong between faults at most",
    },
];

/// Before the end everything is whole for so long.
const QUIET_END: Duration = Duration::from_millis(500);

/// By then wrong clocks have been seen to be.
const CLOCKS_SEEN: Duration = Duration::from_millis(1100);

/// Draws the faults of a run whose clients work until `end`.
///
/// In each window one family strikes always, and every other with one chance in three, within the
/// window; between windows nothing is wrong. Each family strikes at least once, however short the
/// run. All are healed before the end.
#[must_use]
pub fn schedule(
    families: &[&dyn Nemesis],
    env: &Env,
    end: Time,
    seed: u64,
    settings: &Settings,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    if families.is_empty() || env.nodes.len() < 2 {
        return planned;
    }
    let mut random = Random::keyed(&[seed, text("schedule")]);
    let between = |random: &mut Random, low: &str, high: &str| {
        let (low, high) = (
            nanos(settings.duration(low)),
            nanos(settings.duration(high)),
        );
        Duration::from_nanos(random.between(low, high.max(low)))
    };
    let last = end - QUIET_END;
    let mut start = Time::ZERO + settings.duration("first");
    // A run too short for the first fault to come at its time still gets one.
    if start + settings.duration("fault-min") > last {
        start = Time(last.as_nanos() / 4);
    }
    let mut turn = random.below(families.len() as u64) as usize;
    // Every family strikes at least once, if it must be all in one window.
    let mut struck = vec![false; families.len()];
    let longest = settings.duration("fault-max") + settings.duration("quiet-max");
    while start < last {
        let length = between(&mut random, "fault-min", "fault-max");
        let window = Window {
            start,
            end: last.min(start + length),
        };
        let mut strike: Vec<(&dyn Nemesis, Window)> = Vec::new();
        let windows_left = last.since(window.end).as_nanos() / longest.as_nanos().max(1);
        for (at, family) in families.iter().enumerate() {
            let waiting = struck.iter().filter(|struck| !**struck).count() as u128;
            let joins = random.below(3) == 0 || (!struck[at] && waiting > windows_left);
            let window = match (at == turn % families.len(), joins) {
                (true, _) => window,
                (false, true) => inside(window, &mut random),
                (false, false) => continue,
            };
            struck[at] = true;
            strike.push((*family, window));
        }
        for &(family, window) in &strike {
            let window = after_clocks(family.family(), window, &strike);
            planned.extend(family.draw(env, window, &mut random));
        }
        turn += 1;
        start = window.end + between(&mut random, "quiet-min", "quiet-max");
        // What would be over at once is left out.
        if start + settings.duration("fault-min") / 2 > last {
            break;
        }
    }
    planned.sort_by_key(|fault| fault.start);
    for (id, fault) in planned.iter_mut().enumerate() {
        fault.id = id as u64;
    }
    planned
}

/// Clocks are seen to be wrong by asking the node, which must be alive for that: where clocks go
/// wrong in the same window, processes are left alone until they have been seen to.
fn after_clocks(family: FaultFamily, window: Window, strike: &[(&dyn Nemesis, Window)]) -> Window {
    let stops = matches!(
        family,
        FaultFamily::Kill | FaultFamily::Pause | FaultFamily::Disk
    );
    let mut clocks = strike
        .iter()
        .filter(|(family, _)| family.family() == FaultFamily::Clock);
    let Some((_, clocks)) = clocks.next().filter(|_| stops) else {
        return window;
    };
    let half = nanos(window.end.since(window.start)) / 2;
    let latest = window.start + Duration::from_nanos(half);
    Window {
        start: window.start.max((clocks.start + CLOCKS_SEEN).min(latest)),
        ..window
    }
}

/// A part of a window, at least half of it.
fn inside(window: Window, random: &mut Random) -> Window {
    let quarter = nanos(window.end.since(window.start)) / 4;
    Window {
        start: window.start + Duration::from_nanos(random.below(quarter + 1)),
        end: window.end - Duration::from_nanos(random.below(quarter + 1)),
    }
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polygraph_cluster::Deployment;
    use polygraph_history::{Effect, FaultKind, Phase};

    use super::*;
    use crate::{NEMESES, What, resolve};

    const EVERYTHING: &[FaultKind] = &[
        FaultKind::PartitionCut,
        FaultKind::PartitionHold,
        FaultKind::PartitionOneWay,
        FaultKind::ClockJump,
        FaultKind::ClockDrift,
        FaultKind::ClockStrobe,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::SlowDelay,
        FaultKind::SlowLoss,
        FaultKind::DiskLose,
        FaultKind::DiskTorn,
        FaultKind::DiskSyncError,
    ];

    fn env(nodes: usize, has_leader: bool) -> Env {
        let settings = Settings::default();
        Env::new(
            &Deployment {
                nodes,
                settings,
                bug: None,
                seed: 0,
            },
            has_leader,
            EVERYTHING,
        )
    }

    fn draw(nodes: usize, has_leader: bool, seconds: u64, seed: u64) -> Vec<Planned> {
        let settings = Settings::defaults(KNOBS);
        schedule(
            NEMESES,
            &env(nodes, has_leader),
            Time::from_secs(seconds),
            seed,
            &settings,
        )
    }

    #[test]
    fn schedules_end_healed_and_are_quiet_in_between() {
        for seed in 0..300 {
            for (nodes, seconds) in [(2, 60), (3, 15), (5, 60), (5, 3), (7, 1)] {
                let planned = draw(nodes, true, seconds, seed);
                let end = Time::from_secs(seconds);
                assert!(
                    planned
                        .iter()
                        .all(|fault| fault.start <= fault.end && fault.end < end)
                );
                assert!(
                    planned
                        .iter()
                        .enumerate()
                        .all(|(at, fault)| fault.id == at as u64)
                );
                let families: BTreeSet<_> = planned.iter().map(|fault| fault.family).collect();
                assert_eq!(
                    families.len(),
                    FaultFamily::ALL.len(),
                    "seed {seed}, {seconds} s"
                );
                // From 3 s on, no more than eight pass without a moment at which all is whole.
                for window in (3..seconds.saturating_sub(9)).step_by(1) {
                    let wrong = |at: Time| planned.iter().any(|f| f.start <= at && at <= f.end);
                    let mut moments = (0..=80).map(|n| Time::from_millis(window * 1000 + n * 100));
                    assert!(moments.any(|at| !wrong(at)), "seed {seed}: from {window} s");
                }
            }
        }
    }

    #[test]
    fn the_same_seed_is_the_same_schedule_and_every_shape_is_drawn() {
        let mut shapes = BTreeSet::new();
        let mut kinds = BTreeSet::new();
        for seed in 0..200 {
            let planned = draw(5, true, 60, seed);
            assert_eq!(planned, draw(5, true, 60, seed));
            for fault in planned {
                shapes.insert(format!("{} {}", fault.family, fault.shape));
                let leaders = [(polygraph_history::NodeId::at(2), 4)];
                let effect = resolve(&fault, &leaders, &env(5, true).nodes);
                kinds.extend(fault.event(Phase::Start, effect).kinds());
            }
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), {
            let mut all = EVERYTHING.to_vec();
            all.sort_unstable();
            all
        });
        for shape in [
            "partition one",
            "partition halves",
            "partition majority-minority",
            "partition majorities-ring",
            "partition bridge",
            "partition one-way",
            "partition leader-alone",
            "kill all",
            "kill leader",
            "pause majority",
            "clock strobe",
            "slow delay-and-loss",
            "disk torn",
            "disk lose-all",
            "disk sync-error",
        ] {
            assert!(
                shapes.contains(shape),
                "{shape} was never drawn: {shapes:?}"
            );
        }
    }

    #[test]
    fn without_a_leader_nothing_is_aimed_at_one() {
        for seed in 0..200 {
            assert!(
                draw(5, false, 60, seed)
                    .iter()
                    .all(|fault| fault.role().is_none())
            );
        }
    }

    #[test]
    fn roles_resolve_to_the_highest_epoch_or_to_nobody() {
        let nodes = env(3, true).nodes;
        let fault = Planned {
            id: 0,
            family: FaultFamily::Kill,
            shape: "leader".to_owned(),
            start: Time::ZERO,
            end: Time::ZERO,
            what: What::Kill(crate::Role::Leader),
        };
        let leaders = [(nodes[2], 3), (nodes[0], 7)];
        assert_eq!(
            resolve(&fault, &leaders, &nodes),
            Some(Effect::Kill(vec![nodes[0]]))
        );
        assert_eq!(resolve(&fault, &[], &nodes), None);
        let json = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Planned>(&json).unwrap(), fault);
    }
}
