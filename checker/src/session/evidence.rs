//! Evidence: from a violation to a proof and to sentences that a person believes.

use polygraph_history::{History, Outcome, Time, Value};

use super::elements::Breach;
use super::log::{Access, Part, access};
use super::orders::{Judged, REAL_TIME, Violation, span};
use super::register::{INITIAL, Register, Saw};
use super::{At, Fact, Proof, Rules, Subject};
use crate::Anomaly;
use polygraph_history::Key;

/// A violation that wants an explanation.
#[derive(Clone, Copy)]
pub(super) enum Case<'f, 'h> {
    /// Of a register: the violation of this number.
    Violation(&'f Judged<'h>, usize),
    /// Of a set or list.
    Breach(&'h Key, &'f Breach<'h>),
}

impl Case<'_, '_> {
    pub(super) fn read(&self) -> Part {
        match self {
            Case::Violation(judged, at) => judged.decided.violations[*at].read(),
            Case::Breach(_, breach) => breach.read(),
        }
    }
}

/// Works out the evidence, the shortest first.
pub(super) fn explain(history: &History, rules: Rules, cases: &[Case<'_, '_>]) -> Vec<Anomaly> {
    let teller = Teller { history, rules };
    let mut anomalies: Vec<(usize, Anomaly)> = cases
        .iter()
        .map(|case| match case {
            Case::Violation(judged, at) => teller.violation(judged, judged.decided.violations[*at]),
            Case::Breach(key, breach) => (1, teller.breach(key, breach)),
        })
        .collect();
    anomalies.sort_by_key(|&(length, _)| length);
    anomalies.into_iter().map(|(_, anomaly)| anomaly).collect()
}

struct Teller<'h> {
    history: &'h History,
    rules: Rules,
}

/// A fact over the writes of a register, by number.
#[derive(Clone, Copy)]
enum Link {
    Saw(Saw),
    RealTime(u32, u32),
    Session(u32, u32),
}

impl Link {
    const fn ends(self) -> (u32, u32) {
        match self {
            Link::Saw(saw) => (saw.visible, saw.returned),
            Link::RealTime(before, after) | Link::Session(before, after) => (before, after),
        }
    }
}

impl Teller<'_> {
    fn violation(&self, judged: &Judged<'_>, violation: Violation) -> (usize, Anomaly) {
        let register = &judged.register;
        let subject = Subject {
            rules: self.rules,
            key: register.key.clone(),
            element: register.element.cloned(),
        };
        let (visible, because, read) = match violation {
            Violation::Stale(visible, because, read) => (visible, because, read),
            Violation::Order(saw, read) => {
                let saw = judged.swept.saws[saw];
                (saw.visible, saw.because, read)
            }
        };
        let own = register.writes[visible as usize].part == because;
        let links = match violation {
            Violation::Stale(..) => Vec::new(),
            Violation::Order(saw, _) => circle(judged, judged.swept.saws[saw]),
        };
        let explanation = self.story(register, visible, because, read, &links);
        let mut parts = vec![register.writes[visible as usize].part, because, read];
        for link in &links {
            let (before, after) = link.ends();
            let writes = [before, after]
                .into_iter()
                .filter(|&write| write != INITIAL);
            parts.extend(writes.map(|write| register.writes[write as usize].part));
            if let Link::Saw(saw) = link {
                parts.extend([saw.because, saw.read]);
            }
        }
        let proof = match violation {
            Violation::Stale(..) => Proof::Stale {
                subject,
                visible: self.write_at(register, visible),
                because: self.at(because),
                read: self.at(read),
            },
            Violation::Order(..) => Proof::Cycle {
                subject,
                facts: links
                    .iter()
                    .map(|&link| self.fact(register, link))
                    .collect(),
            },
        };
        let absent =
            register.element.is_some() && register.writes[visible as usize].value != INITIAL;
        let kind = match (own, absent) {
            (true, true) => "lost-own-write",
            (true, false) => "stale-own-read",
            (false, _) => "non-monotonic-read",
        };
        let anomaly = self.anomaly(kind, explanation, parts, register.key, proof);
        (links.len(), anomaly)
    }

    fn breach(&self, key: &Key, breach: &Breach<'_>) -> Anomaly {
        let subject = |element: Option<&Value>| Subject {
            rules: self.rules,
            key: key.clone(),
            element: element.cloned(),
        };
        match breach {
            Breach::Missing { read, elements } => {
                let (element, because) = elements[0];
                let own = !self.is_read(because);
                let kind = match own {
                    true => "lost-own-write",
                    false => "non-monotonic-read",
                };
                let proof = Proof::Missing {
                    subject: subject(Some(element)),
                    because: self.at(because),
                    read: self.at(*read),
                };
                let did = match own {
                    true => format!("added {element} to {key}"),
                    false => format!("read {element} in {key}"),
                };
                let mut rest = String::new();
                if elements.len() > 1 {
                    const NAMED: usize = 4;
                    let more = elements[1..].iter().take(NAMED - 1);
                    let more: Vec<String> = more.map(|(element, _)| element.to_string()).collect();
                    let dots = if elements.len() > NAMED { " …" } else { "" };
                    let count = elements.len();
                    rest = format!(
                        " ({count} elements are missing: {element}, {}{dots})",
                        more.join(", ")
                    );
                }
                let explanation = format!(
                    "{} {did} (finished {}) and then read {key} at {} without it, though nobody removes it{rest}",
                    self.client(because),
                    self.finished(because),
                    self.began(*read),
                );
                self.anomaly(kind, explanation, vec![because, *read], key, proof)
            }
            Breach::Reversed {
                read,
                because,
                first,
                second,
            } => {
                let own = !self.is_read(because.0);
                let kind = match own {
                    true => "reversed-own-writes",
                    false => "non-monotonic-read",
                };
                let did = match own {
                    true => format!("appended first {first} and then {second} to {key}"),
                    false => format!("read {first} before {second} in {key}"),
                };
                let explanation = format!(
                    "{} {did} (finished {}) and then read {second} before {first} at {}",
                    self.client(because.1),
                    self.finished(because.1),
                    self.began(*read),
                );
                let proof = Proof::Reversed {
                    subject: subject(None),
                    elements: ((*first).clone(), (*second).clone()),
                    because: (self.at(because.0), self.at(because.1)),
                    read: self.at(*read),
                };
                let parts = vec![because.0, because.1, *read];
                self.anomaly(kind, explanation, parts, key, proof)
            }
        }
    }

    fn anomaly(
        &self,
        kind: &'static str,
        explanation: String,
        parts: Vec<Part>,
        key: &Key,
        proof: Proof,
    ) -> Anomaly {
        let mut operations: Vec<u64> = parts.into_iter().map(|part| self.at(part).event).collect();
        operations.sort_unstable();
        operations.dedup();
        Anomaly {
            kind,
            explanation,
            operations,
            key: Some(key.clone()),
            proof: crate::Proof::Session(proof),
        }
    }

    /// What a session did, what it read then, and why that is older.
    fn story(
        &self,
        register: &Register<'_>,
        visible: u32,
        because: Part,
        read: Part,
        links: &[Link],
    ) -> String {
        let own = register.writes[visible as usize].part == because;
        let did = match own {
            true => self.did(register, because),
            false => self.read(register, because),
        };
        let mut story = format!(
            "{} {did} (finished {}) and then {} at {}",
            self.client(because),
            self.finished(because),
            self.read(register, read),
            self.began(read),
        );
        match links {
            [] => story.push_str(", which is older, whoever put it there"),
            [_] => story.push_str(", which compare-and-sets had replaced before"),
            [Link::Saw(saw), Link::RealTime(before, after)]
                if (*before, *after) == (saw.returned, saw.visible) && *before != INITIAL =>
            {
                let writer = register.writes[*before as usize].part;
                story.push_str(&format!(
                    ", which {} had put there before (finished {})",
                    self.whose(register, *before),
                    self.finished(writer),
                ));
                if !own {
                    let newer = register.writes[*after as usize].part;
                    story.push_str(&format!(
                        ", when {} had not begun ({})",
                        self.whose(register, *after),
                        self.began(newer),
                    ));
                }
            }
            [_, rest @ ..] => {
                let told: Vec<String> =
                    rest.iter().map(|&link| self.told(register, link)).collect();
                let told = told.join("; ");
                let others = rest.iter().any(|link| matches!(link, Link::Saw(_)));
                story.push_str(&match others {
                    true => format!("; but {told}: no order of the writes explains it all"),
                    false => format!(", which is older: {told}"),
                });
                let mut joints = links.iter().zip(links.iter().cycle().skip(1));
                if joints.any(|(a, b)| a.ends().1 != b.ends().0) {
                    story.push_str(" (and a compare-and-set comes right after what it replaced)");
                }
            }
        }
        story
    }

    /// A fact as a sentence.
    fn told(&self, register: &Register<'_>, link: Link) -> String {
        let part = |write: u32| register.writes[write as usize].part;
        match link {
            Link::RealTime(INITIAL, after) => {
                format!(
                    "{} replaced what was there first",
                    self.whose(register, after)
                )
            }
            Link::RealTime(before, after) => format!(
                "{} finished ({}) before {} began ({})",
                self.whose(register, before),
                self.finished(part(before)),
                self.whose(register, after),
                self.began(part(after)),
            ),
            Link::Session(before, after) => format!(
                "{} came before {}, both in one session",
                self.whose(register, before),
                self.whose(register, after),
            ),
            Link::Saw(saw) => format!(
                "{} {} at {} after it {}",
                self.client(saw.read),
                self.read(register, saw.read),
                self.began(saw.read),
                match part(saw.visible) == saw.because {
                    true => self.did(register, saw.because),
                    false => self.read(register, saw.because),
                },
            ),
        }
    }

    /// `wrote x=7`, `removed 7 from x`.
    fn did(&self, register: &Register<'_>, write: Part) -> String {
        let key = register.key;
        match access(self.history, write) {
            Some((_, Access::Write(value))) => format!("wrote {key}={value}"),
            Some((_, Access::Cas { from, to })) => format!("set {key} from {from} to {to}"),
            Some((_, Access::Add(value))) => format!("added {value} to {key}"),
            Some((_, Access::Remove(value))) => format!("removed {value} from {key}"),
            _ => format!("changed {key}"),
        }
    }

    /// `client 2's write of 7`.
    fn whose(&self, register: &Register<'_>, write: u32) -> String {
        let part = register.writes[write as usize].part;
        let what = match access(self.history, part) {
            Some((_, Access::Write(value))) => format!("write of {value}"),
            Some((_, Access::Cas { to, .. })) => format!("compare-and-set to {to}"),
            Some((_, Access::Add(value))) => format!("add of {value}"),
            Some((_, Access::Remove(value))) => format!("removal of {value}"),
            _ => "write".to_owned(),
        };
        format!("{}'s {what}", self.client(part))
    }

    /// `read x=7`, `read x without 7`.
    fn read(&self, register: &Register<'_>, read: Part) -> String {
        let key = register.key;
        match (access(self.history, read), register.element) {
            (Some((_, Access::Read(value))), Some(element)) => {
                let has = value.elements().is_some_and(|all| all.contains(element));
                let with = if has { "with" } else { "without" };
                format!("read {key} {with} {element}")
            }
            (Some((_, Access::Read(Value::Null))), None) => format!("found nothing in {key}"),
            (Some((_, Access::Read(value))), None) => format!("read {key}={value}"),
            (Some((_, Access::Cas { from, .. })), _) => format!("found {key}={from}"),
            _ => format!("read {key}"),
        }
    }

    fn is_read(&self, part: Part) -> bool {
        matches!(access(self.history, part), Some((_, Access::Read(_))))
    }

    fn fact(&self, register: &Register<'_>, link: Link) -> Fact {
        let at = |write: u32| self.write_at(register, write);
        match link {
            Link::Saw(saw) => Fact::Saw {
                visible: at(saw.visible),
                because: self.at(saw.because),
                returned: at(saw.returned),
                read: self.at(saw.read),
            },
            Link::RealTime(INITIAL, after) => Fact::Initial { after: at(after) },
            Link::RealTime(before, after) => Fact::RealTime {
                before: at(before),
                after: at(after),
            },
            Link::Session(before, after) => Fact::Session {
                before: at(before),
                after: at(after),
            },
        }
    }

    fn write_at(&self, register: &Register<'_>, write: u32) -> At {
        self.at(register.writes[write as usize].part)
    }

    fn at(&self, part: Part) -> At {
        At {
            event: self.history.operations()[part.id()].invoke as u64,
            step: part.step as usize,
        }
    }

    /// Clients keep their number when they go on as another process.
    fn client(&self, part: Part) -> String {
        let process = self.history.operations()[part.id()].process;
        let clients = self.history.spec().map_or(0, |spec| spec.clients as u64);
        format!("client {}", process.checked_rem(clients).unwrap_or(process))
    }

    fn began(&self, part: Part) -> Time {
        self.history
            .invoked_at(&self.history.operations()[part.id()])
    }

    fn finished(&self, part: Part) -> String {
        let operation = &self.history.operations()[part.id()];
        match (operation.outcome, self.history.completed_at(operation)) {
            (Outcome::Ok, Some(time)) => time.to_string(),
            _ => "nobody knows when".to_owned(),
        }
    }
}

/// The facts that lead from what a read returned back to what was visible, after the read itself.
fn circle(judged: &Judged<'_>, saw: Saw) -> Vec<Link> {
    let register = &judged.register;
    let mut links = vec![Link::Saw(saw)];
    let Some(orders) = &judged.decided.orders else {
        return links;
    };
    let (from, to) = (orders.chain_of(saw.returned), orders.chain_of(saw.visible));
    if from == to {
        return links;
    }
    if span(register, saw.returned).1 < span(register, saw.visible).0 {
        links.push(Link::RealTime(saw.returned, saw.visible));
        return links;
    }
    let (graph, base) = orders.graph(&judged.swept);
    let chains = orders.chains();
    let path = graph
        .path(from, to, chains, base)
        .or_else(|| graph.path(from, to, chains, u32::MAX));
    let mut left = from;
    for (_, to, fact) in path.unwrap_or_default() {
        if to >= chains {
            continue;
        }
        let sessions = judged.swept.session_order.len();
        let number = (fact - REAL_TIME) as usize;
        links.push(match number {
            0 => {
                let (before, after) = orders.real_time(register, left, to);
                Link::RealTime(before, after)
            }
            number if number <= sessions => {
                let (before, after) = judged.swept.session_order[number - 1];
                Link::Session(before, after)
            }
            number => Link::Saw(judged.swept.saws[number - 1 - sessions]),
        });
        left = to;
    }
    links
}
