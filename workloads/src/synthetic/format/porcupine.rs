//! Porcupine's rows of a key-value store. Keys and values are strings; the empty one was never
//! written. An operation of unknown outcome is one that is never answered: its tests close it at
//! the end, and ignore the row that says so.

use super::{Answer, Call, Ended, Event, number, signed, text};

pub(super) fn event(line: &mut Vec<u8>, event: &Event<'_>) {
    text(line, "{:process ");
    number(line, event.process);
    text(
        line,
        match event.ended {
            None => ", :type :invoke, :f :",
            Some(Ended::Info) => ", :type :info, :f :",
            Some(Ended::Ok(_) | Ended::Fail) => ", :type :ok, :f :",
        },
    );
    text(
        line,
        match event.call {
            Call::Write(_) => "put, :key \"",
            _ => "get, :key \"",
        },
    );
    number(line, event.key);
    text(line, "\", :value ");
    match (&event.call, event.ended) {
        (Call::Write(value), _) | (_, Some(Ended::Ok(Answer::Value(Some(value))))) => {
            line.push(b'"');
            signed(line, *value);
            line.push(b'"');
        }
        (_, Some(Ended::Ok(_))) => text(line, "\"\""),
        _ => text(line, "nil"),
    }
    text(line, "}\n");
}
