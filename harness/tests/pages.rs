//! The pages of the program: of a run, of a check, and served.

#![cfg(unix)]

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use program::polygraph;

/// What is answered to a request for a path, head and all.
fn get(address: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_run_and_a_check_have_pages() {
    let scratch = tempfile::tempdir().unwrap();
    let run = polygraph(
        scratch.path(),
        &["test", "leaderless", "--time", "8s", "--quiet"],
    );
    assert_eq!(run.code, 0, "{}", run.err);
    let report = polygraph(
        scratch.path(),
        &["report", "runs/latest", "--format", "html"],
    );
    assert_eq!(
        (report.code, report.out.trim()),
        (0, "page: runs/latest/report.html")
    );
    let page = fs::read_to_string(scratch.path().join("runs/latest/report.html")).unwrap();
    for part in [
        "<!DOCTYPE html>",
        "polygraph replay runs/",
        "Guarantees",
        "Rate",
        "Latency",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let history = "runs/latest/history.jsonl";
    let check = polygraph(scratch.path(), &["check", history, "--html", "check.html"]);
    assert!(matches!(check.code, 0 | 1));
    let page = fs::read_to_string(scratch.path().join("check.html")).unwrap();
    assert!(page.contains("A check of runs/latest/history.jsonl"));
    let nowhere = polygraph(scratch.path(), &["report", "runs", "--format", "html"]);
    assert_eq!(nowhere.code, 2);
    assert!(
        nowhere.err.contains("not the folder of a run"),
        "{}",
        nowhere.err
    );
}

#[test]
fn runs_are_served_on_loopback_until_it_is_interrupted() {
    let scratch = tempfile::tempdir().unwrap();
    let run = polygraph(
        scratch.path(),
        &["test", "leaderless", "--time", "4s", "--quiet"],
    );
    assert_eq!(run.code, 0, "{}", run.err);
    fs::write(scratch.path().join("secret"), "a secret").unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_polygraph"))
        .args(["serve", "--address", "127.0.0.1:0"])
        .current_dir(scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .unwrap();
    let address = line
        .strip_prefix("http://")
        .and_then(|it| it.split('/').next());
    let address = address.unwrap_or_else(|| panic!("an address: {line}"));
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let list = get(address, "/", "localhost");
    assert!(
        list.starts_with("HTTP/1.1 200") && list.contains("leaderless-register-1/"),
        "{list}"
    );
    let moved = get(address, "/latest", "localhost");
    assert!(
        moved.contains("302") && moved.contains("Location: latest/"),
        "{moved}"
    );
    assert!(get(address, "/latest/", address).contains("Availability"));
    for path in ["/../secret", "/%2e%2e/secret", "//etc/passwd"] {
        let answer = get(address, path, "localhost");
        assert!(
            answer.starts_with("HTTP/1.1 404") && !answer.contains("a secret"),
            "{answer}"
        );
    }
    assert!(get(address, "/", "evil.example").starts_with("HTTP/1.1 421"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let nowhere = polygraph(scratch.path(), &["serve", "missing"]);
    assert_eq!(nowhere.code, 2);
}
