//! Which blocks of a page are taken for its text, given how likely each is to be part of it.

use std::collections::HashSet;

use super::blocks::Block;

/// A page on which no block is likelier than this has no text.
const LEAST: f32 = 0.05;
/// Tokens from which a text that stands on the page twice is taken once.
const LONG: f32 = 15.0;

/// The blocks that together promise the best F1 of tokens: the likeliest ones, down to where one more would
/// cost more precision than it gives recall. Where a page leaves no doubt that is a probability of one half,
/// where it leaves much doubt less.
pub(super) fn of(blocks: &[Block], probabilities: &[f32]) -> Vec<bool> {
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
    chosen
}

fn take_once(blocks: &[Block], chosen: &mut [bool]) {
    let mut taken = HashSet::new();
    for (block, chosen) in blocks.iter().zip(chosen) {
        *chosen = *chosen && (block.count.tokens < LONG || taken.insert(block.text.as_str()));
    }
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
        of(&blocks, &probabilities)
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
    fn a_paragraph_that_stands_twice_is_taken_once_and_a_short_line_as_often_as_it_stands() {
        let block = |text: &str, tokens| Block {
            text: text.to_owned(),
            count: Count { tokens, ..Count::default() },
            parent: 0,
        };
        let blocks = [block("long", 20.0), block("short", 3.0), block("long", 20.0), block("short", 3.0)];
        assert_eq!(of(&blocks, &[0.9; 4]), [true, true, false, true]);
    }
}
