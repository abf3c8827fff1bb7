//! The operations of every object, and what it is an object of.
//!
//! Linearizability is local (Herlihy & Wing, TOPLAS 1990, theorem 1), so that the split by key is
//! exact. Only transactions of registers join keys: then all registers are one object.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{History, Key, Micro, Op, Outcome, Value};
use rustc_hash::FxHashMap;

use crate::Options;
use crate::linearizable::witness::ModelName;
use crate::model::{MODELS, ModelKind};

/// An object, with its operations.
#[derive(Debug)]
pub(in crate::linearizable) struct Object {
    /// The keys that it consists of.
    pub(in crate::linearizable) keys: Vec<Key>,
    /// What it is, if its operations are those of a model.
    pub(in crate::linearizable) model: Option<ModelName>,
    /// Its operations, by number, in the order of their invocations.
    pub(in crate::linearizable) operations: Vec<u32>,
    /// The names of its operations.
    pub(in crate::linearizable) names: BTreeSet<String>,
}

/// The objects of a history.
#[derive(Debug, Default)]
pub(in crate::linearizable) struct Split {
    /// Registers by themselves, which `register` decides.
    pub(in crate::linearizable) has_registers: bool,
    /// All others, in the order of their first operations.
    pub(in crate::linearizable) objects: Vec<Object>,
}

/// A set of models: a bit for each of [`MODELS`].
type Models = u32;

const ALL: Models = (1 << MODELS.len()) - 1;

/// The models that `register` decides.
const fn is_register(model: ModelKind) -> bool {
    matches!(model, ModelKind::Register | ModelKind::CasRegister)
}

fn models_of(op: &Op) -> Models {
    let fits = |bits: Models, (at, (model, _)): (usize, &(ModelKind, &str))| {
        bits | Models::from(model.has(op)) << at
    };
    MODELS.iter().enumerate().fold(0, fits)
}

/// What is known of a key while a history is split.
struct Bucket {
    key: Key,
    fits: Models,
    operations: Vec<u32>,
    names: BTreeSet<String>,
    /// Its only operations so far are of registers.
    plain: bool,
}

impl Bucket {
    /// An operation of this name is of no model.
    fn spoil(&mut self, name: &str) {
        self.fits = 0;
        self.plain = false;
        self.names.insert(name.to_owned());
    }
}

struct Splitting {
    by_key: FxHashMap<Key, usize>,
    buckets: Vec<Bucket>,
}

impl Splitting {
    fn bucket(&mut self, key: &Key) -> &mut Bucket {
        let at = match self.by_key.get(key) {
            Some(&at) => at,
            None => {
                self.by_key.insert(key.clone(), self.buckets.len());
                self.buckets.push(Bucket {
                    key: key.clone(),
                    fits: ALL,
                    operations: Vec::new(),
                    names: BTreeSet::new(),
                    plain: true,
                });
                self.buckets.len() - 1
            }
        };
        &mut self.buckets[at]
    }
}

/// Whether an operation is one of a register by itself.
const fn of_register(op: &Op) -> bool {
    matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Cas { .. })
}

/// Whether an operation found a text: that is no collection, and no number.
const fn reads_text(op: &Op) -> bool {
    matches!(
        op,
        Op::Read {
            value: Some(Value::Text(_)),
            ..
        }
    )
}

/// Sorts the operations of a history by object.
pub(in crate::linearizable) fn split(history: &History, options: &Options) -> Split {
    let operations = history.operations();
    let plain = |op: &Op| of_register(op) || matches!(op, Op::Peek { .. });
    let register_asked = options.model.is_none_or(is_register);
    if register_asked && operations.iter().all(|it| plain(history.op(it))) {
        return Split {
            has_registers: true,
            objects: Vec::new(),
        };
    }
    let mut splitting = Splitting {
        by_key: FxHashMap::default(),
        buckets: Vec::new(),
    };
    let mut of_kind: FxHashMap<_, Models> = FxHashMap::default();
    let mut transactions = Vec::new();
    let mut everywhere = Vec::new();
    for (id, operation) in operations.iter().enumerate() {
        let op = history.op(operation);
        let id = id as u32;
        match op {
            Op::Peek { .. } => continue,
            Op::Txn(micros) => {
                transactions.push(id);
                for micro in micros {
                    match micro.key() {
                        Some(key) => drop(splitting.bucket(key)),
                        None => everywhere.push("txn"),
                    }
                }
                continue;
            }
            _ => {}
        }
        if let Op::Custom { name, args } = op {
            // What certainly had no effect and showed nothing constrains no model.
            if operation.outcome == Outcome::Fail {
                continue;
            }
            match args.get("key").and_then(|key| key.as_str()) {
                Some(key) => splitting.bucket(&Key::from(key)).spoil(name),
                None => everywhere.push(name.as_str()),
            }
            continue;
        }
        let Some(key) = op.key() else { continue };
        // What an operation is of depends on its name, but for locks, logs and texts.
        let fits = match op {
            Op::Acquire { .. } | Op::Append { .. } => models_of(op),
            _ => *of_kind
                .entry((op.kind(), reads_text(op)))
                .or_insert_with(|| models_of(op)),
        };
        let bucket = splitting.bucket(key);
        bucket.operations.push(id);
        bucket.fits &= fits;
        if !of_register(op) {
            bucket.plain = false;
        }
        if !bucket.names.contains(op.kind().name()) {
            bucket.names.insert(op.kind().name().to_owned());
        }
    }
    for name in everywhere {
        for bucket in &mut splitting.buckets {
            bucket.spoil(name);
        }
    }
    let mut found = Split {
        has_registers: false,
        objects: join(history, &mut splitting, &transactions),
    };
    for bucket in splitting.buckets {
        let model = pick(bucket.fits, options.model);
        if bucket.plain && model.is_some_and(is_register) {
            found.has_registers = true;
            continue;
        }
        found.objects.push(Object {
            keys: vec![bucket.key],
            model: model.map(|model| with_parameters(model, options)),
            operations: bucket.operations,
            names: bucket.names,
        });
    }
    found
        .objects
        .sort_by_key(|object| object.operations.first().copied());
    found
}

/// The objects of registers that transactions join, directly or by others; all their operations
/// are taken out of the buckets. Registers that no transaction touches stay by themselves.
fn join(history: &History, splitting: &mut Splitting, transactions: &[u32]) -> Vec<Object> {
    let op = |id: u32| history.op(&history.operations()[id as usize]);
    let mut groups = Groups::default();
    for &id in transactions {
        let Op::Txn(micros) = op(id) else { continue };
        let mut first = None;
        for key in micros.iter().filter_map(Micro::key) {
            let bucket = splitting.bucket(key);
            if !ModelKind::MultiRegister.has(op(id)) {
                bucket.spoil("txn");
            }
            let at = splitting.by_key[key];
            groups.join(*first.get_or_insert(at), at);
        }
    }
    let mut objects: BTreeMap<usize, Object> = BTreeMap::new();
    let mut left = Vec::new();
    for (at, bucket) in std::mem::take(&mut splitting.buckets)
        .into_iter()
        .enumerate()
    {
        if !groups.has(at) {
            left.push(bucket);
            continue;
        }
        let object = objects.entry(groups.of(at)).or_insert_with(|| Object {
            keys: Vec::new(),
            model: Some(ModelKind::MultiRegister.into()),
            operations: Vec::new(),
            names: BTreeSet::from(["txn".to_owned()]),
        });
        if bucket.fits & bit(ModelKind::MultiRegister) == 0 {
            object.model = None;
        }
        object.keys.push(bucket.key);
        object.operations.extend(bucket.operations);
        object.names.extend(bucket.names);
    }
    for &id in transactions {
        let Op::Txn(micros) = op(id) else { continue };
        let Some(key) = micros.iter().find_map(Micro::key) else {
            continue;
        };
        let group = groups.of(splitting.by_key[key]);
        if let Some(object) = objects.get_mut(&group) {
            object.operations.push(id);
        }
    }
    for object in objects.values_mut() {
        object.operations.sort_unstable();
    }
    splitting.by_key.clear();
    splitting.buckets = left;
    objects.into_values().collect()
}

/// Which buckets are joined (union–find, with the least of a group as its name).
#[derive(Default)]
struct Groups {
    above: BTreeMap<usize, usize>,
}

impl Groups {
    fn has(&self, at: usize) -> bool {
        self.above.contains_key(&at)
    }

    fn of(&self, mut at: usize) -> usize {
        while let Some(&above) = self.above.get(&at)
            && above != at
        {
            at = above;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.above.insert(one.max(other), one.min(other));
        self.above.entry(one.min(other)).or_insert(one.min(other));
    }
}

fn bit(model: ModelKind) -> Models {
    let at = MODELS.iter().position(|(other, _)| *other == model);
    at.map_or(0, |at| 1 << at)
}

/// The first model that fits, or the one that is asked for if it does.
fn pick(fits: Models, asked: Option<ModelKind>) -> Option<ModelKind> {
    if let Some(asked) = asked {
        return (fits & bit(asked) != 0).then_some(asked);
    }
    let mut models = MODELS.iter().map(|(model, _)| *model);
    models.find(|&model| fits & bit(model) != 0)
}

fn with_parameters(model: ModelKind, options: &Options) -> ModelName {
    let name = ModelName::from(model);
    let int = |number: u32| Value::Int(number.into());
    match (model, options.permit_limit) {
        (ModelKind::Semaphore, None) => name.with("permits", int(options.permits)),
        (ModelKind::Semaphore, Some(limit)) => {
            let limit = limit.max(options.permits);
            name.with("permits", int(options.permits))
                .with("limit", int(limit))
        }
        (ModelKind::Set, _) if options.strict_sets => name.with("strict", int(1)),
        (ModelKind::Mutex, _) if !options.owned_locks => name.with("owned", int(0)),
        _ => name,
    }
}
