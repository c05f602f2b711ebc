//! Dates of feeds: RFC 3339 and RFC 2822 as they should be, and as they are.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc};

use super::fold;
use crate::month::month;

/// Years in which a document may have been published; others are slips and traps.
const YEARS: RangeInclusive<i32> = 1970..=2200;

/// The instant that a feed means. A day, and a time without a zone, is midnight UTC of its
/// day: which the crawler takes for a day.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = fold(text);
    DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_rfc2822(&text))
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| lenient(&text))
        .and_then(plausible)
}

/// The instant, unless nothing can have been published then.
pub(crate) fn plausible(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    YEARS.contains(&at.year()).then_some(at)
}

/// Hours east of UTC that names of zones stand for. CST is left out: it is America's and China's; where a date is
/// otherwise as RFC 2822 says, it is America's, which is the later.
const ZONES: [(&str, i32); 16] = [
    ("z", 0),
    ("gmt", 0),
    ("utc", 0),
    ("ut", 0),
    ("est", -5),
    ("edt", -4),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("bst", 1),
    ("cet", 1),
    ("cest", 2),
    ("jst", 9),
    ("hkt", 8),
];

fn lenient(text: &str) -> Option<DateTime<Utc>> {
    let lower = text.to_lowercase().replace(['年', '月'], "-").replace('日', " ");
    let (day, rest) = year_first(&lower).or_else(|| named_month(&lower))?;
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let exact = || {
        let (time, zone) = time_and_zone(&rest)?;
        zone.from_local_datetime(&day.and_time(time)).single()
    };
    Some(exact().map_or(midnight, |at| at.to_utc()))
}

/// `2024-05-06...`, `2024/5/6 ...`, `20240506...`, `2024-05`.
fn year_first(text: &str) -> Option<(NaiveDate, String)> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let (year, month, day, rest) = if digits.len() == 8 {
        let (year, rest) = digits.split_at(4);
        let (month, day) = rest.split_at(2);
        (year.to_owned(), month.to_owned(), day.to_owned(), text.split_at(8).1.to_owned())
    } else if digits.len() == 4 {
        let mut parts = text.splitn(3, ['-', '/', '.']);
        let (year, month) = (parts.next()?, parts.next().unwrap_or("1"));
        let last = parts.next().unwrap_or("1");
        let day: String = last.chars().take_while(char::is_ascii_digit).collect();
        let rest = last.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
        (year.to_owned(), month.to_owned(), day, rest)
    } else {
        return None;
    };
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    Some((date, rest))
}

/// `Fri, 10 March 2023 ...`, `Mar 10, 2023 ...`, `Fri Mar 10 16:00:00 +0000 2023`.
fn named_month(text: &str) -> Option<(NaiveDate, String)> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
    let (at, month) = words.iter().enumerate().find_map(|(at, word)| Some((at, month(word)?)))?;
    let number = |word: Option<&&str>| -> Option<u32> {
        word?.trim_end_matches(|c: char| c.is_alphabetic() || c == '.').parse().ok()
    };
    let before = at.checked_sub(1).and_then(|before| number(words.get(before))).filter(|day| *day < 32);
    let (day, year, rest) = match (before, number(words.get(at + 2))) {
        (Some(day), _) => (day, number(words.get(at + 1))?, words.get(at + 2..)?),
        (None, Some(year)) => (number(words.get(at + 1))?, year, words.get(at + 3..)?),
        // As `asctime` has it, with the year behind the time.
        (None, None) => {
            let (year, rest) = words.get(at + 2..)?.split_last()?;
            rest.first().filter(|clock| clock.contains(':'))?;
            (number(words.get(at + 1))?, number(Some(year))?, rest)
        }
    };
    let year = if year < 70 {
        year + 2000
    } else if year < 100 {
        year + 1900
    } else {
        year
    };
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    Some((date, rest.join(" ")))
}

/// `T10:00:00.5+02:00`, `10:00 EST`; none where either is missing.
fn time_and_zone(text: &str) -> Option<(NaiveTime, FixedOffset)> {
    let text = text.trim_start_matches(['t', ' ']);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (clock, zone) = text.split_at(end);
    let mut parts = clock.split(':').map(|part| part.split('.').next().unwrap_or_default().parse::<u32>());
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().and_then(Result::ok).unwrap_or(0);
    let time = NaiveTime::from_hms_opt(hour, minute, second.min(59))?;
    Some((time, offset(zone.trim())?))
}

/// `+02:00`, `EST`, `GMT`, `UTC-5`.
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

/// `+02:00`, `-0500 (EST)`, `+8`.
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
    fn dates_are_read_as_feeds_write_them() {
        for (text, expected) in [
            ("2023-03-10T16:00:00Z", "2023-03-10T16:00:00"),
            ("2023-03-10T16:00:00+0100", "2023-03-10T15:00:00"),
            ("2023-03-10T16:00+01:00", "2023-03-10T15:00:00"),
            ("Fri, 10 Mar 2023 16:00:00 GMT", "2023-03-10T16:00:00"),
            ("Friday, 10 March 2023 16:00 EST", "2023-03-10T21:00:00"),
            ("Mar 10, 2023 16:00:00 -0500", "2023-03-10T21:00:00"),
            ("10 Mar 23 16:00:00 UT", "2023-03-10T16:00:00"),
            ("2023-03-10", "2023-03-10T00:00:00"),
            ("20230310", "2023-03-10T00:00:00"),
            ("2023年3月10日", "2023-03-10T00:00:00"),
            ("Fri Mar 10 2023 16:00:00 GMT-0500 (Eastern Standard Time)", "2023-03-10T21:00:00"),
            ("10 Mar 2023 16:00:00 UTC-5", "2023-03-10T21:00:00"),
            ("Fri, 10 Mar 2023 16:00:00 GMT+0800", "2023-03-10T08:00:00"),
            ("2023-03-10 16:00:00 UTC +05:30", "2023-03-10T10:30:00"),
            ("2023-03-10 16:00:00 UTC (5 p.m. in Berlin)", "2023-03-10T16:00:00"),
            ("Fri Mar 10 16:00:00 +0000 2023", "2023-03-10T16:00:00"),
            ("Fri Mar 10 16:00:00 EST 2023", "2023-03-10T21:00:00"),
            ("Fri Mar 10 16:00:00 2023", "2023-03-10T00:00:00"),
        ] {
            let read = instant(text).map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string());
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_a_day_and_nonsense_is_nothing() {
        for text in ["2023-03-10 16:00:00", "2023/3/10 9:05", "2023-03-10 16:00:00 +2147483647"] {
            assert_eq!(instant(text).unwrap().to_rfc3339(), "2023-03-10T00:00:00+00:00", "{text}");
        }
        for text in
            ["", "yesterday", "2023-13-45", "99999999", "三月十日", "Mar 10", "Mar 10 16:00", "10 Mar"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_at_which_nothing_can_have_been_published_is_nothing() {
        let traps =
            ["31 Dec 262142 23:30:00 GMT", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2201-01-01"];
        for text in traps {
            assert_eq!(instant(text), None, "{text}");
        }
        for text in ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59Z"] {
            assert!(instant(text).is_some(), "{text}");
        }
    }
}
