//! Sets of cells as decision diagrams: exact over any number of cells, in a bounded number of nodes.
//!
//! A node asks for the value on one axis and has a child for each; equal nodes are one node, and a node whose children
//! are all the same is left out. So two sets are equal exactly if their numbers are.

use std::cell::RefCell;

use super::algebra::Algebra;
use super::cell::{Cell, place_rank};
use super::reach::Space;

/// A set of cells; only of use with the [`Diagrams`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(u32);

impl Set {
    const NONE: Self = Self(0);
    const ALL: Self = Self(1);

    const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Deed {
    And,
    Or,
    Minus,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    axis: u32,
    children: u32,
}

/// Decision diagrams over one space.
#[derive(Debug)]
pub struct Diagrams {
    sizes: Vec<usize>,
    nodes: Vec<Node>,
    children: Vec<Set>,
    /// Numbers of nodes by the hash of what they are, with free places between them.
    unique: Vec<u32>,
    /// What was done last for each hash of a deed: a deed that was pushed out is done again.
    done: Vec<Done>,
    /// The children of nodes that are being made.
    open: Vec<Set>,
    /// What is known of the nodes by their numbers, once somebody asked.
    known: RefCell<Known>,
    nodes_max: usize,
    exhausted: bool,
}

/// A deed with its result; the deed of two equal sets is never remembered, so that pair marks a free place.
#[derive(Debug, Clone, Copy)]
struct Done {
    deed: Deed,
    one: Set,
    other: Set,
    result: Set,
}

const NOT_DONE: Done = Done {
    deed: Deed::And,
    one: Set::NONE,
    other: Set::NONE,
    result: Set::NONE,
};

/// Marks a free place among the numbers of nodes: no node is looked up that is an end.
const FREE: u32 = 0;

/// How many places the tables have at first; a power of two, and so are all that follow.
const PLACES: usize = 1 << 10;

/// The deeds are remembered in no more places than this.
const DONE_MAX: usize = 1 << 21;

/// What is known of a node and all below it.
#[derive(Debug, Default)]
struct Known {
    /// How many cells over the axes from the node's own on; `u128::MAX` where that is no number of 128 bits.
    counts: Vec<Option<u128>>,
    /// The least weight.
    weights: Vec<Option<u32>>,
}

impl Diagrams {
    /// Bounds the memory to roughly 200 MiB.
    pub const NODES_MAX: usize = 2_000_000;

    /// Diagrams over `space` of at most [`NODES_MAX`](Self::NODES_MAX) nodes.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self::bounded(space, Self::NODES_MAX)
    }

    /// Diagrams of at most so many nodes.
    #[must_use]
    pub fn bounded(space: &Space, nodes_max: usize) -> Self {
        let sizes: Vec<usize> = space.axes().iter().map(|axis| axis.values().len()).collect();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a vocabulary has fewer than 200 names"
        )]
        let last = sizes.len() as u32;
        let end = Node {
            axis: last,
            children: 0,
        };
        Self {
            sizes,
            nodes: vec![end, end],
            children: Vec::new(),
            unique: vec![FREE; PLACES],
            done: vec![NOT_DONE; PLACES],
            open: Vec::new(),
            known: RefCell::default(),
            nodes_max,
            exhausted: false,
        }
    }

    /// Whether the bound was met. From then on every set is worthless and no answer may be given.
    #[must_use]
    pub const fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// How many cells are in it; none if that is no number of 128 bits.
    #[must_use]
    pub fn count(&self, set: Set) -> Option<u128> {
        let mut known = self.known.borrow_mut();
        known.counts.resize(self.nodes.len(), None);
        let below = self.count_below(set, &mut known.counts)?;
        self.between(0, self.axis(set))
            .and_then(|skipped| below.checked_mul(skipped))
    }

    /// The least cell of a set by [`Space::rank`]: of those that say least, the one that says what is named first.
    #[must_use]
    pub fn least(&self, set: Set) -> Option<Cell> {
        if set == Set::NONE {
            return None;
        }
        let mut known = self.known.borrow_mut();
        known.weights.resize(self.nodes.len(), None);
        self.lightest(set, &mut known.weights);
        let mut places = vec![0; self.sizes.len()];
        let mut at = set;
        while at != Set::ALL {
            let axis = self.axis(at);
            let (place, child) = self.best_child(at, &known.weights)?;
            places[axis] = place;
            at = child;
        }
        Some(Cell(places))
    }

    /// Whether a cell is in it.
    #[must_use]
    pub fn contains(&self, set: Set, cell: &Cell) -> bool {
        let mut at = set;
        while at != Set::ALL && at != Set::NONE {
            at = self.children_of(at)[cell.0[self.axis(at)]];
        }
        at == Set::ALL
    }

    /// Disjoint boxes that together are the set: for each axis the places allowed.
    #[must_use]
    pub fn boxes(&self, set: Set, most: usize) -> Option<Vec<Vec<Vec<usize>>>> {
        let mut boxes = Vec::new();
        let mut path: Vec<Vec<usize>> = self.sizes.iter().map(|size| (0..*size).collect()).collect();
        self.walk(set, &mut path, &mut boxes, most).then_some(boxes)
    }

    fn walk(
        &self,
        set: Set,
        path: &mut Vec<Vec<usize>>,
        boxes: &mut Vec<Vec<Vec<usize>>>,
        most: usize,
    ) -> bool {
        if set == Set::NONE {
            return true;
        }
        if set == Set::ALL {
            boxes.push(path.clone());
            return boxes.len() <= most;
        }
        let axis = self.axis(set);
        let whole = std::mem::take(&mut path[axis]);
        let children = self.children_of(set);
        let mut done: Vec<Set> = Vec::new();
        let mut within = true;
        for child in children {
            if done.contains(child) {
                continue;
            }
            done.push(*child);
            let same = children.iter().enumerate().filter(|(_, other)| *other == child);
            path[axis] = same.map(|(place, _)| place).collect();
            within = within && self.walk(*child, path, boxes, most);
        }
        path[axis] = whole;
        within
    }

    /// The cell of a set that is reached from `from` at the least price: `price` says what another place on an axis
    /// costs, or that it cannot be had.
    #[must_use]
    pub fn cheapest(
        &self,
        set: Set,
        from: &Cell,
        price: &dyn Fn(usize, usize) -> Option<u32>,
    ) -> Option<Cell> {
        let mut known = vec![None; self.nodes.len()];
        let mut cell = from.clone();
        let mut at = set;
        self.price(at, price, &mut known)?;
        while at != Set::ALL {
            let axis = self.axis(at);
            let mut best: Option<(u32, usize, Set)> = None;
            for (place, child) in self.children_of(at).iter().enumerate() {
                let below = self.price(*child, price, &mut known);
                let whole = price(axis, place).zip(below).map(|(own, below)| own + below);
                if let Some(whole) = whole.filter(|whole| best.is_none_or(|(least, _, _)| *whole < least)) {
                    best = Some((whole, place, *child));
                }
            }
            let (_, place, child) = best?;
            cell.0[axis] = place;
            at = child;
        }
        Some(cell)
    }

    fn price(
        &self,
        set: Set,
        price: &dyn Fn(usize, usize) -> Option<u32>,
        known: &mut [Option<Option<u32>>],
    ) -> Option<u32> {
        match set {
            Set::NONE => return None,
            Set::ALL => return Some(0),
            _ => {}
        }
        if let Some(least) = known[set.index()] {
            return least;
        }
        let axis = self.axis(set);
        let children = self.children_of(set).iter().enumerate();
        let prices = children.filter_map(|(place, child)| {
            let own = price(axis, place)?;
            Some(own + self.price(*child, price, known)?)
        });
        let least = prices.min();
        known[set.index()] = Some(least);
        least
    }

    fn axis(&self, set: Set) -> usize {
        self.nodes[set.index()].axis as usize
    }

    fn children_of(&self, set: Set) -> &[Set] {
        let node = self.nodes[set.index()];
        let start = node.children as usize;
        &self.children[start..start + self.sizes[node.axis as usize]]
    }

    /// How many combinations the axes from `first` up to `last` have.
    fn between(&self, first: usize, last: usize) -> Option<u128> {
        self.sizes[first..last]
            .iter()
            .try_fold(1_u128, |product, size| product.checked_mul(*size as u128))
    }

    /// The cells of a set over the axes from its own on.
    fn count_below(&self, set: Set, known: &mut [Option<u128>]) -> Option<u128> {
        match set {
            Set::NONE => return Some(0),
            Set::ALL => return Some(1),
            _ => {}
        }
        if let Some(count) = known[set.index()] {
            return (count != u128::MAX).then_some(count);
        }
        let axis = self.axis(set);
        let sum = self.children_of(set).iter().try_fold(0_u128, |sum, child| {
            let skipped = self.between(axis + 1, self.axis(*child))?;
            let below = self.count_below(*child, known)?;
            sum.checked_add(below.checked_mul(skipped)?)
        });
        known[set.index()] = Some(sum.unwrap_or(u128::MAX));
        sum
    }

    /// The least weight below a set that is not empty.
    fn lightest(&self, set: Set, known: &mut [Option<u32>]) -> u32 {
        if set == Set::ALL {
            return 0;
        }
        if let Some(weight) = known[set.index()] {
            return weight;
        }
        let children = self.children_of(set).iter().enumerate();
        let children = children.filter(|(_, child)| **child != Set::NONE);
        let weights = children.map(|(place, child)| u32::from(place != 0) + self.lightest(*child, known));
        let weight = weights.min().unwrap_or(u32::MAX);
        known[set.index()] = Some(weight);
        weight
    }

    fn best_child(&self, set: Set, known: &[Option<u32>]) -> Option<(usize, Set)> {
        let children = self.children_of(set).iter().copied().enumerate();
        let children = children.filter(|(_, child)| *child != Set::NONE);
        let below = |child: Set| known.get(child.index()).copied().flatten().unwrap_or(0);
        let size = self.sizes[self.axis(set)];
        children
            .min_by_key(|(place, child)| (u32::from(*place != 0) + below(*child), place_rank(*place, size)))
    }

    /// The node of the children that were opened last, from `start` on.
    fn close(&mut self, axis: usize, start: usize) -> Set {
        let set = self.node(axis, start);
        self.open.truncate(start);
        set
    }

    fn node(&mut self, axis: usize, start: usize) -> Set {
        let children = &self.open[start..];
        let first = children[0];
        if children.iter().all(|child| *child == first) {
            return first;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a vocabulary has fewer than 200 names"
        )]
        let axis = axis as u32;
        let mask = self.unique.len() - 1;
        let mut place = hash_of_node(axis, children) & mask;
        loop {
            match self.unique[place] {
                FREE => break,
                number => {
                    let set = Set(number);
                    if self.nodes[set.index()].axis == axis && self.children_of(set) == children {
                        return set;
                    }
                }
            }
            place = (place + 1) & mask;
        }
        let full = self.nodes.len() >= self.nodes_max;
        let (Ok(number), Ok(from), false) = (
            u32::try_from(self.nodes.len()),
            u32::try_from(self.children.len()),
            full,
        ) else {
            self.exhausted = true;
            return Set::NONE;
        };
        self.nodes.push(Node { axis, children: from });
        self.children.extend_from_slice(&self.open[start..]);
        self.unique[place] = number;
        if self.nodes.len() * 2 > self.unique.len() {
            self.grow();
        }
        Set(number)
    }

    /// Twice the places; what was done is forgotten.
    fn grow(&mut self) {
        let places = self.unique.len() * 2;
        let mut unique = vec![FREE; places];
        for number in (2_u32..).take(self.nodes.len() - 2) {
            let set = Set(number);
            let hash = hash_of_node(self.nodes[set.index()].axis, self.children_of(set));
            let mut place = hash & (places - 1);
            while unique[place] != FREE {
                place = (place + 1) & (places - 1);
            }
            unique[place] = number;
        }
        self.unique = unique;
        let wanted = (places * 4).min(DONE_MAX);
        if wanted > self.done.len() {
            let old = std::mem::replace(&mut self.done, vec![NOT_DONE; wanted]);
            for done in old.into_iter().filter(|done| done.one != done.other) {
                let place = hash_of_deed(done.deed, done.one, done.other) & (wanted - 1);
                self.done[place] = done;
            }
        }
    }

    fn child(&self, set: Set, axis: usize, place: usize) -> Set {
        let node = self.nodes[set.index()];
        if node.axis as usize == axis {
            self.children[node.children as usize + place]
        } else {
            set
        }
    }

    fn apply(&mut self, deed: Deed, one: Set, other: Set) -> Set {
        let (one, other) = match deed {
            Deed::And | Deed::Or if other < one => (other, one),
            Deed::And | Deed::Or | Deed::Minus => (one, other),
        };
        if let Some(plain) = plain(deed, one, other) {
            return plain;
        }
        if self.exhausted {
            return Set::NONE;
        }
        let hash = hash_of_deed(deed, one, other);
        let done = self.done[hash & (self.done.len() - 1)];
        if (done.deed, done.one, done.other) == (deed, one, other) {
            return done.result;
        }
        let axis = self.axis(one).min(self.axis(other));
        let start = self.open.len();
        for place in 0..self.sizes[axis] {
            let (one, other) = (self.child(one, axis, place), self.child(other, axis, place));
            let child = self.apply(deed, one, other);
            self.open.push(child);
        }
        let result = self.close(axis, start);
        let place = hash & (self.done.len() - 1);
        self.done[place] = Done {
            deed,
            one,
            other,
            result,
        };
        result
    }
}

/// What needs no look at any node; `and` and `or` have the smaller number first.
fn plain(deed: Deed, one: Set, other: Set) -> Option<Set> {
    match (deed, one, other) {
        (Deed::And, Set::NONE, _) | (Deed::Minus, Set::NONE, _) | (Deed::Minus, _, Set::ALL) => {
            Some(Set::NONE)
        }
        (Deed::And, Set::ALL, set) | (Deed::Or, Set::NONE, set) | (Deed::Minus, set, Set::NONE) => Some(set),
        (Deed::Or, Set::ALL, _) => Some(Set::ALL),
        (Deed::And | Deed::Or, one, other) if one == other => Some(one),
        (Deed::Minus, one, other) if one == other => Some(Set::NONE),
        (Deed::And | Deed::Or | Deed::Minus, _, _) => None,
    }
}

impl Algebra for Diagrams {
    type Set = Set;

    fn none(&self) -> Set {
        Set::NONE
    }

    fn all(&self) -> Set {
        Set::ALL
    }

    fn having(&mut self, axis: usize, values: &[bool]) -> Set {
        let start = self.open.len();
        let children = values
            .iter()
            .map(|holds| if *holds { Set::ALL } else { Set::NONE });
        self.open.extend(children);
        self.close(axis, start)
    }

    fn and(&mut self, one: &Set, other: &Set) -> Set {
        self.apply(Deed::And, *one, *other)
    }

    fn or(&mut self, one: &Set, other: &Set) -> Set {
        self.apply(Deed::Or, *one, *other)
    }

    fn minus(&mut self, one: &Set, other: &Set) -> Set {
        self.apply(Deed::Minus, *one, *other)
    }

    fn is_empty(&self, set: &Set) -> bool {
        *set == Set::NONE
    }
}

/// A short multiplicative hash.
const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a hash, of which any bits will do"
)]
const fn folded(hash: u64) -> usize {
    (hash ^ hash >> 29) as usize
}

fn hash_of_node(axis: u32, children: &[Set]) -> usize {
    let children = children.iter().map(|child| u64::from(child.0));
    folded(children.fold(mix(0, u64::from(axis)), mix))
}

const fn hash_of_deed(deed: Deed, one: Set, other: Set) -> usize {
    folded(mix(mix(deed as u64, one.0 as u64), other.0 as u64))
}
