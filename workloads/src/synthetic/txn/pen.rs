//! How histories of transactions are written: by hand and in one pass, for one may be larger than
//! memory.

use std::io::{self, Write};

use super::super::format::{number, text};
use super::{Format, Plan, Workload};

/// Which event of a transaction is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Invoked,
    Done,
    /// It failed; why.
    Failed(&'static str),
    /// Its outcome is unknown.
    Lost,
}

/// How the parts of an event are spelt in a format.
struct Syntax {
    header: &'static str,
    /// Before the index, the time, the process and the type; in Plume's text, where a line is an
    /// operation, all of it is empty.
    event: [&'static str; 4],
    /// Between the type and the operations.
    operations: &'static str,
    /// After the operations.
    close: &'static str,
    /// Before and after an error, which comes after these.
    error: [&'static str; 2],
    /// At the end of the line.
    end: &'static str,
    /// Between operations.
    next: &'static str,
    /// Before the key, and before the value, of a write.
    write: [&'static str; 2],
    /// The same of a read.
    read: [&'static str; 2],
    /// In the place of the value and all after it, of a read that has no answer yet.
    unread: &'static str,
    /// After an operation.
    after: &'static str,
    /// A register that was never written.
    nothing: &'static str,
    /// Around the elements of a list.
    list: [&'static str; 2],
    /// Between these.
    separator: u8,
}

const POLYGRAPH: Syntax = Syntax {
    header: "{\"polygraph\":1}\n",
    event: ["{\"index\":", ",\"time\":", ",\"process\":", ",\"type\":\""],
    operations: "\",\"op\":{\"txn\":[",
    close: "]}",
    error: [",\"error\":\"", "\""],
    end: "}\n",
    next: ",",
    write: ["{\"append\":{\"key\":\"x", "\",\"value\":"],
    read: ["{\"read\":{\"key\":\"x", "\",\"value\":"],
    unread: "\"}}",
    after: "}}",
    nothing: "null",
    list: ["[", "]"],
    separator: b',',
};

const POLYGRAPH_REGISTERS: Syntax = Syntax {
    write: ["{\"write\":{\"key\":\"x", "\",\"value\":"],
    ..POLYGRAPH
};

const EDN: Syntax = Syntax {
    header: "",
    event: ["{:index ", ", :time ", ", :process ", ", :type :"],
    operations: ", :f :txn, :value [",
    close: "]",
    error: [", :error :", ""],
    end: "}\n",
    next: " ",
    write: ["[:append ", " "],
    read: ["[:r ", " "],
    unread: " nil]",
    after: "]",
    nothing: "nil",
    list: ["[", "]"],
    separator: b' ',
};

const EDN_REGISTERS: Syntax = Syntax {
    write: ["[:w ", " "],
    ..EDN
};

const JSON: Syntax = Syntax {
    header: "",
    event: ["{\"index\":", ",\"time\":", ",\"process\":", ",\"type\":\""],
    operations: "\",\"f\":\"txn\",\"value\":[",
    close: "]",
    error: [",\"error\":\"", "\""],
    end: "}\n",
    next: ",",
    write: ["[\"append\",", ","],
    read: ["[\"r\",", ","],
    unread: ",null]",
    after: "]",
    nothing: "null",
    list: ["[", "]"],
    separator: b',',
};

const JSON_REGISTERS: Syntax = Syntax {
    write: ["[\"w\",", ","],
    ..JSON
};

const PLUME: Syntax = Syntax {
    header: "",
    event: [""; 4],
    operations: "",
    close: "",
    error: [""; 2],
    end: "",
    next: "",
    write: ["w(", ","],
    read: ["r(", ","],
    unread: "",
    after: "",
    nothing: "0",
    list: [""; 2],
    separator: b' ',
};

const fn syntax(format: Format, workload: Workload) -> &'static Syntax {
    match (format, workload) {
        (Format::Polygraph, Workload::Append) => &POLYGRAPH,
        (Format::Polygraph, Workload::Register) => &POLYGRAPH_REGISTERS,
        (Format::JepsenEdn, Workload::Append) => &EDN,
        (Format::JepsenEdn, Workload::Register) => &EDN_REGISTERS,
        (Format::JepsenJson, Workload::Append) => &JSON,
        (Format::JepsenJson, Workload::Register) => &JSON_REGISTERS,
        (Format::Plume, _) => &PLUME,
    }
}

/// What separates elements of lists.
pub(super) const fn separator(plan: &Plan) -> u8 {
    syntax(plan.format, plan.workload).separator
}

/// Writes a history.
pub(super) struct Pen<W> {
    out: W,
    line: Vec<u8>,
    syntax: &'static Syntax,
    format: Format,
    /// What stands after each operation of the event at hand.
    after: Vec<u8>,
    stage: Stage,
    /// Whether an operation of that event was written already.
    begun: bool,
    /// The index of the next event.
    index: u64,
    /// The time of the last one: no two have the same.
    time: u64,
    /// How many transactions were written.
    transactions: u64,
    bytes: u64,
}

/// So much is handed over at once.
const CHUNK: usize = 1 << 18;

impl<W: Write> Pen<W> {
    pub(super) fn new(plan: &Plan, out: W) -> Pen<W> {
        let syntax = syntax(plan.format, plan.workload);
        let mut pen = Pen {
            out,
            line: Vec::with_capacity(CHUNK + 65_536),
            syntax,
            format: plan.format,
            after: syntax.after.into(),
            stage: Stage::Invoked,
            begun: false,
            index: 0,
            time: 0,
            transactions: 0,
            bytes: 0,
        };
        text(&mut pen.line, syntax.header);
        pen
    }

    /// The name of a key in the history.
    pub(super) fn key(&self, key: u64) -> String {
        match self.format {
            Format::Polygraph => format!("x{key}"),
            _ => key.to_string(),
        }
    }

    /// Begins an event, and gives back its index.
    pub(super) fn begin(&mut self, now: u64, process: u64, stage: Stage) -> u64 {
        self.time = now.max(self.time + 1);
        (self.stage, self.begun) = (stage, false);
        let index = self.index;
        if self.format == Format::Plume {
            if stage == Stage::Done {
                self.after.clear();
                self.after.push(b',');
                number(&mut self.after, process);
                self.after.push(b',');
                number(&mut self.after, self.transactions);
                text(&mut self.after, ")\n");
                self.transactions += 1;
            }
            return index;
        }
        self.index += 1;
        let (line, syntax) = (&mut self.line, self.syntax);
        let values = [index, self.time, process];
        for (before, value) in syntax.event.iter().zip(values) {
            text(line, before);
            number(line, value);
        }
        text(line, syntax.event[3]);
        text(
            line,
            match stage {
                Stage::Invoked => "invoke",
                Stage::Done => "ok",
                Stage::Failed(_) => "fail",
                Stage::Lost => "info",
            },
        );
        text(line, syntax.operations);
        index
    }

    /// Whether anything is written of this event.
    fn is_silent(&self) -> bool {
        self.format == Format::Plume && self.stage != Stage::Done
    }

    /// What comes before the value of an operation; false if nothing is written at all.
    fn operation(&mut self, spelt: [&str; 2], key: u64, answered: bool) -> bool {
        if self.is_silent() {
            return false;
        }
        if self.begun {
            text(&mut self.line, self.syntax.next);
        }
        self.begun = true;
        text(&mut self.line, spelt[0]);
        number(&mut self.line, key);
        if answered {
            text(&mut self.line, spelt[1]);
        }
        true
    }

    fn after(&mut self) {
        self.line.extend_from_slice(&self.after);
        if self.format == Format::Plume {
            self.index += 1;
        }
    }

    pub(super) fn write(&mut self, key: u64, value: u64) {
        if self.operation(self.syntax.write, key, true) {
            number(&mut self.line, value);
            self.after();
        }
    }

    /// A read without an answer.
    pub(super) fn unread(&mut self, key: u64) {
        if self.operation(self.syntax.read, key, false) {
            text(&mut self.line, self.syntax.unread);
        }
    }

    /// A read of a register; 0 was never written.
    pub(super) fn read_register(&mut self, key: u64, value: u64) {
        if self.operation(self.syntax.read, key, true) {
            match value {
                0 => text(&mut self.line, self.syntax.nothing),
                _ => number(&mut self.line, value),
            }
            self.after();
        }
    }

    /// A read of a list: elements as they are printed, and more of them.
    pub(super) fn read_list(&mut self, key: u64, first: &[u8], more: impl Iterator<Item = u64>) {
        if !self.operation(self.syntax.read, key, true) {
            return;
        }
        text(&mut self.line, self.syntax.list[0]);
        self.line.extend_from_slice(first);
        let mut apart = !first.is_empty();
        for element in more {
            if apart {
                self.line.push(self.syntax.separator);
            }
            apart = true;
            number(&mut self.line, element);
        }
        text(&mut self.line, self.syntax.list[1]);
        self.after();
    }

    /// Ends an event.
    pub(super) fn end(&mut self) -> io::Result<()> {
        text(&mut self.line, self.syntax.close);
        let error = match self.stage {
            Stage::Failed(why) => Some(why),
            Stage::Lost => Some("timeout"),
            Stage::Invoked | Stage::Done => None,
        };
        if let Some(error) = error.filter(|_| !self.is_silent()) {
            text(&mut self.line, self.syntax.error[0]);
            text(&mut self.line, error);
            text(&mut self.line, self.syntax.error[1]);
        }
        text(&mut self.line, self.syntax.end);
        if self.line.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.line)?;
        self.bytes += self.line.len() as u64;
        self.line.clear();
        Ok(())
    }

    /// Hands everything over; gives back how many events and bytes there were.
    pub(super) fn finish(&mut self) -> io::Result<(u64, u64)> {
        self.flush()?;
        self.out.flush()?;
        Ok((self.index, self.bytes))
    }
}
