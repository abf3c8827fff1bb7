//! Transcripts: every script in `scripts/` is run and compared with what it says.
//!
//! Commands: `cluster nodes=N setting=value… [bug=NAME]`, `write|add NODE KEY VALUE`,
//! `fill NODE KEY COUNT`, `cas NODE KEY FROM TO`, `read|peek NODE KEY`, `deliver`, `sync NODE`, `fail-sync NODE`,
//! `settle`, `advance SPAN`, `cut A B`, `cut-one-way A B`, `isolate NODE`, `heal`, `kill NODE`,
//! `start NODE`, `wipe NODE`, `status`. Heartbeats and empty fetches are shown with the tag
//! `[all]` only.

use std::error::Error;

use goldenscript::{Argument, Command, Context, Runner};
use polygraph_cluster::Deployment;
use polygraph_history::settings::Settings;
use polygraph_history::{Key, NodeId, Op, Value, parse_duration};

use super::stage::Stage;
use crate::single_leader::config::{KNOBS, validate};

struct Script {
    stage: Option<Stage>,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn deployment(command: &Command) -> Outcome<Deployment> {
    let mut deployment = Deployment {
        nodes: 3,
        settings: Settings::defaults(KNOBS),
        bug: None,
        seed: 1,
    };
    for argument in &command.args {
        let Argument::KeyValue(key, value) = argument else {
            return Err("a cluster has settings only".into());
        };
        match key.as_str() {
            "nodes" => deployment.nodes = value.parse()?,
            "bug" => deployment.bug = Some(value.clone()),
            _ => deployment.settings.set(KNOBS, key, value)?,
        }
    }
    validate(&deployment)?;
    Ok(deployment)
}

fn value(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) => Value::from(number),
        Err(_) if text == "null" => Value::Null,
        Err(_) => Value::from(text),
    }
}

fn operation(name: &str, node: NodeId, args: &[&str]) -> Option<Op> {
    let key = Key::from(*args.first()?);
    match (name, &args[1..]) {
        ("write", [text]) => Some(Op::Write {
            key,
            value: value(text),
        }),
        ("add", [text]) => Some(Op::Add {
            key,
            value: value(text),
        }),
        ("remove", [text]) => Some(Op::Remove {
            key,
            value: value(text),
        }),
        ("cas", [from, to]) => Some(Op::Cas {
            key,
            from: value(from),
            to: value(to),
        }),
        ("read", []) => Some(Op::Read { key, value: None }),
        ("peek", []) => Some(Op::Peek {
            key,
            node,
            value: None,
        }),
        _ => None,
    }
}

impl Script {
    fn act(&mut self, command: &Command) -> Outcome<()> {
        let name = command.name.as_str();
        if name == "cluster" {
            self.stage = Some(Stage::new(&deployment(command)?));
            return Ok(());
        }
        let stage = self.stage.as_mut().ok_or("begin with cluster")?;
        let word = |argument: &Argument| argument.to_string();
        let words: Vec<String> = command.args.iter().map(word).collect();
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        match (name, args.as_slice()) {
            ("deliver", []) => {
                stage.deliver();
            }
            ("settle", []) => stage.settle(),
            ("advance", [span]) => stage.advance(parse_duration(span)?),
            ("heal", []) => stage.heal(),
            ("status", []) => stage.status(),
            ("sync", [node]) => {
                stage.sync(node.parse()?, true);
            }
            ("fail-sync", [node]) => {
                stage.sync(node.parse()?, false);
            }
            ("kill", [node]) => stage.kill(node.parse()?),
            ("start", [node]) => stage.start(node.parse()?),
            ("wipe", [node]) => stage.wipe(node.parse()?),
            ("cut", [a, b]) => stage.cut(a.parse()?, b.parse()?),
            ("cut-one-way", [a, b]) => stage.cut_one_way(a.parse()?, b.parse()?),
            ("fill", [node, key, count]) => {
                let node = node.parse()?;
                for number in 1..=count.parse::<i64>()? {
                    let (key, value) = (Key::from(*key), Value::from(number));
                    stage.request(node, &Op::Add { key, value });
                }
            }
            ("isolate", [node]) => {
                let node: NodeId = node.parse()?;
                for other in stage.nodes().to_vec() {
                    stage.cut(node, other);
                }
            }
            (_, [node, rest @ ..]) => {
                let node = node.parse()?;
                let op = operation(name, node, rest).ok_or("no such command")?;
                stage.request(node, &op);
            }
            _ => return Err("no such command".into()),
        }
        Ok(())
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, context: &Context) -> Outcome<String> {
        if let Some(stage) = &mut self.stage {
            stage.everything = context.tags.contains("all");
        }
        self.act(command)?;
        let stage = self.stage.as_mut().ok_or("begin with cluster")?;
        Ok(stage.take_transcript())
    }
}

fn run(name: &str) {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/single_leader/tests/scripts/"
    );
    let mut script = Script { stage: None };
    goldenscript::run(&mut script, format!("{folder}{name}")).expect("the script runs");
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        /// Every script of the folder is run.
        #[test]
        fn no_script_is_forgotten() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/single_leader/tests/scripts");
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .expect("the scripts are there")
                .map(|entry| entry.expect("readable").file_name().into_string().expect("a name"))
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
        }
    };
}

scripts! {
    ack_before_fsync
    async_replication
    catch_up
    disk_failure
    failover
    refusals
    rejoin
    rival_promotions
    semi_sync_replication
    skip_truncation
    split_brain
    sync_replication
    wiped_leader
}
