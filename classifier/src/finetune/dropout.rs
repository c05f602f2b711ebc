//! Dropout of inverted form: what is kept is scaled up, so that nothing changes at
//! inference. The mask follows from a seed and the place alone, so the backward pass
//! computes it again instead of keeping it.

/// Which values are dropped in one pass of one worker.
/// By default none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Dropout {
    /// Probability of being dropped, rounded to a multiple of 1/256; below 1.
    pub(super) share: f32,
    pub(super) seed: u64,
}

impl Dropout {
    /// Drops from `values`, which are those of `place` in the network.
    pub(super) fn apply(self, place: u64, values: &mut [f32]) {
        let bound = (256.0 * self.share).round().min(255.0) as u8;
        if bound == 0 {
            return;
        }
        let keep = 256.0 / (256.0 - f32::from(bound));
        let base = mix(self.seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for (index, eight) in values.chunks_mut(8).enumerate() {
            let bits = mix(base.wrapping_add(index as u64)).to_le_bytes();
            for (value, byte) in eight.iter_mut().zip(bits) {
                *value *= if byte < bound { 0.0 } else { keep };
            }
        }
    }
}

/// The finaliser of SplitMix64.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_stays_and_the_same_place_drops_the_same() {
        let dropout = Dropout { share: 0.1, seed: 3 };
        let drop = |place| {
            let mut values = vec![1.0; 20_000];
            dropout.apply(place, &mut values);
            values
        };
        let values = drop(1);
        let mean = values.iter().sum::<f32>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!(values.contains(&0.0));
        assert_eq!(values, drop(1));
        assert_ne!(values, drop(2));
    }

    #[test]
    fn a_share_of_nothing_drops_nothing() {
        let mut values = vec![1.0; 64];
        Dropout { share: 0.0, seed: 3 }.apply(1, &mut values);
        assert_eq!(values, [1.0; 64]);
    }
}
