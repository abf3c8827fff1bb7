//! The language of Graphviz.

use std::fmt::Write;

use super::Cycle;

impl Cycle {
    /// The cycle as a graph in the language of Graphviz, all of it however long it is.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n", escaped(&self.kind));
        text += "  node [shape=box, fontname=\"monospace\"];\n";
        text += "  edge [fontname=\"monospace\"];\n";
        if !self.faults.is_empty() {
            let faults = self.faults.iter().map(|it| format!("meanwhile {it}"));
            let faults: Vec<String> = faults.map(|it| escaped(&it)).collect();
            let _ = writeln!(text, "  label=\"{}\\l\";", faults.join("\\l"));
        }
        for transaction in &self.boxes {
            let mut lines = vec![format!("{} ({})", transaction.name, transaction.who)];
            lines.extend(transaction.operations.iter().cloned());
            if transaction.others > 0 {
                lines.push(format!("… and {} more", transaction.others));
            }
            let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
            let label = lines.join("\\l");
            let _ = writeln!(text, "  {} [label=\"{label}\\l\"];", transaction.name);
        }
        for (at, arrow) in self.steps.iter().enumerate() {
            let next = &self.boxes[(at + 1) % self.boxes.len()].name;
            let label = match &arrow.key {
                Some(key) => format!("{} {key}", arrow.dependency.name()),
                None => arrow.dependency.name().to_owned(),
            };
            let _ = writeln!(
                text,
                "  {} -> {next} [label=\"{}\", tooltip=\"{}\"];",
                self.boxes[at].name,
                escaped(&label),
                escaped(&arrow.because)
            );
        }
        text + "}\n"
    }
}

/// A text between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
