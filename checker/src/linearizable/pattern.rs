//! What a few operations on an object that grows show to be impossible.

/// A claim about a few operations on an object that grows: a set, list or log, a counter, a
/// source of identifiers. Each can be checked by comparing what was recorded. Let *addition* mean
/// whatever makes the object grow. All that is claimed of what a read shows it must show for
/// certain: it had ended.
///
/// Of counters all but [`Pattern::TooMuch`] is claimed only where no increment of the prefix goes
/// the other way than another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Two operations show different elements in the same place, or two sets of which neither
    /// contains the other. What was there once stays there.
    Diverge,
    /// Reads show an element more often than it was added by operations that had begun by then.
    /// Of additions that tell where they were only those count that were in that place.
    Phantom,
    /// The same of an element that several reads show in different places.
    Twice,
    /// Two operations got the same identifier, offset or, by increments, number.
    SamePlace,
    /// An operation shows more elements than additions had begun besides it, or a number that is
    /// not the sum of increments: more or less than all that may have taken effect before it, or
    /// no multiple of what divides them all.
    TooMuch,
    /// A read shows an element, and all additions of that which could be meant began after the
    /// read had ended.
    NotYet,
    /// A read does not show an element whose addition had ended before the read began.
    Missed,
    /// A read had ended before another began that shows less.
    Older,
    /// Two additions are the wrong way round: the one that comes first began after the other had
    /// ended, or after a read had ended that shows that something came later; or a read shows an
    /// element that can only have been added after the end of the addition of another one, which
    /// it does not show.
    Reversed,
    /// An operation shows that so many additions came before it, but of those that had begun too
    /// few can have.
    TooFew,
    /// An operation shows that so many additions came before it, but more had ended when it began;
    /// or more since another operation had ended that shows how many there were before.
    TooMany,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Pattern; 11] = [
        Pattern::Diverge,
        Pattern::Phantom,
        Pattern::Twice,
        Pattern::SamePlace,
        Pattern::TooMuch,
        Pattern::NotYet,
        Pattern::Missed,
        Pattern::Older,
        Pattern::Reversed,
        Pattern::TooFew,
        Pattern::TooMany,
    ];

    /// As it is written in files, as the name of a rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Pattern::Diverge => "growth:diverge",
            Pattern::Phantom => "growth:phantom",
            Pattern::Twice => "growth:twice",
            Pattern::SamePlace => "growth:same-place",
            Pattern::TooMuch => "growth:too-much",
            Pattern::NotYet => "growth:not-yet",
            Pattern::Missed => "growth:missed",
            Pattern::Older => "growth:older",
            Pattern::Reversed => "growth:reversed",
            Pattern::TooFew => "growth:too-few",
            Pattern::TooMany => "growth:too-many",
        }
    }

    /// What it claims, after *that*.
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Pattern::Diverge => {
                "two operations show something of which neither can become the other"
            }
            Pattern::Phantom => {
                "a read shows an element that nobody may have added who had begun by its end"
            }
            Pattern::Twice => "reads show an element in more places than it was added in",
            Pattern::SamePlace => "two operations got the same",
            Pattern::TooMuch => {
                "an operation shows more, or another number, than there can have been"
            }
            Pattern::NotYet => {
                "a read shows an element that anybody began to add only after the end of the read"
            }
            Pattern::Missed => "an operation does not show what had been added before it began",
            Pattern::Older => {
                "an operation shows less than another one that had ended before it began"
            }
            Pattern::Reversed => {
                "an operation had ended before another one began that must come before it"
            }
            Pattern::TooFew => {
                "an operation shows more than all that may come before it can have added"
            }
            Pattern::TooMany => "an operation shows less than those had added that come before it",
        }
    }
}
