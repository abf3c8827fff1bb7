//! A node's clocks: how wrong they are told to be is how wrong they are, and timers follow them.

use std::time::Duration;

use polygraph_cluster::clock::WALL_EPOCH_NS;
use polygraph_cluster::{Control, Reply, SyncId, Timer, World};
use polygraph_history::random::Random;
use polygraph_history::{ClockEffect, Strobe, Time};

use crate::puppet::{Ctx, Input, N1, N2, Seen, Stage, answers, at, ms, op, steady, ticks};

const RIGHT: ClockEffect = ClockEffect {
    node: N1,
    wall_offset_ns: 0,
    rate_ppm: 0,
    strobe: None,
};

/// Wakes n1 up once a millisecond by a message from n2, whose clock is right: the message tells
/// the true time.
fn watch(input: &Input, ctx: &mut Ctx<'_>) {
    if ctx.me() == N2 && matches!(input, Input::Start(_) | Input::Timer(_)) {
        ctx.send(N1, ctx.mono().0);
        ctx.set_timer(Timer::of(1), ms(1));
    }
}

/// What n1 has read: true time, how wrong its wall clock was, its monotonic clock.
fn readings(seen: Vec<Seen>) -> Vec<(Time, i64, Time)> {
    let of_n1 = seen.into_iter().filter(|seen| seen.node == N1);
    of_n1
        .filter_map(|seen| match seen.input {
            // Every message takes ten milliseconds.
            Input::Message(_, sent) => {
                let now = Time(sent) + ms(10);
                Some((now, seen.wall - WALL_EPOCH_NS - now.0 as i64, seen.mono))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn clocks_are_as_wrong_as_they_are_told_to_be() {
    let mut stage = Stage::<false>::new(1, &steady(), watch);
    let changes = [
        (100, RIGHT),
        (
            200,
            ClockEffect {
                wall_offset_ns: -3_000_000_000,
                ..RIGHT
            },
        ),
        (300, RIGHT),
        (
            400,
            ClockEffect {
                rate_ppm: 100_000,
                ..RIGHT
            },
        ),
        (
            500,
            ClockEffect {
                strobe: Some(Strobe {
                    amplitude_ns: 5_000_000,
                    period_ns: 40_000_000,
                }),
                ..RIGHT
            },
        ),
        (600, RIGHT),
    ];
    for (when, effect) in changes {
        stage.until(at(when));
        stage.sim.set_clock(&effect);
    }
    stage.until(at(700));
    for (now, wrong, mono) in readings(stage.seen()) {
        let since = |start| now.since(at(start)).as_nanos() as i64;
        let (expected, gained) = match now.0 / 1_000_000 {
            0..200 | 300..400 => (0, 0),
            200..300 => (-3_000_000_000, 0),
            400..500 => (since(400) / 10, since(400) / 10),
            // The monotonic clock keeps what it has gained.
            500..600 if since(500) / 20_000_000 % 2 == 1 => (5_000_000, 10_000_000),
            _ => (0, 10_000_000),
        };
        if now.0 % 100_000_000 == 0 {
            continue; // The very moment of a change.
        }
        assert_eq!(
            (wrong, mono),
            (expected, Time(now.0 + gained as u64)),
            "{now}"
        );
    }
}

#[test]
fn a_monotonic_clock_never_goes_back() {
    for seed in 0..50 {
        let mut random = Random::keyed(&[seed]);
        let mut stage = Stage::<false>::new(seed, &steady(), watch);
        for _ in 0..60 {
            stage.until(stage.sim.now() + Duration::from_micros(random.below(9000)));
            stage.sim.set_clock(&ClockEffect {
                wall_offset_ns: random.below(1 << 40) as i64 - (1 << 39),
                rate_ppm: random.below(200_001) as i64 - 100_000,
                strobe: (random.below(2) == 0).then(|| Strobe {
                    amplitude_ns: random.below(1 << 30) as i64,
                    period_ns: random.below(1 << 25),
                }),
                ..RIGHT
            });
        }
        let readings = readings(stage.seen());
        assert!(readings.len() > 100);
        assert!(readings.is_sorted_by_key(|&(_, _, mono)| mono), "{seed}");
        let (now, _, mono) = readings[readings.len() - 1];
        assert!(mono.0.abs_diff(now.0) <= now.0 / 10, "{seed}");
        let reading = stage.sim.read_clock(N1).unwrap();
        assert!(reading.mono >= mono && reading.at == stage.sim.now());
    }
}

/// When a timer of a tenth of a second is due, by true time, if the clock's pace is changed so.
fn due(changes: &[(u64, i64)]) -> Time {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        if matches!(input, Input::Request(_)) {
            ctx.set_timer(Timer::of(1), ms(100));
        }
        if matches!(input, Input::Timer(_)) {
            ctx.send(N2, 0);
        }
    });
    stage.ask(1, N1);
    stage.until(at(1));
    for &(when, rate_ppm) in changes {
        stage.until(at(1 + when));
        stage.sim.set_clock(&ClockEffect { rate_ppm, ..RIGHT });
    }
    stage.until(at(1000));
    let arrivals = stage.messages(N2);
    assert_eq!(arrivals.len(), 1, "once");
    Time(arrivals[0].0.0 - 11_000_000)
}

#[test]
fn timers_follow_the_clock_of_their_node() {
    assert_eq!(due(&[]), at(100));
    assert_eq!(due(&[(0, 250_000)]), at(80));
    assert_eq!(due(&[(0, -200_000)]), at(125));
    // The pace changes while the timer is set.
    assert_eq!(due(&[(50, -500_000)]), at(150));
    assert_eq!(due(&[(50, 250_000)]), at(90));
    assert_eq!(due(&[(0, 250_000), (40, 0)]), at(90));
    assert_eq!(due(&[(20, -500_000), (60, 0)]), at(120));
}

#[test]
fn a_timer_is_due_once_where_it_was_moved_to_and_not_where_it_was_cancelled() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        if matches!(input, Input::Start(_)) {
            ctx.set_timer(Timer::of(1), ms(100));
            ctx.set_timer(Timer::of(2), ms(100));
            ctx.set_timer(Timer::of(3), ms(100));
            ctx.set_timer(Timer::of(1), ms(50));
            ctx.set_timer(Timer::of(2), ms(150));
            ctx.cancel_timer(Timer::of(3));
        }
    });
    stage.until(at(40));
    stage.sim.set_clock(&RIGHT);
    stage.until(at(1000));
    let seen = stage.seen().into_iter().filter(|seen| seen.node == N1);
    let timers: Vec<_> = seen
        .filter_map(|seen| match seen.input {
            Input::Timer(timer) => Some((seen.mono, timer.kind)),
            _ => None,
        })
        .collect();
    assert_eq!(timers, [(at(50), 1), (at(150), 2)]);
}

#[test]
fn a_pause_queues_inputs_while_clocks_run_on() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        if ctx.me() == N1 {
            return ticks(input, ctx);
        }
        if let Input::Request(request) = input {
            ctx.reply(*request, Reply::ok(op()));
            ctx.set_timer(Timer::of(5), ms(20));
            ctx.write("file", 0, vec![1]);
            ctx.sync(SyncId(1));
        }
    });
    stage.ask(1, N2);
    stage.until(at(3));
    stage.sim.pause(1, N2);
    stage.ask(2, N2);
    assert_eq!(answers(&stage.until(at(50))), []);
    let before = stage.seen();
    assert!(
        before
            .iter()
            .all(|seen| seen.node != N2 || seen.mono <= at(3))
    );
    stage.sim.revive(1, N2);
    assert_eq!(answers(&stage.until(at(60))), [(2, "ok".to_owned())]);
    let after = stage.seen();
    let inputs: Vec<_> = after
        .iter()
        .filter(|seen| seen.node == N2 && seen.mono == at(50))
        .map(|seen| &seen.input)
        .collect();
    // All at once, in the order in which they came: the request at 4 ms, the sync at 6 ms, the
    // timer at 21 ms, and a message every millisecond from 11 ms on.
    assert_eq!(inputs[0], &Input::Request(polygraph_cluster::RequestId(2)));
    assert_eq!(inputs[1], &Input::Synced(SyncId(1), Ok(())));
    let messages = |inputs: &[&Input]| {
        let number = |input: &&Input| match input {
            Input::Message(_, number) => *number,
            other => panic!("{other:?}"),
        };
        inputs.iter().map(number).collect::<Vec<_>>()
    };
    let timer = inputs
        .iter()
        .position(|input| matches!(input, Input::Timer(_)));
    assert_eq!(timer, None, "the second request moved it");
    assert_eq!(
        messages(&inputs[2..]),
        (0..inputs.len() as u64 - 2).collect::<Vec<_>>()
    );
    assert!(inputs.len() >= 41, "{}", inputs.len());
}
