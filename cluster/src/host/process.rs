//! Processes of the operating system: started, looked at, killed.

use std::fs;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ProcessState;

/// Starts processes from one thread that lives as long as they may: the death signal that Linux
/// sends them follows the thread that started them, not the process.
#[derive(Debug)]
pub(crate) struct Spawner {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    command: Command,
    done: mpsc::SyncSender<io::Result<Child>>,
}

impl Spawner {
    pub(crate) fn new() -> io::Result<Spawner> {
        let (jobs, received) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for mut job in received {
                    // If the one who asked is gone, the child's pipes close and it ends.
                    let _ = job.done.send(job.command.spawn());
                }
            })?;
        Ok(Spawner {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(crate) fn spawn(&self, command: Command) -> io::Result<Child> {
        let (done, result) = mpsc::sync_channel(1);
        let gone = || io::Error::other("the thread that starts processes is gone");
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Job { command, done }).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())?
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a signal to a child that has not been waited for, so that its number is still its own.
pub(crate) fn signal(child: &Child, signal: Signal) {
    if let Ok(pid) = child.id().try_into() {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Waits until a child is dead, so that nothing of it remains; whether it is.
pub(crate) fn reap(child: &mut Child, patience: Duration) -> bool {
    poll(patience, || !matches!(child.try_wait(), Ok(None)))
}

/// Asks again and again until it is so; whether it came to be.
pub(crate) fn poll(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_micros(50);
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// What the operating system says of a process. A child that has ended and was not waited for is
/// dead.
pub(crate) fn state(pid: u32) -> ProcessState {
    let letter = stat(pid).and_then(|fields| fields.first()?.chars().next());
    let letter = if cfg!(target_os = "linux") {
        letter
    } else {
        ps(pid, "stat=").and_then(|text| text.chars().next())
    };
    match letter {
        None | Some('Z' | 'X' | 'x') => ProcessState::Dead,
        Some('T' | 't') => ProcessState::Paused,
        Some(_) => ProcessState::Running,
    }
}

/// What tells a process from a later one with the same number: when it started. `None` if there
/// is none.
pub(crate) fn identity(pid: u32) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return ps(pid, "lstart=")
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join("-"));
    }
    let fields = stat(pid)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Field 22 of the line; the first of these is the third.
    Some(format!("{}-{}", fields.get(19)?, boot.trim()))
}

/// The fields of `/proc/<pid>/stat` from the state on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold anything, also blanks and brackets.
    let (_, fields) = line.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// What `ps` says of a process; there on every Unix.
fn ps(pid: u32, column: &str) -> Option<String> {
    let pid = pid.to_string();
    let said = Command::new("ps")
        .args(["-o", column, "-p", &pid])
        .output()
        .ok()?;
    let text = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn processes_are_seen_as_they_are() {
        let spawner = Spawner::new().unwrap();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = spawner.spawn(command).unwrap();
        let pid = child.id();
        let patience = Duration::from_secs(5);
        assert_eq!(state(pid), ProcessState::Running);
        let born = identity(pid).unwrap();
        assert_ne!(Some(born.clone()), identity(1));
        signal(&child, Signal::SIGSTOP);
        assert!(poll(patience, || state(pid) == ProcessState::Paused));
        assert_eq!(identity(pid), Some(born));
        signal(&child, Signal::SIGCONT);
        assert!(poll(patience, || state(pid) == ProcessState::Running));
        signal(&child, Signal::SIGKILL);
        assert!(poll(patience, || state(pid) == ProcessState::Dead));
        assert!(reap(&mut child, patience));
        assert_eq!(identity(pid), None);
        assert!(spawner.spawn(Command::new("/nowhere/at/all")).is_err());
    }
}
