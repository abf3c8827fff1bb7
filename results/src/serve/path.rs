//! From the path of a request to a file in the folder that is served, and to no other.

use std::path::{Path, PathBuf};

/// What a path names; `None` for whatever is not inside of the folder.
///
/// The path is decoded once, its parts may not be `..`, hidden or separators in disguise, and what it
/// leads to must lie in the folder after all links are followed. The root has no links.
pub(super) fn resolve(root: &Path, path: &str) -> Option<PathBuf> {
    let mut found = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decode(part)?;
        if part.starts_with('.') || part.contains(['/', '\\', '\0', ':']) {
            return None;
        }
        found.push(part);
    }
    let real = found.canonicalize().ok()?;
    real.starts_with(root).then_some(real)
}

/// A part of a path without its escapes; `None` if one is cut short, or the text is not UTF-8.
fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A name as a part of a path.
pub(super) fn encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            byte => text += &format!("%{byte:02X}"),
        }
    }
    text
}

/// The values of a query, decoded, by their names.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name);
    let (_, value) = values.next()?;
    decode(&value.replace('+', " ")).filter(|value| !value.is_empty())
}
