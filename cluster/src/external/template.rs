//! Words with places to be filled in: `{port.client}`, `{data}`.

use std::fmt;

/// A text that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfillable {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Unfillable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.text, self.why)
    }
}

impl std::error::Error for Unfillable {}

/// Fills in every `{name}` of a text; `{{` and `}}` are braces.
///
/// # Errors
/// The first name that is not known, or a brace that stands alone.
pub(super) fn fill(
    text: &str,
    known: &dyn Fn(&str) -> Result<String, String>,
) -> Result<String, Unfillable> {
    let wrong = |why: String| Unfillable {
        text: text.to_owned(),
        why,
    };
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled += &rest[..at];
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            filled += brace;
            rest = after;
        } else if brace == "{" {
            let (name, after) = rest
                .split_once('}')
                .ok_or_else(|| wrong("a `{` has no `}`; a brace is written `{{`".to_owned()))?;
            filled += &known(name).map_err(wrong)?;
            rest = after;
        } else {
            return Err(wrong(
                "a `}` has no `{`; a brace is written `}}`".to_owned(),
            ));
        }
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Result<String, String> {
        match name {
            "port" => Ok("80".to_owned()),
            other => Err(format!("`{other}` is not known")),
        }
    }

    #[test]
    fn places_are_filled_in() {
        let filled = |text| fill(text, &known).map_err(|error| error.why);
        assert_eq!(filled("a:{port},{port}").unwrap(), "a:80,80");
        assert_eq!(filled("{{{port}}} {{x}}").unwrap(), "{80} {x}");
        assert_eq!(filled("").unwrap(), "");
        assert_eq!(filled("{prot}").unwrap_err(), "`prot` is not known");
        assert!(filled("{port").unwrap_err().contains("no `}`"));
        assert!(filled("port}").unwrap_err().contains("no `{`"));
    }
}
