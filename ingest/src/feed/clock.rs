//! Times of day and their zones, as feeds write them.

use std::borrow::Cow;

use chrono::{FixedOffset, NaiveTime};

/// Hours east of UTC that names of zones stand for. CST is left out: it is America's and China's; where a date is
/// otherwise as RFC 2822 says, it is America's, which is the later. So is IST, which is of three countries.
const ZONES: [(&str, i32); 27] = [
    ("z", 0),
    ("gmt", 0),
    ("utc", 0),
    ("ut", 0),
    ("wet", 0),
    ("est", -5),
    ("edt", -4),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("bst", 1),
    ("west", 1),
    ("cet", 1),
    ("cest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("hkt", 8),
    ("sgt", 8),
    ("jst", 9),
    ("kst", 9),
    ("aest", 10),
    ("aedt", 11),
    ("nzst", 12),
    ("nzdt", 13),
];

/// `t10:00:00.5+02:00`, `t100000z`, `10:00 est`, `2:05 p.m. gmt`; none where either is missing.
pub(super) fn time_and_zone(text: &str) -> Option<(NaiveTime, FixedOffset)> {
    let text = text.trim_start_matches(['t', ' ']);
    let is_of_clock = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ',');
    let (clock, zone) = text.split_at(text.find(|c: char| !is_of_clock(c)).unwrap_or(text.len()));
    let clock = parted(clock);
    let mut parts =
        clock.split(':').map(|part| part.split(['.', ',']).next().unwrap_or_default().parse::<u32>());
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().and_then(Result::ok).unwrap_or(0);
    let (hour, zone) = of_day(hour, zone.trim_start());
    let time = NaiveTime::from_hms_opt(hour, minute, second.min(59))?;
    Some((time, offset(zone.trim())?))
}

/// `100000` as `10:00:00`.
fn parted(clock: &str) -> Cow<'_, str> {
    let is_dense = matches!(clock.len(), 4 | 6) && clock.bytes().all(|byte| byte.is_ascii_digit());
    if !is_dense {
        return Cow::Borrowed(clock);
    }
    let pairs: Vec<_> = clock.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
    Cow::Owned(pairs.join(":"))
}

/// The hour of the day that an hour is before `am` or `pm`, and what follows these.
fn of_day(hour: u32, after: &str) -> (u32, &str) {
    let halves = [("am", 0), ("a.m.", 0), ("pm", 12), ("p.m.", 12)];
    let half = halves.into_iter().find_map(|(name, hours)| Some((hours, after.strip_prefix(name)?)));
    match half.filter(|(_, rest)| !rest.starts_with(|c: char| c.is_alphanumeric())) {
        Some((hours, rest)) if (1..=12).contains(&hour) => (hour % 12 + hours, rest),
        Some((_, rest)) => (hour, rest),
        None => (hour, after),
    }
}

/// `+02:00`, `est`, `gmt`, `utc-5`.
fn offset(zone: &str) -> Option<FixedOffset> {
    let name = zone.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match ZONES.iter().find(|(known, _)| *known == name) {
        Some((_, 0)) => {
            zone.strip_prefix(name).and_then(|rest| east(rest.trim_start())).or(FixedOffset::east_opt(0))
        }
        Some((_, hours)) => FixedOffset::east_opt(hours * 3600),
        None => east(zone),
    }
}

/// `+02:00`, `-0500 (est)`, `+8`.
fn east(zone: &str) -> Option<FixedOffset> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let figures = zone.strip_prefix(['+', '-'])?.chars().take_while(|c| c.is_ascii_digit() || *c == ':');
    let digits: String = figures.filter(char::is_ascii_digit).collect();
    let number: i32 = digits.parse().ok().filter(|_| digits.len() < 5)?;
    let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_before_or_after_noon_is_one_of_the_day() {
        for (text, expected) in [
            ("10:00 am gmt", "10:00:00+00:00"),
            ("12:30 a.m. est", "00:30:00-05:00"),
            ("12:00:05 pm +0800", "12:00:05+08:00"),
            ("2:05:01pm aest", "14:05:01+10:00"),
            ("14:05 pm sgt", "14:05:00+08:00"),
            ("10:00 amt+1", "none"),
            ("2:05 pm", "none"),
        ] {
            let read = time_and_zone(text).map(|(time, zone)| format!("{time}{zone}"));
            assert_eq!(read.as_deref().unwrap_or("none"), expected, "{text}");
        }
    }
}
