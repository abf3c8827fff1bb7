//! What shows that an object has no order: a small sub-history that was cut out soundly.

use polygraph_history::{EventIndex, History, Value};

use super::informed::search_from;
use super::named::{Attempt, Named};
use super::words::Words;
use super::{Calls, Judged, Object};
use crate::linearizable::confirm::{NotConfirmed, confirm_certificate_within};
use crate::linearizable::container::refuted::Why as Container;
use crate::linearizable::effort;
use crate::linearizable::item::Item;
use crate::linearizable::linear::{Linear, Refuted, ThenLinear, Why, with_linear};
use crate::linearizable::minimal::{minimal, shortest};
use crate::linearizable::proof::{Certificate, Kept, Rule};
use crate::linearizable::search::{Answer, Limits, Ration, Wanted};
use crate::linearizable::witness::ModelName;
use crate::model::{ModelKind, Scope};
use crate::{Anomaly, Options, Proof};

/// Works out the evidence against an object that has no order, and whether it was confirmed.
pub(in crate::linearizable) fn anomaly(
    history: &History,
    options: &Options,
    object: &Object,
    judged: &Judged,
    limits: &Limits<'_>,
) -> (Anomaly, Result<(), NotConfirmed>) {
    let name = object.model.clone().expect("what was judged has a model");
    let calls = Calls {
        history,
        operations: &object.operations,
        failed_cas: options.failed_cas,
    };
    let show = Show {
        calls: &calls,
        object,
        name: &name,
        judged,
        limits,
    };
    let (certificate, refuted, confirmed) =
        with_linear(&name, show).expect("what was judged has a model");
    let words = Words {
        history,
        object,
        certificate: &certificate,
    };
    let (kind, explanation) = words.tell(
        refuted.as_ref(),
        &object_operations(&calls, refuted.as_ref(), &name),
    );
    let operations = certificate.operations.iter().map(|kept| kept.invoke as u64);
    let anomaly = Anomaly {
        kind,
        explanation,
        operations: operations.collect(),
        key: object.keys.first().cloned(),
        proof: Proof::Certificate(certificate),
    };
    (anomaly, confirmed)
}

/// The invocations of the operations that a near-linear way named, in its order.
fn object_operations(
    calls: &Calls<'_>,
    refuted: Option<&Refuted>,
    name: &ModelName,
) -> Vec<EventIndex> {
    struct Invocations<'a>(&'a Calls<'a>, &'a [usize]);
    impl ThenLinear for Invocations<'_> {
        type Output = Vec<EventIndex>;

        fn with<M: Linear>(self, _: &M) -> Vec<EventIndex> {
            let items = self.0.items::<M, _>(|_| ()).unwrap_or_default();
            let invoke = |&at: &usize| self.0.history.operations()[items[at].operation].invoke;
            self.1.iter().map(invoke).collect()
        }
    }
    let named = refuted.map_or(&[][..], |refuted| &refuted.operations);
    with_linear(name, Invocations(calls, named)).unwrap_or_default()
}

struct Show<'a> {
    calls: &'a Calls<'a>,
    object: &'a Object,
    name: &'a ModelName,
    judged: &'a Judged,
    limits: &'a Limits<'a>,
}

impl ThenLinear for Show<'_> {
    type Output = (Certificate, Option<Refuted>, Result<(), NotConfirmed>);

    fn with<M: Linear>(self, model: &M) -> Self::Output {
        let history = self.calls.history;
        let effort = effort(self.limits);
        let items = self.calls.items::<M, _>(|op| op).unwrap_or_default();
        if let Some(refuted) = &self.judged.refuted {
            for certificate in self.attempts::<M>(&items, refuted) {
                if confirm_certificate_within(history, &certificate, &effort).is_ok() {
                    return (certificate, Some(refuted.clone()), Ok(()));
                }
            }
        }
        let certificate = self.smallest(model, &items);
        let confirmed = confirm_certificate_within(history, &certificate, &effort).map(|_| ());
        (certificate, self.judged.refuted.clone(), confirmed)
    }
}

impl Show<'_> {
    /// What may show what a near-linear way found, the smallest first.
    fn attempts<M: Linear>(&self, items: &[Item<M::Op>], refuted: &Refuted) -> Vec<Certificate> {
        let processes = |at: usize| self.calls.history.operations()[items[at].operation].process;
        let named = Named {
            items,
            operations: &refuted.operations,
            process: &processes,
        };
        let whole = |&at: &usize| M::scope(&items[at].action) != Scope::AllElements;
        let mut attempts: Vec<Attempt> = match refuted.why {
            Why::Container(Container::Tally(tally)) => vec![named.of_tally(tally)],
            Why::Container(why) => {
                let anybodys = self.name.kind == ModelKind::Semaphore
                    || self.name.parameters.get("owned") == Some(&Value::Int(0));
                named.of_lock(why, anybodys)
            }
            Why::Sequence(why) => vec![named.of_growth(why)],
        };
        let rule = if refuted.operations.iter().all(whole) {
            Rule::Elements
        } else {
            Rule::Observers
        };
        attempts.push(Attempt::of(refuted.operations.clone(), rule));
        attempts
            .into_iter()
            .map(|attempt| self.certificate(items, &attempt))
            .collect()
    }

    /// The certificate of an attempt. What began after its prefix is not kept.
    fn certificate<O>(&self, items: &[Item<O>], attempt: &Attempt) -> Certificate {
        let ended = attempt.ended.iter().map(|&at| &items[at]);
        let ended = ended.filter(|item| !item.pending());
        let last = ended.max_by_key(|item| item.end);
        let (end, until) = last.map_or((0, 0), |item| (item.end, item.returned));
        let named = attempt.kept.iter().map(|&at| &items[at]);
        let mut operations: Vec<Kept> = named
            .filter(|item| item.start <= end)
            .map(|item| Kept {
                invoke: self.calls.history.operations()[item.operation].invoke,
                expectation: true,
            })
            .collect();
        operations.sort_by_key(|kept| kept.invoke);
        operations.dedup();
        Certificate {
            keys: self.object.keys.clone(),
            model: self.name.clone(),
            failed_cas: self.calls.failed_cas,
            until,
            operations,
            rule: attempt.rule,
            since: None,
        }
    }

    /// What is left when nothing more can be left out.
    fn smallest<M: Linear>(&self, model: &M, items: &[Item<M::Op>]) -> Certificate {
        let mut ration = Ration::new(self.limits);
        let mut wrong = |state: &M::State, kept: &[Item<M::Op>]| {
            let limits = ration.next()?;
            let found = search_from(model, state, kept, &limits, Wanted::Answer);
            Some(ration.spend(found.steps, kept.len(), found.answer))
        };
        let end = match (self.judged.answer, &self.judged.refuted) {
            // The search says where the shortest prefix ends, unless it knew what comes later.
            (Answer::Violated { by, .. }, None) if model.foresight(items).is_none() => by,
            _ => shortest(model, items, &mut wrong),
        };
        let minimal = minimal(model, items, end, &mut wrong);
        let certificate = minimal.certificate(
            self.calls.history,
            &self.object.keys[0],
            self.name.clone(),
            self.calls.failed_cas,
        );
        Certificate {
            keys: self.object.keys.clone(),
            ..certificate
        }
    }
}
