//! What can be done with sets of cells, however they are kept.

/// Sets of cells of one space.
pub trait Algebra {
    /// One set.
    type Set: Clone + PartialEq;

    /// No cell.
    fn none(&self) -> Self::Set;

    /// Every cell.
    fn all(&self) -> Self::Set;

    /// The cells whose value on `axis` is one of those with `true` in `values`, a place for each value of the axis.
    fn having(&mut self, axis: usize, values: &[bool]) -> Self::Set;

    /// The cells in both.
    fn and(&mut self, one: &Self::Set, other: &Self::Set) -> Self::Set;

    /// The cells in at least one.
    fn or(&mut self, one: &Self::Set, other: &Self::Set) -> Self::Set;

    /// The cells in the first and not in the second.
    fn minus(&mut self, one: &Self::Set, other: &Self::Set) -> Self::Set;

    /// Whether no cell is in it.
    fn is_empty(&self, set: &Self::Set) -> bool;

    /// The cells not in it.
    fn not(&mut self, set: &Self::Set) -> Self::Set {
        let all = self.all();
        self.minus(&all, set)
    }
}

/// A condition over a space: where it holds, and where it is known not to. Elsewhere it is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<S> {
    /// Where it is true.
    pub yes: S,
    /// Where it is false.
    pub no: S,
}

impl<S: Clone + PartialEq> Pair<S> {
    /// True everywhere.
    pub fn always(algebra: &impl Algebra<Set = S>) -> Self {
        Self {
            yes: algebra.all(),
            no: algebra.none(),
        }
    }

    /// The contrary.
    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            yes: self.no,
            no: self.yes,
        }
    }

    /// Both hold.
    #[must_use]
    pub fn and(&self, other: &Self, algebra: &mut impl Algebra<Set = S>) -> Self {
        Self {
            yes: algebra.and(&self.yes, &other.yes),
            no: algebra.or(&self.no, &other.no),
        }
    }

    /// At least one holds.
    #[must_use]
    pub fn or(&self, other: &Self, algebra: &mut impl Algebra<Set = S>) -> Self {
        Self {
            yes: algebra.or(&self.yes, &other.yes),
            no: algebra.and(&self.no, &other.no),
        }
    }
}
