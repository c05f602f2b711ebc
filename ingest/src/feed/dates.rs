//! Dates of feeds: RFC 3339 and RFC 2822 as they should be, and as they are.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};

use super::clock::time_and_zone;
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
        .or_else(|| counted(&text))
        .or_else(|| lenient(&text))
        .and_then(plausible)
        // Hardly anybody reads a leap second: it is the one before.
        .and_then(|at| at.with_nanosecond(at.nanosecond() % 1_000_000_000))
}

/// The instant, unless nothing can have been published then.
pub(crate) fn plausible(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    YEARS.contains(&at.year()).then_some(at)
}

/// So many seconds, or milliseconds where there would be too many.
pub(crate) fn since_1970(number: f64) -> Option<DateTime<Utc>> {
    let milliseconds = if number.abs() < 1e11 { number * 1000.0 } else { number };
    DateTime::from_timestamp_millis(milliseconds.round() as i64).and_then(plausible)
}

/// The instant that ten digits of seconds or thirteen of milliseconds are, up to the year 2033: `2024050610`
/// is an hour.
fn counted(text: &str) -> Option<DateTime<Utc>> {
    let is_count = text.starts_with('1') && matches!(text.len(), 10 | 13);
    let is_count = is_count && text.bytes().all(|byte| byte.is_ascii_digit());
    since_1970(text.parse().ok().filter(|_| is_count)?)
}

fn lenient(text: &str) -> Option<DateTime<Utc>> {
    let lower = with_english_months(&text.to_lowercase()).replace(['年', '月'], "-").replace('日', " ");
    let (day, rest) =
        year_first(&lower).or_else(|| named_month(&lower)).or_else(|| day_or_month_first(&lower))?;
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let exact = || {
        let (time, zone) = time_and_zone(&rest)?;
        zone.from_local_datetime(&day.and_time(time)).single()
    };
    Some(exact().map_or(midnight, |at| at.to_utc()))
}

/// `星期一, 06 五月 2024 ...` and `周一, 06 5月 2024 ...`, as Java writes dates in China, with names that others read.
fn with_english_months(text: &str) -> String {
    const ENGLISH: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const CHINESE: [&str; 12] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"];
    if text.contains('年') {
        return text.to_owned();
    }
    let name = |word: &str| {
        let month = word.strip_suffix('月')?;
        let number = || month.parse::<usize>().ok()?.checked_sub(1);
        let at = CHINESE.iter().position(|known| *known == month).or_else(number)?;
        ENGLISH.get(at).copied()
    };
    text.split(' ').map(|word| name(word).unwrap_or(word)).collect::<Vec<_>>().join(" ")
}

/// `2024-05-06...`, `2024/5/6 ...`, `20240506...`, `2024-05`.
fn year_first(text: &str) -> Option<(NaiveDate, String)> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let (year, month, day, rest) = if matches!(digits.len(), 8 | 12 | 14) {
        let (year, rest) = digits.split_at(4);
        let (month, rest) = rest.split_at(2);
        let (day, _) = rest.split_at(2);
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

/// `06.05.2024 ...`, `16/05/2024 ...`, `05/16/2024 ...`; none where day and month cannot be told apart.
fn day_or_month_first(text: &str) -> Option<(NaiveDate, String)> {
    let (date, rest) = text.split_once([' ', ',']).unwrap_or((text, ""));
    let mark = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '.' | '/' | '-'))?;
    let numbers: Vec<u32> = date.split(mark).map(|part| part.parse::<u32>().ok()).collect::<Option<_>>()?;
    let &[first, second, year] = numbers.as_slice() else { return None };
    let (day, month) = if mark == '.' || first > 12 || first == second {
        (first, second)
    } else if second > 12 {
        (second, first)
    } else {
        return None;
    };
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    Some((date, rest.to_owned()))
}

/// `06-may-2024` as its parts; other words as they are.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let is_date = word.split('-').nth(1).is_some_and(|name| month(name).is_some());
    word.split(move |c: char| c == '-' && is_date)
}

/// `Fri, 10 March 2023 ...`, `Mar 10, 2023 ...`, `06-May-2024 ...`, `Fri Mar 10 16:00:00 +0000 2023`.
fn named_month(text: &str) -> Option<(NaiveDate, String)> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').flat_map(parts);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
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
            ("Fri, Mar 10 2023 04:00:00 PM EST", "2023-03-10T21:00:00"),
            ("10-Mar-2023 16:00:00 +0530", "2023-03-10T10:30:00"),
            ("Fri, 10-Mar-23 16:00:00 GMT", "2023-03-10T16:00:00"),
            ("10.03.2023 16:00:00 +0100", "2023-03-10T15:00:00"),
            ("31/03/2023 16:00 GMT", "2023-03-31T16:00:00"),
            ("3/31/2023 4:00:00 PM GMT", "2023-03-31T16:00:00"),
            ("星期五, 10 三月 2023 16:00:00 +0800", "2023-03-10T08:00:00"),
            ("周五, 10 12月 2023 16:00:00 +0800", "2023-12-10T08:00:00"),
            ("2023年3月10日 16:00:00 +0800", "2023-03-10T08:00:00"),
            ("1678464000", "2023-03-10T16:00:00"),
            ("1678464000123", "2023-03-10T16:00:00"),
            ("20230310160000", "2023-03-10T00:00:00"),
            ("Fri, 10 Mar 2023 16:00:00 SGT", "2023-03-10T08:00:00"),
            ("2023-03-10T16:00:00,123Z", "2023-03-10T16:00:00"),
            ("20230310T160000Z", "2023-03-10T16:00:00"),
            ("20230310T160000+0800", "2023-03-10T08:00:00"),
            ("10 Mar 2023 1600 GMT", "2023-03-10T16:00:00"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
            ("Sat, 31 Dec 2016 23:59:60 GMT", "2016-12-31T23:59:59"),
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
        for text in ["03/10/2023", "3-10-2023 16:00 GMT", "13/13/2023", "1.2.3", "127.0.0.1"] {
            assert_eq!(instant(text), None, "{text}");
        }
        for text in ["12345678901", "2023031016", "2023031016000"] {
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
