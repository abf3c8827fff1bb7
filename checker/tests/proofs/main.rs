//! Proofs of both answers: those that stand are confirmed, and no other ones are.

mod brute;
mod certificates;
mod large;
mod random;
mod repeated;
mod said;
mod since;
mod things;
mod witnesses;

/// How many random histories of each kind are tried: `POLYGRAPH_FUZZ` times as many as usual.
fn histories() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    20_000 * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}
