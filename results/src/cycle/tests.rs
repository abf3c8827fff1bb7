use polygraph_checker::{Anomaly, Options, Proof, entry};
use polygraph_history::{Guarantee, History, jsonl};
use proptest::prelude::*;

use super::*;
use crate::diagram::Style;

const WIDE: Style = Style {
    width: 80,
    ascii: false,
};

/// A write skew between two clients, while a partition lasts; keys are called as given.
fn skew(x: &str, y: &str) -> History {
    let (x, y) = (serde_json::json!(x), serde_json::json!(y));
    let event = |index: u64, process: &str, rest: &str| {
        let time = index * 7_000_000;
        format!("{{\"index\":{index},\"time\":{time},\"process\":{process},{rest}}}\n")
    };
    let fault = |phase: &str, kind: &str, more: &str| {
        format!(
            "\"type\":\"{kind}\",\"fault\":{{\"id\":1,\"kind\":\"partition\",\"phase\":\"{phase}\",\
             \"shape\":\"half\"{more}}}"
        )
    };
    let cut = ",\"effect\":{\"cut\":[[\"n1\",\"n2\"]]}";
    let txn = |kind: &str, micros: &[String]| {
        format!(
            "\"type\":\"{kind}\",\"op\":{{\"txn\":[{}]}}",
            micros.join(",")
        )
    };
    let read =
        |key: &serde_json::Value, known: &str| format!("{{\"read\":{{\"key\":{key}{known}}}}}");
    let append = |key: &serde_json::Value, value: u64| {
        format!("{{\"append\":{{\"key\":{key},\"value\":{value}}}}}")
    };
    let other = append(&serde_json::json!("z"), 9);
    let nothing = ",\"value\":[]";
    let lines = [
        "{\"polygraph\":1}\n".to_owned(),
        event(0, "\"nemesis\"", &fault("start", "invoke", cut)),
        event(1, "\"nemesis\"", &fault("start", "ok", cut)),
        event(
            2,
            "0",
            &txn("invoke", &[other.clone(), read(&x, ""), append(&y, 1)]),
        ),
        event(3, "1", &txn("invoke", &[read(&y, ""), append(&x, 2)])),
        event(
            4,
            "0",
            &txn("ok", &[other, read(&x, nothing), append(&y, 1)]),
        ),
        event(5, "1", &txn("ok", &[read(&y, nothing), append(&x, 2)])),
    ];
    jsonl::read(lines.concat().as_bytes()).expect("a history")
}

fn cycle(history: &History) -> Cycle {
    let entry = entry(Guarantee::Serializable).expect("it is checked");
    let verdict = (entry.check)(history, &Options::default());
    let of = |anomaly: &Anomaly| match &anomaly.proof {
        Proof::Isolation(proof) => Cycle::of(history, proof),
        _ => None,
    };
    verdict.anomalies.iter().find_map(of).expect("a cycle")
}

#[test]
fn a_cycle_is_drawn_from_top_to_bottom_and_back() {
    let drawn = cycle(&skew("x", "y")).draw(WIDE);
    let expected = "   \
   ╭─ T1 (client 0, 0.014–0.028 s) ─╮
╭─▶│ read x → []                    │
│  │ append y 1                     │
│  │ … and 1 more                   │
│  ╰──┬─────────────────────────────╯
│     │ rw x: T1 read [], before T2 wrote 2
│     ▼
│  ╭─ T2 (client 1, 0.021–0.035 s) ─╮
│  │ read y → []                    │
│  │ append x 2                     │
│  ╰──┬─────────────────────────────╯
│     │ rw y: T2 read [], before T1 wrote 1
╰─────╯
meanwhile partition, from 0.007 s on
";
    assert_eq!(drawn, expected, "\n{drawn}");
}

#[test]
fn ascii_will_do() {
    let ascii = Style {
        ascii: true,
        ..WIDE
    };
    let drawn = cycle(&skew("x", "y")).draw(ascii);
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(drawn.contains("+->| read x > []"), "{drawn}");
    assert!(drawn.contains("|     v\n"), "{drawn}");
}

#[test]
fn data_are_the_steps() {
    let json = serde_json::to_value(cycle(&skew("x", "y"))).expect("it is data");
    let steps = json["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0]["dependency"], "rw");
    assert_eq!(steps[0]["from"], steps[1]["to"]);
    assert_eq!(steps[0]["key"], "x");
}

#[test]
fn a_graph_has_every_transaction_and_every_step() {
    let dot = cycle(&skew("x", "a \"b\" \\")).dot();
    assert!(dot.starts_with("digraph \""), "{dot}");
    assert!(dot.contains("  T1 -> T2 [label=\"rw x\","), "{dot}");
    assert!(
        dot.contains("  T2 -> T1 [label=\"rw a \\\"b\\\" \\\\\","),
        "{dot}"
    );
    assert!(dot.contains("meanwhile partition"), "{dot}");
}

/// Whether every element is closed where it must be, and what the text without elements is.
fn well_formed(xml: &str) -> Result<String, String> {
    let (mut open, mut text) = (Vec::new(), String::new());
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        text += &rest[..at];
        let end = rest.find('>').ok_or("an element without an end")?;
        let tag = &rest[at + 1..end];
        let name = tag
            .split_whitespace()
            .next()
            .ok_or("an element without a name")?;
        if tag.matches('"').count() % 2 == 1 || tag.contains('<') {
            return Err(format!("<{tag}>"));
        }
        match (name.strip_prefix('/'), tag.ends_with('/')) {
            (Some(name), _) if open.pop() == Some(name) => {}
            (Some(name), _) => return Err(format!("</{name}>")),
            (None, true) => {}
            (None, false) => open.push(name),
        }
        rest = &rest[end + 1..];
    }
    match open.is_empty() {
        true => Ok(text),
        false => Err(format!("open: {open:?}")),
    }
}

#[test]
fn a_picture_stands_alone_and_says_all() {
    let svg = cycle(&skew("x", "y")).svg();
    let text = well_formed(&svg).unwrap_or_else(|why| panic!("{why}: {svg}"));
    for said in [
        "T1 (client 0, 0.014–0.028 s)",
        "T1 read [], before T2 wrote 2",
        "meanwhile",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(svg.contains("prefers-color-scheme: dark"), "{svg}");
    assert!(!svg.contains("href") && !svg.contains("url("), "{svg}");
}

#[test]
fn long_cycles_are_shortened() {
    let two = cycle(&skew("x", "y"));
    let mut long = two.clone();
    for _ in 0..20 {
        long.boxes.extend(two.boxes.clone());
        long.steps.extend(two.steps.clone());
    }
    let drawn = long.draw(WIDE);
    assert!(drawn.contains(": 30 more transactions"), "{drawn}");
    assert_eq!(drawn.matches("╭─ T").count(), MOST);
    assert!(long.svg().contains("30 more transactions"));
    assert_eq!(long.dot().matches("->").count(), 42);
}

proptest! {
    #[test]
    fn no_key_breaks_a_drawing(x in "\\PC{1,90}|[ -~]{1,30}|.{1,9}", width in 40_usize..81, ascii: bool) {
        prop_assume!(x != "y" && x != "z");
        let cycle = cycle(&skew(&x, "y"));
        for line in cycle.draw(Style { width, ascii }).lines() {
            prop_assert!(line.width() <= width, "{line}");
        }
        let svg = cycle.svg();
        prop_assert!(well_formed(&svg).is_ok(), "{svg}");
        prop_assert_eq!(cycle.dot().lines().count(), 9);
    }
}
