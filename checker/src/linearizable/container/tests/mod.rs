//! Every object against a definition that tries all orders, on random small histories.

mod brute;
mod fuzz;
mod generate;
mod large;
