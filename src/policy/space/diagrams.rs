//! Sets of cells as decision diagrams: exact over any number of cells, in a bounded number of nodes.
//!
//! A node asks for the value on one axis and has a child for each; equal nodes are one node, and a node whose children
//! are all the same is left out. So two sets are equal exactly if their numbers are.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::algebra::Algebra;
use super::cell::{Cell, place_rank};
use super::reach::Space;

/// A set of cells; only of use with the [`Diagrams`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(u32);

impl Set {
    const NONE: Self = Self(0);
    const ALL: Self = Self(1);
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
    unique: HashMap<(u32, Box<[Set]>), Set, Quick>,
    done: HashMap<(Deed, Set, Set), Set, Quick>,
    nodes_max: usize,
    exhausted: bool,
}

impl Diagrams {
    /// Bounds the memory to roughly 400 MiB.
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
            unique: HashMap::default(),
            done: HashMap::default(),
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
        let mut known: HashMap<Set, u128, Quick> = HashMap::default();
        let below = self.count_below(set, &mut known)?;
        self.between(0, self.axis(set))
            .and_then(|skipped| below.checked_mul(skipped))
    }

    /// The least cell of a set by [`Space::rank`]: of those that say least, the one that says what is named first.
    #[must_use]
    pub fn least(&self, set: Set) -> Option<Cell> {
        if set == Set::NONE {
            return None;
        }
        let mut known: HashMap<Set, usize, Quick> = HashMap::default();
        self.lightest(set, &mut known);
        let mut places = vec![0; self.sizes.len()];
        let mut at = set;
        while at != Set::ALL {
            let axis = self.axis(at);
            let (place, child) = self.best_child(at, &known)?;
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

    fn axis(&self, set: Set) -> usize {
        self.nodes[set.0 as usize].axis as usize
    }

    fn children_of(&self, set: Set) -> &[Set] {
        let node = self.nodes[set.0 as usize];
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
    fn count_below(&self, set: Set, known: &mut HashMap<Set, u128, Quick>) -> Option<u128> {
        match set {
            Set::NONE => return Some(0),
            Set::ALL => return Some(1),
            _ => {}
        }
        if let Some(count) = known.get(&set) {
            return Some(*count);
        }
        let axis = self.axis(set);
        let mut sum = 0_u128;
        for child in self.children_of(set) {
            let skipped = self.between(axis + 1, self.axis(*child))?;
            let below = self.count_below(*child, known)?;
            sum = sum.checked_add(below.checked_mul(skipped)?)?;
        }
        known.insert(set, sum);
        Some(sum)
    }

    /// The least weight below a set that is not empty.
    fn lightest(&self, set: Set, known: &mut HashMap<Set, usize, Quick>) -> usize {
        if set == Set::ALL {
            return 0;
        }
        if let Some(weight) = known.get(&set) {
            return *weight;
        }
        let children = self.children_of(set).iter().enumerate();
        let children = children.filter(|(_, child)| **child != Set::NONE);
        let weights = children.map(|(place, child)| usize::from(place != 0) + self.lightest(*child, known));
        let weight = weights.min().unwrap_or(usize::MAX);
        known.insert(set, weight);
        weight
    }

    fn best_child(&self, set: Set, known: &HashMap<Set, usize, Quick>) -> Option<(usize, Set)> {
        let children = self.children_of(set).iter().copied().enumerate();
        let children = children.filter(|(_, child)| *child != Set::NONE);
        let below = |child: Set| known.get(&child).copied().unwrap_or(0);
        let size = self.sizes[self.axis(set)];
        children
            .min_by_key(|(place, child)| (usize::from(*place != 0) + below(*child), place_rank(*place, size)))
    }

    fn node(&mut self, axis: usize, children: Vec<Set>) -> Set {
        let first = children[0];
        if children.iter().all(|child| *child == first) {
            return first;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a vocabulary has fewer than 200 names"
        )]
        let key = (axis as u32, children.into_boxed_slice());
        if let Some(known) = self.unique.get(&key) {
            return *known;
        }
        let full = self.nodes.len() >= self.nodes_max;
        let (Ok(number), Ok(start), false) = (
            u32::try_from(self.nodes.len()),
            u32::try_from(self.children.len()),
            full,
        ) else {
            self.exhausted = true;
            return Set::NONE;
        };
        self.nodes.push(Node {
            axis: key.0,
            children: start,
        });
        self.children.extend(key.1.iter().copied());
        self.unique.insert(key, Set(number));
        Set(number)
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
        if let Some(known) = self.done.get(&(deed, one, other)) {
            return *known;
        }
        let axis = self.axis(one).min(self.axis(other));
        let child = |diagrams: &Self, set: Set, place: usize| {
            if diagrams.axis(set) == axis {
                diagrams.children_of(set)[place]
            } else {
                set
            }
        };
        let children = (0..self.sizes[axis]).map(|place| {
            let (one, other) = (child(self, one, place), child(self, other, place));
            self.apply(deed, one, other)
        });
        let children = children.collect();
        let set = self.node(axis, children);
        self.done.insert((deed, one, other), set);
        set
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
        let children = values
            .iter()
            .map(|holds| if *holds { Set::ALL } else { Set::NONE });
        self.node(axis, children.collect())
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

type Quick = BuildHasherDefault<QuickHasher>;

/// A short multiplicative hash for small keys; the maps are never iterated, so no order depends on it.
#[derive(Debug, Default)]
struct QuickHasher(u64);

impl QuickHasher {
    const fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mix(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.mix(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.mix(word.unsigned_abs() as u64);
    }
}
