//! What may not change an alert: interleaving, laziness, restarts.

use chrono::TimeDelta;
use proptest::prelude::*;
use tocsin_contract::{Alert, SignalRecord};

use crate::detect::{Course, Detector, Rules, SubjectState};
use crate::form;
use crate::samples::{Habit, at, progress, signal, simulate};

const START: &str = "2023-03-08T00:00:00Z";
const PARTITIONS: usize = 3;

/// Two days of five subjects, one of which surges, as three raw partitions wrote them.
fn partitions(seed: u64) -> Vec<Vec<SignalRecord>> {
    let start = at(START);
    let habit = Habit { a_day: 15.0, negative: 0.3, dispersion: 0.5 };
    let mut signals: Vec<_> =
        (0..5).flat_map(|n| simulate(&format!("s{n}"), habit, start, 2, seed + n)).collect();
    signals.extend((0..30).map(|n| signal("s0", n, start + TimeDelta::minutes(2000 + n as i64), true)));
    signals.sort_by_key(|signal| (signal.event_time, signal.document_id));
    (0..PARTITIONS)
        .map(|partition| {
            let mut records = Vec::new();
            // Clocks of the partitions differ.
            let mut clock = start - TimeDelta::seconds(60 + 37 * partition as i64);
            let mine =
                signals.iter().filter(|s| usize::from(s.document_id.as_bytes()[0]) % PARTITIONS == partition);
            records.push(progress(partition as u32, PARTITIONS as u32, clock));
            for signal in mine {
                while clock + TimeDelta::minutes(5) <= signal.event_time {
                    clock += TimeDelta::minutes(5);
                    records.push(progress(partition as u32, PARTITIONS as u32, clock));
                }
                let mut signal = signal.clone();
                signal.known_at = clock;
                records.push(SignalRecord::Signal(signal));
            }
            records.push(progress(partition as u32, PARTITIONS as u32, start + TimeDelta::days(3)));
            records
        })
        .collect()
}

/// The partitions' records, each in order; `choices` says whose turn it is, for how long.
fn interleave(partitions: &[Vec<SignalRecord>], choices: &[(u8, u8)]) -> Vec<SignalRecord> {
    let mut rests: Vec<_> = partitions.iter().map(|records| records.iter().cloned()).collect();
    let mut merged = Vec::new();
    for (turn, length) in choices {
        let rest = &mut rests[usize::from(*turn) % PARTITIONS];
        merged.extend(rest.by_ref().take(usize::from(*length)));
    }
    merged.extend(rests.into_iter().flatten());
    merged
}

fn bytes(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().map(|alert| crate::outbox::body(alert).unwrap()).collect()
}

fn run(records: Vec<SignalRecord>) -> Vec<Alert> {
    crate::detect::replay(Rules::default(), records)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_raw_partitions_interleave_the_alerts_are_the_same_bytes(
        choices in proptest::collection::vec((any::<u8>(), any::<u8>()), 0..40), seed in 0_u64..4,
    ) {
        let partitions = partitions(seed);
        let expected = run(interleave(&partitions, &[]));
        prop_assert!(!expected.is_empty());
        prop_assert_eq!(bytes(&run(interleave(&partitions, &choices))), bytes(&expected));
    }

    #[test]
    fn a_restart_at_any_record_changes_nothing(part in 0.0_f64..1.0, seed in 0_u64..4) {
        let records = interleave(&partitions(seed), &[(0, 9), (1, 200), (2, 30), (0, 255), (2, 255)]);
        let expected = run(records.clone());
        let cut = (records.len() as f64 * part) as usize;
        let mut detector = Detector::new(Rules::default(), 1);
        let mut alerts = Vec::new();
        for (n, record) in records.into_iter().enumerate() {
            if n == cut {
                detector = detector.reborn();
            }
            alerts.extend(detector.feed(record));
        }
        prop_assert_eq!(bytes(&alerts), bytes(&expected));
    }

    #[test]
    fn a_subject_left_alone_ends_where_one_looked_at_every_bin_does(seed in 0_u64..50) {
        let habit = Habit { a_day: 2.0, negative: 0.4, dispersion: 1.0 };
        let signals = (0..3).flat_map(|n| simulate(&format!("s{n}"), habit, at(START), 4, seed * 3 + n)).collect();
        let (mut lazy, mut eager) = (Detector::new(Rules::default(), 1), Detector::new(Rules::default(), 1));
        for record in crate::samples::log(signals, at(START) + TimeDelta::days(4)) {
            prop_assert_eq!(lazy.feed(record.clone()), eager.feed(record));
            eager.touch_all();
        }
        lazy.touch_all();
        prop_assert!(lazy.subjects() > 0);
        prop_assert_eq!(lazy.states(), eager.states());
    }
}

impl Detector {
    /// Written and read again.
    fn reborn(&self) -> Self {
        let course: Course = form::read(&form::write(&self.course).unwrap()).unwrap();
        let subjects = self.subjects.iter().map(|(id, state)| {
            let state: SubjectState = form::read(&form::write(state).unwrap()).unwrap();
            (id.clone(), state)
        });
        Self::restore(Rules::default(), 1, course, subjects.collect(), self.waiting.clone())
    }

    fn touch_all(&mut self) {
        if let Some(at) = self.course.evaluated {
            self.subjects.values_mut().for_each(|subject| subject.advance(at, &self.course.pool));
        }
    }

    fn states(&self) -> Vec<Vec<u8>> {
        self.subjects.values().map(|state| form::write(state).unwrap()).collect()
    }
}
