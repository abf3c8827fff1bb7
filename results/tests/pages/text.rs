//! Pages without a browser: well-formed, whole, escaped, and small however large the run is.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use polygraph_results::page;

use super::folders;

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];

/// Whether every element of a page ends where it should, and every attribute is quoted.
fn well_formed(page: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let mut quoted = false;
        let end = rest.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let end = end.ok_or_else(|| format!("a tag has no end: {:.60}", rest))?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag
            .split([' ', '\n', '/'])
            .find(|it| !it.is_empty())
            .unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> ends {last:?}"));
            }
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
            if matches!(name, "script" | "style") {
                let end = rest.find(&format!("</{name}>"));
                rest = &rest[end.ok_or_else(|| format!("<{name}> has no end"))?..];
            }
        }
        let attributes = tag.split('"').step_by(2);
        if attributes
            .clone()
            .any(|part| part.contains('<') || part.contains('\''))
        {
            return Err(format!("<{tag}> is no tag"));
        }
    }
    match open.as_slice() {
        [] => Ok(()),
        open => Err(format!("{open:?} have no end")),
    }
}

#[test]
fn what_is_not_well_formed_is_seen() {
    for text in [
        "<p>",
        "<p></a></p>",
        "<p x=\"></p>",
        "</p>",
        "<p <b>></p>",
        "<script>",
    ] {
        assert!(well_formed(text).is_err(), "{text}");
    }
    assert_eq!(
        well_formed("<!DOCTYPE html><meta a=\"b>\"><p><br></p>"),
        Ok(())
    );
}

#[test]
fn pages_are_well_formed_and_ask_nobody() {
    for folder in [
        folders::register(),
        folders::hostile(1),
        folders::campaign(),
    ] {
        let page = page::of_folder(folder.path()).unwrap();
        assert_eq!(well_formed(&page), Ok(()));
        let bare = page.replace("http://www.w3.org/2000/svg", "");
        for part in [
            " src=\"",
            "href=\"http",
            "url(http",
            "@import",
            "<link",
            "<img",
            "<iframe",
        ] {
            assert!(!bare.contains(part), "{part}");
        }
    }
}

#[test]
fn a_page_has_what_a_reader_needs() {
    let folder = folders::register();
    let page = page::of_folder(folder.path()).unwrap();
    for part in [
        "linearizable was violated, as leaderless documents",
        "The evidence: stale-read",
        "Client 3 read x=99 after client 1 had written 100.",
        "n1 cut off from n2 n3",
        "polygraph replay runs/7",
        "Guarantees",
        "Rate",
        "Latency",
        "Availability while faults acted",
        "Staleness",
        "Clocks",
        "Operations around it on the same key",
        "a line of the log",
        "The spec",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_folder_that_lacks_something_has_a_page_that_says_so() {
    let folder = folders::register();
    fs::remove_file(folder.path().join("verdict.json")).unwrap();
    let page = page::of_run(folder.path()).unwrap();
    assert!(page.contains("There is no verdict") && page.contains("Latency"));
    let folder = folders::register();
    fs::write(
        folder.path().join("history.jsonl"),
        "{\"polygraph\":1}\n[\n{}\n",
    )
    .unwrap();
    let page = page::of_run(folder.path()).unwrap();
    assert!(page.contains("history.jsonl is no history") && page.contains("stale-read"));
    let empty = tempfile::tempdir().unwrap();
    let error = page::of_run(empty.path()).unwrap_err().to_string();
    assert!(error.contains("not the folder of a run"), "{error}");
}

/// A million operations: the budget of a page is two million bytes and, on a machine that does
/// nothing else, five seconds.
#[test]
fn the_page_of_a_large_run_is_small() {
    let count: u64 = if cfg!(debug_assertions) {
        20_000
    } else {
        1_000_000
    };
    let folder = folders::register();
    let file = folder.path().join("history.jsonl");
    let header = fs::read_to_string(&file).unwrap();
    let mut text = header.lines().next().unwrap().to_owned() + "\n";
    for at in 0..count {
        let (time, process, key) = (at * 50_000, at % 6, at % 97);
        let op = match at % 2 {
            0 => format!("{{\"write\":{{\"key\":\"k{key}\",\"value\":{at}}}}}"),
            _ => format!(
                "{{\"read\":{{\"key\":\"k{key}\",\"value\":{}}}}}",
                at.saturating_sub(97)
            ),
        };
        for (kind, add) in [("invoke", 0), ("ok", 9_000)] {
            let (index, time) = (2 * at + u64::from(add > 0), time + add);
            let _ = writeln!(
                text,
                "{{\"index\":{index},\"time\":{time},\"process\":{process},\"type\":\"{kind}\",\"op\":{op},\"node\":\"n1\"}}"
            );
        }
    }
    fs::write(&file, text).unwrap();
    let began = Instant::now();
    let page = page::of_run(folder.path()).unwrap();
    let elapsed = began.elapsed();
    eprintln!("{count} operations: {} bytes in {elapsed:?}", page.len());
    assert!(page.contains("Latency"));
    assert!(page.len() < 2_000_000, "{}", page.len());
    // Machines of all kinds run this, and other tests beside it.
    assert!(elapsed.as_secs() < 30, "{elapsed:?}");
}
