//! Reads sizes in bytes, with or without a unit.

/// What one of each unit is, in bytes.
const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a number of bytes: `268435456`, `256MiB`, `1GB`, `1.5GiB`; the case of a unit does not
/// matter.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is not a size; write a number of bytes, or one with a unit: 64kB 256MB \
             256MiB 1.5GiB"
        )
    };
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit_at.unwrap_or(text.len()));
    let unit = match unit {
        "" => 1,
        unit => {
            let known = UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit));
            known.ok_or_else(wrong)?.1
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let too_large = || {
        format!(
            "`{text}` is too large a size; the largest is {} bytes",
            u64::MAX
        )
    };
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).expect("at most nine digits"));
    let fraction: u64 = fraction.parse().map_err(|_| wrong())?;
    let bytes =
        u128::from(whole) * u128::from(unit) + u128::from(fraction) * u128::from(unit) / scale;
    u64::try_from(bytes).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("0", 0),
            ("20000", 20_000),
            ("64kB", 64_000),
            ("256MiB", 256 << 20),
            ("256mib", 256 << 20),
            ("1GB", 1_000_000_000),
            ("1.5GiB", 3 << 29),
            ("0.5KiB", 512),
            ("7B", 7),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_would_be_right() {
        for text in [
            "", "MB", "-1", "1.MB", ".5MB", "256 MB", "1TB", "256M", "1e9", "1.2.3kB",
        ] {
            let problem = parse_size(text).unwrap_err();
            assert!(problem.contains("256MiB"), "{text}: {problem}");
        }
        let problem = parse_size("99999999999GiB").unwrap_err();
        assert!(problem.contains("too large"), "{problem}");
    }
}
