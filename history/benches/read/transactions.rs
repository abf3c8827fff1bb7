//! Transactions on lists and registers that a strictly serializable store took: twenty clients, one to eight
//! operations each, half of them reads, on ten live keys of which the newest are the hottest; a
//! key is replaced after 32 writes. Two in a hundred fail.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};

use polygraph_history::random::Random;

use super::{CLIENTS, Failure};

const WRITES: usize = 32;
const POOL: usize = 10;

/// The operations of a transaction: a key, and what is written if it is no read.
type Steps = Vec<(usize, Option<u64>)>;

struct Pool {
    keys: [usize; POOL],
    /// Of each key ever, what the store holds.
    lists: Vec<Vec<u64>>,
    /// Of each key ever, how many writes were asked for.
    asked: Vec<usize>,
}

impl Pool {
    fn new() -> Pool {
        Pool {
            keys: std::array::from_fn(|at| at),
            lists: vec![Vec::new(); POOL],
            asked: vec![0; POOL],
        }
    }

    /// The place of a key: each is half as likely as the next.
    fn place(random: &mut Random) -> usize {
        let zeros = (random.bits() | 1 << (POOL - 1)).trailing_zeros() as usize;
        POOL - 1 - zeros.min(POOL - 1)
    }

    fn draw(&mut self, random: &mut Random) -> Steps {
        let length = random.between(1, 8);
        let draw = (0..length).map(|_| {
            let place = Pool::place(random);
            let key = self.keys[place];
            if random.below(2) == 0 {
                return (key, None);
            }
            self.asked[key] += 1;
            let value = self.asked[key] as u64;
            if self.asked[key] == WRITES {
                self.keys[place] = self.lists.len();
                self.lists.push(Vec::new());
                self.asked.push(0);
            }
            (key, Some(value))
        });
        draw.collect()
    }
}

/// List-append transactions as rows of EDN.
pub(super) fn appends_as_edn(count: u64, mut out: BufWriter<File>) -> Result<(), Failure> {
    let random = &mut Random::keyed(&[7]);
    let mut pool = Pool::new();
    let mut open: Vec<Option<Steps>> = vec![None; CLIENTS as usize];
    let (mut index, mut begun, mut text) = (0_u64, 0, String::new());
    while begun < count || open.iter().any(Option::is_some) {
        let process = random.below(CLIENTS) as usize;
        let (kind, micros) = match open[process].take() {
            None if begun == count => continue,
            None => {
                begun += 1;
                let micros = pool.draw(random);
                open[process] = Some(micros.clone());
                ("invoke", micros)
            }
            Some(micros) if random.below(50) == 0 => ("fail", micros),
            Some(micros) => ("ok", micros),
        };
        text.clear();
        for (at, &(key, value)) in micros.iter().enumerate() {
            text.push_str(if at > 0 { " " } else { "" });
            match (value, kind) {
                (Some(value), _) => {
                    write!(text, "[:append {key} {value}]")?;
                    if kind == "ok" {
                        pool.lists[key].push(value);
                    }
                }
                (None, "ok") => {
                    write!(text, "[:r {key} [")?;
                    for (at, value) in pool.lists[key].iter().enumerate() {
                        text.push_str(if at > 0 { " " } else { "" });
                        write!(text, "{value}")?;
                    }
                    text.push_str("]]");
                }
                (None, _) => write!(text, "[:r {key} nil]")?,
            }
        }
        let time = index * 50_123;
        writeln!(
            out,
            "{{:type :{kind}, :f :txn, :value [{text}], :process {process}, :time {time}, \
             :index {index}}}"
        )?;
        index += 1;
    }
    out.flush()?;
    Ok(())
}

/// Transactions on registers as lines of Plume: those of a transaction when it commits.
pub(super) fn registers_as_plume(count: u64, mut out: BufWriter<File>) -> Result<(), Failure> {
    let random = &mut Random::keyed(&[8]);
    let mut pool = Pool::new();
    for transaction in 0..count {
        let session = random.below(CLIENTS);
        for (key, value) in pool.draw(random) {
            match value {
                Some(value) => {
                    pool.lists[key] = vec![value];
                    writeln!(out, "w({key},{value},{session},{transaction})")?;
                }
                None => {
                    let held = pool.lists[key].first().unwrap_or(&0);
                    writeln!(out, "r({key},{held},{session},{transaction})")?;
                }
            }
        }
    }
    out.flush()?;
    Ok(())
}
