use bytes::Bytes;

use super::*;
use crate::samples::{document, progress, raw, seen};

fn at() -> TopicPartition {
    TopicPartition { topic: DocumentsRaw::TOPIC.into(), partition: 0 }
}

fn record(offset: i64, value: Vec<u8>) -> Record {
    let value = Bytes::from(value);
    Record { at: at(), offset, key: None, headers: Vec::new(), value, timestamp: seen(0) }
}

/// A log whose every tenth record is progress, of two producers that disagree by an hour.
fn log(length: i64) -> Vec<Record> {
    let value = |n: i64| match n % 20 {
        9 => progress("ahead", seen(n + 60)),
        19 => progress("behind", seen(n)),
        _ => raw(document(usize::try_from(n).unwrap())),
    };
    (0..length).map(|n| record(n, value(n))).collect()
}

/// `known_at` by offset, as one instance sees it that starts at `from`; and how often it sought.
fn clocks(log: &[Record], from: i64, lookback: u32) -> (Vec<(i64, DateTime<Utc>)>, usize) {
    let mut intake = Intake::new(lookback);
    intake.assigned(vec![at()]);
    let (mut position, mut clocks, mut seeks) = (from, Vec::new(), 0);
    while let Some(record) = usize::try_from(position).ok().and_then(|n| log.get(n)) {
        position += 1;
        match intake.next(record.clone(), &mut BTreeSet::new()) {
            Step::Take(Waiting { record, content: Content::Document { known_at, .. } }) => {
                clocks.push((record.offset, known_at));
            }
            Step::Take(_) | Step::Skip => {}
            Step::Seek(from) => (position, seeks) = (from, seeks + 1),
            Step::Ignore => panic!("nothing is to be ignored here"),
        }
    }
    (clocks, seeks)
}

#[test]
fn an_instance_that_starts_anywhere_stamps_the_same_clock() {
    let log = log(200);
    let (whole, seeks) = clocks(&log, 0, 40);
    assert_eq!((whole.len(), seeks), (180, 0));
    for start in 1..200 {
        let (rest, seeks) = clocks(&log, start, 40);
        let expected: Vec<_> = whole.iter().filter(|(offset, _)| *offset >= start).copied().collect();
        assert_eq!(rest, expected, "from offset {start}");
        assert_eq!(seeks, 1);
    }
}

#[test]
fn a_clock_that_lies_far_back_is_found() {
    let mut log = log(1);
    log.push(record(1, progress("only", seen(7))));
    log.extend((2..500).map(|n| record(n, raw(document(usize::try_from(n).unwrap())))));
    let (rest, seeks) = clocks(&log, 400, 5);
    assert_eq!(rest.first(), Some(&(400, seen(7))));
    assert!(rest.iter().all(|(_, known_at)| *known_at == seen(7)));
    assert_eq!((rest.len(), seeks), (100, 3));
}

#[test]
fn before_any_progress_the_clock_is_the_document_s_own() {
    let log: Vec<_> = (0..50).map(|n| record(n, raw(document(usize::try_from(n).unwrap())))).collect();
    let (rest, _) = clocks(&log, 30, 5);
    assert_eq!(rest.first(), Some(&(30, seen(30))));
    assert_eq!(rest.len(), 20);
}

#[test]
fn a_producer_that_is_behind_moves_no_clock_back() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    let mut next = |offset, value| match intake.next(record(offset, value), &mut BTreeSet::new()) {
        Step::Take(waiting) => waiting.content,
        other @ (Step::Skip | Step::Seek(_) | Step::Ignore) => panic!("{other:?}"),
    };
    assert!(matches!(next(0, progress("a", seen(5))), Content::Progress(as_of) if as_of == seen(5)));
    assert!(matches!(next(1, progress("b", seen(4))), Content::Nothing));
    assert!(matches!(next(2, raw(document(9))), Content::Document { known_at, .. } if known_at == seen(5)));
}

#[test]
fn the_rest_of_a_delivery_is_forgotten_after_a_seek() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    let mut sought = BTreeSet::new();
    assert!(matches!(intake.next(record(50, raw(document(50))), &mut sought), Step::Seek(40)));
    assert!(matches!(intake.next(record(51, raw(document(51))), &mut sought), Step::Ignore));
    assert!(matches!(intake.next(record(40, progress("a", seen(5))), &mut BTreeSet::new()), Step::Skip));
}

#[test]
fn a_record_of_a_partition_that_was_lost_is_forgotten() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    intake.revoked(&[at()]);
    assert!(matches!(intake.next(record(0, raw(document(0))), &mut BTreeSet::new()), Step::Ignore));
}

#[test]
fn bytes_that_are_no_message_are_unfit() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    let step = intake.next(record(0, b"{}".to_vec()), &mut BTreeSet::new());
    assert!(matches!(step, Step::Take(Waiting { content: Content::Unfit(_), .. })), "{step:?}");
}

#[test]
fn a_clock_that_runs_ahead_of_the_bus_moves_nothing() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    let mut next = |offset, value| match intake.next(record(offset, value), &mut BTreeSet::new()) {
        Step::Take(waiting) => waiting.content,
        other @ (Step::Skip | Step::Seek(_) | Step::Ignore) => panic!("{other:?}"),
    };
    let years_ahead = "2090-01-01T00:00:00Z".parse().unwrap();
    assert!(matches!(next(0, progress("wrong", years_ahead)), Content::Nothing));
    assert!(matches!(next(1, progress("right", seen(5))), Content::Progress(as_of) if as_of == seen(5)));
    assert!(matches!(next(2, progress("wrong", years_ahead)), Content::Nothing));
    assert!(matches!(next(3, raw(document(9))), Content::Document { known_at, .. } if known_at == seen(5)));
    assert!(matches!(next(4, progress("wrong", seen(6))), Content::Progress(_)), "it was set right");
}

#[test]
fn a_time_that_never_comes_is_unfit_and_moves_no_clock() {
    let mut intake = Intake::new(10);
    intake.assigned(vec![at()]);
    let mut next = |offset, value| match intake.next(record(offset, value), &mut BTreeSet::new()) {
        Step::Take(waiting) => waiting.content,
        other @ (Step::Skip | Step::Seek(_) | Step::Ignore) => panic!("{other:?}"),
    };
    let never = "9999-12-31T00:00:00Z".parse().unwrap();
    assert!(matches!(next(0, progress("a", seen(5))), Content::Progress(_)));
    assert!(matches!(next(1, progress("b", never)), Content::Unfit(cause) if cause.contains("9999")));
    let future = tocsin_contract::Document { first_seen_at: never, ..document(8) };
    assert!(matches!(next(2, raw(future)), Content::Unfit(cause) if cause.contains("first_seen_at")));
    assert!(matches!(next(3, raw(document(9))), Content::Document { known_at, .. } if known_at == seen(5)));
}
