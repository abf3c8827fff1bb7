//! How fast histories are read: a million events in each of three formats, made in memory.
//!
//! `cargo run --release -p polygraph-history --example read_speed [EVENTS]`

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use polygraph_history::{
    Body, Event, Key, Kind, Op, Process, ReadOptions, Time, Value, jsonl, read,
};

fn main() -> Result<(), Box<dyn Error>> {
    let events: u64 = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 1_000_000,
    };
    measure("polygraph", &jsonl_text(events)?)?;
    measure("jepsen-edn", edn_text(events, false)?.as_bytes())?;
    measure(
        "jepsen-edn, transactions",
        edn_text(events, true)?.as_bytes(),
    )?;
    Ok(())
}

fn measure(what: &str, text: &[u8]) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let reading = read(text, ReadOptions::default())?;
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes = text.len() as f64 / 1e6;
    println!(
        "{what}: {} events, {megabytes:.0} MB in {seconds:.2} s, {:.0} MB/s",
        reading.history.events().len(),
        megabytes / seconds,
    );
    Ok(())
}

/// Ten clients take turns; each even event invokes what the odd one behind it completes.
fn jsonl_text(events: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = jsonl::Writer::new(Vec::new(), None)?;
    for index in 0..events {
        let operation = index / 2;
        let key = Key::from(format!("k{}", operation % 100).as_str());
        let (kind, value) = match index % 2 {
            0 => (Kind::Invoke, None),
            _ => (Kind::Ok, Some(Value::Int(operation as i64 - 1))),
        };
        let op = match operation % 2 {
            0 => Op::Read { key, value },
            _ => Op::Write {
                key,
                value: Value::Int(operation as i64),
            },
        };
        let process = Process::Client(operation % 10);
        let time = Time(index * 1000);
        writer.write(&Event::new(index, time, process, kind, Body::Op(op)))?;
    }
    Ok(writer.finish()?)
}

fn edn_text(events: u64, transactions: bool) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for index in 0..events {
        let operation = index / 2;
        let kind = if index % 2 == 0 { "invoke" } else { "ok" };
        let (f, value) = match (transactions, index % 2) {
            (true, 0) => {
                let value = format!("[[:r {} nil] [:append 7 {operation}]]", operation % 100);
                ("txn", value)
            }
            (true, _) => {
                let value = format!("[[:r {} [1 2 3]] [:append 7 {operation}]]", operation % 100);
                ("txn", value)
            }
            (false, _) => ("write", operation.to_string()),
        };
        let process = operation % 10;
        writeln!(
            text,
            "{{:index {index}, :time {index}000, :type :{kind}, :process {process}, :f :{f}, :value {value}}}",
        )?;
    }
    Ok(text)
}
