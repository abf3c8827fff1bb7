//! A log: a list whose elements are known by their offsets.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::persistent::{Elements, Sequence};
use super::{Call, Foreign, Model, Object, Other};

/// With more elements than this before it an append is not asked what they are.
const MOST_BEFORE: u64 = 1 << 16;

/// A log that is empty at first. Offsets count from 0, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Log<V> {
    of: PhantomData<V>,
}

impl<V> Default for Log<V> {
    fn default() -> Log<V> {
        Log { of: PhantomData }
    }
}

/// An operation on a [`Log`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogOp<V> {
    /// An append.
    Append {
        /// What was appended.
        value: V,
        /// Where it is, if that is known.
        offset: Option<u64>,
    },
    /// A read of elements that follow each other; there may be more behind them.
    Poll {
        /// The offset of the first of them.
        from: u64,
        /// What was found.
        values: Elements<V>,
    },
    /// A read that found just these.
    Read(Elements<V>),
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRefusal<V> {
    /// What was attempted.
    pub op: LogOp<V>,
    /// What is in the log.
    pub holds: Sequence<V>,
}

impl<V: Clone + Eq + Hash + fmt::Display> fmt::Display for LogRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.holds.len();
        let (from, values) = match &self.op {
            LogOp::Append { value, offset } => {
                write!(f, "cannot append {value}")?;
                if let Some(offset) = offset {
                    write!(f, " at {offset}")?;
                }
                return write!(f, ": the next offset is {length}");
            }
            LogOp::Poll { from, values } => {
                write!(f, "cannot read {values} from {from} on: ")?;
                (*from, values)
            }
            LogOp::Read(values) => {
                write!(f, "cannot read {values}: ")?;
                (0, values)
            }
        };
        let at = |offset| {
            usize::try_from(offset)
                .ok()
                .and_then(|at| self.holds.get(at))
        };
        let differs = (from..)
            .zip(values.iter())
            .find(|&(offset, value)| at(offset) != Some(value));
        match differs {
            Some((offset, value)) => match at(offset) {
                Some(there) => write!(f, "at {offset} is {there}, not {value}"),
                None => write!(f, "the log ends before {offset}"),
            },
            None if length == 1 => f.write_str("the log has 1 element"),
            None => write!(f, "the log has {length} elements"),
        }
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for Log<V> {
    type State = Sequence<V>;
    type Op = LogOp<V>;
    type Refusal = LogRefusal<V>;

    fn name(&self) -> &'static str {
        "log"
    }

    fn initial(&self) -> Sequence<V> {
        Sequence::new()
    }

    fn step(&self, state: &Sequence<V>, op: &LogOp<V>) -> Result<Sequence<V>, LogRefusal<V>> {
        let possible = match op {
            LogOp::Append { offset, .. } => {
                offset.is_none_or(|offset| offset == state.len() as u64)
            }
            LogOp::Poll { from, values } => {
                usize::try_from(*from).is_ok_and(|from| state.has_at(from, values))
                    || values.is_empty()
            }
            LogOp::Read(values) => state.is(values),
        };
        match op {
            _ if !possible => Err(LogRefusal {
                op: op.clone(),
                holds: state.clone(),
            }),
            LogOp::Append { value, .. } => Ok(state.with(value.clone())),
            LogOp::Poll { .. } | LogOp::Read(_) => Ok(state.clone()),
        }
    }

    fn only_observes(&self, op: &LogOp<V>) -> bool {
        matches!(op, LogOp::Poll { .. } | LogOp::Read(_))
    }
}

impl Object for Log<Value> {
    const FORESEES: bool = true;

    fn action(call: &Call<'_>) -> Result<Option<LogOp<Value>>, Foreign> {
        let elements = |value: &Value| -> Result<Elements<Value>, Foreign> {
            let elements = value.elements().ok_or(Foreign)?;
            Ok(elements.iter().cloned().collect())
        };
        Ok(match (call.op, call.outcome) {
            (Op::Append { value, offset, .. }, Outcome::Ok | Outcome::Info) => {
                Some(LogOp::Append {
                    value: value.clone(),
                    offset: offset.filter(|_| call.outcome == Outcome::Ok),
                })
            }
            (
                Op::Poll {
                    from,
                    value: Some(value),
                    ..
                },
                Outcome::Ok,
            ) => {
                let values = elements(value)?;
                // It may have stopped before the first element.
                (!values.is_empty()).then_some(LogOp::Poll {
                    from: *from,
                    values,
                })
            }
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => Some(LogOp::Read(elements(value)?)),
            (Op::Append { .. } | Op::Poll { .. } | Op::Read { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn never(&self, state: &Sequence<Value>, op: &LogOp<Value>) -> bool {
        match op {
            LogOp::Append { offset, .. } => {
                offset.is_some_and(|offset| offset < state.len() as u64)
            }
            LogOp::Poll { from, values } => {
                let behind = |from: usize| from.saturating_add(values.len()) < state.len();
                let from = usize::try_from(*from);
                from.is_ok_and(|from| !behind(from) && !state.ends_like(from, values))
            }
            LogOp::Read(elements) => !state.ends_like(0, elements),
        }
    }

    fn tells(&self, op: &LogOp<Value>, _alone: bool) -> bool {
        match op {
            LogOp::Read(_) => true,
            LogOp::Append { offset, .. } => offset.is_some_and(|offset| offset <= MOST_BEFORE),
            LogOp::Poll { .. } => false,
        }
    }

    const OTHERS_TELL: bool = true;

    /// After an append that tells its offset the log has so many elements and that one. What is in
    /// a place never changes: whoever shows it, at whatever time, tells what was there before. What
    /// nobody shows does not matter, for an append does not depend on it.
    fn leaves_among(
        &self,
        op: &LogOp<Value>,
        alone: bool,
        others: &[Other<'_, LogOp<Value>>],
    ) -> Option<Sequence<Value>> {
        let LogOp::Append {
            value,
            offset: Some(length),
        } = op
        else {
            return self.leaves(op, alone);
        };
        if *length > MOST_BEFORE {
            return None;
        }
        let mut places: Vec<Option<&Value>> = vec![None; *length as usize];
        for other in others.iter().filter(|other| other.certain) {
            let (from, values) = match other.op {
                LogOp::Append { offset: None, .. } => continue,
                LogOp::Append {
                    value,
                    offset: Some(offset),
                } => (*offset, std::slice::from_ref(value)),
                LogOp::Poll { from, values } => (*from, &values[..]),
                LogOp::Read(values) => (0, &values[..]),
            };
            for (place, value) in (from..*length).zip(values) {
                places[place as usize].get_or_insert(value);
            }
        }
        let before = places
            .into_iter()
            .map(|value| value.unwrap_or(&Value::Null));
        Some(before.chain([value]).cloned().collect())
    }

    fn leaves(&self, op: &LogOp<Value>, _alone: bool) -> Option<Sequence<Value>> {
        match op {
            LogOp::Read(elements) => Some(elements.iter().cloned().collect()),
            LogOp::Append { .. } | LogOp::Poll { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_and_polls_see_a_part() {
        let model = Log::default();
        let append = |value, offset| LogOp::Append { value, offset };
        let state = model.step(&model.initial(), &append(7, Some(0))).unwrap();
        let state = model.step(&state, &append(8, None)).unwrap();
        let poll = |from, values: &[i32]| LogOp::Poll {
            from,
            values: values.iter().copied().collect(),
        };
        let refusal = |op| model.step(&state, &op).unwrap_err().to_string();
        for possible in [poll(0, &[7]), poll(1, &[8]), poll(0, &[7, 8]), poll(9, &[])] {
            assert_eq!(model.step(&state, &possible).as_ref(), Ok(&state));
        }
        assert_eq!(
            refusal(append(9, Some(3))),
            "cannot append 9 at 3: the next offset is 2"
        );
        assert_eq!(
            refusal(poll(0, &[7, 9])),
            "cannot read [7 9] from 0 on: at 1 is 8, not 9"
        );
        assert_eq!(
            refusal(poll(1, &[8, 9])),
            "cannot read [8 9] from 1 on: the log ends before 2"
        );
        assert_eq!(
            refusal(LogOp::Read([7].into_iter().collect())),
            "cannot read [7]: the log has 2 elements"
        );
    }
}
