//! Sets of cells as bitmaps: one bit for each cell of a block, 64 cells at a time.
//!
//! The last axes run inside a block; the axes before them are fixed for it, so their conditions cost nothing.

use std::collections::HashMap;
use std::rc::Rc;

use super::algebra::Algebra;
use super::cell::{Cell, place_rank};
use super::reach::Space;

/// A set of cells of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bits {
    /// No cell.
    None,
    /// Every cell.
    All,
    /// Some, with bits behind the last cell always clear.
    Some(Rc<[u64]>),
}

/// The bitmaps of one block at a time.
#[derive(Debug)]
pub struct Bitmaps {
    sizes: Vec<usize>,
    /// The first axis that runs inside a block.
    inner: usize,
    /// How many cells a block has.
    cells: usize,
    /// The places of the axes before `inner`.
    outer: Vec<usize>,
    /// What each cell of a block says on the inner axes.
    weights: Vec<u8>,
    /// Which of two cells that say equally much comes first.
    ranks: Vec<u32>,
    patterns: HashMap<(usize, Box<[bool]>), Bits>,
}

impl Bitmaps {
    /// A block has at most so many cells: its bitmaps stay in the nearest caches.
    const CELLS_MAX: usize = 60_000;

    /// The bitmaps of the first block of a space.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        let sizes: Vec<usize> = space.axes().iter().map(|axis| axis.values().len()).collect();
        let mut inner = sizes.len();
        let mut cells = 1;
        while inner > 0 && cells * sizes[inner - 1] <= Self::CELLS_MAX {
            inner -= 1;
            cells *= sizes[inner];
        }
        let (mut weights, mut ranks) = (vec![0_u8], vec![0_u32]);
        for size in &sizes[inner..] {
            let longer = weights
                .iter()
                .flat_map(|weight| (0..*size).map(move |place| weight + u8::from(place != 0)));
            weights = longer.collect();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a block has fewer than 2^32 cells"
            )]
            let rank = |place: usize| place_rank(place, *size) as u32;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a block has fewer than 2^32 cells"
            )]
            let size = *size as u32;
            let longer = ranks
                .iter()
                .flat_map(|first| (0..size as usize).map(move |place| first * size + rank(place)));
            ranks = longer.collect();
        }
        Self {
            outer: vec![0; inner],
            sizes,
            inner,
            cells,
            weights,
            ranks,
            patterns: HashMap::new(),
        }
    }

    /// How many blocks the space has; none if that is no number of 64 bits.
    #[must_use]
    pub fn blocks(&self) -> Option<u64> {
        self.sizes[..self.inner]
            .iter()
            .try_fold(1_u64, |blocks, size| blocks.checked_mul(*size as u64))
    }

    /// Goes to a block. Sets of other blocks mean nothing here.
    pub fn turn_to(&mut self, block: u64) {
        let mut rest = block;
        for (place, size) in self.outer.iter_mut().zip(&self.sizes).rev() {
            let size = *size as u64;
            *place = usize::try_from(rest % size).unwrap_or_default();
            rest /= size;
        }
    }

    /// How many cells of the block are in it.
    #[must_use]
    pub fn count(&self, set: &Bits) -> u64 {
        match set {
            Bits::None => 0,
            Bits::All => self.cells as u64,
            Bits::Some(words) => words.iter().map(|word| u64::from(word.count_ones())).sum(),
        }
    }

    /// The least cell of the block by [`Space::rank`] that is in it and says no more than `most`, with how much it says.
    #[must_use]
    pub fn least(&self, set: &Bits, most: usize) -> Option<(usize, Cell)> {
        let outer = self.outer.iter().filter(|place| **place != 0).count();
        if outer > most {
            return None;
        }
        let mut best: Option<(usize, u32, usize)> = None;
        let mut look = |index: usize| {
            let (weight, rank) = (outer + usize::from(self.weights[index]), self.ranks[index]);
            if weight <= most && best.is_none_or(|(lightest, first, _)| (weight, rank) < (lightest, first)) {
                best = Some((weight, rank, index));
            }
        };
        match set {
            Bits::None => {}
            Bits::All => look(0),
            Bits::Some(words) => {
                for (at, word) in words.iter().enumerate() {
                    let mut rest = *word;
                    while rest != 0 {
                        look(at * 64 + rest.trailing_zeros() as usize);
                        rest &= rest - 1;
                    }
                }
            }
        }
        best.map(|(weight, _, index)| (weight, self.cell(index)))
    }

    /// Whether the `index`-th cell of the block is in it.
    #[must_use]
    pub fn contains(&self, set: &Bits, index: usize) -> bool {
        match set {
            Bits::None => false,
            Bits::All => index < self.cells,
            Bits::Some(words) => words
                .get(index / 64)
                .is_some_and(|word| word >> (index % 64) & 1 == 1),
        }
    }

    /// The `index`-th cell of the block.
    #[must_use]
    pub fn cell(&self, index: usize) -> Cell {
        let mut rest = index;
        let mut places = self.outer.clone();
        let inner = self.sizes[self.inner..].iter().rev().map(|size| {
            let place = rest % size;
            rest /= size;
            place
        });
        let mut inner: Vec<usize> = inner.collect();
        inner.reverse();
        places.extend(inner);
        Cell(places)
    }

    fn words(&self) -> usize {
        self.cells.div_ceil(64)
    }

    /// The bits of a word that stand for cells.
    fn mask(&self, at: usize) -> u64 {
        match self.cells - at * 64 {
            left @ 0..64 => (1 << left) - 1,
            _ => u64::MAX,
        }
    }

    fn packed(&self, words: Rc<[u64]>) -> Bits {
        if words.iter().fold(0, |any, word| any | word) == 0 {
            return Bits::None;
        }
        let last = words.len() - 1;
        let full = words[..last].iter().fold(u64::MAX, |all, word| all & word) == u64::MAX;
        if full && words[last] == self.mask(last) {
            Bits::All
        } else {
            Bits::Some(words)
        }
    }

    fn pattern(&self, axis: usize, values: &[bool]) -> Bits {
        let stride: usize = self.sizes[axis + 1..].iter().product();
        let size = self.sizes[axis];
        let mut words = vec![0_u64; self.words()];
        for index in (0..self.cells).filter(|index| values[index / stride % size]) {
            words[index / 64] |= 1 << (index % 64);
        }
        self.packed(words.into())
    }
}

impl Algebra for Bitmaps {
    type Set = Bits;

    fn none(&self) -> Bits {
        Bits::None
    }

    fn all(&self) -> Bits {
        Bits::All
    }

    fn having(&mut self, axis: usize, values: &[bool]) -> Bits {
        if let Some(place) = self.outer.get(axis) {
            return if values[*place] { Bits::All } else { Bits::None };
        }
        let key = (axis, Box::from(values));
        if let Some(known) = self.patterns.get(&key) {
            return known.clone();
        }
        let pattern = self.pattern(axis, values);
        self.patterns.insert(key, pattern.clone());
        pattern
    }

    fn and(&mut self, one: &Bits, other: &Bits) -> Bits {
        match (one, other) {
            (Bits::None, _) | (_, Bits::None) => Bits::None,
            (Bits::All, set) | (set, Bits::All) => set.clone(),
            (Bits::Some(one), Bits::Some(other)) => self.packed(
                one.iter()
                    .zip(other.iter())
                    .map(|(one, other)| one & other)
                    .collect(),
            ),
        }
    }

    fn or(&mut self, one: &Bits, other: &Bits) -> Bits {
        match (one, other) {
            (Bits::All, _) | (_, Bits::All) => Bits::All,
            (Bits::None, set) | (set, Bits::None) => set.clone(),
            (Bits::Some(one), Bits::Some(other)) => self.packed(
                one.iter()
                    .zip(other.iter())
                    .map(|(one, other)| one | other)
                    .collect(),
            ),
        }
    }

    fn minus(&mut self, one: &Bits, other: &Bits) -> Bits {
        match (one, other) {
            (Bits::None, _) | (_, Bits::All) => Bits::None,
            (set, Bits::None) => set.clone(),
            (Bits::All, Bits::Some(other)) => {
                let words = other.iter().enumerate();
                self.packed(words.map(|(at, word)| !word & self.mask(at)).collect())
            }
            (Bits::Some(one), Bits::Some(other)) => self.packed(
                one.iter()
                    .zip(other.iter())
                    .map(|(one, other)| one & !other)
                    .collect(),
            ),
        }
    }

    fn is_empty(&self, set: &Bits) -> bool {
        *set == Bits::None
    }
}
