//! Lists of integers as they stand in a text, read at the speed of comparing bytes.
//!
//! A list of a key is nearly always a prefix or an extension of one that was read before. Of each
//! key the text of the longest list is kept; where a text begins like it, only its length is to
//! be found, and where it goes on, only the rest is to be read. The numbers are made from the
//! kept texts in the end.

use super::Value;
use super::list::{List, Open};
use crate::scan::Cursor;

/// Lists of one key that contradict each other begin as many chains; a further one takes the
/// place of the last.
const CHAINS: usize = 4;

/// Lists that have just been read, by the number of their key.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    keys: Vec<Vec<Growing>>,
    empty: Option<List>,
    /// Those whose place was taken.
    displaced: Vec<Growing>,
}

/// The longest of lists of which each is a prefix of the next.
#[derive(Debug, Default)]
struct Growing {
    open: Open,
    /// What stands between its brackets.
    text: Vec<u8>,
    /// Where each element ends in the text.
    ends: Vec<u32>,
}

impl Chains {
    /// Reads the list of integers that begins here, as the value of a key; `separator` passes over
    /// what stands between two elements.
    ///
    /// Nobody may look at the list before [`Chains::close`].
    pub(crate) fn list<'a>(
        &mut self,
        key: u32,
        cursor: &mut Cursor<'a>,
        separator: impl Fn(&mut Cursor<'a>) -> Option<()>,
    ) -> Option<List> {
        cursor.eat(b"[")?;
        if cursor.eats(b"]") {
            let empty = self.empty.get_or_insert_with(|| List::from(Vec::new()));
            return Some(empty.clone());
        }
        let key = key as usize;
        if key >= self.keys.len() {
            self.keys.resize_with(key + 1, Vec::new);
        }
        let chains = &mut self.keys[key];
        for at in 0..chains.len() {
            if let Some(length) = chains[at].read(cursor, &separator) {
                let list = chains[at].open.prefix(length);
                // What was read last is looked at first.
                chains.swap(0, at);
                return Some(list);
            }
        }
        let mut growing = Growing::default();
        let length = growing.extend(cursor, separator)?;
        let list = growing.open.prefix(length);
        if chains.len() == CHAINS {
            self.displaced.extend(chains.pop());
        }
        chains.push(growing);
        let last = chains.len() - 1;
        chains.swap(0, last);
        Some(list)
    }

    /// Fills in all lists so far.
    pub(crate) fn close(&mut self) {
        let chains = std::mem::take(&mut self.keys).into_iter().flatten();
        for growing in chains.chain(std::mem::take(&mut self.displaced)) {
            growing.close();
        }
    }
}

impl Growing {
    /// Reads a list that is a prefix or an extension of this, from behind its opening bracket to
    /// behind the closing one: its length. Else the cursor stays.
    fn read<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        separator: &impl Fn(&mut Cursor<'a>) -> Option<()>,
    ) -> Option<u32> {
        let common = common_prefix(cursor.rest(), &self.text);
        let mut end = *cursor;
        end.skip(common);
        if end.eats(b"]") {
            let at = match common == self.text.len() {
                true => self.ends.len() - 1,
                false => self.ends.binary_search(&(common as u32)).ok()?,
            };
            *cursor = end;
            return Some(at as u32 + 1);
        }
        if common < self.text.len() {
            return None;
        }
        // Nothing is added before it is known that a further element follows.
        let mut next = end;
        separator(&mut next)?;
        let kept = (self.text.len(), self.ends.len());
        self.text.extend_from_slice(end.bytes_until(&next));
        let length = self.extend(&mut next, separator);
        match length {
            Some(_) => *cursor = next,
            None => {
                self.text.truncate(kept.0);
                self.ends.truncate(kept.1);
            }
        }
        length
    }

    /// Adds the elements from here to the closing bracket: the length of the list then.
    fn extend<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        separator: impl Fn(&mut Cursor<'a>) -> Option<()>,
    ) -> Option<u32> {
        let (start, offset) = (*cursor, self.text.len());
        loop {
            cursor.integer()?;
            let end = offset + cursor.at() - start.at();
            self.ends.push(u32::try_from(end).ok()?);
            if cursor.peek() == Some(b']') {
                self.text.extend_from_slice(start.bytes_until(cursor));
                cursor.next();
                return Some(self.ends.len() as u32);
            }
            separator(cursor)?;
        }
    }

    /// Fills in its lists.
    fn close(self) {
        let mut start = 0;
        let values = self.ends.iter().map(|&end| {
            let mut number = Cursor::new(&self.text, start);
            start = end as usize;
            while matches!(number.peek(), Some(b' ' | b',')) {
                number.next();
            }
            // Every element was read as an integer before.
            number.integer().map_or(Value::Null, Value::Int)
        });
        let values = values.collect();
        self.open.close(values);
    }
}

/// How many bytes two texts have in common at their beginnings.
fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const WORD: usize = size_of::<u64>();
    let mut at = 0;
    let words = one.chunks_exact(WORD).zip(other.chunks_exact(WORD));
    for (one, other) in words {
        let (Ok(one), Ok(other)) = (one.try_into(), other.try_into()) else {
            break;
        };
        let difference = u64::from_le_bytes(one) ^ u64::from_le_bytes(other);
        if difference != 0 {
            return at + difference.trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    let rest = one[at..].iter().zip(&other[at..]);
    at + rest.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::{Chains, Cursor, List, Value, common_prefix};

    fn space(cursor: &mut Cursor<'_>) -> Option<()> {
        cursor.eat(b" ")
    }

    fn read(chains: &mut Chains, text: &str) -> Option<List> {
        let mut cursor = Cursor::new(text.as_bytes(), 0);
        let list = chains.list(3, &mut cursor, space)?;
        assert_eq!(cursor.at(), text.len(), "{text}");
        Some(list)
    }

    fn ints(numbers: &[i64]) -> List {
        numbers.iter().map(|&number| Value::Int(number)).collect()
    }

    #[test]
    fn prefixes_and_extensions_lie_on_one_chain() {
        let mut chains = Chains::default();
        let texts = ["[1 23]", "[1]", "[]", "[1 23 -4 56]", "[1 23 -4]", "[1 23]"];
        let lists = texts.map(|text| read(&mut chains, text).unwrap());
        chains.close();
        let expected: [&[i64]; 6] = [
            &[1, 23],
            &[1],
            &[],
            &[1, 23, -4, 56],
            &[1, 23, -4],
            &[1, 23],
        ];
        for (list, expected) in lists.iter().zip(expected) {
            assert_eq!(*list, ints(expected));
            assert_eq!(list.shares(&lists[0]), !expected.is_empty());
            assert_eq!(list.chain() == lists[0].chain(), !expected.is_empty());
        }
    }

    /// Texts that begin alike although their elements differ, and more branches than are kept.
    #[test]
    fn lists_that_contradict_each_other_are_apart() {
        let mut chains = Chains::default();
        let texts = [
            "[1 2]",
            "[1 23]",
            "[1 2 3]",
            "[12]",
            "[1 3]",
            "[1 4]",
            "[1 5]",
            "[1 2 3 4]",
            "[1 23]",
        ];
        let lists = texts.map(|text| read(&mut chains, text).unwrap());
        chains.close();
        for (list, text) in lists.iter().zip(texts) {
            assert_eq!(Value::List(list.clone()).to_string(), text);
        }
        assert!(lists[0].shares(&lists[2]));
        assert!(!lists[0].shares(&lists[1]));
        assert!(lists[0] < lists[2] && lists[2] < lists[1]);
    }

    #[test]
    fn what_is_no_list_of_integers_leaves_nothing_behind() {
        let mut chains = Chains::default();
        let list = read(&mut chains, "[1 2]").unwrap();
        for text in [
            "[1 2 x]",
            "[1 2 ",
            "[1 2 3",
            "[1  2]",
            "[1 2 03]",
            "[x]",
            "[1 2 3 []]",
        ] {
            assert!(read(&mut chains, text).is_none(), "{text}");
        }
        let longer = read(&mut chains, "[1 2 3]").unwrap();
        chains.close();
        assert!(list.shares(&longer));
        assert_eq!((list, longer), (ints(&[1, 2]), ints(&[1, 2, 3])));
    }

    #[test]
    fn common_prefixes_end_at_the_first_difference() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=text.len() {
            assert_eq!(common_prefix(text, &text[..length]), length);
            let mut other = *text;
            if let Some(byte) = other.get_mut(length) {
                *byte = b'-';
            }
            assert_eq!(common_prefix(text, &other), length);
        }
    }
}
