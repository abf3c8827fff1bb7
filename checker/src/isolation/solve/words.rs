//! Evidence in words: case by case, and in each the cycle.

use super::problem::{Because, Isolation};
use super::tree::{Arc, Case, Choice, Refutation, Why};
use super::witness::Moment;

/// How many sentences are written out.
const SHOWN: usize = 24;

/// How transactions and registers are called.
pub(super) struct Names<'a> {
    pub(super) transaction: &'a dyn Fn(u32) -> String,
    pub(super) key: &'a dyn Fn(u32) -> String,
}

/// Tells why there is no order.
pub(super) fn tell(refutation: &Refutation, names: &Names<'_>) -> String {
    let teller = Teller { refutation, names };
    let mut sentences: Vec<String> = Vec::new();
    // Cases that are still to be told, with what is to be said before them.
    let mut open: Vec<(usize, Option<String>)> = vec![(0, None)];
    while let Some((number, prelude)) = open.pop() {
        sentences.extend(prelude);
        let Some(case) = refutation.cases.get(number) else {
            continue;
        };
        let Case::Either {
            choice,
            first,
            second,
        } = case
        else {
            sentences.push(teller.cycle(number).unwrap_or_default());
            continue;
        };
        let [one, other] = choice.sides().map(|side| teller.order(side.0, side.1));
        let why = teller.choice(*choice);
        match (teller.cycle(*first), teller.cycle(*second)) {
            (Some(a), Some(b)) => {
                sentences.push(format!("Either {one} or {other}, for {why}. If {one}: {a}"));
                sentences.push(format!("If {other}: {b}"));
            }
            (Some(closed), None) => {
                let text = format!("Either {one} or {other}, for {why}. If {one}: {closed}");
                sentences.push(text);
                open.push((*second, Some(format!("So {other}."))));
            }
            (None, Some(closed)) => {
                let text = format!("Either {one} or {other}, for {why}. If {other}: {closed}");
                sentences.push(text);
                open.push((*first, Some(format!("So {one}."))));
            }
            (None, None) => {
                sentences.push(format!("Either {one} or {other}, for {why}."));
                open.push((*second, Some(format!("Suppose otherwise that {other}."))));
                open.push((*first, Some(format!("Suppose first that {one}."))));
            }
        }
    }
    let more = sentences.len().saturating_sub(SHOWN);
    sentences.truncate(SHOWN);
    if more > 0 {
        sentences.push(format!("({more} more sentences.)"));
    }
    sentences.join(" ")
}

struct Teller<'a> {
    refutation: &'a Refutation,
    names: &'a Names<'a>,
}

impl Teller<'_> {
    fn name(&self, txn: u32) -> String {
        (self.names.transaction)(txn)
    }

    fn key(&self, key: u32) -> String {
        (self.names.key)(key)
    }

    /// One moment before another.
    fn order(&self, from: Moment, to: Moment) -> String {
        let serializable = self.refutation.level.isolation == Isolation::Serializable;
        let (Moment::Start(first) | Moment::Commit(first)) = from;
        let (Moment::Start(second) | Moment::Commit(second)) = to;
        let (first, second) = (self.name(first), self.name(second));
        let verb = |moment| match moment {
            _ if serializable => "comes",
            Moment::Start(_) => "starts",
            Moment::Commit(_) => "commits",
        };
        let end = match to {
            _ if serializable => String::new(),
            to => format!(" {}", verb(to)),
        };
        format!("{first} {} before {second}{end}", verb(from))
    }

    fn choice(&self, choice: Choice) -> String {
        match choice {
            Choice::Overwritten {
                key,
                from,
                reader,
                other,
            } => format!(
                "{} read what {} wrote to {}, and {} wrote to it too",
                self.name(reader),
                self.name(from),
                self.key(key),
                self.name(other)
            ),
            Choice::Conflicting { key, one, other } => format!(
                "{} and {} both wrote to {} and cannot have been concurrent",
                self.name(one),
                self.name(other),
                self.key(key)
            ),
        }
    }

    /// The cycle in which a case ends, if it does.
    fn cycle(&self, number: usize) -> Option<String> {
        let Some(Case::Cycle(arcs)) = self.refutation.cases.get(number) else {
            return None;
        };
        let steps: Vec<String> = arcs
            .iter()
            .filter(|arc| arc.because != Why::Within)
            .map(|arc| format!("{}{}", self.order(arc.from, arc.to), self.why(arc)))
            .collect();
        Some(format!("{}: a contradiction.", steps.join("; ")))
    }

    fn why(&self, arc: &Arc) -> String {
        let (Moment::Start(first) | Moment::Commit(first)) = arc.from;
        let (Moment::Start(second) | Moment::Commit(second)) = arc.to;
        match arc.because {
            Why::Within | Why::Assumed(_) => String::new(),
            Why::Known(Because::Session) => {
                ", because the same session performed one after the other".to_owned()
            }
            Why::Known(Because::RealTime) => {
                ", because one had ended when the other began".to_owned()
            }
            Why::Read { key } => format!(
                ", because {} read what {} wrote to {}",
                self.name(second),
                self.name(first),
                self.key(key)
            ),
            Why::Initial { key } => format!(
                ", because {} read the initial value of {}, which {} wrote",
                self.name(first),
                self.key(key),
                self.name(second)
            ),
        }
    }
}
