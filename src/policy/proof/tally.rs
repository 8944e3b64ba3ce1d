//! Answers as numbers: how many cells, and the least of them.

use crate::policy::space::{Algebra, Bitmaps, Cell, Diagrams, Space};

use super::question::Plan;

/// The answer to one question over a whole space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many cells.
    pub count: u128,
    /// The least of them by [`Space::rank`].
    pub least: Option<Cell>,
}

impl Tally {
    /// Both together; the parts have no cell in common.
    #[must_use]
    pub fn and(self, other: Self, space: &Space) -> Self {
        let cells = self.least.into_iter().chain(other.least);
        Self {
            count: self.count + other.count,
            least: cells.min_by_key(|cell| space.rank(cell)),
        }
    }
}

impl Plan {
    /// Answers every question symbolically; none if the bound on memory or on numbers was met.
    #[must_use]
    pub fn tallies(&self, space: &Space, diagrams: &mut Diagrams) -> Option<Vec<Tally>> {
        let sets = self.answer(space, diagrams);
        if diagrams.exhausted() {
            return None;
        }
        let tallies = sets.into_iter().map(|set| {
            Some(Tally {
                count: diagrams.count(set)?,
                least: diagrams.least(set),
            })
        });
        tallies.collect()
    }

    /// Answers every question for some blocks of cells, cell by cell. Tallies of other blocks are added with
    /// [`Tally::and`]; which blocks are taken together makes no difference.
    #[must_use]
    pub fn enumerate(&self, space: &Space, blocks: impl IntoIterator<Item = u64>) -> Vec<Tally> {
        let mut bitmaps = Bitmaps::new(space);
        let mut tallies = vec![Tally::default(); self.questions().len()];
        for block in blocks {
            bitmaps.turn_to(block);
            let sets = self.answer(space, &mut bitmaps);
            for (tally, set) in tallies.iter_mut().zip(&sets) {
                if bitmaps.is_empty(set) {
                    continue;
                }
                tally.count += u128::from(bitmaps.count(set));
                let most = tally.least.as_ref().map_or(usize::MAX, |cell| space.weight(cell));
                if let Some((_, cell)) = bitmaps.least(set, most) {
                    let best = tally.least.take();
                    let both = best.into_iter().chain([cell]);
                    tally.least = both.min_by_key(|cell| space.rank(cell));
                }
            }
        }
        tallies
    }
}
