//! Serializability, snapshot isolation and prefix consistency of registers without version order.

mod brute;
mod corpus;
mod fuzz;
mod generate;
mod histories;
mod large;
mod plume;
mod sweep;

/// How many random problems of each kind are tried: `POLYGRAPH_FUZZ` times as many as usual.
fn often(usual: u64) -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    usual * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}
