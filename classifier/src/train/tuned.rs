//! The heads that were fine-tuned with the encoder, beside those that are fitted on the finished
//! one: these learn from texts that it knows by heart already. Which counts how much is chosen on dev.

use std::collections::BTreeMap;
use std::path::Path;

use super::calibrate;
use super::fit::{Case, Kind};
use crate::error::Result;
use crate::features;
use crate::finetune::HEADS;
use crate::heads::{EVENTS, Head, NAME_EVENT, NAME_SENTIMENT, SENTIMENT, SENTIMENTS, TOPICS};
use crate::model::WEIGHTS;
use crate::taxonomy::Taxonomy;
use crate::weight_file::WeightFile;
use crate::weights::Linear;

/// What is tried for the share of a tuned head, in tenths.
const SHARES: std::ops::RangeInclusive<u8> = 0..=10;

/// Tuned heads on the features of fitted ones, by name; none where the base holds none.
#[derive(Debug, Default)]
pub(super) struct Tuned(BTreeMap<&'static str, Head>);

impl Tuned {
    /// Those beside the encoder in `base`, of width `hidden`, for heads that see `taps` layers of
    /// which the last is the encoder's last. An error when they are of another taxonomy.
    pub(super) fn read(base: &Path, hidden: usize, taps: usize, taxonomy: &Taxonomy) -> Result<Self> {
        let file = WeightFile::open(&base.join(WEIGHTS))?;
        if !file.has(&format!("{}.weight", HEADS.sentiment)) {
            return Ok(Self::default());
        }
        let read = |name: &str, outputs: usize, inputs: usize| -> Result<Linear> {
            Ok(Linear {
                weight: file.values(&format!("{name}.weight"), outputs * inputs)?,
                bias: file.values(&format!("{name}.bias"), outputs)?,
            })
        };
        let (topics, events) = (taxonomy.topics.len(), taxonomy.events.len());
        // The tuned heads see the mean of the last layer, and of a name that of its tokens.
        let document = [(taps - 1) * hidden];
        let wide = features::document_width(taps, hidden);
        let of_document = |name: &str, outputs: usize| -> Result<Head> {
            Ok(Head::linear(&spread(&read(name, outputs, hidden)?, &document, hidden, wide)))
        };
        let mention = read(HEADS.mention, SENTIMENTS + events, 2 * hidden)?;
        let [own, whole] = features::mention_means(hidden);
        let wide = features::mention_width(hidden);
        let of_name = |outputs: std::ops::Range<usize>| {
            Head::linear(&spread(&part(&mention, outputs), &[own, whole], hidden, wide))
        };
        Ok(Self(BTreeMap::from([
            (SENTIMENT, of_document(HEADS.sentiment, SENTIMENTS)?),
            (TOPICS, of_document(HEADS.topics, topics)?),
            (EVENTS, of_document(HEADS.events, events)?),
            (NAME_SENTIMENT, of_name(0..SENTIMENTS)),
            (NAME_EVENT, of_name(SENTIMENTS..SENTIMENTS + events)),
        ])))
    }

    /// `fitted` with the share of the tuned head that has the least loss on the dev cases, and
    /// that share; 0 without a tuned head or dev cases.
    pub(super) fn beside(&self, name: &str, mut fitted: Head, cases: &[Case<'_>], kind: Kind) -> (Head, f64) {
        let Some(mut tuned) = self.0.get(name).cloned() else { return (fitted, 0.0) };
        for head in [&mut fitted, &mut tuned] {
            calibrate::temperature(head, cases, kind);
        }
        let tried = SHARES.map(|tenths| {
            let share = f64::from(tenths) / 10.0;
            let mut head = match tenths {
                0 => fitted.clone(),
                10 => tuned.clone(),
                _ => fitted.joined(&tuned, share as f32),
            };
            let dev = calibrate::temperature(&mut head, cases, kind);
            (calibrate::loss(&dev, 1.0, kind), head, share)
        });
        let best = tried.min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or((fitted, 0.0), |(_, head, share)| (head, share))
    }
}

/// Some outputs of a linear map.
fn part(map: &Linear, outputs: std::ops::Range<usize>) -> Linear {
    let inputs = map.weight.len() / map.bias.len();
    let weight = map.weight.get(outputs.start * inputs..outputs.end * inputs).unwrap_or_default();
    Linear { weight: weight.to_vec(), bias: map.bias.get(outputs).unwrap_or_default().to_vec() }
}

/// The same map on `wide` inputs, of which those of `map` begin at `places`, `hidden` at each.
fn spread(map: &Linear, places: &[usize], hidden: usize, wide: usize) -> Linear {
    let mut weight = vec![0.0; map.bias.len() * wide];
    let rows = map.weight.chunks_exact(places.len() * hidden);
    for (to, from) in weight.chunks_exact_mut(wide).zip(rows) {
        for (place, values) in places.iter().zip(from.chunks_exact(hidden)) {
            if let Some(to) = to.get_mut(*place..place + hidden) {
                to.copy_from_slice(values);
            }
        }
    }
    Linear { weight, bias: map.bias.clone() }
}
