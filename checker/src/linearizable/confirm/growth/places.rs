//! Lists and logs: what is in which place.

use polygraph_history::Value;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Operation, Pattern, any_pair};

/// What an operation says.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    /// An append, and where that is if it tells.
    Append {
        value: &'a Value,
        offset: Option<u64>,
    },
    /// That these follow each other from a place on.
    Part { from: u64, values: &'a [Value] },
    /// That just these were there.
    Whole(&'a [Value]),
}

type Saying<'a> = Operation<Said<'a>>;

impl<'a> Saying<'a> {
    /// What it shows, from which place on, if it had ended.
    fn shown(&self) -> Option<(u64, &'a [Value])> {
        match self.said {
            _ if !self.certain() => None,
            Said::Append { value, offset } => Some((offset?, std::slice::from_ref(value))),
            Said::Part { from, values } => Some((from, values)),
            Said::Whole(values) => Some((0, values)),
        }
    }

    /// The same of a read.
    fn read(&self) -> Option<(u64, &'a [Value])> {
        let is_read = !matches!(self.said, Said::Append { .. });
        self.shown().filter(|_| is_read)
    }

    /// All that was there, if it shows that.
    const fn whole(&self) -> Option<&'a [Value]> {
        match self.said {
            Said::Whole(values) if self.certain() => Some(values),
            _ => None,
        }
    }

    /// What it appended, whether for certain or not, and where if it tells.
    const fn appended(&self) -> Option<(&'a Value, Option<u64>)> {
        match self.said {
            Said::Append { value, offset } => Some((value, offset)),
            Said::Part { .. } | Said::Whole(_) => None,
        }
    }
}

/// So many places are filled when it is done, as far as it shows itself.
fn reached((from, values): (u64, &[Value])) -> u64 {
    if values.is_empty() {
        0
    } else {
        from.saturating_add(values.len() as u64)
    }
}

/// Places of elements, from the first on.
fn places((from, values): (u64, &[Value])) -> impl Iterator<Item = (u64, &Value)> {
    (from..).zip(values)
}

/// The prefix of a list or log.
pub(super) struct Places<'a> {
    all: Vec<Saying<'a>>,
    /// Who appended a value without telling where.
    untold: FxHashMap<&'a Value, Vec<usize>>,
    /// Who told that it appended there.
    told: FxHashMap<u64, Vec<usize>>,
    /// What is where, as far as that is certain.
    known: FxHashMap<u64, &'a Value>,
    /// Where each value is.
    places_of: FxHashMap<&'a Value, Vec<u64>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(all: Vec<Saying<'a>>) -> Places<'a> {
        let mut untold: FxHashMap<&Value, Vec<usize>> = FxHashMap::default();
        let mut told: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (at, operation) in all.iter().enumerate() {
            match operation.appended() {
                Some((value, None)) => untold.entry(value).or_default().push(at),
                Some((_, Some(offset))) => told.entry(offset).or_default().push(at),
                None => {}
            }
        }
        // Of reads of all the longest has what the others have.
        let longest = all.iter().enumerate();
        let longest = longest.max_by_key(|(_, it)| it.whole().map(<[Value]>::len));
        let longest = longest.map(|(at, _)| at);
        let mut known = FxHashMap::default();
        for (at, operation) in all.iter().enumerate() {
            if operation.whole().is_none() || operation.kept || Some(at) == longest {
                known.extend(operation.shown().into_iter().flat_map(places));
            }
        }
        let mut places_of: FxHashMap<&Value, Vec<u64>> = FxHashMap::default();
        for (&place, &value) in &known {
            places_of.entry(value).or_default().push(place);
        }
        Places {
            all,
            untold,
            told,
            known,
            places_of,
        }
    }

    fn kept(&self) -> impl Iterator<Item = (usize, &Saying<'a>)> {
        let all = self.all.iter().enumerate();
        all.filter(|(_, operation)| operation.kept)
    }

    /// Whether what is kept shows the pattern.
    pub(super) fn show(&self, pattern: Pattern) -> bool {
        match pattern {
            Pattern::Diverge => any_pair(&self.all, |one, other| {
                let shown = one.shown().zip(other.shown());
                shown.is_some_and(|(one, other)| differ(one, other))
            }),
            Pattern::Phantom | Pattern::Twice | Pattern::NotYet => self.unexplained(),
            Pattern::SamePlace => any_pair(&self.all, |one, other| {
                let told = |it: &Saying<'a>| it.appended().filter(|_| it.certain())?.1;
                told(one).zip(told(other)).is_some_and(|(a, b)| a == b)
            }),
            Pattern::TooMuch | Pattern::TooFew => self.kept().any(|(at, _)| {
                let length = self.before(at);
                length.is_some_and(|length| self.too_few(at, length))
            }),
            Pattern::Missed => any_pair(&self.all, |append, read| {
                append
                    .appended()
                    .zip(read.whole())
                    .is_some_and(|it| self.missed(it, read.start))
                    && append.end < read.start
            }),
            Pattern::Older => any_pair(&self.all, |earlier, later| {
                let shown = earlier.shown().map(reached).zip(later.whole());
                shown.is_some_and(|(reached, later)| reached > later.len() as u64)
                    && earlier.end < later.start
            }),
            Pattern::Reversed => self.reversed() || self.lacking(),
            Pattern::TooMany => self.kept().any(|(_, operation)| {
                let mut ahead = self.ahead_of(operation);
                ahead.any(|(length, moment)| self.too_many(length, moment))
            }),
        }
    }

    /// Who may have appended this value in this place.
    fn candidates(&self, place: u64, value: &Value) -> Vec<usize> {
        let told = self.told.get(&place).map_or(&[][..], Vec::as_slice);
        // Whoever told that and had ended is it.
        if let Some(&certain) = told.iter().find(|&&at| self.all[at].certain()) {
            return vec![certain];
        }
        let same = |&&at: &&usize| self.all[at].appended().is_some_and(|it| it.0 == value);
        let untold = self.untold.get(value).map_or(&[][..], Vec::as_slice);
        let told = told.iter().filter(same);
        told.chain(untold).copied().collect()
    }

    /// The first beginning of who may have appended this value in this place; `None` if nobody
    /// may.
    fn begun(&self, place: u64, value: &Value) -> Option<u64> {
        let candidates = self.candidates(place, value).into_iter();
        candidates.map(|at| self.all[at].start).min()
    }

    /// Where an append that did not tell it certainly is.
    fn place_of(&self, at: usize) -> Option<u64> {
        let (value, offset) = self.all[at].appended()?;
        let alone = offset.is_none() && self.untold.get(value)?.len() == 1;
        let places = self.places_of.get(value).filter(|_| alone)?;
        let is_its = |&&place: &&u64| self.candidates(place, value) == [at];
        places.iter().find(is_its).copied()
    }

    /// How many places were filled before an operation that had ended, as far as is known.
    fn before(&self, at: usize) -> Option<u64> {
        let operation = &self.all[at];
        match operation.said {
            _ if !operation.certain() => None,
            Said::Append { offset, .. } => offset.or_else(|| self.place_of(at)),
            Said::Part { .. } | Said::Whole(_) => operation.shown().map(reached),
        }
    }

    /// How many places are filled when an operation is done that had ended, as far as is known.
    fn after(&self, at: usize) -> Option<u64> {
        let operation = &self.all[at];
        match (operation.shown(), operation.certain()) {
            (Some(shown), _) => Some(reached(shown)),
            (None, true) => Some(self.place_of(at)?.saturating_add(1)),
            (None, false) => None,
        }
    }

    /// Whether the reads that are kept show a value in more places than it was appended in.
    fn unexplained(&self) -> bool {
        let mut shown: FxHashMap<&Value, (FxHashSet<u64>, u64)> = FxHashMap::default();
        for (_, operation) in self.kept() {
            for (place, value) in operation.read().into_iter().flat_map(places) {
                let (places, by) = shown.entry(value).or_default();
                places.insert(place);
                *by = operation.end.max(*by);
            }
        }
        shown.into_iter().any(|(value, (places, by))| {
            let begun = |&&at: &&usize| self.all[at].start <= by;
            let same = |&&at: &&usize| self.all[at].appended().is_some_and(|it| it.0 == value);
            let told = |place: &u64| {
                let told = self.told.get(place).into_iter().flatten();
                told.filter(begun).any(|at| same(&at))
            };
            let missing = places.iter().filter(|place| !told(place)).count();
            let untold = self.untold.get(value).into_iter().flatten();
            missing > untold.filter(begun).count()
        })
    }

    /// Whether a read that began at this moment shows a value less often than it was appended, or
    /// ends before the place where this was.
    fn missed(&self, (append, read): ((&Value, Option<u64>), &[Value]), start: u64) -> bool {
        let (value, offset) = append;
        let ended = self.all.iter().filter(|it| it.end < start);
        let ended = ended.filter_map(Saying::appended);
        let appended = ended.filter(|&(other, _)| other == value).count();
        let found = read.iter().filter(|&other| other == value).count();
        appended > found || offset.is_some_and(|offset| offset >= read.len() as u64)
    }

    /// Whether so many places cannot have been filled before an operation had ended.
    fn too_few(&self, at: usize, length: u64) -> bool {
        let by = self.all[at].end;
        // By value: in how many places below and above it is that nobody told.
        let mut needed: FxHashMap<&Value, (usize, usize)> = FxHashMap::default();
        let mut filled = 0_u64;
        for (&place, &value) in &self.known {
            filled += u64::from(place < length);
            if !self.told.contains_key(&place) {
                let needed = needed.entry(value).or_default();
                if place < length {
                    needed.0 += 1;
                } else {
                    needed.1 += 1;
                }
            }
        }
        let not_known = self
            .told
            .keys()
            .filter(|place| !self.known.contains_key(place));
        filled += not_known.filter(|&&place| place < length).count() as u64;
        let spare: usize = (self.untold.iter())
            .map(|(value, appends)| {
                let begun = |&&other: &&usize| other != at && self.all[other].start <= by;
                let begun = appends.iter().filter(begun).count();
                let (below, above) = needed.get(value).copied().unwrap_or_default();
                let behind = above.saturating_sub(appends.len() - begun);
                begun.saturating_sub(below).saturating_sub(behind)
            })
            .sum();
        (spare as u64) < length.saturating_sub(filled)
    }

    /// Whether an operation had ended that comes behind what all who may have appended it began to
    /// append only later.
    fn reversed(&self) -> bool {
        // By place: until when nobody had begun to fill it or one before it.
        let begun = |(&place, &value): (&u64, &&Value)| Some((place, self.begun(place, value)?));
        let mut latest: Vec<(u64, u64)> = self.known.iter().filter_map(begun).collect();
        latest.sort_unstable();
        let mut until = 0;
        for (_, begun) in &mut latest {
            until = until.max(*begun);
            *begun = until;
        }
        let late = |(at, operation): (usize, &Saying<'a>)| {
            let reached = self.after(at)?;
            let before = latest.partition_point(|&(place, _)| place < reached);
            let (_, begun) = latest[before.checked_sub(1)?];
            Some(operation.end < begun)
        };
        self.kept().any(|kept| late(kept) == Some(true))
    }

    /// Whether an append had ended before anybody began to append what a read shows without it.
    fn lacking(&self) -> bool {
        any_pair(&self.all, |early, read| {
            let Some(((early_value, _), found)) = early.appended().zip(read.whole()) else {
                return false;
            };
            if !early.certain() || found.contains(early_value) {
                return false;
            }
            places((0, found))
                .filter_map(|(place, value)| self.begun(place, value))
                .any(|begun| early.end < begun)
        })
    }

    /// How many places were filled just before what an operation shows or appended, and a moment
    /// before which that did not happen.
    fn ahead_of(&self, operation: &Saying<'a>) -> impl Iterator<Item = (u64, u64)> {
        let whole = operation
            .whole()
            .map(|it| (it.len() as u64, operation.start));
        let appended = operation.appended();
        let told = appended
            .filter(|_| operation.certain())
            .and_then(|(_, offset)| Some((offset?, operation.start)));
        let untold = appended.filter(|(_, offset)| offset.is_none());
        let untold = untold.into_iter().flat_map(move |(value, _)| {
            let places = self.places_of.get(value).into_iter().flatten();
            places.filter_map(move |&place| Some((place, self.begun(place, value)?)))
        });
        whole.into_iter().chain(told).chain(untold)
    }

    /// Whether more came into the first so many places for certain, before a moment: of all of
    /// them, or of those behind what an operation had shown to be filled before they began.
    fn too_many(&self, length: u64, moment: u64) -> bool {
        let mut known: Vec<u64> = self.known.keys().copied().collect();
        known.retain(|&place| place < length);
        known.sort_unstable();
        let elsewhere = |value: &Value| {
            let places = self.places_of.get(value);
            places.is_none_or(|places| places.iter().all(|&place| place >= length))
        };
        let inside = self.all.iter().filter(|operation| operation.end < moment);
        let mut begun: Vec<u64> = inside
            .filter(|operation| {
                let untold = operation.appended().filter(|(_, offset)| offset.is_none());
                untold.is_some_and(|(value, _)| elsewhere(value))
            })
            .map(|operation| operation.start)
            .collect();
        begun.sort_unstable();
        let more = |filled: u64, since: Option<u64>| {
            let known = known.len() - known.partition_point(|&place| place < filled);
            let earlier = since.map_or(0, |since| begun.partition_point(|&start| start <= since));
            (known + begun.len() - earlier) as u64 > length - filled
        };
        let ended = (0..self.all.len()).filter(|&at| self.all[at].end < moment);
        let mut shown: Vec<(u64, u64)> = ended
            .filter_map(|at| Some((self.all[at].end, self.after(at)?)))
            .filter(|&(_, after)| after <= length)
            .collect();
        shown.sort_unstable();
        let mut filled = 0;
        more(0, None)
            || shown.into_iter().any(|(end, after)| {
                filled = after.max(filled);
                more(filled, Some(end))
            })
    }
}

/// Whether two show different elements in the same place.
fn differ((from, values): (u64, &[Value]), (other_from, others): (u64, &[Value])) -> bool {
    let skip = |ahead: u64| usize::try_from(ahead).unwrap_or(usize::MAX);
    let values = values.iter().skip(skip(other_from.saturating_sub(from)));
    let others = others.iter().skip(skip(from.saturating_sub(other_from)));
    values.zip(others).any(|(one, other)| one != other)
}
