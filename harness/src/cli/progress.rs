//! A line on stderr that says how far a run or a check is, and for how long it has been at it; none
//! when stderr is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interpreter::Progress;

/// The line.
pub(super) struct Line {
    bar: ProgressBar,
}

impl Line {
    pub(super) fn new(quiet: bool) -> Line {
        // Hidden by itself where stderr is not a terminal.
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{spinner} {msg} · {elapsed}")
            .expect("a template of ours");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Line { bar }
    }

    pub(super) fn show(&self, progress: Progress) {
        self.bar.set_message(format!(
            "{} · {} · {} operations",
            progress.phase, progress.time, progress.completed
        ));
    }

    /// Says something that stays, above the line; where there is no line, too.
    pub(super) fn above(&self, what: &str) {
        match self.bar.is_hidden() {
            true => eprintln!("{what}"),
            false => self.bar.println(what),
        }
    }

    pub(super) fn say(&self, what: String) {
        self.bar.set_message(what);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
