//! One fault of a schedule, as it is planned and as it is resolved.

use polygraph_history::{Effect, FaultEvent, FaultFamily, Link, NodeId, Phase, Time};
use serde::{Deserialize, Serialize};

/// A fault of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Its place in the schedule.
    pub id: u64,
    /// Its family.
    pub family: FaultFamily,
    /// How it was drawn.
    pub shape: String,
    /// When it begins.
    pub start: Time,
    /// When it is healed.
    pub end: Time,
    /// What it does.
    pub what: What,
}

/// What a fault does: to nodes and links that are known beforehand, or to whoever has a role when
/// it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum What {
    /// This.
    Effect(Effect),
    /// All links between whoever has the role and the others are cut, or held.
    Alone {
        /// Who.
        role: Role,
        /// Held instead of cut.
        hold: bool,
    },
    /// Whoever has the role dies.
    Kill(Role),
    /// Whoever has the role stands still.
    Pause(Role),
    /// The role had resolved to nobody when the fault was applied.
    Nobody(Role),
}

/// Whom a fault is aimed at, found out when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Of the nodes that believe to lead, the one with the highest epoch.
    Leader,
}

impl Role {
    /// As it is recorded.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Leader => "leader",
        }
    }
}

impl Planned {
    /// The role it is aimed at, if any.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match self.what {
            What::Effect(_) => None,
            What::Alone { role, .. }
            | What::Kill(role)
            | What::Pause(role)
            | What::Nobody(role) => Some(role),
        }
    }

    /// The fault as it is recorded.
    #[must_use]
    pub fn event(&self, phase: Phase, effect: Option<Effect>) -> FaultEvent {
        FaultEvent {
            id: self.id,
            kind: self.family,
            phase,
            shape: self.shape.clone(),
            role: self.role().map(|role| role.name().to_owned()),
            effect,
        }
    }
}

/// What a fault does, now that it begins; `None` if nobody has the role that it is aimed at.
#[must_use]
pub fn resolve(planned: &Planned, leaders: &[(NodeId, u64)], nodes: &[NodeId]) -> Option<Effect> {
    let who = |role| match role {
        Role::Leader => leaders
            .iter()
            .max_by_key(|(node, epoch)| (*epoch, *node))
            .map(|&(node, _)| node),
    };
    Some(match &planned.what {
        What::Effect(effect) => effect.clone(),
        What::Alone { role, hold } => {
            let links = between(&[who(*role)?], nodes);
            if *hold {
                Effect::Hold(links)
            } else {
                Effect::Cut(links)
            }
        }
        What::Kill(role) => Effect::Kill(vec![who(*role)?]),
        What::Pause(role) => Effect::Pause(vec![who(*role)?]),
        What::Nobody(_) => return None,
    })
}

/// All links, in both directions, between some nodes and the others.
pub(crate) fn between(some: &[NodeId], nodes: &[NodeId]) -> Vec<Link> {
    let mut links = Vec::new();
    for &from in nodes {
        for &to in nodes {
            if some.contains(&from) != some.contains(&to) {
                links.push(Link { from, to });
            }
        }
    }
    links
}
