//! Guarantees of replicas, nodes, time and coordination: each against its definition on small
//! random histories, by hand where the numbers are known, and the smallest violations.

#[path = "../session_support/mod.rs"]
mod session_support;

mod availability;
mod build;
mod coordination;
mod copies;
mod staleness;
