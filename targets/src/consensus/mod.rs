//! A replicated state machine by consensus: Raft.
//!
//! All changes go through one log. A leader, of which there is at most one in a *term*, appends
//! them, its followers copy it, and what a majority has on disk is *committed*: no later leader
//! lacks it. Every node applies the committed entries in order to its `machine`.
//!
//! - `raft`: a node, and which part of it answers what; `storage`: what it must not forget.
//! - `election`, `follower`, `leader`: the three roles.
//! - `clients`: who waits for an answer, and what is said when none comes.
//! - `target`, `claims`: what the store tells of itself.
//!
//! # Requests
//!
//! Any node takes requests. One that does not lead passes them on to the leader it follows, once;
//! one that follows nobody holds them for a moment and then refuses. A compare-and-set is decided
//! by the log, so that a mismatch is a certain failure. A transaction is one entry, its reads
//! inside. A single read makes no entry:
//!
//! - `read=quorum` (*read index*, Ongaro's dissertation, section 6.4): the leader notes how far
//!   the log is committed, has a majority confirm *afterwards* that it still follows, and answers
//!   when it has applied so much. Reads that come while others are being confirmed share the next
//!   round. A leader counts nothing as committed before an entry of its own term is.
//! - `read=leader-local`: whoever believes to lead answers at once from what it has applied. One
//!   that was deposed without hearing of it answers from the past.
//!
//! A leader that hears from no majority for the longest election timeout stops leading
//! (*check quorum*) where reads are to be confirmed. With `read=leader-local` it does not:
//! nothing in that mode asks whether it still leads.
//!
//! # Links
//!
//! Messages may be lost, doubled and reordered. All but one kind may be taken twice without harm:
//! a forwarded request is numbered, and a leader takes each number once (`seen`), and only those
//! meant for the very term that it leads, so that a copy that arrives years later finds nobody who
//! could have forgotten the first.
//!
//! There are no snapshots: the log is kept whole, and a node that starts applies it anew.
//!
//! Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", USENIX
//! ATC 2014 (extended version); Ongaro, "Consensus: Bridging Theory and Practice", Stanford 2014.
//!
//! **Invariant:** at most one leader in a term; a committed entry is in the log of every later
//! leader; no two nodes apply different entries at one index. The tests check these after every
//! handler.

mod claims;
mod clients;
mod codec;
mod command;
mod config;
mod election;
mod follower;
mod leader;
mod machine;
mod message;
mod raft;
mod seen;
mod storage;
mod target;
#[cfg(test)]
mod tests;

pub use target::Consensus;
