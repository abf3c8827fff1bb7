//! Folders of runs and campaigns to make pages of.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A run of registers with a partition, a stale read, and everything that a page shows.
pub(crate) fn register() -> TempDir {
    let mut events = Events::new(&spec("leaderless"));
    let cut = json!({"cut":[["n1","n2"],["n1","n3"],["n2","n1"],["n3","n1"]]});
    let clock = json!({"clock":{"node":"n2","wall_offset_ns":-2_500_000_000_i64,"rate_ppm":4000}});
    for round in 0..300_u64 {
        let time = round * 20_000_000;
        let node = format!("n{}", round % 3 + 1);
        if round == 100 {
            events.fault(time, 0, "partition", "start", &cut, "probe");
            events.fault(time, 1, "clock", "start", &clock, "clock");
        }
        if round == 200 {
            events.fault(time, 0, "partition", "end", &cut, "probe");
            events.fault(time, 1, "clock", "end", &clock, "clock");
        }
        events.operation(
            time + 1,
            round % 3,
            &node,
            &json!({"write":{"key":"x","value":round}}),
            None,
        );
        // In the partition node 1 answers with what it had.
        let seen = if (100..200).contains(&round) && node == "n1" {
            99
        } else {
            round
        };
        let read = json!({"read":{"key":"x","value":seen}});
        events.operation(
            time + 9_000_000,
            3 + round % 3,
            &node,
            &read,
            Some(&json!({"read":{"key":"x"}})),
        );
    }
    // The write before the partition, the one in it, and the read of the older value.
    let at = |round: u64, which: u64| round * 4 + which + if round >= 100 { 4 } else { 0 };
    let operations = [at(99, 0), at(100, 0), at(102, 2)];
    let anomaly = json!({
        "kind": "stale-read", "explanation": "client 3 read x=99 after client 1 had written 100",
        "operations": operations, "key": "x", "confirmed": true,
    });
    let verdict = verdict(
        "leaderless",
        &[
            answer(
                "linearizable",
                "violated",
                "violated-as-documented",
                Some(false),
                &[anomaly],
            ),
            answer("read-your-writes", "holds", "holds", Some(true), &[]),
            answer("durable", "not-exercised", "not-exercised", Some(true), &[]),
        ],
    );
    folder(
        &events,
        &verdict,
        "2.001 s  starts\n2.010 s  a line of the log\n",
    )
}

/// What must not run or ask anybody.
pub(crate) fn hostile_text(port: u16) -> String {
    let act = "document.documentElement.dataset.caught=1";
    format!(
        "</script></style></title><img src=http://127.0.0.1:{port}/ onerror=\"{act}\">\
         <script>{act}</script><svg onload=\"{act}\"></svg>'\"&amp;\u{202e}\u{7f}"
    )
}

/// A run in which every text that a store or a user may choose is hostile.
pub(crate) fn hostile(port: u16) -> TempDir {
    let bad = hostile_text(port);
    let mut spec = spec(&bad);
    spec["bug"] = json!(bad);
    spec["workload"]["name"] = json!(bad);
    let mut events = Events::new(&spec);
    for round in 0..20 {
        let op = json!({"write":{"key":bad,"value":format!("{round}{bad}")}});
        events.operation(round * 1_000_000, 0, "n1", &op, None);
        let op =
            json!({"txn":[{"append":{"key":bad,"value":bad}},{"read":{"key":bad,"value":[bad]}}]});
        let asked = json!({"txn":[{"append":{"key":bad,"value":bad}},{"read":{"key":bad}}]});
        events.operation(round * 1_000_000 + 9, 1, "n2", &op, Some(&asked));
        let kind = json!({"custom":{"name":bad,"args":[bad]}});
        events.operation(round * 1_000_000 + 99, 2, "n3", &kind, None);
    }
    events.failure(30_000_000, &json!({"write":{"key":bad,"value":bad}}), &bad);
    let cycle = json!({
        "kind": bad, "faults": [bad],
        "transactions": [
            {"name": bad, "who": bad, "operations": [bad], "others": 1},
            {"name": "T2", "who": "client 2", "operations": ["read x"], "others": 0},
        ],
        "steps": [
            {"from": 2, "to": 8, "dependency": "rw", "key": bad, "because": bad},
            {"from": 8, "to": 2, "dependency": "wr", "because": bad},
        ],
    });
    let plain = json!({"kind": bad, "explanation": bad, "operations": [0, 2, 6], "key": bad, "confirmed": false});
    let mut drawn = plain.clone();
    drawn["cycle"] = cycle;
    drawn["operations"] = json!([2, 8, 3, 4]);
    let mut answer = answer(
        &bad,
        "violated",
        "claim-broken",
        Some(true),
        &[plain, drawn],
    );
    answer["reason"] = json!(bad);
    answer["warnings"] = json!([bad]);
    let mut verdict = verdict(&bad, &[answer]);
    verdict["replay"] = json!(bad);
    verdict["warnings"] = json!([bad]);
    verdict["assumptions"] = json!([bad]);
    verdict["settings"] = json!({ &bad: bad });
    folder(&events, &verdict, &format!("0.001 s  {bad}\n"))
}

/// A campaign of which one test fails.
pub(crate) fn campaign() -> TempDir {
    let bad = hostile_text(1);
    let guarantee = |name: &str, status: &str, anomalies: Value| {
        let violated = if status == "violated" {
            json!([3, 5])
        } else {
            json!([])
        };
        json!({
            "name": name, "status": status, "claimed": true, "asked": false, "violated": violated,
            "unknown": [], "operations_checked": 1000, "indeterminate": 3, "opportunities": 40,
            "anomalies": anomalies,
        })
    };
    let found = json!([{
        "seed": 3, "seeds": 2, "replay": "polygraph replay runs/3", "kind": "stale-read",
        "explanation": bad, "operations": [1, 2], "confirmed": true,
    }]);
    let cell = |name: &str, status: &str, guarantees: Vec<Value>| {
        json!({
            "name": name, "line": 3, "target": "leaderless", "workload": "register",
            "nemesis": "partition", "world": "sim", "alone": format!("polygraph test {name}"),
            "status": status, "operations": {"ok": 1, "fail": 0, "info": 0, "not-issued": 0},
            "latency": null, "runs": [{"seed": 3, "exit": 1}, {"seed": 4, "exit": 0}],
            "guarantees": guarantees,
        })
    };
    let verdicts = json!({
        "polygraph": 1, "command": "campaign", "name": "nightly", "file": "nightly.toml",
        "verdict": "violated", "exit": 1, "planned": 6, "ran": 4, "ended": "budget-time",
        "cells": [
            cell("leaderless/register/partition/sim", "violated", vec![
                guarantee("linearizable", "violated", found), guarantee("durable", "holds", json!([])),
            ]),
            cell("consensus/register/partition,kill,pause/sim", "holds", vec![
                guarantee("linearizable", "holds", json!([])), guarantee("durable", "unknown", json!([])),
            ]),
        ],
        "incompatible": [{"cell": "leaderless/append/none/sim", "line": 4, "why": "no transactions"}],
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("verdicts.json"), verdicts.to_string()).unwrap();
    folder
}

fn spec(target: &str) -> Value {
    json!({
        "target": target, "settings": {}, "workload": {"name": "register", "settings": {}},
        "nemesis": ["partition", "clock"], "world": "sim", "nodes": 3, "clients": 6, "rate": 100,
        "time_ns": 6_000_000_000_u64, "ops": null, "seed": 7, "bug": null, "guarantees": [],
    })
}

fn answer(
    name: &str,
    verdict: &str,
    outcome: &str,
    claimed: Option<bool>,
    anomalies: &[Value],
) -> Value {
    json!({
        "name": name, "verdict": verdict, "outcome": outcome, "claimed": claimed, "asked": false,
        "algorithm": "zones", "operations_checked": 600, "indeterminate": 2, "opportunities": 40,
        "established": null, "reason": null, "anomalies": anomalies, "anomaly_count": anomalies.len(),
        "checked_in_ms": 1,
    })
}

fn verdict(target: &str, guarantees: &[Value]) -> Value {
    json!({
        "polygraph": 1, "command": "test", "verdict": "holds", "exit": 0, "target": target,
        "settings": {"n": 3, "w": 2}, "workload": target, "nemesis": ["partition", "clock"],
        "world": "sim", "seed": 7, "seeds": 1,
        "operations": {"ok": 600, "fail": 0, "info": 2, "not-issued": 4},
        "faults": [{"kind": "partition", "planned": 1, "applied": 1, "verified": 1}],
        "truncated": false, "assumptions": ["a failed compare-and-set says nothing"],
        "warnings": ["a note"], "guarantees": guarantees, "replay": "polygraph replay runs/7",
    })
}

fn folder(events: &Events, verdict: &Value, log: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("history.jsonl"), &events.text).unwrap();
    fs::write(file("verdict.json"), verdict.to_string()).unwrap();
    fs::write(
        file("spec.toml"),
        format!("target = {}\n", verdict["target"]),
    )
    .unwrap();
    fs::create_dir(file("logs")).unwrap();
    fs::write(file("logs/n1.log"), log).unwrap();
    folder
}

/// The lines of a history.
struct Events {
    text: String,
    next: u64,
}

impl Events {
    fn new(spec: &Value) -> Events {
        let text = format!("{}\n", json!({"polygraph": 1, "spec": spec}));
        Events { text, next: 0 }
    }

    fn push(&mut self, time: u64, process: &Value, kind: &str, rest: &Value) {
        let mut event = json!({"index": self.next, "time": time, "process": process, "type": kind});
        let fields = rest.as_object().expect("an object").clone();
        event.as_object_mut().expect("an object").extend(fields);
        let _ = writeln!(self.text, "{event}");
        self.next += 1;
    }

    /// An operation that takes place; as it is asked, where that differs.
    fn operation(
        &mut self,
        time: u64,
        process: u64,
        node: &str,
        op: &Value,
        asked: Option<&Value>,
    ) {
        let process = json!(process);
        let asked = asked.unwrap_or(op);
        self.push(
            time,
            &process,
            "invoke",
            &json!({"op": asked, "node": node}),
        );
        self.push(time, &process, "ok", &json!({"op": op, "node": node}));
        // One after the other: a history is in the order of its times.
        let lines = self.text.trim_end().rsplit_once('\n').expect("two lines");
        let later = lines.1.replace(
            &format!("\"time\":{time}"),
            &format!("\"time\":{}", time + 8),
        );
        self.text = format!("{}\n{later}\n", lines.0);
    }

    fn failure(&mut self, time: u64, op: &Value, error: &str) {
        self.push(time, &json!(5), "invoke", &json!({"op": op}));
        self.push(
            time,
            &json!(5),
            "info",
            &json!({"op": op, "error": error, "detail": error}),
        );
    }

    fn fault(&mut self, time: u64, id: u64, kind: &str, phase: &str, effect: &Value, how: &str) {
        let fault =
            json!({"id": id, "kind": kind, "phase": phase, "shape": "one", "effect": effect});
        let nemesis = json!("nemesis");
        self.push(time, &nemesis, "invoke", &json!({"fault": fault}));
        let seen = json!({"fault": fault, "verified": {"how": how, "count": 2}});
        self.push(time, &nemesis, "ok", &seen);
    }
}
