//! How much n-grams count beside a head: two numbers for each script, chosen on dev.

use super::calibrate::{self, Judged};
use super::fit::Kind;
use crate::heads::{EVENTS, SENTIMENT, TOPICS};
use crate::ngrams::{Blend, Blends, Scores, Script, cut};

/// Most that n-grams may count, in tenths. Dev texts are like training texts and would have
/// more of them; texts of other sources would not. On annotated English texts, with n-grams
/// fitted on the other sets alone, these weights cost about .01 of accuracy of sentiment (its
/// loss stays the same), .009 of micro-F1 of topics and .006 of events. Three times as much
/// cost .035 of sentiment and .034 of events; .7 of topics cost .039.
const MOST: [(&str, u8); 3] = [(SENTIMENT, 2), (TOPICS, 4), (EVENTS, 1)];
/// What is tried for the head, in tenths.
const HEAD: std::ops::RangeInclusive<u8> = 4..=13;

/// The blend of each script that is best on its dev texts, for classes by their loss, for
/// labels by micro-F1 at the best thresholds. Without n-grams where they do not help.
pub(super) fn choose(head: &str, dev: &[Judged<'_>], scores: &Scores, kind: Kind) -> Blends {
    let most = MOST.iter().find(|(name, _)| *name == head).map_or(0, |(_, most)| *most);
    let of = |script| {
        let told = dev.iter().map(|d| (d, cut(d.case.text))).filter(|(_, cut)| cut.script == script);
        let told: Vec<Told<'_>> =
            told.map(|(judged, cut)| Told { judged, ngrams: scores.logits(&cut) }).collect();
        if told.is_empty() { Blend::HEAD } else { best(&told, kind, most) }
    };
    Blends { latin: of(Script::Latin), han: of(Script::Han) }
}

/// The dev texts as they are judged with the n-grams.
pub(super) fn apply(dev: &mut [Judged<'_>], scores: &Scores, blends: &Blends) {
    for judged in dev {
        let cut = cut(judged.case.text);
        blends.of(cut.script).apply(&mut judged.logits, &scores.logits(&cut));
    }
}

/// A dev text and what the n-grams say of it.
struct Told<'a> {
    judged: &'a Judged<'a>,
    ngrams: Vec<f32>,
}

fn best(told: &[Told<'_>], kind: Kind, most: u8) -> Blend {
    let tenths = |n: u8| f32::from(n) / 10.0;
    let with = |ngrams: u8| {
        let tried = HEAD.map(|head| {
            let blend = Blend { head: tenths(head), ngrams: tenths(ngrams) };
            let dev = blended(told, blend);
            (calibrate::loss(&dev, 1.0, kind), blend, dev)
        });
        let (loss, blend, dev) = tried.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let cost = match kind {
            Kind::One => loss,
            Kind::Many => -calibrate::micro_f1(&dev, &calibrate::thresholds(&dev)),
        };
        Some((cost, blend))
    };
    let best = (0..=most).filter_map(with).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(Blend::HEAD, |(_, blend)| blend)
}

fn blended<'a>(told: &[Told<'a>], blend: Blend) -> Vec<Judged<'a>> {
    let one = |told: &Told<'a>| {
        let mut judged = told.judged.clone();
        blend.apply(&mut judged.logits, &told.ngrams);
        judged
    };
    told.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ngrams::BUCKETS;
    use crate::train::data::Goal;
    use crate::train::fit::Case;
    use crate::weights::Table;

    /// Eight texts of either script; the truth is told by "up" and "涨".
    fn cases() -> Vec<Case<'static>> {
        let texts = ["up a", "up b", "down c", "down d", "涨一", "涨二", "跌三", "跌四"];
        let case = |text: &'static str| {
            let up = text.starts_with("up") || text.starts_with('涨');
            let labels = if up { vec![0.0, 1.0] } else { vec![1.0, 0.0] };
            let goal = Goal { labels, weights: vec![1.0; 2], first: None };
            Case { text, features: &[], goal, weight: 1.0, dev: true }
        };
        texts.map(case).into()
    }

    /// A table that knows of one text only.
    fn scores(text: &str, row: [f32; 2]) -> Scores {
        let mut rows = vec![0.0; 2 * BUCKETS];
        for bucket in cut(text).buckets {
            rows[2 * bucket as usize..][..2].copy_from_slice(&row);
        }
        Scores { rows: Table::F32(rows), bias: vec![0.0; 2] }
    }

    /// What a head without a clue says, or one that knows.
    fn judged<'a>(cases: &'a [Case<'a>], knows: f32) -> Vec<Judged<'a>> {
        let logits = |case: &Case<'_>| case.goal.labels.iter().map(|y| knows * y).collect();
        cases.iter().map(|case| Judged { logits: logits(case), case }).collect()
    }

    #[test]
    fn n_grams_count_in_the_script_where_they_help_and_no_more_than_is_allowed() {
        let cases = cases();
        let dev = judged(&cases, 0.1);
        let right = scores("up", [-1.0, 1.0]);
        let blends = choose(SENTIMENT, &dev, &right, Kind::One);
        assert!((blends.latin.ngrams - 0.2).abs() < 1e-6, "{blends:?}");
        assert!(blends.han.ngrams == 0.0, "the table knows no ideograph: {blends:?}");
        let wrong = scores("up", [1.0, -1.0]);
        for kind in [Kind::One, Kind::Many] {
            let blends = choose(TOPICS, &judged(&cases, 3.0), &wrong, kind);
            assert!(blends.latin.ngrams == 0.0 && blends.han.ngrams == 0.0, "{kind:?}: {blends:?}");
        }
    }

    #[test]
    fn what_is_applied_is_what_was_chosen() {
        let cases = cases();
        let mut dev = judged(&cases, 1.0);
        let half = Blend { head: 0.5, ngrams: 0.1 };
        apply(&mut dev, &scores("up", [-2.0, 2.0]), &Blends { latin: half, han: Blend::HEAD });
        // "up a": one of its three pieces is known.
        let piece = 0.1 * 2.0 / 3f32.sqrt();
        assert!((dev[0].logits[1] - (0.5 + piece)).abs() < 1e-6, "{:?}", dev[0].logits);
        assert_eq!(dev[7].logits, [1.0, 0.0]);
    }
}
