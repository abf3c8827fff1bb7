//! Jepsen's maps in EDN, one a line. With several keys values are tuples `[key value]`.

use super::{Answer, Call, Ended, Event, Model, number, signed, text};

pub(super) fn event(line: &mut Vec<u8>, model: Model, keyed: bool, event: &Event<'_>) {
    text(line, "{:process ");
    number(line, event.process);
    text(
        line,
        match event.ended {
            None => ", :type :invoke, :f :",
            Some(Ended::Ok(_)) => ", :type :ok, :f :",
            Some(Ended::Fail) => ", :type :fail, :f :",
            Some(Ended::Info) => ", :type :info, :f :",
        },
    );
    text(
        line,
        match (event.call, model) {
            (Call::Write(_), _) => "write",
            (Call::Cas { .. }, _) => "cas",
            (Call::Put(_), _) => "enqueue",
            (Call::Take, _) => "dequeue",
            (Call::Acquire, _) => "acquire",
            (Call::Release, _) => "release",
            _ => "read",
        },
    );
    text(line, ", :value ");
    if keyed {
        line.push(b'[');
        number(line, event.key);
        line.push(b' ');
    }
    let answer = match event.ended {
        Some(Ended::Ok(answer)) => Some(*answer),
        _ => None,
    };
    match (&event.call, answer) {
        (Call::Write(value) | Call::Put(value), _) | (_, Some(Answer::Value(Some(value)))) => {
            signed(line, *value);
        }
        (Call::Cas { from, to }, _) => {
            line.push(b'[');
            signed(line, *from);
            line.push(b' ');
            signed(line, *to);
            line.push(b']');
        }
        _ => text(line, "nil"),
    }
    if keyed {
        line.push(b']');
    }
    text(line, ", :time ");
    number(line, event.time);
    text(line, ", :index ");
    number(line, event.index);
    text(
        line,
        match event.ended {
            Some(Ended::Info) => ", :error :timeout}\n",
            _ => "}\n",
        },
    );
}
