//! How many elements cover each moment, while elements go.

/// More than any element count: a moment that is dealt with.
const DONE: i32 = 1 << 30;

/// How many elements cover each moment. A segment tree of minima in which what is added to a
/// whole range stays where the range is, and which of them, where it is one only: exclusive or
/// over their numbers, in a Fenwick tree.
pub(super) struct Coverage {
    /// The leaves begin here.
    width: usize,
    /// The smallest count below a node, without what was added above it.
    least: Vec<i32>,
    added: Vec<i32>,
    names: Vec<u32>,
}

impl Coverage {
    /// Of `moments` moments by these ranges: from, and up to but without.
    pub(super) fn new(moments: u32, ranges: impl Iterator<Item = (u32, u32)>) -> Coverage {
        let moments = moments as usize;
        let width = moments.next_power_of_two();
        let mut counts = vec![0_i32; moments + 1];
        let mut names = vec![0_u32; moments + 1];
        for (name, (from, to)) in (1_u32..).zip(ranges) {
            if from < to {
                counts[from as usize] += 1;
                counts[to as usize] -= 1;
                names[from as usize] ^= name;
                names[to as usize] ^= name;
            }
        }
        let mut least = vec![DONE; 2 * width];
        let mut count = 0;
        for at in 0..moments {
            count += counts[at];
            least[width + at] = count;
        }
        for node in (1..width).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        // Differences at moments become sums over ranges of a Fenwick tree, numbered from 1.
        let mut fenwick = vec![0_u32; moments + 1];
        for at in 1..=moments {
            fenwick[at] ^= names[at - 1];
            let parent = at + (at & at.wrapping_neg());
            if parent <= moments {
                fenwick[parent] ^= fenwick[at];
            }
        }
        Coverage {
            width,
            least,
            added: vec![0; width],
            names: fenwick,
        }
    }

    /// The first moment that at most one element covers, and that is not dealt with; with how
    /// many do.
    pub(super) fn thin(&self) -> Option<(u32, i32)> {
        let mut node = 1;
        let mut above = 0;
        if self.least[1] > 1 {
            return None;
        }
        while node < self.width {
            above += self.added[node];
            node *= 2;
            if self.least[node] + above > 1 {
                node += 1;
            }
        }
        Some(((node - self.width) as u32, self.least[node] + above))
    }

    /// Which element covers a moment that one covers only.
    pub(super) fn name(&self, moment: u32) -> u32 {
        let mut at = moment as usize + 1;
        let mut name = 0;
        while at > 0 {
            name ^= self.names[at];
            at &= at - 1;
        }
        name - 1
    }

    /// Deals with a moment.
    pub(super) fn finish(&mut self, moment: u32) {
        let leaf = self.width + moment as usize;
        self.least[leaf] = DONE;
        self.update_above(leaf);
    }

    /// An element with this range goes.
    pub(super) fn remove(&mut self, name: u32, (from, to): (u32, u32)) {
        if from >= to {
            return;
        }
        self.rename(from, name + 1);
        self.rename(to, name + 1);
        let (first, last) = (self.width + from as usize, self.width + to as usize - 1);
        let (mut left, mut right) = (first, last + 1);
        while left < right {
            if left & 1 == 1 {
                self.lower(left);
                left += 1;
            }
            if right & 1 == 1 {
                right -= 1;
                self.lower(right);
            }
            left /= 2;
            right /= 2;
        }
        self.update_above(first);
        self.update_above(last);
    }

    fn rename(&mut self, moment: u32, name: u32) {
        let mut at = moment as usize + 1;
        while at < self.names.len() {
            self.names[at] ^= name;
            at += at & at.wrapping_neg();
        }
    }

    fn lower(&mut self, node: usize) {
        self.least[node] -= 1;
        if node < self.width {
            self.added[node] -= 1;
        }
    }

    fn update_above(&mut self, mut node: usize) {
        while node > 1 {
            node /= 2;
            let below = self.least[2 * node].min(self.least[2 * node + 1]);
            self.least[node] = below + self.added[node];
        }
    }
}
