//! The simulator against what it says of itself, by nodes made for the purpose.

mod clocks;
mod crashes;
mod links;
mod overlaps;
mod puppet;
