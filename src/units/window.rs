//! A row of values that is let go from its beginning.

use std::collections::{BTreeMap, VecDeque};

use super::JobId;

/// A value for each job number, from the first that anybody asks for to the last that is known.
///
/// Numbers are given out in a row, and the values of those that are over are let go in the same row: what is held
/// spans the oldest job that is not over and the newest. Numbers far behind the row, of which hardly any are ever used, stand
/// apart.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    first: u32,
    values: VecDeque<T>,
    apart: BTreeMap<JobId, T>,
}

impl<T> Window<T> {
    /// The values of the jobs 0, 1, 2 and so on.
    pub(crate) fn of(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            first: 0,
            values: values.into_iter().collect(),
            apart: BTreeMap::new(),
        }
    }

    /// A window without values, of which `first` will be the first number.
    pub(crate) const fn from(first: JobId) -> Self {
        Self {
            first: first.0,
            values: VecDeque::new(),
            apart: BTreeMap::new(),
        }
    }

    /// The number of the value that is taken in next.
    ///
    /// # Panics
    /// Behind 2^32 - 2 jobs: the number that is left means no job.
    pub(crate) fn next(&self) -> JobId {
        let next = u32::try_from(self.values.len())
            .ok()
            .and_then(|len| self.first.checked_add(len));
        let next = next.map_or(JobId::NONE, JobId);
        assert!(next != JobId::NONE, "more jobs than there are numbers");
        next
    }

    /// Takes in the value of the next job.
    pub(crate) fn push(&mut self, value: T) -> JobId {
        let id = self.next();
        self.values.push_back(value);
        id
    }

    /// Takes in the value of a job behind the row; the row never gets there.
    pub(crate) fn put_apart(&mut self, id: JobId, value: T) {
        self.apart.insert(id, value);
    }

    /// Lets go of a value that stands apart.
    pub(crate) fn take_apart(&mut self, id: JobId) -> Option<T> {
        self.apart.remove(&id)
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&T> {
        self.in_row(id).or_else(|| self.apart.get(&id))
    }

    /// The value of a job that does not stand apart.
    pub(crate) fn in_row(&self, id: JobId) -> Option<&T> {
        self.values.get(id.0.wrapping_sub(self.first) as usize)
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut T> {
        match self.values.get_mut(id.0.wrapping_sub(self.first) as usize) {
            Some(value) => Some(value),
            None => self.apart.get_mut(&id),
        }
    }

    /// Lets the first value go if it is over; whether it was.
    pub(crate) fn pop_if(&mut self, is_over: impl FnOnce(&T) -> bool) -> bool {
        let over = self.values.front().is_some_and(is_over);
        if over {
            self.values.pop_front();
            self.first += 1;
        }
        over
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len() + self.apart.len()
    }

    /// The values with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (JobId, &T)> {
        let apart = self.apart.iter().map(|(id, value)| (*id, value));
        (self.first..).map(JobId).zip(&self.values).chain(apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_when_their_first_values_are_let_go() {
        let mut window = Window::of(["a", "b"]);
        assert_eq!(window.push("c"), JobId(2));
        assert!(window.pop_if(|value| *value == "a") && !window.pop_if(|value| *value == "a"));
        assert_eq!((window.get(JobId(0)), window.get(JobId(1))), (None, Some(&"b")));
        assert_eq!((window.get(JobId(3)), window.get(JobId::NONE)), (None, None));
        assert_eq!(window.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2]);
        assert!(window.pop_if(|_| true) && window.pop_if(|_| true) && !window.pop_if(|_| true));
        assert_eq!(window.push("d"), JobId(3));
        assert_eq!(Window::<()>::from(JobId(7)).push(()), JobId(7));
    }

    #[test]
    fn what_stands_apart_is_found_and_is_no_part_of_the_row() {
        let mut window = Window::of(["a"]);
        window.put_apart(JobId(9), "z");
        assert_eq!(
            (window.get(JobId(9)), window.in_row(JobId(9))),
            (Some(&"z"), None)
        );
        assert_eq!(window.push("b"), JobId(1));
        if let Some(value) = window.get_mut(JobId(9)) {
            *value = "y";
        }
        let all: Vec<_> = window.iter().map(|(id, value)| (id.0, *value)).collect();
        assert_eq!((all, window.len()), (vec![(0, "a"), (1, "b"), (9, "y")], 3));
        assert!(window.pop_if(|_| true) && window.pop_if(|_| true) && !window.pop_if(|_| true));
        assert_eq!(
            (window.take_apart(JobId(9)), window.get(JobId(9))),
            (Some("y"), None)
        );
    }
}
