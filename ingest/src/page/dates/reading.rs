//! Dates as machines and people write them.

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use regex::{Captures, Regex};
use tocsin_contract::PublishedPrecision;

use super::Dated;
use crate::month::month;

/// Instants as they are written beside RFC 3339 and RFC 2822; space before a zone is passed over.
const INSTANTS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z"];

/// A day that a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// Where in the text it begins and ends, in bytes.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// `None` for figures that may mean two days.
    pub(super) day: Option<NaiveDate>,
    /// All days that they may mean.
    pub(super) readings: [Option<NaiveDate>; 2],
}

/// A date as machines write it, else as people do. Midnight of its own zone is what programs write that know only
/// the day.
pub(super) fn read(text: &str, confidence: f32) -> Option<Dated> {
    let text = text.trim();
    if let Some(exact) = instant(text) {
        if exact.time() == NaiveTime::MIN {
            return of_day(exact.date_naive(), confidence);
        }
        let precision = PublishedPrecision::Exact;
        return Some(Dated { at: exact.to_utc(), zone: *exact.offset(), precision, confidence })
            .filter(is_likely);
    }
    days(text)
        .into_iter()
        .find_map(|said| said.day)
        .or_else(|| dense(text))
        .and_then(|day| of_day(day, confidence))
}

/// With a zone: `+08:00`, `+0800`, `+08`, `Z`, `UTC`, with or without a space before it.
fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    let written = |text: &str| INSTANTS.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
    let in_utc = || {
        let front = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT"))?;
        written(&format!("{front}Z"))
    };
    let by_rfc = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    by_rfc.ok().or_else(|| written(text)).or_else(in_utc)
}

/// A day, as its midnight in UTC.
pub(super) fn of_day(day: NaiveDate, confidence: f32) -> Option<Dated> {
    let at: NaiveDateTime = day.and_hms_opt(0, 0, 0)?;
    let zone = FixedOffset::east_opt(0)?;
    Some(Dated { at: at.and_utc(), zone, precision: PublishedPrecision::Day, confidence }).filter(is_likely)
}

/// After the Web began.
fn is_likely(dated: &Dated) -> bool {
    dated.at.timestamp() > 788_918_400
}

/// The days that a text names: with the month's name, or in figures. Figures with the year last may mean two
/// days, unless one number is no month or dots part them.
pub(super) fn days(text: &str) -> Vec<Said> {
    static DAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let month = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*";
        let year = r"((?:19|20)\d\d)";
        let month_first = format!(r"{month}\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+{year}");
        let day_first = format!(r"(\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{month}\.?,?[\s-]+{year}");
        let year_first = format!(r"{year}\s?[-/.年]\s?(\d{{1,2}})\s?[-/.月]\s?(\d{{1,2}})");
        let year_last = format!(r"(\d{{1,2}})([./-])(\d{{1,2}})[./-]{year}");
        Regex::new(&format!("(?i)(?:{month_first}|{day_first}|{year_first}|{year_last})")).ok()
    });
    // All name a year, and hardly any text holds one.
    if !["19", "20"].iter().any(|century| text.contains(*century)) {
        return Vec::new();
    }
    let found = DAYS.as_ref().map(|days| days.captures_iter(text));
    found.into_iter().flatten().filter_map(|found| said(text, &found)).collect()
}

fn said(around: &str, found: &Captures<'_>) -> Option<Said> {
    let text = |index: usize| found.get(index).map(|part| part.as_str());
    let number = |index: usize| text(index)?.parse::<u32>().ok();
    let month = |index: usize| month(text(index)?);
    let date = |year: usize, month: Option<u32>, day: Option<u32>| {
        NaiveDate::from_ymd_opt(number(year)?.try_into().ok()?, month?, day?)
    };
    let whole = found.get(0)?;
    // Not part of a longer number.
    let before = around.get(..whole.start())?.chars().next_back().unwrap_or(' ');
    let after = around.get(whole.end()..)?.chars().next().unwrap_or(' ');
    let is_apart = !before.is_ascii_digit() || text(1).is_some();
    if !is_apart || after.is_ascii_digit() || (text(13).is_some() && matches!(before, '.' | '/' | '-')) {
        return None;
    }
    let (day, readings) = if text(13).is_some() {
        let (month_last, day_last) = (date(13, number(12), number(10)), date(13, number(10), number(12)));
        let readings = [month_last, day_last];
        match readings {
            [Some(first), Some(last)] if first != last && text(11) != Some(".") => (None, readings),
            [first, last] => (first.or(last), readings),
        }
    } else {
        let sure = date(3, month(1), number(2))
            .or_else(|| date(6, month(5), number(4)))
            .or_else(|| date(7, number(8), number(9)));
        (sure, [sure, None])
    };
    readings.iter().any(Option::is_some).then_some(Said {
        begin: whole.start(),
        end: whole.end(),
        day,
        readings,
    })
}

/// `20230310` at the beginning.
fn dense(text: &str) -> Option<NaiveDate> {
    static DENSE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^((?:19|20)\d\d)([01]\d)([0-3]\d)").ok());
    let found = DENSE.as_ref()?.captures(text)?;
    let number = |index: usize| found.get(index)?.as_str().parse::<u32>().ok();
    NaiveDate::from_ymd_opt(number(1)?.try_into().ok()?, number(2)?, number(3)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(text: &str) -> Vec<String> {
        days(text).iter().filter_map(|said| said.day).map(|day| day.to_string()).collect()
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        for text in [
            "March 1, 2023",
            "1st of March 2023",
            "Mar. 1 2023",
            "01-Mar-2023",
            "Mar 1, 2023Julian",
            "2023/3/1",
            "发布于2023年3月1日 10:00",
            "1.3.2023",
        ] {
            assert_eq!(sure(text), ["2023-03-01"], "{text}");
        }
        assert_eq!(sure("SportMarch 1, 2023April 2, 2023"), ["2023-03-01", "2023-04-02"]);
        assert_eq!(sure("Posted 2/24/2026, updated 25/3/2026"), ["2026-02-24", "2026-03-25"]);
    }

    #[test]
    fn figures_that_may_mean_two_days_are_no_day_and_nonsense_is_nothing() {
        let said = days("03/04/2025");
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].day, None);
        assert_eq!(said[0].readings.map(|day| day.unwrap().to_string()), ["2025-04-03", "2025-03-04"]);
        assert!(days("2023-13-40, 99/99/2023, yesterday, 3 days ago").is_empty());
    }

    #[test]
    fn midnight_of_its_own_zone_is_a_day() {
        for text in ["2024-05-06T00:00:00Z", "2024-05-06T00:00:00+08:00", "Mon, 06 May 2024 00:00:00 -0500"] {
            let dated = read(text, 0.95).unwrap();
            assert_eq!(
                (dated.precision, dated.day().to_string()),
                (PublishedPrecision::Day, "2024-05-06".to_owned())
            );
            assert_eq!(dated.at.to_rfc3339(), "2024-05-06T00:00:00+00:00", "{text}");
        }
        assert_eq!(read("2024-05-06T08:00:00+08:00", 0.95).unwrap().precision, PublishedPrecision::Exact);
    }

    #[test]
    fn instants_keep_the_zone_they_are_told_in() {
        let dated = read("2024-05-06T23:00:00-05:00", 0.9).unwrap();
        assert_eq!((dated.precision, dated.zone.local_minus_utc()), (PublishedPrecision::Exact, -5 * 3600));
        assert_eq!(read("2014-02-04 13:02:51Z", 0.9).unwrap().at.to_rfc3339(), "2014-02-04T13:02:51+00:00");
        assert_eq!(read("20230310120000", 0.9).unwrap().at.to_rfc3339(), "2023-03-10T00:00:00+00:00");
        for (text, expected) in [
            ("2024-05-06T09:30Z", "2024-05-06T09:30:00+00:00"),
            ("2024-05-06T09:30:00.5+08", "2024-05-06T01:30:00.500+00:00"),
            ("2024-05-06 09:30:00 +0800", "2024-05-06T01:30:00+00:00"),
            ("2024-05-06 09:30:00 UTC", "2024-05-06T09:30:00+00:00"),
            ("2024-05-06 09:30 GMT", "2024-05-06T09:30:00+00:00"),
        ] {
            let dated = read(text, 0.9).unwrap();
            assert_eq!(dated.at.to_rfc3339(), expected, "{text}");
            assert_eq!(dated.precision, PublishedPrecision::Exact, "{text}");
        }
    }
}
