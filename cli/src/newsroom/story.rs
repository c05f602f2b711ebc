//! The form of a story file: TOML, with times as offsets from the start.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, de};

/// An article. The first paragraph is also its summary in the feed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    #[serde(deserialize_with = "offset")]
    pub(super) at: TimeDelta,
    /// Last part of its address; unique within the publication.
    pub(super) slug: String,
    pub(super) title: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    story: Vec<Story>,
}

impl Story {
    pub(super) fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    pub(super) fn summary(&self) -> &str {
        self.paragraphs().next().unwrap_or_default()
    }
}

/// The stories of a compiled-in file, the oldest first.
pub(super) fn read(text: &str) -> Vec<Story> {
    let mut file: File = toml::from_str(text).expect("the story files are compiled in, and tested");
    file.story.sort_by_key(|story| story.at);
    file.story
}

/// Reads `1d 10:05`: one day, ten hours and five minutes after the start.
pub(super) fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_offset(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is not of the form \"1d 10:05\"")))
}

fn parse_offset(text: &str) -> Option<TimeDelta> {
    let (days, time) = text.split_once("d ")?;
    let (hours, minutes) = time.split_once(':')?;
    let (days, hours, minutes): (i64, i64, i64) =
        (days.parse().ok()?, hours.parse().ok()?, minutes.parse().ok()?);
    let valid = (0..2).contains(&days) && (0..24).contains(&hours) && (0..60).contains(&minutes);
    valid.then(|| TimeDelta::minutes((days * 24 + hours) * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_counts_days_hours_and_minutes() {
        assert_eq!(parse_offset("1d 10:05"), Some(TimeDelta::minutes(34 * 60 + 5)));
        assert_eq!(parse_offset("0d 00:00"), Some(TimeDelta::zero()));
    }

    #[test]
    fn an_offset_outside_the_two_days_is_no_offset() {
        for text in ["2d 00:00", "0d 24:00", "0d 10:60", "10:05", "1d 10", "-1d 10:00"] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }
}
