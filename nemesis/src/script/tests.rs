use polygraph_cluster::{Deployment, sim};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{Effect, FaultFamily, FaultKind, NodeId};

use super::*;
use crate::{KNOBS, NEMESES, Role, What, schedule};

const MINUTE: Time = Time::from_secs(60);

fn env(nodes: usize, has_leader: bool) -> Env {
    let deployment = Deployment {
        nodes,
        settings: Settings::default(),
        bug: None,
        seed: 0,
    };
    Env::new(&deployment, has_leader, sim::CAPABILITIES)
}

fn five(text: &str) -> Result<Vec<Planned>, ReadError> {
    read(text.as_bytes(), &env(5, true), MINUTE)
}

#[test]
fn a_line_says_no_more_than_it_must() {
    let faults = five(concat!(
        r#"{"start":"2s","end":"2500ms","what":{"effect":{"kill":["n1"]}}}"#,
        "\r\n\n   \n",
        r#"{"start":1000000000,"end":"1.5s","shape":"alone","what":{"alone":{"role":"leader","hold":true}}}"#,
        "\n",
        r#"{"id":7,"family":"pause","start":"2s","end":"3s","what":{"pause":"leader"}}"#,
    ))
    .unwrap();
    let fault = |id, family, shape: &str, start, end, what| Planned {
        id,
        family,
        shape: shape.to_owned(),
        start: Time::from_millis(start),
        end: Time::from_millis(end),
        what,
    };
    let (role, hold) = (Role::Leader, true);
    assert_eq!(
        faults,
        [
            fault(
                1,
                FaultFamily::Partition,
                "alone",
                1000,
                1500,
                What::Alone { role, hold }
            ),
            fault(
                0,
                FaultFamily::Kill,
                "given",
                2000,
                2500,
                What::Effect(Effect::Kill(vec![NodeId::at(0)]))
            ),
            fault(
                7,
                FaultFamily::Pause,
                "given",
                2000,
                3000,
                What::Pause(role)
            ),
        ]
    );
}

#[test]
fn what_was_recorded_does_what_it_was_resolved_to() {
    let line = |effect: &str| {
        format!(
            r#"{{"planned":{{"id":3,"family":"kill","shape":"leader","start":5,"end":9,"what":{{"kill":"leader"}}}}{effect}}}"#
        )
    };
    let resolved = &five(&line(r#","effect":{"kill":["n4"]}"#)).unwrap()[0];
    let what = What::Effect(Effect::Kill(vec![NodeId::at(3)]));
    assert_eq!((resolved.id, &resolved.what), (3, &what));
    for nobody in ["", r#","effect":null"#] {
        let planned = &five(&line(nobody)).unwrap()[0];
        assert_eq!(planned.what, What::Kill(Role::Leader));
    }
}

#[test]
fn every_schedule_that_is_drawn_can_be_given() {
    for seed in 0..300 {
        for nodes in [2, 3, 4, 5, 7] {
            let env = env(nodes, seed % 2 == 0);
            let drawn = schedule(NEMESES, &env, MINUTE, seed, &Settings::defaults(KNOBS));
            let lines: Vec<_> = drawn
                .iter()
                .map(|fault| serde_json::to_string(fault).unwrap())
                .collect();
            let given = read(lines.join("\n").as_bytes(), &env, MINUTE);
            assert_eq!(given.as_ref(), Ok(&drawn), "seed {seed}, {nodes} nodes");
            assert_eq!(digest(&given.unwrap()), digest(&drawn));
        }
    }
}

#[test]
fn digests_tell_schedules_apart() {
    let with = |text: &str| digest(&five(text).unwrap());
    let one = r#"{"start":"2s","end":"3s","what":{"effect":{"kill":["n1"]}}}"#;
    let same = r#"{"end":3000000000,"family":"kill","what":{"effect":{"kill":["n1"]}},"start":"2000ms","id":0}"#;
    let other = r#"{"start":"2s","end":"3s","what":{"effect":{"kill":["n2"]}}}"#;
    assert_eq!(with(one), with(same));
    assert_ne!(with(one), with(other));
    assert_eq!(with(one).len(), 16);
}

/// A fault of this effect, and nothing else that could be wrong.
fn effect(effect: &str) -> String {
    format!(r#"{{"start":"2s","end":"3s","what":{{"effect":{effect}}}}}"#)
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_would_be_right() {
    let slow = |field: &str| {
        let all = r#"{"slow":{"links":[["n1","n2"]],"delay_ns":0,"jitter_ns":0,"loss":0,"duplicate":0,"reorder":0}}"#;
        effect(&all.replace(
            &format!("\"{field}\":0"),
            &format!("\"{field}\":{}", u64::MAX),
        ))
    };
    let clock = |fields: &str| effect(&format!(r#"{{"clock":{{"node":"n1",{fields}}}}}"#));
    let cases: &[(String, usize, Option<&str>, &str, &str)] = &[
        (String::new(), 1, None, "holds no fault", "a fault a line"),
        ("no".to_owned(), 2, None, "expected ident", "a fault a line"),
        ("[]".to_owned(), 1, None, "invalid type: sequence", "a map"),
        (
            r#"{"start":"2s","end":"3s"}"#.to_owned(),
            25,
            Some("what"),
            "missing field `what`",
            "a fault a line",
        ),
        (
            r#"{"start":"2s","ende":"3s"}"#.to_owned(),
            20,
            None,
            "unknown field `ende`",
            "`start`, `end`",
        ),
        (
            r#"{"start":"soon","end":"3s","what":{"kill":"leader"}}"#.to_owned(),
            15,
            None,
            "`soon` is not a duration",
            "a fault a line",
        ),
        (
            r#"{"start":-1,"end":"3s","what":{"kill":"leader"}}"#.to_owned(),
            11,
            None,
            "invalid type: integer `-1`",
            "1500ms",
        ),
        (
            r#"{"start":"2s","end":"2s","what":{"kill":"leader"}}"#.to_owned(),
            15,
            Some("end"),
            "ends at 2s, and begins at 2s",
            "after the start",
        ),
        (
            r#"{"start":"2s","end":"61s","what":{"kill":"leader"}}"#.to_owned(),
            15,
            Some("end"),
            "ends at 61s, after the run",
            "by 1m",
        ),
        (
            r#"{"start":"2s","end":"3s","what":{"kill":"boss"}}"#.to_owned(),
            46,
            None,
            "unknown variant `boss`",
            "`leader`",
        ),
        (
            r#"{"start":"2s","end":"3s","what":{"nobody":"leader"}}"#.to_owned(),
            26,
            Some("what"),
            "hits nobody",
            "at least one",
        ),
        (effect(r#"{"snip":[]}"#), 49, None, "`snip`", "`cut`"),
        (effect(r#"{"cut":[]}"#), 26, Some("what"), "nobody", "link"),
        (
            effect(r#"{"kill":["n6"]}"#),
            52,
            Some("what"),
            "no node n6",
            "n1 to n5",
        ),
        (
            effect(r#"{"cut":[["n1","n2"],["n9","n1"]]}"#),
            64,
            Some("what"),
            "no node n9",
            "n1 to n5",
        ),
        (
            effect(r#"{"hold":[["n2","n2"]]}"#),
            53,
            Some("what"),
            "no link to itself",
            "two nodes",
        ),
        (
            effect(r#"{"kill":["m1"]}"#),
            56,
            None,
            "`m1` is not a node",
            "n1, n2",
        ),
        (slow("none"), 26, Some("what"), "does nothing", "not zero"),
        (
            slow("delay_ns"),
            74,
            Some("delay_ns"),
            "out of bounds",
            "3600000000000 at most",
        ),
        (
            slow("jitter_ns"),
            87,
            Some("jitter_ns"),
            "out of bounds",
            "at most",
        ),
        (slow("loss"), 127, None, "between 0 and 1", "a fault a line"),
        (
            clock(r#""wall_offset_ns":0,"rate_ppm":-600000"#),
            84,
            Some("rate_ppm"),
            "out of bounds",
            "500000 at most",
        ),
        (
            clock(&format!(r#""wall_offset_ns":{},"rate_ppm":0"#, i64::MIN)),
            65,
            Some("wall_offset_ns"),
            "out of bounds",
            "at most",
        ),
        (
            clock(&format!(
                r#""wall_offset_ns":0,"rate_ppm":0,"strobe":{{"amplitude_ns":{},"period_ns":0}}"#,
                i64::MAX
            )),
            107,
            Some("amplitude_ns"),
            "out of bounds",
            "at most",
        ),
        (
            r#"{"family":"slow","start":"2s","end":"3s","what":{"kill":"leader"}}"#.to_owned(),
            11,
            Some("family"),
            "not of the family `slow`",
            "`kill`",
        ),
        (
            format!("{{\"id\":1,{}", &effect(r#"{"kill":["n1"]}"#)[1..]),
            2,
            Some("id"),
            "line 3 has the id 1 too",
            "ids that differ",
        ),
        (
            clock(r#""wall_offset_ns":5,"rate_ppm":0"#).replace("3s", "9s"),
            60,
            Some("what"),
            "line 4 is at work on the clocks of n1 too",
            "one fault at a time",
        ),
    ];
    let before = format!(
        "\n\n{{\"id\":1,{}\n{{\"id\":7,{}\n",
        &effect(r#"{"kill":["n1"]}"#)[1..],
        &clock(r#""wall_offset_ns":5,"rate_ppm":0"#)
            .replace("2s", "2900ms")
            .replace("3s", "4s")[1..],
    );
    for (line, column, field, problem, expected) in cases {
        let before = if line.is_empty() { "\n\n" } else { &before };
        let error = five(&format!("{before}{line}")).expect_err(line);
        let place = if line.is_empty() { 1 } else { 5 };
        assert_eq!(
            (error.line, error.column),
            (place, *column),
            "{line}: {error}"
        );
        assert_eq!(error.field.as_deref(), *field, "{line}: {error}");
        assert!(error.problem.contains(problem), "{line}: {error}");
        assert!(error.expected.contains(expected), "{line}: {error}");
    }
}

#[test]
fn a_cluster_is_asked_only_for_what_it_has() {
    let leader = r#"{"start":"2s","end":"3s","what":{"kill":"leader"}}"#;
    let error = read(leader.as_bytes(), &env(5, false), MINUTE).unwrap_err();
    assert!(error.problem.contains("no leader"), "{error}");
    let mut poor = env(5, true);
    poor.capabilities.retain(|&kind| kind != FaultKind::Kill);
    let error = read(leader.as_bytes(), &poor, MINUTE).unwrap_err();
    assert!(error.problem.contains("of the kind kill"), "{error}");
    assert!(error.expected.contains("partition.cut"), "{error}");
    // Whoever leads alone has no links.
    let alone = leader.replace(
        r#"{"kill":"leader"}"#,
        r#"{"alone":{"role":"leader","hold":false}}"#,
    );
    let error = read(alone.as_bytes(), &env(1, true), MINUTE).unwrap_err();
    assert!(error.problem.contains("nobody"), "{error}");
}

#[test]
fn whatever_the_bytes_nothing_panics() {
    let mut random = Random::keyed(&[text("mutations")]);
    let env = env(5, true);
    let drawn = schedule(NEMESES, &env, MINUTE, 3, &Settings::defaults(KNOBS));
    let lines = drawn
        .iter()
        .map(|fault| serde_json::to_string(fault).unwrap());
    let right = lines.collect::<Vec<_>>().join("\n").into_bytes();
    let mut refused = 0;
    for _ in 0..5000 {
        let mut bytes = right.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes[at] = b"0123456789\"{}[],:n-"[random.below(19) as usize],
            }
        }
        let end = Time(random.below(MINUTE.as_nanos()));
        if let Err(error) = read(&bytes, &env, end) {
            refused += 1;
            assert!(error.line >= 1 && error.column >= 1, "{error}");
            assert!(
                !error.problem.is_empty() && !error.expected.is_empty(),
                "{error}"
            );
        }
    }
    assert!(refused > 1000, "{refused}");
}
