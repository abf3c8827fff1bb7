//! Ctrl-C: the first one heals, drains and checks what there is; the second heals and leaves.

use std::sync::atomic::{AtomicU8, Ordering};

/// How often the user has asked to stop.
pub(super) static INTERRUPT: AtomicU8 = AtomicU8::new(0);

/// Counts interruptions from now on.
pub(super) fn listen() {
    // Without a handler Ctrl-C just ends the program, which is no worse than before.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPT.fetch_add(1, Ordering::Relaxed) >= 2 {
            std::process::exit(i32::from(crate::judge::exit::INTERRUPTED));
        }
    });
}
