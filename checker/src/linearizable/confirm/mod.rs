//! Checks proofs of both answers: simple code that shares nothing with the search. It relies on
//! nothing but the history and the models, which are what *linearizable* means.
//!
//! - [`confirm_witness`]: that an order is one. [`confirm_certificate`]: that there is none.
//! - `object`: what a history says of an object, read anew.
//! - `order`: walks through an order. `cut`, `origins`, `sections`: whether operations are left
//!   out soundly. `stretch`: where orders begin. `exhaust`: tries all. `impasse`: shows where they
//!   all end.
//! - `permits`, `growth`, `tally`: claims about a whole prefix, that are checked by counting and comparing.

use std::fmt;
use std::time::Instant;

use polygraph_history::{History, Key, Value};

use super::pattern::Pattern;
use super::proof::{Certificate, Proof, Rule};
use super::witness::{ModelName, Witness};
use crate::model::{CasRegister, ModelKind, Object};

mod cut;
mod exhaust;
mod growth;
mod impasse;
mod object;
mod order;
mod origins;
mod permits;
mod sections;
mod stretch;
mod tally;

pub use impasse::{Impasse, Refused};

use super::models::{Then, with_model};
use object::Objects;
use stretch::Stretch;

/// Why evidence was not accepted because of its size, and for nothing else.
pub(super) const TOO_LARGE: &str = "too large to be tried in all orders";

/// How much may be tried before a certificate is too large to be confirmed.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many different sets of operations, with the states that they lead to, are remembered.
    pub tried: u64,
    /// How many operations are looked at, over all of them.
    pub steps: u64,
    /// When to stop in any case.
    pub deadline: Option<Instant>,
}

impl Default for Effort {
    /// The same on every machine.
    fn default() -> Effort {
        Effort {
            tried: 4_000_000,
            steps: 20_000_000,
            deadline: None,
        }
    }
}

impl Effort {
    /// No more than that many steps, nor much more memory than that many bytes; but as much as a
    /// few operations need in any case.
    #[must_use]
    pub fn within(steps: u64, bytes: u64, deadline: Option<Instant>) -> Effort {
        /// What is remembered of one set, about.
        const BYTES: u64 = 128;
        let (all, least) = (Effort::default(), 1 << 16);
        Effort {
            tried: all.tried.min(least.max(bytes / BYTES)),
            steps: all.steps.min(least.max(steps)),
            deadline,
        }
    }

    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotConfirmed {
    /// It does not stand: this is wrong with it.
    Wrong(String),
    /// It may stand, but has more orders than are tried.
    TooLarge(String),
}

impl NotConfirmed {
    /// The same with the object that it is about.
    #[must_use]
    pub fn about(self, keys: &[Key]) -> NotConfirmed {
        let with = |problem: String| format!("{}: {problem}", object::named(keys));
        match self {
            NotConfirmed::Wrong(problem) => NotConfirmed::Wrong(with(problem)),
            NotConfirmed::TooLarge(problem) => NotConfirmed::TooLarge(with(problem)),
        }
    }
}

impl fmt::Display for NotConfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotConfirmed::Wrong(problem) | NotConfirmed::TooLarge(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for NotConfirmed {}

impl From<String> for NotConfirmed {
    fn from(problem: String) -> NotConfirmed {
        NotConfirmed::Wrong(problem)
    }
}

/// What a proof proves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// The objects that it is about.
    pub objects: Vec<ConfirmedObject>,
    /// Keys of the history about which it says nothing.
    pub not_covered: Vec<Key>,
}

/// An object that a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedObject {
    /// Its keys.
    pub keys: Vec<Key>,
    /// What it should be.
    pub model: ModelName,
    /// How many operations are in the order, or are kept.
    pub operations: usize,
}

/// Checks that the orders of a witness are ones: that each has every operation of its object that
/// took effect once, those that may have at most once and no others, that nothing comes before
/// what had ended when it began, and that each is possible where it is. `O(n log n)`, and what the
/// models need.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn confirm_witness(history: &History, witness: &Witness) -> Result<Confirmed, NotConfirmed> {
    let keys: Vec<&[Key]> = witness.objects.iter().map(|object| &*object.keys).collect();
    let objects = Objects::gather(history, &keys)?;
    let mut confirmed = Vec::with_capacity(keys.len());
    for (at, linearization) in witness.objects.iter().enumerate() {
        let operations = &objects.operations[at];
        let check = order::Check {
            history,
            failed_cas: witness.failed_cas,
            operations,
            order: &linearization.order,
        };
        with_model(&linearization.model, check)
            .and_then(|checked| checked)
            .map_err(|problem| format!("{}: {problem}", object::named(&linearization.keys)))?;
        confirmed.push(ConfirmedObject {
            keys: linearization.keys.clone(),
            model: linearization.model.clone(),
            operations: linearization.order.len(),
        });
    }
    Ok(Confirmed {
        objects: confirmed,
        not_covered: objects.not_covered,
    })
}

/// Checks that what a certificate keeps is in the history, that what it leaves out is left out
/// soundly, and, by trying them all, that no order explains what is kept; or that what its rule
/// claims is so.
///
/// # Errors
/// What is wrong with it, or that there is too much to try.
pub fn confirm_certificate(
    history: &History,
    certificate: &Certificate,
) -> Result<ConfirmedObject, NotConfirmed> {
    confirm_certificate_within(history, certificate, &Effort::default())
}

/// The same with as much effort as is given.
///
/// # Errors
/// What is wrong with the certificate, or that there is too much to try.
pub fn confirm_certificate_within(
    history: &History,
    certificate: &Certificate,
    effort: &Effort,
) -> Result<ConfirmedObject, NotConfirmed> {
    let objects = Objects::gather(history, &[&certificate.keys])?;
    let check = OnKept {
        history,
        certificate,
        objects: &objects,
        then: NoOrder { effort },
    };
    with_model(&certificate.model, check)??;
    Ok(ConfirmedObject {
        keys: certificate.keys.clone(),
        model: certificate.model.clone(),
        operations: certificate.operations.len(),
    })
}

/// Checks the evidence against a register: see [`confirm_certificate`].
///
/// # Errors
/// What is wrong with the evidence.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    match confirm_certificate(history, &Certificate::from(proof)) {
        Ok(_) => Ok(()),
        Err(problem) => Err(problem.to_string()),
    }
}

type Register = CasRegister<Value>;

/// Something that is done with the operations that a certificate keeps.
trait OfKept {
    type Output;

    /// What it is of a certificate of which nothing is to be tried.
    fn of_claim(self) -> Self::Output;

    fn of<M: Object>(
        self,
        model: &M,
        kept: &Stretch<M::State, M::Op>,
    ) -> Result<Self::Output, NotConfirmed>;
}

struct NoOrder<'a> {
    effort: &'a Effort,
}

impl OfKept for NoOrder<'_> {
    type Output = ();

    fn of_claim(self) {}

    fn of<M: Object>(self, model: &M, kept: &Stretch<M::State, M::Op>) -> Result<(), NotConfirmed> {
        exhaust::no_order(model, kept, self.effort)
    }
}

/// Finds what a certificate keeps, and checks that the rest is left out soundly.
struct OnKept<'a, F> {
    history: &'a History,
    certificate: &'a Certificate,
    objects: &'a Objects,
    then: F,
}

impl<F: OfKept> Then for OnKept<'_, F> {
    type Output = Result<F::Output, NotConfirmed>;

    fn with<M: Object>(self, model: &M) -> Self::Output {
        let certificate = self.certificate;
        let operations = &self.objects.operations[0];
        let states = matches!(certificate.rule, Rule::Observers | Rule::Elements);
        if certificate.since.is_some() && !states {
            return Err(NotConfirmed::Wrong(format!(
                "the rule `{}` is about everything since the beginning",
                certificate.rule.name()
            )));
        }
        if certificate.rule == Rule::Origins {
            if certificate.model != ModelName::from(ModelKind::CasRegister)
                && certificate.model != ModelName::from(ModelKind::Register)
            {
                return Err(NotConfirmed::Wrong(format!(
                    "the rule `origins` is one of registers, and the object is a {}",
                    certificate.model
                )));
            }
            let kept = certificate.operations.len();
            if kept > origins::MAX_KEPT {
                return Err(NotConfirmed::TooLarge(format!(
                    "{kept} operations are {TOO_LARGE}"
                )));
            }
            let prefix = object::prefix::<Register>(self.history, operations, certificate)?;
            let kept = origins::kept(&prefix, certificate)?;
            let kept = Stretch::whole(&origins::REGISTER, kept);
            return self.then.of(&origins::REGISTER, &kept);
        }
        if let Rule::Growth(pattern) = certificate.rule {
            growth::shown(self.history, operations, certificate, pattern)?;
            return Ok(self.then.of_claim());
        }
        if let Rule::Tally(tally) = certificate.rule {
            tally::counted(self.history, operations, certificate, tally)?;
            return Ok(self.then.of_claim());
        }
        let prefix = object::prefix::<M>(self.history, operations, certificate)?;
        if certificate.rule == Rule::Permits {
            cut::named(&prefix, certificate)?;
            permits::counted(self.history, operations, certificate)?;
            return Ok(self.then.of_claim());
        }
        if certificate.rule == Rule::Sections {
            sections::sound(self.history, operations, certificate)?;
        }
        self.then
            .of(model, &cut::kept(model, &prefix, certificate)?)
    }
}

/// Shows where all orders of what a certificate keeps end: the states that are possible just
/// before the event that ends its prefix, at most so many, and why nothing goes on from there.
/// There are none where nothing is tried, because the rule is a claim.
///
/// # Errors
/// What is wrong with the certificate, or that there is too much to try.
pub fn impasses(
    history: &History,
    certificate: &Certificate,
    at_most: usize,
) -> Result<Vec<Impasse>, NotConfirmed> {
    let objects = Objects::gather(history, &[&certificate.keys])?;
    let check = OnKept {
        history,
        certificate,
        objects: &objects,
        then: impasse::Find { at_most },
    };
    with_model(&certificate.model, check)?
}
