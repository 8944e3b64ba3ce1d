//! Writing values where they stay.

/// Adds what `make` makes to the end.
///
/// `push` has the value in its hands before it looks for room, and carries it there. A processor that finds in memory what
/// it has just written in smaller pieces waits for it; what is small and made often is written where it stays.
#[inline(always)]
pub(crate) fn push_with<T>(to: &mut Vec<T>, make: impl FnOnce() -> T) {
    let mut make = Some(make);
    to.extend(std::iter::once(()).map(|()| match make.take() {
        Some(make) => make(),
        None => unreachable!("one is asked for once"),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_stands_at_the_end() {
        let mut values = vec![1];
        push_with(&mut values, || 2);
        push_with(&mut values, || 3);
        assert_eq!(values, [1, 2, 3]);
    }
}
