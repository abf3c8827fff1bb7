//! Whether a fault of a script can happen to a cluster, and beside the others.

use polygraph_cluster::clock::MAX_RATE_PPM;
use polygraph_history::{
    ClockEffect, Effect, FaultKind, Link, NodeId, Phase, SlowEffect, Time, format_duration,
};

use super::Wrong;
use crate::{Env, Planned, What, resolve};

/// The longest that a message may be delayed, nanoseconds: an hour.
const LONGEST_DELAY_NS: u64 = 3_600_000_000_000;

/// The farthest that a wall clock may be set off, nanoseconds: about three years.
const FARTHEST_NS: u64 = 100_000_000_000_000_000;

/// Whether the cluster can be made to suffer this, and is whole again by `end`.
pub(super) fn alone(fault: &Planned, env: &Env, end: Time) -> Result<(), Wrong> {
    let span = |time: Time| format_duration(time.since(Time::ZERO));
    if fault.end <= fault.start {
        return Err(Wrong::new(
            "end",
            "\"end\"",
            format!(
                "the fault ends at {}, and begins at {}",
                span(fault.end),
                span(fault.start)
            ),
            "an end after the start",
        ));
    }
    if fault.end > end {
        return Err(Wrong::new(
            "end",
            "\"end\"",
            format!("the fault ends at {}, after the run", span(fault.end)),
            format!("an end by {}, or a longer `--time`", span(end)),
        ));
    }
    if fault.role().is_some() && !env.has_leader {
        return Err(Wrong::new(
            "what",
            "\"leader\"",
            "the target has no leader",
            "nodes by name",
        ));
    }
    // Whoever leads: what is asked of the world is the same.
    let leaders: Vec<_> = env.nodes.iter().map(|&node| (node, 1)).take(1).collect();
    let hits_nobody = || {
        let expected = "at least one node or link";
        Wrong::new("what", "\"what\"", "the fault hits nobody", expected)
    };
    let effect = resolve(fault, &leaders, &env.nodes).ok_or_else(hits_nobody)?;
    let (nodes, links) = victims(&effect);
    if nodes.is_empty() && links.is_empty() {
        return Err(hits_nobody());
    }
    for node in nodes
        .into_iter()
        .chain(links.iter().flat_map(|link| [link.from, link.to]))
    {
        if !env.nodes.contains(&node) {
            return Err(Wrong::new(
                "what",
                format!("\"{node}\""),
                format!("there is no node {node}"),
                format!("n1 to n{}", env.nodes.len()),
            ));
        }
    }
    if let Some(link) = links.iter().find(|link| link.from == link.to) {
        return Err(Wrong::new(
            "what",
            format!("\"{}\"", link.from),
            format!("{} has no link to itself", link.from),
            "links between two nodes",
        ));
    }
    within_bounds(&effect)?;
    let kinds = fault.event(Phase::Start, Some(effect)).kinds();
    if kinds.is_empty() {
        return Err(Wrong::new(
            "what",
            "\"what\"",
            "the fault does nothing",
            "at least one value that is not zero or off",
        ));
    }
    let able = |kind: &&FaultKind| !env.capabilities.contains(kind);
    if let Some(kind) = kinds.iter().find(able) {
        let can: Vec<_> = env.capabilities.iter().map(|kind| kind.name()).collect();
        return Err(Wrong::new(
            "what",
            "\"what\"",
            format!("the world cannot make faults of the kind {kind}"),
            format!("one of {}", can.join(", ")),
        ));
    }
    Ok(())
}

/// Whether a fault can happen beside those of earlier lines.
pub(super) fn together(fault: &Planned, earlier: &[(usize, Planned)]) -> Result<(), Wrong> {
    for (number, other) in earlier {
        if other.id == fault.id {
            return Err(Wrong::new(
                "id",
                "\"id\"",
                format!("the fault of line {number} has the id {} too", fault.id),
                "ids that differ, or none at all",
            ));
        }
        // Links and processes are whole again when the last fault on them ends; of these the
        // later would undo the earlier.
        let overlap = fault.start < other.end && other.start < fault.end;
        if overlap && let Some((node, device)) = same_device(&fault.what, &other.what) {
            return Err(Wrong::new(
                "what",
                format!("\"{node}\""),
                format!("the fault of line {number} is at work on the {device} of {node} too"),
                "one fault at a time on a node's clocks, and one on its disk",
            ));
        }
    }
    Ok(())
}

/// The node whose clocks, or whose disk, both are about, and which of these.
fn same_device(one: &What, other: &What) -> Option<(NodeId, &'static str)> {
    match (one, other) {
        (What::Effect(Effect::Clock(one)), What::Effect(Effect::Clock(other))) => {
            (one.node == other.node).then_some((one.node, "clocks"))
        }
        (What::Effect(Effect::Disk(one)), What::Effect(Effect::Disk(other))) => {
            (one.node == other.node).then_some((one.node, "disk"))
        }
        _ => None,
    }
}

/// Whom an effect hits.
fn victims(effect: &Effect) -> (Vec<NodeId>, Vec<Link>) {
    match effect {
        Effect::Cut(links) | Effect::Hold(links) | Effect::Slow(SlowEffect { links, .. }) => {
            (Vec::new(), links.clone())
        }
        Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes) => {
            (nodes.clone(), Vec::new())
        }
        Effect::Clock(clock) => (vec![clock.node], Vec::new()),
        Effect::Disk(disk) => (vec![disk.node], Vec::new()),
    }
}

/// Whether the numbers of an effect are such that worlds can calculate with them.
fn within_bounds(effect: &Effect) -> Result<(), Wrong> {
    let too_much = |field: &'static str, most: u64| {
        let token = format!("\"{field}\"");
        let problem = format!("`{field}` is out of bounds");
        Err(Wrong::new(field, token, problem, format!("{most} at most")))
    };
    match effect {
        Effect::Clock(ClockEffect {
            wall_offset_ns,
            rate_ppm,
            strobe,
            ..
        }) => {
            if rate_ppm.unsigned_abs() > MAX_RATE_PPM.unsigned_abs() {
                return too_much("rate_ppm", MAX_RATE_PPM.unsigned_abs());
            }
            if wall_offset_ns.unsigned_abs() > FARTHEST_NS {
                return too_much("wall_offset_ns", FARTHEST_NS);
            }
            if strobe.is_some_and(|strobe| strobe.amplitude_ns.unsigned_abs() > FARTHEST_NS) {
                return too_much("amplitude_ns", FARTHEST_NS);
            }
        }
        Effect::Slow(slow) => {
            if slow.delay_ns > LONGEST_DELAY_NS {
                return too_much("delay_ns", LONGEST_DELAY_NS);
            }
            if slow.jitter_ns > LONGEST_DELAY_NS {
                return too_much("jitter_ns", LONGEST_DELAY_NS);
            }
        }
        _ => {}
    }
    Ok(())
}
