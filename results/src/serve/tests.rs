//! Nothing outside of the folder, and a page for everything inside.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use super::*;

/// A folder of runs beside a secret.
struct Sandbox {
    _all: tempfile::TempDir,
    runs: PathBuf,
}

const SECRET: &str = "a secret";

fn sandbox() -> Sandbox {
    let all = tempfile::tempdir().unwrap();
    let runs = all.path().join("runs");
    for folder in ["good", "broken", "cut", "empty", "strange &<b>"] {
        fs::create_dir_all(runs.join(folder)).unwrap();
    }
    fs::write(all.path().join("secret.txt"), SECRET).unwrap();
    let event = r#"{"index":0,"time":5,"process":0,"type":"invoke","op":{"read":{"key":"x"}}}"#;
    let history = format!("{{\"polygraph\":1}}\n{event}\n");
    let verdict = r#"{"polygraph":1,"verdict":"holds","exit":0,"target":"leaderless","guarantees":[{"name":"durable","verdict":"holds","outcome":"holds"}]}"#;
    fs::write(runs.join("good/history.jsonl"), &history).unwrap();
    fs::write(runs.join("good/verdict.json"), verdict).unwrap();
    fs::write(runs.join("broken/history.jsonl"), "{\"polygraph\":1}\n{]\n").unwrap();
    fs::write(runs.join("broken/verdict.json"), "{").unwrap();
    fs::write(runs.join("cut/history.jsonl"), &history).unwrap();
    fs::write(runs.join("strange &<b>/verdict.json"), verdict).unwrap();
    Sandbox { _all: all, runs }
}

/// The status and the text of an answer.
fn ask(site: &Site, url: &str) -> (u16, String) {
    match site.answer(url) {
        Answer::Page(status, text) => (status, text),
        Answer::Moved(to) => (302, to),
        Answer::File(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (200, text)
        }
    }
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let sandbox = sandbox();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../secret.txt", sandbox.runs.join("link.txt")).unwrap();
        symlink("..", sandbox.runs.join("up")).unwrap();
        symlink("../../secret.txt", sandbox.runs.join("good/spec.toml")).unwrap();
        fs::create_dir(sandbox.runs.join("good/logs")).unwrap();
        symlink("../../../secret.txt", sandbox.runs.join("good/logs/n1.log")).unwrap();
    }
    let site = Site::new(&sandbox.runs).unwrap();
    let secret = sandbox.runs.parent().unwrap().join("secret.txt");
    let absolute = secret.display().to_string();
    for url in [
        "/../secret.txt",
        "/good/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/..%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/..%5csecret.txt",
        "/link.txt",
        "/up/secret.txt",
        "/up/",
        "/good/spec.toml",
        "/good/logs/n1.log",
        "/good/%00",
        "/good/%",
        "/good/%zz",
        &absolute,
        &format!("/{absolute}"),
        &absolute.replace('/', "%2f"),
        "",
        "x",
    ] {
        let (status, text) = ask(&site, url);
        assert!(!text.contains(SECRET), "{url}");
        assert!(status == 404 || url.is_empty(), "{url}: {status}");
    }
    // Nor by way of a page.
    #[cfg(unix)]
    for name in ["verdict.json", "history.jsonl", FILE] {
        let folder = sandbox.runs.join(format!("linked-{name}"));
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink("../../secret.txt", folder.join(name)).unwrap();
        let (status, text) = ask(&site, &format!("/linked-{name}/"));
        assert!(text.contains("a link to another place"), "{name}: {text}");
        assert_eq!(status, 200);
    }
    for url in ["/good/", "/"] {
        let (status, text) = ask(&site, url);
        assert_eq!(status, 200);
        assert!(!text.contains(SECRET));
    }
}

#[test]
fn everything_inside_has_a_page() {
    let sandbox = sandbox();
    let site = Site::new(&sandbox.runs).unwrap();
    let (status, list) = ask(&site, "/");
    assert_eq!(status, 200);
    for part in [
        "good/",
        "broken",
        "cut/",
        "strange%20%26%3Cb%3E/",
        "strange &amp;&lt;b&gt;",
    ] {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(!list.contains("<b>"));
    assert_eq!(ask(&site, "/good"), (302, "good/".to_owned()));
    assert!(ask(&site, "/good/").1.contains("durable held"));
    assert!(
        ask(&site, "/strange%20%26%3Cb%3E/")
            .1
            .contains("durable held")
    );
    assert!(ask(&site, "/broken/").1.contains("This folder is broken"));
    assert!(ask(&site, "/cut/").1.contains("Under way"));
    assert!(
        ask(&site, "/good/history.jsonl")
            .1
            .starts_with("{\"polygraph\"")
    );
    assert_eq!(ask(&site, "/missing/").0, 404);
}

#[test]
fn a_list_is_filtered() {
    let sandbox = sandbox();
    let site = Site::new(&sandbox.runs).unwrap();
    let has = |query: &str, name: &str| {
        let (_, list) = ask(&site, &format!("/?{query}"));
        list.contains(&format!("href=\"{name}/\""))
    };
    assert!(has("", "good") && has("", "broken"));
    assert!(has("target=leaderless", "good") && !has("target=leaderless", "broken"));
    assert!(has("guarantee=durable&verdict=holds", "good"));
    assert!(!has("guarantee=durable&verdict=violated", "good"));
    assert!(!has("guarantee=linearizable", "good"));
    assert!(has("verdict=broken", "broken") && !has("verdict=broken", "good"));
    assert!(has("target=&guarantee=&verdict=", "broken"));
}

#[test]
fn a_run_that_is_written_to_reloads_itself() {
    let sandbox = sandbox();
    let site = Site::new(&sandbox.runs).unwrap();
    let refresh = "http-equiv=\"refresh\"";
    assert!(ask(&site, "/cut/").1.contains(refresh));
    assert!(!ask(&site, "/good/").1.contains(refresh));
    assert!(ask(&site, "/").1.contains("running"));
}

#[test]
fn loopback_is_asked_for_by_its_name() {
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    for host in [
        "localhost:80",
        "127.0.0.1",
        "127.0.0.1:7450",
        "[::1]:7450",
        "LOCALHOST",
    ] {
        assert!(is_meant(host, loopback), "{host}");
    }
    for host in [
        "",
        "evil.example",
        "evil.example:7450",
        "127.0.0.1.evil.example",
        "[::2]",
    ] {
        assert!(!is_meant(host, loopback), "{host}");
    }
    assert!(is_meant("anything", "0.0.0.0".parse().unwrap()));
}
