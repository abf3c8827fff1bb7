//! A guard: a process between the harness and a program that is not ours.
//!
//! A program that we did not write does not notice that its harness has died. Its guard does: the
//! guard's standard input ends. Then, and when the program itself ends, the guard kills the whole
//! process group of the program, so that what the program started in turn goes with it. The guard
//! is in a group of its own: a program that is made to stand still does not stop its guard.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a program may go on after its input has ended.
const GRACE: Duration = Duration::from_millis(200);
/// What a shell says of a program that cannot be started.
const CANNOT_START: u8 = 127;

/// What a guarded program is to the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ward {
    /// A server: the guard first prints the number of its process group; what the program prints
    /// goes to the guard's standard error.
    Server,
    /// A program that is spoken to: its standard input and output are the guard's.
    Speaker,
}

/// Guards a program until it or the harness ends; gives back the exit code of the program, as a
/// shell would.
///
/// # Errors
/// If the streams of this process cannot be used.
pub fn guard(ward: Ward, program: &OsString, arguments: &[OsString]) -> io::Result<u8> {
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    match ward {
        Ward::Server => command
            .stdin(Stdio::null())
            .stdout(io::stderr().as_fd().try_clone_to_owned()?),
        Ward::Speaker => command.stdin(Stdio::piped()),
    };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{} cannot be started: {error}", program.display());
            return Ok(CANNOT_START);
        }
    };
    if ward == Ward::Server {
        println!("{}", child.id());
        io::stdout().flush()?;
    }
    let group = Pid::from_raw(child.id().cast_signed());
    let stdin = child.stdin.take();
    thread::spawn(move || {
        relay(stdin);
        if ward == Ward::Speaker {
            thread::sleep(GRACE);
        }
        let _ = killpg(group, Signal::SIGKILL);
    });
    await_end(&mut child);
    // Until it is waited for, its number is its own, and so is that of its group.
    let _ = killpg(group, Signal::SIGKILL);
    let status = child.wait()?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(code.map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Passes on what the harness says, until it says no more. A program that does not read does not
/// keep the guard from noticing.
fn relay(stdin: Option<ChildStdin>) {
    let (pass, passed) = mpsc::channel::<Vec<u8>>();
    if let Some(mut stdin) = stdin {
        thread::spawn(move || {
            for bytes in passed {
                if stdin.write_all(&bytes).is_err() {
                    return;
                }
            }
        });
    }
    let mut buffer = vec![0; 64 << 10];
    let mut input = io::stdin().lock();
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => drop(pass.send(buffer[..length].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Waits until the program has ended, and leaves it to be waited for.
#[cfg(target_os = "linux")]
fn await_end(child: &mut Child) {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let pid = Pid::from_raw(child.id().cast_signed());
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        == Err(nix::errno::Errno::EINTR)
    {}
}

/// Waits until the program has ended.
#[cfg(not(target_os = "linux"))]
fn await_end(child: &mut Child) {
    let _ = child.wait();
}
