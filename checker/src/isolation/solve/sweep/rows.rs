//! Rows of different lengths in one array.

/// Of each of some things several others, one after the other.
pub(super) struct Rows<T> {
    pub(super) first: Vec<u32>,
    pub(super) items: Vec<T>,
}

impl<T: Copy + Default> Rows<T> {
    /// From pairs of a row and an item.
    pub(super) fn new(count: usize, pairs: impl Iterator<Item = (u32, T)> + Clone) -> Rows<T> {
        let mut first = vec![0u32; count + 2];
        for (row, _) in pairs.clone() {
            first[row as usize + 2] += 1;
        }
        for at in 2..first.len() {
            first[at] += first[at - 1];
        }
        let mut items = vec![T::default(); first[count + 1] as usize];
        for (row, item) in pairs {
            let place = &mut first[row as usize + 1];
            items[*place as usize] = item;
            *place += 1;
        }
        first.pop();
        Rows { first, items }
    }

    pub(super) fn of(&self, row: u32) -> &[T] {
        let row = row as usize;
        &self.items[self.first[row] as usize..self.first[row + 1] as usize]
    }
}
