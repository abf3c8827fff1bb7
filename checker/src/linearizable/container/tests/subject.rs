//! What is the same for every object: what its file decides, the orders and certificates it gives,
//! and what the definition says.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::brute::{linearizable, replay};
use super::generate::Rng;
use crate::linearizable::container::elements::NEVER;
use crate::linearizable::container::refuted::Refuted;
use crate::linearizable::item::Item;
use crate::model::Model;

/// How many histories of each object.
pub(super) const FEW: u64 = 20_000;
pub(super) const MANY: u64 = 1_000_000;

/// How often each answer was given.
#[derive(Debug, Default)]
struct Count {
    holds: u64,
    violated: u64,
    not_known: u64,
    why: BTreeMap<String, u64>,
}

type Decide<A> = Box<dyn Fn(&[Item<A>]) -> Option<Result<(), Refuted>>>;
type Order<A> = Box<dyn Fn(&[Item<A>]) -> Option<Vec<usize>>>;

/// What is tested.
pub(super) struct Subject<M: Model> {
    pub(super) model: M,
    pub(super) decide: Decide<M::Op>,
    pub(super) order: Order<M::Op>,
    /// An operation of unknown outcome, if that may have had an effect.
    pub(super) crashed: fn(&M::Op) -> Option<M::Op>,
    /// The same with other names, in the same order.
    pub(super) renamed: fn(&M::Op) -> M::Op,
}

impl<M: Model<Op: Debug>> Subject<M> {
    fn agrees(&self, items: &[Item<M::Op>], count: &mut Count) {
        let Some(answer) = (self.decide)(items) else {
            assert_eq!((self.order)(items), None);
            count.not_known += 1;
            return;
        };
        let truth = linearizable(&self.model, items);
        assert_eq!(answer.is_ok(), truth, "{answer:?} of {items:#?}");
        match answer {
            Ok(()) => {
                count.holds += 1;
                let order = (self.order)(items).unwrap_or_else(|| panic!("no order: {items:#?}"));
                let replayed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    replay(&self.model, items, &order);
                }));
                assert!(replayed.is_ok(), "{order:?} of {items:#?}");
            }
            Err(refuted) => {
                count.violated += 1;
                let why = format!("{:?}, {}", refuted.why, refuted.why.kind());
                *count.why.entry(why).or_default() += 1;
                assert_eq!((self.order)(items), None);
                self.is_proof(items, &refuted);
            }
        }
    }

    /// Judges so many random histories.
    pub(super) fn histories(&self, histories: u64, draw: impl Fn(&mut Rng) -> Vec<Item<M::Op>>) {
        let mut count = Count::default();
        for seed in 0..histories {
            let mut rng = Rng(seed);
            let items = draw(&mut rng);
            self.agrees(&items, &mut count);
            self.keeps_laws(&items, &mut rng);
        }
        println!("{}: {count:#?}", self.model.name());
        assert!(count.holds > histories / 20 && count.violated > histories / 20);
    }

    /// What must not change the answer, or not for the worse.
    fn keeps_laws(&self, items: &[Item<M::Op>], rng: &mut Rng) {
        let answer = (self.decide)(items);
        let mut renamed = items.to_vec();
        for item in &mut renamed {
            item.action = (self.renamed)(&item.action);
        }
        assert_eq!((self.decide)(&renamed), answer, "{items:#?}");
        if items.is_empty() || !matches!(answer, Some(Ok(()))) {
            return;
        }
        let at = rng.below(items.len() as u64) as usize;
        let mut wider = items.to_vec();
        wider[at].start = wider[at].start.saturating_sub(rng.below(9));
        wider[at].end = wider[at].end.saturating_add(rng.below(9));
        wider.sort_by_key(|item| item.start);
        assert!(!matches!((self.decide)(&wider), Some(Err(_))), "{wider:#?}");
        let mut fewer = items.to_vec();
        fewer.retain(|item| !self.model.only_observes(&item.action) || rng.percent(50));
        assert!(!matches!((self.decide)(&fewer), Some(Err(_))), "{fewer:#?}");
    }

    /// Whether the operations alone have no order, nor has what was known by the rank.
    fn is_proof(&self, items: &[Item<M::Op>], refuted: &Refuted) {
        let named = refuted.operations.iter().map(|&at| items[at].clone());
        let alone: Vec<Item<M::Op>> = named.collect();
        assert!(
            !linearizable(&self.model, &alone),
            "{refuted:?} of {items:#?}"
        );
        let known: Vec<Item<M::Op>> = items
            .iter()
            .filter(|item| item.start <= refuted.by)
            .filter_map(|item| {
                let mut item = item.clone();
                if item.end > refuted.by {
                    item.end = NEVER;
                    item.action = (self.crashed)(&item.action)?;
                }
                Some(item)
            })
            .collect();
        assert!(
            !linearizable(&self.model, &known),
            "{refuted:?} of {items:#?}"
        );
    }
}
