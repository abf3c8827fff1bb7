//! Target files, right and wrong.

use polygraph_cluster::external::Nodes;

use super::*;
use crate::Stance;

const WHOLE: &str = r#"
name = "kv"
about = "a key-value store"
operations = ["read", "write"]
reads = "any"

[nodes]
count = 3
start = ["kv", "--port={port.client}", "--peers={peers.peer}", "{data}/{set.mode}"]
ports = ["client", "peer"]
links = "peer"
ready = ["kv-ready", "{address.client}"]
ready-within = "2s"
leads = ["kv-leads", "{number}/{nodes}", "{node}", "{all.client}"]

[client]
command = ["{folder}/client"]

[settings]
mode = { accepts = ["sync", "async"], default = "sync", about = "when writes are acknowledged" }
every = { accepts = { from = 1, to = 9 }, default = 3, about = "how often" }

[[claims]]
guarantee = "linearizable"
stance = "holds"
when = { mode = "sync", every = 3 }
faults = ["kill", "pause"]
why = "writes are synchronous"

[[claims]]
guarantee = "durable"
stance = "broken"
why = "it keeps everything in memory"

[[errors]]
error = "not-leader"
outcome = "fail"
why = "followers refuse writes"
"#;

fn read(text: &str) -> Result<FileTarget, ReadError> {
    FileTarget::read(text, Path::new("/somewhere/kv.toml"))
}

#[test]
fn a_whole_file_is_a_target() {
    let target = read(WHOLE).unwrap();
    assert_eq!((target.name(), target.count()), ("kv", 3));
    assert_eq!(
        target.supports(&Settings::default()),
        [OpKind::Read, OpKind::Write]
    );
    assert!(target.has_leader() && target.reads_anywhere(&Settings::default()));
    let mut settings = Settings::defaults(target.knobs());
    let names = |settings: &Settings| {
        let claims = target.claims(settings);
        claims
            .iter()
            .map(|claim| (claim.guarantee.name(), claim.stance))
            .collect::<Vec<_>>()
    };
    let durable = ("durable", Stance::Broken);
    assert_eq!(names(&settings), [("linearizable", Stance::Holds), durable]);
    settings.set(target.knobs(), "mode", "async").unwrap();
    assert_eq!(names(&settings), [durable]);
    assert_eq!(target.errors()[0].outcome, "fail");
}

#[test]
fn a_system_that_runs_already_is_a_target() {
    let running = r#"
name = "kv"
about = "it runs"
operations = ["read"]
nodes = { running = ["10.0.0.1:80", "10.0.0.2:80"] }
client = { command = ["client", "{address.client}"] }
"#;
    let target = read(running).unwrap();
    assert_eq!(target.count(), 2);
    let Deploy::Programs(programs) = target.deploy() else {
        panic!("it is no store of ours");
    };
    assert!(matches!(programs.nodes, Nodes::Running(_)) && programs.capabilities().is_empty());
    let mut deployment = Deployment {
        nodes: 2,
        settings: Settings::default(),
        bug: None,
        seed: 1,
    };
    assert_eq!(target.validate(&deployment), Ok(()));
    deployment.nodes = 3;
    assert!(
        target
            .validate(&deployment)
            .unwrap_err()
            .contains("on 2 nodes")
    );
}

/// Each is one change to the whole file, with the line and column at which it is wrong and what
/// the error says.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        (
            "name = \"kv\"",
            "name = \"KV\"",
            (2, 8),
            "lower-case letters",
        ),
        ("name = \"kv\"", "name = \"leaderless\"", (2, 8), "built-in"),
        (
            "\"write\"]",
            "\"wrote\"]",
            (4, 23),
            "no operation `wrote`; expected read, write, cas",
        ),
        (
            "reads = \"any\"",
            "reads = \"all\"",
            (5, 9),
            "`all`, expected `home` or `any`",
        ),
        ("count = 3", "count = 0", (8, 9), "1 or more"),
        ("count = 3", "counts = 3", (8, 1), "unknown field `counts`"),
        (
            "links = \"peer\"",
            "links = \"pear\"",
            (11, 9),
            "no port `pear`; expected client, peer",
        ),
        ("\"2s\"", "\"soon\"", (13, 16), "`soon` is no duration"),
        (
            "{port.client}",
            "{port.clint}",
            (9, 17),
            "no port `clint`; there are client, peer",
        ),
        ("{set.mode}", "{set.mood}", (9, 65), "no setting `mood`"),
        ("{folder}", "{foldr}", (17, 13), "there are node, number"),
        ("{folder}", "{folder", (17, 13), "has no `}`"),
        (
            "[\"{folder}/client\"]",
            "[]",
            (17, 11),
            "a program and its arguments",
        ),
        (
            "default = \"sync\"",
            "default = \"sink\"",
            (20, 49),
            "wants sync|async",
        ),
        (
            "\"durable\"",
            "\"durable=2\"",
            (31, 13),
            "`durable` has no measure",
        ),
        (
            "\"linearizable\"",
            "\"linear\"",
            (24, 13),
            "no guarantee `linear`",
        ),
        (
            "\"pause\"]",
            "\"paws\"]",
            (27, 19),
            "no kind of fault `paws`; expected partition.cut",
        ),
        (
            "when = { mode",
            "when = { mod",
            (26, 10),
            "no setting `mod`",
        ),
        (
            "stance = \"broken\"",
            "stance = \"no\"",
            (32, 10),
            "expected `holds` or `broken`",
        ),
        (
            "start = [",
            "running = [\"a:1\"]\nstart = [",
            (9, 11),
            "run already",
        ),
        (
            "ports = [\"client\", \"peer\"]",
            "ports = []",
            (7, 1),
            "no port is named",
        ),
    ];
    for (right, wrong, place, says) in cases {
        assert!(WHOLE.contains(right), "{right}");
        let error = read(&WHOLE.replacen(right, wrong, 1)).expect_err(wrong);
        assert!(error.to_string().contains(says), "{wrong}: {error}");
        assert_eq!((error.line, error.column), place, "{wrong}: {error}");
    }
}
