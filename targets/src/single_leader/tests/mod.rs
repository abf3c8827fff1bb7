//! Tests: transcripts of the protocol, and many runs in the simulator.

mod checks;
mod fuzz;
mod script;
mod stage;
