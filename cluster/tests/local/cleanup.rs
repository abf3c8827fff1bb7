//! Nothing survives a run, however it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use polygraph_cluster::local::{Registry, Swept};
use polygraph_cluster::{Control, World};
use polygraph_history::NodeId;

use crate::echo::{Cluster, start, start_in, within};

/// What makes the test program a harness, and where its runs are.
const HARNESS: &str = "POLYGRAPH_TEST_HARNESS";

fn is_alive(pid: u32) -> bool {
    // One that nobody waits for holds nothing any more.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// The sockets on this machine that listen, by their numbers: a port may be another's at once.
fn listening() -> Vec<String> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[3] == "0A")
        .map(|row| row[9].to_owned())
        .collect()
}

/// The sockets on which a process listens.
fn listening_of(pid: u32) -> Vec<String> {
    let all = listening();
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = links.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let sockets = links.filter_map(|link| {
        let name = link.to_str()?;
        Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    });
    sockets.filter(|socket| all.contains(socket)).collect()
}

fn pids(cluster: &Cluster) -> Vec<u32> {
    (0..3)
        .map(|node| cluster.local.pid(NodeId::at(node)).unwrap())
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_after_a_stop_or_a_panic() {
    let mut cluster = start("datagram", 3);
    let nodes = pids(&cluster);
    assert!(nodes.iter().all(|&pid| is_alive(pid)));
    let sockets: Vec<_> = nodes.iter().flat_map(|&pid| listening_of(pid)).collect();
    assert_eq!(sockets.len(), 3);
    // A Ctrl-C at the terminal is for the harness alone.
    for &pid in &nodes {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1;
        assert_eq!(
            fields.split(' ').nth(2).unwrap(),
            pid.to_string(),
            "its own group"
        );
    }
    let root = cluster.place.path().join("runs");
    assert!(root.exists());
    cluster.local.pause(1, NodeId::at(0));
    cluster.local.kill(2, NodeId::at(1));
    cluster.local.stop();
    assert!(!root.exists());
    assert!(!nodes.iter().any(|&pid| is_alive(pid)));
    assert!(!sockets.iter().any(|socket| listening().contains(socket)));
    assert_eq!(cluster.local.folder(), None);
    // Stopped is stopped: nothing more happens, and nothing breaks.
    cluster.local.stop();
    cluster.submit(0, polygraph_history::Op::Txn(Vec::new()));
    assert!(cluster.next(Duration::ZERO).is_none());
    cluster.local.revive(2, NodeId::at(1));

    let registry = cluster.registry.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let panicking = std::thread::spawn(move || {
        let local = start_in(&registry, "datagram", 3);
        let nodes: Vec<_> = (0..3).map(|n| local.pid(NodeId::at(n)).unwrap()).collect();
        tell.send(nodes).unwrap();
        panic!("as planned");
    });
    let nodes = told.recv().unwrap();
    assert!(panicking.join().is_err());
    assert!(!nodes.iter().any(|&pid| is_alive(pid)));
    assert!(!root.exists());
}

#[test]
#[ignore = "started by another test, as a process of its own"]
fn harness_process() {
    let Ok(root) = std::env::var(HARNESS) else {
        return;
    };
    let mut local = start_in(&Registry::at(root.into()), "datagram", 3);
    local.pause(1, NodeId::at(2));
    for node in 0..3 {
        println!("pid {}", local.pid(NodeId::at(node)).unwrap());
    }
    loop {
        local.advance(local.now() + Duration::from_secs(60));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_harness_that_is_killed_takes_its_nodes_with_it() {
    let beside = start("datagram", 3);
    let root = beside.place.path().join("runs");
    let mut harness = Command::new(std::env::current_exe().unwrap())
        .args([
            "cleanup::harness_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(HARNESS, &root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines();
    let mut pid = || loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, pid)) = line.split_once("pid ") {
            return pid.parse::<u32>().unwrap();
        }
    };
    let nodes = [pid(), pid(), pid()];
    assert!(nodes.iter().all(|&pid| is_alive(pid)));
    let sockets: Vec<_> = nodes.iter().flat_map(|&pid| listening_of(pid)).collect();
    assert_eq!(sockets.len(), 3);
    harness.kill().unwrap();
    harness.wait().unwrap();
    let is_over = within(Duration::from_secs(2), || {
        let is_open = sockets.iter().any(|socket| listening().contains(socket));
        !is_open && !nodes.iter().any(|&pid| is_alive(pid))
    });
    assert!(is_over, "nodes outlive their harness");
    // Its files wait for the next start; the run beside it is left alone.
    assert_eq!(fs::read_dir(&root).unwrap().count(), 2);
    let swept = beside.registry.sweep().unwrap();
    assert_eq!(
        swept,
        Swept {
            runs: 1,
            processes: 0
        }
    );
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
    assert!(pids(&beside).into_iter().all(is_alive));
    assert!(beside.local.folder().unwrap().exists());
}

#[test]
fn a_program_that_is_no_node_is_an_error_and_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let options = polygraph_cluster::local::Options {
        registry: Registry::at(place.path().join("runs")),
    };
    let deployment = crate::echo::deployment(2);
    let mut program = crate::echo::program("datagram");
    program.path = "/bin/sh".into();
    program.arguments = ["-c", "echo no seat for me >&2"].map(Into::into).into();
    let started = polygraph_cluster::local::Local::start(&program, &deployment, &options);
    let error = started.err().unwrap().to_string();
    assert_eq!(error, "n1 does not start: no seat for me");
    program.path = "/nowhere/at/all".into();
    assert!(polygraph_cluster::local::Local::start(&program, &deployment, &options).is_err());
    assert!(!place.path().join("runs").exists());
}
