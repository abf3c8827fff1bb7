//! Clusters of real processes. The test program is its own node: see `node_process`.

#![allow(missing_docs, reason = "tests are their own documentation")]

mod cleanup;
mod conformance;
mod echo;
mod links;
mod processes;
mod speed;

#[test]
#[ignore = "started by other tests, as a process of its own"]
fn node_process() {
    if let Ok(kind) = std::env::var(echo::NODE) {
        echo::serve(&kind);
    }
}
