//! Transcripts: a cluster in which nothing happens but what a script says, and what comes of it.
//!
//! Messages wait on their links until they are delivered, syncs until they are completed, timers
//! until they are fired. The scripts are in `scripts/`; `UPDATE_GOLDENFILES=1` writes them anew.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use goldenscript::Command;
use polygraph_history::{Key, Micro, NodeId, Op};

use super::stage::Stage;

/// What a script may say.
#[derive(Command)]
enum Line {
    /// Deploys so many nodes and starts them.
    Cluster {
        nodes: usize,
        #[arg(key, optional)]
        read: String,
        #[arg(key, optional)]
        bug: String,
    },
    /// A node has heard no leader for too long.
    Timeout(NodeId),
    /// A leader's heartbeat is due.
    Heartbeat(NodeId),
    /// A node looks for requests that have waited too long.
    Patience(NodeId),
    /// Time passes, milliseconds.
    Pass(u64),
    /// Delivers what is under way now, or only what matches, and what comes of it stays.
    Deliver {
        #[arg(key)]
        from: Option<NodeId>,
        #[arg(key)]
        to: Option<NodeId>,
    },
    /// Doubles what is under way over a link.
    Double(NodeId, NodeId),
    /// Loses what is under way, or only what matches.
    Lose {
        #[arg(key)]
        from: Option<NodeId>,
        #[arg(key)]
        to: Option<NodeId>,
    },
    /// Completes a node's sync.
    Sync(NodeId),
    /// The sync of a node fails.
    SyncFails(NodeId),
    /// Delivers and syncs until nothing is under way, without a word.
    Settle,
    /// The same, with every word.
    Play,
    /// Cuts a node off.
    Cut(NodeId),
    /// Nobody is cut off any longer.
    Heal,
    /// A node dies; what it had not synced is gone.
    Crash(NodeId),
    /// It starts again.
    Start(NodeId),
    /// All nodes, and their logs.
    Show,
    /// Requests.
    Write(NodeId, String, i64),
    Read(NodeId, String),
    Cas(NodeId, String, i64, i64),
    Add(NodeId, String, i64),
    Append(NodeId, String, i64),
    Peek(NodeId, String),
}

#[derive(Default)]
struct Runner {
    stage: Stage,
}

impl goldenscript::Runner for Runner {
    type Command = Line;

    fn run(&mut self, line: &Line, _: &goldenscript::Context) -> Result<String, Box<dyn Error>> {
        let stage = &mut self.stage;
        match line {
            Line::Cluster { nodes, read, bug } => {
                let read = if read.is_empty() { "quorum" } else { read };
                let bug = (!bug.is_empty()).then_some(bug.as_str());
                *stage = Stage::new(*nodes, read, bug);
            }
            Line::Timeout(node) => stage.fire(*node, super::super::raft::ELECTION)?,
            Line::Heartbeat(node) => stage.fire(*node, super::super::raft::HEARTBEAT)?,
            Line::Patience(node) => stage.fire(*node, super::super::raft::REQUESTS)?,
            Line::Pass(millis) => stage.pass(Duration::from_millis(*millis)),
            Line::Deliver { from, to } => stage.deliver(*from, *to),
            Line::Double(from, to) => stage.double(*from, *to),
            Line::Lose { from, to } => stage.lose(*from, *to),
            Line::Sync(node) => stage.sync(*node, true)?,
            Line::SyncFails(node) => stage.sync(*node, false)?,
            Line::Settle => {
                let before = stage.out.len();
                stage.settle();
                stage.out.truncate(before);
            }
            Line::Play => stage.settle(),
            Line::Cut(node) => stage.cut(*node),
            Line::Heal => stage.heal(),
            Line::Crash(node) => stage.crash(*node),
            Line::Start(node) => stage.start(*node),
            Line::Show => stage.show(),
            Line::Write(node, key, value) => {
                let (key, value) = (key.as_str().into(), (*value).into());
                stage.request(*node, Op::Write { key, value });
            }
            Line::Read(node, key) => {
                let key = key.as_str().into();
                stage.request(*node, Op::Read { key, value: None });
            }
            Line::Cas(node, key, from, to) => {
                let (from, to) = ((*from).into(), (*to).into());
                let key = key.as_str().into();
                stage.request(*node, Op::Cas { key, from, to });
            }
            Line::Add(node, key, value) => {
                let (key, value) = (key.as_str().into(), (*value).into());
                stage.request(*node, Op::Add { key, value });
            }
            Line::Append(node, key, value) => {
                let key = Key::from(key.as_str());
                let append = Micro::Append {
                    key: key.clone(),
                    value: (*value).into(),
                };
                let read = Micro::Read { key, value: None };
                stage.request(*node, Op::Txn(vec![append, read]));
            }
            Line::Peek(node, key) => {
                let (key, at) = (key.as_str().into(), *node);
                let peek = Op::Peek {
                    key,
                    node: at,
                    value: None,
                };
                stage.request(at, peek);
            }
        }
        let mut output = String::new();
        for said in stage.out.drain(..) {
            writeln!(output, "{said}")?;
        }
        Ok(output)
    }
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() -> std::io::Result<()> {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/consensus/scripts/");
            goldenscript::run(&mut Runner::default(), format!("{folder}{}", stringify!($name)))
        })*
    };
}

transcripts! {
    election
    election_contested
    pre_vote_protects_the_leader
    replication
    divergent_tail_is_truncated
    restart_recovers_vote_and_log
    requests
    forwards_are_taken_once
    read_index_under_partition
    local_reads_go_stale
    check_quorum
    sync_failure
    bug_commit_before_quorum
    bug_count_old_term_entries
    bug_forget_vote
    bug_ack_before_fsync
    bug_stale_leader_reads
    bug_read_index_reused
    bug_apply_uncommitted
}
