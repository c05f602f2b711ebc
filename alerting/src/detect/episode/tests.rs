use super::*;
use crate::detect::judge::sample;

const OPENED: i64 = 1000;

fn step(episodes: &mut Episodes, at: i64, p: f64) -> Option<(AlertState, Severity, u32)> {
    let changed = episodes.step(Bin(at), &sample(p, 1e-4), Vec::new)?;
    Some((changed.0, changed.1.severity, changed.1.sequence))
}

fn resolved_at(episodes: &mut Episodes, from: i64) -> i64 {
    (from..)
        .find(|at| step(episodes, *at, 1.0).is_some_and(|(state, ..)| state == AlertState::Resolved))
        .unwrap()
}

#[test]
fn an_episode_opens_once_and_is_updated_only_when_it_gets_worse() {
    let mut episodes = Episodes::default();
    assert_eq!(step(&mut episodes, OPENED, 1e-5), Some((AlertState::Open, Severity::Warning, 1)));
    assert_eq!(step(&mut episodes, OPENED + 1, 1e-6), None);
    assert_eq!(step(&mut episodes, OPENED + 2, 1e-8), Some((AlertState::Updated, Severity::High, 2)));
    assert_eq!(step(&mut episodes, OPENED + 3, 1e-5), None);
    assert_eq!(step(&mut episodes, OPENED + 4, 1e-11), Some((AlertState::Updated, Severity::Critical, 3)));
}

#[test]
fn it_ends_after_two_quiet_hours_in_a_row() {
    let mut episodes = Episodes::default();
    step(&mut episodes, OPENED, 1e-5);
    for at in 1..=23 {
        assert_eq!(step(&mut episodes, OPENED + at, 0.5), None);
    }
    assert_eq!(step(&mut episodes, OPENED + 24, 0.01), None);
    assert_eq!(resolved_at(&mut episodes, OPENED + 25), OPENED + 25 + 23);
    assert!(!episodes.is_open());
}

#[test]
fn it_does_not_open_again_for_a_day_unless_it_is_worse() {
    let mut episodes = Episodes::default();
    step(&mut episodes, OPENED, 1e-5);
    let closed = resolved_at(&mut episodes, OPENED + 1);
    assert_eq!(step(&mut episodes, closed + 1, 1e-5), None);
    assert_eq!(step(&mut episodes, closed + 287, 1e-5), None);
    let mut worse = episodes.clone();
    assert_eq!(step(&mut worse, closed + 287, 1e-8), Some((AlertState::Open, Severity::High, 1)));
    assert_eq!(step(&mut episodes, closed + 288, 1e-5), Some((AlertState::Open, Severity::Warning, 1)));
}
