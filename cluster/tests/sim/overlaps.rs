//! Several faults on one link or node: it is whole again when the last of them has ended.

use polygraph_cluster::{Control, Probe, ProcessState, World};
use polygraph_history::{Lose, SlowEffect};

use crate::puppet::{
    N1, N2, Stage, THERE, answers, at, disk, lost, ms, refused, sends, slow, steady,
};

#[test]
fn a_link_is_whole_when_the_last_fault_has_ended() {
    let mut stage = Stage::<false>::new(1, &steady(), sends(1));
    stage.sim.cut(1, &[THERE]);
    stage.sim.cut(2, &[THERE]);
    stage.sim.hold(3, &[THERE]);
    stage.sim.slow(
        4,
        &SlowEffect {
            delay_ns: 5_000_000,
            ..slow(THERE)
        },
    );
    assert_eq!(stage.sim.probe(THERE), Probe::Lost);
    stage.sim.release(1);
    assert_eq!(stage.sim.probe(THERE), Probe::Lost);
    stage.sim.release(2);
    assert_eq!(stage.sim.probe(THERE), Probe::Held);
    stage.sim.release(3);
    assert_eq!(stage.sim.probe(THERE), Probe::Arrives(ms(15)));
    stage.sim.release(4);
    assert_eq!(stage.sim.probe(THERE), Probe::Arrives(ms(10)));
    // What has ended already, or never was, ends without any harm.
    stage.sim.release(4);
    stage.sim.release(99);
}

#[test]
fn what_two_faults_hold_waits_for_both() {
    let mut stage = Stage::<false>::new(1, &steady(), sends(3));
    stage.sim.hold(1, &[THERE]);
    stage.ask(1, N1);
    stage.until(at(5));
    stage.sim.hold(2, &[THERE]);
    stage.until(at(100));
    stage.sim.release(1);
    stage.until(at(200));
    assert!(stage.numbers(N2).is_empty());
    stage.sim.release(2);
    stage.until(at(300));
    assert_eq!(stage.numbers(N2).len(), 3);
}

#[test]
fn what_was_held_is_dropped_by_a_cut_that_stays() {
    let mut stage = Stage::<false>::new(1, &steady(), sends(3));
    stage.sim.hold(1, &[THERE]);
    stage.ask(1, N1);
    stage.until(at(5));
    stage.sim.cut(2, &[THERE]);
    stage.sim.release(1);
    stage.until(at(100));
    stage.sim.release(2);
    stage.until(at(200));
    assert!(stage.numbers(N2).is_empty());
}

#[test]
fn a_node_runs_when_the_last_fault_has_ended() {
    for seed in 0..30 {
        let mut stage = Stage::<false>::new(seed, &steady(), sends(1));
        let mut states = Vec::new();
        let mut state = |stage: &mut Stage<false>| {
            stage.until(stage.sim.now() + ms(100));
            states.push(stage.sim.process(N1));
        };
        stage.sim.kill(1, N1);
        stage.sim.kill(2, N1);
        state(&mut stage);
        stage.sim.revive(1, N1);
        state(&mut stage);
        stage.sim.revive(2, N1);
        state(&mut stage);
        stage.sim.pause(3, N1);
        stage.sim.pause(4, N1);
        state(&mut stage);
        stage.sim.revive(4, N1);
        state(&mut stage);
        stage.sim.revive(3, N1);
        state(&mut stage);
        // A process that stands still can be killed, and is then another one.
        stage.sim.pause(5, N1);
        stage.sim.kill(6, N1);
        state(&mut stage);
        stage.sim.revive(5, N1);
        state(&mut stage);
        stage.sim.revive(6, N1);
        state(&mut stage);
        // One that is dead when its pause begins stands still once it is started.
        stage.sim.kill(7, N1);
        state(&mut stage);
        stage.sim.pause(8, N1);
        stage.sim.revive(7, N1);
        state(&mut stage);
        stage.sim.revive(8, N1);
        state(&mut stage);
        use ProcessState::{Dead, Paused, Running};
        assert_eq!(
            states,
            [
                Dead, Dead, Running, Paused, Paused, Running, Dead, Dead, Running, Dead, Paused,
                Running
            ],
            "seed {seed}"
        );
        stage.ask(1, N1);
        let now = stage.sim.now();
        assert_eq!(answers(&stage.until(now + ms(10))), [(1, "ok".to_owned())]);
    }
}

#[test]
fn a_kill_that_ends_at_once_still_kills() {
    for seed in 0..30 {
        let mut stage = Stage::<false>::new(seed, &steady(), sends(1));
        stage.until(at(10));
        stage.sim.kill(1, N1);
        stage.sim.revive(1, N1);
        stage.until(at(100));
        assert_eq!(stage.disks(N1).len(), 2, "seed {seed}");
        assert_eq!(stage.sim.process(N1), ProcessState::Running);
    }
}

#[test]
fn a_disk_is_whole_when_the_last_fault_has_ended() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        use crate::puppet::Input;
        match input {
            Input::Request(request) => ctx.sync(polygraph_cluster::SyncId(request.0)),
            Input::Synced(_, Err(_)) => ctx.halt("the disk failed"),
            Input::Synced(sync, Ok(())) => ctx.reply(
                polygraph_cluster::RequestId(sync.0),
                polygraph_cluster::Reply::ok(crate::puppet::op()),
            ),
            _ => {}
        }
    });
    let whole = disk(Lose::None, false, false);
    stage.sim.set_disk(1, &disk(Lose::None, false, true));
    stage.sim.set_disk(2, &disk(Lose::Subset, true, true));
    stage.ask(1, N1);
    assert_eq!(answers(&stage.until(at(50))), [lost(1)]);
    stage.sim.set_disk(1, &whole);
    stage.sim.revive(1, N1);
    stage.ask(2, N1);
    assert_eq!(answers(&stage.until(at(100))), [lost(2)]);
    // The operator starts it again when a disk fault ends; another fault keeps it down.
    stage.sim.kill(3, N1);
    stage.sim.set_disk(2, &whole);
    stage.sim.revive(2, N1);
    stage.ask(3, N1);
    assert_eq!(answers(&stage.until(at(150))), [refused(3)]);
    stage.sim.revive(3, N1);
    stage.ask(4, N1);
    assert_eq!(answers(&stage.until(at(200))), [(4, "ok".to_owned())]);
    assert_eq!(stage.sim.process(N2), ProcessState::Running);
}
