//! Writes proofs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use polygraph_checker::isolation::{Schedule, confirm_violation};
use polygraph_checker::linearizable::{
    Certificate, Impasse, Linearization, Refused, Witness, impasses,
};
use polygraph_checker::{Anomaly, FailedCas};
use polygraph_history::{Guarantee, History, Key};
use serde::Serialize;

use super::line::{Cut, Header, Kind, Moments, Orders, Refusal, Shown, State};
use super::{VERSION, name};

/// How many operations a line has at most, so that no line is longer than a reader likes.
const A_LINE: usize = 10_000;
/// How many possible states are shown.
const STATES: usize = 8;

/// Writes the orders of a history that is linearizable.
///
/// # Errors
/// What writing gives.
pub fn write_witness(mut out: impl Write, witness: &Witness) -> io::Result<()> {
    let header = Header {
        polygraph: VERSION,
        proof: Kind::Witness,
        guarantee: Guarantee::Linearizable.name().to_owned(),
        failed_cas: name(witness.failed_cas).to_owned(),
        objects: witness.objects.len(),
    };
    write_line(&mut out, &header)?;
    for object in &witness.objects {
        write_order(&mut out, object)?;
    }
    out.flush()
}

/// Writes when transactions took their snapshots and committed.
///
/// # Errors
/// What writing gives.
pub fn write_schedule(mut out: impl Write, schedule: &Schedule) -> io::Result<()> {
    let header = Header {
        polygraph: VERSION,
        proof: Kind::Schedule,
        guarantee: schedule.guarantee.name().to_owned(),
        failed_cas: name(FailedCas::Observe).to_owned(),
        objects: schedule.moments.len(),
    };
    write_line(&mut out, &header)?;
    for chunk in schedule.moments.chunks(A_LINE) {
        let moments = chunk.to_vec();
        write_line(&mut out, &Moments { moments })?;
    }
    out.flush()
}

/// Writes what is wrong with transactions: the evidence of these anomalies, as far as it is against
/// this level of isolation and its second check accepts it. Says how many there were; of none
/// nothing is written.
///
/// # Errors
/// What writing gives.
pub fn write_violations<'a>(
    mut out: impl Write,
    history: &History,
    guarantee: Guarantee,
    anomalies: impl IntoIterator<Item = &'a Anomaly>,
) -> io::Result<usize> {
    let shown: Vec<Shown> = anomalies
        .into_iter()
        .filter_map(|anomaly| {
            let violation = anomaly.violation()?;
            let stands = confirm_violation(history, guarantee, &violation).is_ok();
            stands.then(|| Shown {
                violation,
                explanation: anomaly.explanation.clone(),
            })
        })
        .collect();
    if shown.is_empty() {
        return Ok(0);
    }
    let header = Header {
        polygraph: VERSION,
        proof: Kind::Violation,
        guarantee: guarantee.name().to_owned(),
        failed_cas: name(FailedCas::Observe).to_owned(),
        objects: shown.len(),
    };
    write_line(&mut out, &header)?;
    for line in &shown {
        write_line(&mut out, line)?;
    }
    out.flush()?;
    Ok(shown.len())
}

fn write_order(out: &mut impl Write, object: &Linearization) -> io::Result<()> {
    let (key, keys) = one_or_several(&object.keys);
    let mut chunks = object.order.chunks(A_LINE);
    let first = Orders {
        key,
        keys,
        model: Some(object.model.kind.name().to_owned()),
        parameters: object.model.parameters.clone(),
        order: chunks.next().unwrap_or_default().to_vec(),
    };
    write_line(out, &first)?;
    for chunk in chunks {
        let more = Orders {
            key: None,
            keys: None,
            model: None,
            parameters: BTreeMap::new(),
            order: chunk.to_vec(),
        };
        write_line(out, &more)?;
    }
    Ok(())
}

/// Writes what is wrong with the objects of a history that is not linearizable: the evidence of
/// these anomalies, as far as it is of linearizability. Says how many there were; of none nothing
/// is written.
///
/// # Errors
/// What writing gives.
pub fn write_certificates<'a>(
    mut out: impl Write,
    history: &History,
    anomalies: impl IntoIterator<Item = &'a Anomaly>,
) -> io::Result<usize> {
    let certificates: Vec<(&Anomaly, Certificate)> = anomalies
        .into_iter()
        .filter_map(|anomaly| Some((anomaly, anomaly.certificate()?)))
        .collect();
    let Some((_, first)) = certificates.first() else {
        return Ok(0);
    };
    let header = Header {
        polygraph: VERSION,
        proof: Kind::Certificate,
        guarantee: Guarantee::Linearizable.name().to_owned(),
        failed_cas: name(first.failed_cas).to_owned(),
        objects: certificates.len(),
    };
    write_line(&mut out, &header)?;
    for (anomaly, certificate) in &certificates {
        write_line(&mut out, &cut(history, anomaly, certificate))?;
    }
    out.flush()?;
    Ok(certificates.len())
}

fn cut(history: &History, anomaly: &Anomaly, certificate: &Certificate) -> Cut {
    let (key, keys) = one_or_several(&certificate.keys);
    let kept = certificate.operations.iter();
    let as_writes = kept.clone().filter(|kept| !kept.expectation);
    // What is too large to be shown is left out.
    let before = impasses(history, certificate, STATES).unwrap_or_default();
    Cut {
        key,
        keys,
        model: certificate.model.kind.name().to_owned(),
        parameters: certificate.model.parameters.clone(),
        rule: certificate.rule.name().to_owned(),
        since: certificate.since,
        until: certificate.until,
        operations: kept.map(|kept| kept.invoke).collect(),
        as_writes: as_writes.map(|kept| kept.invoke).collect(),
        kind: anomaly.kind.to_owned(),
        explanation: anomaly.explanation.clone(),
        before: before.into_iter().map(state).collect(),
    }
}

fn state(impasse: Impasse) -> State {
    let refusal = |refused: Refused| Refusal {
        operation: refused.invoke,
        why: refused.why,
    };
    State {
        order: impasse.order,
        refused: impasse.refused.into_iter().map(refusal).collect(),
    }
}

fn one_or_several(keys: &[Key]) -> (Option<Key>, Option<Vec<Key>>) {
    match keys {
        [key] => (Some(key.clone()), None),
        keys => (None, Some(keys.to_vec())),
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
