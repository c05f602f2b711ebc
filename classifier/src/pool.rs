//! A few threads over a list of jobs. Each job runs on one thread; that beats
//! threads inside each operation on short texts.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `work` for every job, results in the order of the jobs. Each thread has its own state.
pub(crate) fn map<J: Sync, S, R: Send>(
    threads: usize,
    jobs: &[J],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &J) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut own = state();
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return done };
            done.push((index, work(&mut own, job)));
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(jobs.len())).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(part) => all.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// `asked`, or the number of cores when it is 0.
pub(crate) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let jobs: Vec<usize> = (0..100).collect();
        for count in [1, 2, 5, 200] {
            assert_eq!(
                map(count, &jobs, || (), |(), j| j * 2),
                jobs.iter().map(|j| j * 2).collect::<Vec<_>>()
            );
        }
        assert_eq!(map(3, &Vec::<usize>::new(), || (), |(), j| *j), Vec::<usize>::new());
    }

    #[test]
    #[should_panic(expected = "job 7")]
    fn a_panic_of_a_job_reaches_the_caller() {
        map(2, &(0..10).collect::<Vec<usize>>(), || (), |(), j| assert!(*j != 7, "job {j}"));
    }
}
