//! The windows of faults: from when to when, what they cut and whom they stop.

use polygraph_history::{Effect, History, Kind, Link, NodeId, Phase, Time};

use super::SETTLED;

/// One fault, from the invocation of its start to the completion of its end.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// As a person reads it: `partition halves`.
    pub(crate) name: String,
    /// Its family.
    pub(crate) family: &'static str,
    /// When its start was invoked.
    pub(crate) from: Time,
    /// When it was seen to act; `None` if it never was.
    pub(super) seen: Option<Time>,
    /// When its end was invoked; the end of time if it was not.
    ending: Time,
    /// When its end had completed; the end of time if it did not.
    pub(crate) to: Time,
    /// Links that carry nothing, or nothing in time.
    cut: Vec<Link>,
    /// Nodes that are dead or stand still.
    pub(super) down: Vec<NodeId>,
}

impl Window {
    /// Whether two nodes cannot talk to each other in both directions.
    pub(super) fn cuts(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&Link { from, to }) || self.cut.contains(&Link { from: to, to: from })
    }
}

/// The faults of a history in the order in which they began. One that was aimed at nobody is none.
pub(crate) fn windows(history: &History) -> Vec<Window> {
    let mut all: Vec<(u64, Window)> = Vec::new();
    for (event, fault) in history.faults() {
        let known = all.iter_mut().find(|(id, _)| *id == fault.id);
        match (fault.phase, event.kind, known) {
            (Phase::Start, Kind::Invoke, None) => {
                let Some(effect) = &fault.effect else {
                    continue;
                };
                let (cut, down) = match effect {
                    Effect::Cut(links) | Effect::Hold(links) => (links.clone(), Vec::new()),
                    Effect::Kill(nodes) | Effect::Pause(nodes) | Effect::Wipe(nodes) => {
                        (Vec::new(), nodes.clone())
                    }
                    Effect::Clock(_) | Effect::Slow(_) | Effect::Disk(_) => Default::default(),
                };
                let window = Window {
                    name: fault.to_string(),
                    family: fault.kind.name(),
                    from: event.time,
                    seen: None,
                    ending: Time::MAX,
                    to: Time::MAX,
                    cut,
                    down,
                };
                all.push((fault.id, window));
            }
            (Phase::Start, Kind::Ok, Some((_, window))) => window.seen = Some(event.time),
            (Phase::End, Kind::Invoke, Some((_, window))) => window.ending = event.time,
            (Phase::End, _, Some((_, window))) => window.to = event.time,
            _ => {}
        }
    }
    all.into_iter().map(|(_, window)| window).collect()
}

/// The faults that were in effect while an operation was open, if there were any and nothing
/// changed from [`SETTLED`] before it began until it ended.
pub(super) fn settled(windows: &[Window], began: Time, ended: Time) -> Option<Vec<&Window>> {
    let since = began - SETTLED;
    let mut active = Vec::new();
    for window in windows
        .iter()
        .filter(|it| it.from <= ended && it.to >= since)
    {
        let seen = window.seen.is_some_and(|seen| seen <= since);
        if !seen || window.ending <= ended {
            return None;
        }
        active.push(window);
    }
    (!active.is_empty()).then_some(active)
}
