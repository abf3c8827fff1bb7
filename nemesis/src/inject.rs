//! A fault carried out on a cluster, and seen to have happened otherwise than by its switch.

use std::collections::BTreeMap;

use polygraph_cluster::{ClockReading, Control, FaultId, Probe, ProcessState};
use polygraph_history::{
    ClockEffect, DiskEffect, Effect, Link, Lose, NodeId, SlowEffect, Verification,
};

/// What was seen of the nodes that a fault hits, before it.
#[derive(Clone, Debug, Default)]
pub struct Before {
    clocks: BTreeMap<NodeId, ClockReading>,
}

/// Clocks are read a little late; a difference of less than this says nothing.
const CLOCK_TOLERANCE_NS: i128 = 2_000_000;

/// Begins a fault; gives back what it needs to be recognised.
pub fn begin(control: &mut dyn Control, fault: FaultId, effect: &Effect) -> Before {
    let mut before = Before::default();
    match effect {
        Effect::Cut(links) => control.cut(fault, links),
        Effect::Hold(links) => control.hold(fault, links),
        Effect::Slow(slow) => control.slow(fault, slow),
        Effect::Kill(nodes) | Effect::Wipe(nodes) => {
            for &node in nodes {
                control.kill(fault, node);
            }
        }
        Effect::Pause(nodes) => {
            for &node in nodes {
                control.pause(fault, node);
            }
        }
        Effect::Clock(clock) => {
            if let Some(reading) = control.read_clock(clock.node) {
                before.clocks.insert(clock.node, reading);
            }
            control.set_clock(clock);
        }
        Effect::Disk(disk) => control.set_disk(fault, disk),
    }
    before
}

/// Whether a fault is seen to act now, and how. Asked again and again until it is, or for too
/// long.
pub fn seen(
    control: &mut dyn Control,
    fault: FaultId,
    effect: &Effect,
    before: &Before,
) -> Option<Verification> {
    match effect {
        Effect::Cut(links) => on_links(control, fault, links, |probe| probe == Probe::Lost),
        Effect::Hold(links) => on_links(control, fault, links, |probe| probe == Probe::Held),
        Effect::Slow(slow) => {
            let late = |probe| match probe {
                Probe::Arrives(after) => {
                    slow.delay_ns > 0 && after.as_nanos() >= slow.delay_ns.into()
                }
                _ => false,
            };
            on_links(control, fault, &slow.links, late)
        }
        Effect::Kill(nodes) | Effect::Wipe(nodes) => {
            processes(control, nodes, |state| state == ProcessState::Dead)
        }
        // A node that another fault has killed cannot be paused; it does not run either.
        Effect::Pause(nodes) => processes(control, nodes, |state| state != ProcessState::Running),
        Effect::Clock(clock) => {
            let earlier = before.clocks.get(&clock.node)?;
            let now = control.read_clock(clock.node)?;
            moved(clock, earlier, &now).then(|| verified("clock", 1))
        }
        Effect::Disk(_) => match control.acted(fault) {
            0 => None,
            count => Some(verified("disk", count)),
        },
    }
}

/// Ends a fault.
pub fn end(control: &mut dyn Control, fault: FaultId, effect: &Effect) {
    match effect {
        Effect::Cut(_) | Effect::Hold(_) | Effect::Slow(_) => control.release(fault),
        Effect::Kill(nodes) | Effect::Pause(nodes) => {
            for &node in nodes {
                control.revive(fault, node);
            }
        }
        Effect::Wipe(nodes) => {
            for &node in nodes {
                control.wipe(node);
                control.revive(fault, node);
            }
        }
        Effect::Clock(clock) => control.set_clock(&ClockEffect {
            node: clock.node,
            wall_offset_ns: 0,
            rate_ppm: 0,
            strobe: None,
        }),
        Effect::Disk(disk) => {
            let whole = DiskEffect {
                node: disk.node,
                lose: Lose::None,
                torn: false,
                sync_error: false,
            };
            control.set_disk(fault, &whole);
            // A node whose syncs failed has given up; its operator starts it again.
            control.revive(fault, disk.node);
        }
    }
}

/// Whether a fault is seen to be healed now, and how. What another fault still holds counts as
/// healed: it is that one's.
pub fn healed(
    control: &mut dyn Control,
    fault: FaultId,
    effect: &Effect,
    others: &[&Effect],
) -> Option<Verification> {
    let held = |node: &NodeId| others.iter().any(|other| stops(other, *node));
    match effect {
        Effect::Cut(links) | Effect::Hold(links) | Effect::Slow(SlowEffect { links, .. }) => {
            let busy = |link: &Link| others.iter().any(|other| touches(other, *link));
            let free: Vec<_> = links.iter().copied().filter(|link| !busy(link)).collect();
            let count = free.len() as u64;
            let whole = |link: Link, control: &mut dyn Control| {
                matches!(control.probe(link), Probe::Arrives(_) | Probe::Unknown)
            };
            let all = free.into_iter().all(|link| whole(link, control));
            let acted = control.acted(fault);
            all.then(|| match acted {
                0 => verified("probe", count),
                acted => verified("messages", acted),
            })
        }
        Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes) => {
            let free: Vec<_> = nodes.iter().copied().filter(|node| !held(node)).collect();
            match free.is_empty() {
                true => Some(verified("process", 0)),
                false => processes(control, &free, |state| state == ProcessState::Running),
            }
        }
        Effect::Clock(clock) => {
            control
                .read_clock(clock.node)
                .map(|_| verified("clock", 1))
                .or_else(|| {
                    // A dead or paused node cannot be asked.
                    held(&clock.node).then(|| verified("clock", 0))
                })
        }
        Effect::Disk(_) => Some(verified("disk", control.acted(fault))),
    }
}

/// Whether a fault keeps a node from running.
fn stops(effect: &Effect, node: NodeId) -> bool {
    match effect {
        Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes) => nodes.contains(&node),
        Effect::Disk(disk) => disk.node == node,
        _ => false,
    }
}

/// Whether a fault breaks a link.
fn touches(effect: &Effect, link: Link) -> bool {
    match effect {
        Effect::Cut(links) | Effect::Hold(links) | Effect::Slow(SlowEffect { links, .. }) => {
            links.contains(&link)
        }
        _ => false,
    }
}

/// A fault on links is seen by messages that are sent to see, or by what it did to others.
fn on_links(
    control: &mut dyn Control,
    fault: FaultId,
    links: &[Link],
    broken: impl Fn(Probe) -> bool,
) -> Option<Verification> {
    let mut probed = 0;
    for &link in links {
        probed += u64::from(broken(control.probe(link)));
    }
    match (probed, control.acted(fault)) {
        (0, 0) => None,
        (0, acted) => Some(verified("messages", acted)),
        (probed, _) => Some(verified("probe", probed)),
    }
}

fn processes(
    control: &mut dyn Control,
    nodes: &[NodeId],
    as_meant: impl Fn(ProcessState) -> bool,
) -> Option<Verification> {
    let all = nodes.iter().all(|&node| as_meant(control.process(node)));
    all.then(|| verified("process", nodes.len() as u64))
}

/// Whether a clock was moved as it was meant to be, between two readings.
fn moved(effect: &ClockEffect, earlier: &ClockReading, now: &ClockReading) -> bool {
    let elapsed = now.at.as_nanos() as i128 - earlier.at.as_nanos() as i128;
    let wall = i128::from(now.wall_ns) - i128::from(earlier.wall_ns) - elapsed;
    let mono = now.mono.as_nanos() as i128 - earlier.mono.as_nanos() as i128 - elapsed;
    if effect.rate_ppm != 0 {
        let expected = elapsed * i128::from(effect.rate_ppm) / 1_000_000;
        return expected.abs() > CLOCK_TOLERANCE_NS / 4
            && mono * expected.signum() > expected.abs() / 2;
    }
    match &effect.strobe {
        Some(strobe) => (wall - i128::from(strobe.amplitude_ns)).abs() < CLOCK_TOLERANCE_NS,
        None => (wall - i128::from(effect.wall_offset_ns)).abs() < CLOCK_TOLERANCE_NS,
    }
}

fn verified(how: &str, count: u64) -> Verification {
    Verification {
        how: how.to_owned(),
        count,
    }
}
