//! Runs of digits that are somebody's: phone numbers, cards, identity numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Match, Regex};

use super::{Detail, HIDDEN, Pattern, amount, check, phone};

/// Fewest and most digits of a number of a person, and most groups that it is written in.
const FEWEST_DIGITS: usize = 9;
const MOST_DIGITS: usize = 19;
const MOST_GROUPS: usize = 11;

/// Digits with what people put between them, in ASCII or as wide as Chinese characters.
static RUN: Pattern = LazyLock::new(|| {
    let digit = "[0-9０-９]";
    // Spaces and hyphens of any width.
    let gap = r"[ \u{a0}\u{2000}-\u{200a}\u{202f}\u{3000}\u{2010}-\u{2015}\u{2212}－-]";
    let joint = format!("[{HIDDEN}]*(?:[.．xX]|{gap}?[()（）]?{gap}?)[{HIDDEN}]*");
    Regex::new(&format!("[(（]?[+＋]?[(（]?[{HIDDEN}]*{digit}(?:{joint}{digit})+[xXＸｘ]?")).ok()
});

/// Puts what `mark` gives in place of each number; `None` leaves it. Of a run of several, the
/// longest stretch from the left that is somebody's is taken.
pub(super) fn replace(text: &str, mut mark: impl FnMut(Detail) -> Option<&'static str>) -> String {
    let Some(run) = RUN.as_ref() else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for found in run.find_iter(text).filter(is_long_enough) {
        for hit in Run::new(text, &found).hits() {
            if let Some(instead) = mark(hit.detail) {
                out.push_str(text.get(end..hit.place.start).unwrap_or_default());
                out.push_str(instead);
                end = hit.place.end;
            }
        }
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

fn is_long_enough(found: &Match<'_>) -> bool {
    found.as_str().chars().filter(|c| c.is_numeric()).count() >= FEWEST_DIGITS
}

/// A number of a person, and where it stands in its text, in bytes.
#[derive(Debug)]
struct Hit {
    detail: Detail,
    place: Range<usize>,
}

/// A stretch of a run, and what stands around it.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    /// In ASCII: digits; spaces, hyphens, dots, brackets and `x` between; a plus in front.
    pub(super) number: &'a str,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
    /// A number beside it is as long as its own outermost group, as in the row of a table.
    pub(super) is_in_row: bool,
}

impl Stretch<'_> {
    /// Whose number it is, if anybody's.
    fn detail(&self) -> Option<Detail> {
        if digits_of(self.number).len() < FEWEST_DIGITS || amount::has_thousands(self) {
            return None;
        }
        if check::is_id(self) {
            return Some(Detail::Id);
        }
        let is_card = check::is_card(self);
        let is_somebodys = (is_card || phone::is_phone(self)) && !amount::is_figure(self);
        is_somebodys.then_some(if is_card { Detail::Card } else { Detail::Phone })
    }
}

pub(super) fn digits_of(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// A run in ASCII, and where it stands.
#[derive(Debug)]
struct Run<'a> {
    text: &'a str,
    plain: String,
    /// Where in the text each of its characters begins and the last one ends, in bytes.
    places: Vec<usize>,
    /// Where in `plain` its groups of digits stand.
    groups: Vec<Range<usize>>,
}

impl<'a> Run<'a> {
    fn new(text: &'a str, found: &Match<'_>) -> Self {
        let seen = || found.as_str().char_indices().filter(|(_, c)| !is_hidden(*c));
        let plain: String = seen().map(|(_, c)| in_ascii(c)).collect();
        let places = seen().map(|(place, _)| found.start() + place).chain([found.end()]).collect();
        let groups = groups_of(&plain);
        Self { text, plain, places, groups }
    }

    fn hits(&self) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut from = 0;
        while from < self.groups.len() {
            match self.hit(from) {
                Some((hit, next)) => {
                    hits.push(hit);
                    from = next;
                }
                None => from += 1,
            }
        }
        hits
    }

    /// The longest stretch from a group on that is somebody's, and the group behind it.
    fn hit(&self, from: usize) -> Option<(Hit, usize)> {
        if !self.is_apart(from) {
            return None;
        }
        let first = self.groups.get(from)?.start;
        let opening = self.plain.get(..first)?.trim_end_matches(['+', '(']).len();
        let last = from + self.reach(from);
        (from + 1..=last).rev().filter(|to| self.is_apart(*to)).find_map(|to| {
            let end = self.groups.get(to - 1)?.end;
            // The check digit of an identity number may be an X.
            let letter = usize::from(self.plain.get(end..)?.starts_with('x'));
            let is_in_row = self.is_in_row(from, to);
            let ends = (end..=end + letter).rev();
            let mut spans = ends.flat_map(|end| (opening..=first).map(move |begin| begin..end));
            let hit = spans.find_map(|span| self.judge(span, is_in_row))?;
            Some((hit, to))
        })
    }

    /// How many groups from one on may be one number.
    fn reach(&self, from: usize) -> usize {
        let mut digits = 0;
        let fits = |group: &&Range<usize>| {
            digits += group.len();
            digits <= MOST_DIGITS
        };
        self.groups.iter().skip(from).take(MOST_GROUPS).take_while(fits).count()
    }

    /// Whether a number may end before a group, and another one begin with it: hyphens and
    /// dots hold groups together.
    fn is_apart(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.groups.get(before));
        let (Some(before), Some(group)) = (before, self.groups.get(at)) else { return true };
        self.plain.get(before.end..group.start).unwrap_or_default().contains([' ', '(', ')', 'x'])
    }

    fn is_in_row(&self, from: usize, to: usize) -> bool {
        let length = |at: usize| self.groups.get(at).map(|group| group.len());
        from.checked_sub(1).is_some_and(|before| length(before) == length(from))
            || length(to) == length(to - 1)
    }

    fn judge(&self, span: Range<usize>, is_in_row: bool) -> Option<Hit> {
        let (start, end) = (*self.places.get(span.start)?, *self.places.get(span.end)?);
        let (before, after) = (self.text.get(..start)?, self.text.get(end..)?);
        let stretch = Stretch { number: self.plain.get(span)?, before, after, is_in_row };
        Some(Hit { detail: stretch.detail()?, place: start..end })
    }
}

/// As [`HIDDEN`] says.
const fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// A character of a run in ASCII.
fn in_ascii(c: char) -> char {
    match c {
        '0'..='9' | '+' | '(' | ')' | '.' => c,
        'x' | 'X' => 'x',
        // As wide as Chinese characters.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' ').to_ascii_lowercase(),
        _ if c.is_whitespace() => ' ',
        _ => '-',
    }
}

fn groups_of(plain: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (place, _) in plain.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match groups.last_mut() {
            Some(group) if group.end == place => group.end += 1,
            Some(_) | None => groups.push(place..place + 1),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_run_only_so_much_is_tried_as_may_be_a_number() {
        for (numbers, most) in [("1 ", 11), ("2345 ", 4), ("2345-", 4), ("20230310160000123 ", 1)] {
            let text = numbers.repeat(1000);
            let found = RUN.as_ref().unwrap().find(&text).unwrap();
            let run = Run::new(&text, &found);
            assert_eq!(run.groups.len(), 1000, "it is one run");
            assert!((0..1000).all(|from| run.reach(from) <= most), "{numbers}");
            assert_eq!(replace(&text, |_| Some("")), text);
        }
    }
}
