//! The registry of runs: by which the next start cleans up what a dead harness left behind.
//!
//! A fixed folder of the user's holds one folder for every run: a lock that the harness holds
//! while it lives, the processes that it started with what tells them from later ones of the same
//! number, and the data of its nodes. A run whose lock is free is dead, and only such runs are
//! touched.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, geteuid, getpgid};

use super::process::{identity, poll, state};
use crate::ProcessState;

const LOCK: &str = "lock";
const PROCESSES: &str = "processes";
/// How long others may hold the registry: they only make a folder, or clean up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where runs are registered.
#[derive(Clone, Debug)]
pub struct Registry {
    root: PathBuf,
}

/// What was cleaned up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs of harnesses that had died.
    pub runs: usize,
    /// Processes of theirs that still lived.
    pub processes: usize,
}

/// Cleans up what dead harnesses of this user left behind; to be called first by every command
/// that runs nodes.
///
/// # Errors
/// If the registry cannot be read or a folder not be removed.
pub fn sweep() -> io::Result<Swept> {
    Registry::standard().sweep()
}

impl Registry {
    /// The registry of this user, always at the same place: an environment variable may differ
    /// from start to start.
    #[must_use]
    pub fn standard() -> Registry {
        Registry::at(PathBuf::from(format!("/tmp/polygraph-{}", geteuid())))
    }

    /// A registry elsewhere.
    #[must_use]
    pub const fn at(root: PathBuf) -> Registry {
        Registry { root }
    }

    /// Makes the folder, if it is not there, and makes sure that it is nobody else's.
    fn prepare(&self) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        match fs::symlink_metadata(&self.root) {
            Ok(found) if !found.is_dir() || found.uid() != geteuid().as_raw() => {
                let what = format!("{} belongs to somebody else", self.root.display());
                Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
            }
            // Removed by another just now.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps others from making or removing runs while the lock is held: a new run is not locked
    /// at once.
    fn alone(&self, patience: Duration) -> io::Result<Flock<File>> {
        let mut locked = Ok(None);
        poll(patience, || {
            locked = self.prepare().and_then(|()| lock_existing(&self.root));
            !matches!(locked, Ok(None))
        });
        locked?.ok_or_else(|| io::Error::other(format!("{} is busy", self.root.display())))
    }

    /// Removes the folder if there is nothing in it any more.
    fn leave(&self) {
        if let Ok(Some(_alone)) = lock_existing(&self.root) {
            let _ = fs::remove_dir(&self.root);
        }
    }

    /// Registers a run of this process.
    pub(crate) fn open(&self, number: u64) -> io::Result<Run> {
        let _alone = self.alone(PATIENCE)?;
        let folder = self.root.join(format!("run-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let lock = try_lock(File::create(folder.join(LOCK))?)?
            .ok_or_else(|| io::Error::other("a new lock is held by another"))?;
        let processes = File::create(folder.join(PROCESSES))?;
        Ok(Run {
            registry: self.clone(),
            folder,
            processes,
            lock: Some(lock),
        })
    }

    /// Cleans up what dead harnesses left behind, and only that.
    ///
    /// # Errors
    /// If the registry cannot be read or a folder not be removed.
    pub fn sweep(&self) -> io::Result<Swept> {
        let mut swept = Swept::default();
        if !self.root.exists() {
            return Ok(swept);
        }
        let alone = self.alone(PATIENCE)?;
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let is_run = entry.file_name().to_string_lossy().starts_with("run-");
            if !is_run || !entry.file_type().is_ok_and(|found| found.is_dir()) {
                continue;
            }
            let folder = entry.path();
            let Some(lock) = lock_existing(&folder.join(LOCK))? else {
                // One that its harness has just removed, or only just made before it died, is
                // empty; no other can be removed so.
                let _ = fs::remove_dir(&folder);
                continue;
            };
            swept.processes += kill_those_of(&folder)?;
            remove(&folder)?;
            drop(lock);
            swept.runs += 1;
        }
        drop(alone);
        self.leave();
        Ok(swept)
    }
}

/// Locks a file or folder that is there; `None` if another holds it or removes it meanwhile.
fn lock_existing(path: &Path) -> io::Result<Option<Flock<File>>> {
    let unless_gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(error),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return unless_gone(error),
    };
    let Some(lock) = try_lock(file)? else {
        return Ok(None);
    };
    match fs::metadata(path) {
        Ok(found) => Ok((found.ino() == lock.metadata()?.ino()).then_some(lock)),
        Err(error) => unless_gone(error),
    }
}

/// Takes a lock; `None` if another holds it.
fn try_lock(file: File) -> io::Result<Option<Flock<File>>> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

/// Kills the processes of a dead run that still live; how many.
fn kill_those_of(folder: &Path) -> io::Result<usize> {
    let list = match fs::read_to_string(folder.join(PROCESSES)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        list => list.unwrap_or_default(),
    };
    let mut killed = 0;
    for line in list.lines() {
        // The last line may be torn.
        let Some((pid, born)) = line.split_once(' ') else {
            continue;
        };
        let Ok(pid) = pid.parse::<u32>() else {
            continue;
        };
        // One that has ended and that nobody waits for is a name only; it holds nothing.
        let is_there =
            || identity(pid).as_deref() == Some(born) && state(pid) != ProcessState::Dead;
        if pid > 1 && is_there() {
            let pid = Pid::from_raw(pid.cast_signed());
            if getpgid(Some(pid)) == Ok(pid) {
                // It leads a group: what it has started in turn is there too.
                let _ = killpg(pid, Signal::SIGKILL);
            }
            let _ = kill(pid, Signal::SIGKILL);
            killed += 1;
            poll(Duration::from_secs(2), || !is_there());
        }
    }
    Ok(killed)
}

/// Removes the folder of a run, its lock last, so that a run is never without one while it has
/// anything else.
fn remove(folder: &Path) -> io::Result<()> {
    let is_gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        is_gone(if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        })?;
    }
    is_gone(fs::remove_file(folder.join(LOCK)))?;
    is_gone(fs::remove_dir(folder))
}

/// A run of this process. When it is dropped, its folder is removed.
#[derive(Debug)]
pub(crate) struct Run {
    registry: Registry,
    folder: PathBuf,
    processes: File,
    /// Held as long as this process lives.
    lock: Option<Flock<File>>,
}

impl Run {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes a process, to be killed by the next start if this one cannot.
    pub(crate) fn register(&mut self, pid: u32) -> io::Result<()> {
        // Without an identity it has ended already.
        let Some(born) = identity(pid) else {
            return Ok(());
        };
        self.processes
            .write_all(format!("{pid} {born}\n").as_bytes())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Whatever remains, the next start removes.
        let _ = remove(&self.folder);
        self.lock = None;
        self.registry.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn registry() -> (tempfile::TempDir, Registry) {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::at(folder.path().join("runs"));
        (folder, registry)
    }

    #[test]
    fn the_living_are_left_alone_and_the_dead_are_removed() {
        let (_folder, registry) = registry();
        assert_eq!(registry.sweep().unwrap(), Swept::default());
        let alive = registry.open(1).unwrap();
        let mut dead = registry.open(2).unwrap();
        let dead_folder = dead.folder().to_owned();
        fs::create_dir(dead_folder.join("n1")).unwrap();
        fs::write(dead_folder.join("n1/log"), "x").unwrap();
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null());
        let (mut child, mut other) = (cat.spawn().unwrap(), cat.spawn().unwrap());
        dead.register(child.id()).unwrap();
        // As if that number had been another's before, and a line that was torn.
        writeln!(dead.processes, "{} 17-another", other.id()).unwrap();
        write!(dead.processes, "{}", other.id()).unwrap();
        // As if the harness had died: nothing removed, the lock free.
        dead.lock = None;
        std::mem::forget(dead);
        let swept = registry.sweep().unwrap();
        assert_eq!((swept.runs, swept.processes), (1, 1));
        assert!(!dead_folder.exists());
        assert!(!child.wait().unwrap().success());
        assert_eq!(other.try_wait().unwrap(), None);
        assert!(alive.folder().exists());
        let alive_folder = alive.folder().to_owned();
        drop(alive);
        assert!(!alive_folder.exists() && !registry.root.exists());
        assert_eq!(registry.sweep().unwrap(), Swept::default());
        assert!(!registry.root.exists());
        drop(other.stdin.take());
        other.wait().unwrap();
    }

    #[test]
    fn runs_that_begin_and_end_at_once_do_not_disturb_each_other() {
        let (_folder, registry) = registry();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let registry = &registry;
                scope.spawn(move || {
                    for number in 0..50 {
                        let run = registry.open(thread * 100 + number).unwrap();
                        assert_eq!(registry.sweep().unwrap(), Swept::default());
                        assert!(run.folder().join(PROCESSES).exists());
                    }
                });
            }
        });
        // Two that ended at once may have left the empty folder to each other.
        registry.sweep().unwrap();
        assert!(!registry.root.exists());
    }

    #[test]
    fn a_place_that_is_not_ones_own_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("runs");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(Registry::at(link).sweep().is_err());
    }
}
