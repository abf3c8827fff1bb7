//! How evidence is drawn on this terminal.

use std::env;

use clap::Args;
use polygraph_results::diagram::{Style, to_ascii};
use polygraph_results::{Report, measurements, pictures};

/// How evidence is drawn.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Drawing {
    /// Draw with ASCII characters only [default: where the locale is not UTF-8]
    #[arg(long)]
    ascii: bool,
    /// Show what was counted and timed besides, as tables
    #[arg(long)]
    measured: bool,
}

/// Diagrams are not wider than this, however wide the terminal is.
const WIDEST: usize = 80;

impl Drawing {
    /// The diagrams of a report.
    pub(super) fn pictures(self, report: &Report) -> String {
        pictures(report, self.style())
    }

    /// What was counted and timed, or that it was: after the evidence, which matters more.
    pub(super) fn measurements(self, report: &Report) -> String {
        if self.measured {
            return measurements(report, super::width());
        }
        let tables = report.guarantees.iter().flat_map(|it| &it.measured);
        let names: Vec<&str> = tables.map(|table| table.name).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("measured: {} (--measured shows it)\n", names.join(", ")),
        }
    }

    /// How wide, and with which characters.
    pub(super) fn style(self) -> Style {
        Style {
            width: super::width().min(WIDEST),
            ascii: self.in_ascii(),
        }
    }

    /// Everything, in the characters that can be shown.
    pub(super) fn print(self, text: &str) {
        if self.in_ascii() {
            super::print(&to_ascii(text));
        } else {
            super::print(text);
        }
    }

    fn in_ascii(self) -> bool {
        self.ascii || !is_utf8(|name| env::var(name).ok())
    }
}

/// Whether the locale has every character. The first of these that is set decides (POSIX, Base
/// Definitions, section 8.2); where none is, nothing is known, and tables are drawn as ever.
fn is_utf8(get: impl Fn(&str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names
        .into_iter()
        .filter_map(get)
        .find(|locale| !locale.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::is_utf8;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let set = |all: &'static str, lang: &'static str| {
            move |name: &str| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            }
        };
        assert!(is_utf8(set("", "en_US.UTF-8")));
        assert!(is_utf8(set("C.utf8", "C")));
        assert!(!is_utf8(set("C", "en_US.UTF-8")));
        assert!(!is_utf8(set("", "de_DE.ISO-8859-1")));
        assert!(is_utf8(|_| None));
    }
}
