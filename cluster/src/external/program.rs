//! A program that is not ours, under its guard.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::ProcessState;
use crate::host::Ward;
use crate::host::process::{Spawner, poll, reap, signal, state};

/// How long a killed process may take to be gone.
const DYING: Duration = Duration::from_secs(5);
/// How long a process may take to stand still.
const STOPPING: Duration = Duration::from_millis(500);

/// How a guard is started: a program that comes to [`crate::host::guard`].
#[derive(Clone, Debug)]
pub struct Guard {
    /// The program.
    pub path: PathBuf,
    /// What makes it guard a server; the program and its arguments follow.
    pub server: Vec<OsString>,
    /// What makes it guard a program that is spoken to.
    pub speaker: Vec<OsString>,
}

/// What starts programs.
pub(super) struct Starter {
    pub(super) guard: Guard,
    pub(super) spawner: Spawner,
    pub(super) folder: PathBuf,
}

impl Starter {
    fn start(&self, ward: Ward, words: &[String], log: &Path) -> io::Result<Child> {
        let arguments = match ward {
            Ward::Server => &self.guard.server,
            Ward::Speaker => &self.guard.speaker,
        };
        let mut command = Command::new(&self.guard.path);
        command
            .args(arguments)
            .args(words)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().append(true).create(true).open(log)?)
            // What the terminal sends to the harness is not for the others.
            .process_group(0);
        self.spawner.spawn(command)
    }

    /// Starts a server. The number of its process group is the second part.
    pub(super) fn server(&self, words: &[String], log: &Path) -> io::Result<Server> {
        let mut guard = self.start(Ward::Server, words, log)?;
        let lifeline = guard.stdin.take();
        let mut said = String::new();
        if let Some(stdout) = guard.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        let Ok(pid) = said.trim().parse() else {
            reap(&mut guard, DYING);
            return Err(io::Error::other(format!("{} cannot be started", words[0])));
        };
        Ok(Server {
            guard,
            _lifeline: lifeline,
            pid,
        })
    }

    /// Starts a program that is spoken to.
    pub(super) fn speaker(&self, words: &[String], log: &Path) -> io::Result<Speaker> {
        let mut guard = self.start(Ward::Speaker, words, log)?;
        let streams = guard.stdin.take().zip(guard.stdout.take());
        let (stdin, stdout) = streams.expect("both are pipes");
        Ok(Speaker {
            guard,
            stdin: Some(stdin),
            stdout: Some(stdout),
        })
    }

    /// Runs a program to its end; whether that was a good one, and what it printed. `None` if it
    /// cannot be started or takes too long.
    pub(super) fn ask(
        &self,
        words: &[String],
        log: &Path,
        patience: Duration,
    ) -> Option<(bool, String)> {
        let mut speaker = self.speaker(words, log).ok()?;
        let mut stdout = speaker.stdout.take()?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            let _ = tell.send(text);
        });
        let text = told.recv_timeout(patience).ok()?;
        let ended = reap(&mut speaker.guard, DYING);
        let status = speaker.guard.try_wait().ok()??;
        Some((ended && status.success(), text))
    }
}

/// A server that was started. When it is dropped, it is killed.
pub(super) struct Server {
    guard: Child,
    /// When this closes, the guard kills what it guards.
    _lifeline: Option<ChildStdin>,
    /// The number of its process and of its process group.
    pub(super) pid: u32,
}

impl Server {
    fn tell(&mut self, what: Signal) {
        // As long as its guard lives, its number is its own.
        if matches!(self.guard.try_wait(), Ok(None)) {
            let _ = killpg(Pid::from_raw(self.pid.cast_signed()), what);
        }
    }

    /// Kills it without waiting for its end.
    pub(super) fn strike(&mut self) {
        self.tell(Signal::SIGKILL);
    }

    /// Waits for the end of one that was killed.
    pub(super) fn bury(&mut self) {
        if !reap(&mut self.guard, DYING) {
            signal(&self.guard, Signal::SIGKILL);
            reap(&mut self.guard, DYING);
        }
    }

    /// Makes it stand still.
    pub(super) fn halt(&mut self) {
        self.tell(Signal::SIGSTOP);
        poll(STOPPING, || self.state() != ProcessState::Running);
    }

    pub(super) fn go_on(&mut self) {
        self.tell(Signal::SIGCONT);
    }

    /// What the operating system says of it.
    pub(super) fn state(&mut self) -> ProcessState {
        match self.guard.try_wait() {
            Ok(None) => state(self.pid),
            _ => ProcessState::Dead,
        }
    }

    pub(super) fn guard(&self) -> u32 {
        self.guard.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.strike();
        self.bury();
    }
}

/// A program that is spoken to. When it is dropped, it is ended.
pub(super) struct Speaker {
    guard: Child,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
}

impl Speaker {
    /// How it has ended, for people.
    pub(super) fn end(&mut self) -> String {
        self.stdin = None;
        reap(&mut self.guard, DYING);
        match self.guard.try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => "it does not end".to_owned(),
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.end();
    }
}
