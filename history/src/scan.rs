//! A place in bytes, and what may stand there: the pieces of readers of canonical lines.
//!
//! Everything here says yes only to what the general parsers read in the same way; at anything
//! else it gives up, and the line is theirs.

/// A place in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor { text, at }
    }

    /// How many bytes lie behind.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// What lies ahead.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over so many bytes.
    #[inline]
    pub(crate) const fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes over the next byte.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Passes over just these bytes.
    #[inline]
    pub(crate) fn eat<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        self.eats(expected).then_some(())
    }

    /// Passes over these bytes if they stand here.
    #[inline]
    pub(crate) fn eats<const N: usize>(&mut self, expected: &[u8; N]) -> bool {
        // An array's comparison is one or two instructions.
        let found = self.text.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        let eats = found == Some(expected);
        if eats {
            self.at += N;
        }
        eats
    }

    /// The letters and hyphens that stand here.
    #[inline]
    pub(crate) fn word(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let letter = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'-';
        let length = rest.iter().position(|byte| !letter(byte));
        let word = &rest[..length.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// What stands between this place and a later one.
    #[inline]
    pub(crate) fn until(&self, end: &Cursor<'a>) -> Option<&'a str> {
        std::str::from_utf8(self.bytes_until(end)).ok()
    }

    /// The same, as bytes.
    #[inline]
    pub(crate) fn bytes_until(&self, end: &Cursor<'a>) -> &'a [u8] {
        self.text.get(self.at..end.at).unwrap_or_default()
    }

    /// A number without sign and leading zeros.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<u64> {
        let rest = self.text.get(self.at..)?;
        let mut number = 0_u64;
        let mut length = 0;
        while let Some(digit) = rest.get(length).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            // Nineteen digits fit; a twentieth is seen below.
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        if length == 0 || length > 19 || (length > 1 && rest[0] == b'0') {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// An integer, perhaps below zero, of up to eighteen digits.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let negative = self.eats(b"-");
        let start = self.at;
        let number = self.number()?;
        if self.at - start > 18 || negative && number == 0 {
            return None;
        }
        let number = number.cast_signed();
        Some(if negative { -number } else { number })
    }

    /// The rest of a string without escapes, of which the opening quote lies behind; passes over
    /// the closing one.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
        let length = rest.iter().position(|&byte| !plain(byte))?;
        if rest[length] != b'"' {
            return None;
        }
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).ok()
    }
}
