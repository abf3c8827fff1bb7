//! Other people's histories.
