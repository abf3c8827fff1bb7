//! Proofs as files: JSON Lines, a header and then one line or more an object (docs/proofs.md).
//!
//! - [`write_witness`], [`write_certificates`]: proofs of *holds* and of *violated*.
//! - [`read_proof`]: either of them, back.

use polygraph_checker::FailedCas;
use polygraph_checker::linearizable::{Certificate, Witness};

mod line;
mod read;
mod write;

pub use read::read_proof;
pub use write::{write_certificates, write_witness};

/// The version of the format.
const VERSION: u32 = 1;

/// What a file of a proof has.
#[derive(Clone, Debug)]
pub enum ProofFile {
    /// That a history is linearizable: orders.
    Witness(Witness),
    /// That it is not: what is wrong with each of some objects.
    Certificates(Vec<Certificate>),
}

const fn name(failed_cas: FailedCas) -> &'static str {
    match failed_cas {
        FailedCas::Observe => "observe",
        FailedCas::Ignore => "ignore",
    }
}
