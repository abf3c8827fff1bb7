//! Containers and locks whose elements are distinct, in near-linear time.
//!
//! - `fifo_queue`, `stack`, `priority_queue`, `set`, `mutex`, `fenced_mutex`, `rw_lock`,
//!   `semaphore`: a file for every object, each with two functions. `decide` says whether an
//!   order exists, or that no near-linear way is known; `order` gives one that exists.
//! - `elements`: what happened to each element. `presence`: when a container was certainly not
//!   empty. `placement`: moments for operations whose elements are ranked. `sequence`: an order of
//!   the elements of a queue; `schedule`: of its operations.
//! - `refuted`: what can be wrong. Kinds: `phantom-element`, taken or seen though nobody had begun
//!   to put it in; `duplicate-element`, taken twice, or seen after it was taken; `queue-order`, an
//!   element overtook another; `lost-element`, the same, and the other is gone; `priority-order`,
//!   taken or seen while a greater element was in; `stack-order`, the same with one on top of it;
//!   `empty-while-not-empty`, found empty while an element was certainly in; `mutual-exclusion`,
//!   a lock that two held; `release-without-acquire`, given back by who did not have it;
//!   `token-order`, a fencing token that did not grow; `too-many-holders`, of a semaphore.
//!
//! Of a stack also: `eliminate` ranks its elements with the help of `coverage` and `windows`,
//! `buried` says which cannot be ranked.
//!
//! Of locks: `sections`, who held one between which moments; `permits`, those that anybody gives
//! back.
//!
//! `repeated`: what counting shows of elements that are put in more than once; `bag` has nothing else.
//!
//! Every element has two moments. *Inside*: by then it was in, the first end of all its
//! operations. *Last start*: until then it was in, the last beginning of all its operations, or
//! never, if nobody took it. If the first comes before the second, it certainly was in between.
//!
//! An operation of unknown outcome that put something in happened if anybody saw or took that; if
//! nobody did, it may as well not have happened.

pub(super) mod bag;
mod buried;
mod coverage;
mod elements;
mod eliminate;
pub(super) mod fenced_mutex;
pub(super) mod fifo_queue;
mod moments;
pub(super) mod mutex;
mod pattern;
mod permits;
mod placement;
mod presence;
pub(super) mod priority_queue;
pub(super) mod refuted;
mod repeated;
pub(super) mod rw_lock;
mod schedule;
mod sections;
pub(super) mod semaphore;
mod sequence;
pub(super) mod set;
pub(super) mod stack;
#[cfg(test)]
mod tests;
mod windows;
