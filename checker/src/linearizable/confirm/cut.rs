//! Whether operations of any model are left out soundly: see [`Rule`].

use polygraph_history::{EventIndex, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::object::Recorded;
use super::stretch::{Base, Stretch};
use crate::linearizable::proof::{Certificate, Kept, Rule};
use crate::model::{Object, Scope};

/// Finds what a certificate keeps of a prefix.
///
/// # Errors
/// If something that it keeps is not in the prefix, is there twice, or has a part left out.
pub(super) fn find<'p, O>(
    prefix: &'p [Recorded<O>],
    certificate: &Certificate,
) -> Result<Vec<(&'p Recorded<O>, Kept)>, String> {
    let mut named: FxHashSet<EventIndex> = FxHashSet::default();
    let mut found = Vec::with_capacity(certificate.operations.len());
    for &kept in &certificate.operations {
        let event = kept.invoke;
        let Ok(at) = prefix.binary_search_by_key(&event, |operation| operation.invoke) else {
            return Err(format!(
                "event {event} began no operation on {} that says something by event {}",
                super::object::named(&certificate.keys),
                certificate.until
            ));
        };
        if !named.insert(event) {
            return Err(format!("event {event} is named twice"));
        }
        found.push((&prefix[at], kept));
    }
    Ok(found)
}

/// What a certificate keeps, if it is used with all that it found.
///
/// # Errors
/// If it is not, or something is not in the prefix.
pub(super) fn named<'p, O>(
    prefix: &'p [Recorded<O>],
    certificate: &Certificate,
) -> Result<Vec<&'p Recorded<O>>, String> {
    let found = find(prefix, certificate)?;
    if let Some((_, kept)) = found.iter().find(|(_, kept)| !kept.expectation) {
        return Err(format!(
            "event {} is kept without what it found, which the rule `{}` does not allow",
            kept.invoke,
            certificate.rule.name()
        ));
    }
    Ok(found.into_iter().map(|(operation, _)| operation).collect())
}

/// What is kept of the prefix, if the rest is left out soundly.
pub(super) fn kept<M: Object>(
    model: &M,
    prefix: &[Recorded<M::Op>],
    certificate: &Certificate,
) -> Result<Stretch<M::State, M::Op>, String> {
    let kept: Vec<Recorded<M::Op>> = named(prefix, certificate)?.into_iter().cloned().collect();
    let base = Base::find(&kept, certificate)?;
    let mut alone = false;
    match certificate.rule {
        // What is left out was looked at before.
        Rule::Sections | Rule::Permits | Rule::Growth(_) | Rule::Tally(_) => {}
        Rule::Elements => alone = whole_elements::<M>(model, prefix, &kept, base)? == 1,
        Rule::Observers | Rule::Origins => {
            let named: FxHashSet<EventIndex> = kept.iter().map(|kept| kept.invoke).collect();
            let needed = |operation: &&Recorded<M::Op>| {
                !model.only_observes(&operation.op)
                    && !base.is_some_and(|base| base.follows(operation))
            };
            if let Some(missing) = prefix
                .iter()
                .filter(needed)
                .find(|operation| !named.contains(&operation.invoke))
            {
                return Err(format!(
                    "event {} is left out, and does more than observe",
                    missing.invoke
                ));
            }
        }
    }
    match base {
        None => Ok(Stretch::whole(model, kept)),
        Some(base) => Stretch::since(model, base, kept, alone),
    }
}

/// Whether everything that is left out observes only, or came before all others, or belongs to an
/// element of which nothing is kept. Gives back of how many elements something is.
fn whole_elements<M: Object>(
    model: &M,
    prefix: &[Recorded<M::Op>],
    kept: &[Recorded<M::Op>],
    base: Option<Base>,
) -> Result<usize, String> {
    let mut elements: FxHashMap<&Value, EventIndex> = FxHashMap::default();
    let mut named: FxHashSet<EventIndex> = FxHashSet::default();
    for operation in kept {
        named.insert(operation.invoke);
        match M::scope(&operation.op) {
            Scope::Element(element) => {
                elements.insert(element, operation.invoke);
            }
            Scope::AllElements => {
                return Err(format!(
                    "event {} is kept, which depends on all elements",
                    operation.invoke
                ));
            }
            Scope::NoElement | Scope::SomeElement => {}
        }
    }
    for operation in prefix {
        let event = operation.invoke;
        let scope = M::scope(&operation.op);
        // Whatever it took may be one of those that are left out.
        if scope == Scope::SomeElement && !operation.optional() {
            return Err(format!(
                "event {event} took an element that is not known, so that none may be left out"
            ));
        }
        if named.contains(&event) || model.only_observes(&operation.op) {
            continue;
        }
        match scope {
            Scope::Element(element) => {
                let earlier = base.is_some_and(|base| base.follows(operation));
                if let Some(other) = elements.get(element).filter(|_| !earlier) {
                    return Err(format!(
                        "event {event} is left out, and event {other} on the same element is kept"
                    ));
                }
            }
            Scope::NoElement => {}
            Scope::SomeElement | Scope::AllElements => {
                return Err(format!(
                    "event {event} is left out, and does more than observe"
                ));
            }
        }
    }
    Ok(elements.len())
}
