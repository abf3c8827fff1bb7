//! The numbers that a run uses unless told otherwise, in one place; `explain` prints them.

use std::time::Duration;

/// Nodes of a cluster.
pub const NODES: usize = 5;
/// Clients, homed on the nodes in turn.
pub const CLIENTS: usize = 10;
/// Operations a second, of all clients together.
pub const RATE: u64 = 200;
/// How long the workload phase lasts in the simulator, of virtual time.
pub const TIME_SIM: Duration = Duration::from_secs(60);
/// How long it lasts in worlds with real processes.
pub const TIME_REAL: Duration = Duration::from_secs(15);
/// The seed.
pub const SEED: u64 = 1;
/// The fault family.
pub const NEMESIS: &str = "partition";
/// The workload.
pub const WORKLOAD: &str = "register";
/// How long a client waits for an answer; then the operation is indeterminate.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an operation that is due waits for its busy client; then it is not issued.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long a cluster may take to answer everywhere after everything was healed.
pub const RECOVERY_DEADLINE: Duration = polygraph_checker::RECOVERY_DEADLINE;
/// How long replicas may take to become alike after writes have stopped.
pub const CONVERGENCE_DEADLINE: Duration = Duration::from_secs(10);
/// How often a node that does not answer yet is asked again.
pub const PROBE_EVERY: Duration = Duration::from_millis(100);
/// How long a fault may take to be seen.
pub const VERIFY_WITHIN: Duration = Duration::from_secs(1);
/// How often it is looked for until then.
pub const VERIFY_EVERY: Duration = Duration::from_millis(50);
