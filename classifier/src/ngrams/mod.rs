//! A second opinion beside the encoder: for some heads a linear map from the words and
//! runs of characters of a text to the same logits. It is fitted by itself and added by
//! weight, as it errs on other texts. Owns the tables and their file.

mod cut;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{ModelConfig, NGRAMS};
use crate::weight_file::WeightFile;
use crate::weights::Table;
pub use cut::{BUCKETS, Cut, Script, cut};

/// The table of one head: a row of logits for each bucket, or for each few of them.
#[derive(Debug, Clone)]
pub struct Scores {
    /// [`BUCKETS`] rows or a power of two less, of as many values as the head has outputs.
    pub rows: Table,
    pub bias: Vec<f32>,
}

/// The row of a bucket in a table of `rows` rows.
pub(crate) const fn row(bucket: u32, rows: usize) -> usize {
    (bucket >> (BUCKETS / rows).ilog2()) as usize
}

impl Scores {
    /// The sum of the rows of a text's pieces over the root of their number, and the bias.
    pub fn logits(&self, cut: &Cut) -> Vec<f32> {
        let mut sum = vec![0.0; self.bias.len()];
        let rows = self.rows.len() / self.bias.len();
        for bucket in &cut.buckets {
            self.rows.add_row(row(*bucket, rows), &mut sum);
        }
        let scale = scale(cut);
        sum.iter().zip(&self.bias).map(|(s, b)| s * scale + b).collect()
    }
}

/// What each piece of a text counts: together they have length 1.
pub(crate) fn scale(cut: &Cut) -> f32 {
    1.0 / (cut.buckets.len().max(1) as f32).sqrt()
}

/// How much the logits of a head and those of its table count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    pub head: f32,
    pub ngrams: f32,
}

impl Blend {
    /// The head alone.
    pub const HEAD: Self = Self { head: 1.0, ngrams: 0.0 };

    /// `head · logits + ngrams · ngrams`, in place.
    pub fn apply(self, logits: &mut [f32], ngrams: &[f32]) {
        for (z, n) in logits.iter_mut().zip(ngrams) {
            *z = self.head * *z + self.ngrams * n;
        }
    }
}

/// A blend for each script.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blends {
    pub latin: Blend,
    pub han: Blend,
}

impl Blends {
    pub const fn of(&self, script: Script) -> Blend {
        match script {
            Script::Latin => self.latin,
            Script::Han => self.han,
        }
    }
}

/// The tables of a model, by head.
#[derive(Debug, Clone, Default)]
pub struct Ngrams(pub BTreeMap<String, Scores>);

impl Ngrams {
    /// The tables that the configuration blends in; no file is read when there are none.
    pub fn read(folder: &Path, config: &ModelConfig) -> Result<Self> {
        if config.blends.is_empty() {
            return Ok(Self::default());
        }
        let file = WeightFile::open(&folder.join(NGRAMS))?;
        let one = |head: &String| {
            let outputs = config.outputs(head);
            let bias = file.values(&name(head, BIAS), outputs)?;
            let rows = file.table(&name(head, WEIGHT))?;
            let count = rows.len() / outputs;
            if !count.is_power_of_two() || count > BUCKETS || rows.len() != count * outputs {
                let (name, values) = (name(head, WEIGHT), rows.len());
                return Err(file.unfit(format!("tensor {name} has {values} values of {outputs} a row")));
            }
            Ok((head.clone(), Scores { rows, bias }))
        };
        Ok(Self(config.blends.keys().map(one).collect::<Result<_>>()?))
    }
}

pub(crate) const WEIGHT: &str = "weight";
pub(crate) const BIAS: &str = "bias";

/// Tensor `part` of the table of `head`.
pub(crate) fn name(head: &str, part: &str) -> String {
    format!("{head}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_scores_the_mean_direction_of_its_pieces() {
        let mut rows = vec![0.0; 2 * BUCKETS];
        for bucket in cut("shares fell").buckets {
            rows[2 * bucket as usize] = 1.0;
        }
        let scores = Scores { rows: Table::F32(rows), bias: vec![0.5, -0.5] };
        // Two words, their pair, the beginning of one: four pieces of 1/2 each.
        assert_eq!(scores.logits(&cut("shares fell")), [2.5, -0.5]);
        assert_eq!(scores.logits(&cut("...")), [0.5, -0.5]);
    }

    #[test]
    fn a_smaller_table_shares_its_rows() {
        assert_eq!([0, 1, 65_535].map(|bucket| row(bucket, BUCKETS)), [0, 1, 65_535]);
        assert_eq!([0, 1, 2, 65_535].map(|bucket| row(bucket, BUCKETS / 2)), [0, 0, 1, 32_767]);
    }

    #[test]
    fn each_script_has_its_own_blend() {
        let half = Blend { head: 0.5, ngrams: 2.0 };
        let blends = Blends { latin: half, han: Blend::HEAD };
        let blended = |script| {
            let mut logits = vec![1.0, -2.0];
            blends.of(script).apply(&mut logits, &[3.0, 1.0]);
            logits
        };
        assert_eq!((blended(Script::Latin), blended(Script::Han)), (vec![6.5, 1.0], vec![1.0, -2.0]));
    }
}
