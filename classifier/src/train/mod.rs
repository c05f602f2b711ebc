//! Training of the heads on a frozen encoder: reads the sets, runs the encoder once, fits each
//! head, joins it with the one tuned with the encoder, calibrates it, fits n-grams beside them,
//! writes a model folder with its card.

mod blend;
pub mod cache;
pub mod calibrate;
mod card;
mod cases;
mod compared;
mod counts;
pub mod data;
pub mod fit;
mod heads;
mod labels;
mod minimise;
mod ngrams;
mod places;
mod row;
mod run;
pub(crate) mod texts;
mod tuned;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

pub(crate) use cases::require_labels;
pub use counts::{Sets, Texts};
use data::Example;
pub use fit::FitOptions;
pub use run::{Report, TrainOptions, run};

/// Shuffles by `seed`, all the annotated first, then what was labelled under the same guide, and at most
/// `limit` training texts and a third as many dev texts of each public set (0: all).
pub fn order(mut examples: Vec<Example>, seed: u64, limit: usize) -> Vec<Example> {
    examples.shuffle(&mut StdRng::seed_from_u64(seed));
    examples.sort_by_key(|e| e.set != data::ANNOTATED_SET);
    let mut taken = std::collections::HashMap::<String, usize>::new();
    examples.retain(|e| {
        let count = taken.entry(format!("{} {}", e.set, e.dev)).or_default();
        *count += 1;
        let most = if e.dev { limit.div_ceil(3) } else { limit };
        limit == 0 || *count <= most || data::is_guided(&e.set)
    });
    examples
}
