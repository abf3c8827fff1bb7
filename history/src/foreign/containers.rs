//! What the methods of queues, stacks, sets and the like are called, and what they do.

use serde_json::json;

use crate::{ErrorName, Key, Kind, Op, Value};

/// What kind of object a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Queue,
    Stack,
    PriorityQueue,
    Set,
    Semaphore,
    /// A register that is read and written in one step.
    ReadModifyWrite,
    /// Something else: its operations are carried, and understood by nobody here.
    Other,
}

/// A completed operation.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) op: Op,
    pub(super) kind: Kind,
    pub(super) error: Option<ErrorName>,
}

impl Done {
    fn ok(op: Op) -> Done {
        Done {
            op,
            kind: Kind::Ok,
            error: None,
        }
    }

    /// What did nothing, for this reason.
    fn failed(op: Op, error: ErrorName) -> Done {
        Done {
            op,
            kind: Kind::Fail,
            error: Some(error),
        }
    }
}

impl Container {
    /// The object of this name.
    pub(super) fn named(name: &str) -> Container {
        match name.to_ascii_lowercase().as_str() {
            "queue" | "atomic-queue" => Container::Queue,
            "stack" | "atomic-stack" => Container::Stack,
            "priorityqueue" | "pqueue" => Container::PriorityQueue,
            "set" => Container::Set,
            "semaphore" => Container::Semaphore,
            "rmw" => Container::ReadModifyWrite,
            _ => Container::Other,
        }
    }

    /// Whether a method puts something in; `None` if the object has no such method.
    pub(super) fn puts(self, method: &str) -> Option<bool> {
        match (self, method) {
            (Container::Queue, "enq" | "enqueue" | "add") => Some(true),
            (Container::Queue, "deq" | "dequeue" | "remove" | "peek") => Some(false),
            (Container::Stack, "push" | "add") => Some(true),
            (Container::Stack, "pop" | "remove" | "peek") => Some(false),
            (Container::PriorityQueue, "insert") => Some(true),
            (Container::PriorityQueue, "poll" | "peek") => Some(false),
            _ => None,
        }
    }

    /// The operation of a queue, stack or priority queue with what it put in or found, as far as
    /// that is known; `None` if the object has no such method.
    pub(super) fn op(self, key: &Key, method: &str, value: Option<Value>) -> Option<Op> {
        let key = key.clone();
        let puts = self.puts(method)?;
        Some(match (self, puts, value) {
            (Container::Queue, true, Some(value)) => Op::Enqueue { key, value },
            (Container::Stack, true, Some(value)) => Op::Push { key, value },
            (Container::PriorityQueue, true, Some(value)) => Op::Insert { key, value },
            (_, false, value) if method == "peek" => Op::Front { key, value },
            (Container::Queue, false, value) => Op::Dequeue { key, value },
            (Container::Stack, false, value) => Op::Pop { key, value },
            (Container::PriorityQueue, false, value) => Op::Extract { key, value },
            _ => return None,
        })
    }

    /// The operation of a method with a number and perhaps a second one, of which the last is, or
    /// may be, its result; `None` if the object has no such method. `-1` is found where nothing
    /// is.
    pub(super) fn done(
        self,
        key: &Key,
        method: &str,
        number: i64,
        result: Option<i64>,
    ) -> Option<Done> {
        let value = Value::Int(number);
        let key = key.clone();
        Some(match (self, method, result) {
            (Container::Other, ..) => Done::ok(Op::Custom {
                name: method.to_owned(),
                args: match result {
                    Some(result) => json!([number, result]),
                    None => json!(number),
                },
            }),
            (Container::Set, "insert", Some(1)) => Done::ok(Op::Add { key, value }),
            (Container::Set, "insert", Some(0)) => {
                Done::failed(Op::Add { key, value }, ErrorName::PRESENT)
            }
            (Container::Set, "remove", Some(1)) => Done::ok(Op::Remove { key, value }),
            (Container::Set, "remove", Some(0)) => {
                Done::failed(Op::Remove { key, value }, ErrorName::ABSENT)
            }
            (Container::Set, "contains", Some(found @ (0 | 1))) => Done::ok(Op::Contains {
                key,
                value,
                found: Some(found == 1),
            }),
            (Container::Semaphore, "incr", None) if number == 1 => Done::ok(Op::Release { key }),
            (Container::Semaphore, "decr", None) if matches!(number, 0 | 1) => {
                let acquire = Op::Acquire {
                    key,
                    shared: false,
                    token: None,
                };
                match number {
                    1 => Done::ok(acquire),
                    _ => Done::failed(acquire, ErrorName::ABSENT),
                }
            }
            (Container::ReadModifyWrite, "read_modify_write", Some(to)) => {
                // Zero is what is there at first.
                let held = |number| match number {
                    0 => Value::Null,
                    number => Value::Int(number),
                };
                let (from, to) = (held(number), held(to));
                Done::ok(Op::Cas { key, from, to })
            }
            (_, _, None) => {
                let empty = number == -1 && self.puts(method) == Some(false);
                let value = if empty { Value::Null } else { value };
                Done::ok(self.op(&key, method, Some(value))?)
            }
            _ => return None,
        })
    }

    /// What its lines look like, for who wrote another one.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Container::Queue => "enq, deq or peek with a value",
            Container::Stack => "push, pop or peek with a value",
            Container::PriorityQueue => "insert, poll or peek with a value",
            Container::Set => "insert, remove or contains with an element, and 1 or 0",
            Container::Semaphore => {
                "INCR with 1, or DECR with 1, or with 0 where no permit was free"
            }
            Container::ReadModifyWrite => "READ_MODIFY_WRITE with what was read and written",
            Container::Other => "a method with one or two numbers",
        }
    }
}
