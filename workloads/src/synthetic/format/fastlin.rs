//! The text of fastlin and its kin: a line an operation, with its method, value, start and end,
//! in the order of the ends; -1 stands for nothing. The times are places among all events.

use super::{Answer, Call, Ended, Event, Model, number, signed, text};

pub(super) fn header(line: &mut Vec<u8>, model: Model) {
    text(
        line,
        match model {
            Model::Stack => "# stack\n",
            Model::PriorityQueue => "# priorityqueue\n",
            _ => "# queue\n",
        },
    );
}

pub(super) fn event(line: &mut Vec<u8>, model: Model, event: &Event<'_>) {
    let Some(Ended::Ok(answer)) = event.ended else {
        return;
    };
    text(
        line,
        match (event.call, model) {
            (Call::Put(_), Model::Stack) => "push ",
            (Call::Put(_), Model::PriorityQueue) => "insert ",
            (Call::Put(_), _) => "enq ",
            (_, Model::Stack) => "pop ",
            (_, Model::PriorityQueue) => "poll ",
            (..) => "deq ",
        },
    );
    signed(
        line,
        match (&event.call, answer) {
            (Call::Put(value), _) | (_, Answer::Value(Some(value))) => *value,
            _ => -1,
        },
    );
    line.push(b' ');
    number(line, event.invoked);
    line.push(b' ');
    number(line, event.index);
    line.push(b'\n');
}
