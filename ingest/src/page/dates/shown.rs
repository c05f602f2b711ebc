//! Dates that a page shows its readers, and what the words before them make of them.

use std::sync::LazyLock;

use chrono::NaiveDate;
use regex::Regex;

use super::super::blocks::Block;
use super::reading::{Said, days};

/// Tokens from which a block is text that may name any day.
const LONG: f32 = 40.0;
/// Most tokens of a byline.
pub(super) const BYLINE: f32 = 12.0;
/// Most words on one side of a date where they name whoever wrote or published.
const NAMES: usize = 8;

/// Words behind which a byline names somebody.
const LEADS: [&str; 7] = ["by", "created", "posted", "publication", "published", "submitted", "written"];
const CHINESE_LEADS: [&str; 11] =
    ["发布", "发表", "发文", "上传", "刊登", "更新", "时间", "日期", "来源", "作者", "编辑"];
/// What else stands in a line that is there for a date.
const FURNITURE: [&str; 59] = [
    "a", "added", "am", "and", "at", "average", "bst", "cdt", "cest", "cet", "comment", "comments", "cst",
    "ct", "date", "dated", "edt", "est", "et", "first", "fri", "friday", "gmt", "hkt", "hrs", "in", "issued",
    "ist", "jst", "last", "m", "mdt", "min", "mins", "minute", "minutes", "modified", "mon", "monday", "mst",
    "mt", "of", "on", "p", "pdt", "pm", "pst", "pt", "read", "reading", "sat", "saturday", "sun", "sunday",
    "the", "time", "updated", "utc", "views",
];

/// Words that say that a date is of a page itself.
static OWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)publish|post|written|updat|modif|creat|submit|added|revis|review|edit|\bby\b|发布").ok()
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// Or nothing.
    Published,
    Updated,
}

/// A day that a short block shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shown {
    /// Which block it is.
    pub(super) place: usize,
    /// Blocks from the place that was asked about; negative before it.
    pub(super) distance: isize,
    /// Tokens of the block.
    pub(super) tokens: f32,
    pub(super) label: Label,
    /// Words before it, or in the line above, speak of publishing or writing.
    pub(super) is_told: bool,
    pub(super) said: Said,
    /// The line is there for the date: it says hardly more.
    pub(super) is_byline: bool,
}

impl Shown {
    pub(super) fn may_be(&self, day: NaiveDate) -> bool {
        self.said.readings.contains(&Some(day))
    }
}

/// The days that are shown from `before` blocks before block `at` to `after` behind it, nearest first; what stands
/// behind is nearer.
pub(super) fn around(blocks: &[Block], at: usize, before: usize, after: usize) -> Vec<Shown> {
    let range = at.saturating_sub(before)..(at + after + 1).min(blocks.len());
    let mut places: Vec<usize> = range.collect();
    places.sort_by_key(|place| if *place >= at { place - at } else { 3 + 2 * (at - place) });
    places.into_iter().flat_map(|place| shown(blocks, at, place)).collect()
}

fn shown(blocks: &[Block], at: usize, place: usize) -> Vec<Shown> {
    let Some(block) = blocks.get(place).filter(|block| block.count.tokens < LONG) else { return Vec::new() };
    // A label may be a block of its own, and so may whoever wrote the text.
    let above = place.checked_sub(1).and_then(|place| blocks.get(place));
    let above = above.filter(|above| above.count.tokens < LONG && days(&above.text).is_empty());
    let label_above = above.filter(|above| above.text.chars().count() < 25).map_or("", |above| &above.text);
    let byline_above = above.filter(|above| above.count.tokens <= BYLINE).map_or("", |above| &above.text);
    let all = days(&block.text);
    let ends = all.iter().skip(1).map(|next| next.begin).chain([block.text.len()]);
    let mut from = 0;
    let said = all.iter().copied().zip(ends).filter_map(|(said, end)| {
        let before = block.text.get(from..said.begin).unwrap_or_default();
        let behind = block.text.get(said.end..end).unwrap_or_default();
        let behind = behind.strip_prefix('日').unwrap_or(behind);
        let label = label(if from == 0 { label_above } else { "" }, before);
        let is_told = tells_of_publishing(before) || (from == 0 && tells_of_publishing(byline_above));
        from = said.end;
        let is_byline = is_little(before) && is_little(behind);
        let (distance, tokens) = (place as isize - at as isize, block.count.tokens);
        label.map(|label| Shown { place, distance, tokens, label, is_told, said, is_byline })
    });
    said.collect()
}

/// Whether words before a date speak of publishing, writing or changing.
fn tells_of_publishing(words: &str) -> bool {
    OWN.as_ref().is_some_and(|own| own.is_match(words))
        || CHINESE_LEADS.iter().any(|lead| words.contains(lead))
}

/// What the words before a date, and those in the block above, make of it; `None`: not a date of this page.
fn label(above: &str, before: &str) -> Option<Label> {
    static LABELS: LazyLock<Option<[Regex; 4]>> = LazyLock::new(|| {
        let other = "regist|joined|member since|expire|copyright|©|born|last post|last repl|注册|最后|今天是";
        let updated = "updat|modif|revis|review|edited|refresh|更新|修改";
        let near = |words: &str| Regex::new(&format!("(?i)(?:{words})[^.]{{0,25}}$")).ok();
        let matter =
            r"\b(?:end(?:s|ed|ing)?|as (?:of|at)|until|till|through|since|due|effective)\b[^.\d]{0,12}";
        let matter = Regex::new(&format!(r"(?i)(?:{matter}|截至|截止)\W*$")).ok();
        let on = Regex::new(r"(?i)\w\W+on\W+(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\W*)?$").ok();
        Some([near(other)?, near(updated)?, matter?, on?])
    });
    let ([other, updated, matter, on], own) = (LABELS.as_ref()?, OWN.as_ref()?);
    let whole = format!("{above} {before}");
    let is_of_matter = matter.is_match(&whole) || (on.is_match(before) && !own.is_match(before));
    if other.is_match(&whole) || is_of_matter {
        return None;
    }
    Some(if updated.is_match(&whole) { Label::Updated } else { Label::Published })
}

/// Whether what stands on one side of a date belongs to a line for it: hours, words of publishing, a name after them.
fn is_little(side: &str) -> bool {
    let side = side.to_lowercase();
    let words: Vec<&str> =
        side.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let leads = |word: &str| LEADS.contains(&word) || CHINESE_LEADS.iter().any(|lead| word.starts_with(lead));
    let is_usual = |word: &str| {
        FURNITURE.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit()) || leads(word)
    };
    let Some(name) = words.iter().position(|word| !is_usual(word)) else { return true };
    words.len() <= NAMES && words.iter().take(name).any(|word| leads(word))
}

#[cfg(test)]
mod tests {
    use super::super::super::{blocks, dom::Dom};
    use super::*;

    fn shown_in(html: &str) -> Vec<(Label, String)> {
        let blocks = blocks::of(&Dom::parse(html));
        let day = |shown: &Shown| Some((shown.label, shown.said.day?.to_string()));
        around(&blocks, 0, 5, 5).iter().filter_map(day).collect()
    }

    #[test]
    fn the_words_before_a_date_say_what_it_is() {
        let both = "<h1>Bank falls</h1><p>Published 1 March 2023 | Updated 4 March 2023</p>";
        let expected =
            [(Label::Published, "2023-03-01".to_owned()), (Label::Updated, "2023-03-04".to_owned())];
        assert_eq!(shown_in(both), expected);
        let apart = "<h1>Bank falls</h1><p>Last updated</p><p>4 March 2023</p>";
        assert_eq!(shown_in(apart), [(Label::Updated, "2023-03-04".to_owned())]);
        for other in ["Registered: 2019-01-27", "今天是2024年5月13日"] {
            assert_eq!(shown_in(&format!("<h1>Which broker?</h1><p>{other}</p>")), [], "{other}");
        }
    }
}
