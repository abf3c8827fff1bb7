//! Every object against a definition that tries all orders, on random small histories.

mod brute;
mod containers;
mod generate;
mod large;
mod locks;
mod sets;
mod subject;
