//! Orders of the objects of a history that is linearizable, for those who want a proof.

use polygraph_history::{History, OperationId};
use rayon::prelude::*;

use super::decide::{Decision, order_of_distinct};
use super::objects::Judged;
use super::register::view::KeyView;
use super::search::Limits;
use super::witness::{Linearization, Witness};
use crate::Options;
use crate::model::ModelKind;

/// So many keys share the memory.
const LANES: u64 = 16;

/// An order of every object, if those who decided them have one. Registers that distinct values
/// decided are put in order here, within what is left of the budget.
pub(super) fn witness(
    history: &History,
    options: &Options,
    limits: &Limits<'_>,
    keys: &[KeyView],
    decisions: &[Option<Decision>],
    judged: &[Option<Judged>],
) -> Option<Witness> {
    let all: usize = keys.iter().map(|key| key.rows.len()).sum();
    let order_of = |(key, decision): (&KeyView, &Option<Decision>)| {
        let part = u128::from(limits.steps) * key.rows.len() as u128;
        let limits = Limits {
            steps: (part / all.max(1) as u128) as u64,
            bytes: limits.bytes / LANES.min(keys.len() as u64).max(1),
            ..*limits
        };
        let found = decision.as_ref().and_then(|found| found.order.clone());
        let operations: Vec<OperationId> = match found {
            Some(operations) => operations,
            None => order_of_distinct(history, key, &limits)?,
        };
        let model = ModelKind::CasRegister.into();
        Some(Linearization::of_key(history, &key.key, model, operations))
    };
    let pairs = keys.par_iter().zip(decisions);
    let registers: Option<Vec<Linearization>> = pairs.map(order_of).collect();
    let mut objects = registers?;
    for judged in judged {
        objects.push(judged.as_ref()?.order.clone()?);
    }
    Some(Witness {
        failed_cas: options.failed_cas,
        objects,
    })
}
