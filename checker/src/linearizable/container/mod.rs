//! Containers and locks whose elements are distinct, in near-linear time.
//!
//! - `fifo_queue`: a file for every object, each with two functions. `decide` says whether an
//!   order exists, or that no near-linear way is known; `order` gives one that exists.
//! - `elements`: what happened to each element. `presence`: when a container was certainly not
//!   empty. `sequence`: an order of the elements of a queue; `schedule`: of its operations.
//! - `refuted`: what can be wrong. Kinds: `phantom-element`, taken or seen though nobody had begun
//!   to put it in; `duplicate-element`, taken twice, or seen after it was taken; `queue-order`, an
//!   element overtook another; `lost-element`, the same, and the other is gone;
//!   `empty-while-not-empty`, found empty while an element was certainly in.
//!
//! Every element has two moments. *Inside*: by then it was in, the first end of all its
//! operations. *Last start*: until then it was in, the last beginning of all its operations, or
//! never, if nobody took it. If the first comes before the second, it certainly was in between.
//!
//! An operation of unknown outcome that put something in happened if anybody saw or took that; if
//! nobody did, it may as well not have happened.

#![cfg_attr(
    not(test),
    expect(dead_code, reason = "called as soon as keys of these models are")
)]

mod elements;
pub(super) mod fifo_queue;
mod presence;
pub(super) mod refuted;
mod schedule;
mod sequence;
#[cfg(test)]
mod tests;
