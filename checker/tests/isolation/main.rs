//! Tests of `polygraph_checker::isolation`: against brute force on small random histories, by
//! properties, on named histories, and on other people's corpora.

mod brute;
mod build;
mod corpus;
mod definitions;
mod edn;
mod fuzz;
mod generate;
mod large;
mod levels;
mod named;
mod predicates;
mod scale;
