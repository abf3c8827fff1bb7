//! A store of your own under faults: `cargo run --release --example own_store`.

use std::collections::BTreeMap;

use polygraph::cluster::{Context, LinkKind, Node, Reply, RequestId};
use polygraph::history::{Guarantee, Key, NodeId, Op, Value};

/// A register per key, on one node; the others ask it.
#[derive(Default)]
pub(crate) struct OneCopy {
    values: BTreeMap<Key, Value>,
}

impl Node for OneCopy {
    /// A request (`true`) or the answer to one.
    type Message = (bool, RequestId, Op);
    const LINKS: LinkKind = LinkKind::Stream;

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, Self::Message>) {
        // A node can send to itself as well.
        ctx.send(ctx.nodes()[0], (true, request, op.clone()));
    }

    fn on_message(
        &mut self,
        from: NodeId,
        (asks, request, mut op): Self::Message,
        ctx: &mut Context<'_, Self::Message>,
    ) {
        if !asks {
            return ctx.reply(request, Reply::ok(op));
        }
        match &mut op {
            Op::Write { key, value } => drop(self.values.insert(key.clone(), value.clone())),
            Op::Read { key, value } => {
                *value = Some(self.values.get(key).cloned().unwrap_or(Value::Null));
            }
            _ => return,
        }
        ctx.send(from, (false, request, op));
    }
}

pub(crate) fn main() {
    let findings = polygraph::Test::new(|_| OneCopy::default())
        .nemesis(&["partition", "pause", "slow", "clock"])
        .seed(7)
        .run();
    findings.assert(Guarantee::Linearizable);
    // It keeps nothing on its disk, and a test with "kill" in the list says so.
}
