//! What an attempt to take an element shows, for all containers alike.

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::Call;
use crate::FailedCas;

/// Whether a take or a look found its container empty: it says so with [`Value::Null`], or failed
/// because nothing was there, where failures are observations.
pub(super) fn found_nothing(call: &Call<'_>) -> bool {
    match call.outcome {
        Outcome::Ok => result(call.op) == Some(&Value::Null),
        Outcome::Fail => failed_with(call, &ErrorName::ABSENT),
        Outcome::Info => false,
    }
}

/// Whether an operation failed with this error, and its failure is an observation.
pub(super) fn failed_with(call: &Call<'_>, error: &ErrorName) -> bool {
    call.outcome == Outcome::Fail
        && call.failed_cas == FailedCas::Observe
        && call.error == Some(error)
}

/// What a take or a look got; `None` if nobody knows.
pub(super) fn taken(call: &Call<'_>) -> Option<Value> {
    match call.outcome {
        Outcome::Ok => result(call.op).cloned(),
        Outcome::Fail | Outcome::Info => None,
    }
}

fn result(op: &Op) -> Option<&Value> {
    match op {
        Op::Dequeue { value, .. }
        | Op::Pop { value, .. }
        | Op::Extract { value, .. }
        | Op::Front { value, .. } => value.as_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::Key;

    use super::*;
    use crate::model::{
        FifoQueue, FifoQueueOp, Foreign, Object, Semaphore, SemaphoreOp, Set, SetOp,
    };

    fn call<'a>(op: &'a Op, outcome: Outcome, error: Option<&'a ErrorName>) -> Call<'a> {
        Call {
            op,
            outcome,
            error,
            process: 0,
            failed_cas: FailedCas::Observe,
        }
    }

    fn dequeue(value: Option<Value>) -> Op {
        Op::Dequeue {
            key: Key::from("q"),
            value,
        }
    }

    #[test]
    fn a_take_shows_what_it_took_if_it_says_so() {
        let action = |call: &Call<'_>| FifoQueue::action(call);
        let one = dequeue(Some(Value::Int(1)));
        let took = action(&call(&one, Outcome::Ok, None));
        assert_eq!(took, Ok(Some(FifoQueueOp::Dequeue(Some(Value::Int(1))))));
        let nothing = dequeue(Some(Value::Null));
        let empty = action(&call(&nothing, Outcome::Ok, None));
        assert_eq!(empty, Ok(Some(FifoQueueOp::Empty)));
        let unknown = dequeue(None);
        let took = action(&call(&unknown, Outcome::Info, None));
        assert_eq!(took, Ok(Some(FifoQueueOp::Dequeue(None))));
        let null = Op::Enqueue {
            key: Key::from("q"),
            value: Value::Null,
        };
        assert_eq!(action(&call(&null, Outcome::Ok, None)), Err(Foreign));
    }

    #[test]
    fn a_failure_shows_something_only_if_it_says_what() {
        let unknown = dequeue(None);
        let absent = call(&unknown, Outcome::Fail, Some(&ErrorName::ABSENT));
        assert_eq!(FifoQueue::action(&absent), Ok(Some(FifoQueueOp::Empty)));
        let ignored = Call {
            failed_cas: FailedCas::Ignore,
            ..absent
        };
        assert_eq!(FifoQueue::action(&ignored), Ok(None));
        let refused = call(&unknown, Outcome::Fail, Some(&ErrorName::UNAVAILABLE));
        assert_eq!(FifoQueue::action(&refused), Ok(None));
        assert_eq!(
            FifoQueue::action(&call(&unknown, Outcome::Fail, None)),
            Ok(None)
        );
        let add = Op::Add {
            key: Key::from("s"),
            value: Value::Int(1),
        };
        let present = call(&add, Outcome::Fail, Some(&ErrorName::PRESENT));
        let seen = SetOp::Contains {
            value: Value::Int(1),
            found: true,
        };
        assert_eq!(Set::action(&present), Ok(Some(seen)));
        let acquire = Op::Acquire {
            key: Key::from("l"),
            shared: false,
            token: None,
        };
        let exhausted = call(&acquire, Outcome::Fail, Some(&ErrorName::ABSENT));
        assert_eq!(
            Semaphore::action(&exhausted),
            Ok(Some(SemaphoreOp::Exhausted))
        );
    }
}
