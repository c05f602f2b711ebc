//! What the system says about this process.

/// The largest resident memory this process had so far, in MiB. Linux only; the
/// private Postgres is another process and does not count.
pub fn peak_rss_mb() -> Option<u64> {
    peak_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status_of_the_process() {
        assert_eq!(peak_of("Name:\ttocsin\nVmHWM:\t  204801 kB\nVmRSS:\t 7 kB\n"), Some(201));
        assert_eq!(peak_of("Name:\ttocsin\n"), None);
    }

    #[test]
    fn the_peak_holds_what_was_used_and_given_back() {
        let used = vec![1_u8; 64 << 20];
        assert_eq!(used.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        drop(used);
        assert!(peak_rss_mb().is_none_or(|peak| peak >= 64));
    }
}
