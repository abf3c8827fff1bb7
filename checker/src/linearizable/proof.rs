//! Evidence that an object is not linearizable.
//!
//! - [`Certificate`]: the general form, of any model.
//! - [`Proof`]: the same of a register, as the check finds it.

use polygraph_history::{EventIndex, Key};

use super::pattern::Pattern;
use super::tally::Tally;
use super::witness::ModelName;
use crate::FailedCas;
use crate::model::ModelKind;

/// A sub-history that no order explains, and that was cut out so that this says something about
/// the whole.
///
/// It is about the prefix of the history up to the event `until`: operations that had not ended
/// then may take effect later, or never. Of this prefix some operations are kept. Let *writer*
/// mean an operation that replaces the value of the key, whether or not by another one. The
/// evidence is sound when for every kept operation *y* that is used with what it found, every
/// writer *p* of the prefix that might have left what *y* found is
///
/// 1. kept, or
/// 2. began after *y* had ended, or
/// 3. overwritten: some kept writer that took effect for certain began after *p* had ended and
///    ended before *y* began.
///
/// For then, if the prefix has an order, so have the kept operations: leave the others out of it.
/// What *y* found was left by the last writer before it; that one is kept, by 2 and 3 it cannot be
/// another; so it is still the last writer before *y*. And if there was none before *y* there is
/// none now.
///
/// Besides, where somebody wrote a value that is found, one of the possible writers is kept, even
/// if all were overwritten: so that a reader sees where the value was from.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The key.
    pub key: Key,
    /// The event that ends the prefix: the completion of one of the operations.
    pub until: EventIndex,
    /// What is kept, in the order of their invocations.
    pub operations: Vec<Kept>,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
}

/// An operation that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The event of its invocation.
    pub invoke: EventIndex,
    /// Whether what it found is used; a compare-and-set without that counts as a write.
    pub expectation: bool,
}

/// Why operations of the prefix may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Of any model: what is left out only observes. An order of all is one of the others too,
    /// for an observation leaves the state as it is.
    Observers,
    /// Of containers: besides observers and what found nothing, elements are left out, each with
    /// every operation that puts, takes or shows it (see [`crate::model::Scope`]).
    ///
    /// Take an order of the prefix without the observers that are left out, and leave out of it
    /// the operations on these elements, and those whose unknown outcome took one of them. Then
    /// the container holds at every moment what it held but for these elements, in the same
    /// order. Who took or saw another element, being first of all, finds it first of fewer; who
    /// found nothing finds nothing. This fails for whoever depends on the elements in another way
    /// (a read of the whole set): such operations may not be kept. It fails for one that took an
    /// element for certain without saying which: if it took one that is left out, it would have
    /// to take another. So such may not be kept either, nor left out.
    Elements,
    /// Of registers: see [`Proof`].
    Origins,
    /// Of locks that only their holder releases: mutexes that are owned, with tokens or without,
    /// and reader-writer locks. Of every process everything is kept, or nothing, or, if it did one
    /// thing after the other, all but some *sections*: an acquire together with the release that
    /// gives back what it acquired. Let the *depth* of a process be how often it acquired the lock
    /// less how often it released it. What is kept of a process releases nothing that it did not
    /// acquire, and has depth 0 wherever the whole has. A section that was not ended by the end of
    /// the prefix needs no release.
    ///
    /// Take an order of the prefix. As a process did one thing after the other, its operations
    /// come in the order in which it did them; only the last may have an unknown outcome and be
    /// missing. Leave out of it what is left out. Who holds the lock then held it at that moment
    /// before: the lock is held alone only by who holds it alone, and nobody shares it where nobody
    /// did, for the depth is 0 there. So every acquire that was possible still is. Every release
    /// is, because its process has acquired before what it gives back. And the last token is none
    /// greater than before, for those that are left have all their own, and the smallest possible
    /// one where it is not known; so tokens still grow.
    ///
    /// A release at depth 0 is in no order at all. Where it is certain there is nothing to be
    /// shown of what is left out, and where it is not it may as well be kept as left out.
    Sections,
    /// Of locks and semaphores that anybody releases: a claim that nothing is tried for, and that
    /// is checked by counting over the whole prefix; what is kept illustrates it.
    ///
    /// Either for some moment *m* more acquires began after *m* and had ended by the end of the
    /// prefix, than there can be permits at once, and releases that had begun by the end of the
    /// prefix and not ended by *m*. Or more acquires had ended than there are permits at first, and
    /// releases that had begun. Or the same with acquires and releases changed over, and what can
    /// be missing in place of what can be there.
    ///
    /// Take an order of the prefix, and of that the part up to the last operation that had ended
    /// by *m*, and the part up to the last that had ended by the end. What began after *m* is not
    /// in the first part, what had ended by *m* is. So at least those acquires are between, and of
    /// releases at most those; and at the end of the first part there were no more permits than
    /// there can be.
    Permits,
    /// Of objects that grow: a claim that is checked by comparing what was recorded, and for which
    /// nothing is tried. What is kept are the operations that the pattern is about; of the prefix
    /// every operation is looked at, as far as the pattern says something of all.
    ///
    /// What an object that grows holds it holds for ever, in the same place. So in every order of
    /// the prefix a place of which an operation shows that it is filled was filled before that
    /// operation, by somebody who may have filled it; and of two operations one of which had ended
    /// before the other began that one comes first. Every pattern contradicts this.
    Growth(Pattern),
    /// Of queues, stacks, priority queues and bags, however often their elements repeat: a claim
    /// that is checked by counting over the whole prefix. What is kept has the operation that is
    /// not possible and, of the values that were counted, an operation that put them in.
    Tally(Tally),
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 20] = {
        let mut all = [Rule::Observers; 20];
        all[1] = Rule::Elements;
        all[2] = Rule::Origins;
        all[3] = Rule::Sections;
        all[4] = Rule::Permits;
        let mut at = 0;
        while at < Pattern::ALL.len() {
            all[5 + at] = Rule::Growth(Pattern::ALL[at]);
            at += 1;
        }
        let mut at = 0;
        while at < Tally::ALL.len() {
            all[5 + Pattern::ALL.len() + at] = Rule::Tally(Tally::ALL[at]);
            at += 1;
        }
        all
    };

    /// What the rule claims of the prefix, after *that*, if it is a claim: then no order is tried.
    #[must_use]
    pub const fn claim(self) -> Option<&'static str> {
        match self {
            Rule::Observers | Rule::Elements | Rule::Origins | Rule::Sections => None,
            Rule::Permits => Some(
                "more was acquired than was free and released, or more released than was acquired",
            ),
            Rule::Growth(pattern) => Some(pattern.claim()),
            Rule::Tally(tally) => Some(tally.claim()),
        }
    }

    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Observers => "observers",
            Rule::Elements => "elements",
            Rule::Origins => "origins",
            Rule::Sections => "sections",
            Rule::Permits => "permits",
            Rule::Growth(pattern) => pattern.name(),
            Rule::Tally(tally) => tally.name(),
        }
    }
}

/// A sub-history of an object that no order explains, with the rule by which it was cut out.
///
/// It is about the prefix of the history up to the event `until`. Operations that began later are
/// left out: in an order of the whole history they come after everything that had ended by then.
/// Operations that were open then may be in an order of the prefix or not, with what is known of
/// them from later.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The keys that the object consists of: one, except for models of several.
    pub keys: Vec<Key>,
    /// What the object should be.
    pub model: ModelName,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
    /// The event that ends the prefix: the completion of an operation.
    pub until: EventIndex,
    /// What is kept, in the order of their invocations.
    pub operations: Vec<Kept>,
    /// Why the others may be left out.
    pub rule: Rule,
    /// The invocation of an operation that is kept, that had ended by the end of the prefix and
    /// whose result tells the state that it left (see [`crate::model::Object::leaves`]); `None` to
    /// begin with the state before the first operation. With [`Rule::Observers`] and
    /// [`Rule::Elements`] only.
    ///
    /// Take an order of what is left of the prefix by the rule, and of that what comes after this
    /// operation. It is an order that begins in that state. What had ended before the operation
    /// began is not in it, and may be left out. What began after it had ended is in it for
    /// certain. Everything else may be in it or not.
    pub since: Option<EventIndex>,
}

impl From<&Proof> for Certificate {
    fn from(proof: &Proof) -> Certificate {
        Certificate {
            keys: vec![proof.key.clone()],
            model: ModelKind::CasRegister.into(),
            failed_cas: proof.failed_cas,
            until: proof.until,
            operations: proof.operations.clone(),
            rule: Rule::Origins,
            since: None,
        }
    }
}
