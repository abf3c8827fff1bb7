//! What history of transactions is wanted.

use std::fmt;

use polygraph_history::Guarantee;

use super::Anomaly;
use super::script::Script;

/// What transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Workload {
    /// Append to lists, and read them whole.
    Append,
    /// Write registers, and read them.
    Register,
}

impl Workload {
    /// Every workload.
    pub const ALL: [Workload; 2] = [Workload::Append, Workload::Register];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Workload::Append => "append",
            Workload::Register => "register",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the simulated store isolates transactions.
///
/// Of those that fix a version when they commit, the order of all commits is the version order.
/// On lists no transaction commits that read a list after it had appended to it if others
/// appended meanwhile: its reads could not be those of any list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// A transaction happens at one moment while it is open.
    StrictSerializable,
    /// One that only reads may see an earlier state, but none that is older than what its
    /// session saw or did.
    SessionSerializable,
    /// One that only reads may see any earlier state.
    Serializable,
    /// Snapshots show all that is committed when the transaction begins; of two concurrent
    /// transactions that write the same key the one commits that is first.
    StrongSnapshot,
    /// The same by snapshots that may be older, but not than what the session saw or did.
    SessionSnapshot,
    /// The same by snapshots that may be older.
    Snapshot,
    /// Snapshots of one of several replicas, which learn of transactions causes first; of two
    /// transactions that write the same key, the later one has seen the earlier.
    ParallelSnapshot,
    /// Snapshots that are prefixes of the order of commits; updates may get lost.
    Prefix,
    /// Snapshots of one of several replicas, which learn of transactions causes first; of several
    /// writes of a key the one that was committed last wins.
    Causal,
    /// The same, but replicas learn of the transactions of each other one in order only.
    ReadAtomic,
    /// Each read shows what is committed at that moment.
    ReadCommitted,
    /// Writes take place all at once, before the transaction has ended: others may see them, and
    /// it may still see what others do.
    ReadUncommitted,
}

impl Store {
    /// Every store, the strongest first.
    pub const ALL: [Store; 12] = [
        Store::StrictSerializable,
        Store::SessionSerializable,
        Store::Serializable,
        Store::StrongSnapshot,
        Store::SessionSnapshot,
        Store::Snapshot,
        Store::ParallelSnapshot,
        Store::Prefix,
        Store::Causal,
        Store::ReadAtomic,
        Store::ReadCommitted,
        Store::ReadUncommitted,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Store::StrictSerializable => "strict-serializable",
            Store::SessionSerializable => "session-serializable",
            Store::Serializable => "serializable",
            Store::StrongSnapshot => "strong-snapshot",
            Store::SessionSnapshot => "session-snapshot",
            Store::Snapshot => "snapshot",
            Store::ParallelSnapshot => "parallel-snapshot",
            Store::Prefix => "prefix",
            Store::Causal => "causal",
            Store::ReadAtomic => "read-atomic",
            Store::ReadCommitted => "read-committed",
            Store::ReadUncommitted => "read-uncommitted",
        }
    }

    /// What all its histories have.
    #[must_use]
    pub const fn level(self) -> Guarantee {
        match self {
            Store::StrictSerializable => Guarantee::StrictSerializable,
            Store::SessionSerializable => Guarantee::StrongSessionSerializable,
            Store::Serializable => Guarantee::Serializable,
            Store::StrongSnapshot => Guarantee::StrongSnapshotIsolation,
            Store::SessionSnapshot => Guarantee::StrongSessionSnapshotIsolation,
            Store::Snapshot => Guarantee::SnapshotIsolation,
            Store::ParallelSnapshot => Guarantee::ParallelSnapshotIsolation,
            Store::Prefix => Guarantee::PrefixConsistency,
            Store::Causal => Guarantee::TransactionalCausal,
            Store::ReadAtomic => Guarantee::ReadAtomic,
            Store::ReadCommitted => Guarantee::ReadCommitted,
            Store::ReadUncommitted => Guarantee::ReadUncommitted,
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the operations are spread over the keys in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Each key is half as likely as the one before it.
    Exponential,
    /// All are as likely.
    Uniform,
    /// The n-th is an n-th as likely as the first.
    Zipf,
}

impl Spread {
    /// Every spread.
    pub const ALL: [Spread; 3] = [Spread::Exponential, Spread::Uniform, Spread::Zipf];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Spread::Exponential => "exponential",
            Spread::Uniform => "uniform",
            Spread::Zipf => "zipf",
        }
    }
}

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our JSON Lines.
    Polygraph,
    /// Jepsen's maps, one a line, as Elle reads them.
    JepsenEdn,
    /// The same in JSON.
    JepsenJson,
    /// Plume's and AWDIT's text: a line a read or write of a register, with its session and
    /// transaction; 0 was never written. It has neither times nor what did not commit.
    Plume,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [
        Format::Polygraph,
        Format::JepsenEdn,
        Format::JepsenJson,
        Format::Plume,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Polygraph => "polygraph",
            Format::JepsenEdn => "jepsen-edn",
            Format::JepsenJson => "jepsen-json",
            Format::Plume => "plume",
        }
    }
}

/// What history is wanted. The same plan gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What transactions do.
    pub workload: Workload,
    /// How the store isolates them.
    pub store: Store,
    /// How many clients work at the same time, each without a pause.
    pub clients: usize,
    /// How many transactions are invoked in all.
    pub transactions: u64,
    /// How many keys are in use at the same time.
    pub keys: usize,
    /// How likely each of these is.
    pub spread: Spread,
    /// After how many writes a key gives way to a fresh one.
    pub writes_per_key: u64,
    /// How many operations a transaction has: the fewest and the most, each number as likely.
    pub length: (u32, u32),
    /// Of a million operations so many are reads.
    pub read_ppm: u32,
    /// Whether a transaction reads each key before it writes it; such reads come on top of
    /// `length`.
    pub read_first: bool,
    /// Of a million transactions so many fail, besides those that the store has to abort.
    pub fail_ppm: u32,
    /// Of a million transactions so many have an unknown outcome.
    pub crash_ppm: u32,
    /// What is planted, if anything.
    pub anomaly: Option<Anomaly>,
    /// After how many transactions it is planted, in millionths of all.
    pub at_ppm: u32,
    /// From which everything is drawn.
    pub seed: u64,
    /// How it is written.
    pub format: Format,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            workload: Workload::Append,
            store: Store::StrictSerializable,
            clients: 10,
            transactions: 1000,
            keys: 10,
            spread: Spread::Exponential,
            writes_per_key: 32,
            length: (1, 8),
            read_ppm: 500_000,
            read_first: false,
            fail_ppm: 0,
            crash_ppm: 0,
            anomaly: None,
            at_ppm: 500_000,
            seed: 1,
            format: Format::Polygraph,
        }
    }
}

/// Numbers stay exact in every reader of JSON.
const MOST_TRANSACTIONS: u64 = 1 << 40;
/// Everything in use at the same time is in memory.
const MOST_CLIENTS: usize = 100_000;
/// The same.
const MOST_WRITES_HELD: u64 = 100_000_000;
/// What a transaction read and wrote is looked through for each operation.
const LONGEST: u32 = 1000;

impl Plan {
    /// Says what contradicts itself.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn check(&self) -> Result<(), String> {
        if self.clients == 0 || self.keys == 0 || self.transactions == 0 || self.writes_per_key == 0
        {
            return Err(
                "clients, keys, transactions and writes of a key are at least one of each"
                    .to_owned(),
            );
        }
        if self.transactions > MOST_TRANSACTIONS
            || self.clients > MOST_CLIENTS
            || (self.keys as u64).saturating_mul(self.writes_per_key) > MOST_WRITES_HELD
        {
            return Err(format!(
                "that is too much: at most {MOST_TRANSACTIONS} transactions, {MOST_CLIENTS} \
                 clients, and {MOST_WRITES_HELD} keys times writes of each"
            ));
        }
        let (fewest, most) = self.length;
        if fewest == 0 || fewest > most || most > LONGEST {
            return Err(format!(
                "a transaction has at least 1 operation and at most {LONGEST}; write `--length \
                 1-8`"
            ));
        }
        if self.format == Format::Plume {
            self.check_plume()?;
        }
        let Some(anomaly) = self.anomaly else {
            return Ok(());
        };
        let Some(script) = Script::of(anomaly, self.workload) else {
            return Err(format!(
                "a {anomaly} cannot be proven of the workload {}; it can have {}",
                self.workload,
                listed(Anomaly::ALL.iter().filter(|&&it| it.fits(self.workload)))
            ));
        };
        if self.clients < script.clients() {
            return Err(format!(
                "a {anomaly} takes {} clients; take `--clients {0}` or more",
                script.clients()
            ));
        }
        if self.transactions < script.transactions() {
            return Err(format!(
                "a {anomaly} takes {} transactions; take `--txns {0}` or more",
                script.transactions()
            ));
        }
        Ok(())
    }

    /// What the text of Plume cannot say.
    fn check_plume(&self) -> Result<(), String> {
        if self.workload != Workload::Register {
            return Err("the format plume is of registers; take `--workload register`".to_owned());
        }
        if self.crash_ppm > 0 {
            return Err(
                "the format plume has no transactions of unknown outcome; take `--crash-rate 0`"
                    .to_owned(),
            );
        }
        match self.anomaly {
            Some(anomaly) if anomaly.needs_times() || anomaly.needs_failure() => Err(format!(
                "the format plume has neither times nor failed transactions, and so no {anomaly}"
            )),
            _ => Ok(()),
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a Anomaly>) -> String {
    let names: Vec<String> = names.map(ToString::to_string).collect();
    names.join(", ")
}
