//! Weak levels of isolation over registers, decided without any order of versions.
//!
//! - [`check`], [`Level`], [`Axiom`]: the question and its answer.
//! - [`Proof`], [`Evidence`], [`Kind`], [`confirm()`]: why, and the second look at it.
//!
//! Biswas and Enea (*On the complexity of checking transactional consistency*, OOPSLA 2019) state
//! each level as an axiom: if `T3` reads a register from `T1`, and has seen `T2`, which wrote that
//! register too, then `T2` was committed before `T1`. Levels differ in what *seen* means, and a
//! history keeps one if all that must come before something else, with what was read from whom,
//! has no cycle. Møldrup and Pavlogiannis (*AWDIT*, PLDI 2025) find enough of these pairs in time
//! O(n^1.5) for [`Axiom::MonotonicAtomicView`] and [`Axiom::ReadAtomic`], and O(n·k) for
//! [`Axiom::Causal`] over k sessions. The initial state counts as a transaction before all.
//!
//! **Sessions.** In both papers the order of commits extends that of each session, on every level.
//! Here only [`Level::CAUSAL`] has it by itself, where causality is meaningless without it. The
//! other levels of the lattice are those of Adya and of Bailis et al., which know no sessions: were
//! they to keep them, a serializable history could violate read committed, since its serial order
//! need not keep sessions. [`Level::in_sessions`] asks for the stronger form.
//!
//! **Names.** What both papers call *read committed* lets no transaction see older effects of a
//! transaction than it has already seen, which is *monotonic atomic view* (Bailis et al.,
//! *Highly available transactions*, VLDB 2013). *Read committed* is Adya's PL-2, which forbids
//! less: reads of what was aborted or intermediate, and information that flows in a circle.
//! Without an order of versions that is all of G1, since any order of commits that follows who
//! read from whom gives an order of versions without a cycle.
//!
//! **Complete:** a history that is not violated has an order of commits that keeps the level,
//! unless several transactions wrote a value that was read: then it is *unknown*.

mod axioms;
mod causal;
mod clocks;
mod confirm;
mod cycles;
mod explain;
mod order;
mod proof;
mod verdict;

pub use confirm::confirm;
pub(super) use confirm::confirm_steps;
pub(super) use cycles::Witness;
pub(super) use explain::{told, words};
pub use proof::{At, Because, Evidence, Kind, Link, Overlooked, Proof, Step};
pub(super) use verdict::check_view;
pub use verdict::{Axiom, Level, check};
