//! Which machine runs what: by a hash of the test's name and the seed, so that a test that is
//! added moves no other.

use std::fmt;
use std::str::FromStr;

use polygraph_history::random::{keyed, text};

/// One of several parts of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which, from one.
    pub(crate) index: u64,
    /// Of how many.
    pub(crate) count: u64,
}

/// More machines than this are a slip of the pen.
const MOST: u64 = 10_000;

impl FromStr for Shard {
    type Err = String;

    fn from_str(written: &str) -> Result<Shard, String> {
        let parsed = written.split_once('/').and_then(|(index, count)| {
            Some(Shard {
                index: index.parse().ok()?,
                count: count.parse().ok()?,
            })
        });
        parsed
            .filter(|it| (1..=MOST).contains(&it.count) && (1..=it.count).contains(&it.index))
            .ok_or_else(|| {
                format!("`{written}` is no shard; write I/N with I from 1 to N, as in 2/3")
            })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Whether a run is this one's.
    pub(crate) fn has(&self, cell: &str, seed: u64) -> bool {
        keyed(&[text(cell), seed]) % self.count == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_one_shards_and_shards_are_alike_in_size() {
        for count in 1..=7 {
            let mut sizes = vec![0_u32; count as usize];
            for cell in 0..40 {
                for seed in 1..=20 {
                    let cell = format!("store/register/fault-{cell}/sim");
                    let has = |index: &u64| {
                        Shard {
                            index: *index,
                            count,
                        }
                        .has(&cell, seed)
                    };
                    let owners: Vec<u64> = (1..=count).filter(has).collect();
                    assert_eq!(owners.len(), 1, "{cell} {seed}");
                    sizes[owners[0] as usize - 1] += 1;
                }
            }
            let fair = 800 / count as u32;
            assert!(sizes.iter().all(|&size| size > fair * 3 / 4), "{sizes:?}");
        }
    }

    #[test]
    fn where_a_run_goes_never_changes() {
        let shards: Vec<u64> = (1..=8)
            .map(|seed| {
                let has = |index: &u64| {
                    Shard {
                        index: *index,
                        count: 3,
                    }
                    .has("a/b/c/sim", seed)
                };
                (1..=3).find(has).unwrap()
            })
            .collect();
        assert_eq!(shards, GOLDEN);
    }

    const GOLDEN: [u64; 8] = [2, 3, 3, 3, 3, 3, 1, 3];

    #[test]
    fn what_is_no_shard_is_told() {
        for text in [
            "", "1", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1/99999",
        ] {
            let error = text.parse::<Shard>().unwrap_err();
            assert!(error.contains("I/N"), "{error}");
        }
        let shard: Shard = "2/3".parse().unwrap();
        assert_eq!(
            (shard.index, shard.count, shard.to_string()),
            (2, 3, "2/3".to_owned())
        );
    }
}
