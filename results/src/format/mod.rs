//! The formats in which a suite is told to others, one file each.

pub mod github;
mod json;
mod junit;
mod markdown;
mod sarif;

pub use json::json;
pub use junit::junit;
pub use markdown::{markdown, markdown_within};
pub use sarif::sarif;

#[cfg(test)]
mod tests;

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
