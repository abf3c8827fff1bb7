//! Boxes from top to bottom, each above the next; the last arrow goes back along the left edge.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagram::{Style, to_ascii};

use super::{Arrow, Cycle, Part, Transaction, wrap};

/// Columns before a box.
const MARGIN: usize = 3;
/// Columns before the text beside an arrow.
const INDENT: usize = 8;
/// Nothing can be read in fewer columns.
const NARROWEST: usize = 40;

impl Cycle {
    /// Draws it. Every line ends with a newline; none is wider than the style allows. Empty where
    /// there is no room for it.
    #[must_use]
    pub fn draw(&self, style: Style) -> String {
        if style.width < NARROWEST {
            return String::new();
        }
        let mut drawing = Drawing {
            width: style.width,
            ascii: style.ascii,
            begun: false,
            text: String::new(),
        };
        for part in self.parts() {
            match part {
                Part::Box(transaction) => drawing.transaction(transaction),
                Part::Arrow(arrow) => drawing.arrow(arrow),
                Part::Gap(left_out) => drawing.gap(left_out),
            }
        }
        drawing.close();
        for fault in &self.faults {
            for line in wrap(&format!("meanwhile {fault}"), style.width) {
                drawing.line(&line);
            }
        }
        match style.ascii {
            true => to_ascii(&drawing.text),
            false => drawing.text,
        }
    }
}

struct Drawing {
    width: usize,
    ascii: bool,
    /// Whether the first box is drawn, from which on the left edge is taken.
    begun: bool,
    text: String,
}

impl Drawing {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A text of which every character can be drawn and has a width.
    fn spelt(&self, text: &str) -> String {
        let text: String = text
            .chars()
            .filter(|c| c.width().unwrap_or(0) > 0)
            .collect();
        if self.ascii { to_ascii(&text) } else { text }
    }

    const fn edge(&self) -> &'static str {
        if self.begun { "│  " } else { "   " }
    }

    fn transaction(&mut self, transaction: &Transaction) {
        let room = self.width - MARGIN - 4;
        let Transaction {
            name,
            who,
            operations,
            others,
        } = transaction;
        let mut inside = wrap(&self.spelt(&format!("{name} ({who})")), room - 2);
        let title = inside.remove(0);
        inside.extend(operations.iter().flat_map(|it| wrap(&self.spelt(it), room)));
        if *others > 0 {
            inside.push(format!("… and {others} more"));
        }
        let widths = inside.iter().map(|line| line.width());
        let wide = widths.max().unwrap_or(0).max(title.width() + 2).min(room);
        let rule = "─".repeat(wide.saturating_sub(title.width() + 1));
        self.line(&format!("{}╭─ {title} {rule}╮", self.edge()));
        for (at, line) in inside.iter().enumerate() {
            let edge = match (at, self.begun, self.ascii) {
                (0, false, true) => "+->",
                (0, false, false) => "╭─▶",
                _ => self.edge(),
            };
            let pad = " ".repeat(wide - line.width());
            self.line(&format!("{edge}│ {line}{pad} │"));
            self.begun = true;
        }
        let rule = "─".repeat(wide - 1);
        self.line(&format!("{}╰──┬{rule}╯", self.edge()));
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let key = arrow.key.as_deref().unwrap_or("");
        let about = format!("{} {key}: {}", arrow.dependency.name(), arrow.because);
        let about = about.replace(" : ", ": ");
        for line in wrap(&self.spelt(&about), self.width - INDENT) {
            self.line(&format!("{}   │ {line}", self.edge()));
        }
        let head = if self.ascii { 'v' } else { '▼' };
        self.line(&format!("{}   {head}", self.edge()));
    }

    fn gap(&mut self, left_out: usize) {
        self.line(&format!("{}   : {left_out} more transactions", self.edge()));
    }

    /// The last arrow goes back to the first box.
    fn close(&mut self) {
        // It needs no head where it turns.
        let end = self.text.trim_end().len();
        let start = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
        self.text.truncate(start);
        self.line("╰─────╯");
    }
}
