//! Dates that a page shows its readers, and what the words before them make of them.

use std::sync::LazyLock;

use chrono::NaiveDate;
use regex::Regex;

use super::super::blocks::Block;
use super::reading::{Said, days};

/// Tokens from which a block is text that may name any day.
const LONG: f32 = 40.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// Or nothing.
    Published,
    Updated,
}

/// A day that a short block shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shown {
    /// Blocks from the place that was asked about; negative before it.
    pub(super) distance: isize,
    /// Tokens of the block.
    pub(super) tokens: f32,
    pub(super) label: Label,
    pub(super) said: Said,
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
    // A label may be a block of its own.
    let above = place.checked_sub(1).and_then(|place| blocks.get(place)).map_or("", |block| &block.text);
    let above = if above.chars().count() < 25 && days(above).is_empty() { above } else { "" };
    let mut from = 0;
    let said = days(&block.text).into_iter().filter_map(|said| {
        let before = block.text.get(from..said.begin).unwrap_or_default();
        let label = if from == 0 { label(&format!("{above} {before}")) } else { label(before) };
        from = said.end;
        let distance = place as isize - at as isize;
        label.map(|label| Shown { distance, tokens: block.count.tokens, label, said })
    });
    said.collect()
}

/// What the words before a date make of it; `None`: not a date of this page.
fn label(before: &str) -> Option<Label> {
    static LABELS: LazyLock<Option<[Regex; 2]>> = LazyLock::new(|| {
        let other = "regist|joined|member since|expire|copyright|©|born|last post|last repl|注册|最后";
        let updated = "updat|modif|revis|review|edited|refresh|更新|修改";
        let near = |words: &str| Regex::new(&format!("(?i)(?:{words})[^.]{{0,25}}$")).ok();
        Some([near(other)?, near(updated)?])
    });
    let [other, updated] = LABELS.as_ref()?;
    if other.is_match(before) {
        return None;
    }
    Some(if updated.is_match(before) { Label::Updated } else { Label::Published })
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
        assert_eq!(shown_in("<h1>Which broker?</h1><p>Registered: 2019-01-27</p>"), []);
    }
}
