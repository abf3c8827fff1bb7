//! What is shown: the folder of a run, its verdict as data, and the table.
//!
//! - [`Report`], [`GuaranteeReport`]: a verdict as data: `verdict.json` and `--json`.
//! - [`test_table`], [`check_table`]: the same for a person.
//! - [`write_witness`], [`write_certificates`], [`read_proof`]: proofs as files.
//! - [`Folder`]: what a run leaves behind.

mod folder;
mod proof;
mod report;
mod table;

pub use folder::Folder;
pub use proof::{ProofFile, read_proof, write_certificates, write_witness};
pub use report::{
    AnomalyReport, Counts, ErrorBody, ErrorReport, FaultCounts, GuaranteeReport, Observed, Outcome,
    Report,
};
pub use table::{check_table, test_table};
