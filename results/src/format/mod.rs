//! The formats in which a suite is told to others, one file each.

mod json;
mod markdown;

pub use json::json;
pub use markdown::{markdown, markdown_within};

/// A text in one line, at most so many characters.
fn clipped(text: &str, most: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() > most {
        true => line
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => line,
    }
}
