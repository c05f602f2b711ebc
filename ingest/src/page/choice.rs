//! Which blocks of a page are taken for its text, given how likely each is to be part of it.

use std::collections::HashSet;

use super::blocks::Block;
use super::dom::Dom;

/// A page on which no block is likelier than this has no text.
const LEAST: f32 = 0.05;
/// Tokens from which a text that stands on the page twice is taken once, and from which one is a paragraph.
const LONG: f32 = 15.0;
/// Most tokens of a heading between paragraphs, and share of them in links from which it leads elsewhere.
const HEADING: f32 = 25.0;
const LINKED: f32 = 0.5;

/// The blocks that together promise the best F1 of tokens: the likeliest ones, down to where one more would
/// cost more precision than it gives recall. Where a page leaves no doubt that is a probability of one half,
/// where it leaves much doubt less.
pub(super) fn of(dom: &Dom<'_>, blocks: &[Block], probabilities: &[f32]) -> Vec<bool> {
    let tokens = |at: usize| blocks.get(at).map_or(0.0, |block| block.count.tokens);
    let probability = |at: usize| probabilities.get(at).copied().unwrap_or_default();
    let mut chosen = vec![false; blocks.len()];
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by(|a, b| probability(*b).total_cmp(&probability(*a)));
    if order.first().is_none_or(|first| probability(*first) < LEAST) {
        return chosen;
    }
    let expected: f32 = order.iter().map(|at| probability(*at) * tokens(*at)).sum();
    let (mut taken, mut right, mut best, mut count) = (0.0, 0.0, 0.0, 0);
    for (place, at) in order.iter().enumerate() {
        taken += tokens(*at);
        right += probability(*at) * tokens(*at);
        let f1 = 2.0 * right / (taken + expected).max(f32::MIN_POSITIVE);
        if f1 > best {
            (best, count) = (f1, place + 1);
        }
    }
    for at in order.into_iter().take(count) {
        if let Some(chosen) = chosen.get_mut(at) {
            *chosen = true;
        }
    }
    take_once(blocks, &mut chosen);
    take_headings(dom, blocks, &mut chosen);
    chosen
}

/// A copy of what was taken goes, unless it stands within the text: there it is a quotation, or a recipe for each day.
fn take_once(blocks: &[Block], chosen: &mut [bool]) {
    let mut taken = HashSet::new();
    let mut copies = vec![false; blocks.len()];
    for ((block, chosen), is_copy) in blocks.iter().zip(&mut *chosen).zip(&mut copies) {
        *is_copy = *chosen && block.count.tokens >= LONG && !taken.insert(block.text.as_str());
        *chosen &= !*is_copy;
    }
    for at in within(chosen) {
        if let (Some(chosen), Some(true)) = (chosen.get_mut(at), copies.get(at)) {
            *chosen = true;
        }
    }
}

/// Takes a heading between what was taken, of the paragraph that follows.
fn take_headings(dom: &Dom<'_>, blocks: &[Block], chosen: &mut [bool]) {
    let is_heading = |block: &Block| {
        let is_own = dom.tag(block.parent).is_some_and(|tag| tag.heading() > 0);
        is_own && block.count.tokens <= HEADING && block.count.link_density() < LINKED
    };
    for at in within(chosen) {
        let (Some(block), Some(next)) = (blocks.get(at), blocks.get(at + 1)) else { continue };
        if is_heading(block)
            && next.count.tokens >= LONG
            && let Some(chosen) = chosen.get_mut(at)
        {
            *chosen = true;
        }
    }
}

/// The places that were not taken and stand alone between two that were.
fn within(chosen: &[bool]) -> Vec<usize> {
    let near = chosen.windows(3).enumerate();
    near.filter(|(_, near)| matches!(near, [true, false, true])).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::super::blocks::Count;
    use super::*;

    fn chosen(blocks: &[(f32, f32)]) -> Vec<bool> {
        let block = |(at, (tokens, p)): (usize, &(f32, f32))| {
            let count = Count { tokens: *tokens, ..Count::default() };
            (Block { text: at.to_string(), count, ..Block::default() }, *p)
        };
        let (blocks, probabilities): (Vec<_>, Vec<_>) = blocks.iter().enumerate().map(block).unzip();
        of(&Dom::parse(""), &blocks, &probabilities)
    }

    #[test]
    fn without_doubt_half_is_enough_and_in_doubt_less() {
        assert_eq!(chosen(&[(100.0, 0.99), (100.0, 0.4), (100.0, 0.98)]), [true, false, true]);
        assert_eq!(chosen(&[(100.0, 0.5), (100.0, 0.4), (100.0, 0.4)]), [true, true, true]);
    }

    #[test]
    fn a_page_on_which_nothing_is_likely_has_no_text() {
        assert_eq!(chosen(&[(100.0, 0.04), (10.0, 0.03)]), [false, false]);
        assert!(chosen(&[]).is_empty());
    }

    #[test]
    fn a_copy_goes_and_what_stands_twice_within_the_text_stays() {
        let block = |text: &str, tokens| Block {
            text: text.to_owned(),
            count: Count { tokens, ..Count::default() },
            parent: 0,
        };
        let copied = [block("one", 20.0), block("short", 3.0), block("one", 20.0), block("two", 20.0)];
        assert_eq!(of(&Dom::parse(""), &copied, &[0.9, 0.9, 0.9, 0.0]), [true, true, false, false]);
        let both = [block("one", 20.0), block("two", 20.0), block("one", 20.0), block("two", 20.0)];
        assert_eq!(of(&Dom::parse(""), &both, &[0.9; 4]), [true, true, false, false]);
        let within = [block("one", 20.0), block("short", 3.0), block("one", 20.0), block("short", 3.0)];
        assert_eq!(of(&Dom::parse(""), &within, &[0.9; 4]), [true; 4]);
    }

    #[test]
    fn a_heading_between_paragraphs_is_taken_with_the_one_that_follows() {
        let (paragraph, no) = ("the bank said so ".repeat(5), 0.1);
        let chosen = |heading: &str, next: &str| {
            let dom = format!("<p>{paragraph}</p>{heading}<p>{next}</p>");
            let dom = Dom::parse(&dom);
            of(&dom, &super::super::blocks::of(&dom), &[0.99, no, 0.99])
        };
        assert_eq!(chosen("<h2>What it said</h2>", &paragraph.replace("so", "no")), [true; 3]);
        let expected = [true, false, true];
        assert_eq!(chosen("<h2><a href=/x>What it said</a></h2>", &paragraph.replace("so", "no")), expected);
        assert_eq!(chosen("<h2>Read on</h2>", "Shares fell."), expected);
        assert_eq!(chosen("<p>What it said</p>", &paragraph.replace("so", "no")), expected);
    }
}
