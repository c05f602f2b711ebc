//! What the heads see of a text: means and maxima of its token states, and for a
//! name in it the states of its own tokens and of their neighbours.

use crate::encoder::States;

/// Tokens on either side of a name that count as its neighbours.
const NEIGHBOURS: usize = 8;

/// Width of [`document`] for `taps` kept layers.
pub const fn document_width(taps: usize, hidden: usize) -> usize {
    (taps + 1) * hidden
}

/// Width of [`mention`].
pub const fn mention_width(hidden: usize) -> usize {
    4 * hidden
}

/// Where in [`mention`] the means of the name and of the whole text in the last layer begin.
pub(crate) const fn mention_means(hidden: usize) -> [usize; 2] {
    [0, 3 * hidden]
}

/// The mean of each kept layer, then the maximum of the last.
pub fn document(states: States<'_>) -> Vec<f32> {
    let h = states.hidden();
    let mut out = Vec::with_capacity(document_width(states.taps(), h));
    for tap in 0..states.taps() {
        out.extend(mean(states.tap(tap), h, 0..states.tokens()));
    }
    let mut most = vec![f32::MIN; h];
    for row in last(states).chunks_exact(h) {
        most.iter_mut().zip(row).for_each(|(m, v)| *m = m.max(*v));
    }
    out.extend(most);
    out
}

/// For the tokens that touch any of `ranges` (characters `start..end`): their mean
/// in the last layer and in the one kept before it, the mean of the neighbours,
/// and the mean of the whole text. Without a touching token the text stands in.
pub fn mention(states: States<'_>, spans: &[(u32, u32)], ranges: &[(u32, u32)]) -> Vec<f32> {
    let (h, n) = (states.hidden(), states.tokens());
    let own: Vec<usize> =
        (0..n).filter(|i| spans.get(*i).is_some_and(|span| touches(span, ranges))).collect();
    let near = |i: &usize| own.iter().any(|o| o.abs_diff(*i) <= NEIGHBOURS) && !own.contains(i);
    let around: Vec<usize> = (0..n).filter(near).collect();
    let before = states.tap(states.taps().saturating_sub(2));
    let whole = mean(last(states), h, 0..n);
    let or_whole = |rows: &[f32], of: &[usize]| match of {
        [] => whole.clone(),
        _ => mean(rows, h, of.iter().copied()),
    };
    let mut out = or_whole(last(states), &own);
    out.extend(or_whole(before, &own));
    out.extend(or_whole(last(states), &around));
    out.extend(whole.iter());
    out
}

/// Whether a name at `ranges` has a token of its own among `spans`: where it has none,
/// [`mention`] shows the text and not the name.
pub fn is_read(spans: &[(u32, u32)], ranges: &[(u32, u32)]) -> bool {
    spans.iter().any(|span| touches(span, ranges))
}

/// Whether a token has a character in one of `ranges`; both count characters, `start..end`.
pub(crate) fn touches(span: &(u32, u32), ranges: &[(u32, u32)]) -> bool {
    ranges.iter().any(|range| span.0 < range.1 && range.0 < span.1)
}

/// The mean of the last layer at unit length: nearby for texts of one story.
pub fn embedding(states: States<'_>) -> Vec<f32> {
    let mut mean = mean(last(states), states.hidden(), 0..states.tokens());
    let length = mean.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    mean.iter_mut().for_each(|v| *v /= length);
    mean
}

fn last(states: States<'_>) -> &[f32] {
    states.tap(states.taps().saturating_sub(1))
}

fn mean(rows: &[f32], width: usize, of: impl Iterator<Item = usize>) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    let mut count = 0.0;
    for row in of.filter_map(|i| rows.get(i * width..(i + 1) * width)) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        count += 1.0;
    }
    let scale = 1.0 / f32::max(count, 1.0);
    sum.iter_mut().for_each(|s| *s *= scale);
    sum
}
