//! What a simulated object is, and what its clients ask of it.

use polygraph_history::random::Random;

use super::Violation;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// The value, or everything, that the object holds.
    Read,
    /// A new value.
    Write(i64),
    /// `to` in the place of `from`.
    Cas { from: i64, to: i64 },
    /// One more element of a container.
    Put(i64),
    /// The next element of a container.
    Take,
    /// An element of a set.
    Add(i64),
    /// The same, away from it.
    Remove(i64),
    /// Whether it is in the set.
    Contains(i64),
    /// The lock.
    Acquire,
    /// The lock back.
    Release,
    /// One more element at the end of a list.
    Append(i64),
    /// So much more of a counter.
    Increment(i64),
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is done.
    Done,
    /// The value was another.
    Mismatch,
    /// What was read or taken; nothing if there was nothing.
    Value(Option<i64>),
    /// Whether it was found.
    Found(bool),
    /// Everything that is there.
    Elements(Vec<i64>),
}

/// An operation that was invoked.
#[derive(Debug)]
pub(super) struct Flight<N> {
    /// Whose it is, counted from 0.
    pub(super) client: usize,
    /// What is asked.
    pub(super) call: Call,
    /// When it was invoked.
    pub(super) begins: u64,
    /// When it is answered; [`u64::MAX`] if nobody ever learns how it ended.
    pub(super) ends: u64,
    /// Whether it takes effect.
    pub(super) happens: bool,
    /// Whether it may be the one whose answer is made wrong.
    pub(super) chosen: bool,
    /// What the object noted when it began.
    pub(super) note: N,
}

impl<N> Flight<N> {
    /// Whether nobody ever learns how it ended.
    pub(super) const fn crashed(&self) -> bool {
        self.ends == u64::MAX
    }
}

/// What became of an attempt to make an answer wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tampered {
    /// Here nothing could be proven.
    No,
    /// The history has no linearization any more.
    Shown(Answer),
    /// It will have none once the witness is seen, which [`Object::shown`] says.
    Begun(Answer),
}

/// How many of the crashed operations of a kind take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// None.
    Never,
    /// One in two.
    Half,
    /// All.
    Always,
}

/// A simulated object: a state for every key, changed by one operation at a time.
///
/// Times of operations are those of their invocations and answers; of two events with the same
/// time either may come first in the history, so that `<` means before and nothing else does.
pub(super) trait Object {
    /// What one key holds, and what is known of the operations on it.
    type State: Default;
    /// What is noted of an operation when it begins.
    type Note: Default;

    /// What a client does next on a key.
    fn call(&mut self, state: &mut Self::State, client: usize, random: &mut Random) -> Call;

    /// Whether an answer to this can show the violation.
    fn can_show(&self, call: Call, violation: Violation) -> bool;

    /// The operation is invoked. One that is chosen may still change what it asks.
    fn begin(
        &mut self,
        state: &mut Self::State,
        flight: &mut Flight<Self::Note>,
        violation: Option<Violation>,
    );

    /// The operation takes effect; `None` if it has to wait until another one did.
    fn effect(&mut self, state: &mut Self::State, flight: &Flight<Self::Note>) -> Option<Answer>;

    /// The operation is answered.
    fn end(&mut self, state: &mut Self::State, flight: &Flight<Self::Note>, answer: &Answer);

    /// Makes the answer of a chosen operation, which is given now, wrong beyond doubt.
    fn tamper(
        &mut self,
        state: &mut Self::State,
        flight: &Flight<Self::Note>,
        violation: Violation,
    ) -> Tampered;

    /// Whether a violation that was begun is shown by now.
    fn shown(&self) -> bool {
        false
    }

    /// Whether the client's next operation is on the key of its last.
    fn returns(&self, _client: usize) -> bool {
        false
    }

    /// Nothing comes of the operation any more.
    fn forget(&mut self, _state: &mut Self::State, _flight: &Flight<Self::Note>) {}

    /// How many crashed operations of this kind take effect.
    fn fate(&self, _call: Call) -> Fate {
        Fate::Half
    }

    /// Whether those who wait for the key may try again after this.
    fn wakes(&self, _call: Call) -> bool {
        false
    }

    /// How long a client rests after this, on average, in nanoseconds.
    fn rest(&self, _call: Call) -> u64 {
        super::run::REST
    }
}
