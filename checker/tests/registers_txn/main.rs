//! Tests of transactions over registers: against the definitions on small random histories, by
//! laws, on named histories, on other people's corpora, and on large histories.

mod brute;
mod build;
mod corpora;
mod fuzz;
mod generate;
mod large;
mod laws;
mod named;
mod plume;
mod schedules;
mod told;
mod versions;
