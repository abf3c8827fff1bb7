//! What nodes say to each other. Links may lose, double and reorder all of it.

use std::sync::Arc;

use polygraph_cluster::RequestId;
use serde::{Deserialize, Serialize};

use super::command::{Answer, Ask, Command};

/// A place in the log: the index of an entry, counted from 1, and its term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Which entry; 0 before the first.
    pub(super) index: u64,
    /// In which term a leader made it.
    pub(super) term: u64,
}

impl Position {
    /// Whether a log that ends here holds at least what one that ends there does, as far as
    /// committed entries go (Raft, section 5.4.1).
    pub(super) fn covers(self, other: Position) -> bool {
        (self.term, self.index) >= (other.term, other.index)
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The term of the leader that made it.
    pub(super) term: u64,
    /// What it does.
    pub(super) command: Arc<Command>,
}

/// What one node tells another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// Would you vote for me in this term? Nothing comes of it but the answer.
    PreVote {
        /// The term that is proposed, which nobody has begun yet.
        term: u64,
        /// Where the log ends.
        last: Position,
    },
    /// The answer to that.
    PreVoted {
        /// The term that was proposed.
        term: u64,
        /// The term of the node that answers.
        current: u64,
        /// Whether it would.
        granted: bool,
    },
    /// Vote for me.
    Vote {
        /// In this term.
        term: u64,
        /// Where the log ends.
        last: Position,
    },
    /// A vote, which is on disk; or, without it, the later term that the candidate has missed.
    Voted {
        /// The term.
        term: u64,
        /// Whether it is a vote.
        granted: bool,
    },
    /// I lead; here is the log from some place on, or nothing but my heartbeat.
    Append {
        /// The leader's term.
        term: u64,
        /// After this entry.
        prev: Position,
        /// These.
        entries: Arc<[Entry]>,
        /// Everything up to here is committed.
        commit: u64,
        /// The leader's latest round of confirmation for reads.
        round: u64,
    },
    /// The follower's log is the leader's up to here, on disk.
    Appended {
        /// The leader's term.
        term: u64,
        /// The index up to which.
        matched: u64,
        /// The latest round that was heard.
        round: u64,
    },
    /// The follower's log is another at `prev`, or the leader's term is over.
    Refused {
        /// The follower's term.
        term: u64,
        /// What it was asked to append after.
        prev: u64,
        /// Where its log may be the same.
        hint: u64,
    },
    /// A client asks for something that only the leader can do.
    Forward {
        /// The term whose leader is meant. Nobody else takes it, nor does that leader in a later
        /// term: it no longer knows which requests it has taken.
        term: u64,
        /// The life of the node that forwards, drawn at its start.
        life: u64,
        /// How many it has forwarded in this life: each number is taken once.
        number: u64,
        /// Which request.
        request: RequestId,
        /// What.
        ask: Ask,
    },
    /// What became of forwarded requests.
    Answers(Vec<(RequestId, Answer)>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::command::Step;

    /// Worlds with real processes carry messages as bytes, in a format that describes itself or
    /// in one that does not.
    #[test]
    fn messages_survive_their_bytes() {
        let txn = vec![Step::Read("x".into()), Step::Append("x".into(), 1.into())];
        let change = Arc::new(Command::Txn(txn));
        let last = Position { index: 3, term: 2 };
        let value = polygraph_history::Value::list([1.into(), "a".into()]);
        let messages = [
            Message::PreVote { term: 1, last },
            Message::PreVoted {
                term: 1,
                current: 0,
                granted: true,
            },
            Message::Vote { term: 1, last },
            Message::Voted {
                term: 1,
                granted: false,
            },
            Message::Append {
                term: 1,
                prev: last,
                entries: Arc::new([Entry {
                    term: 1,
                    command: Arc::clone(&change),
                }]),
                commit: 2,
                round: 3,
            },
            Message::Appended {
                term: 1,
                matched: 2,
                round: 3,
            },
            Message::Refused {
                term: 1,
                prev: 2,
                hint: 3,
            },
            Message::Forward {
                term: 1,
                life: u64::MAX,
                number: 3,
                request: RequestId(4),
                ask: Ask::Change(change),
            },
            Message::Answers(vec![
                (RequestId(1), Answer::Done { version: 1 }),
                (
                    RequestId(2),
                    Answer::Found {
                        value: value.clone(),
                        version: 0,
                    },
                ),
                (RequestId(3), Answer::AllFound(vec![value])),
                (RequestId(4), Answer::Mismatch),
            ]),
        ];
        for message in messages {
            let json = serde_json::to_string(&message).unwrap();
            let read: Message = serde_json::from_str(&json).unwrap();
            assert_eq!(format!("{read:?}"), format!("{message:?}"));
            let bytes = postcard::to_stdvec(&message).unwrap();
            let read: Message = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(format!("{read:?}"), format!("{message:?}"));
        }
    }
}
