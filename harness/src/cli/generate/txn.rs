//! `polygraph generate txn`: histories of transactions.

use std::path::PathBuf;

use clap::Args;
use polygraph_workloads::synthetic::txn::{
    Anomaly, Format, Plan, Planted, Spread, Store, Summary, Workload, write,
};
use serde::Serialize;

use super::{json, make, named, ratio, to_stdout};
use crate::cli::failure::Failure;
use crate::judge::exit;

/// Transactions on a store that isolates them as it says, or with one anomaly.
#[derive(Debug, Args)]
pub(super) struct Txn {
    /// What transactions do: append to lists, or write registers
    #[arg(long, default_value = "append", value_name = "NAME", value_parser = workload)]
    workload: Workload,
    /// How the store isolates them
    #[arg(long, default_value = "strict-serializable", value_name = "NAME", value_parser = store)]
    store: Store,
    /// What is planted
    #[arg(long, default_value = "none", value_name = "none|NAME", value_parser = anomaly)]
    anomaly: Wanted,
    /// After which share of the transactions it is planted
    #[arg(long, default_value = "50%", value_name = "RATIO", value_parser = ratio)]
    at: u32,
    /// Clients that work at the same time, without a pause
    #[arg(long, default_value_t = 10, value_name = "N")]
    clients: usize,
    /// Transactions in all
    #[arg(long, default_value_t = 1000, value_name = "N")]
    txns: u64,
    /// Keys in use at the same time
    #[arg(long, default_value_t = 10, value_name = "N")]
    keys: usize,
    /// How the operations are spread over these keys
    #[arg(long, default_value = "exponential", value_name = "NAME", value_parser = spread)]
    distribution: Spread,
    /// Writes after which a key gives way to a fresh one
    #[arg(long, default_value_t = 32, value_name = "N")]
    writes_per_key: u64,
    /// How many operations a transaction has
    #[arg(long, default_value = "1-8", value_name = "MIN-MAX", value_parser = length)]
    length: (u32, u32),
    /// The share of operations that are reads
    #[arg(long, default_value = "50%", value_name = "RATIO", value_parser = ratio)]
    read_ratio: u32,
    /// Read each key before it is written, with reads on top of the length
    #[arg(long)]
    rmw: bool,
    /// The share of transactions that fail, besides those that the store has to abort
    #[arg(long, default_value = "0", value_name = "RATIO", value_parser = ratio)]
    fail_rate: u32,
    /// The share of transactions whose outcome nobody learns
    #[arg(long, default_value = "0", value_name = "RATIO", value_parser = ratio)]
    crash_rate: u32,
    /// From which everything is drawn
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How it is written
    #[arg(long, default_value = "polygraph", value_name = "NAME", value_parser = format)]
    format: Format,
    /// The file [default: the standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print what was made as one line of JSON
    #[arg(long, requires = "output")]
    json: bool,
}

/// An anomaly, or none.
#[derive(Clone, Copy, Debug)]
struct Wanted(Option<Anomaly>);

impl Txn {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let plan = self.plan();
        plan.check().map_err(Failure::usage)?;
        let Some(path) = &self.output else {
            return to_stdout(|out| write(&plan, out));
        };
        let summary = make(path, |file| write(&plan, file))?;
        let name = path.display().to_string();
        let made = Made::of(&plan, &summary, &name);
        let text = if self.json {
            json(&made)
        } else {
            made.sentence()
        };
        crate::cli::print(&text);
        Ok(exit::OK)
    }

    fn plan(&self) -> Plan {
        Plan {
            workload: self.workload,
            store: self.store,
            clients: self.clients,
            transactions: self.txns,
            keys: self.keys,
            spread: self.distribution,
            writes_per_key: self.writes_per_key,
            length: self.length,
            read_ppm: self.read_ratio,
            read_first: self.rmw,
            fail_ppm: self.fail_rate,
            crash_ppm: self.crash_rate,
            anomaly: self.anomaly.0,
            at_ppm: self.at,
            seed: self.seed,
            format: self.format,
        }
    }
}

/// What was made, as data.
#[derive(Serialize)]
struct Made<'a> {
    polygraph: u32,
    command: &'static str,
    file: &'a str,
    format: &'static str,
    workload: &'static str,
    store: &'static str,
    transactions: u64,
    failed: u64,
    indeterminate: u64,
    events: u64,
    bytes: u64,
    /// The verdict by construction.
    verdict: &'static str,
    /// What it is about: the level that the store has, or the weakest ones that the anomaly
    /// violates.
    guarantees: Vec<&'static str>,
    anomaly: Option<MadeWrong<'a>>,
}

#[derive(Serialize)]
struct MadeWrong<'a> {
    kind: &'static str,
    /// The indices of the invocations.
    operations: &'a [u64],
    keys: &'a [String],
}

impl<'a> Made<'a> {
    fn of(plan: &Plan, summary: &'a Summary, file: &'a str) -> Made<'a> {
        let wrong = plan.anomaly.zip(summary.planted.as_ref());
        let level = [plan.store.level()];
        let guarantees = wrong.map_or(&level[..], |(anomaly, _)| anomaly.violates());
        Made {
            polygraph: 1,
            command: "generate",
            file,
            format: plan.format.name(),
            workload: plan.workload.name(),
            store: plan.store.name(),
            transactions: summary.transactions,
            failed: summary.failed,
            indeterminate: summary.indeterminate,
            events: summary.events,
            bytes: summary.bytes,
            verdict: if wrong.is_some() { "violated" } else { "holds" },
            guarantees: guarantees.iter().map(|level| level.name()).collect(),
            anomaly: wrong.map(|(anomaly, Planted { operations, keys })| MadeWrong {
                kind: anomaly.name(),
                operations,
                keys,
            }),
        }
    }

    fn sentence(&self) -> String {
        let levels = self.guarantees.join(", ");
        let verdict = match &self.anomaly {
            None => levels,
            Some(MadeWrong {
                kind,
                operations,
                keys,
            }) => {
                let events: Vec<String> = operations.iter().map(u64::to_string).collect();
                format!(
                    "{kind} on {} by the transactions of the events {}; so not {levels}, nor \
                     anything stronger",
                    keys.join(", "),
                    events.join(", "),
                )
            }
        };
        format!(
            "{}: {} transactions, {} failed, {} indeterminate, {} bytes; by construction {verdict}\n",
            self.file, self.transactions, self.failed, self.indeterminate, self.bytes
        )
    }
}

fn workload(text: &str) -> Result<Workload, String> {
    named(&Workload::ALL, Workload::name, text)
}

fn store(text: &str) -> Result<Store, String> {
    named(&Store::ALL, Store::name, text)
}

fn spread(text: &str) -> Result<Spread, String> {
    named(&Spread::ALL, Spread::name, text)
}

fn format(text: &str) -> Result<Format, String> {
    named(&Format::ALL, Format::name, text)
}

fn anomaly(text: &str) -> Result<Wanted, String> {
    if text == "none" {
        return Ok(Wanted(None));
    }
    named(Anomaly::ALL, Anomaly::name, text)
        .map(|anomaly| Wanted(Some(anomaly)))
        .map_err(|there_are| format!("{there_are}, none"))
}

/// `3`, or `1-8`.
fn length(text: &str) -> Result<(u32, u32), String> {
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    match (fewest.trim().parse(), most.trim().parse()) {
        (Ok(fewest), Ok(most)) => Ok((fewest, most)),
        _ => Err("write the fewest and the most, such as 1-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        assert_eq!(length("1-8"), Ok((1, 8)));
        assert_eq!(length("4"), Ok((4, 4)));
        for wrong in ["", "-", "1-", "a-b", "-1-2"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
