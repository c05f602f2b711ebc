use chrono::{DateTime, TimeDelta, Utc};
use tocsin_contract::{Alert, AlertState, Signal, SignalRecord};

use crate::detect::{Rules, replay};
use crate::samples::{Habit, at, log, progress, signal, simulate};

const START: &str = "2023-03-06T00:00:00Z";
const SURGE: &str = "2023-03-09T12:00:00Z";

/// Three days of a quiet subject.
fn quiet() -> Vec<Signal> {
    simulate("bank", Habit { a_day: 20.0, negative: 0.2, dispersion: 0.3 }, at(START), 3, 7)
}

/// `count` negative documents, one a minute.
fn surge(count: u64) -> Vec<Signal> {
    (0..count).map(|n| signal("bank", n, at(SURGE) + TimeDelta::minutes(n as i64), true)).collect()
}

fn alerts(signals: Vec<Signal>, end: DateTime<Utc>) -> Vec<Alert> {
    replay(Rules::default(), log(signals, end))
}

fn later() -> DateTime<Utc> {
    at(SURGE) + TimeDelta::hours(8)
}

#[test]
fn a_surge_opens_an_episode_that_resolves_with_its_evidence() {
    let alerts = alerts([quiet(), surge(15)].concat(), later());
    let (first, last) = (alerts.first().unwrap(), alerts.last().unwrap());
    assert_eq!((first.state, first.sequence), (AlertState::Open, 1));
    assert!(first.opened_at > at(SURGE) && first.opened_at <= at(SURGE) + TimeDelta::minutes(15));
    assert!(first.p_value < first.threshold && first.window.observed > 3.0 * first.window.expected);
    assert!(first.stories.iter().all(|story| story.event_time >= at(SURGE)) && !first.stories.is_empty());
    assert_eq!((last.state, last.resolved_at), (AlertState::Resolved, Some(last.at)));
    assert!(alerts.iter().all(|alert| alert.alert_id == first.alert_id));
    let sequences: Vec<u32> = alerts.iter().map(|alert| alert.sequence).collect();
    assert_eq!(sequences, (1..=alerts.len() as u32).collect::<Vec<_>>());
}

#[test]
fn without_a_surge_nothing_rings() {
    assert_eq!(alerts(quiet(), later()), []);
}

#[test]
fn a_document_delivered_again_is_not_counted_again() {
    let once = log([quiet(), surge(15)].concat(), later());
    let twice = once.iter().flat_map(|record| [record.clone(), record.clone()]);
    assert_eq!(replay(Rules::default(), twice), replay(Rules::default(), once.clone()));
    let same = |minute: usize| Signal {
        document_id: signal("bank", 0, at(SURGE), true).document_id,
        ..surge(60)[minute].clone()
    };
    assert_eq!(alerts([quiet(), (0..40).map(same).collect()].concat(), later()), []);
}

#[test]
fn copies_of_one_story_weigh_less_than_as_many_stories() {
    let told = |story: fn(u64) -> String| {
        let signals = surge(15).into_iter().zip(0..);
        let signals = signals.map(|(signal, n)| Signal { story_id: story(n), ..signal }).collect();
        let worst = alerts([quiet(), signals].concat(), later());
        worst.iter().map(|alert| alert.window.observed).fold(0.0, f64::max)
    };
    assert!(told(|_| "one".into()) < 5.0);
    assert!(told(|n| n.to_string()) >= 5.0);
}

#[test]
fn late_documents_count_within_the_hour_and_not_after_it() {
    let delayed = |minutes| {
        let known =
            |signal: Signal| Signal { known_at: signal.event_time + TimeDelta::minutes(minutes), ..signal };
        alerts([quiet(), surge(15).into_iter().map(known).collect()].concat(), later())
    };
    let opened = |alerts: Vec<Alert>| alerts.first().map(|alert| alert.opened_at);
    assert!(opened(delayed(30)).unwrap() >= at(SURGE) + TimeDelta::minutes(30));
    assert_eq!(opened(delayed(61)), None);
}

#[test]
fn a_signal_waits_until_the_watermark_has_passed_it() {
    let records = log([quiet(), surge(15)].concat(), later());
    let held: Vec<SignalRecord> = records
        .into_iter()
        .map(|record| match record {
            SignalRecord::Progress(p) => progress(0, 2, p.as_of),
            signal @ SignalRecord::Signal(_) => signal,
        })
        .collect();
    assert_eq!(replay(Rules::default(), held.clone()), [], "raw partition 1 was never heard");
    let released = held.into_iter().chain([progress(1, 2, later())]);
    assert!(!replay(Rules::default(), released).is_empty());
}

#[test]
fn the_first_day_of_a_new_subject_asks_for_more() {
    let newborn = |count| alerts(surge(count), later());
    assert_eq!(newborn(9), []);
    assert!(!newborn(14).is_empty());
}

#[test]
fn a_subject_first_heard_of_after_a_week_of_silence_rings_sooner() {
    let watched = |count| {
        let other = simulate(
            "other",
            Habit { a_day: 30.0, negative: 0.1, dispersion: 0.2 },
            at("2023-02-25T00:00:00Z"),
            12,
            3,
        );
        alerts([other, surge(count)].concat(), later())
    };
    assert_eq!(watched(4), []);
    let alerts = watched(8);
    assert_eq!(alerts.first().map(|alert| alert.subject.id.as_str()), Some("bank"));
}

#[test]
fn the_message_stays_small_whatever_it_quotes() {
    let long = |signal: Signal| Signal {
        title: "长".repeat(5000),
        story_id: format!("{}{}", "s".repeat(900), signal.story_id),
        ..signal
    };
    let alerts = alerts([quiet(), surge(15).into_iter().map(long).collect()].concat(), later());
    let body = crate::outbox::body(alerts.first().unwrap()).unwrap();
    assert!(body.len() < 20_000, "{} bytes", body.len());
}
