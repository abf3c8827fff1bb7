//! Tests of `polygraph_checker::isolation`: against brute force on small random histories, by
//! properties, on named histories, and on other people's corpora.

mod brute;
mod build;
mod corpus;
mod edn;
mod fuzz;
mod generate;
mod large;
mod named;
mod scale;
