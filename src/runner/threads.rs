//! Work on many threads, whose results stand in order.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `count` pieces of work on so many threads; what comes of them stands in their order.
pub(crate) fn in_order<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut all = Vec::with_capacity(count);
    let told = each_in_order(threads, count, work, |_, one| {
        all.push(one);
        Ok::<_, Infallible>(())
    });
    match told {
        Ok(()) => all,
        Err(never) => match never {},
    }
}

/// Does `count` pieces of work on so many threads; `done` is given what comes of them in their order, each soon after
/// it and all before it are there.
///
/// # Errors
/// What `done` says; no other piece of work is begun then.
pub(crate) fn each_in_order<T: Send, E>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    mut done: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count);
    let (sender, results) = mpsc::channel();
    // The calling thread works too: it has the allocator's main arena, which grows in larger steps.
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, count.max(1)) {
            let (sender, take, work) = (sender.clone(), &take, &work);
            scope.spawn(move || {
                while let Some(index) = take() {
                    let told = sender.send((index, work(index)));
                    if told.is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        let mut deliver = |index, result, early: &mut BTreeMap<usize, T>| {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                done(due, result)?;
                due += 1;
            }
            Ok(())
        };
        let told = (|| {
            while let Some(index) = take() {
                deliver(index, work(index), &mut early)?;
                for (index, result) in results.try_iter() {
                    deliver(index, result, &mut early)?;
                }
            }
            results
                .iter()
                .try_for_each(|(index, result)| deliver(index, result, &mut early))
        })();
        if told.is_err() {
            next.store(count, Ordering::Relaxed);
        }
        told
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_on_any_number_of_threads() {
        for threads in [0, 1, 2, 7, 40] {
            for count in [0, 1, 2, 30] {
                let squares: Vec<usize> = (0..count).map(|index| index * index).collect();
                assert_eq!(in_order(threads, count, |index| index * index), squares);
            }
        }
    }

    #[test]
    fn nothing_is_delivered_behind_an_error() {
        for threads in [1, 2, 7] {
            let mut seen = Vec::new();
            let told = each_in_order(
                threads,
                30,
                |index| index,
                |index, _| {
                    seen.push(index);
                    if index == 3 { Err("full") } else { Ok(()) }
                },
            );
            assert_eq!((told, seen), (Err("full"), vec![0, 1, 2, 3]));
        }
    }
}
