//! The file around a page: one text with its style, its patterns and its script, which asks nobody
//! for anything.
//!
//! The policy in the head allows no request, and of scripts only the one of this program, by its
//! digest: what a store or a user wrote cannot run even if it were not escaped.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The SHA-256 of the script, base64. A test in a browser fails where it is another's.
const DIGEST: &str = "3y2/+uaOhczkk+DeztVM3Bhl26cb2iBrNrcNfJIFyOM=";

/// The families of faults, with the lines that fill them: shapes besides colours.
const HATCHES: [(&str, &str); 6] = [
    ("partition", "M0 8L8 0"),
    ("clock", "M4 0V8"),
    ("kill", "M0 0L8 8M0 8L8 0"),
    ("pause", "M0 4H8"),
    ("slow", "M0 0L8 8"),
    ("disk", "M4 0V8M0 4H8"),
];

/// A whole file. One that is served may have more in its head, and forms that ask the server.
pub(crate) fn file(title: &str, head: Option<Markup>, body: &Markup) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{DIGEST}'; \
         base-uri 'none'; form-action {}",
        if head.is_none() { "'none'" } else { "'self'" }
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                @if let Some(head) = &head { (head) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                svg.defs width="0" height="0" aria-hidden="true" {
                    defs {
                        @for (family, path) in HATCHES {
                            pattern id={ "hatch-" (family) } width="8" height="8" patternUnits="userSpaceOnUse" {
                                path.hatching d=(path) {}
                            }
                        }
                    }
                }
                main { (body) }
                footer {
                    "Made by Polygraph."
                    @if head.is_none() { " This file is whole: it asks nobody for anything." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}
