//! Times of posts, as interfaces write them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

use super::text;
use crate::feed::{self, plausible, since_1970};

/// Forms of a time that does not say its zone.
const UNZONED: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
];

/// As `format` says, or `2024-03-01 08:00:00`, or as feeds write it, or seconds or milliseconds
/// since 1970. A time without a zone is in `zone`, a day alone is its midnight in UTC.
pub(super) fn instant(value: &Value, format: Option<&str>, zone: FixedOffset) -> Option<DateTime<Utc>> {
    if let Some(format) = format {
        let text = text(value)?;
        let zoned = DateTime::parse_from_str(&text, format).map(|at| at.to_utc());
        return zoned.ok().or_else(|| unzoned(&text, format, zone)).and_then(plausible);
    }
    let Some(text) = value.as_str().map(str::trim) else { return since_1970(value.as_f64()?) };
    let number = Some(text).filter(|text| is_number(text)).and_then(|text| text.parse().ok());
    if let Some(number) = number {
        return since_1970(number);
    }
    let unzoned = UNZONED.iter().find_map(|format| unzoned(text, format, zone));
    unzoned.and_then(plausible).or_else(|| feed::instant(text))
}

/// Whether a text is a time in seconds or milliseconds: a day has eight digits, `20240301`.
fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    whole.len() > 8 && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
}

fn unzoned(text: &str, format: &str, zone: FixedOffset) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, format).ok();
    let day = || NaiveDate::parse_from_str(text, format).ok()?.and_hms_opt(0, 0, 0);
    match time {
        Some(time) => Some(time.and_local_timezone(zone).single()?.to_utc()),
        None => day().map(|midnight| midnight.and_utc()),
    }
}
