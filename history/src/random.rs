//! Numbers that look random and are functions of a seed: what makes a seed a run.
//!
//! Everything that is drawn is either a hash of what it is for ([`keyed`]), so that removing one
//! thing leaves the draws of all others as they were, or the next number of a small generator
//! ([`Random`]) that was itself keyed so. Integer arithmetic only: the same on every machine.

/// Mixes 64 bits so that each of them depends on each (the finaliser of `SplitMix64`; Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[must_use]
pub const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of a key of several parts: the draw that belongs to them.
#[must_use]
pub const fn keyed(parts: &[u64]) -> u64 {
    let mut hash = GOLDEN;
    let mut at = 0;
    while at < parts.len() {
        hash = mix(hash.wrapping_add(GOLDEN) ^ mix(parts[at].wrapping_add(GOLDEN)));
        at += 1;
    }
    hash
}

/// A hash of a text, to be part of a key.
#[must_use]
pub const fn text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    // FNV-1a, then mixed: texts are short.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    mix(hash)
}

/// A draw from 0 to `below` - 1, from 64 random bits; 0 if `below` is 0.
#[must_use]
pub const fn below(bits: u64, below: u64) -> u64 {
    ((bits as u128 * below as u128) >> 64) as u64
}

/// A share of exponentially distributed length with the given mean, from 64 random bits. By a
/// table, to within one part in a thousand; never more than 22 times the mean.
#[must_use]
pub const fn exponential(bits: u64, mean: u64) -> u64 {
    // The top bits choose how many halvings of the tail come first: each adds ln 2.
    const LN_2: u128 = 45_426;
    let mut halvings = 0_u128;
    let mut rest = bits;
    while halvings < 31 && rest & 1 == 1 {
        halvings += 1;
        rest >>= 1;
    }
    // Then a place in the lower half, where the curve is nearly straight.
    let place = mix(bits) >> 40;
    let (at, fraction) = ((place >> 17) as usize, (place & 0x1_ffff) as u128);
    let (low, high) = (MINUS_LN[at] as u128, MINUS_LN[at + 1] as u128);
    let units = halvings * LN_2 + low + (((high - low) * fraction) >> 17);
    ((mean as u128 * units) >> 16) as u64
}

/// A small generator: `SplitMix64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The generator that belongs to a key.
    #[must_use]
    pub const fn keyed(parts: &[u64]) -> Random {
        Random {
            state: keyed(parts),
        }
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number from 0 to `limit` - 1; 0 if `limit` is 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        below(self.bits(), limit)
    }

    /// A number between two, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of a million draws.
    pub const fn chance_ppm(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < ppm as u64
    }

    /// One of several, by position.
    ///
    /// # Panics
    /// If there are none.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// Puts them in an order drawn uniformly.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// -ln(1 - i/256) in units of 2⁻¹⁶, for the lower half of the curve.
const MINUS_LN: [u32; 129] = [
    0, 257, 514, 773, 1032, 1293, 1554, 1817, 2081, 2345, 2611, 2878, 3146, 3415, 3686, 3957, 4230,
    4503, 4778, 5054, 5331, 5609, 5889, 6169, 6451, 6734, 7019, 7304, 7591, 7879, 8169, 8459, 8751,
    9044, 9339, 9635, 9932, 10231, 10530, 10832, 11135, 11439, 11744, 12051, 12360, 12669, 12981,
    13294, 13608, 13924, 14241, 14560, 14880, 15202, 15526, 15851, 16178, 16507, 16837, 17169,
    17502, 17837, 18174, 18513, 18854, 19196, 19540, 19886, 20233, 20583, 20934, 21288, 21643,
    22000, 22359, 22720, 23083, 23448, 23815, 24185, 24556, 24929, 25305, 25683, 26063, 26445,
    26829, 27216, 27605, 27996, 28390, 28786, 29184, 29585, 29988, 30394, 30802, 31213, 31627,
    32043, 32461, 32883, 33307, 33734, 34164, 34596, 35032, 35470, 35911, 36356, 36803, 37254,
    37707, 38164, 38624, 39087, 39553, 40023, 40496, 40973, 41453, 41937, 42424, 42915, 43409,
    43908, 44410, 44916, 45426,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_as_they_should_be() {
        let mut random = Random::keyed(&[7]);
        let draws = 200_000;
        let (mut sum, mut beyond) = (0_u64, 0);
        for _ in 0..draws {
            let span = exponential(random.bits(), 1_000_000);
            sum += span;
            beyond += u64::from(span > 2_302_585); // ln 10: a tenth lies beyond
        }
        let mean = sum / draws;
        assert!((990_000..1_010_000).contains(&mean), "{mean}");
        assert!(
            (draws * 95 / 1000..draws * 105 / 1000).contains(&beyond),
            "{beyond}"
        );
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[random.below(7) as usize] += 1;
        }
        assert!(
            seen.iter().all(|&count| (850..1150).contains(&count)),
            "{seen:?}"
        );
    }

    #[test]
    fn keys_do_not_run_together() {
        assert_ne!(keyed(&[1, 2]), keyed(&[2, 1]));
        assert_ne!(keyed(&[1]), keyed(&[1, 0]));
        assert_ne!(text("ab"), text("ba"));
        // Part of the format: a seed means the same run in every version that says so.
        assert_eq!(keyed(&[1, 2, 3]), GOLDEN_KEYED);
    }

    const GOLDEN_KEYED: u64 = 16_020_305_680_030_519_557;
}
