//! Messages of logs, as they were sent and polled.

use polygraph_history::{History, Key, Micro, Op, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::Seen;

/// Stands for *none* where a number is expected.
pub(super) const NONE: u32 = u32::MAX;

/// A message as an operation sent or got it.
#[derive(Clone, Copy)]
pub(super) struct Sight<'h> {
    pub(super) operation: u32,
    pub(super) key: u32,
    /// The message, by key and value.
    pub(super) message: u32,
    pub(super) value: &'h Value,
    pub(super) offset: Option<u64>,
    pub(super) sent: bool,
    pub(super) outcome: Outcome,
}

/// What a client did: a message sent or got, or something after which polls begin anew.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// By the place in [`View::sights`].
    Sight(u32),
    /// Partitions are chosen by the client itself.
    Assign,
    /// Partitions are chosen for the client, at any moment.
    Subscribe,
    /// Where the next poll goes on is not known.
    Lost,
}

/// All messages of a history.
pub(super) struct View<'h> {
    pub(super) history: &'h History,
    pub(super) keys: Vec<&'h Key>,
    pub(super) sights: Vec<Sight<'h>>,
    /// How many messages there are, told by key and value.
    pub(super) messages: u32,
    /// What each process did, in order.
    pub(super) acts: Vec<(u64, Act)>,
    pub(super) operations: u64,
    pub(super) indeterminate: u64,
}

impl<'h> View<'h> {
    pub(super) fn new(history: &'h History) -> View<'h> {
        let mut view = View {
            history,
            keys: Vec::new(),
            sights: Vec::new(),
            messages: 0,
            acts: Vec::new(),
            operations: 0,
            indeterminate: 0,
        };
        let mut keys: FxHashMap<&'h Key, u32> = FxHashMap::default();
        let mut messages: FxHashMap<(u32, &'h Value), u32> = FxHashMap::default();
        for (id, operation) in history.operations().iter().enumerate() {
            let act = |act| (operation.process, act);
            let micros = match history.op(operation) {
                Op::Txn(micros) => micros,
                Op::Custom { name, .. } if name == "assign" => {
                    view.acts.push(act(Act::Assign));
                    continue;
                }
                Op::Custom { name, .. } if name == "subscribe" => {
                    view.acts.push(act(Act::Subscribe));
                    continue;
                }
                _ => continue,
            };
            let (mut concerned, mut polls) = (false, false);
            let mut add = |view: &mut View<'h>, key: &'h Key, value: &'h Value, offset, sent| {
                let fresh = view.keys.len() as u32;
                let key_number = *keys.entry(key).or_insert(fresh);
                if key_number == fresh {
                    view.keys.push(key);
                }
                let fresh = view.messages;
                let message = *messages.entry((key_number, value)).or_insert(fresh);
                view.messages += u32::from(message == fresh);
                let sight = view.sights.len() as u32;
                view.sights.push(Sight {
                    operation: id as u32,
                    key: key_number,
                    message,
                    value,
                    offset,
                    sent,
                    outcome: operation.outcome,
                });
                if operation.outcome == Outcome::Ok {
                    view.acts.push((operation.process, Act::Sight(sight)));
                }
            };
            for micro in micros {
                match micro {
                    Micro::Send(message) => {
                        concerned = true;
                        add(
                            &mut view,
                            &message.key,
                            &message.value,
                            message.offset,
                            true,
                        );
                    }
                    Micro::Poll { messages } => {
                        (concerned, polls) = (true, true);
                        // What an operation polled that may not have ended well proves nothing.
                        let ok = operation.outcome == Outcome::Ok;
                        for message in messages.iter().flatten().filter(|_| ok) {
                            add(
                                &mut view,
                                &message.key,
                                &message.value,
                                message.offset,
                                false,
                            );
                        }
                    }
                    _ => {}
                }
            }
            if polls && operation.outcome != Outcome::Ok {
                view.acts.push(act(Act::Lost));
            }
            view.operations += u64::from(concerned);
            let unknown = concerned && operation.outcome == Outcome::Info;
            view.indeterminate += u64::from(unknown);
        }
        view
    }

    /// A sight as evidence has it.
    pub(super) fn seen(&self, sight: &Sight<'h>) -> Seen {
        Seen {
            event: super::event(self.history, sight.operation as OperationId),
            value: sight.value.clone(),
            offset: sight.offset,
        }
    }

    /// Who it was.
    pub(super) fn who(&self, sight: &Sight<'h>) -> String {
        super::who(self.history, sight.operation as OperationId)
    }
}
