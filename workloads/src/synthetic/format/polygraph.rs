//! Our JSON Lines, version 1, with the fields in the order in which `jsonl::Writer` has them.

use super::{Answer, Call, Ended, Event, Model, number, signed, text};

/// What names of keys begin with.
pub(super) const KEY: &str = "x";

pub(super) fn header(line: &mut Vec<u8>) {
    text(line, "{\"polygraph\":1}\n");
}

pub(super) fn event(line: &mut Vec<u8>, model: Model, event: &Event<'_>) {
    text(line, "{\"index\":");
    number(line, event.index);
    text(line, ",\"time\":");
    number(line, event.time);
    text(line, ",\"process\":");
    number(line, event.process);
    text(
        line,
        match event.ended {
            None => ",\"type\":\"invoke\",\"op\":{\"",
            Some(Ended::Ok(_)) => ",\"type\":\"ok\",\"op\":{\"",
            Some(Ended::Fail) => ",\"type\":\"fail\",\"op\":{\"",
            Some(Ended::Info) => ",\"type\":\"info\",\"op\":{\"",
        },
    );
    text(line, name(model, event.call));
    text(line, "\":{\"key\":\"");
    text(line, KEY);
    number(line, event.key);
    line.push(b'"');
    arguments(line, event.call);
    if let Some(Ended::Ok(answer)) = event.ended {
        result(line, answer);
    }
    text(
        line,
        match event.ended {
            None | Some(Ended::Ok(_)) => "}}}\n",
            Some(Ended::Fail) => "}},\"error\":\"cas-mismatch\"}\n",
            Some(Ended::Info) => "}},\"error\":\"timeout\"}\n",
        },
    );
}

const fn name(model: Model, call: Call) -> &'static str {
    match (call, model) {
        (Call::Read, _) => "read",
        (Call::Write(_), _) => "write",
        (Call::Cas { .. }, _) => "cas",
        (Call::Put(_), Model::Stack) => "push",
        (Call::Put(_), Model::PriorityQueue) => "insert",
        (Call::Put(_), _) => "enqueue",
        (Call::Take, Model::Stack) => "pop",
        (Call::Take, Model::PriorityQueue) => "extract",
        (Call::Take, _) => "dequeue",
        (Call::Add(_), _) => "add",
        (Call::Remove(_), _) => "remove",
        (Call::Contains(_), _) => "contains",
        (Call::Acquire, _) => "acquire",
        (Call::Release, _) => "release",
        (Call::Append(_), _) => "append",
        (Call::Increment(_), _) => "increment",
    }
}

fn arguments(line: &mut Vec<u8>, call: Call) {
    match call {
        Call::Read | Call::Take | Call::Acquire | Call::Release => {}
        Call::Cas { from, to } => {
            text(line, ",\"from\":");
            signed(line, from);
            text(line, ",\"to\":");
            signed(line, to);
        }
        Call::Increment(by) => {
            text(line, ",\"by\":");
            signed(line, by);
        }
        Call::Write(value)
        | Call::Put(value)
        | Call::Add(value)
        | Call::Remove(value)
        | Call::Contains(value)
        | Call::Append(value) => {
            text(line, ",\"value\":");
            signed(line, value);
        }
    }
}

fn result(line: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Answer::Done | Answer::Mismatch => {}
        Answer::Value(None) => text(line, ",\"value\":null"),
        Answer::Value(Some(value)) => {
            text(line, ",\"value\":");
            signed(line, *value);
        }
        Answer::Found(found) => {
            text(
                line,
                if *found {
                    ",\"found\":true"
                } else {
                    ",\"found\":false"
                },
            );
        }
        Answer::Elements(values) => {
            text(line, ",\"value\":[");
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    line.push(b',');
                }
                signed(line, *value);
            }
            line.push(b']');
        }
    }
}
