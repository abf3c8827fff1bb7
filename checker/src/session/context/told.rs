//! Evidence across keys: who did what, in the order in which it matters.

use polygraph_history::{Outcome, Time, Value};

use super::{Conflict, Context, Node, Why};
use crate::Anomaly;
use crate::session::log::{Access, access};
use crate::session::{At, Link, Place, Proof};

/// Works out the evidence of a conflict.
pub(in crate::session) fn tell(context: &Context<'_>, conflict: &Conflict) -> Anomaly {
    let mut nodes: Vec<u32> = Vec::new();
    let (kind, explanation, proof) = match conflict {
        Conflict::Unseen(path) => {
            nodes.extend(path);
            let proof = Proof::Unseen {
                rules: context.rules,
                path: context.places(path),
            };
            let explanation = format!(
                "{}, though {} was to be seen",
                context.story(path),
                context.thing(path[0])
            );
            ("unseen-write", explanation, proof)
        }
        Conflict::Circle(facts) => {
            let mut graph = None;
            let (mut links, mut clauses) = (Vec::new(), Vec::new());
            for &(from, to, why) in facts {
                nodes.extend([from, to]);
                let mut path = vec![from, to];
                if let Why::Saw(read) = why {
                    let graph = graph.get_or_insert_with(|| context.graph());
                    path = context.path(graph, from, read).unwrap_or(path);
                    nodes.extend(&path);
                }
                clauses.push(context.clause(&path, to, why));
                links.push(context.fact(&path, to, why));
            }
            let explanation = format!(
                "{}: no order of the writes explains it all",
                clauses.join("; ")
            );
            let proof = Proof::Circle {
                rules: context.rules,
                links,
            };
            ("contradictory-orders", explanation, proof)
        }
    };
    let mut operations: Vec<u64> = nodes.iter().map(|&node| context.at(node).event).collect();
    operations.sort_unstable();
    operations.dedup();
    let key = access(context.history, context.nodes[nodes[0] as usize].part);
    Anomaly {
        kind,
        explanation,
        operations,
        key: key.map(|(key, _)| key.clone()),
        proof: crate::Proof::Session(proof),
    }
}

impl Context<'_> {
    fn at(&self, node: u32) -> At {
        let part = self.nodes[node as usize].part;
        At {
            event: self.history.operations()[part.id()].invoke as u64,
            step: part.step as usize,
        }
    }

    fn places(&self, path: &[u32]) -> Vec<Place> {
        let place = |&node: &u32| Place {
            at: self.at(node),
            writes: self.nodes[node as usize].writes,
        };
        path.iter().map(place).collect()
    }

    fn fact(&self, path: &[u32], to: u32, why: Why) -> Link {
        let places = self.places(path);
        match why {
            Why::ReadsFrom => Link::ReadsFrom {
                write: self.at(path[0]),
                read: self.at(to),
            },
            Why::Session => Link::Session {
                before: places[0],
                after: places[1],
            },
            Why::RealTime => Link::RealTime {
                before: self.at(path[0]),
                after: self.at(to),
            },
            Why::Replaced => Link::Replaced {
                from: self.at(path[0]),
                to: self.at(to),
            },
            Why::Saw(_) => Link::Saw {
                path: places,
                returned: self.at(to),
            },
        }
    }

    fn clause(&self, path: &[u32], to: u32, why: Why) -> String {
        match why {
            Why::ReadsFrom | Why::Session => self.story(path),
            Why::RealTime => format!(
                "{} wrote {} (finished {}) before {} wrote {} (began {})",
                self.client(path[0]),
                self.thing(path[0]),
                self.finished(path[0]),
                self.client(to),
                self.thing(to),
                self.began(to),
            ),
            Why::Replaced => format!(
                "{} replaced {} by {}",
                self.client(to),
                self.thing(path[0]),
                self.thing(to)
            ),
            Why::Saw(_) => format!(
                "{}, so that {} is older than {}",
                self.story(path),
                self.thing(path[0]),
                self.thing(to)
            ),
        }
    }

    /// `client 1 wrote x=1 and then wrote y=2; client 2 read y=2`.
    fn story(&self, path: &[u32]) -> String {
        let mut story = format!("{} {}", self.client(path[0]), self.did(path[0]));
        for pair in path.windows(2) {
            let (a, b) = (self.nodes[pair[0] as usize], self.nodes[pair[1] as usize]);
            story.push_str(&match b.from == pair[0] && a.writes && !b.writes {
                true => format!("; {} {}", self.client(pair[1]), self.did(pair[1])),
                false => format!(" and then {}", self.did(pair[1])),
            });
        }
        story
    }

    /// `x=1`.
    fn thing(&self, node: u32) -> String {
        match access(self.history, self.nodes[node as usize].part) {
            Some((key, Access::Write(value) | Access::Cas { to: value, .. })) => {
                format!("{key}={value}")
            }
            _ => "it".to_owned(),
        }
    }

    fn did(&self, node: u32) -> String {
        let Node { part, writes, .. } = self.nodes[node as usize];
        match access(self.history, part) {
            Some((key, Access::Write(value))) => format!("wrote {key}={value}"),
            Some((key, Access::Cas { from, to })) if writes => {
                format!("set {key} from {from} to {to}")
            }
            Some((
                key,
                Access::Read(Value::Null)
                | Access::Cas {
                    from: Value::Null, ..
                },
            )) => {
                format!("found nothing in {key}")
            }
            Some((key, Access::Read(value) | Access::Cas { from: value, .. })) => {
                format!("read {key}={value}")
            }
            _ => "did something".to_owned(),
        }
    }

    /// Clients keep their number when they go on as another process.
    fn client(&self, node: u32) -> String {
        let part = self.nodes[node as usize].part;
        let process = self.history.operations()[part.id()].process;
        let clients = self.history.spec().map_or(0, |spec| spec.clients as u64);
        format!("client {}", process.checked_rem(clients).unwrap_or(process))
    }

    fn began(&self, node: u32) -> Time {
        let part = self.nodes[node as usize].part;
        self.history
            .invoked_at(&self.history.operations()[part.id()])
    }

    fn finished(&self, node: u32) -> String {
        let operation = &self.history.operations()[self.nodes[node as usize].part.id()];
        match (operation.outcome, self.history.completed_at(operation)) {
            (Outcome::Ok, Some(time)) => time.to_string(),
            _ => "nobody knows when".to_owned(),
        }
    }
}
