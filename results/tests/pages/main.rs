//! The pages of runs and campaigns: as texts, and in a browser.

mod browser;
mod folders;
mod text;
