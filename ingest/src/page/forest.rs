//! Learned judgement of blocks: decision trees, each of which says a little for or against
//! a block by what is known of it. `bench/extract/train.py` learns them.

use std::sync::LazyLock;

use super::features::Row;

static TREES: LazyLock<Forest> = LazyLock::new(|| Forest::read(include_bytes!("weights.bin")));

/// Stands for a feature in a leaf.
const LEAF: u16 = u16::MAX;

/// Rows that one tree judges after the other: as many as stay near together with it.
const TOGETHER: usize = 16;

/// Of each block the probability that it belongs to the text, 0 to 1.
pub(super) fn judge(rows: &[Row]) -> Vec<f32> {
    TREES.probabilities(rows)
}

#[derive(Debug, Clone, Copy)]
struct Node {
    feature: u16,
    /// Place in the tree; the left child follows.
    right: u16,
    /// Threshold, or what the leaf says.
    value: f32,
}

/// A sum of decision trees.
#[derive(Debug, Default)]
struct Forest {
    roots: Vec<usize>,
    nodes: Vec<Node>,
}

impl Forest {
    /// In the form that `train.py` writes; what is missing of it judges nothing.
    fn read(mut bytes: &[u8]) -> Self {
        let (mut forest, bytes) = (Self::default(), &mut bytes);
        while let Some(count) = take(bytes).map(u16::from_le_bytes) {
            let root = forest.nodes.len();
            forest.roots.push(root);
            for _ in 0..count {
                let (Some(feature), Some(right), Some(value)) = (take(bytes), take(bytes), take(bytes))
                else {
                    break;
                };
                forest.nodes.push(Node {
                    feature: u16::from_le_bytes(feature),
                    right: u16::from_le_bytes(right),
                    value: f32::from_le_bytes(value),
                });
            }
        }
        forest
    }

    fn probabilities(&self, rows: &[Row]) -> Vec<f32> {
        let mut sums = vec![0.0_f32; rows.len()];
        for (sums, rows) in sums.chunks_mut(TOGETHER).zip(rows.chunks(TOGETHER)) {
            for root in &self.roots {
                sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum += self.leaf(*root, row));
            }
        }
        sums.into_iter().map(|sum| 1.0 / (1.0 + (-sum).exp())).collect()
    }

    fn leaf(&self, root: usize, row: &[f32]) -> f32 {
        let mut at = root;
        while let Some(node) = self.nodes.get(at) {
            if node.feature == LEAF {
                return node.value;
            }
            let value = row.get(usize::from(node.feature)).copied().unwrap_or_default();
            at = if value <= node.value { at + 1 } else { root + usize::from(node.right) };
        }
        0.0
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forest_sums_the_leaves_that_a_row_falls_into() {
        let node = |feature: u16, right: u16, value: f32| {
            [&feature.to_le_bytes()[..], &right.to_le_bytes(), &value.to_le_bytes()].concat()
        };
        let count = 3_u16.to_le_bytes().to_vec();
        let tree = [count, node(1, 2, 0.5), node(LEAF, 0, -2.0), node(LEAF, 0, 2.0)].concat();
        let forest = Forest::read(&[tree.clone(), tree].concat());
        let rows: Vec<Row> = (0..40).map(|n| vec![9.0, if n == 17 { 0.6 } else { 0.5 }]).collect();
        let probabilities = forest.probabilities(&rows);
        assert_eq!(probabilities.len(), rows.len());
        for (n, probability) in probabilities.into_iter().enumerate() {
            assert!(if n == 17 { probability > 0.98 } else { probability < 0.02 }, "{n}: {probability}");
        }
    }

    #[test]
    fn the_shipped_weights_are_whole() {
        let forest = Forest::read(include_bytes!("weights.bin"));
        assert!(forest.roots.len() > 10);
        let ends = forest.roots.iter().skip(1).copied().chain([forest.nodes.len()]);
        for (root, end) in forest.roots.iter().zip(ends) {
            assert!(forest.nodes[*root..end].iter().all(|node| usize::from(node.right) < end - root));
        }
    }
}
