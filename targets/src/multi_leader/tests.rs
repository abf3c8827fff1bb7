//! Runs in the simulator.
