//! What blocks add up to. Knows nothing of the elements that they stand in.

use super::super::blocks::{Block, Count};

/// Sums over an element, or over elements that look alike.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) count: Count,
    pub(super) blocks: f32,
    /// Blocks that read like a sentence or more.
    pub(super) sentences: f32,
    /// Tokens of blocks that the page repeats in its description or in JSON-LD.
    pub(super) told: f32,
    pub(super) score: f32,
}

impl Sum {
    /// `is_told`: the page repeats the block in its description or in JSON-LD.
    pub(super) fn of(block: &Block, is_told: bool) -> Self {
        Self {
            count: block.count,
            blocks: 1.0,
            sentences: f32::from(u8::from(is_sentence(block))),
            told: if is_told { block.count.tokens } else { 0.0 },
            score: score(block),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.count.add(&other.count);
        self.blocks += other.blocks;
        self.sentences += other.sentences;
        self.told += other.told;
        self.score += other.score;
    }

    pub(super) fn numbers(&self, total: &Self) -> [f32; 10] {
        [
            self.count.tokens,
            self.count.tokens / total.count.tokens.max(1.0),
            self.count.link_density(),
            self.count.stops / self.count.tokens.max(1.0),
            self.blocks,
            self.count.tokens / self.blocks.max(1.0),
            self.sentences / self.blocks.max(1.0),
            self.count.common / self.count.tokens.max(1.0),
            self.count.personal / self.count.tokens.max(1.0),
            self.told,
        ]
    }
}

pub(super) fn is_sentence(block: &Block) -> bool {
    block.count.tokens >= 12.0 && block.count.link_density() < 0.4 && block.count.stops >= 1.0
}

/// How much a block speaks for the elements around it.
fn score(block: &Block) -> f32 {
    let free = block.count.tokens - block.count.linked;
    if free < 8.0 { 0.0 } else { 1.0 + block.count.stops + (free / 20.0).min(4.0) }
}
