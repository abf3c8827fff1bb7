//! `polygraph check --follow`: reads a history while it is being written.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use polygraph_checker::Options;
use polygraph_checker::linearizable::Online;
use polygraph_history::History;
use polygraph_history::jsonl::Follower;

use super::failure::Failure;
use super::signals::{self, INTERRUPT};

/// How often the file is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Reads a file until what it says is proved not to be linearizable, until nothing came for so
/// long, or until the user interrupts; gives what was read.
pub(super) fn follow(path: &Path, idle: Option<Duration>) -> Result<History, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!("{}: it cannot be read: {error}", path.display()))
    })?;
    signals::listen();
    let mut follower = Follower::new(BufReader::new(file));
    let mut online = Online::new(&Options::default());
    let mut last = Instant::now();
    loop {
        let event = follower
            .next_event()
            .map_err(|error| Failure::unreadable(path, error))?;
        let Some(event) = event else {
            let waited = last.elapsed();
            if INTERRUPT.load(Ordering::Relaxed) > 0 || idle.is_some_and(|idle| waited >= idle) {
                break;
            }
            std::thread::sleep(GLANCE);
            continue;
        };
        last = Instant::now();
        if let Some(violation) = online.push(&event) {
            eprintln!(
                "polygraph: not linearizable, by event {}: key {}",
                violation.event, violation.key
            );
            break;
        }
    }
    follower
        .finish()
        .map_err(|error| Failure::unreadable(path, error))
}
