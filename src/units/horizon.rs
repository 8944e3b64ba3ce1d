//! How far a queue looks ahead.
//!
//! What is planned far ahead need not stand in order yet, and often is planned anew before its turn comes. A queue
//! therefore orders what is due up to a horizon, keeps the rest in a plain list, and moves the horizon on when nothing
//! is due before it any more.

/// So many keys from all over the list say where the next horizon is; of these, in order, the one at `EIGHTH`.
const SAMPLE: usize = 31;
const EIGHTH: usize = 3;

/// The key behind which about seven eighths of `far` stand; none where there are few, for these cost little wherever they
/// stand. At least one is not behind it.
pub(crate) fn horizon(far: &[u128]) -> u128 {
    if far.len() <= SAMPLE {
        return far.iter().copied().max().unwrap_or_default();
    }
    let mut sample = [u128::MAX; SAMPLE];
    let step = far.len().div_ceil(SAMPLE);
    let mut len = 0;
    for (taken, key) in sample.iter_mut().zip(far.iter().step_by(step)) {
        *taken = *key;
        len += 1;
    }
    *sample[..len].select_nth_unstable(EIGHTH.min(len - 1)).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed};

    #[test]
    fn some_stand_before_it_and_most_behind() {
        for len in 1..500 {
            let key = |index| u128::from(Seed(5).bits(Purpose::Arrival, len, index));
            let keys: Vec<u128> = (0..len).map(key).collect();
            let before = keys.iter().filter(|key| **key <= horizon(&keys)).count();
            assert!(before >= 1);
            assert!(len < 40 || before * 2 < keys.len(), "{before} of {len}");
        }
    }
}
