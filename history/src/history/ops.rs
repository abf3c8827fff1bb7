//! The operations of a history, each as it is best known.

use super::micros::{MicroRef, Micros};
use super::transactions::Columns;
use crate::{Key, Micro, Op, Value};

/// Operations by number.
#[derive(Clone, Debug)]
pub(super) enum Ops {
    /// One by one.
    Whole(Vec<Op>),
    /// Mostly transactions.
    Columns(Columns),
}

impl Default for Ops {
    fn default() -> Ops {
        Ops::Whole(Vec::new())
    }
}

impl Ops {
    pub(super) const fn len(&self) -> usize {
        match self {
            Ops::Whole(ops) => ops.len(),
            Ops::Columns(columns) => columns.len(),
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        match self {
            Ops::Whole(_) => false,
            Ops::Columns(columns) => columns.is_full(),
        }
    }

    /// Adds an operation behind all others.
    pub(super) fn push(&mut self, op: Op) {
        if self.len() == 0 && matches!(op, Op::Txn(_)) {
            *self = Ops::Columns(Columns::default());
        }
        match self {
            Ops::Whole(ops) => ops.push(op),
            Ops::Columns(columns) => columns.push(op),
        }
    }

    /// Puts another operation in the place of one.
    pub(super) fn replace(&mut self, id: usize, op: Op) {
        match self {
            Ops::Whole(ops) => ops[id] = op,
            Ops::Columns(columns) => columns.replace(id, op),
        }
    }

    /// An operation. Of transactions in columns only once [`Ops::close`] was called.
    pub(super) fn op(&self, id: usize) -> &Op {
        match self {
            Ops::Whole(ops) => &ops[id],
            Ops::Columns(columns) => columns.op(id),
        }
    }

    /// The same by itself.
    pub(super) fn to_op(&self, id: usize) -> Op {
        match self {
            Ops::Whole(ops) => ops[id].clone(),
            Ops::Columns(columns) => columns.to_op(id),
        }
    }

    /// What a transaction does; `None` for any other operation.
    #[inline]
    pub(super) fn micros(&self, id: usize) -> Option<Micros<'_>> {
        match self {
            Ops::Whole(ops) => match &ops[id] {
                Op::Txn(micros) => Some(Micros::of(micros)),
                _ => None,
            },
            Ops::Columns(columns) => columns.micros(id),
        }
    }

    /// An operation that is no transaction.
    fn single(&self, id: usize) -> Option<&Op> {
        match self {
            Ops::Whole(ops) => Some(&ops[id]),
            Ops::Columns(columns) => columns.elsewhere(id),
        }
    }

    /// The key of an operation that has one.
    pub(super) fn key(&self, id: usize) -> Option<&Key> {
        self.single(id).and_then(Op::key)
    }

    /// Whether `completed` is an operation with results filled in, as [`Op::repeated_by`] says.
    pub(super) fn repeated_by(&self, id: usize, completed: &Op) -> bool {
        match (self.micros(id), completed, self.single(id)) {
            (Some(micros), Op::Txn(completed), _) => {
                micros.len() == completed.len() && micros.zip(completed).all(repeats)
            }
            (_, completed, Some(op)) => op.repeated_by(completed),
            (_, _, None) => false,
        }
    }

    /// Whether anything that only a completion can know is filled in.
    pub(super) fn has_results(&self, id: usize) -> bool {
        match (self.micros(id), self.single(id)) {
            (Some(mut micros), _) => micros.any(|micro| match micro {
                MicroRef::Read { value, .. } => value.is_some(),
                MicroRef::Append { .. } | MicroRef::Write { .. } => false,
                MicroRef::Other(micro) => micro.has_results(),
            }),
            (None, op) => op.is_some_and(Op::has_results),
        }
    }

    /// Whether an operation can have no effect on the store.
    pub(super) fn is_read_only(&self, id: usize) -> bool {
        match (self.micros(id), self.single(id)) {
            (Some(mut micros), _) => micros.all(MicroRef::is_read_only),
            (None, op) => op.is_some_and(Op::is_read_only),
        }
    }

    /// Whether an operation is this one.
    pub(super) fn is(&self, id: usize, other: &Op) -> bool {
        match (self.micros(id), other, self.single(id)) {
            (Some(micros), Op::Txn(other), _) => {
                micros.len() == other.len() && micros.eq(other.iter().map(MicroRef::from))
            }
            (_, other, Some(op)) => op == other,
            (_, _, None) => false,
        }
    }

    /// Adds operations to a transaction.
    pub(super) fn extend(&mut self, id: usize, more: impl IntoIterator<Item = Micro>) {
        let mut op = self.to_op(id);
        if let Op::Txn(micros) = &mut op {
            micros.extend(more);
        }
        self.replace(id, op);
    }

    /// Lets `change` say what each read of a transaction saw that says something.
    pub(super) fn change_reads(
        &mut self,
        mut change: impl FnMut(&Key, Option<Value>) -> Option<Value>,
    ) {
        match self {
            Ops::Columns(columns) => columns.change_reads(change),
            Ops::Whole(ops) => {
                for op in ops {
                    let Op::Txn(micros) = op else { continue };
                    for micro in micros {
                        if let Micro::Read { key, value } = micro
                            && value.is_some()
                        {
                            *value = change(key, value.take());
                        }
                    }
                }
            }
        }
    }

    /// Nothing is added any more.
    pub(super) fn close(&mut self) {
        if let Ops::Columns(columns) = self {
            columns.close();
        }
    }
}

/// [`Micro::repeated_by`].
fn repeats((invoked, completed): (MicroRef<'_>, &Micro)) -> bool {
    match (invoked, completed) {
        (MicroRef::Read { key: a, .. }, Micro::Read { key: b, .. }) => same(a, b),
        (MicroRef::Append { key: a, value: v }, Micro::Append { key: b, value: w })
        | (MicroRef::Write { key: a, value: v }, Micro::Write { key: b, value: w }) => {
            v == w && same(a, b)
        }
        (MicroRef::Other(invoked), completed) => invoked.repeated_by(completed),
        _ => false,
    }
}

/// Equal keys nearly always share an allocation.
fn same(a: &Key, b: &Key) -> bool {
    a.0.as_ptr() == b.0.as_ptr() || a == b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{NodeId, Predicate, PredicateRead};

    fn value(random: &mut Random) -> Value {
        match random.below(4) {
            0 => Value::Null,
            1 => Value::Int(random.below(5) as i64),
            2 => Value::from("a"),
            _ => Value::list((0..random.below(3)).map(|at| Value::Int(at as i64))),
        }
    }

    fn micro(random: &mut Random, keys: &[Key]) -> Micro {
        // Now and then one that is equal and has an allocation of its own.
        let key = match random.below(4) {
            0 => Key::from(&*random.choose(keys).0),
            _ => random.choose(keys).clone(),
        };
        match random.below(10) {
            0..=2 => Micro::Read { key, value: None },
            3..=4 => Micro::Read {
                key,
                value: Some(value(random)),
            },
            5..=6 => Micro::Append {
                key,
                value: value(random),
            },
            7..=8 => Micro::Write {
                key,
                value: value(random),
            },
            _ => Micro::PredicateRead(Box::new(PredicateRead {
                predicate: Predicate::Any,
                found: None,
            })),
        }
    }

    fn op(random: &mut Random, keys: &[Key]) -> Op {
        if random.below(8) == 0 {
            return Op::Peek {
                key: random.choose(keys).clone(),
                node: NodeId::at(0),
                value: Some(value(random)),
            };
        }
        let count = random.below(4);
        Op::Txn((0..count).map(|_| micro(random, keys)).collect())
    }

    /// The operation with other results.
    fn completed(random: &mut Random, mut op: Op) -> Op {
        if let Op::Txn(micros) = &mut op {
            for micro in micros {
                if let Micro::Read { value: seen, .. } = micro {
                    *seen = (random.below(2) == 0).then(|| value(random));
                }
            }
        }
        op
    }

    /// Columns are told from operations kept one by one by nothing.
    #[test]
    fn columns_are_what_operations_are() {
        let keys = ["x", "y", "z"].map(Key::from);
        let factor = std::env::var("POLYGRAPH_FUZZ");
        let factor: u64 = factor.ok().and_then(|it| it.parse().ok()).unwrap_or(1);
        for seed in 0..20_000 * factor {
            let random = &mut Random::keyed(&[seed]);
            let mut ops = Ops::Columns(Columns::default());
            let mut plain: Vec<Op> = Vec::new();
            for _ in 0..random.below(50) {
                let fresh = op(random, &keys);
                let id = random.below(plain.len() as u64 + 1) as usize;
                match random.below(8) {
                    0 if id < plain.len() => {
                        ops.replace(id, fresh.clone());
                        plain[id] = fresh;
                    }
                    1 if id < plain.len() => {
                        let full = completed(random, plain[id].clone());
                        ops.replace(id, full.clone());
                        plain[id] = full;
                    }
                    2 if id < plain.len() && matches!(plain[id], Op::Txn(_)) => {
                        let more = [micro(random, &keys)];
                        ops.extend(id, more.clone());
                        if let Op::Txn(micros) = &mut plain[id] {
                            micros.extend(more);
                        }
                    }
                    _ => {
                        ops.push(fresh.clone());
                        plain.push(fresh);
                    }
                }
            }
            let mut whole = Ops::Whole(plain);
            let change = |key: &Key, value: Option<Value>| match (&*key.0, value) {
                ("x", Some(Value::Null)) => None,
                ("y", Some(Value::Null)) => Some(Value::Int(0)),
                (_, value) => value,
            };
            if random.below(2) == 0 {
                ops.change_reads(change);
                whole.change_reads(change);
            }
            ops.close();
            let Ops::Whole(plain) = &whole else { continue };
            assert_eq!(ops.len(), plain.len());
            for (id, op) in plain.iter().enumerate() {
                assert_eq!(ops.to_op(id), *op, "seed {seed}");
                assert_eq!(ops.op(id), op, "seed {seed}");
                assert_eq!(ops.key(id), op.key());
                assert_eq!(ops.has_results(id), op.has_results());
                assert_eq!(ops.is_read_only(id), op.is_read_only());
                assert_eq!(ops.micros(id).is_some(), matches!(op, Op::Txn(_)));
                for other in [
                    completed(random, op.clone()),
                    plain[random.below(plain.len() as u64) as usize].clone(),
                ] {
                    assert_eq!(ops.repeated_by(id, &other), op.repeated_by(&other));
                    assert_eq!(ops.is(id, &other), *op == other);
                }
                if let (Some(micros), Op::Txn(all)) = (ops.micros(id), op) {
                    assert_eq!(micros.len(), all.len());
                    for (at, micro) in all.iter().enumerate() {
                        let lent = micros.get(at).map(MicroRef::to_micro);
                        assert_eq!(lent.as_ref(), Some(micro));
                    }
                    assert!(micros.get(all.len()).is_none());
                }
            }
        }
    }
}
