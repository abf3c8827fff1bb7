//! What is shown: the folder of a run, its verdict as data, and the table.
//!
//! - [`Report`], [`GuaranteeReport`]: a verdict as data: `verdict.json` and `--json`.
//! - [`test_table`], [`check_table`]: the same for a person. [`MeasuredReport`], [`measurements`]:
//!   what was counted and timed besides.
//! - [`write_witness`], [`write_schedule`], [`write_certificates`],
//!   [`write_violations`], [`read_proof`]: proofs as files.
//! - [`diagram`]: operations and faults on one axis of time; [`Picture`]: those of a piece of
//!   evidence; [`pictures`]: those of a report.
//! - [`Cycle`]: transactions of which each came before the next; in a terminal, as SVG, as DOT.
//! - [`Levels`]: which levels of isolation a history rules out, drawn as a [`lattice`].
//! - [`page`]: a run, a check or a campaign as one HTML file; [`serve`]: a folder of them.
//! - [`Folder`]: what a run leaves behind.
//! - [`compare`](fn@compare): two verdicts side by side.
//! - [`Stored`]: a verdict read back; [`campaign`]: those of many tests.
//! - [`Suite`]: what the formats of continuous integration are made of; [`format`](mod@format): the
//!   formats, one file each.

pub mod campaign;
mod compare;
mod cycle;
pub mod diagram;
mod folder;
pub mod format;
mod latency;
pub mod lattice;
mod levels;
mod measured;
pub mod page;
mod picture;
mod proof;
mod report;
pub mod serve;
mod stored;
mod suite;
mod table;

pub use compare::{Change, Comparison, Difference, compare};
pub use cycle::Cycle;
pub use folder::Folder;
pub use latency::Latency;
pub use levels::Levels;
pub use measured::{MeasuredReport, Row};
pub use picture::Picture;
pub use proof::{
    ProofFile, read_proof, write_certificates, write_schedule, write_violations, write_witness,
};
pub use report::{
    AnomalyReport, Counts, ErrorBody, ErrorReport, FaultCounts, GuaranteeReport, LintExample,
    LintReport, Observed, Outcome, Report,
};
pub use stored::{Stored, StoredAnomaly, StoredGuarantee, VERSION};
pub use suite::{Case, Evidence, Status, Suite};
pub use table::{check_table, measurements, pictures, test_table};
