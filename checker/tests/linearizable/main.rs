//! Linearizability: against the definition, against the corpora, and by example.

mod brute;
mod budgets;
mod build;
mod cases;
mod corpora;
mod fuzz;
mod laws;
mod online;
mod random;
