//! Which forwarded requests a leader has taken, in bounded memory.

/// How far a number may lag behind the highest and still be told apart.
const WINDOW: u64 = 1024;

/// The numbers seen of one sender: a window that slides with the highest, as against replays in
/// IPsec (RFC 4303, section 3.4.3). What lies behind it counts as seen: a request that late is
/// dropped, which is safe, since nobody sends it again.
#[derive(Debug)]
pub(super) struct Seen {
    /// One more than the highest number seen.
    next: u64,
    bits: [u64; WINDOW as usize / 64],
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            next: 0,
            bits: [0; WINDOW as usize / 64],
        }
    }
}

impl Seen {
    /// Marks a number as seen; whether it was not before.
    pub(super) fn is_new(&mut self, number: u64) -> bool {
        if number + WINDOW < self.next {
            return false;
        }
        if number >= self.next {
            let from = self.next.max((number + 1).saturating_sub(WINDOW));
            for passed in from..=number {
                *self.word(passed) &= !bit(passed);
            }
            self.next = number + 1;
        }
        let was = *self.word(number) & bit(number);
        *self.word(number) |= bit(number);
        was == 0
    }

    const fn word(&mut self, number: u64) -> &mut u64 {
        &mut self.bits[(number % WINDOW / 64) as usize]
    }
}

const fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polygraph_history::random::Random;

    use super::*;

    #[test]
    fn no_number_is_taken_twice_and_none_in_the_window_is_refused() {
        for seed in 0..50 {
            let mut random = Random::keyed(&[seed]);
            let (mut seen, mut taken, mut highest) = (Seen::default(), BTreeSet::new(), 0);
            for _ in 0..3000 {
                let far = if random.below(50) == 0 { 3000 } else { 40 };
                let number = (highest + random.below(far)).saturating_sub(random.below(1500));
                let inside = number + WINDOW > highest;
                let expected = !taken.contains(&number) && inside;
                assert_eq!(seen.is_new(number), expected, "seed {seed}, {number}");
                if expected {
                    taken.insert(number);
                }
                highest = highest.max(number);
            }
        }
    }
}
