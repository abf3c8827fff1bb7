//! Links: how long messages take, which arrive, and in which order.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::sim::{Delay, Options, Sent, Trace, cause_of};
use polygraph_cluster::{Control, Probe, RequestId, Timer, World};
use polygraph_history::random::Random;
use polygraph_history::{SlowEffect, Time};

use crate::puppet::{BACK, Ctx, Input, N1, N2, Stage, THERE, at, ms, sends, slow, steady, ticks};

/// How long each of many messages took that were all sent at 1 ms.
fn delays(delay: Delay) -> Vec<Duration> {
    let options = Options {
        node_links: delay,
        ..steady()
    };
    let mut stage = Stage::<false>::new(1, &options, sends(4000));
    stage.ask(1, N1);
    stage.until(at(60_000));
    let mut delays: Vec<_> = stage
        .messages(N2)
        .into_iter()
        .map(|(arrived, _)| arrived.since(at(1)))
        .collect();
    delays.sort_unstable();
    assert_eq!(delays.len(), 4000);
    delays
}

#[test]
fn messages_take_as_long_as_their_distribution_says() {
    let mean = |delays: &[Duration]| delays.iter().sum::<Duration>() / 4000;
    let near = |what: Duration, expected: Duration| what.abs_diff(expected) < expected / 20;

    let constant = delays(Delay::Constant(ms(3)));
    assert_eq!((constant[0], constant[3999]), (ms(3), ms(3)));

    let uniform = delays(Delay::Uniform(ms(2), ms(6)));
    assert!(uniform[0] >= ms(2) && uniform[3999] <= ms(6));
    assert!(near(mean(&uniform), ms(4)), "{:?}", mean(&uniform));
    assert!(near(uniform[1000], ms(3)), "{:?}", uniform[1000]);

    let exponential = delays(Delay::Exponential {
        base: ms(1),
        mean: ms(4),
    });
    assert!(exponential[0] >= ms(1));
    assert!(near(mean(&exponential), ms(5)), "{:?}", mean(&exponential));
    // A twentieth of the rest is longer than three times its mean.
    assert!(near(exponential[3800], ms(13)), "{:?}", exponential[3800]);

    let heavy = delays(Delay::HeavyTail {
        base: ms(1),
        scale: ms(1),
    });
    assert!(heavy[0] >= ms(1) && near(heavy[2000], ms(2)));
    assert!(heavy[3960] > ms(50), "{:?}", heavy[3960]);
}

/// Links that spread, lose and double messages.
fn rough() -> Options {
    Options {
        node_links: Delay::Uniform(ms(1), ms(30)),
        loss_ppm: 100_000,
        duplicate_ppm: 50_000,
        ..steady()
    }
}

#[test]
fn datagrams_are_lost_doubled_and_overtaken() {
    let mut stage = Stage::<false>::new(1, &rough(), sends(4000));
    stage.ask(1, N1);
    stage.until(at(1000));
    let numbers = stage.numbers(N2);
    let mut times = BTreeMap::<u64, u64>::new();
    for &number in &numbers {
        *times.entry(number).or_default() += 1;
    }
    let lost = 4000 - times.len();
    let doubled = times.values().filter(|&&count| count == 2).count();
    assert!((320..480).contains(&lost), "{lost}");
    // A twentieth of those that arrive.
    assert!((130..230).contains(&doubled), "{doubled}");
    assert!(times.values().all(|&count| count <= 2));
    assert!(numbers.windows(2).filter(|pair| pair[0] > pair[1]).count() > 1000);
}

#[test]
fn streams_lose_double_and_reorder_nothing() {
    let mut stage = Stage::<true>::new(1, &rough(), sends(400));
    stage.ask(1, N1);
    stage.until(at(1000));
    assert_eq!(stage.numbers(N2), (0..400).collect::<Vec<_>>());
    // What a datagram link would have lost comes late, and what is behind it waits for it.
    let last = stage.messages(N2).last().unwrap().0;
    assert!(last > at(200), "{last}");
}

#[test]
fn slow_links_delay_lose_double_and_reorder() {
    let of = |effect: SlowEffect| {
        let mut stage = Stage::<false>::new(1, &steady(), sends(2000));
        stage.sim.slow(7, &effect);
        stage.ask(1, N1);
        stage.until(at(1000));
        (stage.messages(N2), stage.sim.acted(7))
    };
    let there = || slow(THERE);
    let (delayed, acted) = of(SlowEffect {
        delay_ns: 30_000_000,
        jitter_ns: 10_000_000,
        ..there()
    });
    let took = |&(arrived, _): &(Time, u64)| arrived.since(at(1));
    let fastest = delayed.iter().map(took).min().unwrap();
    let slowest = delayed.iter().map(took).max().unwrap();
    assert!(fastest >= ms(40) && fastest < ms(41), "{fastest:?}");
    assert!(slowest <= ms(50) && slowest > ms(49), "{slowest:?}");
    assert_eq!((delayed.len(), acted), (2000, 2000));

    let (lossy, acted) = of(SlowEffect {
        loss: 200_000,
        ..there()
    });
    assert!((1520..1680).contains(&lossy.len()), "{}", lossy.len());
    // It is seen to act by what it lost, and by nothing else.
    assert_eq!(acted, 2000 - lossy.len() as u64);

    let (doubled, _) = of(SlowEffect {
        duplicate: 200_000,
        ..there()
    });
    assert!((2320..2480).contains(&doubled.len()), "{}", doubled.len());

    let (mixed, _) = of(SlowEffect {
        reorder: 200_000,
        ..there()
    });
    let late = mixed.iter().filter(|message| took(message) > ms(10));
    assert!((320..480).contains(&late.count()));
    assert_eq!(mixed.len(), 2000);

    let (unharmed, acted) = of(SlowEffect {
        delay_ns: 30_000_000,
        loss: 900_000,
        ..slow(BACK)
    });
    assert!(unharmed.iter().all(|message| took(message) == ms(10)));
    assert_eq!((unharmed.len(), acted), (2000, 0));
}

#[test]
fn a_cut_drops_what_is_sent_and_what_is_under_way() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        ticks(input, ctx);
        if let Input::Message(from, number) = input
            && *number < 1000
        {
            ctx.send(*from, number + 1000);
        }
    });
    // Sent every millisecond from 1 ms on, under way for ten.
    stage.until(at(50));
    stage.sim.cut(1, &[THERE]);
    stage.until(at(70));
    stage.sim.release(1);
    stage.until(at(120));
    let numbers = stage.numbers(N2);
    // Number k leaves at k + 1 ms: those that arrive in the cut are gone, those that leave in it
    // too.
    let through = |&number: &u64| number + 11 <= 50 || number + 1 > 70;
    let expected = (0_u64..).take_while(|number| number + 11 <= 120);
    assert_eq!(
        numbers,
        expected.into_iter().filter(through).collect::<Vec<_>>()
    );
    assert!(stage.sim.acted(1) >= 20);
    // The way back was whole: what had arrived was answered.
    let answered = stage.numbers(N1);
    assert_eq!(answered[..40], (1000..1040).collect::<Vec<_>>()[..]);
    assert!(stage.messages(N1)[39].0 > at(55));
}

#[test]
fn probes_see_what_messages_would() {
    let mut stage = Stage::<false>::new(1, &steady(), sends(1));
    assert_eq!(stage.sim.probe(BACK), Probe::Arrives(ms(10)));
    stage.sim.cut(1, &[BACK]);
    assert_eq!(stage.sim.probe(BACK), Probe::Lost);
    assert_eq!(stage.sim.probe(THERE), Probe::Arrives(ms(10)));
    stage.sim.release(1);
    stage.sim.hold(2, &[BACK]);
    assert_eq!(stage.sim.probe(BACK), Probe::Held);
    stage.sim.release(2);
    assert_eq!(stage.sim.probe(BACK), Probe::Arrives(ms(10)));
    assert_eq!((stage.sim.acted(1), stage.sim.acted(2)), (0, 0));
}

fn hold_and_release<const STREAM: bool>() {
    let mut stage = Stage::<STREAM>::new(1, &steady(), ticks);
    stage.until(at(50));
    let before = stage.numbers(N2).len();
    stage.sim.hold(1, &[THERE]);
    stage.until(at(70));
    assert_eq!(stage.numbers(N2).len(), before, "something came through");
    stage.sim.release(1);
    stage.until(at(69 + 12 + 10));
    let mut numbers = stage.numbers(N2);
    if STREAM {
        assert!(numbers.is_sorted());
    }
    // What was in flight at 50 ms came after 70 ms, and nothing is missing.
    let late = stage.messages(N2)[before];
    assert!(late.0 >= at(70), "{late:?}");
    numbers.sort_unstable();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    assert!(numbers.len() >= 80);
    assert!(stage.sim.acted(1) >= 10);
}

#[test]
fn a_held_link_delivers_late_what_was_in_flight_and_what_was_sent() {
    hold_and_release::<false>();
    hold_and_release::<true>();
}

/// Whatever holds a stream up, its messages arrive once and in order.
#[test]
fn streams_keep_their_order_through_holds_and_pauses() {
    for seed in 0..300 {
        let mut random = Random::keyed(&[seed]);
        let options = Options {
            node_links: match seed % 3 {
                0 => Delay::Constant(ms(5)),
                _ => Delay::Uniform(ms(0), ms(20)),
            },
            loss_ppm: 20_000,
            ..steady()
        };
        let mut stage = Stage::<true>::new(seed, &options, ticks);
        let mut now = 0;
        let (mut held, mut paused) = ([false; 2], false);
        for _ in 0..12 {
            now += random.below(12);
            stage.until(at(now));
            match random.below(3) {
                2 => {
                    match paused {
                        true => stage.sim.revive(9, N2),
                        false => stage.sim.pause(9, N2),
                    }
                    paused = !paused;
                }
                fault => {
                    let held = &mut held[fault as usize];
                    match held {
                        true => stage.sim.release(fault),
                        false => stage.sim.hold(fault, &[THERE]),
                    }
                    *held = !*held;
                }
            }
        }
        for fault in [0, 1] {
            stage.sim.release(fault);
        }
        stage.sim.revive(9, N2);
        stage.until(at(now + 600));
        let numbers = stage.numbers(N2);
        assert!(numbers.len() > 100, "seed {seed}");
        assert_eq!(
            numbers,
            (0..numbers.len() as u64).collect::<Vec<_>>(),
            "seed {seed}"
        );
    }
}

/// Every request and every tenth millisecond of n1 lead to messages all around, which are answered.
fn chatter(input: &Input, ctx: &mut Ctx<'_>) {
    match input {
        Input::Request(_) => {
            for to in ctx.peers() {
                ctx.send(to, 2);
                ctx.send(to, 1);
            }
        }
        Input::Message(from, number) if *number > 0 => ctx.send(*from, number - 1),
        Input::Message(..) | Input::Synced(..) => {}
        Input::Start(_) | Input::Timer(_) => {
            for to in ctx.peers() {
                ctx.send(to, 0);
            }
            ctx.set_timer(Timer::of(1), ms(10));
        }
    }
}

/// What becomes of the messages of a second in which these requests are made.
fn fates<const STREAM: bool>(requests: &[u64], probes: bool) -> Vec<Sent> {
    let trace = Trace::default();
    let options = Options {
        trace: Some(trace.clone()),
        loss_ppm: 50_000,
        ..Options::default()
    };
    let mut stage = Stage::<STREAM>::new(1, &options, chatter);
    for second in 0..100 {
        if requests.contains(&second) {
            stage.ask(second, [N1, N2][second as usize % 2]);
        }
        for _ in 0..20 {
            stage.until(stage.sim.now() + ms(10) / 20);
            if probes {
                stage.sim.probe(THERE);
                stage.sim.probe(BACK);
            }
        }
    }
    trace.take()
}

#[test]
fn probes_leave_no_trace_in_the_fates_of_messages() {
    let all: Vec<_> = (0..100).collect();
    assert_eq!(fates::<false>(&all, false), fates::<false>(&all, true));
    assert_eq!(fates::<true>(&all, false), fates::<true>(&all, true));
}

#[test]
fn a_request_less_leaves_the_messages_of_all_others_as_they_were() {
    let all: Vec<_> = (0..100).collect();
    let but_one: Vec<_> = (0..100).filter(|&request| request != 42).collect();
    let with = fates::<false>(&all, false);
    let is_of = |sent: &Sent| sent.cause == cause_of(RequestId(42));
    assert!(with.iter().any(is_of));
    assert!(with.iter().any(|sent| sent.delay.is_none()));
    let rest: Vec<_> = with.into_iter().filter(|sent| !is_of(sent)).collect();
    assert_eq!(rest, fates::<false>(&but_one, false));
}
