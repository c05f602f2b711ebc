//! From a record of `signals` to what it says, or why it can never be used: the checks
//! that the contract's types cannot express.

use tocsin_contract::{SignalProgress, SignalRecord, Signals, check_time};

/// More partitions than any topic has: the watermark keeps a clock for each.
const MOST_PARTITIONS: u32 = 100_000;

pub(crate) fn read(value: &[u8]) -> Result<SignalRecord, String> {
    let Signals::V1(content) = Signals::decode(value).map_err(|error| error.to_string())?;
    let dated = |field, at| check_time(Signals::TOPIC, field, at).map_err(|error| error.to_string());
    match &content {
        SignalRecord::Signal(signal) => {
            dated("known_at", signal.known_at)?;
            dated("event_time", signal.event_time)?;
        }
        SignalRecord::Progress(progress) => {
            dated("as_of", progress.as_of)?;
            placed(progress)?;
        }
    }
    Ok(content)
}

/// Refuses a partition that no topic can have. One outside `partitions` is taken: enrich writes the number
/// that it saw at its start, and partitions may have been added since.
fn placed(progress: &SignalProgress) -> Result<(), String> {
    let SignalProgress { partition, partitions, as_of: _ } = progress;
    if *partition < MOST_PARTITIONS && *partitions <= MOST_PARTITIONS {
        return Ok(());
    }
    Err(format!("signals message: progress of partition {partition} of {partitions}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, progress, signal};

    fn reread(content: SignalRecord) -> Result<SignalRecord, String> {
        read(&Signals::V1(content).encode().unwrap())
    }

    #[test]
    fn what_a_service_writes_is_read() {
        let now = at("2023-03-10T12:00:00Z");
        let signal_now = SignalRecord::Signal(signal("bank", 1, now, true));
        for content in [progress(2, 3, now), progress(3, 3, now), signal_now] {
            assert_eq!(reread(content.clone()), Ok(content));
        }
        let old = signal("bank", 1, at("0001-01-01T00:00:00Z"), true);
        assert!(reread(SignalRecord::Signal(old)).is_ok(), "it counts as late");
    }

    #[test]
    fn progress_of_a_partition_that_cannot_be_is_refused() {
        let now = at("2023-03-10T12:00:00Z");
        for (partition, partitions) in [(u32::MAX, 3), (7, u32::MAX)] {
            assert!(reread(progress(partition, partitions, now)).unwrap_err().contains("partition"));
        }
    }

    #[test]
    fn a_time_that_never_comes_is_refused() {
        let never = at("9999-01-01T00:00:00Z");
        assert!(reread(progress(0, 1, never)).unwrap_err().contains("9999"));
        let now = at("2023-03-10T12:00:00Z");
        for (event_time, known_at) in [(never, now), (now, never)] {
            let told = tocsin_contract::Signal { event_time, known_at, ..signal("bank", 1, now, true) };
            assert!(reread(SignalRecord::Signal(told)).unwrap_err().contains("9999"));
        }
    }
}
