//! Crashes and disks: at any point, with any part of what was not synced.

use std::collections::BTreeSet;

use polygraph_cluster::sim::Options;
use polygraph_cluster::{
    Control, ProcessState, Reply, RequestId, SyncFailed, SyncId, Timer, World,
};
use polygraph_history::Lose;

use crate::puppet::{
    Ctx, Input, N1, N2, Stage, answers, at, disk, lost, ms, op, refused, sends, steady,
};

/// A disk so slow that nothing is synced unless a test waits for it.
fn slow_disk() -> Options {
    Options {
        disk_sync: ms(20_000),
        ..steady()
    }
}

#[test]
fn a_kill_cuts_the_effects_of_a_handler_at_any_point() {
    let mut prefixes = BTreeSet::new();
    for seed in 0..200 {
        let mut stage = Stage::<false>::new(seed, &steady(), sends(4));
        stage.ask(1, N1);
        stage.sim.kill(1, N1);
        let answered = answers(&stage.until(at(200)));
        assert_eq!(stage.sim.process(N1), ProcessState::Dead, "seed {seed}");
        let sent = stage.numbers(N2);
        assert_eq!(sent, (0..sent.len() as u64).collect::<Vec<_>>());
        let handled = stage
            .seen()
            .iter()
            .any(|seen| seen.input == Input::Request(RequestId(1)));
        let expected = match (handled, sent.len()) {
            (false, _) => vec![refused(1)],
            (true, 4) if answered != [lost(1)] => vec![(1, "ok".to_owned())],
            (true, _) => vec![lost(1)],
        };
        assert_eq!(answered, expected, "seed {seed}");
        prefixes.insert((handled, sent.len(), answered[0].1.clone()));
    }
    let mut expected: BTreeSet<_> = (0..=4).map(|sent| (true, sent, lost(1).1)).collect();
    expected.insert((true, 4, "ok".to_owned()));
    // And before it has begun.
    expected.insert((false, 0, refused(1).1));
    assert_eq!(prefixes, expected);
}

/// Writes and syncs `old`; then, asked, writes three times and does not wait.
fn writes(input: &Input, ctx: &mut Ctx<'_>) {
    match input {
        Input::Start(_) if ctx.me() == N1 => {
            ctx.write("synced", 0, b"old".to_vec());
            ctx.sync(SyncId(1));
        }
        Input::Request(RequestId(1)) => {
            for (offset, bytes) in [(0, b"aaaa"), (4, b"bbbb"), (8, b"cccc")] {
                ctx.write("file", offset, bytes.to_vec());
            }
            ctx.write("synced", 3, b"new".to_vec());
            ctx.sync(SyncId(2));
        }
        _ => {}
    }
}

/// What is found in both files after a crash with this disk.
fn survives(seed: u64, lose: Lose, torn: bool) -> (Vec<u8>, Vec<u8>) {
    let options = Options {
        disk_sync: ms(100),
        ..steady()
    };
    let mut stage = Stage::<false>::new(seed, &options, writes);
    stage.until(at(200));
    stage.sim.set_disk(1, &disk(lose, torn, false));
    stage.ask(1, N1);
    stage.until(at(210));
    // It dies in what it does next, before the sync has completed.
    stage.sim.kill(2, N1);
    stage.ask(2, N1);
    stage.until(at(220));
    assert_eq!(stage.sim.process(N1), ProcessState::Dead);
    stage.sim.revive(2, N1);
    let disks = stage.disks(N1);
    assert_eq!(disks.len(), 2);
    (
        disks[1].file("file").to_vec(),
        disks[1].file("synced").to_vec(),
    )
}

#[test]
fn a_process_that_merely_dies_loses_what_it_had_not_synced() {
    let mut stage = Stage::<false>::new(1, &slow_disk(), writes);
    stage.until(at(30_000));
    stage.ask(1, N1);
    stage.until(at(30_100));
    stage.sim.kill(2, N1);
    stage.until(at(30_200));
    stage.sim.revive(2, N1);
    let disks = stage.disks(N1);
    assert_eq!(disks[1].file("synced"), b"old");
    assert_eq!(disks[1].file("file"), b"");
}

/// In which of the three writes of `file` something is missing, if those that are there are whole.
fn subset(file: &[u8]) -> Vec<u8> {
    let mut found = file.to_vec();
    found.resize(12, 0);
    let of = |at: usize, letter: u8| match &found[at..at + 4] {
        four if four == [letter; 4] => Some(letter),
        [0, 0, 0, 0] => None,
        other => panic!("{other:?} in {file:?}"),
    };
    [(0, b'a'), (4, b'b'), (8, b'c')]
        .into_iter()
        .filter_map(|(at, letter)| of(at, letter))
        .collect()
}

#[test]
fn a_crash_loses_any_subset_of_what_was_not_synced_and_nothing_else() {
    let mut subsets = BTreeSet::new();
    let mut late = 0;
    for seed in 0..200 {
        let (file, synced) = survives(seed, Lose::Subset, false);
        assert!(synced.starts_with(b"old"), "seed {seed}");
        late += u32::from(synced == b"oldnew");
        subsets.insert(subset(&file));
    }
    assert_eq!(subsets.len(), 8, "{subsets:?}");
    assert!(late > 50);
    for seed in 0..20 {
        let (file, synced) = survives(seed, Lose::All, false);
        assert_eq!(
            (file.as_slice(), synced.as_slice()),
            (&b""[..], &b"old"[..])
        );
    }
}

#[test]
fn a_torn_write_is_a_prefix_of_itself() {
    for lose in [Lose::None, Lose::Subset, Lose::All] {
        let mut lengths = BTreeSet::new();
        for seed in 0..300 {
            let (file, synced) = survives(seed, lose, true);
            assert!(synced.starts_with(b"old"));
            let mut found = file;
            found.resize(12, 0);
            for (part, letter) in found.chunks(4).zip(b"abc") {
                let kept = part.iter().take_while(|&byte| byte == letter).count();
                assert!(part[kept..].iter().all(|&byte| byte == 0), "{found:?}");
                lengths.insert(kept);
            }
        }
        // All that a disk loses is lost whole or in part; of all others some survive whole.
        let most = if lose == Lose::All { 3 } else { 4 };
        assert_eq!(lengths, (0..=most).collect(), "{lose:?}");
    }
}

#[test]
fn a_sync_covers_what_was_written_before_it() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| match input {
        Input::Start(_) => {
            ctx.write("file", 0, b"ab".to_vec());
            ctx.sync(SyncId(1));
            ctx.write("file", 2, b"cd".to_vec());
        }
        Input::Synced(..) => ctx.send(N2, 1),
        _ => {}
    });
    stage.until(at(4));
    assert!(
        stage
            .seen()
            .iter()
            .all(|seen| !matches!(seen.input, Input::Synced(..)))
    );
    stage.until(at(5));
    stage.sim.kill(1, N1);
    stage.until(at(100));
    stage.sim.revive(1, N1);
    assert_eq!(stage.disks(N1)[1].file("file"), b"ab");
}

/// Syncs when asked, and gives up when that fails.
fn careful(input: &Input, ctx: &mut Ctx<'_>) {
    match input {
        Input::Request(request) => {
            ctx.write("file", 0, vec![1]);
            ctx.sync(SyncId(request.0));
        }
        Input::Synced(sync, Ok(())) => {
            ctx.reply(RequestId(sync.0), Reply::ok(op()));
        }
        Input::Synced(_, Err(SyncFailed)) => ctx.halt("the disk failed"),
        _ => {}
    }
}

#[test]
fn a_node_that_halts_is_started_again_when_its_disk_is_whole() {
    let mut stage = Stage::<false>::new(1, &steady(), careful);
    stage.sim.set_disk(1, &disk(Lose::None, false, true));
    stage.ask(1, N1);
    assert_eq!(answers(&stage.until(at(50))), [lost(1)]);
    assert_eq!(stage.sim.process(N1), ProcessState::Dead);
    assert_eq!(stage.sim.acted(1), 1);
    assert!(stage.sim.log(N1).contains("the disk failed"));
    // As long as it is down it listens to nobody.
    stage.ask(2, N1);
    assert_eq!(answers(&stage.until(at(100))), [refused(2)]);
    stage.sim.set_disk(1, &disk(Lose::None, false, false));
    stage.sim.revive(1, N1);
    stage.ask(3, N1);
    assert_eq!(answers(&stage.until(at(150))), [(3, "ok".to_owned())]);
}

#[test]
fn another_life_is_told_nothing_of_the_one_before() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        if matches!(input, Input::Start(_)) && ctx.me() == N1 && ctx.mono() < at(1) {
            ctx.set_timer(Timer::of(1), ms(50));
            ctx.write("file", 0, vec![1]);
            ctx.sync(SyncId(1));
        }
        if matches!(input, Input::Start(_)) {
            let number = ctx.random("number");
            ctx.send(N2, number);
        }
    });
    stage.sim.kill(1, N1);
    // Dead before the sync has completed, in one of two ways.
    stage.until(at(3));
    if stage.sim.process(N1) != ProcessState::Dead {
        stage.sim.revive(1, N1);
        stage.sim.kill(1, N1);
    }
    stage.sim.revive(1, N1);
    stage.until(at(200));
    let inputs = stage.seen().into_iter().filter(|seen| seen.node == N1);
    let later: Vec<_> = inputs
        .map(|seen| seen.input)
        .filter(|input| !matches!(input, Input::Start(_)))
        .collect();
    assert_eq!(later, []);
    let numbers = stage.messages(N2).len();
    let distinct: BTreeSet<_> = stage.numbers(N2).into_iter().collect();
    assert_eq!(distinct.len(), numbers, "every life draws other numbers");
}

#[test]
fn a_wiped_disk_is_empty_and_only_a_dead_node_loses_it() {
    let mut stage = Stage::<false>::new(1, &steady(), writes);
    stage.until(at(50));
    stage.sim.wipe(N1);
    for (fault, wipes) in [(1, false), (2, true)] {
        stage.sim.kill(fault, N1);
        stage.until(stage.sim.now() + ms(100));
        if wipes {
            stage.sim.wipe(N1);
        }
        stage.sim.revive(fault, N1);
        stage.until(stage.sim.now() + ms(100));
    }
    let disks = stage.disks(N1);
    assert_eq!(disks[1].file("synced"), b"old");
    assert_eq!(disks[2], polygraph_cluster::Disk::default());
}

#[test]
fn requests_are_answered_once_or_their_connection_breaks() {
    let mut stage = Stage::<false>::new(1, &steady(), |input, ctx| {
        // The even ones are answered twice, the odd ones never.
        if let Input::Request(request) = input
            && request.0 % 2 == 0
        {
            ctx.reply(*request, Reply::ok(op()));
            ctx.reply(*request, Reply::ok(op()));
        }
    });
    for number in 0..4 {
        stage.ask(number, N1);
    }
    let ok = |number| (number, "ok".to_owned());
    assert_eq!(answers(&stage.until(at(10))), [ok(0), ok(2)]);
    stage.sim.kill(1, N1);
    assert_eq!(answers(&stage.until(at(50))), [lost(1), lost(3)]);
    stage.ask(4, N1);
    assert_eq!(answers(&stage.until(at(60))), [refused(4)]);
}
