//! One line of JSON.

use crate::Suite;

/// The suite as one line of JSON.
#[must_use]
pub fn json(suite: &Suite) -> String {
    serde_json::to_string(suite).expect("suites are JSON") + "\n"
}
