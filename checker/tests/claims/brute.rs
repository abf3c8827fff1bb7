//! The definition, tried out: every order of operations that keeps real time and that the model
//! allows.

use polygraph_checker::FailedCas;
use polygraph_checker::model::{
    Call, Counter, FencedMutex, GrowSet, IdSource, List, Log, Model, Mutex, Object, RwLock,
    Semaphore,
};
use polygraph_history::{History, Outcome, Value};

use crate::generate::Kind;

/// Whether the prefix up to a moment has an order. What ended later may be in it or not, with the
/// result that it had.
pub(crate) fn has_order(history: &History, kind: Kind, until: u64) -> bool {
    match kind {
        Kind::Mutex => of(&Mutex { owned: true }, history, until),
        Kind::AnybodysMutex => of(&Mutex { owned: false }, history, until),
        Kind::FencedMutex => of(&FencedMutex, history, until),
        Kind::RwLock => of(&RwLock, history, until),
        Kind::Semaphore => of(&Semaphore::new(1), history, until),
        Kind::TwoPermits => of(&Semaphore::new(2), history, until),
        Kind::GrowSet => of(&GrowSet::<Value>::default(), history, until),
        Kind::List => of(&List::<Value>::default(), history, until),
        Kind::Log => of(&Log::<Value>::default(), history, until),
        Kind::Counter => of(&Counter::default(), history, until),
        Kind::IdSource => of(&IdSource::<Value>::default(), history, until),
    }
}

struct Step<O> {
    start: u64,
    end: u64,
    op: O,
}

fn of<M: Object>(model: &M, history: &History, until: u64) -> bool {
    let mut steps = Vec::new();
    for operation in history.operations() {
        let failed_later = operation.outcome == Outcome::Fail && operation.end > until;
        if operation.start > until || failed_later {
            continue;
        }
        let completion = history.completion(operation);
        let call = Call {
            op: history.op(operation),
            outcome: operation.outcome,
            error: completion.and_then(|completion| completion.error.as_ref()),
            process: operation.process,
            failed_cas: FailedCas::Observe,
        };
        let end = if operation.end <= until {
            operation.end
        } else {
            u64::MAX
        };
        if let Ok(Some(op)) = M::action(&call) {
            let start = operation.start;
            steps.push(Step { start, end, op });
        }
    }
    place(model, &steps, 0, &model.initial())
}

fn place<M: Model>(model: &M, steps: &[Step<M::Op>], placed: u32, state: &M::State) -> bool {
    let left = || (0..steps.len()).filter(|at| placed >> at & 1 == 0);
    if left().all(|at| steps[at].end == u64::MAX) {
        return true;
    }
    let first_end = left().map(|at| steps[at].end).min().unwrap_or(0);
    left().filter(|&at| steps[at].start <= first_end).any(|at| {
        match model.step(state, &steps[at].op) {
            Ok(next) => place(model, steps, placed | 1 << at, &next),
            Err(_) => false,
        }
    })
}
