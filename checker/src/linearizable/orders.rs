//! Orders of the objects of a history that is linearizable, for those who want a proof.

use std::time::Instant;

use polygraph_history::History;
use rayon::prelude::*;

use super::objects::Judged;
use super::register::distinct;
use super::register::view::{INITIAL, KeyView};
use super::search::{Limits, Wanted, search};
use super::witness::{Linearization, Witness};
use crate::Options;
use crate::model::{CasRegister, ModelKind};

/// So many keys share the memory.
const LANES: u64 = 16;

/// An order of every object: of registers, if they are found within the budget; of others, if
/// those who judged them have one.
pub(super) fn witness(
    history: &History,
    options: &Options,
    deadline: Option<Instant>,
    keys: &[KeyView],
    judged: &[Option<Judged>],
) -> Option<Witness> {
    let all: usize = keys.iter().map(|key| key.rows.len()).sum();
    let order_of = |key: &KeyView| {
        let part = u128::from(options.budget.max_steps) * key.rows.len() as u128;
        let limits = Limits {
            steps: (part / all.max(1) as u128) as u64,
            bytes: options.budget.max_memory / LANES.min(keys.len() as u64).max(1),
            deadline,
            stop: None,
        };
        let model = CasRegister { initial: INITIAL };
        let items = key.items(history);
        let order = match distinct::order(&items) {
            Some(order) => order,
            None => search(&model, &items, &limits, Wanted::Order).order?,
        };
        let operations = order.into_iter().map(|at| items[at].operation);
        let model = ModelKind::CasRegister.into();
        Some(Linearization::of_key(history, &key.key, model, operations))
    };
    let registers: Option<Vec<Linearization>> = keys.par_iter().map(order_of).collect();
    let mut objects = registers?;
    for judged in judged {
        objects.push(judged.as_ref()?.order.clone()?);
    }
    Some(Witness {
        failed_cas: options.failed_cas,
        objects,
    })
}
