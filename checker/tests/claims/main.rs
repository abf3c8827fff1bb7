//! Evidence against locks, semaphores and objects that grow: it is found for all that is wrong, it
//! is small, and no other is accepted.

mod brute;
mod generate;
mod large;
mod small;

/// How many random histories of each kind are tried: `POLYGRAPH_FUZZ` times as many as usual.
fn histories() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    20_000 * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}
