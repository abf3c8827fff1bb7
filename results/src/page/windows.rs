//! The faults of a run: from when until when, what each did, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Effect, Event, FaultEvent, History, Kind, Link, NodeId, Phase, Time};

/// A fault from its beginning to its end.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Counted from one, in the order of their beginnings.
    pub(super) number: usize,
    id: u64,
    /// Its family.
    pub(super) family: &'static str,
    /// How it was drawn.
    pub(super) shape: String,
    /// Whose part it was to be.
    pub(super) role: Option<String>,
    /// Its place in the order of events, and when that was, nanoseconds.
    pub(super) start: (u64, u64),
    /// The same of its end; absent if it never ended.
    pub(super) end: Option<(u64, u64)>,
    /// What it did.
    pub(super) effect: Option<Effect>,
    /// How it was seen to act.
    pub(super) seen: Option<String>,
    /// Why it was not applied.
    pub(super) error: Option<String>,
}

/// All faults of a history, in the order of their beginnings.
pub(super) fn windows(history: &History) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (event, fault) in history.faults() {
        let moment = (event.index, event.time.as_nanos());
        let open = |windows: &mut Vec<Window>| {
            let mut all = windows.iter();
            all.rposition(|it| it.id == fault.id && it.end.is_none())
        };
        match (fault.phase, event.kind) {
            (Phase::Start, Kind::Invoke) => windows.push(begun(windows.len() + 1, fault, moment)),
            (Phase::Start, kind) => {
                // A role that nobody has is told without an invocation.
                let at = open(&mut windows).unwrap_or_else(|| {
                    windows.push(begun(windows.len() + 1, fault, moment));
                    windows.len() - 1
                });
                settle(&mut windows[at], event, fault, kind);
            }
            (Phase::End, Kind::Ok) => {
                if let Some(at) = open(&mut windows) {
                    windows[at].end = Some(moment);
                }
            }
            (Phase::End, _) => {}
        }
    }
    windows
}

fn begun(number: usize, fault: &FaultEvent, start: (u64, u64)) -> Window {
    Window {
        number,
        id: fault.id,
        family: fault.kind.name(),
        shape: fault.shape.clone(),
        role: fault.role.clone(),
        start,
        end: None,
        effect: fault.effect.clone(),
        seen: None,
        error: None,
    }
}

fn settle(window: &mut Window, event: &Event, fault: &FaultEvent, kind: Kind) {
    window.effect = fault.effect.clone().or(window.effect.take());
    if kind == Kind::Ok {
        let how = event.verified.as_ref();
        window.seen = how.map(|it| format!("{} ({}×)", it.how, it.count));
    } else {
        let error = event.error.as_ref().map(ToString::to_string);
        window.error = Some(error.unwrap_or_else(|| "not applied".to_owned()));
        window.end = Some((event.index, event.time.as_nanos()));
    }
}

impl Window {
    /// Whether it acted at all.
    pub(super) const fn acted(&self) -> bool {
        self.error.is_none() && self.effect.is_some()
    }

    /// Whether it acted at a time between these, nanoseconds.
    pub(super) fn overlaps(&self, from: u64, to: u64) -> bool {
        self.acted() && self.start.1 <= to && self.end.is_none_or(|(_, end)| from <= end)
    }

    /// From when until when.
    pub(super) fn when(&self) -> String {
        let from = Time(self.start.1).to_string();
        match self.end {
            Some((_, end)) => format!("{}–{}", from.trim_end_matches(" s"), Time(end)),
            None => format!("from {from} on"),
        }
    }

    /// What it did, to whom.
    pub(super) fn what(&self) -> String {
        let Some(effect) = &self.effect else {
            return match &self.role {
                Some(role) => format!("nothing: nobody was {role}"),
                None => "nothing".to_owned(),
            };
        };
        match effect {
            Effect::Cut(links) => sides(links, "cut off from"),
            Effect::Hold(links) => {
                format!("{}, messages kept until it ends", sides(links, "held from"))
            }
            Effect::Kill(nodes) => format!("{} killed", names(nodes)),
            Effect::Pause(nodes) => format!("{} paused", names(nodes)),
            Effect::Wipe(nodes) => format!("{} killed, and its disk emptied", names(nodes)),
            Effect::Clock(clock) => {
                let mut parts = Vec::new();
                if clock.wall_offset_ns != 0 {
                    parts.push(format!("set {} off", signed(clock.wall_offset_ns)));
                }
                if clock.rate_ppm != 0 {
                    let percent = clock.rate_ppm as f64 / 1e4;
                    parts.push(format!("{percent:+.2} % too fast"));
                }
                if let Some(strobe) = clock.strobe {
                    let amplitude = signed(strobe.amplitude_ns);
                    let period = strobe.period_ns / 1_000_000;
                    parts.push(format!("flips by {amplitude} every {period} ms"));
                }
                format!("clock of {}: {}", clock.node, parts.join(", "))
            }
            Effect::Slow(slow) => {
                let mut parts = Vec::new();
                if slow.delay_ns > 0 || slow.jitter_ns > 0 {
                    let (least, more) = (slow.delay_ns / 1_000_000, slow.jitter_ns / 1_000_000);
                    parts.push(format!("{least}–{} ms slower", least + more));
                }
                for (share, what) in [
                    (slow.loss, "lost"),
                    (slow.duplicate, "twice"),
                    (slow.reorder, "out of order"),
                ] {
                    if share > 0 {
                        parts.push(format!("{:.1} % {what}", f64::from(share) / 1e4));
                    }
                }
                format!("{} links: {}", slow.links.len(), parts.join(", "))
            }
            Effect::Disk(disk) => {
                let mut parts = Vec::new();
                match disk.lose {
                    polygraph_history::Lose::None => {}
                    polygraph_history::Lose::All => parts.push("a crash loses what is unsynced"),
                    polygraph_history::Lose::Subset => {
                        parts.push("a crash loses some of what is unsynced");
                    }
                }
                if disk.torn {
                    parts.push("a crash tears a write");
                }
                if disk.sync_error {
                    parts.push("syncs fail");
                }
                format!("disk of {}: {}", disk.node, parts.join(", "))
            }
        }
    }

    /// What it means for a node, in a word; `None` if it is not concerned. Of a partition the
    /// smaller side is concerned.
    pub(super) fn concerns(&self, node: &str) -> Option<&'static str> {
        let is = |it: &NodeId| it.to_string() == node;
        match self.effect.as_ref()? {
            Effect::Kill(nodes) | Effect::Wipe(nodes) => nodes.iter().any(is).then_some("down"),
            Effect::Pause(nodes) => nodes.iter().any(is).then_some("paused"),
            Effect::Cut(links) | Effect::Hold(links) => {
                cut_off(links).iter().any(is).then_some("cut off")
            }
            Effect::Clock(clock) => is(&clock.node).then_some("clock wrong"),
            Effect::Disk(disk) => is(&disk.node).then_some("disk bad"),
            Effect::Slow(slow) => {
                let ends = slow.links.iter().flat_map(|link| [&link.from, &link.to]);
                // Where every link is slow, no node stands out.
                let all: BTreeSet<_> = ends.clone().collect();
                let here = slow.links.iter().filter(|it| is(&it.from) || is(&it.to));
                (all.iter().any(|it| is(it)) && here.count() * 2 > slow.links.len())
                    .then_some("slow")
            }
        }
    }
}

/// A span of time with its sign.
fn signed(nanos: i64) -> String {
    let seconds = nanos as f64 / 1e9;
    if seconds.abs() < 1.0 {
        format!("{:+.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:+.2} s")
    }
}

fn names(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    names.join(" ")
}

/// With whom each node cannot talk, whichever way.
fn neighbours(links: &[Link]) -> BTreeMap<NodeId, BTreeSet<NodeId>> {
    let mut all: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
    for link in links {
        all.entry(link.from).or_default().insert(link.to);
        all.entry(link.to).or_default().insert(link.from);
    }
    all
}

/// The nodes that lost touch with more than half of all that lost touch with any.
fn cut_off(links: &[Link]) -> Vec<NodeId> {
    let all = neighbours(links);
    let most = all.len();
    let lost = all
        .into_iter()
        .filter(|(_, others)| others.len() * 2 >= most);
    lost.map(|(node, _)| node).collect()
}

/// Who cannot reach whom, by groups of nodes that have lost the same others.
fn sides(links: &[Link], verb: &str) -> String {
    let mut lost: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
    for link in links {
        lost.entry(link.from).or_default().insert(link.to);
    }
    let mut groups: BTreeMap<BTreeSet<NodeId>, BTreeSet<NodeId>> = BTreeMap::new();
    for (node, others) in lost {
        groups.entry(others).or_default().insert(node);
    }
    let list = |nodes: &BTreeSet<NodeId>| {
        let nodes: Vec<NodeId> = nodes.iter().copied().collect();
        names(&nodes)
    };
    let mut told: Vec<(&BTreeSet<NodeId>, &BTreeSet<NodeId>)> = Vec::new();
    let mut parts = Vec::new();
    let mut groups: Vec<_> = groups.iter().collect();
    // The smaller side is told of.
    groups.sort_by_key(|(others, nodes)| (nodes.len(), std::cmp::Reverse(others.len())));
    for (others, nodes) in &groups {
        if told.contains(&(*others, *nodes)) {
            continue;
        }
        let both_ways = groups.contains(&(*nodes, *others));
        told.push((*nodes, *others));
        let one_way = if both_ways { "" } else { ", one way" };
        parts.push(format!("{} {verb} {}{one_way}", list(nodes), list(others)));
    }
    if parts.len() > 3 {
        let rest = parts.len() - 2;
        parts.truncate(2);
        parts.push(format!("{rest} more"));
    }
    parts.join("; ")
}
