//! What the histories are like.

/// What a history is like.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) operations: usize,
    pub(crate) clients: usize,
    /// Keys in use at the same time.
    pub(crate) keys: usize,
    /// A key is replaced by a fresh one after so many operations.
    pub(crate) retire: usize,
    /// Values are drawn from so many, or all distinct where 0.
    pub(crate) domain: i64,
    /// Of thousand operations so many have an unknown outcome.
    pub(crate) crash: u64,
    /// Of hundred operations so many are compare-and-sets.
    pub(crate) cas: u64,
    /// Whether a read in the middle returns what nobody wrote.
    pub(crate) wrong: Wrong,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Wrong {
    No,
    /// A read in the middle returns a value that was overwritten before.
    Stale,
    /// A read in the middle returns a value that nobody wrote.
    Phantom,
    /// Two values that were written at the same time in the beginning, and again in the middle,
    /// are then both read: each read by itself is possible, and only the orders of all operations
    /// show that not both are.
    Both,
}

pub(crate) const NEVER: usize = usize::MAX;

pub(crate) const SIMULATOR: Shape = Shape {
    name: "simulator, distinct, 10 keys live",
    operations: 100_000,
    clients: 10,
    keys: 10,
    retire: 100,
    domain: 0,
    crash: 10,
    cas: 20,
    wrong: Wrong::No,
};

pub(crate) const SHAPES: &[Shape] = &[
    SIMULATOR,
    Shape {
        name: "simulator, stale read",
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 % unknown",
        crash: 200,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 clients 1 key 20 % unk.",
        clients: 20,
        keys: 1,
        crash: 200,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 20 clients, cas",
        clients: 20,
        keys: 1,
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 10 clients, cas, stale",
        keys: 1,
        retire: NEVER,
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 50 clients, 10000, cas, 5 % unk.",
        clients: 50,
        keys: 1,
        retire: NEVER,
        crash: 50,
        operations: 10_000,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 clients on 1 key",
        clients: 20,
        keys: 1,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 1000000 operations",
        operations: 1_000_000,
        ..SIMULATOR
    },
    Shape {
        name: "10 keys for ever",
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 5 clients",
        keys: 1,
        clients: 5,
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 20 clients, no cas",
        keys: 1,
        clients: 20,
        retire: NEVER,
        cas: 0,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 100 clients, no cas",
        keys: 1,
        clients: 100,
        retire: NEVER,
        cas: 0,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 100 clients, no cas, stale",
        keys: 1,
        clients: 100,
        retire: NEVER,
        cas: 0,
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "5 values, 5 clients, 1 % crashed",
        ..FIVE
    },
    Shape {
        name: "5 values, 5 clients, phantom",
        wrong: Wrong::Phantom,
        ..FIVE
    },
    Shape {
        name: "5 values, 20 clients",
        clients: 20,
        crash: 0,
        ..FIVE
    },
    Shape {
        name: "5 values, 20 clients, 0.5 %",
        clients: 20,
        crash: 5,
        ..FIVE
    },
    Shape {
        name: "5 values, 50 clients, 1000",
        clients: 50,
        crash: 0,
        operations: 1000,
        ..FIVE
    },
];

pub(crate) const FIVE: Shape = Shape {
    name: "",
    operations: 10_000,
    clients: 5,
    keys: 1,
    retire: NEVER,
    domain: 5,
    crash: 10,
    cas: 15,
    wrong: Wrong::No,
};
