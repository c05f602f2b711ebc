//! Signals for tests: hand-made ones, and a simulated newsroom.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tocsin_contract::{
    DocumentId, SentimentLabel, Signal, SignalProgress, SignalRecord, SourceKind, Subject, SubjectKind,
};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn subject(id: &str) -> Subject {
    Subject { kind: SubjectKind::Entity, id: id.to_owned() }
}

/// A document with its own story and publisher, known the moment it happened.
pub(crate) fn signal(id: &str, n: u64, when: DateTime<Utc>, negative: bool) -> Signal {
    Signal {
        subject: subject(id),
        name: id.to_uppercase(),
        event_time: when,
        known_at: when,
        negative,
        label: if negative { SentimentLabel::Negative } else { SentimentLabel::Neutral },
        score: if negative { -0.8 } else { 0.1 },
        weight: 1.0,
        story_id: format!("story-{id}-{n}"),
        document_id: DocumentId::from_native(id, &n.to_string()),
        source_id: format!("source-{}", n % 7),
        source_kind: SourceKind::News,
        publisher_family: format!("family-{}", n % 5),
        lang: "en".to_owned(),
        title: format!("Title {n} about {id}"),
        url: Some(format!("https://example.com/{id}/{n}")),
    }
}

pub(crate) fn progress(partition: u32, partitions: u32, as_of: DateTime<Utc>) -> SignalRecord {
    SignalRecord::Progress(SignalProgress { partition, partitions, as_of })
}

/// The signals in order of time, with a progress record every five minutes until `end`.
pub(crate) fn log(mut signals: Vec<Signal>, end: DateTime<Utc>) -> Vec<SignalRecord> {
    signals.sort_by_key(|signal| (signal.known_at, signal.document_id));
    let mut records = Vec::new();
    let mut clock = signals.first().map_or(end, |signal| signal.known_at);
    for signal in signals {
        while clock + TimeDelta::minutes(5) <= signal.known_at {
            clock += TimeDelta::minutes(5);
            records.push(progress(0, 1, clock));
        }
        records.push(SignalRecord::Signal(signal));
    }
    while clock < end {
        clock = (clock + TimeDelta::minutes(5)).min(end);
        records.push(progress(0, 1, clock));
    }
    records.push(progress(0, 1, end + TimeDelta::minutes(5)));
    records
}

/// One simulated subject: so many documents a day, a part of them negative, busy by
/// day and quiet at night, good and bad hours (gamma with this dispersion).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    pub(crate) a_day: f64,
    pub(crate) negative: f64,
    pub(crate) dispersion: f64,
}

/// Documents of one subject for `days` from `start`, by the seed.
pub(crate) fn simulate(id: &str, habit: Habit, start: DateTime<Utc>, days: u32, seed: u64) -> Vec<Signal> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut signals = Vec::new();
    for hour in 0..i64::from(days) * 24 {
        let phase = (hour % 24) as f64 / 24.0 * std::f64::consts::TAU;
        let rate = habit.a_day / 24.0 * (1.0 - 0.7 * phase.cos()) * gamma(&mut random, habit.dispersion);
        for _ in 0..poisson(&mut random, rate) {
            let when = start + TimeDelta::hours(hour) + TimeDelta::seconds(random.random_range(0..3600));
            let negative = random.random_bool(habit.negative);
            signals.push(signal(id, random.random(), when, negative));
        }
    }
    signals
}

fn poisson(random: &mut StdRng, mean: f64) -> u32 {
    let (limit, mut product, mut count) = ((-mean).exp(), random.random::<f64>(), 0);
    while product > limit {
        product *= random.random::<f64>();
        count += 1;
    }
    count
}

/// Gamma with mean 1 and this variance (Marsaglia & Tsang 2000).
fn gamma(random: &mut StdRng, variance: f64) -> f64 {
    let shape = 1.0 / variance;
    let boosted = if shape < 1.0 { shape + 1.0 } else { shape };
    let (d, c) = (boosted - 1.0 / 3.0, 1.0 / (9.0 * boosted - 3.0).sqrt());
    let drawn = loop {
        let angle = random.random::<f64>() * std::f64::consts::TAU;
        let normal = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt() * angle.cos();
        let v = (1.0 + c * normal).powi(3);
        if v > 0.0 && random.random::<f64>().ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            break d * v;
        }
    };
    let scaled = if shape < 1.0 { drawn * random.random::<f64>().powf(variance) } else { drawn };
    scaled / shape
}
