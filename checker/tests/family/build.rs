//! Small random histories, and how they are judged.

use polygraph_checker::{Options, Verdict, entry};
use polygraph_history::{Guarantee, History, Kind, Op};

use crate::session_support::{Chance, Script, confirmed};

/// Some clients do `left` operations between them. `begin` gives the next operation of a client,
/// `end` how it ends and what it then says.
pub(crate) fn random<W>(
    chance: &mut Chance,
    world: &mut W,
    clients: usize,
    mut left: usize,
    mut begin: impl FnMut(&mut Chance, &mut W, usize) -> Op,
    mut end: impl FnMut(&mut Chance, &mut W, usize, &Op) -> (Kind, Op),
) -> Script {
    let mut script = Script::default();
    let mut process: Vec<u64> = (0..clients as u64).collect();
    let mut open: Vec<Option<Op>> = vec![None; clients];
    while left > 0 || open.iter().any(Option::is_some) {
        let at = chance.below(clients);
        match open[at].take() {
            None if left > 0 => {
                left -= 1;
                let op = begin(chance, world, at);
                script.event(process[at], None, Kind::Invoke, op.clone());
                open[at] = Some(op);
            }
            None => {}
            Some(op) => {
                let (kind, op) = end(chance, world, at, &op);
                script.event(process[at], None, kind, op);
                if kind == Kind::Info {
                    process[at] += clients as u64;
                }
            }
        }
    }
    script
}

/// How an operation ends: mostly well.
pub(crate) fn outcome(chance: &mut Chance) -> Kind {
    match chance.below(10) {
        0 => Kind::Fail,
        1 => Kind::Info,
        _ => Kind::Ok,
    }
}

/// The verdict on a guarantee, with every proof confirmed.
pub(crate) fn judge(history: &History, guarantee: Guarantee, options: &Options) -> Verdict {
    let entry = entry(guarantee).expect("it is registered");
    confirmed(history, (entry.check)(history, options))
}
