//! Operations that wait for a moment between two others.

/// Operations by the moments that suit them, given out as soon as one does.
pub(super) struct Windows {
    /// The leaves begin here.
    width: usize,
    /// The greatest last moment of those that begin below a node, plus one; 0 without any.
    latest: Vec<u32>,
    /// Where those of each first moment are in `waiting`; they end where the next begin.
    first: Vec<u32>,
    /// How many of each are left.
    left: Vec<u32>,
    /// Last moment and operation, those that end last last.
    waiting: Vec<(u32, u32)>,
}

impl Windows {
    /// Operations with their first and last moments, both included.
    pub(super) fn new(moments: u32, windows: &[(u32, u32)]) -> Windows {
        let moments = moments as usize;
        let width = moments.next_power_of_two();
        let mut first = vec![0_u32; moments + 1];
        for &(from, _) in windows {
            first[from as usize + 1] += 1;
        }
        for at in 0..moments {
            first[at + 1] += first[at];
        }
        let mut left = vec![0_u32; moments];
        let mut waiting = vec![(0, 0); windows.len()];
        for (operation, &(from, to)) in (0_u32..).zip(windows) {
            let place = first[from as usize] + left[from as usize];
            waiting[place as usize] = (to, operation);
            left[from as usize] += 1;
        }
        let mut latest = vec![0; 2 * width];
        for at in 0..moments {
            let group = &mut waiting[first[at] as usize..first[at + 1] as usize];
            group.sort_unstable();
            latest[width + at] = group.last().map_or(0, |&(to, _)| to + 1);
        }
        for node in (1..width).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        Windows {
            width,
            latest,
            first,
            left,
            waiting,
        }
    }

    /// Takes out an operation that this moment suits.
    pub(super) fn take(&mut self, moment: u32) -> Option<u32> {
        // From the first leaf on, the first node whose range ends at the moment or before it.
        let leaf = self.find(moment)?;
        let at = leaf - self.width;
        self.left[at] -= 1;
        let start = self.first[at];
        let (_, operation) = self.waiting[(start + self.left[at]) as usize];
        self.latest[leaf] = match self.left[at] {
            0 => 0,
            left => self.waiting[(start + left - 1) as usize].0 + 1,
        };
        let mut node = leaf;
        while node > 1 {
            node /= 2;
            let latest = self.latest[2 * node].max(self.latest[2 * node + 1]);
            if self.latest[node] == latest {
                break;
            }
            self.latest[node] = latest;
        }
        Some(operation)
    }

    /// The leaf of an operation that begins at the moment or before it, and ends at it or after.
    fn find(&self, moment: u32) -> Option<usize> {
        // The ranges of nodes that together are everything up to the moment, the last one first.
        let mut node = self.width + moment as usize;
        loop {
            if self.latest[node] > moment {
                break;
            }
            while node & 1 == 0 {
                node /= 2;
                if node == 0 {
                    return None;
                }
            }
            if node == 1 {
                return None;
            }
            node -= 1;
        }
        while node < self.width {
            node = 2 * node + 1;
            if self.latest[node] <= moment {
                node -= 1;
            }
        }
        Some(node)
    }
}
